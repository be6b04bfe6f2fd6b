//! Physical lines as container runtimes write them: CRI (containerd, CRI-O) and Docker's
//! json-file.

use super::clock::{FIXED_LENGTH, Stamp};
use super::json_text::{Style, rendered};
use super::{Line, Stream};

/// Bytes of an application's line after which a runtime starts a new physical line
/// (containerd's `max_container_log_line_size`, Docker's copier buffer: both 16 KiB).
pub const PART_LENGTH: usize = 16 * 1024;

/// Nanoseconds between the physical lines of one record.
const PART_STEP: i64 = 1_000;

/// Which runtime's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Runtime {
    /// containerd: CRI lines, times as Go's `RFC3339Nano` (no trailing zeros, `Z`).
    #[default]
    Containerd,
    /// CRI-O: CRI lines, times with nine digits and `+00:00`.
    CriO,
    /// Docker's json-file lines.
    Docker,
}

/// One physical line in [`Encoder`]'s bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    /// Its end.
    pub(super) end: usize,
    /// Where its time begins.
    pub(super) time: usize,
}

/// Turns application lines into physical lines; keeps its memory from one to the next.
#[derive(Debug)]
pub(super) struct Encoder {
    runtime: Runtime,
    stamp: Stamp,
    pub(super) bytes: Vec<u8>,
    pub(super) parts: Vec<Part>,
}

impl Encoder {
    pub(super) fn new(runtime: Runtime) -> Self {
        Self { runtime, stamp: Stamp::new(), bytes: Vec::new(), parts: Vec::new() }
    }

    /// Encodes all of a record into `bytes` and `parts`.
    pub(super) fn encode(&mut self, line: &Line) {
        self.clear();
        for text in &line.text {
            self.add(line.stream, line.time_ns, text);
        }
    }

    /// Encodes one application line.
    pub(super) fn encode_text(&mut self, stream: Stream, time_ns: i64, text: &[u8]) {
        self.clear();
        self.add(stream, time_ns, text);
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.parts.clear();
    }

    fn add(&mut self, stream: Stream, time_ns: i64, text: &[u8]) {
        let mut rest = text;
        loop {
            let time_ns = time_ns + PART_STEP * i64::try_from(self.parts.len()).unwrap_or(0);
            let (part, behind) = rest.split_at(self.part_length(rest));
            let full = behind.is_empty();
            let time = match self.runtime {
                Runtime::Docker => self.add_docker(stream, time_ns, part, full),
                Runtime::Containerd | Runtime::CriO => self.add_cri(stream, time_ns, part, full),
            };
            self.parts.push(Part { end: self.bytes.len(), time });
            if full {
                return;
            }
            rest = behind;
        }
    }

    /// Docker replaces the halves of a letter that it cut, and so loses it; to keep the truth
    /// exact, no letter is cut there. CRI lines are cut anywhere.
    fn part_length(&self, text: &[u8]) -> usize {
        let mut length = text.len().min(PART_LENGTH);
        if self.runtime == Runtime::Docker && length < text.len() {
            while length > PART_LENGTH - 4 && text[length] & 0xc0 == 0x80 {
                length -= 1;
            }
        }
        length
    }

    /// `2026-08-21T12:00:01.123456789Z stdout F text`
    fn add_cri(&mut self, stream: Stream, time_ns: i64, part: &[u8], full: bool) -> usize {
        let time = self.bytes.len();
        self.add_time(time_ns);
        self.bytes.push(b' ');
        self.bytes.extend_from_slice(stream.name().as_bytes());
        self.bytes.extend_from_slice(if full { b" F " } else { b" P " });
        self.bytes.extend_from_slice(part);
        self.bytes.push(b'\n');
        time
    }

    /// `{"log":"text\n","stream":"stdout","time":"2026-08-21T12:00:01.123456789Z"}`
    fn add_docker(&mut self, stream: Stream, time_ns: i64, part: &[u8], full: bool) -> usize {
        let mut text = String::from_utf8_lossy(part).into_owned();
        if full {
            text.push('\n');
        }
        self.bytes.extend_from_slice(b"{\"log\":");
        self.bytes.extend_from_slice(rendered(&text, Style::Go).as_bytes());
        self.bytes.extend_from_slice(b",\"stream\":\"");
        self.bytes.extend_from_slice(stream.name().as_bytes());
        self.bytes.extend_from_slice(b"\",\"time\":\"");
        let time = self.bytes.len();
        self.add_time(time_ns);
        self.bytes.extend_from_slice(b"\"}\n");
        time
    }

