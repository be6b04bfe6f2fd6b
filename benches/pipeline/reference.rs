//! What compression alone costs: the same library and level on the same bodies.

use std::error::Error;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::server::Received;
use crate::shipper::usage;

/// The least CPU time to measure, in seconds: a hundred times what the clock can tell.
const LEAST: f64 = 1.0;

/// Seconds of CPU time that gzip at level 1 takes for everything that was sent.
pub(crate) fn gzip_seconds(received: &Received) -> Result<f64, Box<dyn Error>> {
    let (mut bytes, mut used) = (0_u64, 0.0);
    let before = usage("self")?.cpu;
    while used < LEAST && !received.sample.is_empty() {
        for body in &received.sample {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::new(1));
            encoder.write_all(body)?;
            bytes += std::hint::black_box(encoder.finish()?).len().min(1) as u64 * body.len() as u64;
        }
        used = usage("self")?.cpu - before;
    }
    Ok(used * received.body_bytes as f64 / bytes.max(1) as f64)
}
