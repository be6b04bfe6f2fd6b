//! Bulk bodies: an action line with the document's id, and the document.

use std::sync::Arc;

use super::data_stream::DataStream;
use super::dots;
use super::options::Settings;
use super::prefix::Known;
use super::time_format::Second;
use crate::output::{Encoder, Partition, document};
use crate::record::accessor::Accessor;
use crate::record::escape::{write_escaped, write_string};
use crate::record::{Record, Turn};

/// Renders records as bulk items. The index is in the request's path, not in the items.
pub(super) struct BulkEncoder {
    settings: Arc<Settings>,
    /// `"@timestamp":"`, up to the time itself.
    time_prefix: Vec<u8>,
    /// The last second that `Time_Key_Format` rendered.
    second: Second,
    /// The prefixes of indices that were seen.
    prefixes: Known,
}

/// Longest id in bytes that the servers take.
const LONGEST_ID: usize = 512;

impl BulkEncoder {
    pub(super) fn new(settings: Arc<Settings>) -> Self {
        let mut time_prefix = Vec::new();
        write_string(&mut time_prefix, settings.time_key.as_bytes());
        time_prefix.extend_from_slice(b":\"");
        Self { settings, time_prefix, second: Second::default(), prefixes: Known::new() }
    }

    fn write_document(&mut self, record: &Record<'_>, turn: &Turn<'_>, body: &mut Vec<u8>) {
        body.push(b'{');
        let mut first = true;
        self.write_time(record, body, &mut first);
        if let Some(key) = &self.settings.tag_key {
            body.extend_from_slice(if first { b"\"" } else { b",\"" });
            first = false;
            write_escaped(body, key.as_bytes());
            body.extend_from_slice(b"\":");
            write_string(body, turn.source.tag.as_bytes());
        }
        self.write_members(record, body, &mut first);
        if record.truncated {
            body.extend_from_slice(if first { b"\"truncated\":true" } else { b",\"truncated\":true" });
        }
        body.push(b'}');
    }

    /// The record's members. What a document says of its data stream has to be the stream that it goes to: a record's
    /// own word for it is left out.
    fn write_members(&self, record: &Record<'_>, body: &mut Vec<u8>, first: &mut bool) {
        let Some(stream) = &self.settings.data_stream else {
            return document::write_members(body, record, first);
        };
        if !std::mem::take(first) {
            body.push(b',');
        }
        body.extend_from_slice(&stream.member);
        document::write_members_without(body, record, first, DataStream::is_member);
    }

    /// The record's time, unless the record has a member of that name: then that one counts, as
    /// in Fluent Bit.
    fn write_time(&mut self, record: &Record<'_>, body: &mut Vec<u8>, first: &mut bool) {
        if !record.unique && document::has(record, self.settings.time_key.as_bytes()) {
            return;
        }
        *first = false;
        body.extend_from_slice(&self.time_prefix);
        let start = body.len();
        record.time.write_rfc3339(body);
        if let Some(format) = &self.settings.time_format {
            // The fraction stays as it is, whatever stands before it.
            let second = format.of(record.time, &mut self.second);
            body.splice(start..start + "2026-11-22T10:00:00".len(), second.iter().copied());
        }
        if !self.settings.nanoseconds {
            body.truncate(body.len() - "456789Z".len());
            body.push(b'Z');
        }
        body.push(b'"');
    }
}

impl Encoder for BulkEncoder {
    fn partition(&mut self, record: &Record<'_>, turn: &Turn<'_>) -> Partition {
        self.settings.naming.partition(record, turn, &mut self.prefixes)
    }

    fn encode(&mut self, record: &Record<'_>, turn: &Turn<'_>, body: &mut Vec<u8>) {
        let operation = self.settings.operation;
        body.extend_from_slice(operation.action());
        match self.settings.id_key.as_ref().and_then(|key| id_of(key, record, turn)) {
            Some(id) => write_escaped(body, id),
            None => body.extend_from_slice(record.id.as_bytes()),
        }
        body.extend_from_slice(b"\"}}\n");
        let (before, behind) = operation.around();
        body.extend_from_slice(before);
        let start = body.len();
        self.write_document(record, turn, body);
        if self.settings.replace_dots {
            dots::replace(&mut body[start..]);
        }
        body.extend_from_slice(behind);
        body.push(b'\n');
    }
}

/// The text of `Id_Key`, if it can be an id.
fn id_of<'t>(key: &Accessor, record: &Record<'t>, turn: &Turn<'t>) -> Option<&'t [u8]> {
    let text = key.find(&record.members, turn.arena)?.text;
    (1..=LONGEST_ID).contains(&text.len()).then_some(text)
}
