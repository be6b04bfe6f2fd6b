//! Sending again what was refused once: the same items, each to the index that it was meant for.

use std::sync::Arc;

use bytes::Bytes;
use elasticsearch::http::Method;
use elasticsearch::http::headers::HeaderMap;

use super::connection::Connection;
use super::options::Settings;
use super::send::{ConnectError, Endpoint, ndjson_headers};
use super::{connection, response};
use crate::config::{Options, Problems};
use crate::output::{Outcome, Surroundings};

/// Sends bulk bodies to indices that are named by the caller.
#[derive(Debug)]
pub struct Resender {
    connection: Connection,
    /// What stands in front of the index in the path.
    prefix: String,
    headers: HeaderMap,
    query: Arc<[(&'static str, String)]>,
}

impl Resender {
    /// To a server.
    ///
    /// # Errors
    /// If the address or the certificates cannot be used. Nothing is connected yet.
    pub fn new(endpoint: &Endpoint<'_>) -> Result<Self, ConnectError> {
        Ok(Self::over(Connection::to(endpoint)?, "", None))
    }

    /// To the server of an output, as the output does: with its credentials and its ingest pipeline.
    pub fn of_output(options: &Options<'_>, problems: &mut Problems) -> Option<Self> {
        // What depends on the surroundings is how documents are made; these are made already.
        let settings = Settings::new(options, Surroundings { flyte: false }, problems)?;
        let connection = connection(&settings, options, problems)?;
        Some(Self::over(connection, &settings.path, settings.pipeline))
    }

    fn over(connection: Connection, path: &str, pipeline: Option<String>) -> Self {
        let prefix = if path.is_empty() { "/".to_owned() } else { format!("/{path}/") };
        let filter = ("filter_path", response::FILTER_PATH.to_owned());
        let query = [filter].into_iter().chain(pipeline.map(|pipeline| ("pipeline", pipeline))).collect();
        Self { connection, prefix, headers: ndjson_headers(), query }
    }

    /// Sends a body of `count` items to an index, once.
    pub async fn send(&self, index: &str, body: Bytes, count: usize) -> Outcome {
        let path = format!("{}{index}/_bulk", self.prefix);
        match self.connection.send(Method::Post, &path, self.headers.clone(), &self.query, Some(body)).await {
            Ok((status, body)) => response::read(status, &body, count),
            Err(reason) => Outcome::Retry(reason),
        }
    }
}
