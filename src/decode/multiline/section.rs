//! From a `[MULTILINE_PARSER]` section to a definition.

use super::definitions::{Chosen, Compile, CuttingOf};
use super::rules::{Rule, Rules, START_STATE};
use super::{Chain, Definition, Ending};
use crate::config::{Kind, OptionSpec, Options, Place, Plugin, Problem, Problems, Severity};
use std::sync::Arc;

/// The keys of a `[MULTILINE_PARSER]` section.
pub const PLUGIN: Plugin = Plugin {
    name: "multiline_parser",
    doc: "Joins lines that belong together into one. `docker`, `cri`, `python`, `java`, `go` and `ruby` are there \
          without a section; one of the same name takes their place. Lines are joined with line feeds, and none is put \
          behind the last one (Fluent Bit puts one there).",
    options: &[
        OptionSpec::new(
            "Type",
            Kind::Choice(&["regex", "endswith", "equal", "eq"]),
            "",
            "How a group is told: by rules (`regex`), or by its last line, which ends with `Match_String` (`endswith`) \
             or is it (`equal`, `eq`).",
        ),
        OptionSpec::new(
            "Rule",
            Kind::Text,
            "",
            "`regex`: `\"state\" \"regular expression\" \"next state\"`. A line that stands alone begins a group if a \
             rule of `start_state` matches it; the lines behind it belong to it as long as a rule of the state that was \
             reached matches. Several states of one rule are separated by commas. The expressions are spelled as in \
             `[PARSER]`; a quotation mark in one is written `\\\"`.",
        )
        .repeatable(),
        OptionSpec::new("Match_String", Kind::Text, "", "`endswith`, `equal`: how the last line of a group looks."),
        OptionSpec::new("Negate", Kind::Boolean, "Off", "`endswith`, `equal`: the last line is the one that does not look so."),
        OptionSpec::new(
            "Flush_Timeout",
            Kind::Integer,
            "4000",
            "Milliseconds. In container logs, lines whose own times are further apart are not of one group; in other \
             files a group is complete when nothing follows for so long.",
        ),
        OptionSpec::new(
            "Parser",
            Kind::Text,
            "",
            "`docker` or `cri`: the lines are those of a container runtime, and what it wraps is joined. Any other \
             parser cuts each line first, and only the text of `Key_Content` is joined: the record has the members of \
             its first line. Lines that it does not match stand alone.",
        ),
        OptionSpec::new(
            "Key_Content",
            Kind::Text,
            "",
            "Key of the joined text where no container runtime wrapped the lines; else the key is that of the input. With \
             a `Parser`, the member whose texts are joined: with the type `regex` by line feeds, where they do not end \
             with one (Fluent Bit puts none).",
        ),
        OptionSpec::new(
            "Key_Group",
            Kind::Text,
            "",
            "`stream`: the streams of a container are joined each for itself, which is always done. With a `Parser`, a \
             member: lines between which it differs are not joined, and up to six groups are open at a time.",
        ),
        OptionSpec::new(
            "Key_Pattern",
            Kind::Text,
            "",
            "With a `Parser`: the member that the rules or `Match_String` are held against, in place of `Key_Content`. \
             With `docker` and `cri`: `_p` or `logtag`, the mark of a partial line.",
        ),
    ],
};

