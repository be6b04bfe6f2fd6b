//! The fast way to fill log files: lines rendered once, written again and again with new times
//! and sequence numbers. For benchmarks and for a busy demonstration.

use memchr::memmem;

use super::clock::{FIXED_LENGTH, Stamp, put_digits};
use super::kubelet::{Kubelet, KubeletError};
use super::runtime::{Encoder, Runtime};
use super::truth::{SEQUENCE_DIGITS, marker};
use super::{Generator, Line};

/// Nanoseconds between two lines.
const LINE_STEP: i64 = 10_000;

/// Makes every rendered time end in a digit that no runtime cuts off.
const ODD_NANOSECOND: i64 = 7;

/// A pool of rendered lines.
#[derive(Debug)]
pub struct Bulk {
    entries: Vec<Entry>,
    next: usize,
    sequence: u64,
    stamp: Stamp,
}

/// What [`Bulk::write`] wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Records.
    pub lines: u64,
    /// Bytes of physical lines.
    pub bytes: u64,
    /// Number of the first record.
    pub first_sequence: u64,
    /// Number of the last record.
    pub last_sequence: u64,
    /// Time of the last record, nanoseconds since the epoch.
    pub last_time_ns: i64,
}

#[derive(Debug)]
struct Entry {
    container: usize,
    bytes: Vec<u8>,
    /// Where times begin.
    times: Vec<usize>,
    /// Where the digits of the sequence number begin.
    sequence: usize,
}

impl Bulk {
    /// Renders `lines` lines of a generator for a runtime; the kubelet that they are written to
    /// must be of the same runtime and cluster. Sequence numbers go on behind the generator's,
    /// which is used up, so that no number is given twice.
    #[must_use]
    pub fn new(generator: Generator, lines: usize, runtime: Runtime, now_ns: i64) -> Self {
        Self::of_texts(generator, lines, runtime, now_ns, |line| line.text.clone())
    }

    /// The same with what `text` makes of each line: its physical lines, with the number's marker in one of them.
    #[must_use]
    pub fn of_texts(
        mut generator: Generator,
        lines: usize,
        runtime: Runtime,
        now_ns: i64,
        text: impl Fn(&Line) -> Vec<Vec<u8>>,
    ) -> Self {
        let mut encoder = Encoder::new(runtime);
        let mut entries = Vec::with_capacity(lines);
        while entries.len() < lines.max(1) {
            // Rendering takes parts of a record at whole microseconds, so the last digit stays.
            let mut line = generator.next(now_ns - now_ns % 10 + ODD_NANOSECOND);
            line.text = text(&line);
            encoder.encode(&line);
            let needle = marker(line.truth.sequence);
            let mut found = memmem::find_iter(&encoder.bytes, needle.as_bytes());
            // A marker that is cut by the end of a part cannot be written anew: without such lines.
            if let (Some(at), None) = (found.next(), found.next()) {
                entries.push(Entry {
                    container: line.container,
                    bytes: encoder.bytes.clone(),
                    times: encoder.parts.iter().map(|part| part.time).collect(),
                    sequence: at + needle.len() - SEQUENCE_DIGITS,
                });
            }
        }
        Self { entries, next: 0, sequence: generator.last_sequence(), stamp: Stamp::new() }
    }

    /// Writes whole records until at least `bytes` bytes of physical lines are written, ten
    /// microseconds apart from `now_ns` on. The truth of a record is that of its format; only the
    /// sequence and the runtime's time are new.
    pub fn write(&mut self, kubelet: &mut Kubelet, bytes: u64, now_ns: i64) -> Result<Written, KubeletError> {
        let first_sequence = self.sequence + 1;
        let mut time_ns = now_ns - now_ns % 10 + ODD_NANOSECOND - LINE_STEP;
        let mut written = 0;
        while written < bytes {
            self.sequence += 1;
            time_ns += LINE_STEP;
            let next = self.next;
            self.next = (next + 1) % self.entries.len();
            let entry = &mut self.entries[next];
            put_digits(&mut entry.bytes[entry.sequence..entry.sequence + SEQUENCE_DIGITS], self.sequence);
            let time = self.stamp.fixed(time_ns);
            for at in &entry.times {
                entry.bytes[*at..*at + FIXED_LENGTH].copy_from_slice(time);
            }
            kubelet.write_encoded(entry.container, time_ns, &entry.bytes)?;
            written += entry.bytes.len() as u64;
        }
        kubelet.flush()?;
        let lines = self.sequence + 1 - first_sequence;
        Ok(Written { lines, bytes: written, first_sequence, last_sequence: self.sequence, last_time_ns: time_ns })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::super::{KubeletOptions, sequence_in};
    use super::*;

    #[test]
    fn every_record_has_a_number_of_its_own() {
        let root = tempfile::tempdir().unwrap();
        for runtime in [Runtime::Containerd, Runtime::CriO, Runtime::Docker] {
            let generator = Generator::new(8);
            let containers = generator.cluster().containers.len();
            let root = root.path().join(format!("{runtime:?}"));
            let options =
                KubeletOptions { runtime, rotate_at: Some(150_000), keep_rotated: 100, ..KubeletOptions::default() };
            let mut kubelet = Kubelet::new(&root, generator.cluster(), options).unwrap();
            let mut bulk = Bulk::new(generator, 500, runtime, 1_787_313_601_000_000_000);
            let first = bulk.write(&mut kubelet, 2_000_000, 1_787_313_601_999_000_000).unwrap();
            let second = bulk.write(&mut kubelet, 1_000_000, first.last_time_ns + LINE_STEP).unwrap();
            assert_eq!(second.first_sequence, first.last_sequence + 1);
            let mut found = BTreeSet::new();
            let mut bytes = 0;
            for container in 0..containers {
                let files = kubelet.rotated(container).chain([kubelet.link(container)]);
                let read: Vec<_> = files.flat_map(|path| fs::read(path).unwrap()).collect();
                bytes += read.len() as u64;
                assert!(kubelet.rotated(container).all(|path| path.to_string_lossy().contains("0.log.20260821-1200")));
                let text = String::from_utf8_lossy(&read).into_owned();
                for line in text.lines() {
                    assert!(line.contains("2026-08-21T12:00:0"), "{line}");
                    if let Some(sequence) = sequence_in(line) {
                        assert!(found.insert(sequence), "{sequence} twice");
                    }
                }
            }
            assert_eq!(bytes, first.bytes + second.bytes);
            assert_eq!(found.len() as u64, first.lines + second.lines);
            assert_eq!(found.first(), Some(&first.first_sequence));
            assert_eq!(found.last(), Some(&second.last_sequence));
        }
    }
}
