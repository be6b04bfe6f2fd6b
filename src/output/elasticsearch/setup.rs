//! The index template: strict types for what we write, one field for all that applications write,
//! and nothing dynamic, so that no log line can break or blow up the mapping.

use std::fmt;

use bytes::Bytes;
use elasticsearch::http::Method;
use elasticsearch::http::headers::HeaderMap;
use elasticsearch::http::transport::Transport;
use serde_json::{Value, json};

use super::send::answer;

/// Which kind of server it is: they name the type of a whole object differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// `flattened`.
    Elasticsearch,
    /// `flat_object`.
    OpenSearch,
}

/// Why the template was not installed.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The server cannot be asked.
    #[error("{0}")]
    Unreachable(String),
    /// The server refuses.
    #[error("status {status}: {reason}")]
    Refused {
        /// Its status code.
        status: u16,
        /// Its words.
        reason: String,
    },
}

/// What was done.
#[derive(Debug)]
pub enum Done {
    /// The template of this name was installed or renewed.
    Installed(String),
    /// This is the template that would be installed.
    Shown(Value),
}

impl fmt::Display for Done {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Installed(name) => write!(formatter, "index template {name} is installed"),
            Self::Shown(template) => write!(formatter, "{template:#}"),
        }
    }
}

/// Installs the template for `index` and its dated indices, or shows it.
///
/// # Errors
/// If the server cannot be reached or refuses.
pub async fn install(transport: &Transport, index: &str, only_show: bool) -> Result<Done, SetupError> {
    let server = server_of(transport).await?;
    let template = template(index, server);
    if only_show {
        return Ok(Done::Shown(template));
    }
    let name = format!("flytail-{index}");
    let path = format!("/_index_template/{name}");
    request(transport, Method::Put, &path, Some(&template)).await?;
    Ok(Done::Installed(name))
}

async fn server_of(transport: &Transport) -> Result<Server, SetupError> {
    let about = request(transport, Method::Get, "/", None).await?;
    let is_opensearch = about["version"]["distribution"] == "opensearch";
    Ok(if is_opensearch { Server::OpenSearch } else { Server::Elasticsearch })
}

async fn request(transport: &Transport, method: Method, path: &str, body: Option<&Value>) -> Result<Value, SetupError> {
    let body = body.map(|body| Bytes::from(body.to_string()));
    let sent = transport.send(method, path, HeaderMap::new(), None::<&()>, body, None).await;
    let (status, body) = answer(sent).await.map_err(SetupError::Unreachable)?;
    if status >= 300 {
        return Err(SetupError::Refused { status, reason: String::from_utf8_lossy(&body).into_owned() });
    }
    Ok(serde_json::from_slice(&body).unwrap_or_default())
}

/// No term of Lucene may be longer than 32,766 bytes: 7,000 UTF-16 units are at most 21,000 bytes
/// of UTF-8, which leaves room for the path of the key in front (4 KiB at most).
const LONGEST_KEYWORD: u32 = 7000;

/// The template of an index and its dated indices.
#[must_use]
pub fn template(index: &str, server: Server) -> Value {
    let keyword = || json!({"type": "keyword", "ignore_above": LONGEST_KEYWORD});
    let object = || match server {
        Server::Elasticsearch => json!({"type": "flattened", "ignore_above": LONGEST_KEYWORD}),
        Server::OpenSearch => json!({"type": "flat_object"}),
    };
    // In the document, but not to be searched for.
    let kept = || json!({"type": "object", "enabled": false});
    // An annotation may be 256 KiB long, of which OpenSearch's type would refuse the document.
    let annotations = if server == Server::OpenSearch { kept() } else { object() };
    let mut properties = json!({
        // Times outside of 1970-2262 cannot be searched for, but are no reason to refuse a line.
        "@timestamp": {"type": "date_nanos", "ignore_malformed": true},
        "message": {"type": "text", "norms": false},
        "truncated": {"type": "boolean"},
        // Sorts the lines of a container that have the same time.
        "order": {"type": "long", "ignore_malformed": true},
        "fields": object(),
        "large_fields": kept(),
        "kubernetes": {"properties": {
            "labels": object(),
            "annotations": annotations,
            "ownerReferences": kept(),
        }},
    });
    for name in KEYWORDS {
        properties[name] = keyword();
    }
    for name in KUBERNETES_KEYWORDS {
        properties["kubernetes"]["properties"][name] = keyword();
    }
    json!({
        "index_patterns": [index, format!("{index}-*")],
        "priority": 200,
        "template": {
            "settings": {"index": {"refresh_interval": "5s"}},
            "mappings": {"dynamic": false, "date_detection": false, "properties": properties},
        },
        "_meta": {"description": "Installed by flytail setup", "version": env!("CARGO_PKG_VERSION")},
    })
}

const KEYWORDS: [&str; 18] = [
    "level",
    "app",
    "component",
    "workflow",
    "task",
    "execution_id",
    "node_id",
    "project",
    "domain",
    "namespace",
    "pod",
    "container",
    "stream",
    "host",
    "trace_id",
    "span_id",
    "derived_from",
    "log",
];

const KUBERNETES_KEYWORDS: [&str; 9] = [
    "pod_name",
    "namespace_name",
    "pod_id",
    "host",
    "pod_ip",
    "container_name",
    "docker_id",
    "container_hash",
    "container_image",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_dynamic_and_every_server_gets_its_own_type() {
        for (server, kind) in [(Server::Elasticsearch, "flattened"), (Server::OpenSearch, "flat_object")] {
            let template = template("flyte-logs", server);
            let mappings = &template["template"]["mappings"];
            assert_eq!(mappings["dynamic"], false);
            assert_eq!(mappings["properties"]["fields"]["type"], kind);
            assert_eq!(template["index_patterns"], json!(["flyte-logs", "flyte-logs-*"]));
        }
    }
}
