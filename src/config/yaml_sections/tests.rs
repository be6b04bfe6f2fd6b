//! What YAML files give, and what is wrong with them.

use std::path::Path;

use crate::config::Written;

/// Sections as `INPUT Name=tail (processor name=x)`, parsers, variables and problems.
fn read(text: &str) -> (Vec<String>, Vec<String>) {
    let (written, problems) = Written::from_text(Path::new("a.yaml"), text);
    let keys = |section: &super::Section| -> String {
        section.entries.iter().map(|entry| format!(" {}={}", entry.key, entry.value)).collect()
    };
    let sections = written.sections.iter().chain(&written.parsers).map(|section| {
        let processors: String = section.processors.iter().map(|one| format!(" ({}{})", one.name, keys(one))).collect();
        format!("{}{}{processors}", section.name, keys(section))
    });
    let variables = written.variables.iter().map(|one| format!("${}={}", one.key, one.value));
    let found = problems.iter().map(|one| format!("{}:{} {}: {}", one.line, one.column, one.severity, one.message));
    (sections.chain(variables).collect(), found.collect())
}

#[test]
fn a_file_gives_what_a_classic_one_gives() {
    let text = "\
env:
  CITY: Oslo
service:
  flush: 5
  logLevel: debug
  telemetry:
    metrics:
      enabled: on
parsers:
  - name: one
    format: regex
    types: [a:integer, b:float]
multiline_parsers:
  - name: two
    type: regex
    rules:
      - state: start_state
        regex: '/^\"a/'
        next_state: cont
pipeline:
  inputs:
    - name: tail
      path: /a
      multiline.parser: [docker, cri]
      processors:
        logs:
          - name: grep
            regex: a b
        metrics: []
  outputs:
    - Name: es
      Match: '*'
";
    let (sections, problems) = read(text);
    assert_eq!(
        sections,
        [
            "SERVICE flush=5 log_level=debug telemetry.metrics.enabled=on",
            "INPUT name=tail path=/a multiline.parser=docker multiline.parser=cri (processor name=grep regex=a b)",
            "OUTPUT Name=es Match=*",
            "PARSER name=one format=regex types=a:integer b:float",
            "MULTILINE_PARSER name=two type=regex Rule=\"start_state\" \"/^\\\"a/\" \"cont\"",
            "$CITY=Oslo",
        ]
    );
    assert_eq!(problems, ["29:9 notice: processors of metrics have no meaning here: there are only logs"]);
}

#[test]
fn variables_may_be_a_list() {
    let (sections, problems) = read(
        "env:\n  - name: A\n    value: b\n  - name: C\n    uri: file:///x\n    refresh_interval: 3\n  - name: D\n",
    );
    assert_eq!(sections, ["$A=b", "$C=file:///x"]);
    assert_eq!(
        problems,
        [
            "6:5 notice: refresh_interval has no meaning here: variables are read at the start",
            "7:5 error: a variable needs a name and a value or uri",
        ]
    );
}

#[test]
fn what_is_out_of_place_is_told_where_it_stands() {
    for (text, expected) in [
        ("just text\n", "1:1 error: this is no section and a colon behind it"),
        ("pipelin:\n  inputs: []\n", "1:1 warning: unknown section \"pipelin\""),
        ("pipeline:\n  input: []\n", "2:3 error: unknown part \"input\" of the pipeline"),
        ("pipeline:\n  inputs:\n    name: tail\n", "3:5 error: a list is expected here: inputs"),
        ("pipeline:\n  inputs:\n    - tail\n", "3:7 error: a map with a name is expected in a list of INPUT"),
        ("pipeline:\n  inputs:\n    - name: tail\n      tag:\n", "4:7 warning: \"tag\" has no value"),
        (
            "pipeline:\n  inputs:\n    - name: tail\n      tag:\n        a: b\n",
            "4:7 error: \"tag\" needs a value and not a map",
        ),
        ("includes: [nowhere.yaml]\n", "1:12 error: cannot read nowhere.yaml: there is no such file"),
        ("includes: ['*.none']\n", "1:12 error: no file matches *.none"),
        ("service: [a]\n", "1:10 error: a map is expected here: keys of the service"),
    ] {
        assert_eq!(read(text).1, [expected], "{text:?}");
    }
}
