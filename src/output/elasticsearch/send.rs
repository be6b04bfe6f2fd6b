//! Sending: the one place that speaks with the server, through the official client's transport.

use std::fs::DirEntry;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use elasticsearch::auth::{ClientCertificate, Credentials};
use elasticsearch::cert::{Certificate, CertificateValidation};
use elasticsearch::http::headers::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use elasticsearch::http::transport::{SingleNodeConnectionPool, Transport, TransportBuilder};
use elasticsearch::http::{Method, Url};
use serde::Deserialize;

use super::connection::Connection;
use super::options::Settings;
use super::{refusal, response, setup, shorten};
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
    /// A file of certificates or keys cannot be used.
    #[error("the certificate in `{file}` cannot be used: {reason}")]
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
    /// Region and service of Amazon, for which requests are signed.
    pub aws: Option<(&'a str, &'a str)>,
    /// Whether certificates are checked.
    pub verify: bool,
    /// A file of certificates to trust besides the public ones.
    pub ca_file: Option<&'a Path>,
    /// A directory of such files.
    pub ca_path: Option<&'a Path>,
    /// Our own certificate and its key.
    pub identity: Option<(&'a Path, &'a Path)>,
    /// Whether it is near, so that no proxy stands between, whatever the environment says.
    pub is_direct: bool,
}

/// A transport to one server.
///
/// # Errors
/// If the address or the certificates cannot be used. Nothing is connected yet.
pub(super) fn connect(endpoint: &Endpoint<'_>) -> Result<Transport, ConnectError> {
    let url = Url::parse(endpoint.url)
        .map_err(|error| ConnectError::Url { url: without_credentials(endpoint.url), reason: error.to_string() })?;
    let mut builder = TransportBuilder::new(SingleNodeConnectionPool::new(url)).timeout(TIMEOUT);
    if let Some((user, password)) = endpoint.user {
        builder = builder.auth(Credentials::Basic(user.to_owned(), password.to_owned()));
    } else if let Some((certificate, key)) = endpoint.identity {
        let pem = [read(certificate)?, read(key)?].join(&b'\n');
        builder = builder.auth(Credentials::Certificate(ClientCertificate::Pem(pem)));
    }
    let trusted = trusted(endpoint)?;
    if !endpoint.verify {
        builder = builder.cert_validation(CertificateValidation::None);
    } else if let Some(certificates) = trusted {
        builder = builder.cert_validation(CertificateValidation::Full(certificates));
    }
    if endpoint.is_direct {
        builder = builder.disable_proxy();
    }
    builder.enable_meta_header(false).build().map_err(|error| ConnectError::Client(innermost(&error)))
}

/// The certificates to trust besides the public ones.
fn trusted(endpoint: &Endpoint<'_>) -> Result<Option<Certificate>, ConnectError> {
    let mut files: Vec<PathBuf> = endpoint.ca_file.into_iter().map(Path::to_owned).collect();
    if let Some(directory) = endpoint.ca_path {
        let entries = std::fs::read_dir(directory).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let entries = entries.map_err(|error| unusable(directory, &error))?;
        // Kubernetes keeps what it mounts in hidden directories beside the links.
        files.extend(entries.iter().map(DirEntry::path).filter(|path| path.is_file()));
    }
    let Some(last) = files.last().cloned() else { return Ok(None) };
    let texts = files.iter().map(|file| read(file)).collect::<Result<Vec<_>, _>>()?;
    Certificate::from_pem(&texts.join(&b'\n')).map(Some).map_err(|error| unusable(&last, &error))
}

fn read(file: &Path) -> Result<Vec<u8>, ConnectError> {
    std::fs::read(file).map_err(|error| unusable(file, &error))
}

