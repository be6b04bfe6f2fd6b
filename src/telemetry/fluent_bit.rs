//! Fluent Bit's monitoring paths, for the probes and dashboards that look there: what both programs
//! count, under its names. What only Fluent Bit has (chunks, its routing) is not there.
//!
//! | path | body |
//! |---|---|
//! | `/api/v1/uptime`, `/api/v1/metrics` | JSON |
//! | `/api/v1/metrics/prometheus`, `/api/v2/metrics/prometheus` | Prometheus' text format |
//! | `/api/v2/health` | JSON; the status as that of `/api/v1/health` |

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use super::accounts::{Accounts, InputAccount, OutputAccount};
use super::dropped::DropReason;
use super::http::health_of;
use super::status::Status;

/// Content type of Prometheus' text format, as Fluent Bit gives it.
const TEXT: &str = "text/plain; version=0.0.4";

type InputCount = fn(&InputAccount) -> u64;

/// What is counted of an input: Fluent Bit's name and the value.
const INPUT: [(&str, InputCount); 2] = [("records", |a| a.lines), ("bytes", |a| a.read)];

type OutputCount = fn(&OutputAccount, u64) -> u64;

/// What is counted of an output; the second argument is the number of its retries. Fluent Bit counts
/// failures in chunks, and this program in records.
const OUTPUT: [(&str, OutputCount); 5] = [
    ("proc_records", |a, _| a.acked),
    ("errors", |a, _| a.dead_lettered),
    ("retries", |_, retries| retries),
    ("retries_failed", |a, _| a.dropped.of(DropReason::RetryLimit)),
    ("dropped_records", |a, _| {
        a.dead_lettered + DropReason::ALL.iter().map(|reason| a.dropped.of(*reason)).sum::<u64>()
    }),
];

pub(super) fn routes() -> Router<Arc<Status>> {
    Router::new()
        .route("/api/v1/uptime", get(uptime))
        .route("/api/v1/metrics", get(metrics))
        .route("/api/v1/metrics/prometheus", get(prometheus))
        .route("/api/v2/metrics/prometheus", get(prometheus))
        .route("/api/v2/health", get(health))
}

async fn uptime(State(status): State<Arc<Status>>) -> Json<Value> {
    let seconds = status.uptime().as_secs();
    let parts = [(seconds / 86_400, "day"), (seconds / 3600 % 24, "hour"), (seconds / 60 % 60, "minute")];
    let plural = |count: u64| if count > 1 { "s" } else { "" };
    let parts = parts.map(|(count, unit)| format!("{count} {unit}{}", plural(count))).join(", ");
    let rest = seconds % 60;
    let text = format!("Fluent Bit has been running:  {parts} and {rest} second{}", plural(rest));
    Json(json!({"uptime_sec": seconds, "uptime_hr": text}))
}

async fn metrics(State(status): State<Arc<Status>>) -> Json<Value> {
    let accounts = status.accounts();
    let mut answer = json!({"input": {}, "filter": {}, "output": {}});
    each(&accounts, |class, instance, name, value| {
        let of_class = answer[class].as_object_mut();
        let of_instance = of_class.map(|map| map.entry(instance).or_insert_with(|| Value::Object(Map::new())));
        if let Some(of_instance) = of_instance {
            of_instance[name] = value.into();
        }
    });
    Json(answer)
}

async fn prometheus(State(status): State<Arc<Status>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, TEXT)], render(&status))
}

