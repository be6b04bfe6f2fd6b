use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde_json::Value;

use super::*;

const TIME: i64 = 1_787_313_601_123_456_789;
const COUNT: usize = 20_000;

/// What most tests look at.
static LINES: LazyLock<Vec<Line>> = LazyLock::new(|| lines(Generator::new(1), COUNT));

fn lines(mut generator: Generator, count: usize) -> Vec<Line> {
    (0_i64..).take(count).map(|step| generator.next(TIME + step * 1_000_000)).collect()
}

fn first(format: Format) -> &'static Line {
    LINES.iter().find(|line| line.truth.format == format).unwrap()
}

fn text(line: &Line) -> String {
    let lines: Vec<_> = line.text.iter().map(|text| String::from_utf8(text.clone()).unwrap()).collect();
    lines.join("\n")
}

#[test]
fn a_seed_makes_the_same_lines() {
    assert_eq!(lines(Generator::new(11), 2_000), lines(Generator::new(11), 2_000));
    assert_ne!(lines(Generator::new(11), 200), lines(Generator::new(12), 200));
}

#[test]
fn every_format_and_every_container_gets_its_share() {
    let mut formats = BTreeMap::new();
    let mut containers = BTreeMap::new();
    for line in LINES.iter() {
        *formats.entry(line.truth.format).or_insert(0) += 1;
        *containers.entry(line.container).or_insert(0) += 1;
    }
    for format in Format::ALL {
        assert!(formats.get(&format).is_some_and(|count| *count >= 10), "{format:?}: {formats:?}");
    }
    assert_eq!(containers.len(), 15);
    assert!(containers.values().all(|count| *count > COUNT / 100));
}

#[test]
fn every_message_has_the_line_s_number_once() {
    let mut generator = Generator::new(1);
    for (position, line) in (1..).zip(LINES.iter()) {
        assert_eq!(line.truth.sequence, position);
        assert_eq!(sequence_in(line.truth.message()), Some(position));
        let marker = marker(position);
        assert!(line.truth.message().matches(&marker).count() == 1);
        assert!(text(line).contains(&marker));
        assert_eq!(generator.next(TIME).truth.sequence, generator.last_sequence());
        assert!(line.text.iter().all(|text| !text.contains(&b'\n')));
    }
}

#[test]
fn json_is_json_and_nothing_else_is() {
    use Format::{
        ApplicationJson, FlytekitJson, FlytestdlibGcp, FlytestdlibJson, JsonWithoutMessage, LongJson, SdkJson,
    };
    let json = [FlytestdlibJson, FlytestdlibGcp, FlytekitJson, SdkJson, ApplicationJson, JsonWithoutMessage, LongJson];
    for line in LINES.iter() {
        let object = serde_json::from_str::<Value>(&text(line)).ok().filter(Value::is_object);
        assert_eq!(object.is_some(), json.contains(&line.truth.format), "{}", text(line));
        let Some(object) = object else { continue };
        for (path, expected) in &line.truth.application {
            let found = path.iter().try_fold(&object, |value, segment| value.get(segment));
            assert_eq!(found, Some(expected), "{path:?} of {object}");
        }
        let message = ["msg", "message"].iter().find_map(|key| object.get(key));
        if line.truth.format == JsonWithoutMessage {
            assert!(message.is_none() && line.truth.message() == text(line));
        } else {
            assert_eq!(message.and_then(Value::as_str), Some(line.truth.message()));
        }
    }
}

#[test]
fn plain_formats_tell_their_message_as_it_is() {
    for line in LINES.iter() {
        let (text, truth) = (text(line), &line.truth);
        let level = truth.fields.get("level").and_then(Value::as_str);
        match truth.format {
            Format::SdkConsole | Format::Klog | Format::Spark => {
                assert!(text.ends_with(truth.message()), "{text}");
                assert!(level.is_some());
            }
            Format::ZapConsole => assert!(text.split('\t').any(|column| column == truth.message()), "{text}"),
            Format::Print | Format::EnvoyAccess | Format::Morgan | Format::ZapStack | Format::LongText => {
                assert_eq!(text, truth.message());
                assert!(truth.absent.contains(&"level") && level.is_none());
            }
            Format::Traceback | Format::ExceptionGroup => {
                assert_eq!(text, truth.message());
                assert_eq!(level, Some("ERROR"));
                assert!(line.text.len() > 3);
            }
            _ => {}
        }
    }
}