fn unusable(file: &Path, error: &dyn std::error::Error) -> ConnectError {
    ConnectError::Certificate { file: file.display().to_string(), reason: error.to_string() }
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
    connection: Connection,
    headers: [HeaderMap; 2],
    query: Vec<(&'static str, String)>,
}

impl BulkSender {
    pub(super) fn new(settings: Arc<Settings>, connection: Connection) -> Self {
        let plain = ndjson_headers();
        let mut gzip = plain.clone();
        gzip.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        let mut query = vec![("filter_path", response::FILTER_PATH.to_owned())];
        query.extend(settings.pipeline.clone().map(|pipeline| ("pipeline", pipeline)));
        Self { settings, connection, headers: [plain, gzip], query }
    }

    async fn bulk(&self, request: &Request) -> Outcome {
        // Credentials that are not good yet are refused, too: only when documents are taken, an answer of 403 is one for
        // good.
        let mut is_refused = false;
        if let Some(name) = self.settings.naming.question() {
            match self.is_taken(name).await {
                Ok(Some(is_taken)) => self.settings.naming.answer(is_taken),
                Ok(None) => is_refused = true,
                Err(reason) => return Outcome::Retry(reason),
            }
        }
        match self.make_data_stream().await {
            Ok(is_there) => is_refused |= !is_there,
            Err(reason) => return Outcome::Retry(reason),
        }
        let path = self.path(&format!("{}/_bulk", self.destination(request.partition)));
        let headers = self.headers[usize::from(matches!(request.encoding, Encoding::Gzip(_)))].clone();
        let body = Some(request.body.clone());
        match self.connection.send(Method::Post, &path, headers, &self.query, body).await {
            Ok((status, body)) => {
                let outcome = response::read(status, &body, request.items.len());
                if is_refused && outcome.shows_access() {
                    self.take_refusals_for_good().await;
                }
                outcome
            }
            Err(reason) => Outcome::Retry(reason),
        }
    }

    /// The credentials are good, and still do not allow what was asked: nothing is asked any more, if that is so now.
    /// What was refused may have been asked before they were good, or from a host that was not ready when another was.
    async fn take_refusals_for_good(&self) {
        if let Some(name) = self.settings.naming.question() {
            for _ in 0..self.connection.hosts() {
                match self.is_taken(name).await {
                    Ok(Some(is_taken)) => return self.settings.naming.answer(is_taken),
                    Ok(None) => {}
                    // Nobody knows: the next request asks.
                    Err(_) => return,
                }
            }
            self.settings.naming.answer(false);
        }
        if let Some(stream) = &self.settings.data_stream {
            stream.was_found();
        }
    }

    /// Sees to it that the data stream is there, if documents go to one: without its template the
    /// server would make a plain index of that name, and never roll it over. `false` if it is not ours to see to.
    async fn make_data_stream(&self) -> Result<bool, String> {
        let Some(stream) = self.settings.data_stream.as_ref().filter(|stream| !stream.is_there()) else {
            return Ok(true);
        };
        let path = self.path(&format!("_data_stream/{}", stream.name));
        let send =
            async |method, path: &str| self.connection.send(method, path, self.headers[0].clone(), &[], None).await;
        match send(Method::Put, &path).await? {
            // A build without Elastic's own modules makes streams at their first document alone.
            (405, _) => {
                let template = self.path(&format!("_index_template/{}", setup::name_of(&stream.name)));
                let (status, _) = send(Method::Get, &template).await?;
                stream.is_foreseen(status == 200)
            }
            (status, body) => stream.made(status, &body),
        }
    }

    /// The name is an alias or a data stream; `None` if it is not ours to ask.
    async fn is_taken(&self, name: &str) -> Result<Option<bool>, String> {
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
        let query = [("filter_path", "aliases.name,data_streams.name".to_owned())];
        match self.connection.send(Method::Get, &path, self.headers[0].clone(), &query, None).await? {
            (200, body) => {
                let resolved: Resolved = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
                Ok(Some(resolved.aliases.iter().chain(&resolved.data_streams).any(|found| found.name == name)))
            }
            (403, _) => Ok(None),
            // A server that does not know the question: the date is added.
            (400 | 404 | 405, _) => Ok(Some(false)),
            (status, body) => Err(format!("status {status}: {}", refusal::words(&body))),
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

    fn shortened(&self, item: &[u8]) -> Option<Vec<u8>> {
        shorten::shortened(item, self.settings.operation)
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
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use axum::Router;
    use axum::http::StatusCode;
    use tokio::net::TcpListener;

    use super::*;
    use crate::config::{Class, Environment, instance};
    use crate::output::Surroundings;
    use crate::output::elasticsearch::PLUGIN;
    use crate::output::elasticsearch::connection::Tls;
    use crate::output::elasticsearch::credentials::Credentials;

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

    /// A sender to a server that answers from a list, and a request of one document.
    async fn bulk_sender(answers: &[(u16, &'static str)]) -> (BulkSender, Request) {
        let answers = Arc::new(Mutex::new(answers.iter().copied().collect::<VecDeque<_>>()));
        let answer = move || {
            let next = answers.lock().unwrap().pop_front();
            let (status, body) = next.unwrap_or((500, "asked too often"));
            std::future::ready((StatusCode::from_u16(status).unwrap(), body))
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        tokio::spawn(async { axum::serve(listener, Router::new().fallback(answer)).await });
        let pairs = [("Host", "127.0.0.1"), ("Port", port.as_str()), ("Index", "flyte-logs"), ("Index_Date", "On")];
        let (output, mut problems) = instance(Class::Output, &PLUGIN, &pairs, &Environment::default());
        let settings = Settings::new(&output.options(), Surroundings { flyte: false }, &mut problems).unwrap();
        let connection = Connection::new(settings.urls.clone(), Tls::default(), true, Credentials::None).unwrap();
        let body = Bytes::from_static(b"{\"create\":{}}\n{}\n");
        let length = u32::try_from(body.len()).unwrap();
        let request = Request { partition: 0, body, encoding: Encoding::Plain, items: Arc::new([0]), length };
        (BulkSender::new(Arc::new(settings), connection), request)
    }

    #[tokio::test]
    async fn an_early_refusal_to_tell_of_an_alias_is_not_kept() {
        const REFUSED: (u16, &str) = (403, "{}");
        const TAKEN: (u16, &str) = (200, r#"{"errors":false,"items":[{"create":{"status":201}}]}"#);
        const ALIAS: (u16, &str) = (200, r#"{"aliases":[{"name":"flyte-logs"}]}"#);
        let (dated, alias) = ("flyte-logs-1970.01.01", "flyte-logs");
        for (answers, destination, is_settled) in [
            ([REFUSED, TAKEN, ALIAS], alias, true),
            ([REFUSED, TAKEN, REFUSED], dated, true),
            ([REFUSED, TAKEN, (503, "{}")], dated, false),
            ([REFUSED, REFUSED, ALIAS], dated, false),
        ] {
            let (sender, request) = bulk_sender(&answers).await;
            drop(sender.send(&request).await);
            let is_answered = sender.settings.naming.question().is_none();
            assert_eq!((sender.destination(0).as_str(), is_answered), (destination, is_settled), "{answers:?}");
        }
    }
}
