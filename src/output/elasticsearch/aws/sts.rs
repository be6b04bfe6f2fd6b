//! The token service, which lends a role's keys.

use std::path::PathBuf;

use bytes::Bytes;
use jiff::Timestamp;

use super::endpoint::{self, Call, Signing};
use super::error::AwsError;
use super::keys::Keys;
use super::signature::{Scope, query};

/// The name of this service in what is signed.
const SERVICE: &str = "sts";
/// The version of its interface, the only one there is.
const VERSION: &str = "2011-06-15";

/// The service.
#[derive(Debug, Clone)]
pub(super) struct Sts {
    url: String,
    region: String,
}

/// A service account that is known to AWS.
#[derive(Debug)]
pub(super) struct WebIdentity {
    /// The file of its token, which is renewed.
    pub(super) file: PathBuf,
    /// The role to take on.
    pub(super) role: String,
    /// The name of the session, for the account's records.
    pub(super) session: Option<String>,
}

/// A role that other keys may take on.
#[derive(Debug)]
pub(super) struct Role {
    /// Its name.
    pub(super) arn: String,
    /// What the role's owner agreed on with us.
    pub(super) external_id: Option<String>,
}

impl Sts {
    /// The region's, or the one at this address.
    pub(super) fn new(region: &str, endpoint: Option<&str>) -> Self {
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let url = match endpoint {
            None => format!("https://sts.{region}.{domain}"),
            Some(url) if url.contains("://") => url.to_owned(),
            Some(host) => format!("https://{host}"),
        };
        Self { url, region: region.to_owned() }
    }

    /// The keys of a service account's role.
    ///
    /// # Errors
    /// If the service refuses or cannot be asked.
    pub(super) async fn with_web_identity(&self, identity: &WebIdentity) -> Result<Keys, AwsError> {
        let WebIdentity { file, role, session } = identity;
        let token = std::fs::read_to_string(file).map_err(|error| AwsError::unreadable(file, &error))?;
        let session = session.as_deref().unwrap_or("flytail");
        let call = [
            ("Action", "AssumeRoleWithWebIdentity"),
            ("RoleArn", role),
            ("RoleSessionName", session),
            ("WebIdentityToken", token.trim()),
        ];
        self.call(&call, None).await
    }

    /// The keys of a role that these keys may take on.
    ///
    /// # Errors
    /// If the service refuses or cannot be asked.
    pub(super) async fn assume(&self, role: &Role, keys: &Keys) -> Result<Keys, AwsError> {
        let mut call = vec![("Action", "AssumeRole"), ("RoleArn", &role.arn), ("RoleSessionName", "flytail")];
        call.extend(role.external_id.as_deref().map(|id| ("ExternalId", id)));
        self.call(&call, Some(keys)).await
    }

    async fn call(&self, pairs: &[(&str, &str)], keys: Option<&Keys>) -> Result<Keys, AwsError> {
        let from = "the token service (STS)";
        let body = Bytes::from(query(&[pairs, &[("Version", VERSION)]].concat()));
        let scope = Scope { region: &self.region, service: SERVICE };
        let signing = keys.map(|keys| Signing { keys, scope, now: Timestamp::now() });
        let answer = endpoint::post(from, &self.url, Call { body, signing }).await?;
        let text = String::from_utf8_lossy(&answer.well(from)?).into_owned();
        Keys::of_xml(&text).ok_or_else(|| AwsError::NoKeys { from: from.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_regions_own_service_is_asked_unless_another_is_named() {
        for (region, endpoint, url) in [
            ("eu-central-1", None, "https://sts.eu-central-1.amazonaws.com"),
            ("cn-north-1", None, "https://sts.cn-north-1.amazonaws.com.cn"),
            ("eu-central-1", Some("vpce-1.sts.example"), "https://vpce-1.sts.example"),
            ("eu-central-1", Some("http://127.0.0.1:1"), "http://127.0.0.1:1"),
        ] {
            assert_eq!(Sts::new(region, endpoint).url, url);
        }
    }
}
