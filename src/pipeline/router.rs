//! Which filters and outputs a tag goes through.

use crate::config::Match;

/// Numbers of those that match the tag, in order.
pub(super) fn matching<'a>(tag: &str, all: impl Iterator<Item = &'a Match>) -> Vec<usize> {
    all.enumerate().filter(|(_, routing)| routing.matches(tag)).map(|(index, _)| index).collect()
}
