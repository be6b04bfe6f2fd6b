//! The definitions that need no section: `python`, `java`, `go` and `ruby`.
//!
//! The rules know what the runtimes print: the JVM's `printStackTrace` (and what other languages
//! print in its manner), Go's panics, runtime errors and signals, Ruby's backtraces in both orders.
//! They take what those of Fluent Bit take under the same names, and more, as the tests show.

use std::sync::Arc;

use regex::bytes::RegexBuilder;

use super::rules::{Rule, Rules};
use super::{Definition, Grammar};

/// Lines of one stack trace are printed at once: further apart than this they are not of one, in
/// nanoseconds.
const GAP: i64 = 2_000_000_000;

/// One of these stands in each line that begins a group: looking for all of them at once is cheaper
/// than asking the rules.
const JAVA_SIGNS: &[&str] = &["Exception", "Error", "Throwable", "V8 errors stack trace", "nested exception is:"];
const GO_SIGNS: &[&str] = &["panic: ", "fatal error: ", "http: panic serving", "SIG"];
const RUBY_SIGNS: &[&str] = &[":in ", ":in\t", "Traceback (most recent call last):"];

/// From which states, for which lines, to which state.
type Row = (&'static [&'static str], &'static str, &'static str);

const JAVA: &[Row] = &[
    (&["start_state"], r"nested exception is:[\t ]*\r?$", "nested"),
    (&["start_state"], r".(?:Exception|Error|Throwable|V8 errors stack trace)(?:[:\r\n]|$)", "exception"),
    (&["nested"], r".(?:Exception|Error|Throwable)(?:[:\r\n]|$)", "exception"),
    (&["exception"], r"nested exception is:[\t ]*\r?$", "nested"),
    (&["exception"], r"^[\t ]*nested exception is:", "exception"),
    (&["exception"], r"^\r*$", "exception"),
    (&["exception", "frames"], r"^[\t ]+(?:eval )?at ", "frames"),
    (&["exception", "frames"], r"^[\t ]*Caused by:.*nested exception is:[\t ]*\r?$", "nested"),
    (&["exception", "frames"], r"^[\t ]*(?:Caused by|Suppressed|Wrapped by):", "exception"),
    (&["exception", "frames"], r"^[\t ]*\.\.\. \d+ (?:more|common frames omitted)", "frames"),
    (&["exception", "frames"], r"^[\t ]+\[CIRCULAR REFERENCE", "frames"),
    (&["exception", "frames"], r"^[\t ]+--- End of inner exception stack trace ---\r?$", "frames"),
    (
        &["exception", "frames"],
        r"^--- End of stack trace from previous location where exception was thrown ---\r?$",
        "frames",
    ),
];

const GO: &[Row] = &[
    (&["start_state"], r"\bpanic: |\bfatal error: ", "panic"),
    (&["start_state"], r"http: panic serving", "goroutine"),
    (&["start_state"], r"^SIG[A-Z]+: ", "signal"),
    (&["panic"], r"^\t(?:panic|runtime): ", "panic"),
    (&["panic"], r"^\[signal ", "signal"),
    (&["panic", "signal"], r"^PC=0x", "signal"),
    (&["panic", "signal", "function"], r"^$", "goroutine"),
    (&["goroutine"], r"^(?:goroutine \d+ .*\[[^\]]+\]|runtime stack):$", "function"),
    (&["function"], r"^\.\.\.", "function"),
    (&["function"], r"^(?:created by |\[originating from |[^\s(]\S*\()", "file"),
    (&["file"], r"^\s", "function"),
];

const RUBY: &[Row] = &[
    (&["start_state"], r":\d+:in\s", "exception"),
    (&["exception", "frames"], r"^\s+from\s.*:\d+:in\s", "frames"),
    (&["exception", "frames"], r"^\s+\.\.\. \d+ levels\.\.\.", "frames"),
    (&["start_state"], r"^Traceback \(most recent call last\):$", "reversed"),
    // Python begins its tracebacks with the same line, and both end with the first that is not indented.
    (&["reversed"], r"^\s", "reversed"),
    (&["reversed"], r"^\S", "start_state"),
];

/// All of them.
pub(super) fn all() -> Vec<Definition> {
    let by_rules = [("java", JAVA, JAVA_SIGNS), ("go", GO, GO_SIGNS), ("ruby", RUBY, RUBY_SIGNS)];
    let by_rules = by_rules
        .into_iter()
        .filter_map(|(name, rows, signs)| Some(Definition { signs, ..Definition::by_rules(name, GAP, rules(rows)?) }));
    [python()].into_iter().chain(by_rules).collect()
}

/// Python's tracebacks.
pub(super) fn python() -> Definition {
    Definition { name: "python".to_owned(), gap: GAP, signs: &[], grammar: Grammar::Python, cutting: None }
}

fn rules(rows: &[Row]) -> Option<Rules> {
    let rule = |(from, line, to): &Row| {
        let line = RegexBuilder::new(line).unicode(false).build().ok()?;
        let from = from.iter().map(|state| (*state).to_owned()).collect();
        Some(Rule { from, line: Arc::new(line), to: (*to).to_owned() })
    };
    Rules::new(&rows.iter().map(rule).collect::<Option<Vec<_>>>()?)
}
