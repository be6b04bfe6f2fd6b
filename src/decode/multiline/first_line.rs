//! Groups that are told by their first line: each line behind one belongs to it, up to the next.
//! Fluent Bit's `Parser_Firstline` and `Docker_Mode_Parser`.

use std::sync::Arc;

use super::rules::Matches;
use super::{State, Step};

/// How the first line of a group looks.
#[derive(Debug)]
pub(super) struct FirstLine(pub(super) Arc<dyn Matches>);

impl FirstLine {
    pub(super) fn start(&self, line: &[u8]) -> Step {
        if self.0.matches(line) { Step::Taken(State::Open) } else { Step::Refused }
    }

    pub(super) fn next(&self, line: &[u8]) -> Step {
        if self.0.matches(line) { Step::Refused } else { Step::Taken(State::Open) }
    }
}
