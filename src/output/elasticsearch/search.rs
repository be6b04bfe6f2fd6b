//! Asking for documents, page by page, the newest first.

use bytes::Bytes;
use elasticsearch::http::Method;
use elasticsearch::http::headers::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::connection::Connection;
use super::refusal;

/// Documents of one request: at a few KiB each, some MiB of answer.
const PAGE: usize = 1_000;
/// Up to so many documents are counted exactly, which costs the server time.
const COUNTED: usize = 10_000;

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The documents in reading order, as JSON.
    pub documents: Vec<Box<RawValue>>,
    /// What each of them is known by: its index and its id.
    pub ids: Vec<String>,
    /// How many there are on the server.
    pub total: u64,
    /// There may be more than `total`.
    pub is_at_least: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The server cannot be asked.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    /// 401
    #[error("the server asks who you are (status 401): give the right user and password")]
    Unauthorized,
    /// 403
    #[error("this user may not read `{index}` (status 403): {reason}")]
    Forbidden {
        /// The index.
        index: String,
        /// The server's words.
        reason: String,
    },
    /// Nothing has this name.
    #[error("there is no index `{0}`")]
    NoIndex(String),
    /// The query cannot be answered.
    #[error("the server refuses the search (status {status}): {reason}")]
    Refused {
        /// Its status code.
        status: u16,
        /// Its words.
        reason: String,
    },
    /// What answered is no such server, or something between cut the answer.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
}

#[derive(Deserialize)]
struct Answer {
    hits: Hits,
}

#[derive(Deserialize)]
struct Hits {
    total: Option<Total>,
    hits: Vec<Hit>,
}

#[derive(Deserialize)]
struct Total {
    value: u64,
    relation: String,
}

#[derive(Deserialize)]
struct Hit {
    #[serde(rename = "_index")]
    index: String,
    #[serde(rename = "_id")]
    id: String,
    #[serde(rename = "_source")]
    source: Box<RawValue>,
    sort: Value,
}

/// The last `limit` documents that a query finds.
///
/// # Errors
/// If the server cannot be reached, refuses, or if a part of an index does not answer.
pub async fn last(connection: &Connection, index: &str, query: &Value, limit: usize) -> Result<Found, SearchError> {
    let mut found = Found::default();
    let mut after = None;
    loop {
        let size = PAGE.min(limit - found.documents.len());
        let Hits { total, hits } = page(connection, index, &body(query, size, after.as_ref(), limit)).await?;
        if let Some(total) = total {
            (found.total, found.is_at_least) = (total.value, total.relation != "eq");
        }
        let is_last = hits.len() < size;
        after = hits.last().map(|hit| hit.sort.clone());
        for hit in hits {
            found.ids.push(format!("{}/{}", hit.index, hit.id));
            found.documents.push(hit.source);
        }
        if is_last || found.documents.len() >= limit {
            found.documents.reverse();
            found.ids.reverse();
            return Ok(found);
        }
    }
}

/// One request. The order is that of reading backwards; what ties in time and `order` (documents of several
/// containers) is told apart by the numbers that the server gave, so that no page repeats or skips one.
fn body(query: &Value, size: usize, after: Option<&Value>, limit: usize) -> Value {
    let mut body = json!({
        "size": size,
        "query": query,
        "sort": [
            {"@timestamp": {"order": "desc", "unmapped_type": "date_nanos", "numeric_type": "date_nanos"}},
            {"order": {"order": "desc", "unmapped_type": "long"}},
            {"_seq_no": {"order": "desc"}},
            {"_index": {"order": "desc"}},
        ],
        "track_total_hits": false,
    });
    match after {
        Some(after) => body["search_after"] = after.clone(),
        None => body["track_total_hits"] = COUNTED.max(limit.saturating_add(1)).min(i32::MAX as usize).into(),
    }
    body
}

async fn page(connection: &Connection, index: &str, body: &Value) -> Result<Hits, SearchError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // A part that does not answer is an error: who looks for a line must not take silence for its absence.
    let parameters = ["allow_no_indices", "allow_partial_search_results"].map(|name| (name, "false".to_owned()));
    let (path, body) = (format!("/{index}/_search"), Some(Bytes::from(body.to_string())));
    let sent = connection.send(Method::Post, &path, headers, &parameters, body).await;
    let (status, body) = sent.map_err(SearchError::Unreachable)?;
    if status != 200 {
        return Err(refusal(index, status, &body));
    }
    let answer: Answer = serde_json::from_slice(&body).map_err(|error| SearchError::Unreadable(error.to_string()))?;
    Ok(answer.hits)
}

fn refusal(index: &str, status: u16, body: &[u8]) -> SearchError {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let reason = refusal::words(body);
    let is_missing = answer["error"]["type"] == "index_not_found_exception";
    match status {
        401 => SearchError::Unauthorized,
        403 => SearchError::Forbidden { index: index.to_owned(), reason },
        404 if is_missing => SearchError::NoIndex(index.to_owned()),
        _ => SearchError::Refused { status, reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_page_counts_and_the_others_go_on() {
        let first = body(&json!({"match_all": {}}), 5, None, 20_000);
        assert_eq!((&first["track_total_hits"], &first["search_after"]), (&json!(20_001), &Value::Null));
        let next = body(&json!({"match_all": {}}), 5, Some(&json!([1, 2, 3, "i"])), 20_000);
        assert_eq!((&next["track_total_hits"], &next["search_after"]), (&json!(false), &json!([1, 2, 3, "i"])));
    }

    #[test]
    fn refusals_say_why() {
        let said = |status, body: &str| refusal("logs-*", status, body.as_bytes()).to_string();
        assert!(said(401, "").contains("user and password"));
        assert_eq!(
            said(404, r#"{"error":{"type":"index_not_found_exception","reason":"no such index"}}"#),
            "there is no index `logs-*`"
        );
        let shards = r#"{"error":{"root_cause":[{"reason":"For input string: \"x\""}],"reason":"all shards failed"}}"#;
        assert!(said(400, shards).ends_with("(status 400): For input string: \"x\""));
        assert!(said(502, "bad gateway").ends_with("bad gateway"));
    }
}
