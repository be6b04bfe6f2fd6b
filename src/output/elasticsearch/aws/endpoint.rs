//! Requests to what hands out keys.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use elasticsearch::http::headers::{HeaderMap, HeaderName, HeaderValue};
use elasticsearch::http::{Method, Url};
use jiff::Timestamp;

use super::error::AwsError;
use super::keys::{Keys, element};
use super::signature::Scope;
use crate::output::elasticsearch::send::{Endpoint, answer, connect, without_credentials};

/// How long this host's own endpoints may take, which AWS's tools give a second or two.
const NEAR: Duration = Duration::from_secs(5);
/// How long the token service may take.
const FAR: Duration = Duration::from_secs(30);

/// What is sent to the token service.
pub(super) struct Call<'a> {
    /// A form.
    pub(super) body: Bytes,
    /// How it is signed, where it has to be.
    pub(super) signing: Option<Signing<'a>>,
}

/// What a request is signed with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signing<'a> {
    pub(super) keys: &'a Keys,
    pub(super) scope: Scope<'a>,
    pub(super) now: Timestamp,
}

/// A status and a body.
pub(super) struct Answer {
    status: u16,
    body: Bytes,
}

impl Answer {
    /// The body of a good one. Of others no more is told than the code and the words of AWS's errors:
    /// what else is in there may be a secret.
    pub(super) fn well(self, from: &str) -> Result<Bytes, AwsError> {
        if self.status == 200 {
            return Ok(self.body);
        }
        let text = String::from_utf8_lossy(&self.body);
        let words = ["Code", "Message"].into_iter().filter_map(|name| element(&text, name));
        let reason = words.map(|words| format!(", {words}")).collect();
        Err(AwsError::Refused { from: from.to_owned(), status: self.status, reason })
    }
}

/// Keys are asked of no stranger in plain text: what runs beside this process could name one.
pub(super) fn is_trusted(url: &str) -> bool {
    const KNOWN: [&str; 4] = ["localhost", "169.254.170.2", "169.254.170.23", "fd00:ec2::23"];
    let Ok(url) = Url::parse(url) else { return false };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    url.scheme() == "https" || KNOWN.contains(&host) || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// A `GET` of this host's own endpoint.
pub(super) async fn get(from: &str, url: &str, headers: &[(&'static str, &str)]) -> Result<Answer, AwsError> {
    near(from, Method::Get, url, headers).await
}

/// A `PUT` of nothing.
pub(super) async fn put(from: &str, url: &str, headers: &[(&'static str, &str)]) -> Result<Answer, AwsError> {
    near(from, Method::Put, url, headers).await
}

/// A `POST` of a form to the token service.
pub(super) async fn post(from: &str, url: &str, call: Call<'_>) -> Result<Answer, AwsError> {
    let url = parse(url)?;
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/x-www-form-urlencoded"));
    if let Some(signing) = call.signing {
        super::sign(&mut headers, Method::Post, &url, &call.body, signing)?;
    }
    send(from, Method::Post, &url, headers, Some(call.body), (false, FAR)).await
}

async fn near(from: &str, method: Method, url: &str, pairs: &[(&'static str, &str)]) -> Result<Answer, AwsError> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let mut value = HeaderValue::try_from(*value).map_err(|_| AwsError::NoHeader)?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_static(name), value);
    }
    let body = (method == Method::Put).then(Bytes::new);
    send(from, method, &parse(url)?, headers, body, (true, NEAR)).await
}

async fn send(
    from: &str,
    method: Method,
    url: &Url,
    headers: HeaderMap,
    body: Option<Bytes>,
    (is_direct, patience): (bool, Duration),
) -> Result<Answer, AwsError> {
    let failed = |reason: String| AwsError::Unreachable {
        from: format!("{from} at {}", without_credentials(url.as_str())),
        reason,
    };
    let origin = url.origin().ascii_serialization();
    let endpoint = Endpoint { url: &origin, verify: true, is_direct, ..Endpoint::default() };
    let transport = connect(&endpoint).map_err(|error| failed(error.to_string()))?;
    let target = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    let sent = transport.send(method, &target, headers, None::<&()>, body, Some(patience)).await;
    let (status, body) = answer(sent).await.map_err(failed)?;
    Ok(Answer { status, body })
}

fn parse(url: &str) -> Result<Url, AwsError> {
    Url::parse(url).map_err(|error| AwsError::Url { url: without_credentials(url), reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_asked_of_this_host_or_over_tls_only() {
        for (url, trusted) in [
            ("http://127.0.0.1:4711/keys", true),
            ("http://169.254.170.23/v1/credentials", true),
            ("http://[fd00:ec2::23]/v1/credentials", true),
            ("https://keys.example", true),
            ("http://keys.example", false),
            ("http://127.evil.example", false),
            ("nonsense", false),
        ] {
            assert_eq!(is_trusted(url), trusted, "{url}");
        }
    }

    #[test]
    fn a_refusal_tells_no_more_than_the_error() {
        let body = Bytes::from("<Error><Code>ExpiredToken</Code><Message>too old</Message></Error><Token>hush</Token>");
        let said = Answer { status: 400, body }.well("STS").unwrap_err().to_string();
        assert_eq!(said, "STS hands out no keys: status 400, ExpiredToken, too old");
    }
}
