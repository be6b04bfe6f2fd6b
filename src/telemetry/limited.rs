//! What was left out, or read later, because a container logged more than it may.

use std::sync::Arc;

/// What happened to one container.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LimitedCounts {
    /// Records that were dropped.
    pub dropped: u64,
    /// Records that were not in the sample.
    pub sampled: u64,
    /// How often its log had to wait.
    pub waits: u64,
}

/// All containers to which something happened, by `<namespace>/<pod>/<container>`: the first
/// [`MOST`](Self::MOST), and the sum of the others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limited(Vec<(Arc<str>, LimitedCounts)>);

impl Limited {
    /// Containers that have a series of their own in the metrics.
    pub const MOST: usize = 100;
    /// The name of the others.
    pub const OTHERS: &str = "others";

    /// Something happened to a container.
    pub fn add(&mut self, container: &str, counts: LimitedCounts) {
        if counts == LimitedCounts::default() {
            return;
        }
        let is_there = self.0.iter().any(|(name, _)| &**name == container);
        let name = if is_there || self.0.len() < Self::MOST { container } else { Self::OTHERS };
        match self.0.iter_mut().find(|(known, _)| &**known == name) {
            Some((_, sum)) => {
                sum.dropped += counts.dropped;
                sum.sampled += counts.sampled;
                sum.waits += counts.waits;
            }
            None => self.0.push((name.into(), counts)),
        }
    }

    /// Each container with what happened to it.
    pub fn iter(&self) -> impl Iterator<Item = (&str, LimitedCounts)> {
        self.0.iter().map(|(name, counts)| (&**name, *counts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_series_is_bounded() {
        let mut limited = Limited::default();
        let once = LimitedCounts { dropped: 1, sampled: 2, waits: 3 };
        for number in 0..Limited::MOST + 5 {
            limited.add(&number.to_string(), once);
        }
        limited.add("0", once);
        limited.add("nothing", LimitedCounts::default());
        assert_eq!(limited.iter().count(), Limited::MOST + 1);
        assert_eq!(limited.iter().next(), Some(("0", LimitedCounts { dropped: 2, sampled: 4, waits: 6 })));
        assert_eq!(
            limited.iter().last(),
            Some((Limited::OTHERS, LimitedCounts { dropped: 5, sampled: 10, waits: 15 }))
        );
    }
}