#[test]
fn words_of_the_formats_are_the_real_ones() {
    let forms = [
        (
            Format::FlytestdlibJson,
            r#"^\{"json":\{.*"src":"\w+\.go:\d+".*\},"level":"(debug|info|warning|error|fatal)","msg":".*","ts":"2026-08-21T12:\d\d:\d\dZ"\}$"#,
        ),
        (
            Format::FlytestdlibText,
            r#"^ts="2026-08-21T12:\d\d:\d\dZ" level=(debug|info|warning|error|fatal) msg=".*" .*src="\w+\.go:\d+"( wf=.*)?$"#,
        ),
        (
            Format::FlytestdlibGcp,
            r#"^\{"data":\{.*\},"message":".*","severity":"(DEBUG|INFO|WARNING|ERROR|CRITICAL|ALERT)","timestamp":".*Z"\}$"#,
        ),
        (
            Format::FlytekitJson,
            r#"^\{"asctime": "2026-08-21 12:\d\d:\d\d,\d{3}", "name": "flytekit[^"]*", "levelname": "[A-Z]+", "message": ".*"\}$"#,
        ),
        (Format::SdkConsole, r"^\[r\w{19}\]\[a\d\] \[flyte[a-z.]*\] (DEBUG|INFO|WARNING|ERROR|CRITICAL) .*$"),
        (
            Format::SdkJson,
            r#"^\{"timestamp": "2026-08-21T12:\d\d:\d\d\.\d{6}", "level": "[A-Z]+", "logger": "flyte", .*"run_name": "r\w{19}", "action_name": "a\d".*\}$"#,
        ),
        (Format::Klog, r"^[DIWEF]0821 12:\d\d:\d\d\.\d{6}       1 \w+\.go:\d+\] .*$"),
        (
            Format::ZapConsole,
            "^2026-08-21T12:\\d\\d:\\d\\dZ\t(DEBUG|INFO|WARN|ERROR)\t.*seq=\\d{10}(\t\\{\"controller\": .*\\})?$",
        ),
        (Format::Spark, r"^26/08/21 12:\d\d:\d\d (DEBUG|INFO|WARN|ERROR) [\w.]+: .*$"),
        (Format::EnvoyAccess, r#"^\[2026-08-21T12:\d\d:\d\d\.\d{3}Z\] "POST /flyteidl\..* HTTP/2" \d{3} .*$"#),
        (
            Format::Morgan,
            "^[\\d.]+ - - \\[21/Aug/2026:12:\\d\\d:\\d\\d \\+0000\\] \"GET /console/.* HTTP/1.1\" \x1b.*$",
        ),
    ];
    for (format, form) in forms {
        let form = regex::Regex::new(form).unwrap();
        for line in LINES.iter().filter(|line| line.truth.format == format) {
            assert!(form.is_match(&text(line)), "{format:?}: {}", text(line));
        }
    }
}

#[test]
fn the_searches_match_a_good_number_and_have_decoys() {
    let count = |matches: fn(&Truth) -> bool| LINES.iter().filter(|line| matches(&line.truth)).count();
    let share = COUNT / 100;
    assert!(count(Truth::matches_errors_of_admin) > share);
    assert!(count(Truth::matches_propeller_failed) > share);
    assert!(count(Truth::matches_slow_handlers) > share);
    let is = |truth: &Truth, field: &str, value: &str| truth.fields.get(field).is_some_and(|found| found == value);
    let decoy =
        |matches: &dyn Fn(&Truth) -> bool| assert!(LINES.iter().filter(|line| matches(&line.truth)).count() > 20);
    decoy(&|truth| is(truth, "app", "flyteadmin") && is(truth, "level", "INFO") && truth.message().contains("error"));
    decoy(&|truth| is(truth, "app", "flyteadmin") && truth.message().contains("FAILED"));
    decoy(&|truth| is(truth, "app", "flyteadmin") && is(truth, "level", "INFO") && truth.message().contains("latency"));
    decoy(&|truth| {
        is(truth, "component", "propeller")
            && is(truth, "level", "ERROR")
            && !truth.message().to_lowercase().contains("failed")
    });
    decoy(&|truth| is(truth, "component", "propeller") && truth.message().contains(" failed"));
    decoy(&|truth| is(truth, "component", "task") && truth.message().contains("FAILED"));
    decoy(&|truth| {
        is(truth, "app", "datacatalog") && is(truth, "level", "WARN") && truth.message().contains("latency")
    });
}

#[test]
fn ids_come_from_the_pod_or_else_from_the_line() {
    let mut generator = Generator::new(7);
    let cluster = generator.cluster().clone();
    for step in 0..10_000 {
        let line = generator.next(TIME + step);
        let (truth, role) = (&line.truth, cluster.containers[line.container].role);
        match role {
            Role::FlytekitTask | Role::Copilot | Role::SparkDriver => {
                assert_eq!(truth.fields["execution_id"], cluster.executions[0].id);
                assert_eq!(truth.fields["workflow"], "workflows.train.pipeline");
                assert_eq!(truth.fields["app"], "flyte-task");
            }
            Role::SdkConsoleTask => assert_eq!(truth.fields["execution_id"], cluster.runs[0]),
            Role::Binary if truth.format == Format::ZapConsole => {
                assert_eq!(truth.fields["component"], "propeller");
                let named = truth.application.iter().any(|(path, _)| path[0] == "TaskAction");
                assert_eq!(truth.fields.contains_key("execution_id"), named);
            }
            Role::Binary => {
                assert_eq!(truth.fields["component"], "admin");
                assert!(truth.absent.contains(&"execution_id"));
            }
            Role::Propeller if truth.format == Format::FlytestdlibJson => {
                let json = &truth.application.iter().find(|(path, _)| path[0] == "json").unwrap().1;
                assert_eq!(truth.fields.get("execution_id"), json.get("exec_id"));
                assert_eq!(truth.fields.get("node_id"), json.get("node"));
            }
            _ => {}
        }
        assert!(truth.absent.contains(&"derived_from"));
    }
}

#[test]
fn without_metadata_the_names_tell_what_they_can() {
    let with = lines(Generator::new(8), 5_000);
    let without = lines(Generator::new(8).without_metadata(), 5_000);
    let mut guessed = 0;
    for (with, without) in with.iter().zip(&without) {
        assert_eq!(with.text, without.text);
        assert_eq!(with.truth.fields["message"], without.truth.fields["message"]);
        assert!(!without.truth.fields.contains_key("host"));
        if with.truth.fields["app"] == "flyte-task" {
            assert_eq!(without.truth.fields["derived_from"], "pod_name");
            assert_eq!(without.truth.fields["execution_id"], with.truth.fields["execution_id"]);
            assert!(!without.truth.absent.contains(&"project"));
            guessed += 1;
        }
    }
    assert!(guessed > 1_000);
}

#[test]
fn long_lines_need_parts_and_hold_letters_that_a_cut_may_split() {
    for format in [Format::LongJson, Format::LongText] {
        let line = first(format);
        assert!(line.text[0].len() > PART_LENGTH && line.text[0].len() < 150 * 1024);
        assert!(line.truth.message().len() > PART_LENGTH && line.truth.message().contains('东'));
    }
    let exceptions = LINES.iter().filter(|line| line.truth.format == Format::SdkJson);
    assert!(exceptions.filter(|line| line.text[0].len() > PART_LENGTH).count() > 1);
}

#[test]
fn tracebacks_are_simple_chained_and_marked() {
    let tracebacks: Vec<_> = LINES.iter().filter(|line| line.truth.format == Format::Traceback).collect();
    let count = |wanted: &str| tracebacks.iter().filter(|line| text(line).contains(wanted)).count();
    assert!(tracebacks.iter().all(|line| text(line).starts_with("Traceback (most recent call last):\n")));
    assert!(
        tracebacks
            .iter()
            .all(|line| line.text.last().is_some_and(|last| last.ends_with(marker(line.truth.sequence).as_bytes())))
    );
    assert!(count("another exception occurred") > 5 && count("direct cause") > 5);
    assert!(count("~^^") > 5 && count("Previous line repeated") > 5);
    let errors = LINES.iter().filter(|line| line.truth.format == Format::FlytekitJson);
    let words: BTreeSet<_> = errors.filter_map(|line| line.truth.message().split(" User").next()).collect();
    assert!(words.contains("!! Begin"));
    assert!(
        LINES.iter().any(|line| line.truth.message().starts_with("Trace:\n\n    Traceback (most recent call last):"))
    );
}

#[test]
fn lines_that_belong_together_follow_each_other() {
    for window in LINES.windows(3) {
        if window[0].truth.message().starts_with("!! Begin User Error") {
            assert!(window[1].truth.message().starts_with("Trace:"));
            assert!(window[2].truth.message().starts_with("!! End Error"));
            assert!(window.iter().all(|line| line.container == window[0].container));
        }
    }
}
