//! The filter's options, resolved.

use std::sync::Arc;
use std::time::Duration;

use bumpalo::Bump;

use super::connection;
use crate::config::{Options, Problems};
use crate::filter::{Surroundings, TextParser};
use crate::kubernetes::annotations::Allowed;
use crate::kubernetes::{Pods, Preload};
use crate::record::field_names::FieldNames;
use crate::record::json;

/// What the filter is to do.
pub(super) struct Settings {
    pub(super) merge_log: bool,
    pub(super) keep_log: bool,
    /// As JSON text between its quotes.
    pub(super) merge_log_key: Option<Vec<u8>>,
    pub(super) merge_log_trim: bool,
    /// The parser for `log`, unless the pod names one.
    pub(super) merge_parser: Option<Box<dyn TextParser>>,
    /// The annotations that are heard, and the parsers that they can name.
    pub(super) allowed: Allowed,
    pub(super) named_parsers: Vec<(String, Box<dyn TextParser>)>,
    pub(super) labels: bool,
    pub(super) annotations: bool,
    pub(super) owner_references: bool,
    /// Dots in the keys of labels and annotations become `_`.
    pub(super) dedot: bool,
    pub(super) namespace_labels: bool,
    pub(super) namespace_annotations: bool,
    pub(super) fields: FieldNames,
    /// Nothing of pods is added.
    pub(super) namespace_only: bool,
    /// How old what is known of namespaces may be; `None` if they are not needed.
    pub(super) namespaces: Option<Duration>,
    pub(super) preload: Option<Preload>,
    /// What the API server tells.
    pub(super) pods: Option<Arc<Pods>>,
    /// `None` for ever.
    pub(super) cache_ttl: Option<Duration>,
    /// Bytes that stand in a tag before the log's file name.
    pub(super) tag_prefix_length: usize,
    /// The parser that tells the container from the tag.
    pub(super) tag_parser: Option<Box<dyn TextParser>>,
    pub(super) use_tag_for_meta: bool,
    /// What is added is made up.
    pub(super) dummy_meta: bool,
}

impl Settings {
    /// Reads the options; `None` if one of them asks for what is not there.
    pub(super) fn new(options: &Options<'_>, surroundings: &Surroundings<'_>, problems: &mut Problems) -> Option<Self> {
        if report_missing(options, problems) {
            return None;
        }
        let mut parser = |key: &str| (surroundings.parsers)(options, key, problems).into_iter().next();
        let (merge_parser, tag_parser) = (parser("Merge_Parser"), parser("Regex_Parser"));
        if merge_parser.is_some() != options.is_set("Merge_Parser")
            || tag_parser.is_some() != options.is_set("Regex_Parser")
        {
            return None;
        }
        let allowed = Allowed { parser: options.boolean("K8S-Logging.Parser"), exclude: connection::excludes(options) };
        Some(Self {
            merge_log: options.boolean("Merge_Log"),
            keep_log: options.boolean("Keep_Log"),
            merge_log_key: options
                .text("Merge_Log_Key")
                .map(|key| json::sound_key(key.as_bytes(), &Bump::new()).to_vec()),
            merge_log_trim: options.boolean("Merge_Log_Trim"),
            merge_parser,
            allowed,
            named_parsers: if allowed.parser { (surroundings.every_parser)() } else { Vec::new() },
            labels: options.boolean("Labels"),
            annotations: options.boolean("Annotations"),
            owner_references: options.boolean("Owner_References"),
            dedot: options.boolean("Dedot"),
            namespace_labels: options.boolean("Namespace_Labels"),
            namespace_annotations: options.boolean("Namespace_Annotations"),
            fields: FieldNames::of_word(options.text("Field_Names")),
            namespace_only: options.boolean("Namespace_Metadata_Only"),
            namespaces: connection::namespaces(options),
            preload: connection::preload(options),
            pods: surroundings.pods.clone(),
            cache_ttl: options.duration("Kube_Meta_Cache_TTL").filter(|ttl| !ttl.is_zero()),
            tag_prefix_length: options.text("Kube_Tag_Prefix").map_or(0, str::len),
            tag_parser,
            use_tag_for_meta: options.boolean("Use_Tag_For_Meta"),
            dummy_meta: options.boolean("Dummy_Meta"),
        })
    }
}

/// Reports options that are known but do nothing yet: those that would change how records are read
/// as errors, those that would add to them or leave some out as warnings. True if there was an
/// error.
fn report_missing(options: &Options<'_>, problems: &mut Problems) -> bool {
    const WARNINGS: [&str; 2] = ["Use_Pod_Association", "aws_use_pod_association"];
    let mut failed = false;
    if options.is_set("Kube_CA_Path") {
        problems.push(options.warning("Kube_CA_Path", "Kube_CA_Path is not supported: name one Kube_CA_File"));
    }
    // As in Fluent Bit, nothing is looked up with made-up metadata.
    if options.boolean("Use_Journal") && !options.boolean("Dummy_Meta") {
        let problem = options.problem("Use_Journal", "Use_Journal is not supported: there is no input of journald's");
        let hint = "take it out, and tail the containers' logs in /var/log/containers";
        problems.push(problem.with_hint(hint));
        failed = true;
    }
    for key in WARNINGS.into_iter().filter(|key| options.boolean(key)) {
        problems.push(options.warning(key, format!("{key} is not supported yet: records go on as if it were off")));
    }
    failed
}
