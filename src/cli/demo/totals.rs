//! The end of the demonstration: what was written against what arrived.

use std::collections::BTreeSet;
use std::fmt;

use super::receiver::Received;
use super::status::Sums;
use super::watched::Levels;
use super::writer::Written;
use crate::cli::figures::{bytes, grouped};

/// The totals. Their text is what is printed.
#[derive(Debug, Clone, Default)]
pub(super) struct Totals {
    pub(super) written: Written,
    /// What flytail says.
    pub(super) sums: Sums,
    /// Requests that had to be repeated.
    pub(super) retries: u64,
    /// What the receiver says.
    pub(super) received: Received,
    /// What it received, by level.
    pub(super) levels: Levels,
    /// Documents that arrived at the user's server, and its address.
    pub(super) remote: Option<(String, u64)>,
}

impl Totals {
    /// What is not as it should be, if anything.
    pub(super) fn differences(&self) -> Vec<String> {
        let written = self.written.records;
        let mut differences = Vec::new();
        let mut compare = |what: &str, count: u64| {
            if count != written {
                differences.push(format!("{} records were written, {} {what}", grouped(written), grouped(count)));
            }
        };
        compare("arrived", self.received.documents);
        if let Some((url, acked)) = &self.remote {
            compare(&format!("arrived at {url}"), *acked);
        }
        if differences.is_empty() && self.levels != self.written.levels {
            differences.push("levels are not those that were written".to_owned());
        }
        for (count, what) in [(self.sums.dead_lettered, "refused"), (self.sums.dropped, "given up")] {
            if count > 0 {
                differences.push(format!("{} documents were {what}", grouped(count)));
            }
        }
        differences
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (written, sums, received) = (&self.written, &self.sums, &self.received);
        writeln!(
            out,
            "written    {} records ({} lines of text: a traceback is one record), {} rotations",
            grouped(written.records),
            grouped(written.lines),
            grouped(written.rotations),
        )?;
        writeln!(out, "read       {} records, {}", grouped(sums.lines), bytes(sums.read))?;
        writeln!(
            out,
            "delivered  {} documents, {} in {} requests ({} as gzip)",
            grouped(received.documents),
            bytes(received.bytes),
            grouped(received.requests),
            bytes(received.sent_bytes),
        )?;
        writeln!(
            out,
            "           {} duplicates, {} dead letters, {} given up, {} retries",
            grouped(received.duplicates),
            grouped(sums.dead_lettered),
            grouped(sums.dropped),
            grouped(self.retries),
        )?;
        if let Some((url, acked)) = &self.remote {
            writeln!(out, "           {} documents to {url}", grouped(*acked))?;
        }
        writeln!(out, "{:10} {:>12} {:>12}", "level", "written", "delivered")?;
        for level in self.level_names() {
            let count = |levels: &Levels| grouped(levels.get(level).copied().unwrap_or(0));
            let name = if level.is_empty() { "(none)" } else { level };
            writeln!(out, "{name:10} {:>12} {:>12}", count(&written.levels), count(&self.levels))?;
        }
        match self.differences() {
            none if none.is_empty() => write!(out, "OK: every record that was written has arrived, once"),
            some => write!(out, "DIFFERS: {}", some.join("; ")),
        }
    }
}

impl Totals {
    /// The worst first, unknown words behind them, none last.
    fn level_names(&self) -> Vec<&str> {
        const ORDER: [&str; 6] = ["FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE"];
        let names: BTreeSet<_> = self.written.levels.keys().chain(self.levels.keys()).map(String::as_str).collect();
        let rank = |name: &str| match ORDER.iter().position(|known| *known == name) {
            Some(place) => place,
            None => ORDER.len() + usize::from(name.is_empty()),
        };
        let mut names: Vec<_> = names.into_iter().collect();
        names.sort_by_key(|name| rank(name));
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals() -> Totals {
        let levels = Levels::from([(String::new(), 500), ("INFO".into(), 600), ("ERROR".into(), 134)]);
        Totals {
            written: Written { records: 1234, lines: 1300, levels: levels.clone(), ..Written::default() },
            sums: Sums { lines: 1300, read: 512_000, ..Sums::default() },
            received: Received { documents: 1234, requests: 7, sent_bytes: 60_000, ..Received::default() },
            levels,
            ..Totals::default()
        }
    }

    #[test]
    fn says_ok_only_if_all_is_as_written() {
        assert!(totals().to_string().ends_with("OK: every record that was written has arrived, once"));
        let lost = Totals { received: Received { documents: 1233, ..totals().received }, ..totals() };
        assert_eq!(lost.differences(), ["1,234 records were written, 1,233 arrived"]);
        let late = Totals { remote: Some(("http://es".into(), 1000)), ..totals() };
        assert_eq!(late.differences(), ["1,234 records were written, 1,000 arrived at http://es"]);
        let other = Levels::from([("WARN".into(), 1234)]);
        let misread = Totals { levels: other, ..totals() };
        assert_eq!(misread.differences(), ["levels are not those that were written"]);
        let refused = Totals { sums: Sums { dead_lettered: 2, ..totals().sums }, ..totals() };
        assert!(refused.to_string().ends_with("DIFFERS: 2 documents were refused"));
    }

    #[test]
    fn levels_stand_in_the_order_of_their_weight() {
        let text = totals().to_string();
        let at = |name| text.find(name).unwrap();
        assert!(at("\nERROR") < at("\nINFO") && at("\nINFO") < at("\n(none)"), "{text}");
        assert!(text.contains("(none)              500          500"), "{text}");
    }
}
