//! Lines that a parser cuts before they are joined: only the text of one of its members is.

use std::fmt;
use std::sync::Arc;

use bumpalo::Bump;

/// Cuts lines.
pub trait Cut: fmt::Debug + Send + Sync {
    /// What is joined of a line; `None` if the parser does not match it.
    fn cut<'t>(&self, line: &'t [u8], arena: &'t Bump) -> Option<Parts<'t>>;
}

/// What of a line counts for joining.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts<'t> {
    /// What is joined (`Key_Content`).
    pub content: &'t [u8],
    /// What tells whether it is the last line of a group (`Key_Pattern`).
    pub pattern: &'t [u8],
    /// Lines of different keys are never joined (`Key_Group`): a hash of the key, 0 if there is none.
    pub key: u64,
}

/// What cuts the lines of a definition.
#[derive(Debug, Clone)]
pub struct Cutting {
    /// Its number, by which whoever makes records of the groups knows it.
    pub number: usize,
    /// It.
    pub cut: Arc<dyn Cut>,
    /// Its lines have keys.
    pub has_keys: bool,
}

/// The first line of a group whose lines were cut: the record has its members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct First<'t> {
    /// The line, whole.
    pub line: &'t [u8],
    /// Number of what cut it.
    pub cutting: usize,
}