    fn add_time(&mut self, time_ns: i64) {
        let text = self.stamp.fixed(time_ns);
        if self.runtime == Runtime::CriO {
            self.bytes.extend_from_slice(text);
            self.bytes.extend_from_slice(b"+00:00");
            return;
        }
        let zeros = text.iter().rev().take_while(|byte| **byte == b'0').count();
        // A fraction of nothing but zeros goes with its dot.
        let length = if zeros >= 9 { FIXED_LENGTH - 10 } else { FIXED_LENGTH - zeros };
        self.bytes.extend_from_slice(&text[..length]);
        self.bytes.push(b'Z');
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const TIME: i64 = 1_787_313_601_123_456_789;

    fn encoded(runtime: Runtime, time_ns: i64, text: &[u8]) -> Vec<String> {
        let mut encoder = Encoder::new(runtime);
        encoder.encode_text(Stream::Stderr, time_ns, text);
        let text = String::from_utf8_lossy(&encoder.bytes).into_owned();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn each_runtime_has_its_own_line() {
        assert_eq!(encoded(Runtime::Containerd, TIME, b"x y"), ["2026-08-21T12:00:01.123456789Z stderr F x y"]);
        assert_eq!(encoded(Runtime::CriO, TIME, b"x y"), ["2026-08-21T12:00:01.123456789+00:00 stderr F x y"]);
        let docker = r#"{"log":"x \u003cy\u003e\n","stream":"stderr","time":"2026-08-21T12:00:01.123456789Z"}"#;
        assert_eq!(encoded(Runtime::Docker, TIME, b"x <y>"), [docker]);
    }

    #[test]
    fn containerd_drops_trailing_zeros_and_crio_keeps_them() {
        let second = 1_787_313_601_000_000_000;
        assert_eq!(encoded(Runtime::Containerd, second, b""), ["2026-08-21T12:00:01Z stderr F "]);
        assert_eq!(encoded(Runtime::Containerd, second + 120_000_000, b""), ["2026-08-21T12:00:01.12Z stderr F "]);
        assert_eq!(encoded(Runtime::CriO, second, b""), ["2026-08-21T12:00:01.000000000+00:00 stderr F "]);
        let ten = encoded(Runtime::Containerd, 1_787_313_610_000_000_000, b"");
        assert_eq!(ten, ["2026-08-21T12:00:10Z stderr F "]);
    }

    #[test]
    fn long_lines_are_cut_into_parts_and_come_together_again() {
        for length in [PART_LENGTH, PART_LENGTH + 1, 3 * PART_LENGTH, 100 * 1024] {
            let text: String = "aé🚀".chars().cycle().take(length / 2).collect();
            let text = text.as_bytes();
            for runtime in [Runtime::Containerd, Runtime::CriO, Runtime::Docker] {
                let mut encoder = Encoder::new(runtime);
                encoder.encode_text(Stream::Stdout, TIME, text);
                assert_eq!(joined(&encoder, runtime), text, "{runtime:?} {length}");
                assert_eq!(encoder.parts.len(), encoder.bytes.iter().filter(|byte| **byte == b'\n').count());
                assert!(encoder.parts.len() >= text.len().div_ceil(PART_LENGTH));
            }
        }
    }

    #[test]
    fn a_line_of_just_the_part_length_is_whole() {
        assert!(encoded(Runtime::Containerd, TIME, &[b'x'; PART_LENGTH])[0].contains(" F x"));
        let cut = encoded(Runtime::Containerd, TIME, &[b'x'; PART_LENGTH + 1]);
        assert!(cut[0].contains(" P x"));
        assert_eq!(cut[1], "2026-08-21T12:00:01.123457789Z stderr F x");
    }

    fn joined(encoder: &Encoder, runtime: Runtime) -> Vec<u8> {
        let mut text = Vec::new();
        let mut start = 0;
        for (index, part) in encoder.parts.iter().enumerate() {
            let line = &encoder.bytes[start..part.end - 1];
            let last = index + 1 == encoder.parts.len();
            if runtime == Runtime::Docker {
                let object: Value = serde_json::from_slice(line).unwrap();
                let log = object["log"].as_str().unwrap();
                assert_eq!(log.ends_with('\n'), last);
                text.extend_from_slice(log.trim_end_matches('\n').as_bytes());
            } else {
                let mut columns = line.splitn(4, |byte| *byte == b' ').skip(2);
                assert_eq!(columns.next().unwrap(), if last { b"F" } else { b"P" });
                text.extend_from_slice(columns.next().unwrap());
            }
            assert!(encoder.bytes[part.time..].starts_with(b"2026-08-21T12:00:01.1234"));
            start = part.end;
        }
        text
    }
}
