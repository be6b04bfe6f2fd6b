//! The monitoring server: metrics and health.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::accounts::Accounts;
use super::metrics;

/// Listens at an address.
///
/// # Errors
/// If the address cannot be listened on.
pub async fn listen(host: &str, port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((host, port)).await
}

/// Answers until the process ends.
///
/// # Errors
/// If the listener fails.
pub async fn serve(listener: TcpListener, accounts: Arc<Accounts>) -> io::Result<()> {
    tracing::info!(address = %listener.local_addr().map_or_else(|_| String::new(), |address: SocketAddr| address.to_string()), "status server listens");
    axum::serve(listener, routes(accounts)).await
}

fn routes(accounts: Arc<Accounts>) -> Router {
    Router::new()
        .route("/", get(about))
        .route("/metrics", get(metrics_text))
        .route("/api/v1/health", get(health))
        .with_state(accounts)
}

async fn about() -> Json<Value> {
    Json(json!({"flytail": {"version": env!("CARGO_PKG_VERSION")}}))
}

async fn metrics_text(State(accounts): State<Arc<Accounts>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], metrics::render(&accounts))
}

/// 200 `ok` while every output takes what it is given, what it refuses can be kept, inputs are read
/// and checkpoints are saved; 500 with the reasons while it is not so.
async fn health(State(accounts): State<Arc<Accounts>>) -> (StatusCode, String) {
    let failing = accounts.outputs.iter().zip(&accounts.deliveries);
    let outputs = failing.filter_map(|(name, counters)| Some(format!("{name}: {}\n", counters.last_error()?)));
    let letters = accounts.dead_letters.error().map(|error| format!("dead letters cannot be written: {error}\n"));
    let mut reasons: Vec<_> = outputs.chain(letters).collect();
    for (name, input) in accounts.inputs.iter().zip(accounts.total().inputs) {
        reasons.extend(input.stalled.map(|reason| format!("{name}: stalled: {reason}\n")));
        reasons.extend(input.checkpoints.trouble.map(|trouble| format!("{name}: {trouble}\n")));
    }
    if reasons.is_empty() {
        (StatusCode::OK, "ok\n".to_owned())
    } else {
        (StatusCode::INTERNAL_SERVER_ERROR, format!("error\n{}", reasons.concat()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::accounts::{InputAccount, Snapshot};

    #[tokio::test]
    async fn health_tells_that_checkpoints_are_not_saved() {
        let accounts = Arc::new(Accounts::new(vec!["tail.0".into()], Vec::new(), 2));
        let mut snapshot = Snapshot { inputs: vec![InputAccount::default()], ..Snapshot::default() };
        snapshot.inputs[0].checkpoints.trouble = Some("checkpoints are not saved: disk full".into());
        accounts.publish(1, &snapshot);
        let (status, text) = health(State(Arc::clone(&accounts))).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(text, "error\ntail.0: checkpoints are not saved: disk full\n");
        snapshot.inputs[0].checkpoints.trouble = None;
        accounts.publish(1, &snapshot);
        assert_eq!(health(State(accounts)).await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn health_tells_why_an_input_is_stalled() {
        let accounts = Arc::new(Accounts::new(vec!["tail.0".into()], Vec::new(), 1));
        let stalled = Some("es.0 takes nothing".to_owned());
        let input = InputAccount { stalled, ..InputAccount::default() };
        accounts.publish(0, &Snapshot { inputs: vec![input], ..Snapshot::default() });
        let (status, text) = health(State(accounts)).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(text, "error\ntail.0: stalled: es.0 takes nothing\n");
    }

    #[tokio::test]
    async fn health_tells_why_an_output_does_not_deliver() {
        let accounts = Arc::new(Accounts::new(Vec::new(), vec!["es.0".into()], 1));
        assert_eq!(health(State(Arc::clone(&accounts))).await, (StatusCode::OK, "ok\n".into()));
        accounts.deliveries[0].retried("connection refused");
        let (status, text) = health(State(Arc::clone(&accounts))).await;
        assert_eq!((status, text.as_str()), (StatusCode::INTERNAL_SERVER_ERROR, "error\nes.0: connection refused\n"));
        accounts.deliveries[0].recovered();
        accounts.dead_letters.failed("/var/dead: no space".to_owned());
        let (_, text) = health(State(Arc::clone(&accounts))).await;
        assert_eq!(text, "error\ndead letters cannot be written: /var/dead: no space\n");
        accounts.dead_letters.recovered();
        assert_eq!(health(State(accounts)).await.0, StatusCode::OK);
    }
}
