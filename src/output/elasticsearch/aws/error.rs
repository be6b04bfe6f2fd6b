//! Why a request cannot be signed.

use std::path::Path;

/// Why there are no keys, or a request cannot be signed with them. No text holds a key or a token.
#[derive(Debug, thiserror::Error)]
pub(in super::super) enum AwsError {
    #[error("`{file}` cannot be read: {reason}")]
    Unreadable { file: String, reason: String },
    #[error(
        "there are no keys of the profile `{name}` in `{file}`: it needs aws_access_key_id and aws_secret_access_key"
    )]
    Profile { name: String, file: String },
    #[error("{from} cannot be asked for keys: {reason}")]
    Unreachable { from: String, reason: String },
    #[error("{from} hands out no keys: status {status}{reason}")]
    Refused { from: String, status: u16, reason: String },
    #[error("{from} answers with what are no keys")]
    NoKeys { from: String },
    #[error(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI is `{0}`, to which keys are not asked of: it has to be https, or the address \
         of this host, of ECS or of EKS"
    )]
    Untrusted(String),
    #[error("`{url}` is no address: {reason}")]
    Url { url: String, reason: String },
    #[error("a key holds a character that no header may have")]
    NoHeader,
}

impl AwsError {
    pub(super) fn unreadable(file: &Path, error: &std::io::Error) -> Self {
        Self::Unreadable { file: file.display().to_string(), reason: error.to_string() }
    }
}
