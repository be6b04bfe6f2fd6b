//! One refused item, as a line of JSON.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::record::Timestamp;

/// One refused item.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeadLetter {
    /// When it was refused, in RFC 3339 (UTC).
    pub time: String,
    /// Instance name of the output.
    pub output: String,
    /// Where it was to go: the index.
    pub index: String,
    /// The receiver's status code.
    pub status: u16,
    /// The receiver's name for the error.
    #[serde(rename = "type")]
    pub kind: String,
    /// The receiver's words.
    pub reason: String,
    /// The action line in front of the document, with its id; byte for byte as it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Box<RawValue>>,
    /// The document, byte for byte as it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Box<RawValue>>,
    /// The item as text, where it is not JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
}

impl DeadLetter {
    /// A letter with the receiver's status, name and words for the error, and the item as it stood
    /// in the body: an action line and a document, or a document.
    #[must_use]
    pub fn new(output: &str, index: &str, error: (u16, &str, &str), item: &[u8]) -> Self {
        let text = String::from_utf8_lossy(item);
        let mut lines = text.lines().rev().map(|line| RawValue::from_string(line.to_owned()).ok());
        let document = lines.next().flatten();
        let action = lines.next().flatten();
        let item = document.is_none().then(|| text.into_owned());
        let (status, kind, reason) = error;
        Self {
            time: now(),
            output: output.to_owned(),
            index: index.to_owned(),
            status,
            kind: kind.to_owned(),
            reason: reason.to_owned(),
            action,
            document,
            item,
        }
    }

    /// The letter in a line. `None` if it is none.
    #[must_use]
    pub fn from_line(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }

    /// The letter as a line, with its end.
    #[must_use]
    pub fn to_line(&self) -> Vec<u8> {
        // There is nothing in it that JSON cannot hold.
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }

    /// The same letter, refused once more, now, for another reason.
    #[must_use]
    pub fn refused_again(mut self, (status, kind, reason): (u16, &str, &str)) -> Self {
        (self.time, self.status) = (now(), status);
        (self.kind, self.reason) = (kind.to_owned(), reason.to_owned());
        self
    }

    /// When it was refused. `None` if somebody changed the text to what is no time.
    #[must_use]
    pub fn timestamp(&self) -> Option<Timestamp> {
        Timestamp::parse_rfc3339(self.time.as_bytes())
    }
}

fn now() -> String {
    let mut time = Vec::new();
    Timestamp::now().write_rfc3339(&mut time);
    String::from_utf8_lossy(&time).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_items_that_are_not_json_as_text() {
        let letter = DeadLetter::new("o", "d", (400, "k", "r"), b"not json \xff\n");
        let value = serde_json::to_value(&letter).unwrap();
        assert_eq!(value["item"], "not json \u{FFFD}\n");
        assert!(value.get("document").is_none());
    }

    #[test]
    fn keeps_documents_byte_for_byte_over_refusals() {
        let (action, document) =
            (r#"{"create":{"_id":"x"}}"#, r#"{"b": 1.0,"a":"\u00e9","b":12345678901234567890123}"#);
        let first = DeadLetter::new("o", "d", (400, "k", "r"), format!("{action}\n{document}\n").as_bytes());
        let second = DeadLetter::from_line(&first.to_line()).unwrap().refused_again((413, "l", "s"));
        let third = DeadLetter::from_line(&second.to_line()).unwrap();
        assert_eq!((third.action.unwrap().get(), third.document.unwrap().get()), (action, document));
        assert_eq!((third.status, third.kind.as_str(), third.reason.as_str()), (413, "l", "s"));
        assert!(first.timestamp().unwrap() <= second.timestamp().unwrap());
    }
}
