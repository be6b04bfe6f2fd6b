//! The options of the tail input.

use std::path::PathBuf;
use std::time::Duration;

use glob::Pattern;

use crate::config::{Kind, OptionSpec, Options, Plugin, Problems};

/// The tail input. Names and defaults are Fluent Bit's; where we differ the text says so.
pub const PLUGIN: Plugin = Plugin {
    name: "tail",
    doc: "Follows files: container logs, or any text files, through rotation and restarts.",
    options: OPTIONS,
};

const OPTIONS: &[OptionSpec] = &[
    OptionSpec::new(
        "Path",
        Kind::List,
        "",
        "Glob patterns of the files, separated by commas. Symbolic links are followed.",
    ),
    OptionSpec::new("Exclude_Path", Kind::List, "", "Patterns of paths to leave out; `*` also matches `/`."),
    OptionSpec::new("Parser", Kind::Text, "", "Parser of each line. `docker` and `cri` are told apart by looking."),
    OptionSpec::new("Key", Kind::Text, "log", "Key of a line that no parser split."),
    OptionSpec::new(
        "Read_from_Head",
        Kind::Boolean,
        "on",
        "Read files that have no checkpoint from the beginning (Fluent Bit: off).",
    ),
    OptionSpec::new(
        "Refresh_Interval",
        Kind::Time,
        "10",
        "Seconds between two scans for new files; file events make one come at once (Fluent Bit: 60).",
    ),
    OptionSpec::new("Rotate_Wait", Kind::Time, "5", "Seconds for which a rotated file is still followed."),
    OptionSpec::new(
        "Buffer_Max_Size",
        Kind::Size,
        "256k",
        "Longest line in bytes, at least 256k. A longer one is cut, with `truncated: true` (Fluent Bit: 32k, drops the file).",
    ),
    OptionSpec::new("Buffer_Chunk_Size", Kind::Ignored, "", "Blocks always have the size that is best here."),
    OptionSpec::new("Skip_Long_Lines", Kind::Boolean, "off", "Skip lines that are too long instead of cutting them."),
    OptionSpec::new("DB", Kind::Text, "", "SQLite file for the checkpoints. Fluent Bit's table is kept up in it, too."),
    OptionSpec::new("DB.sync", Kind::Ignored, "", "Checkpoints are saved once a second, which is safe in any mode."),
    OptionSpec::new("DB.locking", Kind::Ignored, "", "The database is always shared safely."),
    OptionSpec::new("DB.journal_mode", Kind::Ignored, "", "Always WAL."),
    OptionSpec::new("Path_Key", Kind::Text, "", "Key under which the path of the file is added."),
    OptionSpec::new(
        "Offset_Key",
        Kind::Text,
        "",
        "Key under which the offset of the line in its file is added, in bytes.",
    ),
    OptionSpec::new(
        "multiline.parser",
        Kind::List,
        "",
        "`docker`, `cri`: container logs, told apart by looking; `python`: joins tracebacks.",
    ),
    OptionSpec::new("Inotify_Watcher", Kind::Boolean, "on", "Use file events as hints; the scan works without."),
];

/// The options, resolved.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) paths: Vec<Pattern>,
    pub(super) exclude: Vec<Pattern>,
    pub(super) tag: String,
    pub(super) read_from_head: bool,
    pub(super) refresh_interval: Duration,
    pub(super) rotate_wait: Duration,
    pub(super) database: Option<PathBuf>,
    pub(super) watch: bool,
    pub(super) block_size: usize,
    /// How many files may be open at once.
    pub(super) open_files: usize,
}

/// The least block size in bytes: large enough that its fixed costs vanish, small enough for the
/// second-level cache.
pub const BLOCK_SIZE: usize = 256 * 1024;

/// Longest line in bytes, which is the size of a block.
#[must_use]
pub fn longest_line(options: &Options<'_>) -> usize {
    let size = options.size("Buffer_Max_Size").and_then(|size| usize::try_from(size).ok());
    size.unwrap_or(BLOCK_SIZE).max(BLOCK_SIZE)
}

impl Settings {
    /// Settings of a simulation.
    #[cfg(test)]
    pub(super) fn simulated(path: &str, block_size: usize, open_files: usize) -> Self {
        Self {
            paths: Pattern::new(path).into_iter().collect(),
            exclude: Vec::new(),
            tag: "kube.*".to_owned(),
            read_from_head: true,
            refresh_interval: Duration::from_secs(10),
            rotate_wait: Duration::from_secs(5),
            database: None,
            watch: false,
            block_size,
            open_files,
        }
    }

    pub(super) fn new(options: &Options<'_>, open_files: usize, problems: &mut Problems) -> Option<Self> {
        let mut patterns = |key: &str| {
            let parse = |text: &str| Pattern::new(text).map_err(|error| (text.to_owned(), error));
            let mut parsed = Vec::new();
            for pattern in options.list(key).into_iter().map(parse) {
                match pattern {
                    Ok(pattern) => parsed.push(pattern),
                    Err((text, error)) => {
                        problems.push(options.problem(key, format!("`{text}` is no pattern: {error}")))
                    }
                }
            }
            parsed
        };
        let (paths, exclude) = (patterns("Path"), patterns("Exclude_Path"));
        if paths.is_empty() {
            let hint = "write e.g. `Path /var/log/containers/*.log`";
            problems.push(options.problem("Path", "the tail input needs a Path").with_hint(hint));
            return None;
        }
        Some(Self {
            paths,
            exclude,
            tag: options.tag().to_owned(),
            read_from_head: options.boolean("Read_from_Head"),
            refresh_interval: options.duration("Refresh_Interval").unwrap_or(Duration::from_secs(10)),
            rotate_wait: options.duration("Rotate_Wait").unwrap_or(Duration::from_secs(5)),
            database: options.text("DB").map(PathBuf::from),
            watch: options.boolean("Inotify_Watcher"),
            block_size: longest_line(options),
            open_files,
        })
    }
}