/// Builds what a section defines; `Ok(None)` if a mistake was reported. The error says why nothing
/// can use it.
pub(super) fn build(
    name: &str,
    options: &Options<'_>,
    (compile, cutting_of): (Compile, CuttingOf<'_>),
    problems: &mut Problems,
) -> Result<Option<Chosen>, Problem> {
    const RUNTIMES: [&str; 2] = ["docker", "cri"];
    let parser = options.text("Parser");
    let container = parser.is_some_and(|name| RUNTIMES.iter().any(|runtime| runtime.eq_ignore_ascii_case(name)));
    let cutting = if parser.is_some() && !container { Some(cutting_of(options)?) } else { None };
    if cutting.is_none() {
        warn_of_keys(options, problems);
    }
    let Some(kind) = options.text("Type") else {
        let problem = options.problem("Type", format!("multiline parser \"{name}\" has no Type"));
        problems.push(problem.with_hint("types are: regex, endswith, equal"));
        return Ok(None);
    };
    let text_key = options.text("Key_Content").map(|key| key.as_bytes().to_vec());
    let chosen = |chain| Ok(Some(Chosen { container, chain, text_key }));
    if kind == "regex" {
        let Some(rules) = rules(name, options, compile, problems) else { return Ok(None) };
        return chosen(Chain::new([Arc::new(Definition::by_rules(name, gap(options), rules).cut_by(cutting))]));
    }
    if container {
        // How a runtime marks the last part of a line is known.
        return chosen(Chain::default());
    }
    let Some(text) = options.text("Match_String") else {
        let hint = format!("with the type {kind} it says how the last line of a group looks");
        problems
            .push(options.problem("Type", format!("multiline parser \"{name}\" has no Match_String")).with_hint(hint));
        return Ok(None);
    };
    let text = text.as_bytes().to_vec();
    let ending = Ending { text, is_whole: kind != "endswith", negate: options.boolean("Negate") };
    chosen(Chain::new([Arc::new(Definition::by_ending(name, gap(options), ending).cut_by(cutting))]))
}

/// Keys of members that do not exist where lines are not cut.
fn warn_of_keys(options: &Options<'_>, problems: &mut Problems) {
    let tables: [(&str, &[&str]); 2] = [("Key_Group", &["stream"]), ("Key_Pattern", &["_p", "logtag"])];
    for (key, known) in tables {
        let is_known = |value: &str| known.iter().any(|known| known.eq_ignore_ascii_case(value));
        if let Some(value) = options.text(key).filter(|value| !is_known(value)) {
            let message = format!("{key} {value} has no effect without a Parser that cuts the lines");
            problems.push(options.warning(key, message).with_hint("name the parser whose member it is"));
        }
    }
}

/// `Flush_Timeout` in nanoseconds. As in Fluent Bit, what is not above 0 is the default.
fn gap(options: &Options<'_>) -> i64 {
    const DEFAULT: i64 = 4_000;
    options.integer("Flush_Timeout").filter(|timeout| *timeout > 0).unwrap_or(DEFAULT).saturating_mul(1_000_000)
}

fn rules(name: &str, options: &Options<'_>, compile: Compile, problems: &mut Problems) -> Option<Rules> {
    let mut rules = Vec::new();
    let mut places = Vec::new();
    let mut is_whole = true;
    for (text, place) in options.each("Rule") {
        match rule(text, compile) {
            Ok(rule) => {
                rules.push(rule);
                places.push(place);
            }
            Err(problem) => {
                is_whole = false;
                let problem = Problem { hint: problem.1, ..Problem::new(Severity::Error, place, problem.0) };
                problems.push(problem);
            }
        }
    }
    if !is_whole {
        return None;
    }
    warn_of_states(&rules, &places, problems);
    let linked = Rules::new(&rules);
    if linked.is_none() {
        let problem = options.problem("Type", format!("no rule of the multiline parser \"{name}\" is of start_state"));
        let hint = r#"a rule that begins a group: Rule "start_state" "/^\d{4}-/" "cont""#;
        problems.push(problem.with_hint(hint));
    }
    linked
}

/// States that lead nowhere, and states that nothing leads to.
fn warn_of_states(rules: &[Rule], places: &[&Place], problems: &mut Problems) {
    let mut warn = |place: &Place, message: String, hint: String| {
        problems.push(Problem::new(Severity::Warning, place, message).with_hint(hint));
    };
    let mut states: Vec<&str> = rules.iter().flat_map(|rule| &rule.from).map(String::as_str).collect();
    states.dedup();
    for (rule, place) in rules.iter().zip(places) {
        if !states.contains(&rule.to.as_str()) {
            let message = format!("no rule is of the state \"{}\": a group ends with this line", rule.to);
            let hint = format!("states are: {} (Fluent Bit does not start with such a rule)", states.join(", "));
            warn(place, message, hint);
        }
        for state in rule.from.iter().filter(|state| *state != START_STATE) {
            if !rules.iter().any(|other| other.to == *state) {
                let message = format!("no rule leads to the state \"{state}\"");
                warn(place, message, "the rule has no effect there".to_owned());
            }
        }
    }
}

/// A rule as it is written; the error has a message and a hint.
fn rule(text: &str, compile: Compile) -> Result<Rule, (String, Option<String>)> {
    const FORM: &str = r#"write Rule "state" "regular expression" "next state""#;
    let tokens = tokens(text).ok_or_else(|| ("a quotation mark is not closed".to_owned(), Some(FORM.to_owned())))?;
    let [from, line, to] = tokens.as_slice() else {
        let message = format!("a rule has three parts, this one has {}", tokens.len());
        return Err((message, Some(FORM.to_owned())));
    };
    let line = compile(line).map_err(|reason| (format!("the expression of this rule is not valid: {reason}"), None))?;
    let from = from.split(',').map(|state| state.trim().to_owned()).filter(|state| !state.is_empty()).collect();
    Ok(Rule { from, line, to: to.clone() })
}

/// Words, or what stands in quotation marks, in which `\"` is one. `None` if the last is not closed.
fn tokens(text: &str) -> Option<Vec<String>> {
    let mut tokens = Vec::new();
    let mut characters = text.chars().peekable();
    while let Some(first) = characters.next() {
        if first.is_whitespace() {
            continue;
        }
        let mut token = String::new();
        if first == '"' {
            loop {
                match characters.next()? {
                    '"' => break,
                    '\\' if characters.next_if_eq(&'"').is_some() => token.push('"'),
                    other => token.push(other),
                }
            }
        } else {
            token.push(first);
            while let Some(next) = characters.next_if(|next| !next.is_whitespace()) {
                token.push(next);
            }
        }
        tokens.push(token);
    }
    Some(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_has_quoted_parts() {
        assert_eq!(tokens(r#""a b" "\"x\\d\"" c"#).unwrap(), ["a b", r#""x\\d""#, "c"]);
        assert_eq!(tokens(r#" one  "" "#).unwrap(), ["one", ""]);
        assert_eq!(tokens(r#""a" "b"#), None);
    }
}
