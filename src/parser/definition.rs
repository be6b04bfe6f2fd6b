//! From a `[PARSER]` section to a parser.

use super::decoder::Decoders;
use super::expression::Expression;
use super::time_field::TimeField;
use super::types::Types;
use super::{Format, Parser, onigmo};
use crate::config::{Kind, OptionSpec, Options, Plugin, Problem, Problems};

/// The keys of a `[PARSER]` section.
pub const PLUGIN: Plugin = Plugin {
    name: "parser",
    doc: "Cuts a line of text into members and reads its time.",
    options: &[
        OptionSpec::new(
            "Format",
            Kind::Choice(&["json", "regex", "ltsv", "logfmt"]),
            "",
            "What the text is: one JSON object (`json`), or whatever the named groups of a regular expression take \
             out of it (`regex`), or pairs: `label:value` between tabs (`ltsv`), `key=value` between blanks \
             (`logfmt`).",
        ),
        OptionSpec::new(
            "Regex",
            Kind::Text,
            "",
            "The regular expression, in Ruby's spelling as Fluent Bit takes it, searched anywhere in the text. Each \
             named group gives a member. May stand between slashes with the flags `m`, `i` and `x` behind them. \
             Look-around, back-references, atomic groups and possessive quantifiers need an engine whose steps are \
             limited: a text that would take it longer than some 20 ms is unmatched.",
        ),
        OptionSpec::new("Skip_Empty_Values", Kind::Boolean, "On", "`regex`: groups that took nothing give no member."),
        OptionSpec::new("Time_Key", Kind::Text, "time", "The member that holds the time, if there is a `Time_Format`."),
        OptionSpec::new(
            "Time_Format",
            Kind::Text,
            "",
            "How the time is written, in strptime's conversions and `%L` for the digits of a fraction. Without it no \
             time is read. A time without a year is taken to be of the current one, or of the last one if it would \
             lie more than a day ahead (Fluent Bit always takes the current year).",
        ),
        OptionSpec::new("Time_Keep", Kind::Boolean, "Off", "Keeps the member whose time was read."),
        OptionSpec::new("Time_Offset", Kind::Text, "", "Offset of times that tell none: `+HHMM`, `+HH:MM` or `Z`."),
        OptionSpec::new(
            "Time_Strict",
            Kind::Boolean,
            "On",
            "Off: of a time that fits `Time_Format` only at its beginning, that much is taken, if the year is in it.",
        ),
        OptionSpec::new("Time_System_Timezone", Kind::Boolean, "Off", "Times that tell no zone are local times."),
        OptionSpec::new("Time_Zone", Kind::Text, "", "IANA name of the zone of times that tell none."),
        OptionSpec::new(
            "Types",
            Kind::Text,
            "",
            "`regex`, `ltsv`, `logfmt`: pairs `member:type`, separated by blanks. Types are `integer`, `float`, `hex`, \
             `bool` and `string`; a number is read from the text's beginning and is 0 if there is none.",
        ),
        OptionSpec::new(
            "Decode_Field",
            Kind::Text,
            "",
            "`json MEMBER [try_next|do_next]`: the members of the JSON object in MEMBER's text go behind all others. \
             Rules of a member run in order; the first that succeeds is the last unless it says `do_next`, one that \
             fails is the last unless it says `try_next` or `do_next`.",
        )
        .repeatable(),
        OptionSpec::new(
            "Decode_Field_As",
            Kind::Text,
            "",
            "`DECODER MEMBER [try_next|do_next]`: what the decoder makes of MEMBER's text takes its place. Decoders: \
             `json` (one object), `escaped` (`\\n` and `\\\\`), `escaped_utf8` (escapes of C and JSON), `mysql_quoted` \
             (quotes and escapes of MySQL's strings).",
        )
        .repeatable(),
        OptionSpec::new("Logfmt_No_Bare_Keys", Kind::Boolean, "Off", "`logfmt`: a key without `=` fails the line."),
    ],
};

/// The parsers that need no definition. `docker` and `cri` read the lines of container runtimes,
/// whose times are RFC 3339 with up to nine digits of a fraction.
pub(super) fn built_in() -> Vec<Parser> {
    let mut parsers = vec![
        Parser::new("docker", Format::Json, Some(TimeField::of_runtimes())),
        Parser::new("json", Format::Json, None),
    ];
    // <time> <stream> <tags, of which P or F is the first> <message>
    let cri = r"\A(?<time>[^ ]+) (?<stream>stdout|stderr) (?<logtag>[^ ]*) (?<message>.*)";
    if let Ok(expression) = Expression::new(cri, true, &Types::default()) {
        let format = Format::Regex(Box::new(expression));
        parsers.push(Parser::new("cri", format, Some(TimeField::of_runtimes())));
    }
    parsers
}

/// Builds a parser; `Ok(None)` if a mistake was reported. The error says what is not there.
pub(super) fn build(name: &str, options: &Options<'_>, problems: &mut Problems) -> Result<Option<Parser>, Problem> {
    let Some(format) = options.text("Format") else {
        let problem = options.problem("Format", format!("parser \"{name}\" has no Format"));
        problems.push(problem.with_hint("formats are: json, regex, ltsv, logfmt"));
        return Ok(None);
    };
    let format = match format {
        "json" => json(options, problems),
        "ltsv" => Format::Ltsv(types(options, problems)),
        "logfmt" => {
            let no_bare_keys = options.boolean("Logfmt_No_Bare_Keys");
            Format::Logfmt { types: types(options, problems), no_bare_keys }
        }
        _ => match regex(name, options, problems)? {
            Some(expression) => Format::Regex(Box::new(expression)),
            None => return Ok(None),
        },
    };
    let time = TimeField::new(options, problems);
    let decoders = Decoders::new(options, problems);
    Ok(Some(Parser::new(name, format, time).with_decoders(decoders)))
}

fn json(options: &Options<'_>, problems: &mut Problems) -> Format {
    if options.is_set("Types") {
        problems.push(options.warning("Types", "Types has no meaning with the format json"));
    }
    Format::Json
}

fn types(options: &Options<'_>, problems: &mut Problems) -> Types {
    let (types, unknown) = Types::read(options.text("Types").unwrap_or_default());
    for entry in unknown {
        let hint = "types are: integer, float, hex, bool, string";
        problems
            .push(options.warning("Types", format!("\"{entry}\" is no member:type; it stays text")).with_hint(hint));
    }
    types
}

fn regex(name: &str, options: &Options<'_>, problems: &mut Problems) -> Result<Option<Expression>, Problem> {
    let Some(text) = options.text("Regex") else {
        problems.push(options.problem("Format", format!("parser \"{name}\" has no Regex")));
        return Ok(None);
    };
    let types = types(options, problems);
    match Expression::new(text, options.boolean("Skip_Empty_Values"), &types) {
        Ok(expression) => {
            if !expression.has_fields() {
                let message = "the expression names no group `(?<name>…)`: it never matches";
                problems.push(options.warning("Regex", message));
            }
            Ok(Some(expression))
        }
        Err(onigmo::Error::Unsupported(construct)) => {
            Err(options.problem("Regex", format!("{construct} is not supported yet")))
        }
        Err(onigmo::Error::Invalid(reason)) => {
            problems.push(options.problem("Regex", format!("the expression is not valid: {reason}")));
            Ok(None)
        }
    }
}
