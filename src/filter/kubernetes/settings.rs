//! The filter's options, resolved.

use std::sync::Arc;
use std::time::Duration;

use bumpalo::Bump;

use super::preload::Preload;
use crate::config::{Options, Problems};
use crate::kubernetes::Pods;
use crate::record::json;

/// What the filter is to do.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) merge_log: bool,
    pub(super) keep_log: bool,
    /// As JSON text between its quotes.
    pub(super) merge_log_key: Option<Vec<u8>>,
    pub(super) merge_log_trim: bool,
    pub(super) labels: bool,
    pub(super) annotations: bool,
    pub(super) owner_references: bool,
    /// Dots in the keys of labels and annotations become `_`.
    pub(super) dedot: bool,
    pub(super) preload: Option<Preload>,
    /// What the API server tells.
    pub(super) pods: Option<Arc<Pods>>,
    /// `None` for ever.
    pub(super) cache_ttl: Option<Duration>,
    /// Bytes that stand in a tag before the log's file name.
    pub(super) tag_prefix_length: usize,
    pub(super) use_tag_for_meta: bool,
}

impl Settings {
    /// Reads the options; `None` if one of them asks for what is not there.
    pub(super) fn new(options: &Options<'_>, pods: Option<Arc<Pods>>, problems: &mut Problems) -> Option<Self> {
        if report_missing(options, problems) {
            return None;
        }
        Some(Self {
            merge_log: options.boolean("Merge_Log"),
            keep_log: options.boolean("Keep_Log"),
            merge_log_key: options
                .text("Merge_Log_Key")
                .map(|key| json::sound_key(key.as_bytes(), &Bump::new()).to_vec()),
            merge_log_trim: options.boolean("Merge_Log_Trim"),
            labels: options.boolean("Labels"),
            annotations: options.boolean("Annotations"),
            owner_references: options.boolean("Owner_References"),
            dedot: options.boolean("Dedot"),
            preload: options.text("Kube_Meta_Preload_Cache_Dir").map(Preload::new),
            pods,
            cache_ttl: options.duration("Kube_Meta_Cache_TTL").filter(|ttl| !ttl.is_zero()),
            tag_prefix_length: options.text("Kube_Tag_Prefix").map_or(0, str::len),
            use_tag_for_meta: options.boolean("Use_Tag_For_Meta"),
        })
    }
}

/// Reports options that are known but do nothing yet: those that would change how records are read
/// as errors, those that would add to them or leave some out as warnings. True if there was an
/// error.
fn report_missing(options: &Options<'_>, problems: &mut Problems) -> bool {
    const ERRORS: [&str; 3] = ["Use_Journal", "Dummy_Meta", "Namespace_Metadata_Only"];
    const WARNINGS: [&str; 6] = [
        "Namespace_Labels",
        "Namespace_Annotations",
        "K8S-Logging.Parser",
        "K8S-Logging.Exclude",
        "Use_Pod_Association",
        "aws_use_pod_association",
    ];
    let mut failed = false;
    for key in ["Merge_Parser", "Regex_Parser"].into_iter().filter(|key| options.is_set(key)) {
        problems.push(options.problem(key, format!("{key} is not supported yet")));
        failed = true;
    }
    for key in ERRORS.into_iter().filter(|key| options.boolean(key)) {
        problems.push(options.problem(key, format!("{key} is not supported yet")));
        failed = true;
    }
    for key in WARNINGS.into_iter().filter(|key| options.boolean(key)) {
        problems.push(options.warning(key, format!("{key} is not supported yet: records go on as if it were off")));
    }
    failed
}
