//! Dead letters: items that a receiver refused for good, one JSON object a line, with the reason.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Mutex;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::record::Timestamp;

/// The file that dead letters are appended to. It is made when the first one comes.
#[derive(Debug)]
pub struct DeadLetters {
    path: PathBuf,
    file: Mutex<Option<File>>,
}

/// One refused item.
#[derive(Debug, Serialize)]
pub struct DeadLetter {
    time: String,
    output: String,
    destination: String,
    status: u16,
    #[serde(rename = "type")]
    kind: String,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<Box<RawValue>>,
    /// The item as text, where it is not JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<String>,
}

impl DeadLetter {
    /// A letter with the receiver's status, name and words for the error, and the item as it stood
    /// in the body: an action line and a document, or a document.
    #[must_use]
    pub fn new(output: &str, destination: &str, (status, kind, reason): (u16, &str, &str), item: &[u8]) -> Self {
        let mut time = Vec::new();
        Timestamp::now().write_rfc3339(&mut time);
        let text = String::from_utf8_lossy(item);
        let mut lines = text.lines().rev().map(|line| RawValue::from_string(line.to_owned()).ok());
        let document = lines.next().flatten();
        let action = lines.next().flatten();
        let item = document.is_none().then(|| text.into_owned());
        Self {
            time: String::from_utf8_lossy(&time).into_owned(),
            output: output.to_owned(),
            destination: destination.to_owned(),
            status,
            kind: kind.to_owned(),
            reason: reason.to_owned(),
            action,
            document,
            item,
        }
    }
}

impl DeadLetters {
    /// Dead letters go to the file at `path`; nothing is touched yet.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path, file: Mutex::new(None) }
    }

    /// Where they go.
    #[must_use]
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Appends letters and waits until they are on the disk, once for all of them. While that fails
    /// (a full disk), it is tried again: a letter that is not kept anywhere would be a line that
    /// vanished.
    pub async fn push(&self, letters: &[DeadLetter]) {
        let mut lines = Vec::new();
        for letter in letters {
            lines.append(&mut serde_json::to_vec(letter).unwrap_or_default());
            lines.push(b'\n');
        }
        while let Err(error) = self.append(&lines) {
            tracing::error!(path = %self.path.display(), %error, "a dead letter cannot be written, trying again");
            tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        }
    }

    fn append(&self, lines: &[u8]) -> std::io::Result<()> {
        let mut slot = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if slot.is_none() {
            if let Some(parent) = self.path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            *slot = Some(OpenOptions::new().create(true).append(true).open(&self.path)?);
        }
        if let Some(file) = slot.as_mut() {
            let length = file.metadata()?.len();
            // What a full disk cut off must not stand in front of the next try.
            file.write_all(lines).and_then(|()| file.sync_data()).inspect_err(|_| drop(file.set_len(length)))?;
        }
        Ok(())
    }
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

    #[tokio::test]
    async fn writes_a_line_for_each_letter() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("dead.ndjson");
        let letters = DeadLetters::new(path.clone());
        let letter = |item: &[u8]| DeadLetter::new("o", "d", (400, "k", "r"), item);
        letters.push(&[letter(b"{\"a\":1}"), letter(b"{\"b\":1}")]).await;
        letters.push(&[letter(b"{\"c\":1}")]).await;
        let text = std::fs::read_to_string(path).unwrap();
        assert_eq!(text.lines().filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()).count(), 3);
    }
}
