//! Bodies that grow: as they are, or compressed on the way.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::gzip::GzipWriter;
use crate::output::{Encoding, GzipLevel};

/// Bytes that gather before they go through zlib: enough to keep its set-up cost small, little enough
/// to stay in the second-level cache.
const STAGING: usize = 64 * 1024;

/// A body that grows.
pub(super) enum Body {
    Plain(Vec<u8>),
    Fast(Box<GzipWriter>),
    Zlib(Box<Staged>),
}

/// A body that zlib compresses in steps.
pub(super) struct Staged {
    encoder: GzEncoder<Vec<u8>>,
    staged: Vec<u8>,
    /// Bytes that went through the encoder.
    encoded: usize,
}

impl Body {
    /// An empty one.
    pub(super) fn new(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Plain => Self::Plain(Vec::new()),
            Encoding::Gzip(GzipLevel::Fast) => Self::Fast(Box::default()),
            Encoding::Gzip(GzipLevel::Zlib(level)) => {
                let encoder = GzEncoder::new(Vec::new(), Compression::new(level));
                Self::Zlib(Box::new(Staged { encoder, staged: Vec::with_capacity(STAGING * 5 / 4), encoded: 0 }))
            }
        }
    }

    /// Its length before encoding, in bytes.
    pub(super) fn length(&self) -> usize {
        match self {
            Self::Plain(body) => body.len(),
            Self::Fast(writer) => writer.length(),
            Self::Zlib(body) => body.encoded + body.staged.len(),
        }
    }

    /// Lets `append` append to it.
    pub(super) fn append(&mut self, append: impl FnOnce(&mut Vec<u8>)) {
        match self {
            Self::Plain(body) => append(body),
            Self::Fast(writer) => writer.append(append),
            Self::Zlib(body) => {
                append(&mut body.staged);
                if body.staged.len() >= STAGING {
                    body.encode();
                }
            }
        }
    }

    /// All of it, encoded.
    pub(super) fn finish(self) -> Vec<u8> {
        match self {
            Self::Plain(body) => body,
            Self::Fast(writer) => writer.finish(),
            Self::Zlib(mut body) => {
                body.encode();
                // Writing into memory cannot fail.
                body.encoder.finish().unwrap_or_default()
            }
        }
    }
}

impl Staged {
    fn encode(&mut self) {
        // Writing into memory cannot fail.
        drop(self.encoder.write_all(&self.staged));
        self.encoded += self.staged.len();
        self.staged.clear();
    }
}
