//! Bodies of answers, as Elasticsearch 8.19 gives them.

use std::sync::LazyLock;

/// An item that was taken.
pub(super) const CREATED: &str = r#"{"create":{"status":201}}"#;

/// An item whose id is there.
pub(super) static EXISTS: LazyLock<String> = LazyLock::new(|| {
    let reason = "[x]: version conflict, document already exists (current version [1])";
    item(409, "version_conflict_engine_exception", reason)
});

/// An item that does not fit the mapping.
pub(super) static POISONED: LazyLock<String> = LazyLock::new(|| {
    let reason =
        "[1:1] failed to parse field [n] of type [long] in document with id 'x'. Preview of field's value: 'x'";
    item(400, "document_parsing_exception", reason)
});

/// An item that the write queue had no room for.
pub(super) static BUSY: LazyLock<String> = LazyLock::new(|| {
    let reason = "rejected execution of TimedRunnable on EsThreadPoolExecutor[name = node/write, queue capacity = 1]";
    item(429, REJECTED, reason)
});

/// 429 for a whole request: `indexing_pressure.memory.limit`.
pub(super) static TOO_MANY_REQUESTS: LazyLock<String> = LazyLock::new(|| {
    let reason = "rejected execution of coordinating operation [coordinating_and_primary_bytes=0, replica_bytes=0, \
        all_bytes=0, coordinating_operation_bytes=65536, max_coordinating_and_primary_bytes=30720]";
    whole(429, REJECTED, reason)
});

/// 503: a cluster without a master.
pub(super) static UNAVAILABLE: LazyLock<String> = LazyLock::new(|| {
    let reason = "blocked by: [SERVICE_UNAVAILABLE/1/state not recovered / initialized];";
    whole(503, "cluster_block_exception", reason)
});

/// What a proxy in between says.
pub(super) const PAGE: &str = "<html><head><title>Welcome</title></head><body><h1>It works!</h1></body></html>";

const REJECTED: &str = "es_rejected_execution_exception";

fn item(status: u16, kind: &str, reason: &str) -> String {
    format!(r#"{{"create":{{"status":{status},"error":{{"type":"{kind}","reason":"{reason}"}}}}}}"#)
}

fn whole(status: u16, kind: &str, reason: &str) -> String {
    let cause = format!(r#""type":"{kind}","reason":"{reason}""#);
    format!(r#"{{"error":{{"root_cause":[{{{cause}}}],{cause}}},"status":{status}}}"#)
}
