//! The options of the tail input.

use std::path::PathBuf;
use std::time::Duration;

use glob::Pattern;
use regex::Regex;

use super::tag::Naming;
use crate::config::{Kind, OptionSpec, Options, Plugin, Problem, Problems, Severity, expression_fault};
use crate::kubernetes::{Metadata, Selection, selector};

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
    OptionSpec::new(
        "Select_Pods",
        Kind::Text,
        "",
        "Reads only the logs of pods whose labels fit one of these label selectors, separated by `;`, written as for \
         `kubectl -l`: `app=web,tier!=cache`, `execution-id`, `team in (a, b)`. The word `flyte` stands for Flyte's own \
         parts and the pods of its tasks, of version 1 and 2, in any namespace. Other containers' logs are not opened, \
         and get no checkpoint; files that are no containers' logs are read. Labels come from the `kubernetes` filter \
         that takes the file's tag. Until the API server has listed the pods nothing is decided (`Metadata_Grace` is \
         how long a log found later waits for its pod). A log that is removed while it waits is copied into the spool; \
         without one it is held open, as are others that are not delivered yet, up to a fifth of the files that this \
         process may open (`ulimit -n`): beyond it the oldest is given up, and counted as lost (`open_files`). What was \
         decided holds while nobody knows the pod; with `DB` also after a restart, unless something else is selected \
         then. A pod that is not there any more, and that nobody ever knew: with \
         `flyte` alone its name and namespace tell, else its logs are read. A log that is read is read to its end, \
         whatever becomes of the labels; one that is not read is looked at again when the labels change.",
    )
    .repeatable(),
    OptionSpec::new(
        "Select_Namespaces",
        Kind::List,
        "",
        "Reads only containers' logs of namespaces with these names, in which `*` stands for anything. Together with \
         `Select_Pods` both must fit. Needs no metadata: the log's path tells its namespace.",
    )
    .repeatable(),
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
        "Names of multi-line parsers, separated by commas, in the order in which a line is offered to them: the first \
         of which it begins a group, owns it. `docker`, `cri`: container logs, told apart by looking; what such a \
         runtime splits is joined first, then the others see each line of a stream (Fluent Bit never gets to them). \
         `python`, `java`, `go`, `ruby`: stack traces; others are those of `[MULTILINE_PARSER]`. With the Flyte filter \
         `python` is always there. A group goes on in the next file when the log is rotated, and after a restart. In \
         files without times, what a crash interrupts within `Flush_Timeout` may come a second time.",
    )
    .repeatable(),
    OptionSpec::new(
        "Multiline",
        Kind::Boolean,
        "off",
        "Join lines by `Parser_Firstline`, as Fluent Bit did before there was `multiline.parser`, which is better for \
         logs of containers: here lines are taken as they stand in the file. `Parser` is not asked then.",
    ),
    OptionSpec::new(
        "Parser_Firstline",
        Kind::Text,
        "",
        "With `Multiline`: the parser whose lines begin a record. Its members are those of the record; a line that no \
         `Parser_N` takes is appended to the last of them, behind a line feed. Lines in front of the first of these \
         stand alone.",
    ),
    OptionSpec::new(
        "Parser_N",
        Kind::Text,
        "",
        "With `Multiline`: `Parser_1`, `Parser_2` and so on are asked, in the order in which they stand here, for \
         members of the lines behind the first one.",
    )
    .repeatable(),
    OptionSpec::new(
        "Multiline_Flush",
        Kind::Time,
        "4",
        "With `Multiline`: a record is complete when nothing follows for so long, in seconds.",
    ),
    OptionSpec::new("Inotify_Watcher", Kind::Boolean, "on", "Use file events as hints; the scan works without."),
    OptionSpec::new(
        "Ignore_Older",
        Kind::Time,
        "0",
        "A file that has no checkpoint and was not written for so long is read from its end on; 0 for none.",
    ),
    OptionSpec::new(
        "Tag_Regex",
        Kind::Text,
        "",
        "A regular expression for the path, whose groups stand in `Tag` as `<name>`; one that took nothing is `_`. Files \
         whose path it does not fit are not followed.",
    ),
    OptionSpec::new(
        "Rate_Limit_Lines",
        Kind::Integer,
        "0",
        "Lines a second that one container may log (0: as many as it likes), with as many at once as in a second.",
    ),
    OptionSpec::new("Rate_Limit_Bytes", Kind::Size, "0", "The same in bytes a second."),
    OptionSpec::new(
        "Rate_Limit_Policy",
        Kind::Choice(&["slow", "sample", "drop"]),
        "slow",
        "What is done with more than that. `slow`: its log is read later, and nothing is lost unless it is gone by then \
         and there is no room for it in the spool. All containers that had to wait share one half of `Spool_Limit`: \
         beyond it the one that has most there loses its oldest file, which is counted as lost (`spool_share`) and by \
         container (`rate_limited_given_up`). `sample`: one record of `Rate_Limit_Sample` is sent, and each whose level is `ERROR` or \
         `FATAL`. `drop`: nothing is sent. The last two go by the lines' own times: what waited while this process was \
         away is not too much for that. What is left out is counted by container (`rate_limited_records`), and as \
         dropped by each output that would have got it.",
    ),
    OptionSpec::new("Rate_Limit_Sample", Kind::Integer, "10", "One record of so many is sent with `sample`."),
    OptionSpec::new(
        "Rate_Limit_Annotations",
        Kind::Boolean,
        "on",
        "Pods may set limits of their own, in place of these, by the annotations `flytail.io/rate-limit-lines`, \
         `flytail.io/rate-limit-bytes` and `flytail.io/rate-limit-policy`.",
    ),
    OptionSpec::new("Exit_On_Eof", Kind::Boolean, "off", "End when the files that are there are read to their ends."),
    OptionSpec::new("Skip_Empty_Lines", Kind::Boolean, "off", "Make no records of empty lines."),
    OptionSpec::new(
        "Docker_Mode",
        Kind::Boolean,
        "off",
        "Join the lines that docker's logging driver split, as `Parser docker` and `multiline.parser docker` do.",
    ),
    OptionSpec::new(
        "Read_newly_discovered_files_from_head",
        Kind::Boolean,
        "on",
        "Read files that appear later from their beginning. Off: from where they end when they are found, unless \
         `Read_from_Head` is set to on. What follows a file that is already followed (a rotation, a container's next \
         start) is read from its beginning in any case.",
    ),
    OptionSpec::new(
        "DB.compare_filename",
        Kind::Boolean,
        "off",
        "After a restart, take a file under another name for another file, and read it anew. Off: what a file holds \
         tells which it is. Logs of containers are known by their containers in any case.",
    ),
    OptionSpec::new(
        "Unicode.Encoding",
        Kind::Choice(&["auto", "UTF-16LE", "UTF-16BE"]),
        "",
        "The files are in UTF-16, or, with `auto`, their first bytes tell: a byte order mark, or the zeros of UTF-16. \
         Offsets and ids are those of the bytes in the file.",
    ),
    OptionSpec::new(
        "Generic.Encoding",
        Kind::Choice(&[
            "ShiftJIS", "UHC", "GBK", "GB18030", "Big5", "Win866", "Win874", "Win1250", "Win1251", "Win1252",
            "Win1253", "Win1254", "Win1255", "Win1256",
        ]),
        "",
        "The files are in this encoding. What is none in it becomes U+FFFD. Excludes `Unicode.Encoding`.",
    ),
    OptionSpec::new(
        "Docker_Mode_Parser",
        Kind::Text,
        "",
        "With `Docker_Mode`: a line that this parser does not take is joined to the one before it.",
    ),
    OptionSpec::new(
        "Docker_Mode_Flush",
        Kind::Time,
        "4",
        "With `Docker_Mode_Parser`: lines whose own times are further apart, in seconds, are not joined. What docker \
         split is open until its rest is there.",
    ),
    OptionSpec::ignored("Truncate_Long_Lines", "Lines that are too long are cut, unless `Skip_Long_Lines` is on."),
    OptionSpec::ignored("Ignore_Active_Older_Files", "A file costs nothing while nobody writes to it."),
    OptionSpec::ignored("Static_Batch_Size", TURNS),
    OptionSpec::ignored("Event_Batch_Size", TURNS),
    OptionSpec::ignored("File_Cache_Advise", "What was read is dropped from the cache when the system needs the room."),
    OptionSpec::ignored("Watcher_Interval", SCAN),
    OptionSpec::ignored("Progress_Check_Interval", SCAN),
    OptionSpec::ignored("Progress_Check_Interval_nsec", SCAN),
];

