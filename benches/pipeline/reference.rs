//! What compression alone costs, on the same bodies: with zlib, which others use, and with our own writer.

use std::error::Error;
use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use flytail::pipeline::gzip::GzipWriter;

use crate::server::Received;
use crate::shipper::usage;

/// The least CPU time to measure, in seconds: a hundred times what the clock can tell.
const LEAST: f64 = 1.0;

/// Bytes that are given to our own writer at once: some documents.
const PIECE: usize = 16 * 1024;

/// Seconds of CPU time that gzip at level 1 takes for everything that was sent.
pub(crate) fn gzip_seconds(received: &Received) -> Result<f64, Box<dyn Error>> {
    seconds(received, |body| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(1));
        encoder.write_all(body)?;
        encoder.finish()
    })
}

/// Seconds of CPU time that the writer which compresses bodies by default takes for the same.
pub(crate) fn writer_seconds(received: &Received) -> Result<f64, Box<dyn Error>> {
    seconds(received, |body| {
        let mut writer = GzipWriter::new();
        body.chunks(PIECE).for_each(|piece| writer.append(|out| out.extend_from_slice(piece)));
        Ok(writer.finish())
    })
}

fn seconds(received: &Received, compress: impl Fn(&[u8]) -> io::Result<Vec<u8>>) -> Result<f64, Box<dyn Error>> {
    let (mut bytes, mut used) = (0_u64, 0.0);
    let before = usage("self")?.cpu;
    while used < LEAST && !received.sample.is_empty() {
        for body in &received.sample {
            bytes += std::hint::black_box(compress(body)?).len().min(1) as u64 * body.len() as u64;
        }
        used = usage("self")?.cpu - before;
    }
    Ok(used * received.body_bytes as f64 / bytes.max(1) as f64)
}
