//! Groups that are told by their last line: the types `endswith` and `equal`.

use super::{State, Step};

/// How the last line of a group looks. Every line belongs to some group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// What it ends with, or is.
    pub text: Vec<u8>,
    /// The whole line has to be it (`equal`), not only its end (`endswith`).
    pub is_whole: bool,
    /// The last line is the one that does not look so.
    pub negate: bool,
}

impl Ending {
    pub(super) fn step(&self, line: &[u8]) -> Step {
        let looks_so = if self.is_whole { line == self.text } else { line.ends_with(&self.text) };
        if looks_so != self.negate { Step::Last } else { Step::Taken(State::Ending) }
    }
}