const TURNS: &str = "Each file has its turn, a block at a time.";
const SCAN: &str = "Files are looked at often enough that no event can be missed.";

/// The options, resolved.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) paths: Vec<Pattern>,
    pub(super) exclude: Vec<Pattern>,
    pub(super) naming: Naming,
    /// Files that are there when the first scan looks are read from their beginnings, unless they
    /// have a checkpoint.
    pub(super) read_from_head: bool,
    /// The same of files that are found later.
    pub(super) read_new_from_head: bool,
    /// A checkpoint is only that of a file which has the name that it had then.
    pub(super) compare_names: bool,
    /// Files that were not written for so long are read from their ends on, unless they have a
    /// checkpoint.
    pub(super) ignore_older: Option<Duration>,
    pub(super) exit_on_eof: bool,
    pub(super) refresh_interval: Duration,
    pub(super) rotate_wait: Duration,
    pub(super) database: Option<PathBuf>,
    pub(super) watch: bool,
    pub(super) block_size: usize,
    /// How many files may be open at once.
    pub(super) open_files: usize,
    /// Whose logs are read.
    pub(super) selection: Selection,
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
            naming: Naming::Path("kube.*".to_owned()),
            read_from_head: true,
            read_new_from_head: true,
            compare_names: false,
            ignore_older: None,
            exit_on_eof: false,
            refresh_interval: Duration::from_secs(10),
            rotate_wait: Duration::from_secs(5),
            database: None,
            watch: false,
            block_size,
            open_files,
            selection: Selection::default(),
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
        let read_from_head = options.boolean("Read_from_Head");
        Some(Self {
            paths,
            exclude,
            naming: naming(options, problems)?,
            read_from_head,
            read_new_from_head: options.boolean("Read_newly_discovered_files_from_head")
                || (read_from_head && options.is_set("Read_from_Head")),
            compare_names: options.boolean("DB.compare_filename"),
            ignore_older: options.duration("Ignore_Older").filter(|age| !age.is_zero()),
            exit_on_eof: options.boolean("Exit_On_Eof"),
            refresh_interval: options.duration("Refresh_Interval").unwrap_or(Duration::from_secs(10)),
            rotate_wait: options.duration("Rotate_Wait").unwrap_or(Duration::from_secs(5)),
            database: options.text("DB").map(PathBuf::from),
            watch: options.boolean("Inotify_Watcher"),
            block_size: longest_line(options),
            open_files,
            selection: selection(options, problems),
        })
    }
}

