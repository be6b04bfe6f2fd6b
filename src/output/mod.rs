//! Outputs: where records go.
//!
//! An output has two halves. Its [`Encoder`] lives in a worker and appends records to the body of
//! an open batch. Its [`Sender`] lives in the async runtime, sends sealed bodies and says what
//! became of their items. A new output is one file (or folder) here plus one line in [`PLUGINS`].

pub mod document;
pub mod elasticsearch;
pub mod file;
pub mod null;
pub mod stdout;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::config::{Options, Plugin, Problems};
use crate::record::{Record, Turn};

/// Which of an output's batches a record belongs to (an index's day, for instance). What the
/// number means is the output's own affair.
pub type Partition = i64;

/// The half of an output that renders records, one per worker.
pub trait Encoder: Send {
    /// The batch that the record belongs to.
    fn partition(&mut self, record: &Record<'_>, turn: &Turn<'_>) -> Partition;

    /// Appends one item to a body. Nothing may fail here: bad input is data.
    fn encode(&mut self, record: &Record<'_>, turn: &Turn<'_>, body: &mut Vec<u8>);
}

/// How a body is kept and sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Plain,
    /// Compressed by gzip.
    Gzip(GzipLevel),
}

/// How much work goes into compressing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GzipLevel {
    /// As little as possible, by a writer that is made for bodies.
    Fast,
    /// As much as zlib's level (1-9) says.
    Zlib(u32),
}

/// A sealed body on its way.
#[derive(Debug, Clone)]
pub struct Request {
    /// The batch's partition.
    pub partition: Partition,
    /// The body, encoded.
    pub body: Bytes,
    /// How it is encoded.
    pub encoding: Encoding,
    /// Where each item begins in the body before encoding, in bytes.
    pub items: Arc<[u32]>,
    /// Length of the body before encoding, in bytes.
    pub length: u32,
}

/// What became of one item of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is there, or was there before.
    Delivered,
    /// It can be tried again; why not now, at least for the first one of a request.
    Retry(Option<String>),
    /// It will never be taken.
    Rejected(Rejection),
}

impl Verdict {
    /// It can be tried again.
    #[must_use]
    pub fn is_retry(&self) -> bool {
        matches!(self, Self::Retry(_))
    }
}

/// Why the receiver refuses an item for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The receiver's status code.
    pub status: u16,
    /// The receiver's name for the error.
    pub kind: String,
    /// The receiver's words.
    pub reason: String,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All its items were delivered.
    Delivered,
    /// One verdict per item, in order.
    Items(Vec<Verdict>),
    /// Nothing is known of any item, or none was taken: all are to be tried again.
    Retry(String),
    /// The request is too large as a whole; its halves may not be.
    TooLarge,
    /// The receiver has no room for it now. If it never has, then its halves may fit.
    Busy(String),
}

impl Outcome {
    /// The receiver looked at the items and judged them: whoever sent them may send.
    #[must_use]
    pub fn shows_access(&self) -> bool {
        match self {
            Self::Delivered => true,
            Self::Items(verdicts) => !verdicts.iter().all(Verdict::is_retry),
            Self::Retry(_) | Self::TooLarge | Self::Busy(_) => false,
        }
    }
}

/// A future that a [`Sender`] returns.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// The half of an output that sends.
pub trait Sender: Send + Sync {
    /// Sends one request once; trying again is the caller's affair.
    fn send<'a>(&'a self, request: &'a Request) -> Sending<'a>;

    /// A shorter form of an item that is too large for the receiver even by itself, with the same id;
    /// `None` if it is as short as it can be, or the output knows of none.
    fn shortened(&self, _item: &[u8]) -> Option<Vec<u8>> {
        None
    }

    /// Where an item of this partition goes (an index), for messages and dead letters.
    fn destination(&self, partition: Partition) -> String;
}

/// A built output.
pub struct Built {
    /// Makes one encoder for each worker.
    pub encoder: Box<dyn Fn() -> Box<dyn Encoder> + Send + Sync>,
    /// The sender that all workers share.
    pub sender: Arc<dyn Sender>,
    /// How bodies are encoded.
    pub encoding: Encoding,
    /// How many requests may be on the wire at once.
    pub concurrency: usize,
    /// The longest time that the first request waits, so that many that start together do not send
    /// together.
    pub start_jitter: Duration,
}

/// What an output has to know of the rest of the configuration.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings {
    /// The Flyte filter is on: date indices are the default and times keep their nanoseconds.
    pub flyte: bool,
}

/// Builds an output from its checked options.
pub type Build = fn(&Options<'_>, Surroundings, &mut Problems) -> Option<Built>;

/// Every output that a configuration can name.
pub const PLUGINS: &[(Plugin, Build)] = &[
    (elasticsearch::PLUGIN, elasticsearch::build),
    (elasticsearch::OPENSEARCH_PLUGIN, elasticsearch::build),
    (stdout::PLUGIN, stdout::build),
    (file::PLUGIN, file::build),
    (null::PLUGIN, null::build),
];
