//! Bulk bodies: an action line with the document's id, and the document.

use std::sync::Arc;

use super::options::Settings;
use crate::output::{Encoder, Partition, document};
use crate::record::escape::{write_escaped, write_string};
use crate::record::{Record, Turn};

/// Renders records as bulk items. The index is in the request's path, not in the items.
pub(super) struct BulkEncoder {
    settings: Arc<Settings>,
    /// `"@timestamp":"`, up to the time itself.
    time_prefix: Vec<u8>,
}

impl BulkEncoder {
    pub(super) fn new(settings: Arc<Settings>) -> Self {
        let mut time_prefix = Vec::new();
        write_string(&mut time_prefix, settings.time_key.as_bytes());
        time_prefix.extend_from_slice(b":\"");
        Self { settings, time_prefix }
    }

    /// The record's time, unless the record has a member of that name: then that one counts, as
    /// in Fluent Bit.
    fn write_time(&self, record: &Record<'_>, body: &mut Vec<u8>, first: &mut bool) {
        if !record.unique && document::has(record, self.settings.time_key.as_bytes()) {
            return;
        }
        *first = false;
        body.extend_from_slice(&self.time_prefix);
        record.time.write_rfc3339(body);
        if !self.settings.nanoseconds {
            body.truncate(body.len() - "456789Z".len());
            body.push(b'Z');
        }
        body.push(b'"');
    }
}

impl Encoder for BulkEncoder {
    fn partition(&self, record: &Record<'_>) -> Partition {
        self.settings.naming.partition(record.time)
    }

    fn encode(&mut self, record: &Record<'_>, turn: &Turn<'_>, body: &mut Vec<u8>) {
        body.extend_from_slice(b"{\"create\":{\"_id\":\"");
        body.extend_from_slice(record.id.as_bytes());
        body.extend_from_slice(b"\"}}\n{");
        let mut first = true;
        self.write_time(record, body, &mut first);
        if let Some(key) = &self.settings.tag_key {
            body.extend_from_slice(if first { b"\"" } else { b",\"" });
            first = false;
            write_escaped(body, key.as_bytes());
            body.extend_from_slice(b"\":");
            write_string(body, turn.source.tag.as_bytes());
        }
        document::write_members(body, record, &mut first);
        if record.truncated {
            body.extend_from_slice(if first { b"\"truncated\":true" } else { b",\"truncated\":true" });
        }
        body.extend_from_slice(b"}\n");
    }
}
