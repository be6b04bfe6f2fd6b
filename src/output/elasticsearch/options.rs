//! The options of the Elasticsearch and OpenSearch outputs.

use std::time::Duration;

use crate::config::{Kind, OptionSpec, Options, Plugin, Problems};
use crate::output::{GzipLevel, Surroundings};

use super::address;
use super::data_stream::DataStream;
use super::index::Naming;
use super::operation::Operation;
use super::time_format::TimeFormat;
use crate::record::accessor::Accessor;

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

/// The words of `Compress_Level`. All but the first are zlib's levels.
const LEVELS: &[&str] = &["fast", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new(
        "Host",
        Kind::List,
        "127.0.0.1",
        "Name or address of the server, or of several (`es-1, es-2:9201`): they take turns, and one that cannot be \
         reached or is busy is left out for a while.",
    ),
    OptionSpec::new("Port", Kind::Port, "9200", "Port of each server that names none."),
    OptionSpec::new(
        "Upstream",
        Kind::Text,
        "",
        "A file that names the servers: `[UPSTREAM]` with a `[NODE]` for each, or `upstream_servers` in YAML; or the name \
         of one of the configuration's own `upstream_servers`. What the nodes say stands in place of this output's own \
         keys, and has to be the same for all of them but `Host` and `Port`.",
    ),
    OptionSpec::new(
        "Cloud_ID",
        Kind::Text,
        "",
        "Where the deployment is in Elastic's cloud, in place of `Host` and `Port`. `tls` has to be on.",
    ),
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
        "Data_Stream",
        Kind::Boolean,
        "off",
        "Sends to the data stream `Data_Stream_Type`-`Data_Stream_Dataset`-`Data_Stream_Namespace` and says so in each \
         document (`data_stream.*`, in place of what the record says of one). It is made from its template, which \
         `flytail setup --data-stream` installs; nothing is sent before it is there. A document that is sent again \
         (after a crash, or when an answer was lost) is found by its id and not doubled, unless the stream rolled over \
         in between: across a rollover delivery is at least once (Fluent Bit has no such option).",
    ),
    OptionSpec::new("Data_Stream_Type", Kind::Text, "logs", "See `Data_Stream`. No part may hold a `-`."),
    OptionSpec::new("Data_Stream_Dataset", Kind::Text, "flyte", "See `Data_Stream`."),
    OptionSpec::new("Data_Stream_Namespace", Kind::Text, "default", "See `Data_Stream`."),
    OptionSpec::new(
        "Logstash_Format",
        Kind::Boolean,
        "off",
        "The index is `Logstash_Prefix`, a separator and the record's date.",
    ),
    OptionSpec::new("Logstash_Prefix", Kind::Text, "logstash", "See `Logstash_Format`."),
    OptionSpec::new(
        "Logstash_Prefix_Key",
        Kind::Text,
        "",
        "Record accessor of a text that takes the place of `Logstash_Prefix`, in lower case, if it can stand in the \
         name of an index.",
    ),
    OptionSpec::new("Logstash_Prefix_Separator", Kind::Text, "-", "See `Logstash_Format`."),
    OptionSpec::new("Logstash_DateFormat", Kind::Text, "%Y.%m.%d", "See `Logstash_Format`; strftime, UTC."),
    OptionSpec::new("Time_Key", Kind::Text, "@timestamp", "Key of the record's time."),
    OptionSpec::new(
        "Time_Key_Format",
        Kind::Text,
        "%Y-%m-%dT%H:%M:%S",
        "How the time's seconds are written (strftime, UTC); the fraction and a `Z` always follow.",
    ),
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
    OptionSpec::new(
        "HTTP_Passwd_File",
        Kind::Text,
        "",
        "File that holds the password, read again when it changes (Fluent Bit has none of the `_File` options).",
    ),
    OptionSpec::new(
        "HTTP_API_Key",
        Kind::Text,
        "",
        "API key of Elasticsearch as it is handed out (Base64), where there is no `HTTP_User`.",
    ),
    OptionSpec::new("HTTP_API_Key_File", Kind::Text, "", "File that holds the API key, read again when it changes."),
    OptionSpec::new("HTTP_Bearer_Token", Kind::Text, "", "Token for a server that takes OAuth or JWT tokens."),
    OptionSpec::new("HTTP_Bearer_Token_File", Kind::Text, "", "File that holds the token, read again when it changes."),
    OptionSpec::new("Cloud_Auth", Kind::Text, "", "`user:password`, where no other credentials are given."),
    OptionSpec::new(
        "AWS_Auth",
        Kind::Boolean,
        "off",
        "Signs each request (Signature Version 4), as Amazon's OpenSearch services want it. The keys come from the first \
         of: `AWS_Profile`, the environment, a profile of the shared files, a service account's token (IRSA), a \
         container's endpoint (EKS pod identity, ECS), the instance's endpoint (version 2); they are renewed five minutes \
         before they expire.",
    ),
    OptionSpec::new(
        "AWS_Region",
        Kind::Text,
        "",
        "Region, such as `eu-central-1`; without it the variable `AWS_REGION`.",
    ),
    OptionSpec::new(
        "AWS_Service_Name",
        Kind::Text,
        "es",
        "`es`, or `aoss` for a serverless collection, which has to be one for search: others take no ids of ours.",
    ),
    OptionSpec::new(
        "AWS_Profile",
        Kind::Text,
        "",
        "Profile of AWS's shared files whose keys are used, before all others.",
    ),
    OptionSpec::new("AWS_Role_ARN", Kind::Text, "", "Role to take on, for a domain of another account."),
    OptionSpec::new("AWS_External_ID", Kind::Text, "", "What the role's owner asks for, see `AWS_Role_ARN`."),
    OptionSpec::new(
        "AWS_STS_Endpoint",
        Kind::Text,
        "",
        "The token service that lends the keys of roles, unless it is the region's own.",
    ),
    OptionSpec::new(
        "net.proxy_env_ignore",
        Kind::Boolean,
        "off",
        "Goes straight to the server. Else the variables `HTTP_PROXY` and `HTTPS_PROXY` name a proxy, and `NO_PROXY` the \
         hosts, domains and networks (`10.0.0.0/8`) without one.",
    ),
    OptionSpec::new("Pipeline", Kind::Text, "", "Ingest pipeline."),
    OptionSpec::new(
        "Compress",
        Kind::Choice(&["gzip", "off"]),
        "gzip",
        "How bodies are compressed (Fluent Bit: not at all unless told).",
    ),
    OptionSpec::new(
        "Compress_Level",
        Kind::Choice(LEVELS),
        "fast",
        "`fast` takes less CPU time than any level, and makes bodies smaller than level 1 does; 1 (zlib's fastest) to 9 \
         (smallest) are zlib's.",
    ),
    OptionSpec::new(
        "Workers",
        Kind::Integer,
        "2",
        "The most requests on the wire at once. An output begins with one; each round that goes well adds one, and when the \
         server refuses some or does not answer there are half as many.",
    ),
    OptionSpec::new(
        "Start_Jitter",
        Kind::Time,
        "0",
        "The first request waits for a time up to this, by chance, so that a fleet that is restarted at once does not reach \
         the server at once: 30s suits 500 nodes. The logs wait on the disk meanwhile; with an input that cannot be read \
         again (`stdin`) nothing waits (Fluent Bit has no such option).",
    ),
    OptionSpec::new(
        "Write_Operation",
        Kind::Choice(Operation::NAMES),
        "create",
        "`create` never replaces a document, `index` does; `update` changes one that is there, `upsert` adds it if need \
         be. `update` and `upsert` are of use with `Id_Key` only.",
    ),
    OptionSpec::new(
        "Id_Key",
        Kind::Text,
        "",
        "Record accessor (`$request_id`, `$a['b']`) of a text that is the document's id. A record without it, or with \
         one longer than 512 bytes, has an id made of its source position, as records have without this option.",
    ),
    OptionSpec::new(
        "Replace_Dots",
        Kind::Boolean,
        "Off",
        "Writes `_` for the dots in keys, at any depth. Not for documents by `Field_Names ecs`, whose names have dots.",
    ),
    OptionSpec::new("Type", Kind::Ignored, "", "No server of today takes a type."),
    OptionSpec::new("Suppress_Type_Name", Kind::Ignored, "", "No type is ever sent."),
    OptionSpec::new("Buffer_Size", Kind::Ignored, "", "Answers are always read whole."),
    OptionSpec::new("Generate_ID", Kind::Ignored, "", ONE_ID),
    OptionSpec::new(
        "Current_Time_Index",
        Kind::Ignored,
        "",
        "The record's own time counts: a line that is sent again has to find the index that it was sent to before.",
    ),
    OptionSpec::new("Trace_Output", Kind::Ignored, "", "To see documents, add an output `stdout` or `file`."),
    OptionSpec::new("Trace_Error", Kind::Ignored, "", "What is refused is always logged, at a bounded rate."),
];

