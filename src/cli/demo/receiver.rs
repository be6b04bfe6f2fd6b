//! A receiver of `_bulk` requests on this machine, that keeps nothing but counts.
//!
//! It answers as Elasticsearch does, item by item, as far as the Elasticsearch output looks: what its `filter_path`
//! asks for (`errors`, and status and error of each item) is the answer, and nothing else. The demonstration shows
//! what arrives here; benchmarks let it count.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use xxhash_rust::xxh3::Xxh3;

/// What is done with each new document (its JSON, without a line end).
pub type OnDocument = Box<dyn Fn(&[u8]) + Send + Sync>;

/// What a [`Receiver`] does besides counting. Without anything it is as fast as inflating allows.
#[derive(Default)]
pub struct ReceiverOptions {
    /// Looks at the ids: a document whose index and id came before is a duplicate and is answered with 409. Takes 16
    /// bytes of memory, and some, for each document. Without it, every document is new.
    pub check_ids: bool,
    /// Is given each new document, in the order of its request.
    pub on_document: Option<OnDocument>,
}

impl fmt::Debug for ReceiverOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_shown = self.on_document.is_some();
        formatter.debug_struct("ReceiverOptions").field("check_ids", &self.check_ids).field("shows", &is_shown).finish()
    }
}

/// What was received so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Received {
    /// Requests that were taken.
    pub requests: u64,
    /// New documents: those with distinct ids, if ids are checked.
    pub documents: u64,
    /// Documents that had come before.
    pub duplicates: u64,
    /// Bytes of bodies as they were sent.
    pub sent_bytes: u64,
    /// Bytes of bodies, inflated: actions and documents.
    pub bytes: u64,
    /// Requests that were refused because they are no bulk requests.
    pub refused: u64,
}

/// A receiver that listens. Dropping it ends it.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

impl Receiver {
    /// Listens at a free port of the loopback interface. Must be called within a tokio runtime, which serves it.
    ///
    /// # Errors
    /// If there is no port to listen at.
    pub async fn start(options: ReceiverOptions) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { options, state: Mutex::default() });
        let routes = routes(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            // It fails only with its listener, and then the sender tells.
            let _ = axum::serve(listener, routes).await;
        });
        Ok(Self { address, shared, server })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What was received so far.
    #[must_use]
    pub fn received(&self) -> Received {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).received
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[derive(Debug)]
struct Shared {
    options: ReceiverOptions,
    state: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    received: Received,
    /// Hashes of index and id. At a hundred million documents the odds of two that are the same are below 1 in 10²².
    ids: HashSet<u128>,
}

fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(about))
        .route("/_resolve/index/{name}", get(async || json_response(StatusCode::OK, "{}".to_owned())))
        .route("/_bulk", post(bulk).put(bulk))
        .route("/{index}/_bulk", post(bulk).put(bulk))
        // The sender's own limit counts.
        .layer(DefaultBodyLimit::disable())
        .with_state(shared)
}

async fn about() -> Response {
    let about = json!({"name": "flytail", "version": {"number": "8.0.0"}, "tagline": "a receiver that keeps nothing"});
    json_response(StatusCode::OK, about.to_string())
}

async fn bulk(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let index = uri.path().trim_end_matches("_bulk").trim_matches('/');
    let is_gzip = headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding == "gzip");
    match shared.take(index, is_gzip, &body) {
        Ok(answer) => json_response(StatusCode::OK, answer),
        Err(reason) => {
            shared.state.lock().unwrap_or_else(PoisonError::into_inner).received.refused += 1;
            let answer = json!({"error": {"type": "illegal_argument_exception", "reason": reason}, "status": 400});
            json_response(StatusCode::BAD_REQUEST, answer.to_string())
        }
    }
}

fn json_response(status: StatusCode, body: String) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}

