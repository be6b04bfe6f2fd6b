//! What goes wrong between us and the API server.

use kube::config::KubeconfigError;

/// Why the API server tells nothing.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The options, or the files that they name, do not lead to a server.
    #[error("the connection cannot be set up: {0}")]
    Setup(String),
    /// It does not know our token any more (HTTP 401).
    #[error("the API server does not accept the token (401): {0}")]
    Unauthorized(String),
    /// We may not see pods (HTTP 403).
    #[error("the service account may not do this (403); it needs get, list and watch of pods: {0}")]
    Forbidden(String),
    /// What we know is too old to go on from (410): pods are listed again.
    #[error("the API server has forgotten where the watch was (410): {0}")]
    Gone(String),
    /// It refuses for another reason.
    #[error("the API server answers {code}: {message}")]
    Refused {
        /// The HTTP status.
        code: u16,
        /// What it says.
        message: String,
    },
    /// It cannot be reached.
    #[error("the API server cannot be reached: {0}")]
    Unreachable(String),
    /// It says what we do not understand.
    #[error("the API server's answer is not understood: {0}")]
    Malformed(String),
}

impl Error {
    /// Its name in the metrics, one of [`Self::KINDS`].
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Setup(_) => "setup",
            Self::Unauthorized(_) => "unauthorized",
            Self::Forbidden(_) => "forbidden",
            Self::Gone(_) => "gone",
            Self::Refused { .. } => "refused",
            Self::Unreachable(_) => "unreachable",
            Self::Malformed(_) => "malformed",
        }
    }

    /// All names of [`Self::kind`].
    pub const KINDS: [&str; 7] = ["setup", "unauthorized", "forbidden", "gone", "refused", "unreachable", "malformed"];

    /// The error that a status object stands for.
    pub(super) fn of_status(code: u16, message: String) -> Self {
        match code {
            401 => Self::Unauthorized(message),
            403 => Self::Forbidden(message),
            410 => Self::Gone(message),
            _ => Self::Refused { code, message },
        }
    }
}

impl From<kube::Error> for Error {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::of_status(status.code, status.message),
            kube::Error::SerdeError(error) => Self::Malformed(error.to_string()),
            kube::Error::Auth(error) => Self::Setup(chain(&error)),
            kube::Error::RustlsTls(error) => Self::Setup(chain(&error)),
            error => Self::Unreachable(chain(&error)),
        }
    }
}

impl From<KubeconfigError> for Error {
    fn from(error: KubeconfigError) -> Self {
        Self::Setup(chain(&error))
    }
}

/// An error with its causes, each once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}