/// The options, resolved.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) urls: Vec<String>,
    pub(super) path: String,
    pub(super) naming: Naming,
    pub(super) data_stream: Option<DataStream>,
    pub(super) time_key: String,
    pub(super) time_format: Option<TimeFormat>,
    pub(super) nanoseconds: bool,
    pub(super) operation: Operation,
    pub(super) id_key: Option<Accessor>,
    pub(super) replace_dots: bool,
    pub(super) tag_key: Option<String>,
    pub(super) pipeline: Option<String>,
    pub(super) gzip: Option<GzipLevel>,
    pub(super) concurrency: usize,
    pub(super) start_jitter: Duration,
}

/// The name of the index that these options ask for, with its date as strftime takes it; `None` if
/// they are wrong. Only a server can say that a name is an alias or a data stream, which gets no date.
#[must_use]
pub fn index_pattern(options: &Options<'_>, surroundings: Surroundings) -> Option<String> {
    let stream = DataStream::of(options, &mut Problems::new());
    let naming = Naming::new(options, stream.as_ref(), adds_date(options, surroundings), &mut Problems::new())?;
    Some(naming.pattern().to_owned())
}

fn adds_date(options: &Options<'_>, surroundings: Surroundings) -> bool {
    if options.is_set("Index_Date") { options.boolean("Index_Date") } else { surroundings.flyte }
}

