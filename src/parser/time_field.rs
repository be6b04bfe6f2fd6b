//! Which field holds a record's time, how it is read, and whether the field stays.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bumpalo::Bump;
use jiff::tz::{Offset, TimeZone};

use super::time_format::TimeFormat;
use crate::config::{Options, Problems};
use crate::record::{Timestamp, json};

/// The time field of a parser.
#[derive(Debug, Clone)]
pub(super) struct TimeField {
    /// Key of the field, as JSON text between its quotes.
    pub(super) key: Vec<u8>,
    /// The field stays in the record.
    pub(super) keep: bool,
    reading: Reading,
    /// Texts that were no time.
    unreadable: Arc<AtomicU64>,
}

#[derive(Debug, Clone)]
enum Reading {
    /// RFC 3339, with or without a fraction: the built-in parsers.
    Rfc3339,
    Format {
        format: TimeFormat,
        /// What RFC 3339 can read, it reads faster and to the same result.
        rfc3339_first: bool,
        /// Where times without a zone were written.
        zone: TimeZone,
        /// A text that fits only in part is no time.
        strict: bool,
    },
}

impl TimeField {
    /// The field `time` of container runtimes, kept.
    pub(super) fn of_runtimes() -> Self {
        Self { key: b"time".to_vec(), keep: true, reading: Reading::Rfc3339, unreadable: Arc::default() }
    }

    /// What a `[PARSER]` section says; `None` without a `Time_Format`.
    pub(super) fn new(options: &Options<'_>, problems: &mut Problems) -> Option<Self> {
        let zone = zone(options, problems);
        let Some(text) = options.text("Time_Format") else {
            if options.is_set("Time_Zone") {
                problems.push(options.problem("Time_Zone", "Time_Zone needs a Time_Format"));
            }
            return None;
        };
        let format = TimeFormat::new(text);
        if let Some(unknown) = format.unknown() {
            let message = format!("Time_Format has no conversion `{unknown}`: with it, no time is ever read");
            let hint = "a fraction of a second is `%L`, of one to nine digits, without the dot before it";
            problems.push(options.warning("Time_Format", message).with_hint(hint));
        }
        let key = json::sound_key(options.text("Time_Key").unwrap_or("time").as_bytes(), &Bump::new()).to_vec();
        let reading = Reading::Format {
            format,
            rfc3339_first: text == "%Y-%m-%dT%H:%M:%S.%L%z",
            zone,
            strict: options.boolean("Time_Strict"),
        };
        Some(Self { key, keep: options.boolean("Time_Keep"), reading, unreadable: Arc::default() })
    }

    /// How many texts were no time.
    pub(super) fn unreadable(&self) -> u64 {
        self.unreadable.load(Ordering::Relaxed)
    }

    /// Whether a text that is no time is a mistake.
    pub(super) fn is_strict(&self) -> bool {
        match &self.reading {
            Reading::Rfc3339 => true,
            Reading::Format { strict, .. } => *strict,
        }
    }

    /// Reads the field's text, and counts if it is no time.
    pub(super) fn read(&self, text: &[u8], now: Timestamp) -> Option<Timestamp> {
        let time = self.reading.read(text, now);
        if time.is_none() {
            self.unreadable.fetch_add(1, Ordering::Relaxed);
        }
        time
    }
}

impl Reading {
    fn read(&self, text: &[u8], now: Timestamp) -> Option<Timestamp> {
        let (format, zone, strict) = match self {
            Self::Rfc3339 => return Timestamp::parse_rfc3339(text),
            Self::Format { format, rfc3339_first, zone, strict } => {
                let quick = if *rfc3339_first { Timestamp::parse_rfc3339(text) } else { None };
                if quick.is_some() {
                    return quick;
                }
                (format, zone, *strict)
            }
        };
        let (parts, fits) = format.read(text);
        if fits || (!strict && parts.has_year()) { parts.resolve(zone, now) } else { None }
    }
}

fn zone(options: &Options<'_>, problems: &mut Problems) -> TimeZone {
    let system = options.boolean("Time_System_Timezone");
    if let Some(name) = options.text("Time_Zone") {
        if system || options.is_set("Time_Offset") {
            let message = "Time_Zone excludes Time_Offset and Time_System_Timezone";
            problems.push(options.problem("Time_Zone", message));
        }
        return TimeZone::get(name).unwrap_or_else(|_| {
            let problem = options.problem("Time_Zone", format!("no time zone \"{name}\" is known on this system"));
            problems.push(problem.with_hint("names are those of the IANA database, for instance Europe/Berlin"));
            TimeZone::UTC
        });
    }
    if system {
        return TimeZone::system();
    }
    match options.text("Time_Offset") {
        None => TimeZone::UTC,
        Some(text) => offset(text).unwrap_or_else(|| {
            problems.push(options.problem("Time_Offset", format!("\"{text}\" is none of +HHMM, +HH:MM and Z")));
            TimeZone::UTC
        }),
    }
}

fn offset(text: &str) -> Option<TimeZone> {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let is_offset = text.starts_with(['+', '-']) && digits == 4 && (text.len() == 5 || text.as_bytes()[3] == b':');
    if text != "Z" && (!is_offset || text.len() > 6) {
        return None;
    }
    let parts = TimeFormat::new("%z").read_all(text.as_bytes())?;
    let seconds = i32::try_from(parts.offset?).ok()?;
    Offset::from_seconds(seconds).ok().map(TimeZone::fixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_have_hours_and_minutes() {
        let seconds = |text| offset(text).and_then(|zone| zone.to_fixed_offset().ok()).map(Offset::seconds);
        assert_eq!(seconds("+0530"), Some(19_800));
        assert_eq!(seconds("-05:30"), Some(-19_800));
        assert_eq!(seconds("Z"), Some(0));
        for text in ["+5", "0530", "UTC", "+05x0", ""] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
