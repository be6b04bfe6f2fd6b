//! Standard output: one JSON object a line.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use super::document;
use super::{Built, Encoder, Encoding, Outcome, Partition, Request, Sender, Sending, Surroundings};
use crate::config::{Kind, OptionSpec, Options, Plugin, Problems};
use crate::record::escape::write_escaped;
use crate::record::{Record, Timestamp, Turn};

/// The stdout output.
pub const PLUGIN: Plugin = Plugin {
    name: "stdout",
    doc: "Prints records, one JSON object a line.",
    options: &[
        OptionSpec::new("Format", Kind::Choice(&["json_lines"]), "json_lines", "json_lines (Fluent Bit: msgpack)."),
        OptionSpec::new("json_date_key", Kind::Text, "date", "Key of the time, which comes first; `false` for none."),
        OptionSpec::new(
            "json_date_format",
            Kind::Choice(&["double", "iso8601", "epoch", "epoch_ms"]),
            "double",
            "How the time is written; double: seconds with a fraction.",
        ),
    ],
};

/// Builds the output.
pub fn build(options: &Options<'_>, _: Surroundings, _: &mut Problems) -> Option<Built> {
    let key = options.text("json_date_key").filter(|key| !key.eq_ignore_ascii_case("false")).map(str::to_owned);
    let format = DateFormat::named(options.text("json_date_format").unwrap_or_default());
    let encoder = move || Box::new(LineEncoder { key: key.clone(), format }) as Box<dyn Encoder>;
    let sender = Arc::new(StdoutSender);
    Some(Built {
        encoder: Box::new(encoder),
        sender,
        encoding: Encoding::Plain,
        concurrency: 1,
        start_jitter: Duration::ZERO,
    })
}

#[derive(Debug, Clone, Copy)]
enum DateFormat {
    Double,
    Iso8601,
    Epoch,
    EpochMilliseconds,
}

impl DateFormat {
    fn named(name: &str) -> Self {
        match name {
            "iso8601" => Self::Iso8601,
            "epoch" => Self::Epoch,
            "epoch_ms" => Self::EpochMilliseconds,
            _ => Self::Double,
        }
    }

    fn write(self, time: Timestamp, out: &mut Vec<u8>) {
        let (seconds, nanoseconds) = (time.0.div_euclid(1_000_000_000), time.0.rem_euclid(1_000_000_000));
        match self {
            Self::Iso8601 => {
                out.push(b'"');
                time.write_rfc3339(out);
                out.push(b'"');
            }
            // Writing into memory cannot fail.
            Self::Double => drop(write!(out, "{seconds}.{nanoseconds:09}")),
            Self::Epoch => drop(write!(out, "{seconds}")),
            Self::EpochMilliseconds => drop(write!(out, "{}", time.milliseconds())),
        }
    }
}

struct LineEncoder {
    key: Option<String>,
    format: DateFormat,
}

impl Encoder for LineEncoder {
    fn partition(&mut self, _: &Record<'_>, _: &Turn<'_>) -> Partition {
        0
    }

    fn encode(&mut self, record: &Record<'_>, _: &Turn<'_>, body: &mut Vec<u8>) {
        body.push(b'{');
        let mut first = true;
        if let Some(key) = &self.key
            && (record.unique || !document::has(record, key.as_bytes()))
        {
            body.push(b'"');
            write_escaped(body, key.as_bytes());
            body.extend_from_slice(b"\":");
            self.format.write(record.time, body);
            first = false;
        }
        document::write_members(body, record, &mut first);
        body.extend_from_slice(b"}\n");
    }
}

struct StdoutSender;

impl Sender for StdoutSender {
    fn send<'a>(&'a self, request: &'a Request) -> Sending<'a> {
        Box::pin(async move {
            let mut stdout = std::io::stdout().lock();
            match stdout.write_all(&request.body).and_then(|()| stdout.flush()) {
                Ok(()) => Outcome::Delivered,
                Err(error) => Outcome::Retry(error.to_string()),
            }
        })
    }

    fn destination(&self, _: Partition) -> String {
        "standard output".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_times_as_asked() {
        let table = [
            ("double", "1787313601.123456789"),
            ("iso8601", "\"2026-08-21T12:00:01.123456789Z\""),
            ("epoch", "1787313601"),
            ("epoch_ms", "1787313601123"),
        ];
        for (name, expected) in table {
            let mut out = Vec::new();
            DateFormat::named(name).write(Timestamp(1_787_313_601_123_456_789), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