impl Settings {
    pub(super) fn new(options: &Options<'_>, surroundings: Surroundings, problems: &mut Problems) -> Option<Self> {
        let or_flyte = |key: &str| if options.is_set(key) { options.boolean(key) } else { surroundings.flyte };
        // `fast` is the only choice that is no number.
        let level = options.text("Compress_Level").and_then(|level| level.parse().ok());
        let data_stream = DataStream::of(options, problems);
        Some(Self {
            urls: address::urls(options, problems),
            path: options.text("Path").unwrap_or_default().trim_matches('/').to_owned(),
            naming: Naming::new(options, data_stream.as_ref(), adds_date(options, surroundings), problems)?,
            data_stream,
            time_key: options.text("Time_Key").unwrap_or("@timestamp").to_owned(),
            time_format: TimeFormat::of_options(options, problems),
            nanoseconds: or_flyte("Time_Key_Nanos"),
            operation: Operation::of(options.text("Write_Operation").unwrap_or_default()),
            id_key: id_key(options, problems),
            replace_dots: options.boolean("Replace_Dots"),
            tag_key: options
                .boolean("Include_Tag_Key")
                .then(|| options.text("Tag_Key").unwrap_or("flb-key").to_owned()),
            pipeline: options.text("Pipeline").map(str::to_owned),
            gzip: (options.text("Compress") != Some("off")).then_some(level.map_or(GzipLevel::Fast, GzipLevel::Zlib)),
            concurrency: options.integer("Workers").and_then(|count| usize::try_from(count).ok()).unwrap_or(2).max(1),
            start_jitter: options.duration("Start_Jitter").unwrap_or_default(),
        })
    }
}

fn id_key(options: &Options<'_>, problems: &mut Problems) -> Option<Accessor> {
    const KEY: &str = "Id_Key";
    if !options.is_set(KEY) && ["update", "upsert"].contains(&options.text("Write_Operation").unwrap_or_default()) {
        problems.push(
            options.problem("Write_Operation", "update and upsert need an Id_Key: no document has our own ids before"),
        );
    }
    let written = options.text(KEY)?;
    let accessor = Accessor::read(written).filter(Accessor::has_sigil);
    if accessor.is_none() {
        problems.push(options.problem(KEY, format!("`{written}` is no record accessor: write $a or $a['b']")));
    }
    accessor
}
