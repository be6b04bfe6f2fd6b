//! The options of the Elasticsearch and OpenSearch outputs.

use crate::config::{Kind, OptionSpec, Options, Plugin, Problems};
use crate::output::Surroundings;

use super::index::Naming;

/// Elasticsearch 7 and later.
pub const PLUGIN: Plugin = Plugin {
    name: "es",
    doc: "Elasticsearch, by bulk requests. Every item is judged by itself: what is refused for now is sent again, \
          what is refused for good is kept as a dead letter.",
    options: OPTIONS,
};

/// OpenSearch 1 and later.
pub const OPENSEARCH_PLUGIN: Plugin =
    Plugin { name: "opensearch", doc: "OpenSearch. The same as `es`.", options: OPTIONS };

const ONE_ID: &str = "Each document's id is made of its source position.";

const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new("Host", Kind::Text, "127.0.0.1", "Name or address of the server."),
    OptionSpec::new("Port", Kind::Port, "9200", "Port of the server."),
    OptionSpec::new("Path", Kind::Text, "", "Prefix of the path, for a server behind a proxy."),
    OptionSpec::new(
        "Index",
        Kind::Text,
        "fluent-bit",
        "Name of the index; strftime patterns take the record's time (UTC).",
    ),
    OptionSpec::new(
        "Index_Date",
        Kind::Boolean,
        "",
        "Adds the record's day to `Index` (`flyte-logs` is `flyte-logs-2026.11.22`), unless the name is an alias or a \
         data stream. On by default while the Flyte filter is (Fluent Bit has no such option).",
    ),
    OptionSpec::new(
        "Logstash_Format",
        Kind::Boolean,
        "off",
        "The index is `Logstash_Prefix`, a separator and the record's date.",
    ),
    OptionSpec::new("Logstash_Prefix", Kind::Text, "logstash", "See `Logstash_Format`."),
    OptionSpec::new("Logstash_Prefix_Separator", Kind::Text, "-", "See `Logstash_Format`."),
    OptionSpec::new("Logstash_DateFormat", Kind::Text, "%Y.%m.%d", "See `Logstash_Format`; strftime, UTC."),
    OptionSpec::new("Time_Key", Kind::Text, "@timestamp", "Key of the record's time."),
    OptionSpec::new(
        "Time_Key_Nanos",
        Kind::Boolean,
        "",
        "Nine digits of the second instead of three. On by default while the Flyte filter is.",
    ),
    OptionSpec::new("Include_Tag_Key", Kind::Boolean, "off", "Adds the tag."),
    OptionSpec::new("Tag_Key", Kind::Text, "flb-key", "Key of the tag."),
    OptionSpec::new("HTTP_User", Kind::Text, "", "User of the basic authentication."),
    OptionSpec::new("HTTP_Passwd", Kind::Text, "", "Password of the basic authentication."),
    OptionSpec::new("Pipeline", Kind::Text, "", "Ingest pipeline."),
    OptionSpec::new(
        "Compress",
        Kind::Choice(&["gzip", "off"]),
        "gzip",
        "How bodies are compressed (Fluent Bit: not at all unless told).",
    ),
    OptionSpec::new("Compress_Level", Kind::Integer, "1", "1 (fastest) to 9 (smallest)."),
    OptionSpec::new("Concurrency", Kind::Integer, "2", "Requests on the wire at once."),
    OptionSpec::new("Write_Operation", Kind::Choice(&["create"]), "create", "Documents are created, never replaced."),
    OptionSpec::new("Type", Kind::Ignored, "", "No server of today takes a type."),
    OptionSpec::new("Suppress_Type_Name", Kind::Ignored, "", "No type is ever sent."),
    OptionSpec::new("Buffer_Size", Kind::Ignored, "", "Answers are always read whole."),
    OptionSpec::new("Generate_ID", Kind::Ignored, "", ONE_ID),
];

/// The options, resolved.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) url: String,
    pub(super) path: String,
    pub(super) naming: Naming,
    pub(super) time_key: String,
    pub(super) nanoseconds: bool,
    pub(super) tag_key: Option<String>,
    pub(super) user: Option<(String, Secret)>,
    pub(super) pipeline: Option<String>,
    pub(super) gzip: Option<u32>,
    pub(super) concurrency: usize,
    pub(super) verify: bool,
    pub(super) ca_file: Option<String>,
}

/// A value that is never printed.
#[derive(Clone)]
pub(super) struct Secret(pub(super) String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("(secret)")
    }
}

impl Settings {
    pub(super) fn new(options: &Options<'_>, surroundings: Surroundings, problems: &mut Problems) -> Option<Self> {
        for key in ["tls.vhost", "tls.ca_path", "tls.crt_file", "tls.key_file", "tls.key_passwd"] {
            if options.is_set(key) {
                problems.push(options.problem(key, format!("{key} is not supported yet")));
            }
        }
        let scheme = if options.boolean("tls") { "https" } else { "http" };
        let host = options.text("Host").unwrap_or("127.0.0.1");
        let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
        let or_flyte = |key: &str| if options.is_set(key) { options.boolean(key) } else { surroundings.flyte };
        let level = options.integer("Compress_Level").and_then(|level| u32::try_from(level).ok());
        if !level.is_some_and(|level| (1..=9).contains(&level)) {
            problems.push(options.problem("Compress_Level", "must be between 1 and 9"));
        }
        Some(Self {
            url: format!("{scheme}://{host}:{}", options.port("Port").unwrap_or(9200)),
            path: options.text("Path").unwrap_or_default().trim_matches('/').to_owned(),
            naming: Naming::new(options, or_flyte("Index_Date"), problems)?,
            time_key: options.text("Time_Key").unwrap_or("@timestamp").to_owned(),
            nanoseconds: or_flyte("Time_Key_Nanos"),
            tag_key: options
                .boolean("Include_Tag_Key")
                .then(|| options.text("Tag_Key").unwrap_or("flb-key").to_owned()),
            user: options
                .text("HTTP_User")
                .map(|user| (user.to_owned(), Secret(options.text("HTTP_Passwd").unwrap_or_default().to_owned()))),
            pipeline: options.text("Pipeline").map(str::to_owned),
            gzip: (options.text("Compress") != Some("off")).then_some(level.unwrap_or(1)),
            concurrency: options
                .integer("Concurrency")
                .and_then(|count| usize::try_from(count).ok())
                .unwrap_or(2)
                .max(1),
            verify: options.boolean("tls.verify"),
            ca_file: options.text("tls.ca_file").map(str::to_owned),
        })
    }
}
