//! Where keys come from: the first of AWS's usual places that this process is told of.

use std::path::PathBuf;

use super::endpoint::{self, Answer};
use super::error::AwsError;
use super::keys::Keys;
use super::profile::Profile;
use super::sts::{Role, Sts, WebIdentity};
use crate::output::elasticsearch::without_credentials;

/// A place that hands out keys.
#[derive(Debug)]
pub(super) enum Source {
    /// The environment, which does not change.
    Environment(Keys),
    /// A file that AWS's tools share.
    Profile(Profile),
    /// A service account's token, for which the token service lends a role's keys (EKS with IRSA).
    WebIdentity(Sts, WebIdentity),
    /// A container's own endpoint (EKS pod identity, ECS).
    Container {
        /// Its address.
        url: String,
        /// What is shown there.
        token: Option<Token>,
    },
    /// The instance that this runs on: its address.
    Instance(String),
    /// Another role, which the keys of another source may take on.
    Role(Box<Source>, Sts, Role),
}

/// What a container shows to its endpoint.
pub(super) enum Token {
    /// It stands in the environment.
    Written(String),
    /// It is the content of a file, which is renewed.
    File(PathBuf),
}

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("(token)")
    }
}

/// Where ECS answers to what `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` says.
const ECS: &str = "http://169.254.170.2";
/// Where an instance answers.
const INSTANCE: &str = "http://169.254.169.254";

impl Source {
    /// The first, in the order of AWS's tools (and of Fluent Bit), that the environment tells of. A
    /// profile that was asked for comes before all.
    pub(super) fn of(profile: Option<&str>, sts: &Sts, variable: &dyn Fn(&str) -> Option<String>) -> Self {
        if let Some(name) = profile {
            return Self::Profile(Profile::of(name.to_owned(), variable));
        }
        if let (Some(access), Some(secret)) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
            return Self::Environment(Keys { access, secret, token: variable("AWS_SESSION_TOKEN"), expires: None });
        }
        if let Some(name) = variable("AWS_PROFILE") {
            return Self::Profile(Profile::of(name, variable));
        }
        let default = Profile::of("default".to_owned(), variable);
        if default.keys().is_ok() {
            return Self::Profile(default);
        }
        if let (Some(file), Some(role)) = (variable("AWS_WEB_IDENTITY_TOKEN_FILE"), variable("AWS_ROLE_ARN")) {
            let session = variable("AWS_ROLE_SESSION_NAME");
            return Self::WebIdentity(sts.clone(), WebIdentity { file: file.into(), role, session });
        }
        let full = || variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
        let relative = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").map(|path| format!("{ECS}{path}"));
        if let Some(url) = relative.or_else(full) {
            let file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").map(|file| Token::File(file.into()));
            let token = file.or_else(|| variable("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(Token::Written));
            return Self::Container { url, token };
        }
        Self::Instance(variable("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or_else(|| INSTANCE.to_owned()))
    }

    /// Its keys of now.
    ///
    /// # Errors
    /// If it has none, or cannot be asked.
    pub(super) async fn keys(&self) -> Result<Keys, AwsError> {
        match self {
            Self::Environment(keys) => Ok(keys.clone()),
            Self::Profile(profile) => profile.keys(),
            Self::WebIdentity(sts, identity) => sts.with_web_identity(identity).await,
            Self::Container { url, token } => of_container(url, token.as_ref()).await,
            Self::Instance(url) => of_instance(url).await,
            Self::Role(source, sts, role) => {
                let keys = Box::pin(source.keys()).await?;
                sts.assume(role, &keys).await
            }
        }
    }

    /// Its keys may be others tomorrow, though nothing says until when they are good.
    pub(super) fn may_change(&self) -> bool {
        !matches!(self, Self::Environment(_))
    }
}

async fn of_container(url: &str, token: Option<&Token>) -> Result<Keys, AwsError> {
    let from = "the container's endpoint";
    if !endpoint::is_trusted(url) {
        return Err(AwsError::Untrusted(without_credentials(url)));
    }
    let token = match token {
        None => None,
        Some(Token::Written(token)) => Some(token.clone()),
        Some(Token::File(file)) => {
            Some(std::fs::read_to_string(file).map_err(|error| AwsError::unreadable(file, &error))?)
        }
    };
    let headers: Vec<_> = token.iter().map(|token| ("authorization", token.trim())).collect();
    let answer = endpoint::get(from, url, &headers).await?;
    Keys::of_json(&answer.well(from)?).ok_or_else(|| AwsError::NoKeys { from: from.to_owned() })
}

/// By version 2 of the instance's service, which asks for a token of its own first.
async fn of_instance(url: &str) -> Result<Keys, AwsError> {
    const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
    let from = "the instance's endpoint";
    let url = url.trim_end_matches('/');
    let lifetime = [("x-aws-ec2-metadata-token-ttl-seconds", "300")];
    let token = text(endpoint::put(from, &format!("{url}/latest/api/token"), &lifetime).await?, from)?;
    let headers = [("x-aws-ec2-metadata-token", token.trim())];
    let roles = text(endpoint::get(from, &format!("{url}{ROLES}"), &headers).await?, from)?;
    let role = roles.lines().next().unwrap_or_default();
    let answer = endpoint::get(from, &format!("{url}{ROLES}{role}"), &headers).await?;
    Keys::of_json(&answer.well(from)?).ok_or_else(|| AwsError::NoKeys { from: from.to_owned() })
}

fn text(answer: Answer, from: &str) -> Result<String, AwsError> {
    answer.well(from).map(|body| String::from_utf8_lossy(&body).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(profile: Option<&str>, variables: &[(&str, &str)]) -> Source {
        let variable = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            // None of this machine's own files.
            found.map(|(_, value)| (*value).to_owned()).or((name == "HOME").then(|| "/nowhere".to_owned()))
        };
        Source::of(profile, &Sts::new("eu-central-1", None), &variable)
    }

    #[test]
    fn the_first_place_in_aws_order_is_asked() {
        let keys = [("AWS_ACCESS_KEY_ID", "A"), ("AWS_SECRET_ACCESS_KEY", "a")];
        let identity = [("AWS_WEB_IDENTITY_TOKEN_FILE", "/t"), ("AWS_ROLE_ARN", "arn:aws:iam::1:role/r")];
        let container = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials")];
        let all = [&keys[..], &identity, &container].concat();
        assert!(matches!(of(None, &all), Source::Environment(_)));
        assert!(matches!(of(Some("p"), &all), Source::Profile(profile) if profile.name == "p"));
        assert!(matches!(of(None, &all[2..]), Source::WebIdentity(..)));
        assert!(matches!(of(None, &container), Source::Container { .. }));
        let relative = [("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x")];
        assert!(matches!(of(None, &relative), Source::Container { url, .. } if url == "http://169.254.170.2/v2/x"));
        assert!(matches!(of(None, &[]), Source::Instance(url) if url == INSTANCE));
        assert!(matches!(of(None, &[("AWS_PROFILE", "q")]), Source::Profile(profile) if profile.name == "q"));
    }
}
