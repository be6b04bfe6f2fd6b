//! What a request shows to be let in. Secrets may come from files, which are read again when they
//! change: a rotated password needs no restart.

use std::path::PathBuf;
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use elasticsearch::http::headers::HeaderValue;

use super::aws::Aws;
use super::stamp::Stamp;
use crate::config::{Options, Problems};

/// How requests are let in.
#[derive(Debug, Default)]
pub(super) enum Credentials {
    /// By nothing, or by the client's certificate alone.
    #[default]
    None,
    /// By a user and a password.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
    },
    /// By an API key of Elasticsearch: `id:key` in Base64, as the server hands it out.
    ApiKey(Secret),
    /// By a token.
    Bearer(Secret),
    /// By signatures of the requests, each of its own.
    Aws(Box<Aws>),
}

/// Why there are no credentials to show.
#[derive(Debug, thiserror::Error)]
pub(super) enum CredentialsError {
    #[error("the secret in `{file}` cannot be read: {reason}")]
    Unreadable { file: String, reason: String },
    #[error("the credentials hold a character that no header may have")]
    NoHeader,
}

impl Credentials {
    /// By what the options say: the first of a user, an API key, a token and `Cloud_Auth`, in Fluent
    /// Bit's order.
    pub(super) fn new(options: &Options<'_>, problems: &mut Problems) -> Self {
        if let Some(aws) = Aws::of(options, problems) {
            return Self::Aws(Box::new(aws));
        }
        let mut secret = |key, file_key| Secret::new(options, key, file_key, problems);
        if let Some(user) = options.text("HTTP_User") {
            let password = secret("HTTP_Passwd", "HTTP_Passwd_File").unwrap_or_default();
            return Self::Basic { user: user.to_owned(), password };
        }
        if let Some(key) = secret("HTTP_API_Key", "HTTP_API_Key_File") {
            return Self::ApiKey(key);
        }
        if let Some(token) = secret("HTTP_Bearer_Token", "HTTP_Bearer_Token_File") {
            return Self::Bearer(token);
        }
        let Some(written) = options.text("Cloud_Auth") else { return Self::None };
        match written.split_once(':') {
            Some((user, password)) => Self::basic(user, password),
            None => {
                problems.push(options.problem("Cloud_Auth", "has to be a user and a password: user:password"));
                Self::None
            }
        }
    }

    /// A user and a password that are known.
    pub(super) fn basic(user: &str, password: &str) -> Self {
        Self::Basic { user: user.to_owned(), password: Secret::Written(password.to_owned()) }
    }

    /// What signs requests, where that is asked for.
    pub(super) fn signer(&self) -> Option<&Aws> {
        match self {
            Self::Aws(aws) => Some(aws),
            _ => None,
        }
    }

    /// The value of the header `Authorization`, if it is the same for all requests.
    ///
    /// # Errors
    /// If a file cannot be read, or what is in it cannot stand in a header.
    pub(super) fn header(&self) -> Result<Option<HeaderValue>, CredentialsError> {
        let text = match self {
            Self::None | Self::Aws(_) => return Ok(None),
            Self::Basic { user, password } => {
                format!("Basic {}", BASE64.encode(format!("{user}:{}", password.read()?)))
            }
            Self::ApiKey(key) => format!("ApiKey {}", key.read()?),
            Self::Bearer(token) => format!("Bearer {}", token.read()?),
        };
        let mut value = HeaderValue::try_from(text).map_err(|_| CredentialsError::NoHeader)?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

/// A value that is never printed.
pub(super) enum Secret {
    /// It stands in the configuration.
    Written(String),
    /// It is the content of a file, without the end of its last line.
    File {
        /// The file.
        path: PathBuf,
        /// What was read, and of which state of the file.
        read: Mutex<Option<(Stamp, String)>>,
    },
}

impl Secret {
    fn new(options: &Options<'_>, key: &str, file_key: &str, problems: &mut Problems) -> Option<Self> {
        let Some(path) = options.text(file_key) else {
            return options.text(key).map(|text| Self::Written(text.to_owned()));
        };
        if options.is_set(key) {
            problems.push(options.problem(file_key, format!("{key} is set as well: give one of them")));
        }
        let secret = Self::File { path: path.into(), read: Mutex::default() };
        if let Err(error) = secret.read() {
            // It may be there when it is needed: a secret is mounted where this runs, not where it is checked.
            problems.push(options.warning(file_key, error.to_string()));
        }
        Some(secret)
    }

    fn read(&self) -> Result<String, CredentialsError> {
        let (path, read) = match self {
            Self::Written(text) => return Ok(text.clone()),
            Self::File { path, read } => (path, read),
        };
        let failed = |error: std::io::Error| CredentialsError::Unreadable {
            file: path.display().to_string(),
            reason: error.to_string(),
        };
        let stamp = Stamp::of(path).map_err(failed)?;
        let mut read = read.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some((_, text)) = read.as_ref().filter(|(known, _)| *known == stamp) {
            return Ok(text.clone());
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let text = text.trim_end_matches(['\n', '\r']).to_owned();
        *read = Some((stamp, text.clone()));
        Ok(text)
    }
}

impl Default for Secret {
    fn default() -> Self {
        Self::Written(String::new())
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("(secret)")
    }
}
