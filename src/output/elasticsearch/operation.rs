//! What a bulk item asks the server to do with its document.

/// An operation of the bulk interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    /// Adds the document, unless there is one with its id.
    Create,
    /// Adds the document, or replaces the one with its id.
    Index,
    /// Changes members of the document with its id, which has to be there.
    Update,
    /// Changes members of the document with its id, or adds it.
    Upsert,
}

impl Operation {
    /// The words of `Write_Operation`.
    pub(super) const NAMES: &[&str] = &["create", "index", "update", "upsert"];

    /// The operation of this name.
    pub(super) fn of(name: &str) -> Self {
        match name.to_ascii_lowercase().as_str() {
            "index" => Self::Index,
            "update" => Self::Update,
            "upsert" => Self::Upsert,
            _ => Self::Create,
        }
    }

    /// The action line, up to the id.
    pub(super) fn action(self) -> &'static [u8] {
        match self {
            Self::Create => b"{\"create\":{\"_id\":\"",
            Self::Index => b"{\"index\":{\"_id\":\"",
            Self::Update | Self::Upsert => b"{\"update\":{\"_id\":\"",
        }
    }

    /// What stands in front of the document in its line, and behind it.
    pub(super) fn around(self) -> (&'static [u8], &'static [u8]) {
        match self {
            Self::Create | Self::Index => (b"", b""),
            Self::Update => (b"{\"doc\":", b"}"),
            Self::Upsert => (b"{\"doc_as_upsert\":true,\"doc\":", b"}"),
        }
    }
}
