//! Records: what flows from an input to an output.
//!
//! A [`Record`] is a time and a list of [`Member`]s whose values are slices of the block that was
//! read, or of the turn's arena. Nothing here owns bytes: a record lives for one [`Turn`] and is
//! gone when its bytes stand in a batch.

pub mod accessor;
pub mod escape;
pub mod field_names;
pub mod json;
mod now;
pub mod position;
#[cfg(test)]
mod properties;
pub mod source;
pub mod time;

use bumpalo::Bump;

pub use now::Now;
pub use position::{Checkpoint, DocumentId, Position};
pub use source::{Container, LogId, PodMetadata, Source};
pub use time::Timestamp;

/// What every record of one block shares: the memory it may borrow from, where it came from, and
/// what the filters' `prepare` found out about that place.
pub struct Turn<'t> {
    /// Memory for bytes that do not stand in the block as they are. Freed when the turn ends.
    pub arena: &'t Bump,
    /// The file (or other origin) of the block.
    pub source: &'t Source,
    /// Time of this turn, for records whose bytes tell no time.
    pub now: Timestamp,
}

/// Who put a member into the record. A member of the application can never pass for one of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The container runtime or the input: `log`, `stream`, `time`, a path or offset key.
    Runtime,
    /// The application's own log line, as a parser or `Merge_Log` split it.
    Application,
    /// A filter: Kubernetes metadata, Flyte identity, `record_modifier` and so on.
    Filter,
}

/// A member's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'t> {
    /// One complete, validated JSON value as it is written in a document.
    Json(&'t [u8]),
    /// Plain text, not escaped yet, and not necessarily UTF-8.
    Text(&'t [u8]),
    /// Several members rendered before (`"a":1,"b":"x"`), spliced as they are; the member's own
    /// key is not used. Valid JSON members with keys that the record has nowhere else.
    Members(&'t [u8]),
}

/// A key and its value.
#[derive(Debug, Clone, Copy)]
pub struct Member<'t> {
    /// The key as JSON text between its quotes: escaped, valid UTF-8.
    pub key: &'t [u8],
    /// The value.
    pub value: Value<'t>,
    /// Who put it here.
    pub origin: Origin,
}

impl<'t> Member<'t> {
    /// A member of plain text. `key` is JSON text between quotes.
    #[must_use]
    pub fn text(key: &'t [u8], text: &'t [u8], origin: Origin) -> Self {
        Self { key, value: Value::Text(text), origin }
    }

    /// A member whose value is raw JSON. `key` is JSON text between quotes.
    #[must_use]
    pub fn json(key: &'t [u8], json: &'t [u8], origin: Origin) -> Self {
        Self { key, value: Value::Json(json), origin }
    }

    /// Members that were rendered before, to be spliced.
    #[must_use]
    pub fn members(rendered: &'t [u8], origin: Origin) -> Self {
        Self { key: b"", value: Value::Members(rendered), origin }
    }
}

/// One log record on its way.
#[derive(Debug)]
pub struct Record<'t> {
    /// The record's time: the container runtime's where there is one.
    pub time: Timestamp,
    /// The members, in the order in which they will be written. Of two with the same key the
    /// last one wins, unless `unique` says that there are none.
    pub members: Vec<Member<'t>>,
    /// Its document id.
    pub id: DocumentId,
    /// The record was cut at a size limit.
    pub truncated: bool,
    /// No key stands twice (a filter saw to it), so that an output need not look.
    pub unique: bool,
}

impl<'t> Record<'t> {
    /// The last member with this key, the one that counts.
    #[must_use]
    pub fn find(&self, key: &[u8]) -> Option<&Member<'t>> {
        self.members.iter().rev().find(|member| member.key == key)
    }
}

impl<'t> Value<'t> {
    /// The value as plain text if it is text or a JSON string; `None` for any other JSON.
    #[must_use]
    pub fn as_text(&self, arena: &'t Bump) -> Option<&'t [u8]> {
        match *self {
            Value::Text(text) => Some(text),
            Value::Json([b'"', inner @ .., b'"']) => Some(json::unescape(inner, arena)),
            Value::Json(_) | Value::Members(_) => None,
        }
    }
}
