//! A configuration as it is written: sections and their keys, with places, nothing checked yet.
//!
//! What reads a format (the classic one in `reader`) ends here, and everything behind starts here.

use std::fmt;
use std::path::{Path, PathBuf};

use super::option::Class;
use super::problem::{Place, Problems};
use super::reader::Reader;

/// A configuration as it is written, over all its files.
#[derive(Debug, Clone, Default)]
pub struct Written {
    /// The sections, in order.
    pub sections: Vec<Section>,
    /// Variables that the files set (`@SET`), in order. They hold for every value, also above.
    pub variables: Vec<Entry>,
    /// The main file.
    pub file: PathBuf,
    /// Where relative paths are looked for, after the working directory: beside the main file.
    pub base: PathBuf,
}

impl Written {
    /// Reads a configuration file and what it includes.
    #[must_use]
    pub fn read(file: &Path) -> (Self, Problems) {
        let mut problems = Problems::new();
        let written = Reader::new(file, &base(file), &mut problems).read(&Place::new(file, 0));
        (written, problems)
    }

    /// Reads a configuration from memory; `file` is its name in problems and need not exist.
    #[must_use]
    pub fn from_text(file: &Path, text: &str) -> (Self, Problems) {
        let mut problems = Problems::new();
        let written = Reader::new(file, &base(file), &mut problems).read_text(text);
        (written, problems)
    }
}

fn base(file: &Path) -> PathBuf {
    file.parent().map(Path::to_owned).unwrap_or_default()
}

/// A section as it is written.
#[derive(Debug, Clone)]
pub struct Section {
    /// What its name says.
    pub kind: SectionKind,
    /// Its name as it is written.
    pub name: String,
    /// Its first line.
    pub place: Place,
    /// Its keys, in order.
    pub entries: Vec<Entry>,
}

impl Section {
    /// A section without keys.
    #[must_use]
    pub fn new(kind: SectionKind, name: &str, place: Place) -> Self {
        Self { kind, name: name.to_owned(), place, entries: Vec::new() }
    }

    /// The last value of a key.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&str> {
        self.entries.iter().rev().find(|entry| entry.key.eq_ignore_ascii_case(key)).map(|entry| entry.value.as_str())
    }
}

/// What a section is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SectionKind {
    /// One that this program runs.
    Known(Class),
    /// One that Fluent Bit has and that is not supported here, by its full name.
    Unsupported(&'static str),
    /// None that anybody knows.
    Unknown,
}

/// A key and its value, as they are written.
#[derive(Clone)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// The value, variables not yet expanded.
    pub value: String,
    /// The line.
    pub place: Place,
}

/// Without the value, which may be a secret.
impl fmt::Debug for Entry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.key, self.place)
    }
}
