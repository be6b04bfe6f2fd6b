//! Nowhere: records are rendered and thrown away.

use std::sync::Arc;
use std::time::Duration;

use super::document;
use super::{Built, Encoder, Encoding, Outcome, Partition, Request, Sender, Sending, Surroundings};
use crate::config::{Options, Plugin, Problems};
use crate::record::{Record, Turn};

/// The null output.
pub const PLUGIN: Plugin = Plugin { name: "null", doc: "Throws records away.", options: &[] };

/// Builds the output.
pub fn build(_: &Options<'_>, _: Surroundings, _: &mut Problems) -> Option<Built> {
    let encoder = || Box::new(NullEncoder) as Box<dyn Encoder>;
    Some(Built {
        encoder: Box::new(encoder),
        sender: Arc::new(NullSender),
        encoding: Encoding::Plain,
        concurrency: 1,
        start_jitter: Duration::ZERO,
    })
}

struct NullEncoder;

impl Encoder for NullEncoder {
    fn partition(&mut self, _: &Record<'_>, _: &Turn<'_>) -> Partition {
        0
    }

    fn encode(&mut self, record: &Record<'_>, _: &Turn<'_>, body: &mut Vec<u8>) {
        document::write_members(body, record, &mut true);
    }
}

struct NullSender;

impl Sender for NullSender {
    fn send<'a>(&'a self, _: &'a Request) -> Sending<'a> {
        Box::pin(async { Outcome::Delivered })
    }

    fn destination(&self, _: Partition) -> String {
        "nowhere".to_owned()
    }
}
