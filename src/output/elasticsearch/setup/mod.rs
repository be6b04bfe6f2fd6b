//! What a server has to know before logs come: the index template, and how long indices are kept.

mod ecs;
mod part;
mod retention;
mod template;

use bytes::Bytes;
use elasticsearch::http::Method;
use elasticsearch::http::headers::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::Value;

pub use part::{Part, State};
pub use template::template;

use super::connection::Connection;
use super::refusal;
use crate::record::field_names::FieldNames;

/// Which kind of server it is: they name the type of a whole object differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    /// `flattened`.
    Elasticsearch,
    /// `flat_object`.
    OpenSearch,
}

/// Why nothing more was installed.
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

/// What a server is prepared for.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// An index and its dated indices, or a data stream.
    pub index: &'a str,
    /// It is a data stream.
    pub is_data_stream: bool,
    /// What the documents' fields are called.
    pub fields: FieldNames,
    /// The days for which documents are kept; for ever if `None`.
    pub days: Option<u32>,
}

/// What a server of this kind, which knows all of it, should have. No server is asked: each part
/// counts as missing.
#[must_use]
pub fn wanted(server: Server, plan: Plan<'_>) -> Vec<Part> {
    let name = name_of(plan.index);
    let policy = plan.days.map(|days| policy_part(server, &name, retention::policy(plan, server, days)));
    let template = template(plan, server, policy_in_template(server, &name).filter(|_| plan.days.is_some()));
    policy.into_iter().chain([template_part(name, template)]).collect()
}

/// What is to be installed, and what the server has of it.
///
/// # Errors
/// If the server cannot be reached or refuses.
pub async fn look(connection: &Connection, plan: Plan<'_>) -> Result<Vec<Part>, SetupError> {
    let server = server_of(connection).await?;
    let name = name_of(plan.index);
    let mut parts = Vec::new();
    if let Some(days) = plan.days {
        let policy = policy_part(server, &name, retention::policy(plan, server, days));
        parts.push(look_at_policy(connection, server, policy).await?);
    }
    let has_policy = parts.iter().any(|policy| policy.state != State::Unsupported);
    let template = template(plan, server, policy_in_template(server, &name).filter(|_| has_policy));
    parts.push(look_at_template(connection, template_part(name, template)).await?);
    Ok(parts)
}

/// The name of the template and the policy of an index or a data stream.
pub(super) fn name_of(index: &str) -> String {
    format!("flytail-{index}")
}

/// Installs what is missing or different.
///
/// # Errors
/// If the server cannot be reached or refuses.
pub async fn install(connection: &Connection, part: &Part) -> Result<(), SetupError> {
    if matches!(part.state, State::Current | State::Unsupported) {
        return Ok(());
    }
    let answer = request(connection, Method::Put, &part.path, &part.replaces, Some(&part.body)).await?;
    answer.well().map(drop)
}

/// The policy that the template names: OpenSearch's policies name the indices themselves.
fn policy_in_template(server: Server, name: &str) -> Option<&str> {
    (server == Server::Elasticsearch).then_some(name)
}

fn policy_part(server: Server, name: &str, body: Value) -> Part {
    let (kind, path) = match server {
        Server::Elasticsearch => ("life cycle policy", format!("/_ilm/policy/{name}")),
        Server::OpenSearch => ("index state policy", format!("/_plugins/_ism/policies/{name}")),
    };
    Part { kind, name: name.to_owned(), path, body, state: State::Missing, replaces: Vec::new() }
}

fn template_part(name: String, body: Value) -> Part {
    let path = format!("/_index_template/{name}");
    Part { kind: "index template", name, path, body, state: State::Missing, replaces: Vec::new() }
}

async fn look_at_policy(connection: &Connection, server: Server, mut part: Part) -> Result<Part, SetupError> {
    let answer = request(connection, Method::Get, &part.path, &[], None).await?;
    if answer.is_unknown_path() {
        part.state = State::Unsupported;
    } else if answer.status != 404 {
        let answer = answer.well()?;
        // Elasticsearch answers with the policies by their names.
        let found = if server == Server::Elasticsearch { &answer[&part.name] } else { &answer };
        part.state = if part::holds(found, &part.body) { State::Current } else { State::Different };
        let number = |key: &str| answer[key].as_i64().map(|number| number.to_string());
        part.replaces.extend(number("_seq_no").map(|number| ("if_seq_no", number)));
        part.replaces.extend(number("_primary_term").map(|number| ("if_primary_term", number)));
    }
    Ok(part)
}

async fn look_at_template(connection: &Connection, mut part: Part) -> Result<Part, SetupError> {
    let answer = request(connection, Method::Get, &part.path, &[], None).await?;
    if answer.status != 404 {
        let found = &answer.well()?["index_templates"][0]["index_template"];
        part.state = if part::holds(found, &part.body) { State::Current } else { State::Different };
    }
    Ok(part)
}

async fn server_of(connection: &Connection) -> Result<Server, SetupError> {
    let about = request(connection, Method::Get, "/", &[], None).await?.well()?;
    let is_opensearch = about["version"]["distribution"] == "opensearch";
    Ok(if is_opensearch { Server::OpenSearch } else { Server::Elasticsearch })
}

struct Answer {
    status: u16,
    body: Bytes,
}

impl Answer {
    fn well(self) -> Result<Value, SetupError> {
        if self.status >= 300 {
            return Err(SetupError::Refused { status: self.status, reason: refusal::words(&self.body) });
        }
        Ok(serde_json::from_slice(&self.body).unwrap_or_default())
    }

    /// The server has nothing at this path, whatever is asked of it. To an Elasticsearch 7 without life cycles, `_ilm` is
    /// an index that is not there.
    fn is_unknown_path(&self) -> bool {
        let says = |words: &str| memchr::memmem::find(&self.body, words.as_bytes()).is_some();
        self.status == 400 && says("no handler found") || self.status == 404 && says("no such index [_ilm]")
    }
}

async fn request(
    connection: &Connection,
    method: Method,
    path: &str,
    query: &[(&'static str, String)],
    body: Option<&Value>,
) -> Result<Answer, SetupError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let body = body.map(|body| Bytes::from(body.to_string()));
    let sent = connection.send(method, path, headers, query, body).await;
    let (status, body) = sent.map_err(SetupError::Unreachable)?;
    Ok(Answer { status, body })
}
