//! Batches: records of one output and partition, gathered until they are worth a request.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use flate2::read::GzDecoder;

use super::body::Body;
use super::budget::Held;
use crate::output::{Encoding, Partition, Request};

/// When a batch is full. A batch that is older than the flush interval goes, too.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of the body before encoding.
    pub bytes: usize,
    /// Items.
    pub items: usize,
    /// Age at which it goes though it is not full.
    pub age: Duration,
}

/// A batch that is being filled.
pub struct Open {
    /// Its partition.
    pub partition: Partition,
    /// When its first record came.
    pub since: Instant,
    body: Body,
    items: Vec<u32>,
    tokens: Vec<Token>,
}

/// Records of one block that a batch holds: the ledger entry waits for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// The source.
    pub source: u64,
    /// The entry of its ledger.
    pub entry: u64,
    /// How many records.
    pub records: u64,
}

/// A full batch on its way.
pub struct Sealed {
    /// What is sent.
    pub request: Request,
    /// What waits for it.
    pub tokens: Vec<Token>,
    /// The worker that waits for its verdict.
    pub worker: usize,
    /// Its share of the byte budget, given back when it is dropped.
    pub held: Held,
}

impl Open {
    /// An empty batch.
    #[must_use]
    pub fn new(partition: Partition, encoding: Encoding, now: Instant) -> Self {
        let (items, tokens) = (Vec::new(), Vec::new());
        Self { partition, since: now, body: Body::new(encoding), items, tokens }
    }

    /// Appends one item that `encode` writes, and the token of the block that it came from.
    pub fn append(&mut self, source: u64, entry: u64, encode: impl FnOnce(&mut Vec<u8>)) {
        self.items.push(u32::try_from(self.body.length()).unwrap_or(u32::MAX));
        self.body.append(encode);
        self.hold(source, entry);
    }

    /// Lets one more ledger entry wait for this batch.
    pub fn hold(&mut self, source: u64, entry: u64) {
        match self.tokens.last_mut() {
            Some(token) if token.source == source && token.entry == entry => token.records += 1,
            _ => self.tokens.push(Token { source, entry, records: 1 }),
        }
    }

    /// Items so far.
    #[must_use]
    pub fn items(&self) -> usize {
        self.items.len()
    }

    /// It is as large as a batch may be.
    #[must_use]
    pub fn is_full(&self, limits: &Limits) -> bool {
        self.body.length() >= limits.bytes || self.items.len() >= limits.items
    }

    /// Ends the body. What is waiting in it becomes a request.
    #[must_use]
    pub fn seal(self, encoding: Encoding) -> (Request, Vec<Token>) {
        let length = u32::try_from(self.body.length()).unwrap_or(u32::MAX);
        let (body, items) = (Bytes::from(self.body.finish()), Arc::from(self.items));
        (Request { partition: self.partition, body, encoding, items, length }, self.tokens)
    }
}

/// The body as it was before encoding.
///
/// # Errors
/// If the body is not what its encoding says.
pub fn decoded(request: &Request) -> io::Result<Vec<u8>> {
    match request.encoding {
        Encoding::Plain => Ok(request.body.to_vec()),
        Encoding::Gzip(_) => {
            let mut body = Vec::with_capacity(request.length as usize);
            GzDecoder::new(&request.body[..]).read_to_end(&mut body)?;
            Ok(body)
        }
    }
}

/// One item of a decoded body.
#[must_use]
pub fn item<'b>(request: &Request, body: &'b [u8], index: usize) -> &'b [u8] {
    let start = request.items.get(index).map_or(body.len(), |start| *start as usize);
    let end = request.items.get(index + 1).map_or(body.len(), |end| *end as usize);
    body.get(start..end).unwrap_or_default()
}

/// A request of some of a request's items, in their order.
///
/// # Errors
/// If the body is not what its encoding says.
pub fn subset(request: &Request, indexes: &[usize]) -> io::Result<Request> {
    let body = decoded(request)?;
    let mut picked = Open::new(request.partition, request.encoding, Instant::now());
    for &index in indexes {
        picked.append(0, 0, |out| out.extend_from_slice(item(request, &body, index)));
    }
    Ok(picked.seal(request.encoding).0)
}

/// A request of one item in place of what was in another one.
#[must_use]
pub fn of_one(request: &Request, item: &[u8]) -> Request {
    let mut open = Open::new(request.partition, request.encoding, Instant::now());
    open.append(0, 0, |out| out.extend_from_slice(item));
    open.seal(request.encoding).0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::GzipLevel;

    fn sealed(encoding: Encoding, items: &[&str]) -> (Request, Vec<Token>) {
        let mut open = Open::new(3, encoding, Instant::now());
        for (index, text) in items.iter().enumerate() {
            open.append(1, index as u64 / 2, |out| out.extend_from_slice(text.as_bytes()));
        }
        open.seal(encoding)
    }

    #[test]
    fn keeps_items_apart_in_all_encodings() {
        let long = "x".repeat(100_000);
        let items = ["one\n", &long, "three\n", "", "five\n"];
        for encoding in [Encoding::Plain, Encoding::Gzip(GzipLevel::Fast), Encoding::Gzip(GzipLevel::Zlib(1))] {
            let (request, _) = sealed(encoding, &items);
            let body = decoded(&request).unwrap();
            assert_eq!(body.len(), request.length as usize);
            for (index, text) in items.iter().enumerate() {
                assert_eq!(item(&request, &body, index), text.as_bytes());
            }
            let some = subset(&request, &[0, 4]).unwrap();
            assert_eq!(decoded(&some).unwrap(), b"one\nfive\n");
            assert_eq!((some.items.len(), some.partition), (2, 3));
        }
    }

    #[test]
    fn counts_records_per_block() {
        let (_, tokens) = sealed(Encoding::Plain, &["a", "b", "c"]);
        let expected = [Token { source: 1, entry: 0, records: 2 }, Token { source: 1, entry: 1, records: 1 }];
        assert_eq!(tokens, expected);
    }

    #[test]
    fn is_full_by_bytes_or_items() {
        let limits = Limits { bytes: 10, items: 3, age: Duration::from_secs(1) };
        let mut open = Open::new(0, Encoding::Plain, Instant::now());
        open.append(1, 1, |out| out.extend_from_slice(b"123456789"));
        assert!(!open.is_full(&limits));
        open.append(1, 1, |out| out.push(b'0'));
        assert!(open.is_full(&limits));
    }
}
