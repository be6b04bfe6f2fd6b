//! Keys in the files that AWS's tools share.

use std::path::{Path, PathBuf};

use super::error::AwsError;
use super::keys::Keys;

/// A profile in these files.
#[derive(Debug)]
pub(super) struct Profile {
    /// Its name.
    pub(super) name: String,
    /// The file of credentials, in which it stands as `[name]`.
    pub(super) credentials: PathBuf,
    /// The file of settings, in which it stands as `[profile name]`, the default one as `[default]`.
    pub(super) config: PathBuf,
}

impl Profile {
    /// The profile of this name, where the environment says that the files are.
    pub(super) fn of(name: String, variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let home = variable("HOME").map_or_else(|| PathBuf::from("/root"), PathBuf::from);
        let file = |key: &str, usual: &str| variable(key).map_or_else(|| home.join(usual), PathBuf::from);
        Self {
            name,
            credentials: file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"),
            config: file("AWS_CONFIG_FILE", ".aws/config"),
        }
    }

    /// Its keys, which may stand in either file.
    ///
    /// # Errors
    /// If a file that is there cannot be read, or none of them has the profile's keys.
    pub(super) fn keys(&self) -> Result<Keys, AwsError> {
        let in_config = if self.name == "default" { self.name.clone() } else { format!("profile {}", self.name) };
        for (file, section) in [(&self.credentials, &self.name), (&self.config, &in_config)] {
            if let Some(keys) = keys_in(&read(file)?, section) {
                return Ok(keys);
            }
        }
        let Self { name, credentials, .. } = self;
        Err(AwsError::Profile { name: name.clone(), file: credentials.display().to_string() })
    }
}

/// A file that is not there has nothing in it.
fn read(file: &Path) -> Result<String, AwsError> {
    match std::fs::read_to_string(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(AwsError::unreadable(file, &error)),
        read => Ok(read.unwrap_or_default()),
    }
}

fn keys_in(text: &str, section: &str) -> Option<Keys> {
    let (mut is_ours, mut access, mut secret, mut token) = (false, None, None, None);
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            is_ours = name.split_whitespace().eq(section.split_whitespace());
        } else if let Some((key, value)) = line.split_once('=').filter(|_| is_ours) {
            let value = Some(value.trim().to_owned());
            match key.trim().to_ascii_lowercase().as_str() {
                "aws_access_key_id" => access = value,
                "aws_secret_access_key" => secret = value,
                "aws_session_token" => token = value,
                _ => {}
            }
        }
    }
    Some(Keys { access: access?, secret: secret?, token, expires: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_found_in_either_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        std::fs::write(
            path("credentials"),
            "# mine\n[default]\naws_access_key_id = A\naws_secret_access_key=a=\n\n[half]\naws_access_key_id=B\n",
        )
        .unwrap();
        std::fs::write(
            path("config"),
            "[profile logs]\nregion=x\naws_access_key_id=C\naws_secret_access_key=c\naws_session_token=t\n",
        )
        .unwrap();
        let variable = |name: &str| {
            let file = match name {
                "AWS_SHARED_CREDENTIALS_FILE" => "credentials",
                "AWS_CONFIG_FILE" => "config",
                _ => return None,
            };
            Some(path(file).display().to_string())
        };
        let keys = |name: &str| Profile::of(name.to_owned(), &variable).keys();
        let default = keys("default").unwrap();
        assert_eq!((default.access.as_str(), default.secret.as_str(), default.token), ("A", "a=", None));
        let logs = keys("logs").unwrap();
        assert_eq!((logs.access.as_str(), logs.token.as_deref()), ("C", Some("t")));
        for name in ["half", "none"] {
            assert!(keys(name).unwrap_err().to_string().contains(&format!("profile `{name}`")));
        }
    }
}
