//! Bodies of answers, as Elasticsearch 8.19 gives them.

/// An item that was taken.
pub(super) const CREATED: &str = r#"{"create":{"status":201}}"#;

/// An item whose id is there.
pub(super) const EXISTS: &str = r#"{"create":{"status":409,"error":{"type":"version_conflict_engine_exception","reason":"[x]: version conflict, document already exists (current version [1])"}}}"#;

/// An item that does not fit the mapping.
pub(super) const POISONED: &str = r#"{"create":{"status":400,"error":{"type":"document_parsing_exception","reason":"[1:1] failed to parse field [n] of type [long] in document with id 'x'. Preview of field's value: 'poison'"}}}"#;

/// An item that the write queue had no room for.
pub(super) const BUSY: &str = r#"{"create":{"status":429,"error":{"type":"es_rejected_execution_exception","reason":"rejected execution of TimedRunnable on EsThreadPoolExecutor[name = node/write, queue capacity = 1]"}}}"#;

/// 429 for a whole request: `indexing_pressure.memory.limit`.
pub(super) const TOO_MANY_REQUESTS: &str = r#"{"error":{"root_cause":[{"type":"es_rejected_execution_exception","reason":"rejected execution of coordinating operation [coordinating_and_primary_bytes=0, replica_bytes=0, all_bytes=0, coordinating_operation_bytes=65536, max_coordinating_and_primary_bytes=30720]"}],"type":"es_rejected_execution_exception","reason":"rejected execution of coordinating operation [coordinating_and_primary_bytes=0, replica_bytes=0, all_bytes=0, coordinating_operation_bytes=65536, max_coordinating_and_primary_bytes=30720]"},"status":429}"#;

/// 503: a cluster without a master.
pub(super) const UNAVAILABLE: &str = r#"{"error":{"root_cause":[{"type":"cluster_block_exception","reason":"blocked by: [SERVICE_UNAVAILABLE/1/state not recovered / initialized];"}],"type":"cluster_block_exception","reason":"blocked by: [SERVICE_UNAVAILABLE/1/state not recovered / initialized];"},"status":503}"#;

/// What a proxy in between says.
pub(super) const PAGE: &str = "<html><head><title>Welcome</title></head><body><h1>It works!</h1></body></html>";
