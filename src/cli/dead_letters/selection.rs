//! Which letters are meant.

use clap::Args;
use glob::Pattern;

use crate::cli::since::since;
use crate::record::Timestamp;
use crate::spool::dead_letters::DeadLetter;

/// Filters; all of them have to match.
#[derive(Debug, Default, Args)]
pub(super) struct Selection {
    /// Only those for this index; `*` stands for anything
    #[arg(long, value_name = "PATTERN", value_parser = Pattern::new)]
    index: Option<Pattern>,
    /// Only those with this type of error
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Only those refused since: `2026-11-22`, `2026-11-22T10:15:00Z`, or a time ago such as `30m`, `2h`, `7d`
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Timestamp>,
}

impl Selection {
    /// Nothing is filtered out.
    pub(super) fn is_everything(&self) -> bool {
        self.index.is_none() && self.kind.is_none() && self.since.is_none()
    }

    /// The letter is meant. One without a sound time is not, if times count.
    pub(super) fn takes(&self, letter: &DeadLetter) -> bool {
        self.index.as_ref().is_none_or(|pattern| pattern.matches(&letter.index))
            && self.kind.as_ref().is_none_or(|kind| *kind == letter.kind)
            && self.since.is_none_or(|since| letter.timestamp().is_some_and(|time| time >= since))
    }

    /// Takes the first so many of those that are meant.
    pub(super) fn first(&self, limit: Option<u64>) -> impl FnMut(&DeadLetter) -> bool {
        let mut left = limit.unwrap_or(u64::MAX);
        move |letter| {
            let takes = left > 0 && self.takes(letter);
            left -= u64::from(takes);
            takes
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(index: &str, kind: &str, time: &str) -> DeadLetter {
        DeadLetter { time: time.to_owned(), ..DeadLetter::new("es.0", index, (400, kind, "r"), b"{}\n") }
    }

    #[test]
    fn all_filters_have_to_match() {
        let selection = Selection {
            index: Some(Pattern::new("flyte-*").unwrap()),
            kind: Some("parsing".to_owned()),
            since: Some(since("2026-11-22").unwrap()),
        };
        let time = "2026-11-22T00:00:00.000000001Z";
        assert!(selection.takes(&letter("flyte-logs-2026.11.22", "parsing", time)));
        assert!(!selection.takes(&letter("other", "parsing", time)));
        assert!(!selection.takes(&letter("flyte-logs", "mapping", time)));
        assert!(!selection.takes(&letter("flyte-logs", "parsing", "2026-11-21T23:59:59Z")));
        assert!(!selection.takes(&letter("flyte-logs", "parsing", "yesterday")));
        let everything = Selection::default();
        assert!(everything.is_everything() && everything.takes(&letter("x", "y", "yesterday")));
        let mut first = everything.first(Some(2));
        assert_eq!([(); 3].map(|()| first(&letter("x", "y", time))), [true, true, false]);
    }
}
