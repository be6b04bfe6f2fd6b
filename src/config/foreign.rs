//! What Fluent Bit 5.1 has and this program may not: named, so that messages can tell "not
//! supported yet" from a typing error. A plugin that is in the registry never gets here.

use super::option::Class;

const INPUTS: &[&str] = &[
    "blob",
    "collectd",
    "cpu",
    "disk",
    "docker",
    "docker_events",
    "dummy",
    "ebpf",
    "elasticsearch",
    "etw",
    "event_type",
    "exec",
    "exec_wasi",
    "fluentbit_logs",
    "fluentbit_metrics",
    "forward",
    "gpu_metrics",
    "head",
    "health",
    "http",
    "kafka",
    "kmsg",
    "kubernetes_events",
    "lib",
    "mem",
    "mqtt",
    "netif",
    "nginx_metrics",
    "node_exporter_metrics",
    "opentelemetry",
    "podman_metrics",
    "proc",
    "process_exporter_metrics",
    "prometheus_remote_write",
    "prometheus_scrape",
    "prometheus_textfile",
    "random",
    "serial",
    "splunk",
    "statsd",
    "stdin",
    "syslog",
    "systemd",
    "tail",
    "tcp",
    "thermal",
    "udp",
    "unix_socket",
    "windows_exporter_metrics",
    "winevtlog",
    "winlog",
    "winstat",
];

const FILTERS: &[&str] = &[
    "alter_size",
    "aws",
    "checklist",
    "ecs",
    "expect",
    "geoip2",
    "grep",
    "kubernetes",
    "log_to_metrics",
    "lookup",
    "lua",
    "modify",
    "multiline",
    "nest",
    "nightfall",
    "parser",
    "record_modifier",
    "rewrite_tag",
    "stdout",
    "sysinfo",
    "tensorflow",
    "throttle",
    "throttle_size",
    "type_converter",
    "wasm",
];

const OUTPUTS: &[&str] = &[
    "azure",
    "azure_blob",
    "azure_kusto",
    "azure_logs_ingestion",
    "bigquery",
    "chronicle",
    "cloudwatch_logs",
    "counter",
    "datadog",
    "es",
    "exit",
    "file",
    "flowcounter",
    "forward",
    "gelf",
    "http",
    "influxdb",
    "kafka",
    "kafka-rest",
    "kinesis_firehose",
    "kinesis_streams",
    "lib",
    "logdna",
    "loki",
    "nats",
    "nrlogs",
    "null",
    "opensearch",
    "opentelemetry",
    "oracle_log_analytics",
    "pgsql",
    "plot",
    "prometheus_exporter",
    "prometheus_remote_write",
    "retry",
    "s3",
    "skywalking",
    "slack",
    "splunk",
    "stackdriver",
    "stdout",
    "syslog",
    "tcp",
    "td",
    "udp",
    "vivo_exporter",
    "websocket",
];

/// What Fluent Bit has as processors only.
const PROCESSORS: &[&str] = &[
    "content_modifier",
    "cumulative_to_delta",
    "labels",
    "metrics_selector",
    "opentelemetry_envelope",
    "sampling",
    "sql",
    "tda",
    "topological_data_analysis",
];

/// Keys of plugins that this program has, which Fluent Bit knows and this program does not.
const PLUGIN_KEYS: &[(&str, &[&str])] = &[
    ("dummy", &["metadata", "copies", "start_time_sec", "start_time_nsec", "fixed_timestamp", "flush_on_startup"]),
    ("stdout", &["json_date_format"]),
    (
        "file",
        &[
            "template",
            "delimiter",
            "label_delimiter",
            "csv_column_names",
            "mkdir",
            "enable_strftime",
            "max_dynamic_files",
            "on_missing_field",
            "on_limit_reached",
            "fallback_path",
            "fallback_file",
            "rotate",
            "rotate_max_size",
            "rotate_max_files",
            "rotate_gzip",
        ],
    ),
];

/// Keys of `[SERVICE]` that change what Fluent Bit does and that must not be passed over.
const SERVICE_KEYS: &[&str] = &["streams_file"];

/// Whether Fluent Bit has a plugin of this name (in lower case).
pub(super) fn is_plugin(class: Class, name: &str) -> bool {
    match class {
        Class::Input => INPUTS.contains(&name),
        Class::Filter => FILTERS.contains(&name),
        Class::Output => OUTPUTS.contains(&name),
        Class::Service | Class::Parser | Class::MultilineParser => false,
    }
}

/// Whether Fluent Bit has a processor of this name (in lower case), and no filter.
pub(super) fn is_processor(class: Class, name: &str) -> bool {
    class == Class::Filter && PROCESSORS.contains(&name)
}

/// Whether a plugin (in lower case) has a key in Fluent Bit that is not supported here.
pub(super) fn is_plugin_key(plugin: &str, key: &str) -> bool {
    PLUGIN_KEYS
        .iter()
        .find(|(name, _)| *name == plugin)
        .is_some_and(|(_, keys)| keys.iter().any(|known| known.eq_ignore_ascii_case(key)))
}

/// Whether Fluent Bit's `[SERVICE]` has a key that is not supported here.
pub(super) fn is_service_key(key: &str) -> bool {
    SERVICE_KEYS.iter().any(|known| known.eq_ignore_ascii_case(key))
}
