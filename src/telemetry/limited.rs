//! What was left out, or read later, because a container logged more than it may.

use std::sync::Arc;
use std::time::{Duration, Instant};

/// What happened to one container.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LimitedCounts {
    /// Records that were dropped.
    pub dropped: u64,
    /// Records that were not in the sample.
    pub sampled: u64,
    /// How often its log had to wait.
    pub waits: u64,
    /// Bytes of its log that were given up, as it had more than its share of the spool.
    pub given_up: u64,
}

/// All containers to which something happened, by `<namespace>/<pod>/<container>`: the first
/// [`MOST`](Self::MOST), and the sum of the others. One that is gone is kept for
/// [`KEPT`](Self::KEPT), so that its last counts are seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limited(Vec<Entry>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    name: Arc<str>,
    counts: LimitedCounts,
    /// Since when it has no files any more.
    gone: Option<Instant>,
}

impl Limited {
    /// Containers that have a series of their own in the metrics.
    pub const MOST: usize = 100;
    /// How long a container whose files are gone stays: some scrapes of any common interval.
    pub const KEPT: Duration = Duration::from_secs(300);
    /// The name of the others.
    pub const OTHERS: &str = "others";

    /// Something happened to a container.
    pub fn add(&mut self, container: &str, counts: LimitedCounts) {
        if counts == LimitedCounts::default() {
            return;
        }
        let is_there = self.0.iter().any(|entry| &*entry.name == container);
        let own = self.0.iter().filter(|entry| &*entry.name != Self::OTHERS).count();
        let name = if is_there || own < Self::MOST { container } else { Self::OTHERS };
        match self.0.iter_mut().find(|entry| &*entry.name == name) {
            Some(Entry { counts: sum, gone, .. }) => {
                sum.dropped += counts.dropped;
                sum.sampled += counts.sampled;
                sum.waits += counts.waits;
                sum.given_up += counts.given_up;
                *gone = None;
            }
            None => self.0.push(Entry { name: name.into(), counts, gone: None }),
        }
    }

    /// Nothing happened to any container that is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets containers of which no file has been there for some time.
    pub fn forget_gone(&mut self, is_there: impl Fn(&str) -> bool, now: Instant) {
        self.0.retain_mut(|entry| {
            if &*entry.name == Self::OTHERS || is_there(&entry.name) {
                entry.gone = None;
            } else {
                entry.gone.get_or_insert(now);
            }
            entry.gone.is_none_or(|gone| now.duration_since(gone) < Self::KEPT)
        });
    }

    /// Each container with what happened to it.
    pub fn iter(&self) -> impl Iterator<Item = (&str, LimitedCounts)> {
        self.0.iter().map(|entry| (&*entry.name, entry.counts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_series_is_bounded() {
        let mut limited = Limited::default();
        let once = LimitedCounts { dropped: 1, sampled: 2, waits: 3, given_up: 4 };
        for number in 0..Limited::MOST + 5 {
            limited.add(&number.to_string(), once);
        }
        limited.add("0", once);
        limited.add("nothing", LimitedCounts::default());
        assert_eq!(limited.iter().count(), Limited::MOST + 1);
        assert_eq!(limited.iter().next(), Some(("0", LimitedCounts { dropped: 2, sampled: 4, waits: 6, given_up: 8 })));
        assert_eq!(
            limited.iter().last(),
            Some((Limited::OTHERS, LimitedCounts { dropped: 5, sampled: 10, waits: 15, given_up: 20 }))
        );
    }

    #[test]
    fn a_container_s_series_go_some_time_after_its_files() {
        let (mut limited, start) = (Limited::default(), Instant::now());
        let once = LimitedCounts { dropped: 1, ..LimitedCounts::default() };
        ["gone", "there", Limited::OTHERS].iter().for_each(|name| limited.add(name, once));
        let mut left_at = |seconds, there: &[&str]| {
            limited.forget_gone(|name| there.contains(&name), start + Duration::from_secs(seconds));
            limited.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>()
        };
        let kept = Limited::KEPT.as_secs();
        assert_eq!(left_at(0, &["there"]), ["gone", "there", "others"]);
        assert_eq!(left_at(kept - 1, &["there"]), ["gone", "there", "others"], "a scrape sees its last count");
        assert_eq!(left_at(kept, &["there"]), ["there", "others"]);
        // Between two files of its log it is none that is gone.
        assert_eq!(left_at(kept + 1, &[]), ["there", "others"]);
        assert_eq!(left_at(2 * kept, &["there"]), ["there", "others"]);
        assert_eq!(left_at(3 * kept, &[]), ["there", "others"]);
        assert_eq!(left_at(4 * kept, &[]), ["others"]);
    }
}
