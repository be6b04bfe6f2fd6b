//! What is seen of the documents that arrive: counts by level, and a few of them to show.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Deserialize;

/// Documents by their `level`; those without one are under the empty text.
pub(super) type Levels = BTreeMap<String, u64>;

/// The documents' witness. All are counted; of each round, at most so many are kept to be shown, each with the same
/// odds.
#[derive(Debug)]
pub(super) struct Watched {
    /// The most that is kept of a round.
    most: usize,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    levels: Levels,
    /// Documents of this round.
    round: usize,
    kept: Vec<Vec<u8>>,
}

#[derive(Deserialize)]
struct Leveled<'a> {
    #[serde(borrow, default)]
    level: Option<Cow<'a, str>>,
}

impl Watched {
    pub(super) fn new(most: usize) -> Self {
        Self { most, seen: Mutex::default() }
    }

    /// Sees a document.
    pub(super) fn see(&self, document: &[u8]) {
        let parsed = serde_json::from_slice(document);
        let level = parsed.ok().and_then(|Leveled { level }| level).unwrap_or_default();
        let mut seen = self.lock();
        match seen.levels.get_mut(level.as_ref()) {
            Some(count) => *count += 1,
            None => drop(seen.levels.insert(level.into_owned(), 1)),
        }
        seen.round += 1;
        if seen.kept.len() < self.most {
            seen.kept.push(document.to_vec());
        } else {
            // The n-th of a round takes the place of one that was kept in `most` of n cases.
            let place = fastrand::usize(..seen.round);
            if let Some(kept) = seen.kept.get_mut(place) {
                *kept = document.to_vec();
            }
        }
    }

    /// Ends a round: what was kept of it, in the order of the documents' times.
    pub(super) fn end_round(&self) -> Vec<Vec<u8>> {
        let mut seen = self.lock();
        seen.round = 0;
        let mut kept = std::mem::take(&mut seen.kept);
        drop(seen);
        // It begins with the time, in digits of one length.
        kept.sort();
        kept
    }

    /// All documents so far, by level.
    pub(super) fn levels(&self) -> Levels {
        self.lock().levels.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_all_and_keeps_a_few_of_each_round() {
        let watched = Watched::new(3);
        for number in 0..100 {
            watched.see(format!(r#"{{"@timestamp":"{:03}","level":"INFO"}}"#, 99 - number).as_bytes());
        }
        watched.see(br#"{"level":"\u0045RROR"}"#);
        watched.see(br#"{"message":"level"}"#);
        let kept = watched.end_round();
        assert_eq!(kept.len(), 3);
        assert!(kept.is_sorted());
        assert_eq!(watched.end_round().len(), 0);
        let levels: Vec<_> = watched.levels().into_iter().collect();
        assert_eq!(levels, [(String::new(), 1), ("ERROR".into(), 1), ("INFO".into(), 100)]);
    }

    #[test]
    fn shows_all_of_a_quiet_round_and_none_if_told_so() {
        let watched = Watched::new(3);
        watched.see(b"{}");
        watched.see(b"{}");
        assert_eq!(watched.end_round().len(), 2);
        let silent = Watched::new(0);
        silent.see(b"{}");
        assert_eq!((silent.end_round().len(), silent.levels()[""]), (0, 1));
    }
}