/// Whose logs are read, as the options say.
fn selection(options: &Options<'_>, problems: &mut Problems) -> Selection {
    let mut selection = Selection::default();
    for (text, place) in options.each("Select_Pods") {
        if let Err(error) = selection.add_pods(text) {
            let problem = Problem::new(Severity::Error, place, format!("Select_Pods: {error}"));
            problems.push(problem.with_hint(format!("{}; a `;` stands between selectors", selector::SYNTAX)));
        }
    }
    for pattern in options.list("Select_Namespaces") {
        if let Err(error) = selection.add_namespaces(pattern) {
            problems.push(options.problem("Select_Namespaces", format!("`{pattern}` is no pattern: {error}")));
        }
    }
    selection
}

/// Pods can only be selected where somebody knows them.
pub(super) fn check_selection(
    options: &Options<'_>,
    selection: &Selection,
    metadata: &[Metadata],
    problems: &mut Problems,
) {
    // With `Tag_Regex` only the files themselves tell the tags.
    let takes = |metadata: &Metadata| options.is_set("Tag_Regex") || metadata.routing.may_match(options.tag());
    if selection.needs_labels() && !metadata.iter().any(takes) {
        let message =
            "Select_Pods needs a kubernetes filter that takes this input's records: it knows the pods' labels";
        let hint = format!("add a [FILTER] with `Name kubernetes` and `Match {}`", options.tag());
        problems.push(options.problem("Select_Pods", message).with_hint(hint));
    }
}

/// How files get their tags, as the options say.
pub(super) fn naming(options: &Options<'_>, problems: &mut Problems) -> Option<Naming> {
    let tag = options.tag().to_owned();
    let Some(text) = options.text("Tag_Regex") else { return Some(Naming::Path(tag)) };
    match Regex::new(text) {
        Ok(expression) => Some(Naming::Groups(tag, expression)),
        Err(error) => {
            let problem = options.problem("Tag_Regex", "Tag_Regex is not a regular expression that works here");
            problems.push(problem.with_hint(expression_fault(&error)));
            None
        }
    }
}
