//! The keys that requests are signed with.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;

/// A pair of keys, and the token of those that are lent.
#[derive(Clone)]
pub(super) struct Keys {
    /// The identifier, which is no secret.
    pub(super) access: String,
    /// The secret.
    pub(super) secret: String,
    /// What lent keys are shown with.
    pub(super) token: Option<String>,
    /// Until when they are lent.
    pub(super) expires: Option<Timestamp>,
}

impl Keys {
    /// From the answer of an instance or a container's endpoint.
    pub(super) fn of_json(text: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Answer {
            access_key_id: String,
            secret_access_key: String,
            token: Option<String>,
            expiration: Option<Timestamp>,
        }
        let answer: Answer = serde_json::from_slice(text).ok()?;
        Some(Self {
            access: answer.access_key_id,
            secret: answer.secret_access_key,
            token: answer.token,
            expires: answer.expiration,
        })
    }

    /// From the answer of the token service. Its elements are nested, but each name stands for one
    /// thing, and no value has a character that XML escapes.
    pub(super) fn of_xml(text: &str) -> Option<Self> {
        Some(Self {
            access: element(text, "AccessKeyId")?.to_owned(),
            secret: element(text, "SecretAccessKey")?.to_owned(),
            token: Some(element(text, "SessionToken")?.to_owned()),
            expires: Some(element(text, "Expiration")?.parse().ok()?),
        })
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "keys (hidden), good until {:?}", self.expires)
    }
}

/// The text of an element that holds nothing else.
pub(super) fn element<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let (_, behind) = text.split_once(&format!("<{name}>"))?;
    let (value, _) = behind.split_once(&format!("</{name}>"))?;
    Some(value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_from_both_kinds_of_answers_and_never_printed() {
        let json = br#"{"Code":"Success","AccessKeyId":"AKID","SecretAccessKey":"hush","Token":"tok","Expiration":"2026-11-25T12:00:00Z"}"#;
        let xml = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>AKID</AccessKeyId>\
                   <SecretAccessKey>hush</SecretAccessKey><SessionToken>tok</SessionToken>\
                   <Expiration>2026-11-25T12:00:00.000Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";
        for keys in [Keys::of_json(json).unwrap(), Keys::of_xml(xml).unwrap()] {
            assert_eq!(
                (keys.access.as_str(), keys.secret.as_str(), keys.token.as_deref()),
                ("AKID", "hush", Some("tok"))
            );
            assert_eq!(keys.expires, Some("2026-11-25T12:00:00Z".parse().unwrap()));
            let shown = format!("{keys:?}");
            assert!(!shown.contains("hush") && !shown.contains("tok"), "{shown}");
        }
        assert!(Keys::of_json(br#"{"Code":"Failed"}"#).is_none() && Keys::of_xml("<Error/>").is_none());
    }
}
