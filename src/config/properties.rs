//! Any text at all is read, in either format, and every problem stands where one can look.

use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::tests::REGISTRY;
use super::{Environment, Written, load_text};

/// Pieces of configuration files, sound and otherwise. `@INCLUDE` names what is not there.
const PIECES: &[&str] = &[
    "[INPUT]",
    "[OUTPUT]\n",
    "[FILTER]",
    "[SERVICE]\n",
    "[PARSER]\n",
    "[",
    "]",
    "\n",
    "\r\n",
    "\n    ",
    "\n\t",
    " ",
    "\t",
    "Name",
    "Name tail\n",
    "Name es",
    "Name nothing",
    "Match",
    "Match *",
    "Match_Regex (",
    "Tag a.*",
    "Path /a,/b",
    "Flush 1",
    "Flush -1",
    "Mem_Buf_Limit 5M",
    "Mem_Buf_Limit 1e99G",
    "Port 99999",
    "Refresh_Interval 1h",
    "${",
    "${A}",
    "${NONE}",
    "}",
    "@SET",
    "@SET a=b\n",
    "@set =",
    "@INCLUDE /nowhere/*.conf\n",
    "@INCLUDE x",
    "#",
    "é",
    "\u{feff}",
    "\u{a0}",
    "\u{2028}",
    "[PROCESSORS]",
    "Retry_Limit no_limits",
    "HTTP_Passwd hunter2",
    "Alias a",
    "multiline.parser",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![3 => vec(select(PIECES), 0..40).prop_map(|pieces| pieces.concat()), 1 => "\\PC{0,200}"]
}

/// Pieces of YAML, sound and otherwise.
const YAML_PIECES: &[&str] = &[
    "pipeline:",
    "inputs:",
    "outputs:",
    "filters:",
    "service:",
    "env:",
    "parsers:",
    "multiline_parsers:",
    "rules:",
    "processors:",
    "logs:",
    "includes:",
    "\n",
    "\n  ",
    "\n    ",
    "\n      ",
    "- ",
    "name: tail",
    "name: es",
    "path: /a",
    "{",
    "}",
    "[",
    "]",
    ", ",
    ": ",
    "a",
    "'",
    "\"",
    "|",
    ">",
    "*",
    "&x ",
    "!t ",
    "?",
    "#",
    "---",
    "\t",
    "é",
    "~",
    "match: '*'",
];

fn yaml_text() -> impl Strategy<Value = String> {
    prop_oneof![3 => vec(select(YAML_PIECES), 0..40).prop_map(|pieces| pieces.concat()), 1 => "\\PC{0,200}"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_text_is_read_and_places_lie_inside_it(text in text()) {
        let file = Path::new("/nowhere/main.conf");
        let lines = text.split('\n').count();
        let (written, _) = Written::from_text(file, &text);
        for section in &written.sections {
            let entries = section.entries.iter().map(|entry| entry.place.line);
            prop_assert!(entries.chain([section.place.line]).all(|line| (1..=lines).contains(&(line as usize))));
        }
        let environment = Environment::from_pairs([("A", "value"), ("PASSWORD", "hunter2")]);
        let (_, problems) = load_text(file, &text, &REGISTRY, &environment);
        for problem in problems.iter() {
            prop_assert!(problem.file == file && problem.line as usize <= lines, "{}", problem);
        }
    }
    #[test]
    fn every_yaml_text_is_read_and_places_lie_inside_it(text in yaml_text()) {
        let file = Path::new("/nowhere/main.yaml");
        let lines = text.split('\n').count();
        let (_, problems) = load_text(file, &text, &REGISTRY, &Environment::default());
        for problem in problems.iter() {
            prop_assert!(problem.file == file && problem.line as usize <= lines + 1, "{}", problem);
        }
    }
}
