//! Sending: the one place that speaks with the server, through the official client's transport.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use elasticsearch::auth::Credentials;
use elasticsearch::cert::{Certificate, CertificateValidation};
use elasticsearch::http::headers::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use elasticsearch::http::transport::{SingleNodeConnectionPool, Transport, TransportBuilder};
use elasticsearch::http::{Method, Url};
use serde::Deserialize;

use super::options::Settings;
use super::response;
use crate::output::{Encoding, Outcome, Partition, Request, Sender, Sending};

/// How long a request may take: the server's own limit for a bulk is one minute.
const TIMEOUT: Duration = Duration::from_secs(90);

/// Why a connection cannot even be set up.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address is none.
    #[error("`{url}` is no address: {reason}")]
    Url {
        /// What was written.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The certificate file cannot be used.
    #[error("the certificates in `{file}` cannot be used: {reason}")]
    Certificate {
        /// The file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The client refuses its settings.
    #[error("{0}")]
    Client(String),
}

/// How to reach a server.
#[derive(Debug, Default)]
pub struct Endpoint<'a> {
    /// Scheme, host and port.
    pub url: &'a str,
    /// User and password.
    pub user: Option<(&'a str, &'a str)>,
    /// Whether certificates are checked.
    pub verify: bool,
    /// A file of certificates to trust besides the system's.
    pub ca_file: Option<&'a str>,
}

/// A transport to one server.
///
/// # Errors
/// If the address or the certificates cannot be used. Nothing is connected yet.
pub fn connect(endpoint: &Endpoint<'_>) -> Result<Transport, ConnectError> {
    let reason = |error: &dyn std::error::Error| error.to_string();
    let url = Url::parse(endpoint.url)
        .map_err(|error| ConnectError::Url { url: without_credentials(endpoint.url), reason: reason(&error) })?;
    let mut builder = TransportBuilder::new(SingleNodeConnectionPool::new(url)).timeout(TIMEOUT);
    if let Some((user, password)) = endpoint.user {
        builder = builder.auth(Credentials::Basic(user.to_owned(), password.to_owned()));
    }
    if let Some(file) = endpoint.ca_file {
        let failed = |reason| ConnectError::Certificate { file: file.to_owned(), reason };
        let pem = std::fs::read(file).map_err(|error| failed(reason(&error)))?;
        let certificate = Certificate::from_pem(&pem).map_err(|error| failed(reason(&error)))?;
        builder = builder.cert_validation(CertificateValidation::Full(certificate));
    }
    if !endpoint.verify {
        builder = builder.cert_validation(CertificateValidation::None);
    }
    builder.enable_meta_header(false).build().map_err(|error| ConnectError::Client(reason(&error)))
}

/// The headers of a bulk request that is not compressed.
pub(super) fn ndjson_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers
}

/// An address as it may be shown: without the user and the password that it may hold.
#[must_use]
pub fn without_credentials(url: &str) -> String {
    // The last `@`, wherever it is: a password may hold what ends an authority.
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
        (None, Some((_, rest))) => rest.to_owned(),
        (_, None) => url.to_owned(),
    }
}

/// Sends bulk requests.
pub(super) struct BulkSender {
    settings: Arc<Settings>,
    transport: Transport,
    headers: [HeaderMap; 2],
    query: Vec<(&'static str, String)>,
}

impl BulkSender {
    pub(super) fn new(settings: Arc<Settings>, transport: Transport) -> Self {
        let plain = ndjson_headers();
        let mut gzip = plain.clone();
        gzip.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        let mut query = vec![("filter_path", response::FILTER_PATH.to_owned())];
        query.extend(settings.pipeline.clone().map(|pipeline| ("pipeline", pipeline)));
        Self { settings, transport, headers: [plain, gzip], query }
    }

    async fn bulk(&self, request: &Request) -> Outcome {
        if let Some(name) = self.settings.naming.question() {
            match self.is_taken(name).await {
                Ok(is_taken) => self.settings.naming.answer(is_taken),
                Err(reason) => return Outcome::Retry(reason),
            }
        }
        let path = self.path(&format!("{}/_bulk", self.destination(request.partition)));
        let headers = self.headers[usize::from(matches!(request.encoding, Encoding::Gzip(_)))].clone();
        let body = Some(request.body.clone());
        let sent = self.transport.send(Method::Post, &path, headers, Some(&self.query), body, None).await;
        match answer(sent).await {
            Ok((status, body)) => response::read(status, &body, request.items.len()),
            Err(reason) => Outcome::Retry(reason),
        }
    }

    /// The name is an alias or a data stream.
    async fn is_taken(&self, name: &str) -> Result<bool, String> {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Resolved {
            aliases: Vec<Named>,
            data_streams: Vec<Named>,
        }
        #[derive(Deserialize)]
        struct Named {
            name: String,
        }
        // With a wildcard the answer is an empty list where there is nothing, not an error.
        let path = self.path(&format!("_resolve/index/{name}*"));
        let query = [("filter_path", "aliases.name,data_streams.name")];
        let headers = self.headers[0].clone();
        let sent = self.transport.send(Method::Get, &path, headers, Some(&query), None::<Bytes>, None).await;
        match answer(sent).await? {
            (200, body) => {
                let resolved: Resolved = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
                Ok(resolved.aliases.iter().chain(&resolved.data_streams).any(|found| found.name == name))
            }
            // Not ours to ask, or a server that does not know the question: the date is added.
            (400 | 403 | 404 | 405, _) => Ok(false),
            (status, body) => Err(format!("status {status}: {}", String::from_utf8_lossy(&body))),
        }
    }

    fn path(&self, rest: &str) -> String {
        match self.settings.path.as_str() {
            "" => format!("/{rest}"),
            prefix => format!("/{prefix}/{rest}"),
        }
    }
}

impl Sender for BulkSender {
    fn send<'a>(&'a self, request: &'a Request) -> Sending<'a> {
        Box::pin(self.bulk(request))
    }

    fn destination(&self, partition: Partition) -> String {
        self.settings.naming.index(partition)
    }
}

/// Status and body of an answer, or why there is none: the innermost cause says most.
pub(super) async fn answer(
    sent: Result<elasticsearch::http::response::Response, elasticsearch::Error>,
) -> Result<(u16, Bytes), String> {
    let response = sent.map_err(|error| innermost(&error))?;
    let status = response.status_code().as_u16();
    let body = response.bytes().await.map_err(|error| innermost(&error))?;
    Ok((status, body))
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_no_credentials() {
        for (url, shown) in [
            ("https://es.example:9200/logs", "https://es.example:9200/logs"),
            ("https://user:se/cr@t@es.example:9200", "https://es.example:9200"),
            ("user:secret@es.example", "es.example"),
        ] {
            assert_eq!(without_credentials(url), shown);
        }
        let endpoint = Endpoint { url: "http//user:secret@es", ..Endpoint::default() };
        assert_eq!(connect(&endpoint).unwrap_err().to_string(), "`es` is no address: relative URL without a base");
    }
}
