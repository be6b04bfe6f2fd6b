//! Reading bulk bodies, and what must be true of all of them together.

use std::error::Error;

use flytail::cli::demo::generator::SEQUENCE_DIGITS;
use memchr::memmem::Finder;
use serde_json::Value;

/// Characters of an `_id`.
const ID_LENGTH: usize = 23;

/// Bytes of bodies that are kept, to be compressed again by the library alone.
const SAMPLE: usize = 64 * 1024 * 1024;

/// One document of so many is parsed and looked at.
const LOOKED_AT: usize = 997;

/// What is remembered of a document.
pub(crate) struct Document {
    id: [u8; ID_LENGTH],
    /// The number in its message.
    sequence: u64,
}

/// Everything that came.
#[derive(Default)]
pub(crate) struct Received {
    documents: Vec<Document>,
    /// Bulk requests.
    pub(crate) requests: u64,
    /// Bytes of all bodies before compression.
    pub(crate) body_bytes: u64,
    /// Bytes of all bodies as they came.
    pub(crate) compressed_bytes: u64,
    /// The first bodies, before compression.
    pub(crate) sample: Vec<Vec<u8>>,
    sampled: usize,
}

impl Received {
    /// Adds a request.
    pub(crate) fn add(&mut self, documents: Vec<Document>, body: &[u8], compressed: usize) {
        self.documents.extend(documents);
        self.requests += 1;
        self.body_bytes += body.len() as u64;
        self.compressed_bytes += compressed as u64;
        if self.sampled < SAMPLE {
            self.sampled += body.len();
            self.sample.push(body.to_vec());
        }
    }

    /// Every record is there once, under an id of its own.
    pub(crate) fn check(&mut self, first: u64, records: u64) -> Result<(), Box<dyn Error>> {
        let count = self.documents.len() as u64;
        let mut sequences: Vec<u64> = self.documents.iter().map(|document| document.sequence).collect();
        sequences.sort_unstable();
        let repeated = sequences.windows(2).filter(|pair| pair[0] == pair[1]).count();
        sequences.dedup();
        let missing = (first..first + records).find(|sequence| sequences.binary_search(sequence).is_err());
        if let Some(missing) = missing {
            let lost = records.saturating_sub(sequences.len() as u64);
            return Err(
                format!("{lost} of {records} records did not come, the first of them {}", named(missing)).into()
            );
        }
        if count != records {
            return Err(format!("{count} documents of {records} records, {repeated} of them again").into());
        }
        let mut ids: Vec<_> = self.documents.iter().map(|document| document.id).collect();
        ids.sort_unstable();
        match ids.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!("two documents of the id {}", String::from_utf8_lossy(&pair[0])).into()),
            None => Ok(()),
        }
    }
}

/// Reads the items of a bulk body, whose documents have these fields.
pub(crate) fn read(body: &[u8], fields: &[&str]) -> Result<Vec<Document>, Box<dyn Error>> {
    let marker = Finder::new(b"seq=");
    let mut documents = Vec::new();
    let mut lines = body.split_inclusive(|byte| *byte == b'\n');
    while let Some(action) = lines.next() {
        let document = lines.next().ok_or("an action without a document")?;
        let id = action.strip_prefix(br#"{"create":{"_id":""#).and_then(|rest| rest.first_chunk());
        let id = *id.filter(|_| action.ends_with(b"\"}}\n")).ok_or_else(|| shown("no action", action))?;
        let sequence = marker.find_iter(document).find_map(|at| digits(&document[at + marker.needle().len()..]));
        let sequence = sequence.ok_or_else(|| shown("a document without its number", document))?;
        if documents.len() % LOOKED_AT == 0 {
            look_at(document, fields)?;
        }
        documents.push(Document { id, sequence });
    }
    Ok(documents)
}

fn named(sequence: u64) -> String {
    format!("seq={sequence:0SEQUENCE_DIGITS$}")
}

fn digits(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text.get(..SEQUENCE_DIGITS)?).ok()?.parse().ok()
}

fn look_at(document: &[u8], fields: &[&str]) -> Result<(), Box<dyn Error>> {
    let parsed: Value = serde_json::from_slice(document)?;
    match fields.iter().find(|field| parsed.get(*field).is_none()) {
        Some(field) => Err(shown(&format!("a document without `{field}`"), document).into()),
        None => Ok(()),
    }
}

fn shown(what: &str, line: &[u8]) -> String {
    const MOST: usize = 2000;
    format!("{what}: {}", String::from_utf8_lossy(&line[..line.len().min(MOST)]).trim_end())
}
