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
    /// Parsers and multi-line parsers that a YAML file or a parsers file defines in place.
    pub parsers: Vec<Section>,
    /// Variables that the files set (`@SET`, `env`), in order. They hold for every value, also above.
    pub variables: Vec<Entry>,
    /// The main file.
    pub file: PathBuf,
    /// Some of it could not be read: what seems to be missing may be there.
    pub is_partial: bool,
    /// Where relative paths are looked for, after the working directory: beside the main file.
    pub base: PathBuf,
}

impl Written {
    /// Reads a configuration file and what it includes.
    #[must_use]
    pub fn read(file: &Path) -> (Self, Problems) {
        let mut problems = Problems::new();
        let written = Reader::new(file, &base(file), &mut problems).read(&Place::new(file, 0));
        (Self { is_partial: problems.is_fatal(), ..written }, problems)
    }

    /// What the command line says, and no file.
    #[must_use]
    pub fn without_file() -> Self {
        Self { file: PathBuf::from(COMMAND_LINE), ..Self::default() }
    }

    /// Puts sections before all others.
    pub fn put_first(&mut self, sections: Vec<Section>) {
        self.sections.splice(0..0, sections);
    }

    /// Reads a configuration from memory; `file` is its name in problems and need not exist.
    #[must_use]
    pub fn from_text(file: &Path, text: &str) -> (Self, Problems) {
        let mut problems = Problems::new();
        let written = Reader::new(file, &base(file), &mut problems).read_text(text);
        (Self { is_partial: problems.is_fatal(), ..written }, problems)
    }
}

/// Where what the command line says stands, for problems.
pub const COMMAND_LINE: &str = "command line";

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
    /// Filters that are bound to this input or output (`processors`), in order.
    pub processors: Vec<Section>,
}

impl Section {
    /// A section without keys.
    #[must_use]
    pub fn new(kind: SectionKind, name: &str, place: Place) -> Self {
        Self { kind, name: name.to_owned(), place, entries: Vec::new(), processors: Vec::new() }
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
    /// The head of an upstream; its nodes follow.
    Upstream,
    /// A server of an upstream.
    Node,
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
    /// The key's place.
    pub place: Place,
    /// The value's place.
    pub value_place: Place,
}

impl Entry {
    /// A key and its value, both in one place.
    #[must_use]
    pub fn new(key: impl Into<String>, value: impl Into<String>, place: Place) -> Self {
        Self { key: key.into(), value: value.into(), value_place: place.clone(), place }
    }
}

/// Without the value, which may be a secret.
impl fmt::Debug for Entry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.key, self.place)
    }
}