/// An action line, as far as it is looked at.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action<'a> {
    #[serde(borrow)]
    Create(Target<'a>),
    #[serde(borrow)]
    Index(Target<'a>),
}

#[derive(Deserialize)]
struct Target<'a> {
    #[serde(borrow, rename = "_index")]
    index: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "_id")]
    id: Option<Cow<'a, str>>,
}

impl Shared {
    /// Takes the items of a body; the answer, or why there are none.
    fn take(&self, index: &str, is_gzip: bool, sent: &[u8]) -> Result<String, String> {
        let inflated = if is_gzip { Some(inflate(sent)?) } else { None };
        let body = inflated.as_deref().unwrap_or(sent);
        let items = items(body)?;
        let mut known = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut answer = Answer::default();
        // Broken actions refuse the request as a whole, before anything of it is taken.
        let hashes = if self.options.check_ids { hashes(index, &items)? } else { vec![None; items.len()] };
        for ((_, document), hash) in items.iter().zip(hashes) {
            let is_new = hash.is_none_or(|hash| known.ids.insert(hash));
            answer.add(is_new);
            if !is_new {
                known.received.duplicates += 1;
                continue;
            }
            known.received.documents += 1;
            if let Some(on_document) = &self.options.on_document {
                on_document(document);
            }
        }
        known.received.requests += 1;
        known.received.sent_bytes += sent.len() as u64;
        known.received.bytes += body.len() as u64;
        Ok(answer.finish())
    }
}

fn inflate(sent: &[u8]) -> Result<Vec<u8>, String> {
    // Log documents are some ten times smaller when compressed.
    let mut inflated = Vec::with_capacity(sent.len() * 10);
    let read = MultiGzDecoder::new(sent).read_to_end(&mut inflated);
    read.map_err(|error| format!("the body is not gzip: {error}"))?;
    Ok(inflated)
}

/// Action and document, without their line ends.
type Item<'b> = (&'b [u8], &'b [u8]);

fn items(body: &[u8]) -> Result<Vec<Item<'_>>, String> {
    let Some(body) = body.strip_suffix(b"\n") else {
        return Err("The bulk request must be terminated by a newline [\\n]".to_owned());
    };
    let mut items = Vec::new();
    let mut start = 0;
    let mut action = None;
    for end in memchr::memchr_iter(b'\n', body).chain([body.len()]) {
        let line = &body[start..end];
        start = end + 1;
        match action.take() {
            None => action = Some(line),
            Some(action) => items.push((action, line)),
        }
    }
    if action.is_some() { Err("the last action has no document".to_owned()) } else { Ok(items) }
}

/// Hashes of index and id, of those that have an id.
fn hashes(index: &str, items: &[Item<'_>]) -> Result<Vec<Option<u128>>, String> {
    let hash = |(action, _): &Item<'_>| {
        let action = serde_json::from_slice(action).map_err(|error| format!("an action is broken: {error}"))?;
        let (Action::Create(target) | Action::Index(target)) = action;
        Ok(target.id.map(|id| {
            let mut hasher = Xxh3::new();
            hasher.update(target.index.as_deref().unwrap_or(index).as_bytes());
            // No index name has a slash.
            hasher.update(b"/");
            hasher.update(id.as_bytes());
            hasher.digest128()
        }))
    };
    items.iter().map(hash).collect()
}

/// The answer to one request.
#[derive(Default)]
struct Answer {
    items: String,
    errors: bool,
}

impl Answer {
    fn add(&mut self, is_new: bool) {
        if !self.items.is_empty() {
            self.items.push(',');
        }
        self.errors |= !is_new;
        self.items += if is_new {
            r#"{"create":{"status":201}}"#
        } else {
            r#"{"create":{"status":409,"error":{"type":"version_conflict_engine_exception","reason":"document already exists"}}}"#
        };
    }

    fn finish(self) -> String {
        format!(r#"{{"errors":{},"items":[{}]}}"#, self.errors, self.items)
    }
}

#[cfg(test)]
mod tests;
