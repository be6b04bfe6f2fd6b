//! The options that every input, filter or output has.

use super::option::{Class, Kind, OptionSpec};

const NO_OWN_LOG_LEVEL: &str = "The log level is that of `[SERVICE]`.";
const FILE_IS_BUFFER: &str = "The log files themselves are the buffer: there is no chunk storage to choose or limit.";
const NO_THREADS: &str = "Inputs run in the workers (`[SERVICE] Workers`).";
const NO_LISTENER: &str = "Only inputs that listen on the network use it.";
const ACTIVE: &str = "It belongs to processors; a section of its own always takes part.";
const CONNECTIONS: &str = "The HTTP client looks after its connections by itself.";
const TLS_LIBRARY: &str = "The TLS library (rustls) decides: TLS 1.2 and 1.3 with their safe ciphers.";
const NO_PROXY_TLS: &str = "TLS towards a proxy has no settings of its own.";

const fn text(name: &'static str, doc: &'static str) -> OptionSpec {
    OptionSpec::new(name, Kind::Text, "", doc)
}

const fn switch(name: &'static str, default: &'static str, doc: &'static str) -> OptionSpec {
    OptionSpec::new(name, Kind::Boolean, default, doc)
}

const fn ignored(name: &'static str, why: &'static str) -> OptionSpec {
    OptionSpec::ignored(name, why)
}

const NAME: OptionSpec = text("Name", "The plugin.");
const ALIAS: OptionSpec =
    text("Alias", "The name of this instance in logs and metrics, instead of plugin and number (`tail.0`).");
const MATCH: OptionSpec =
    text("Match", "The tags to take; `*` stands for any run of characters, all else for itself. Case counts.");
const MATCH_REGEX: OptionSpec = text(
    "Match_Regex",
    "The tags to take, by a regular expression from the tag's start on. Either of the two is enough.",
);

/// The options of every input.
pub const INPUT_COMMON: &[OptionSpec] = &[
    NAME,
    ALIAS,
    text("Tag", "The tag of its records; by default plugin and number (`tail.0`)."),
    OptionSpec::new(
        "Mem_Buf_Limit",
        Kind::Size,
        "",
        "The most bytes that records of this input may hold in memory before reading waits. Without it only the \
         process's own budget holds.",
    ),
    ignored("Log_Level", NO_OWN_LOG_LEVEL),
    ignored("Log_Suppress_Interval", "Repeated messages are always throttled."),
    ignored("Routable", "Records go where `Match` says."),
    ignored("storage.type", FILE_IS_BUFFER),
    ignored("storage.pause_on_chunks_overlimit", FILE_IS_BUFFER),
    ignored("Threaded", NO_THREADS),
    ignored("thread.ring_buffer.capacity", NO_THREADS),
    ignored("thread.ring_buffer.window", NO_THREADS),
    ignored("rate_window", "There is no rate gate: reading waits when memory is full."),
    ignored("rate_gate", "There is no rate gate: reading waits when memory is full."),
    ignored("rate_gate.max_bytes", "There is no rate gate: reading waits when memory is full."),
    ignored("rate_gate.max_records", "There is no rate gate: reading waits when memory is full."),
    ignored("rate_gate.backpressure", "There is no rate gate: reading waits when memory is full."),
    ignored("rate_gate.resume_ratio", "There is no rate gate: reading waits when memory is full."),
    ignored("Listen", NO_LISTENER),
    ignored("Host", NO_LISTENER),
    ignored("Port", NO_LISTENER),
    ignored("IPv6", NO_LISTENER),
    ignored("tls", NO_LISTENER),
    ignored("tls.verify", NO_LISTENER),
    ignored("tls.verify_client_cert", NO_LISTENER),
    ignored("tls.verify_hostname", NO_LISTENER),
    ignored("tls.debug", NO_LISTENER),
    ignored("tls.vhost", NO_LISTENER),
    ignored("tls.ca_path", NO_LISTENER),
    ignored("tls.ca_file", NO_LISTENER),
    ignored("tls.crt_file", NO_LISTENER),
    ignored("tls.key_file", NO_LISTENER),
    ignored("tls.key_passwd", NO_LISTENER),
    ignored("tls.min_version", NO_LISTENER),
    ignored("tls.max_version", NO_LISTENER),
    ignored("tls.ciphers", NO_LISTENER),
    ignored("net.dns.mode", NO_LISTENER),
    ignored("net.dns.resolver", NO_LISTENER),
    ignored("net.dns.prefer_ipv4", NO_LISTENER),
    ignored("net.dns.prefer_ipv6", NO_LISTENER),
    ignored("net.keepalive", NO_LISTENER),
    ignored("net.keepalive_idle_timeout", NO_LISTENER),
    ignored("net.io_timeout", NO_LISTENER),
    ignored("net.accept_timeout", NO_LISTENER),
    ignored("net.backlog", NO_LISTENER),
    ignored("net.share_port", NO_LISTENER),
    ignored("Active", ACTIVE),
    ignored("Condition", ACTIVE),
];

