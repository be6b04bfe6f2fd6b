//! A small client of the REST interface that both engines have, to prepare servers and to look into them.

use std::fs;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Request;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

/// Documents of one page of a scroll: at a few KiB each, some ten MiB of answer.
const PAGE: usize = 5_000;

/// Talks to one server, with a connection for each request: so a restart of the server in between never matters.
#[derive(Clone, Debug)]
pub struct Client {
    agent: Agent,
    url: String,
    /// The header `Authorization`, where the server asks for it.
    authorization: Option<String>,
}

/// The status and the JSON body of an answer; what is not JSON is a string.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Null where there was none.
    pub body: Value,
}

impl Answer {
    /// The body of a good answer; fails the test on any other.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "the server answered {}: {}", self.status, self.body);
        self.body
    }
}

impl Client {
    /// A client of the server at a URL without a path.
    pub fn new(url: &str) -> Self {
        Self::with(url, TlsConfig::default(), None)
    }

    /// A client of a server that asks for a certificate and a password.
    pub fn secured(url: &str, certificates: &Path, (user, password): (&str, &str)) -> Self {
        let read = |name: &str| fs::read(certificates.join(name)).unwrap();
        let certificate = |name: &str| Certificate::from_pem(&read(name)).unwrap();
        let key = PrivateKey::from_pem(&read("client.key")).unwrap();
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&[certificate("ca.crt")]))
            .client_cert(Some(ClientCert::new_with_certs(&[certificate("client.crt")], key)));
        let authorization = format!("Basic {}", BASE64.encode(format!("{user}:{password}")));
        Self::with(url, tls.build(), Some(authorization))
    }

    fn with(url: &str, tls: TlsConfig, authorization: Option<String>) -> Self {
        let config = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_idle_connections(0)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(120)));
        Self { agent: config.build().into(), url: url.trim_end_matches('/').to_owned(), authorization }
    }

    /// `GET`; the path begins with a slash.
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "")
    }

    /// `POST` of a JSON body.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &body.to_string())
    }

    /// `PUT` of a JSON body.
    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.send("PUT", path, &body.to_string())
    }

    /// `DELETE`.
    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, "")
    }

    /// Any method with a body as it is written: JSON that no [`Value`] can hold, or the lines of a `_bulk`.
    pub fn send(&self, method: &str, path: &str, body: &str) -> Answer {
        self.try_send(method, path, body).unwrap_or_else(|error| panic!("{method} {}{path}: {error}", self.url))
    }

    /// [`Self::send`] that tells of a server that cannot be reached.
    pub fn try_send(&self, method: &str, path: &str, body: &str) -> Result<Answer, ureq::Error> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        if let Some(value) = &self.authorization {
            request = request.header("authorization", value);
        }
        let mut response = if body.is_empty() {
            self.agent.run(request.body(())?)?
        } else {
            let kind = if path.contains("/_bulk") { "application/x-ndjson" } else { "application/json" };
            self.agent.run(request.header("content-type", kind).body(body)?)?
        };
        let text = response.body_mut().with_config().limit(u64::MAX).lossy_utf8(true).read_to_string()?;
        let body = match text.as_str() {
            "" => Value::Null,
            text => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
        };
        Ok(Answer { status: response.status().as_u16(), body })
    }

    /// Makes all that was indexed so far visible to searches.
    pub fn refresh(&self, index: &str) {
        self.send("POST", &format!("/{index}/_refresh"), "").ok();
    }

    /// How many documents match a query, such as `{"match_all": {}}`.
    pub fn count(&self, index: &str, query: &Value) -> u64 {
        let body = self.post(&format!("/{index}/_count"), &json!({ "query": query })).ok();
        body["count"].as_u64().unwrap_or_else(|| panic!("no count: {body}"))
    }

    /// The ids of all documents that match a query, in no order.
    pub fn ids(&self, index: &str, query: &Value) -> Vec<String> {
        let mut ids = Vec::new();
        self.each_document(index, query, Some(&[]), |id, _| ids.push(id));
        ids
    }

    /// All documents of an index (or a pattern of names), in no order.
    pub fn all_documents(&self, index: &str) -> Vec<(String, Value)> {
        let mut documents = Vec::new();
        self.each_document(index, &json!({ "match_all": {} }), None, |id, source| documents.push((id, source)));
        documents
    }

    /// [`Self::all_documents`] with some of their members only, which may have asterisks: much faster and smaller.
    pub fn all_documents_with(&self, index: &str, members: &[&str]) -> Vec<(String, Value)> {
        let mut documents = Vec::new();
        let everything = json!({ "match_all": {} });
        self.each_document(index, &everything, Some(members), |id, source| documents.push((id, source)));
        documents
    }

    /// Hands over the documents that match a query page by page, so that no more than one page is held at once.
    ///
    /// `members` are those of the documents that are wanted, all without it.
    pub fn each_document(
        &self,
        index: &str,
        query: &Value,
        members: Option<&[&str]>,
        mut each: impl FnMut(String, Value),
    ) {
        let source = match members {
            None => Value::Bool(true),
            Some([]) => Value::Bool(false),
            Some(members) => json!(members),
        };
        let search = json!({ "size": PAGE, "query": query, "_source": source, "sort": ["_doc"] });
        // The pages of a scroll are one snapshot of the index, and cheap in the order that documents lie on disk.
        let path = format!("/{index}/_search?scroll=2m");
        let mut page = self.post(&path, &search).ok();
        if page["_shards"]["failed"] != 0 {
            // An index that was made just now, on a busy machine.
            self.get(&format!("/_cluster/health/{index}?wait_for_status=yellow&timeout=60s")).ok();
            page = self.post(&path, &search).ok();
        }
        loop {
            assert_eq!(page["_shards"]["failed"], 0, "a part of the index did not answer: {}", page["_shards"]);
            let Value::Array(hits) = page["hits"]["hits"].take() else { panic!("no hits in {page}") };
            let scroll = json!({ "scroll": "2m", "scroll_id": page["_scroll_id"] });
            if hits.is_empty() {
                self.send("DELETE", "/_search/scroll", &json!({ "scroll_id": page["_scroll_id"] }).to_string()).ok();
                return;
            }
            for mut hit in hits {
                let Value::String(id) = hit["_id"].take() else { panic!("no id in {hit}") };
                each(id, hit["_source"].take());
            }
            page = self.post("/_search/scroll", &scroll).ok();
        }
    }
}
