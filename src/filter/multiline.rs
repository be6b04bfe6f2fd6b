//! The filter `multiline`, whose work the inputs do.
//!
//! A record's id is its place in its log, and a checkpoint must not pass a record that is not
//! complete. Only where lines are read are both known: so the pipeline has the inputs join what this
//! filter would join, for the tags that it takes. What it names is read there; here is only checked
//! what it may say.

use super::Filter;
use crate::config::{Kind, OptionSpec, Options, Plugin, Problems};

const WHOLE: &str = "Groups are always kept until they are complete.";
const NO_EMITTER: &str = "Joined lines go the same way as others: there is no emitter.";

/// The filter.
pub const PLUGIN: Plugin = Plugin {
    name: "multiline",
    doc: "Joins lines that belong together into one record, of each stream of a container for itself. The tail input \
          does it while it reads, so that ids and checkpoints hold: it joins what this filter takes before any filter \
          sees it, wherever this one stands (it should be the first). What `multiline.parser` of the input names comes \
          first. Records of other inputs, and those that a parser has cut into members, cannot be joined.",
    options: &[
        OptionSpec::new(
            "multiline.parser",
            Kind::List,
            "",
            "Names of multi-line parsers, separated by commas: `python`, `java`, `go`, `ruby` and those of \
             `[MULTILINE_PARSER]`.",
        )
        .repeatable(),
        OptionSpec::new(
            "multiline.key_content",
            Kind::Text,
            "",
            "Key of the text that is joined: that of the input's lines (`log`, where nothing else is said).",
        ),
        OptionSpec::new(
            "Mode",
            Kind::Choice(&["parser", "partial_message"]),
            "parser",
            "`partial_message` is for records that Docker's log driver for Fluentd has split; the input that takes \
             them is not supported yet.",
        ),
        OptionSpec::ignored("Buffer", WHOLE),
        OptionSpec::ignored("Flush_ms", "`Flush_Timeout` of a multi-line parser says when a group is complete."),
        OptionSpec::ignored("Emitter_Name", NO_EMITTER),
        OptionSpec::ignored("Emitter_Storage.type", NO_EMITTER),
        OptionSpec::ignored("Emitter_Mem_Buf_Limit", NO_EMITTER),
        OptionSpec::ignored("Debug_Flush", "`flytail parse --multiline` shows how lines are joined."),
    ],
};

/// Checks the options. There is nothing to build.
pub fn build(options: &Options<'_>, problems: &mut Problems) -> Option<Box<dyn Filter>> {
    if options.text("Mode") == Some("partial_message") {
        let hint = "what container runtimes split is joined by the tail input: `multiline.parser docker, cri` there";
        let problem = options.problem("Mode", "the mode partial_message is not supported yet");
        problems.push(problem.with_hint(hint));
    } else if options.list("multiline.parser").is_empty() {
        let problem = options.problem("multiline.parser", "the filter multiline needs a multiline.parser");
        problems.push(problem.with_hint("write e.g. `multiline.parser java`"));
    }
    None
}
