use std::fs;

use super::*;
use crate::config::{Kind, OptionSpec, load};

const DUMMY: Plugin = Plugin { name: "dummy", doc: "", options: &[OptionSpec::new("Dummy", Kind::Text, "", "")] };
const STDOUT: Plugin = Plugin { name: "stdout", doc: "", options: &[] };
const PARSER: Plugin =
    Plugin { name: "parser", doc: "", options: &[OptionSpec::new("Format", Kind::Choice(&["json", "regex"]), "", "")] };
const REGISTRY: Registry<'_> =
    Registry { inputs: &[DUMMY], filters: &[], outputs: &[STDOUT], parser: &PARSER, multiline_parser: &PARSER };

/// Loads the files, of which the first is the main one, with an input and an output added.
fn loaded(files: &[(&str, &str)]) -> (Config, Vec<String>) {
    let directory = tempfile::tempdir().unwrap();
    let prefix = format!("{}/", directory.path().display());
    for (name, text) in files {
        fs::write(directory.path().join(name), text.replace("DIRECTORY/", &prefix)).unwrap();
    }
    let environment = Environment::from_pairs([("FILE", "b.conf"), ("X", "process")]);
    let (config, problems) = load(&directory.path().join(files[0].0), &REGISTRY, &environment);
    (config, problems.iter().map(|problem| problem.to_string().replace(&prefix, "")).collect())
}

const FRAME: &str = "[INPUT]\n  Name dummy\n  Dummy ${X}\n[OUTPUT]\n  Name stdout\n";

#[test]
fn parsers_come_from_all_parsers_files_in_order() {
    let main = format!("[SERVICE]\n  Parsers_File a.conf\n  Parsers_File ${{FILE}}\n  Parsers_File ./a.conf\n{FRAME}");
    let (config, problems) = loaded(&[
        ("main.conf", &main),
        ("a.conf", "[PARSER]\n  Name one\n  Format json\n[PARSER]\n  Name ${X}\n  Format JSON\n"),
        ("b.conf", "@INCLUDE c.conf\n"),
        ("c.conf", "[PARSER]\n  Name three\n  Format regex\n"),
    ]);
    let parsers: Vec<_> =
        config.parsers.iter().map(|one| (one.name(), one.plugin(), one.options().text("Format"))).collect();
    assert_eq!(
        parsers,
        [("one", "parser", Some("json")), ("process", "parser", Some("json")), ("three", "parser", Some("regex"))]
    );
    assert_eq!(problems, ["main.conf:4: warning: parsers file ./a.conf is named a second time"]);
    assert_eq!(config.service.parsers_files.len(), 3);
}

#[test]
fn multiline_parsers_have_names_of_their_own_in_any_case() {
    let main = format!("[SERVICE]\n  Parsers_File a.conf\n{FRAME}");
    let parsers = "[PARSER]\n  Name one\n  Format json\n[MULTILINE_PARSER]\n  Name one\n[MULTILINE_PARSER]\n  Name ONE\n\
                   [MULTILINE_PARSER]\n  Format json\n";
    let (config, problems) = loaded(&[("main.conf", &main), ("a.conf", parsers)]);
    let names: Vec<_> = config.multiline_parsers.iter().map(Instance::name).collect();
    assert_eq!((config.parsers.len(), names), (1, vec!["one"]));
    assert_eq!(
        problems,
        [
            "a.conf:7: error: multiline parser \"ONE\" is defined a second time\n  hint: the first is at a.conf:4",
            "a.conf:8: error: this [MULTILINE_PARSER] has no Name",
        ]
    );
}

#[test]
fn problems_of_parsers_files_stand_behind_those_of_the_main_file() {
    let main = format!("[SERVICE]\n  Parsers_File a.conf\n  Flush 0\n{FRAME}");
    let (config, problems) = loaded(&[
        ("main.conf", &main),
        (
            "a.conf",
            "@SET a=b\n[PARSER]\n  Name one\n  Format xml\n  Fromat json\n[PARSER]\n  Format json\n\
             [STREAM_PROCESSOR]\n  Name m\n[INPUT]\n  Name dummy\n[PARSRE]\n  Name x\n[PARSER]\n  Name one\n",
        ),
    ]);
    assert_eq!(
        problems,
        [
            "main.conf:3: error: Flush must be above 0",
            "a.conf:1: warning: @SET has no effect in a parsers file",
            "a.conf:4: error: Format: \"xml\" is not one of json, regex",
            "a.conf:5: warning: unknown key \"Fromat\" of parser \"one\"\n  hint: did you mean \"Format\"? allowed \
             keys: Format, Name",
            "a.conf:6: error: this [PARSER] has no Name",
            "a.conf:8: error: [STREAM_PROCESSOR] sections are not supported yet",
            "a.conf:10: warning: [INPUT] has no effect in a parsers file",
            "a.conf:12: error: unknown section [PARSRE]\n  hint: did you mean [PARSER]?",
            "a.conf:15: error: parser \"one\" is defined a second time\n  hint: the first is at a.conf:2",
        ]
    );
    assert_eq!(config.parsers.len(), 1);
}

#[test]
fn variables_of_the_files_hold_everywhere_and_come_before_the_process() {
    for (command, expected) in [
        ("", Some("process")),
        ("@SET X=file's own\n", Some("file's own")),
        ("@SET X=first\n@SET X=second\n", Some("second")),
        ("@SET X=file://DIRECTORY/secret\n", Some("from a file ")),
    ] {
        let (config, problems) = loaded(&[("main.conf", &format!("{FRAME}{command}")), ("secret", "from a file \r\n")]);
        assert_eq!(problems, [""; 0], "{command}");
        assert_eq!(config.inputs[0].options().text("Dummy"), expected, "{command}");
    }
    let (_, problems) = loaded(&[("main.conf", &format!("@SET X=file://DIRECTORY/empty\n{FRAME}")), ("empty", "\n")]);
    assert_eq!(problems, ["main.conf:1: error: empty is empty"]);
}
