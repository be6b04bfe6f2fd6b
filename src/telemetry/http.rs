//! The monitoring server: metrics, health, and reloading the configuration.

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
use super::fluent_bit;
use super::metrics;
use super::status::{Outcome, Status};

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
pub async fn serve(listener: TcpListener, status: Arc<Status>) -> io::Result<()> {
    tracing::info!(address = %listener.local_addr().map_or_else(|_| String::new(), |address: SocketAddr| address.to_string()), "status server listens");
    axum::serve(listener, routes(status)).await
}

fn routes(status: Arc<Status>) -> Router {
    Router::new()
        .route("/", get(about))
        .route("/metrics", get(metrics_text))
        .route("/api/v1/health", get(health))
        .route("/api/v2/reload", get(reloads).post(reload).put(reload))
        .merge(fluent_bit::routes())
        .with_state(status)
}

async fn about() -> Json<Value> {
    Json(json!({"flytail": {"version": env!("CARGO_PKG_VERSION")}}))
}

async fn metrics_text(State(status): State<Arc<Status>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], metrics::render(&status))
}

/// How often the configuration was reloaded, and why it was not the last time.
async fn reloads(State(status): State<Arc<Status>>) -> Json<Value> {
    let mut answer = json!({"hot_reload_count": status.reloads.done(), "refused": status.reloads.refused()});
    if let Some(reasons) = status.reloads.last_refusal() {
        answer["problems"] = reasons.into();
    }
    Json(answer)
}

/// Reloads, with Fluent Bit's answers where it has them; a configuration that is not valid is told at
/// once.
async fn reload(State(status): State<Arc<Status>>) -> (StatusCode, Json<Value>) {
    let (code, answer) = match status.reloads.ask().await {
        Outcome::Done => (StatusCode::OK, json!({"reload": "done", "status": 0})),
        Outcome::Disabled => (StatusCode::OK, json!({"reload": "not enabled", "status": -1})),
        Outcome::Busy => (StatusCode::BAD_REQUEST, json!({"reload": "in progress", "status": -2})),
        Outcome::Refused(problems) => {
            (StatusCode::BAD_REQUEST, json!({"reload": "refused", "status": -3, "problems": problems}))
        }
    };
    (code, Json(answer))
}

/// 200 `ok` while every output takes what it is given, what it refuses can be kept, inputs are read,
/// checkpoints are saved and pods are watched; 500 with the reasons while it is not so.
async fn health(State(status): State<Arc<Status>>) -> (StatusCode, String) {
    health_of(&status.accounts())
}

pub(super) fn health_of(accounts: &Accounts) -> (StatusCode, String) {
    let failing = accounts.outputs.iter().zip(&accounts.deliveries);
    let outputs = failing.filter_map(|(name, counters)| Some(format!("{name}: {}\n", counters.last_error()?)));
    let letters = accounts.dead_letters.error().map(|error| format!("dead letters cannot be written: {error}\n"));
    let mut reasons: Vec<_> = outputs.chain(letters).collect();
    for (name, input) in accounts.inputs.iter().zip(accounts.total().inputs) {
        reasons.extend(input.stalled.map(|reason| format!("{name}: stalled: {reason}\n")));
        let waiting = Some(input.choice.overdue).filter(|files| *files > 0);
        reasons.extend(
            waiting.map(|files| format!("{name}: {files} files wait until it is known which pods write them\n")),
        );
        reasons.extend(input.checkpoints.trouble.map(|trouble| format!("{name}: {trouble}\n")));
    }
    let watches = accounts.watches.iter();
    reasons.extend(watches.filter_map(|watch| Some(format!("{}: {}\n", watch.name, watch.trouble()?))));
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

    #[test]
    fn health_tells_that_checkpoints_are_not_saved() {
        let accounts = Arc::new(Accounts::new(vec!["tail.0".into()], Vec::new(), 2));
        let mut snapshot = Snapshot { inputs: vec![InputAccount::default()], ..Snapshot::default() };
        snapshot.inputs[0].checkpoints.trouble = Some("checkpoints are not saved: disk full".into());
        accounts.publish(1, &snapshot);
        let (status, text) = health_of(&accounts);
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(text, "error\ntail.0: checkpoints are not saved: disk full\n");
        snapshot.inputs[0].checkpoints.trouble = None;
        accounts.publish(1, &snapshot);
        assert_eq!(health_of(&accounts).0, StatusCode::OK);
    }

    #[test]
    fn health_tells_why_an_input_is_stalled() {
        let accounts = Arc::new(Accounts::new(vec!["tail.0".into()], Vec::new(), 1));
        let stalled = Some("es.0 takes nothing".to_owned());
        let input = InputAccount { stalled, ..InputAccount::default() };
        accounts.publish(0, &Snapshot { inputs: vec![input], ..Snapshot::default() });
        let (status, text) = health_of(&accounts);
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(text, "error\ntail.0: stalled: es.0 takes nothing\n");
    }

    #[test]
    fn health_tells_why_an_output_does_not_deliver() {
        let accounts = Arc::new(Accounts::new(Vec::new(), vec!["es.0".into()], 1));
        assert_eq!(health_of(&accounts), (StatusCode::OK, "ok\n".into()));
        accounts.deliveries[0].retried("connection refused");
        let (status, text) = health_of(&accounts);
        assert_eq!((status, text.as_str()), (StatusCode::INTERNAL_SERVER_ERROR, "error\nes.0: connection refused\n"));
        accounts.deliveries[0].recovered();
        accounts.dead_letters.failed("/var/dead: no space".to_owned());
        let (_, text) = health_of(&accounts);
        assert_eq!(text, "error\ndead letters cannot be written: /var/dead: no space\n");
        accounts.dead_letters.recovered();
        assert_eq!(health_of(&accounts).0, StatusCode::OK);
    }
}