/// The options of every filter.
pub const FILTER_COMMON: &[OptionSpec] = &[
    NAME,
    ALIAS,
    MATCH,
    MATCH_REGEX,
    ignored("Log_Level", NO_OWN_LOG_LEVEL),
    ignored("Log_Suppress_Interval", "Repeated messages are always throttled."),
    ignored("Active", ACTIVE),
    ignored("Condition", ACTIVE),
];

/// The options of every output.
pub const OUTPUT_COMMON: &[OptionSpec] = &[
    NAME,
    ALIAS,
    MATCH,
    MATCH_REGEX,
    OptionSpec::new(
        "Retry_Limit",
        Kind::Retries,
        "no_limits",
        "How often records that the server did not take are sent again: a number, `no_limits` (also `False`, `Off`) \
         or `no_retries`. The count starts anew whenever some were taken. Different from Fluent Bit, which \
         gives up after one.",
    ),
    text("Host", "The server's name or address."),
    OptionSpec::new("Port", Kind::Port, "", "The server's port."),
    switch("tls", "Off", "Speaks TLS with the server."),
    switch("tls.verify", "On", "Checks the server's certificate."),
    ignored("tls.verify_hostname", "The name is always checked with the certificate."),
    text("tls.vhost", "The server name to ask for and to check, where it is not `Host`."),
    text(
        "tls.ca_file",
        "A file of certificates (PEM) to trust besides the public authorities that are built in; the system's are not \
         looked at.",
    ),
    text("tls.ca_path", "A directory of such files."),
    text("tls.crt_file", "This client's certificate (PEM)."),
    text("tls.key_file", "Its private key (PEM)."),
    text("tls.key_passwd", "The key's password."),
    ignored("tls.debug", TLS_LIBRARY),
    ignored("tls.min_version", TLS_LIBRARY),
    ignored("tls.max_version", TLS_LIBRARY),
    ignored("tls.ciphers", TLS_LIBRARY),
    ignored("tls.proxy.verify", NO_PROXY_TLS),
    ignored("tls.proxy.verify_hostname", NO_PROXY_TLS),
    ignored("tls.proxy.ca_path", NO_PROXY_TLS),
    ignored("tls.proxy.ca_file", NO_PROXY_TLS),
    ignored("Workers", "Requests run at the same time as far as the server keeps up."),
    ignored("IPv6", "Both kinds of addresses are tried."),
    ignored("Log_Level", NO_OWN_LOG_LEVEL),
    ignored("Log_Suppress_Interval", "Repeated messages are always throttled."),
    ignored("storage.total_limit_size", FILE_IS_BUFFER),
    ignored("net.dns.mode", CONNECTIONS),
    ignored("net.dns.resolver", CONNECTIONS),
    ignored("net.dns.prefer_ipv4", CONNECTIONS),
    ignored("net.dns.prefer_ipv6", CONNECTIONS),
    ignored("net.keepalive", CONNECTIONS),
    ignored("net.keepalive_idle_timeout", CONNECTIONS),
    ignored("net.keepalive_max_recycle", CONNECTIONS),
    ignored("net.tcp_keepalive", CONNECTIONS),
    ignored("net.tcp_keepalive_time", CONNECTIONS),
    ignored("net.tcp_keepalive_interval", CONNECTIONS),
    ignored("net.tcp_keepalive_probes", CONNECTIONS),
    ignored("net.connect_timeout", CONNECTIONS),
    ignored("net.connect_timeout_log_error", CONNECTIONS),
    ignored("net.io_timeout", CONNECTIONS),
    ignored("net.source_address", CONNECTIONS),
    ignored("net.max_worker_connections", CONNECTIONS),
    ignored("net.proxy_env_ignore", CONNECTIONS),
    ignored("Active", ACTIVE),
    ignored("Condition", ACTIVE),
];

/// A parser has nothing but its name in common with others.
pub(super) const PARSER_COMMON: &[OptionSpec] = &[text("Name", "The parser's name; case counts.")];

/// So has a multi-line parser.
pub(super) const MULTILINE_PARSER_COMMON: &[OptionSpec] = &[text("Name", "The name; case does not matter.")];

impl Class {
    /// The options that every section of this class has.
    #[must_use]
    pub fn common(self) -> &'static [OptionSpec] {
        match self {
            Self::Service => &[],
            Self::Input => INPUT_COMMON,
            Self::Filter => FILTER_COMMON,
            Self::Output => OUTPUT_COMMON,
            Self::Parser => PARSER_COMMON,
            Self::MultilineParser => MULTILINE_PARSER_COMMON,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_option_stands_twice_and_every_default_fits_its_kind() {
        for class in [Class::Input, Class::Filter, Class::Output, Class::Parser, Class::MultilineParser] {
            for (index, spec) in class.common().iter().enumerate() {
                let twice = class.common()[..index].iter().any(|other| other.is_named(spec.name));
                assert!(!twice, "{} of {}", spec.name, class.noun());
                assert!(spec.default.is_empty() || spec.kind.check(spec.default).is_ok(), "{}", spec.name);
            }
        }
    }
}
