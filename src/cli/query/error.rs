//! Why nothing is printed.

use std::io;

use crate::kql::KqlError;
use crate::output::elasticsearch::search::SearchError;
use crate::output::elasticsearch::{ConnectError, without_credentials};

/// Why nothing is printed.
#[derive(Debug, thiserror::Error)]
pub(super) enum QueryError {
    #[error("{error}\n{excerpt}")]
    Query { error: KqlError, excerpt: String },
    #[error("`{0}` is no name of an index: write names and patterns such as flyte-logs-*, with commas between")]
    Index(String),
    #[error("{0}")]
    Connect(#[from] ConnectError),
    #[error("the password file {file} cannot be read: {error}")]
    Password { file: String, error: io::Error },
    #[error("no threads can be started: {0}")]
    Runtime(io::Error),
    #[error("{url}: {error}{}", hint(.error))]
    Search { url: String, error: SearchError },
    #[error("cannot print: {0}")]
    Output(#[from] io::Error),
}

impl QueryError {
    pub(super) fn search(url: &str, error: SearchError) -> Self {
        Self::Search { url: without_credentials(url), error }
    }

    /// The command line is at fault.
    pub(super) fn is_usage(&self) -> bool {
        matches!(self, Self::Query { .. } | Self::Index(_) | Self::Connect(_) | Self::Password { .. })
    }
}

/// What to do about it, where the command line can.
fn hint(error: &SearchError) -> &'static str {
    match error {
        SearchError::Unauthorized => " as --user (or ES_USER) and ES_PASS or --password-file",
        SearchError::NoIndex(_) => ": name the one in which your documents are with --index",
        SearchError::Refused { reason, .. } if reason.contains("[range] queries on keyed") => {
            "\nhint: values below `fields` are texts, which have no order of numbers: list them, as in fields.code:(1 or 2)"
        }
        SearchError::Refused { reason, .. } if reason.contains("date") => {
            "\nhint: write a time as \"2026-11-22T10:15:30Z\" with its quotes, a day as 2026-11-22, or now-15m"
        }
        _ => "",
    }
}
