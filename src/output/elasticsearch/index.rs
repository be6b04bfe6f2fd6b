//! Names of indices: plain, or with a date that is made of the record's time.

use std::sync::OnceLock;

use jiff::fmt::strtime;

use super::data_stream::DataStream;
use super::prefix::{Known, Prefixes};
use crate::config::{Options, Problems};
use crate::output::Partition;
use crate::record::{Record, Timestamp, Turn};

/// How a partition becomes an index name.
#[derive(Debug)]
pub(super) struct Naming {
    /// strftime pattern of the name.
    pattern: String,
    unit: Unit,
    /// Of `Logstash_Format`: what stands behind a prefix, and the prefixes that records name.
    prefixes: Option<(String, Prefixes)>,
    /// The name without a date, where the date is only ours to add if the name is free.
    base: Option<String>,
    /// What the server said about `base`.
    is_taken: OnceLock<bool>,
}

/// What a partition's number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Nothing,
    Days,
    Hours,
}

const HOUR: i64 = 3_600_000_000_000;

impl Naming {
    /// As the options say. A data stream has the name that it has.
    pub(super) fn new(
        options: &Options<'_>,
        data_stream: Option<&DataStream>,
        add_date: bool,
        problems: &mut Problems,
    ) -> Option<Self> {
        let index = options.text("Index").unwrap_or("fluent-bit");
        let mut prefixes = None;
        let (key, pattern, base) = if let Some(stream) = data_stream {
            ("Data_Stream", stream.name.clone(), None)
        } else if options.boolean("Logstash_Format") {
            let text = |key: &str, default| options.text(key).unwrap_or(default).to_owned();
            let prefix = text("Logstash_Prefix", "logstash").replace('%', "%%");
            let behind =
                text("Logstash_Prefix_Separator", "-").replace('%', "%%") + &text("Logstash_DateFormat", "%Y.%m.%d");
            prefixes = Prefixes::of(options, problems).map(|prefixes| (behind.clone(), prefixes));
            ("Logstash_DateFormat", prefix + &behind, None)
        } else if index.contains('%') || !add_date {
            ("Index", index.to_owned(), None)
        } else {
            ("Index", format!("{index}-%Y.%m.%d"), Some(index.to_owned()))
        };
        let naming = Self { unit: unit_of(&pattern), pattern, prefixes, base, is_taken: OnceLock::new() };
        if let Err(error) = naming.render(&naming.pattern, 0) {
            problems.push(options.problem(key, format!("`{}` is no date format: {error}", naming.pattern)));
            return None;
        }
        Some(naming)
    }

    /// The name as strftime takes it.
    pub(super) fn pattern(&self) -> &str {
        &self.pattern
    }

    /// The partition of a record. `known` is the worker's.
    pub(super) fn partition(&self, record: &Record<'_>, turn: &Turn<'_>, known: &mut Known) -> Partition {
        let time = self.unit(record.time);
        match &self.prefixes {
            None => time,
            Some((_, prefixes)) => prefixes.partition(record, turn, time, known),
        }
    }

    fn unit(&self, time: Timestamp) -> Partition {
        match self.unit {
            Unit::Nothing => 0,
            Unit::Days => time.day(),
            Unit::Hours => time.0.div_euclid(HOUR),
        }
    }

    /// The name of a partition's index.
    pub(super) fn index(&self, partition: Partition) -> String {
        if let Some((behind, prefixes)) = &self.prefixes {
            let (prefix, time) = prefixes.split(partition);
            let pattern = prefix.map_or_else(|| self.pattern.clone(), |prefix| prefix + behind);
            return self.render(&pattern, time).unwrap_or(pattern);
        }
        match &self.base {
            Some(base) if self.is_taken.get() == Some(&true) => base.clone(),
            _ => self.render(&self.pattern, partition).unwrap_or_else(|_| self.pattern.clone()),
        }
    }

    /// The name of which the server has to say whether it is an alias or data stream, if it has
    /// not said so yet.
    pub(super) fn question(&self) -> Option<&str> {
        self.base.as_deref().filter(|_| self.is_taken.get().is_none())
    }

    /// The server's answer. If the name is taken, no date is added.
    pub(super) fn answer(&self, is_taken: bool) {
        // The first answer counts: two requests may have asked at the same time.
        let _ = self.is_taken.set(is_taken);
    }

    fn render(&self, pattern: &str, partition: Partition) -> Result<String, jiff::Error> {
        let seconds = match self.unit {
            Unit::Nothing if !pattern.contains('%') => return Ok(pattern.to_owned()),
            Unit::Nothing => 0,
            Unit::Days => partition * 86_400,
            Unit::Hours => partition * 3600,
        };
        let time = jiff::Timestamp::from_second(seconds)?.to_zoned(jiff::tz::TimeZone::UTC);
        strtime::format(pattern, &time)
    }
}

fn unit_of(pattern: &str) -> Unit {
    let mut letters = pattern.split('%').skip(1).filter_map(|part| part.chars().next());
    if !pattern.contains('%') {
        Unit::Nothing
    } else if letters.any(|letter| "HIklMSspTRrc".contains(letter)) {
        Unit::Hours
    } else {
        Unit::Days
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naming(pattern: &str, base: Option<&str>) -> Naming {
        let pattern = pattern.to_owned();
        Naming {
            unit: unit_of(&pattern),
            pattern,
            prefixes: None,
            base: base.map(str::to_owned),
            is_taken: OnceLock::new(),
        }
    }

    const TIME: Timestamp = Timestamp(1_787_313_601_123_456_789);

    #[test]
    fn takes_the_date_from_the_record() {
        let table = [
            ("flyte-logs-%Y.%m.%d", "flyte-logs-2026.08.21"),
            ("hourly-%Y-%m-%d-%H", "hourly-2026-08-21-12"),
            ("plain", "plain"),
        ];
        for (pattern, expected) in table {
            let naming = naming(pattern, None);
            assert_eq!(naming.index(naming.unit(TIME)), expected);
        }
    }

    #[test]
    fn adds_no_date_to_an_alias() {
        let naming = naming("flyte-logs-%Y.%m.%d", Some("flyte-logs"));
        let day = naming.unit(TIME);
        assert_eq!(naming.question(), Some("flyte-logs"));
        assert_eq!(naming.index(day), "flyte-logs-2026.08.21");
        naming.answer(true);
        assert_eq!((naming.question(), naming.index(day).as_str()), (None, "flyte-logs"));
    }
}
