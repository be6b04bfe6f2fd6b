//! The user's server: prepared before the demonstration, searched behind it.

use std::path::Path;

use bytes::Bytes;
use elasticsearch::http::headers::{CONTENT_TYPE, HeaderMap, HeaderValue};
use elasticsearch::http::{Method, Url};
use serde_json::{Value, json};

use super::DemoArguments;
use super::configuration::{INDEX, Remote};
use super::searches::Search;
use crate::output::elasticsearch::{Connection, Endpoint, setup, words_of_refusal};
use crate::record::field_names::FieldNames;

/// Why the server cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{url}: {reason}")]
pub(super) struct ServerError {
    url: String,
    reason: String,
}

/// A server that answered.
pub(super) struct Server<'a> {
    url: &'a Url,
    ca_file: Option<&'a str>,
    connection: Connection,
}

impl<'a> Server<'a> {
    /// Installs the index template at the server that the arguments name, if they name one.
    pub(super) async fn prepare(arguments: &'a DemoArguments) -> Result<Option<Self>, ServerError> {
        let Some(url) = &arguments.elasticsearch else { return Ok(None) };
        let user = arguments.user.as_deref().map(|user| (user, arguments.password.as_deref().unwrap_or_default()));
        let ca_file = arguments.ca_file.as_deref();
        let failed = |reason| ServerError { url: url.to_string(), reason };
        let trusted = ca_file.map(Path::new);
        let endpoint = Endpoint { url: url.as_str(), user, verify: true, ca_file: trusted, ..Endpoint::default() };
        let connection = Connection::to(&endpoint).map_err(|error| failed(error.to_string()))?;
        let failed_setup = |error: setup::SetupError| failed(error.to_string());
        // How long a demonstration's documents are kept is the user's affair.
        let plan = setup::Plan { index: INDEX, is_data_stream: false, days: None, fields: FieldNames::Default };
        for part in setup::look(&connection, plan).await.map_err(failed_setup)? {
            setup::install(&connection, &part).await.map_err(failed_setup)?;
        }
        Ok(Some(Self { url, ca_file, connection }))
    }

    /// What the configuration has to know.
    pub(super) fn remote(&self) -> Remote<'a> {
        Remote { url: self.url, ca_file: self.ca_file }
    }

    /// Makes all that was sent visible to searches.
    pub(super) async fn refresh(&self) -> Result<(), ServerError> {
        self.post(&format!("/{INDEX}*/_refresh"), None).await.map(drop)
    }

    /// How many documents a search finds in a range of time.
    pub(super) async fn count(&self, search: &Search, (from, to): (&str, &str)) -> Result<u64, ServerError> {
        let body = json!({"query": search.query(from, to)});
        let answer = self.post(&format!("/{INDEX}*/_count"), Some(&body)).await?;
        answer["count"].as_u64().ok_or_else(|| self.error(format!("there is no count in {answer}")))
    }

    /// An address to look at in a browser.
    pub(super) fn address_of_errors(&self) -> String {
        let base = self.url.as_str().trim_end_matches('/');
        format!("{base}/{INDEX}*/_search?q=level:ERROR+AND+app:flyteadmin&sort=@timestamp:desc&size=5&pretty")
    }

    async fn post(&self, path: &str, body: Option<&Value>) -> Result<Value, ServerError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let body = body.map(|body| Bytes::from(body.to_string()));
        let sent = self.connection.send(Method::Post, path, headers, &[], body).await;
        let (status, text) = sent.map_err(|reason| self.error(reason))?;
        if status >= 300 {
            return Err(self.error(format!("status {status}: {}", words_of_refusal(&text))));
        }
        serde_json::from_slice(&text).map_err(|error| self.error(error.to_string()))
    }

    fn error(&self, reason: String) -> ServerError {
        ServerError { url: self.url.to_string(), reason }
    }
}