fn render(status: &Status) -> String {
    let mut families: Vec<(String, String)> = Vec::new();
    each(&status.accounts(), |class, instance, name, value| {
        let family = format!("fluentbit_{class}_{name}_total");
        let instance = instance.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let sample = format!("{family}{{name=\"{instance}\"}} {value}\n");
        match families.iter_mut().find(|(known, _)| *known == family) {
            Some((_, samples)) => *samples += &sample,
            None => families.push((family, sample)),
        }
    });
    families.sort();
    let mut out = String::new();
    let uptime = status.uptime().as_secs();
    let reloads = status.reloads.done();
    let version = env!("CARGO_PKG_VERSION");
    // Writing into a string cannot fail.
    let _ = write!(
        out,
        "# HELP fluentbit_uptime Seconds since the start\n# TYPE fluentbit_uptime counter\nfluentbit_uptime {uptime}\n\
         # HELP fluentbit_hot_reloaded_times Configurations that were taken without a new start\n\
         # TYPE fluentbit_hot_reloaded_times gauge\nfluentbit_hot_reloaded_times {reloads}\n\
         # HELP fluentbit_build_info The program that answers in Fluent Bit's place\n\
         # TYPE fluentbit_build_info gauge\nfluentbit_build_info{{version=\"{version}\",edition=\"flytail\"}} 1\n"
    );
    for (family, samples) in families {
        let _ = write!(out, "# HELP {family} As Fluent Bit counts it\n# TYPE {family} counter\n{samples}");
    }
    out
}

/// Each count: the class of its instance, the instance, the name, the value.
fn each(accounts: &Accounts, mut take: impl FnMut(&str, &str, &str, u64)) {
    let total = accounts.total();
    for (instance, account) in accounts.inputs.iter().zip(&total.inputs) {
        INPUT.iter().for_each(|(name, value)| take("input", instance, name, value(account)));
    }
    for ((instance, account), deliveries) in accounts.outputs.iter().zip(&total.outputs).zip(&accounts.deliveries) {
        OUTPUT.iter().for_each(|(name, value)| take("output", instance, name, value(account, deliveries.retries())));
    }
}

async fn health(State(status): State<Arc<Status>>) -> (StatusCode, Json<Value>) {
    let accounts = status.accounts();
    let (code, reasons) = health_of(&accounts);
    let (mut errors, mut failed) = (0, 0);
    each(&accounts, |_, _, name, value| match name {
        "errors" => errors += value,
        "retries_failed" => failed += value,
        _ => {}
    });
    let word = if code == StatusCode::OK { "ok" } else { "error" };
    let reasons: Vec<_> = reasons.lines().skip(1).collect();
    (code, Json(json!({"status": word, "errors": errors, "retries_failed": failed, "reasons": reasons})))
}

#[cfg(test)]
mod tests {
    use super::super::accounts::Snapshot;
    use super::super::status::Reloads;
    use super::*;

    fn status() -> Arc<Status> {
        let accounts = Arc::new(Accounts::new(vec!["tail.0".into()], vec!["es.\"0".into()], 1));
        let input = InputAccount { lines: 3, read: 40, ..InputAccount::default() };
        let output = OutputAccount { acked: 2, dead_lettered: 1, ..OutputAccount::default() };
        accounts.publish(0, &Snapshot { inputs: vec![input], outputs: vec![output], ..Snapshot::default() });
        accounts.deliveries[0].retried("away");
        Arc::new(Status::new(accounts, Reloads::new().0))
    }

    #[tokio::test]
    async fn answers_where_fluent_bit_does() {
        let Json(answer) = metrics(State(status())).await;
        let output = json!({"proc_records": 2, "errors": 1, "retries": 1, "retries_failed": 0, "dropped_records": 1});
        let expected =
            json!({"input": {"tail.0": {"records": 3, "bytes": 40}}, "filter": {}, "output": {"es.\"0": output}});
        assert_eq!(answer, expected);
        let Json(answer) = uptime(State(status())).await;
        assert_eq!(answer["uptime_hr"], "Fluent Bit has been running:  0 day, 0 hour, 0 minute and 0 second");
        let (code, Json(answer)) = health(State(status())).await;
        assert_eq!((code, &answer["status"]), (StatusCode::INTERNAL_SERVER_ERROR, &"error".into()));
        assert_eq!(answer["reasons"], json!(["es.\"0: away"]));
    }

    #[test]
    fn each_family_stands_once_with_its_type() {
        let text = render(&status());
        for line in [
            "# TYPE fluentbit_input_bytes_total counter",
            "fluentbit_input_bytes_total{name=\"tail.0\"} 40",
            "fluentbit_output_retries_total{name=\"es.\\\"0\"} 1",
            "fluentbit_hot_reloaded_times 0",
        ] {
            assert_eq!(text.lines().filter(|found| *found == line).count(), 1, "{line}\n{text}");
        }
    }
}
