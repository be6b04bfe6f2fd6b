use std::path::Path;

use bumpalo::Bump;

use super::*;
use crate::config::{Environment, Registry, load_text};
use crate::record::{Origin, Value};

const NOW: Timestamp = Timestamp(1_795_341_600_000_000_000); // 2026-11-22T10:00:00Z

/// The parsers of a parsers file, and what it has for problems.
fn load(parsers: &str) -> (Parsers, Problems) {
    let directory = tempfile::tempdir().unwrap();
    let main = directory.path().join("main.conf");
    std::fs::write(directory.path().join("parsers.conf"), parsers).unwrap();
    let registry = Registry { inputs: &[], filters: &[], outputs: &[], parser: &PLUGIN, multiline_parser: &PLUGIN };
    let text = "[SERVICE]\n    Parsers_File parsers.conf\n";
    let (config, all) = load_text(&main, text, &registry, &Environment::from_pairs::<&str, &str>([]));
    // Those of the main file are of no interest: it has no inputs and outputs.
    let mut problems = Problems::new();
    problems.extend(all.into_iter().filter(|problem| problem.file.ends_with("parsers.conf")));
    (Parsers::new(&config.parsers, &mut problems), problems)
}

/// A parser `p` with these keys; fails on any problem.
fn parser(keys: &str) -> Parser {
    let (parsers, problems) = load(&format!("[PARSER]\n    Name p\n    {}\n", keys.replace('\n', "\n    ")));
    assert!(problems.is_empty(), "{problems}");
    parsers.find("p").unwrap().clone()
}

/// What comes out: the time, then `key=value` in order, JSON values in angle brackets.
fn parsed(parser: &Parser, text: &[u8]) -> String {
    let arena = Bump::new();
    let mut members = Vec::new();
    let unreadable = parser.unreadable_times();
    let outcome = match parser.parse(text, &arena, NOW, &mut members) {
        Parsed::Matched { time: Some(time) } => {
            let mut out = Vec::new();
            time.write_rfc3339(&mut out);
            String::from_utf8(out).unwrap()
        }
        Parsed::Matched { time: None } if parser.unreadable_times() > unreadable => "Unreadable".to_owned(),
        Parsed::Matched { time: None } => "Untimed".to_owned(),
        Parsed::Unmatched => "Unmatched".to_owned(),
    };
    members.iter().fold(outcome, |line, member| {
        let key = String::from_utf8_lossy(member.key);
        match member.value {
            Value::Json(json) => format!("{line} | {key}=<{}>", String::from_utf8_lossy(json)),
            Value::Text(text) => format!("{line} | {key}={}", String::from_utf8_lossy(text)),
            Value::Members(_) => unreachable!(),
        }
    })
}

#[test]
fn built_in_parsers_need_no_file() {
    let parsers = Parsers::new(&[], &mut Problems::new());
    for (name, text, expected) in [
        (
            "docker",
            r#"{"log":"a\n","stream":"stderr","time":"2026-08-21T12:00:01.5Z"}"#,
            r#"2026-08-21T12:00:01.500000000Z | log=<"a\n"> | stream=<"stderr"> | time=<"2026-08-21T12:00:01.5Z">"#,
        ),
        ("docker", r#"{"log":"a"}"#, r#"Untimed | log=<"a">"#),
        ("docker", r#"{"log":"a","time":17}"#, r#"Untimed | log=<"a"> | time=<17>"#),
        ("docker", r#"{"log":"a","time":"noon"}"#, r#"Unreadable | log=<"a"> | time=<"noon">"#),
        ("docker", r#"[{"log":"a"}]"#, "Unmatched"),
        ("docker", r#"{"log":"a"} {"log":"b"}"#, "Unmatched"),
        (
            "cri",
            "2026-08-21T14:00:01.123456789+02:00 stdout F a b ",
            "2026-08-21T12:00:01.123456789Z | time=2026-08-21T14:00:01.123456789+02:00 | stream=stdout | logtag=F | message=a b ",
        ),
        (
            "cri",
            "2026-08-21T12:00:01Z stderr P ",
            "2026-08-21T12:00:01.000000000Z | time=2026-08-21T12:00:01Z | stream=stderr | logtag=P",
        ),
        ("cri", "yesterday stderr F x", "Unreadable | stream=stderr | logtag=F | message=x"),
        ("cri", "2026-08-21T12:00:01Z stdin F x", "Unmatched"),
        ("json", " {\"a\":1,\"time\":\"x\"}\n", r#"Untimed | a=<1> | time=<"x">"#),
    ] {
        assert_eq!(parsed(parsers.find(name).unwrap(), text.as_bytes()), expected, "{name} {text}");
    }
    assert!(parsers.find("Docker").is_none(), "case counts");
}

#[test]
fn the_parsers_file_beside_us_does_what_the_built_in_parsers_do() {
    let built_in = Parsers::new(&[], &mut Problems::new());
    let (ours, problems) = load(include_str!("../../parsers/parsers.conf"));
    assert!(problems.is_empty(), "{problems}");
    for (name, text) in [
        ("docker", r#"{"log":"a\n","stream":"stderr","time":"2026-08-21T12:00:01.5Z"}"#),
        ("docker", r#"{"log":"a\n","stream":"stderr","time":"2026-08-21T12:00:01Z"}"#),
        ("cri", "2026-08-21T12:00:01.123456789Z stdout F a"),
        ("cri", "2026-08-21T12:00:01Z stdout F a"),
        ("json", r#"{"a":{"b":[1,2]}}"#),
    ] {
        let expected = parsed(built_in.find(name).unwrap(), text.as_bytes());
        assert!(!expected.starts_with("Un") || name == "json", "{expected}");
        assert_eq!(parsed(ours.find(name).unwrap(), text.as_bytes()), expected);
    }
}

#[test]
fn a_regex_makes_members_of_its_groups() {
    let access = parser(
        r#"Format regex
Regex ^(?<remote>\S+) \S+ (?<user>\S+) \[(?<time>[^\]]+)\] "(?<method>[A-Z]+)(?: +(?<path>[^"]*?)(?: +\S*)?)?" (?<code>\d+) (?<size>\S+)(?: "(?<referer>[^"]*)" "(?<agent>[^"]*)")?
Time_Format %d/%b/%Y:%H:%M:%S %z
Types code:integer size:integer"#,
    );
    assert_eq!(
        parsed(&access, br#"10.0.0.7 - amy [21/Aug/2026:14:00:01 +0200] "GET /a?b=1 HTTP/1.1" 200 612 "" "curl/8""#),
        "2026-08-21T12:00:01.000000000Z | remote=10.0.0.7 | user=amy | method=GET | path=/a?b=1 | code=<200> \
         | size=<612> | agent=curl/8"
    );
    assert_eq!(
        parsed(&access, br#"::1 - - [21/Aug/2026] "GET" 304 -"#),
        "Unreadable | remote=::1 | user=- | method=GET | code=<304> | size=<0>"
    );
    assert_eq!(parsed(&access, b"starting"), "Unmatched");
    let syslog = parser(
        r"Format regex
Regex ^\<(?<pri>[0-9]+)\>(?<time>[A-Z][a-z]+ +\d+ [0-9:]+) (?<host>\S+) (?<message>.*)$
Time_Format %b %d %H:%M:%S
Time_Keep On
Types pri:integer",
    );
    assert_eq!(
        parsed(&syslog, b"<34>Oct  1 22:14:15 node su: \xff"),
        "2026-10-01T22:14:15.000000000Z | pri=<34> | time=Oct  1 22:14:15 | host=node | message=su: \u{FFFD}"
    );
}

#[test]
fn empty_groups_and_groups_of_one_name() {
    let skipping = parser("Format regex\nRegex (?<a>x*)(?<b>y)?(?<c>z*)");
    assert_eq!(parsed(&skipping, b"zz"), "Untimed | c=zz");
    let keeping = parser("Format regex\nRegex (?<a>x*)(?<b>y)?(?<c>z*)\nSkip_Empty_Values Off");
    assert_eq!(parsed(&keeping, b"zz"), "Untimed | a= | b= | c=zz");
    let twice = parser(r#"Format regex\nRegex ^"(?<a>[^"]*)"|(?<a>\S+) (?<b-"c">.)"#.replace("\\n", "\n").as_str());
    assert_eq!(parsed(&twice, br#""in quotes" y"#), "Untimed | a=in quotes");
    assert_eq!(parsed(&twice, b"bare y"), r#"Untimed | a=bare | b-\"c\"=y"#);
}

#[test]
fn times_without_a_zone() {
    let line = br#"{"time":"2026-07-01 12:00:00","a":1}"#;
    for (keys, expected) in [
        ("", "2026-07-01T12:00:00.000000000Z"),
        ("\nTime_Offset +0530", "2026-07-01T06:30:00.000000000Z"),
        ("\nTime_Offset -05:30", "2026-07-01T17:30:00.000000000Z"),
    ] {
        let parser = parser(&format!("Format json\nTime_Format %Y-%m-%d %H:%M:%S{keys}"));
        assert_eq!(parsed(&parser, line), format!("{expected} | a=<1>"), "{keys}");
    }
    let keyed = parser("Format json\nTime_Key a\"b\nTime_Format %s");
    assert_eq!(parsed(&keyed, br#"{"a\"b":"1787313601"}"#), "2026-08-21T12:00:01.000000000Z");
}

#[test]
fn a_time_that_fits_in_part() {
    let line = br#"{"time":"2026-07-01T12:00:00Z"}"#;
    let strict = parser("Format json\nTime_Format %Y-%m-%dT%H:%M:%S.%L");
    assert_eq!(parsed(&strict, line), r#"Unreadable | time=<"2026-07-01T12:00:00Z">"#);
    let lenient = parser("Format json\nTime_Format %Y-%m-%dT%H:%M:%S.%L\nTime_Strict Off");
    assert_eq!(parsed(&lenient, line), "2026-07-01T12:00:00.000000000Z");
    assert_eq!(parsed(&lenient, br#"{"time":"soon"}"#), r#"Unreadable | time=<"soon">"#);
}

/// Problems of a parsers file, without the directory's name.
fn problems(parsers: &str) -> Vec<String> {
    let shown = |problem: &Problem| {
        let file = problem.file.file_name().unwrap().to_string_lossy();
        format!("{file}:{}: {}: {}", problem.line, problem.severity, problem.message)
    };
    load(parsers).1.iter().map(shown).collect()
}

#[test]
fn mistakes_name_their_line() {
    for (keys, expected) in [
        (
            "Format regex\n    Regex (?<a",
            "parsers.conf:4: error: the expression is not valid: a group has an empty or unfinished name",
        ),
        ("Format regex", "parsers.conf:3: error: parser \"p\" has no Regex"),
        ("Regex a", "parsers.conf:1: error: parser \"p\" has no Format"),
        (
            "Format regex\n    Regex a(b)",
            "parsers.conf:4: warning: the expression names no group `(?<name>…)`: it never matches",
        ),
        (
            "Format json\n    Time_Format %FT%T.%N",
            "parsers.conf:4: warning: Time_Format has no conversion `%N`: with it, no time is ever read",
        ),
        (
            "Format json\n    Time_Format %F\n    Time_Offset 2",
            "parsers.conf:5: error: \"2\" is none of +HHMM, +HH:MM and Z",
        ),
        (
            "Format json\n    Time_Format %F\n    Time_Zone No/Where",
            "parsers.conf:5: error: no time zone \"No/Where\" is known on this system",
        ),
        ("Format json\n    Time_Zone UTC", "parsers.conf:4: error: Time_Zone needs a Time_Format"),
        (
            "Format regex\n    Regex (?<a>.)\n    Types a:number",
            "parsers.conf:5: warning: \"a:number\" is no member:type; it stays text",
        ),
        (
            "Format regex\n    Regex (?<a>x)(?~y)",
            "parsers.conf:4: warning: absence operator `(?~` is not supported yet",
        ),
        (
            "Format json\n    Decode_Field_As xml log",
            "parsers.conf:4: error: Decode_Field_As: \"xml log\": the first word is no decoder",
        ),
        (
            "Format json\n    Decode_Field_As json log next",
            "parsers.conf:4: error: Decode_Field_As: \"json log next\": the third word is no action",
        ),
        (
            "Format json\n    Decode_Field escaped log",
            "parsers.conf:4: error: Decode_Field: \"escaped log\": only json gives members to merge; Decode_Field_As \
             replaces the text",
        ),
    ] {
        assert_eq!(problems(&format!("[PARSER]\n    Name p\n    {keys}\n")), [expected], "{keys}");
    }
}

#[test]
fn own_definitions_win_over_built_in_ones() {
    let (parsers, problems) = load("[PARSER]\n    Name docker\n    Format json\n");
    assert!(problems.is_empty(), "{problems}");
    let line = br#"{"time":"2026-08-21T12:00:01Z"}"#;
    assert!(parsed(parsers.find("docker").unwrap(), line).starts_with("Untimed"));
    let (parsers, _) = load("[PARSER]\n    Name docker\n    Format regex\n    Regex (?~x)\n");
    assert!(parsers.find("docker").is_none(), "not the built-in one instead");
}

#[test]
fn a_parser_is_asked_for_by_an_option() {
    const KEYS: &[crate::config::OptionSpec] =
        &[crate::config::OptionSpec::new("Parser", crate::config::Kind::Text, "", "A parser.")];
    const INPUT: crate::config::Plugin = crate::config::Plugin { name: "lines", doc: "Lines.", options: KEYS };
    let (parsers, _) = load("[PARSER]\n    Name later\n    Format regex\n    Regex (?~x)(?<a>y)\n");
    let asked = |name: &str| {
        let registry =
            Registry { inputs: &[INPUT], filters: &[], outputs: &[], parser: &PLUGIN, multiline_parser: &PLUGIN };
        let text = format!("[INPUT]\n    Name lines\n    {name}\n");
        let environment = Environment::from_pairs::<&str, &str>([]);
        let (config, _) = load_text(Path::new("a.conf"), &text, &registry, &environment);
        let mut problems = Problems::new();
        let found = parsers.named_by(&config.inputs[0].options(), "Parser", &mut problems);
        (found.map(|parser| parser.name().to_owned()), problems.to_string())
    };
    assert_eq!(asked("Tag x"), (None, String::new()));
    assert_eq!(asked("Parser cri"), (Some("cri".to_owned()), String::new()));
    let (found, problems) = asked("Parser CRI");
    assert_eq!(found, None);
    assert_eq!(problems, "a.conf:3: error: there is no parser \"CRI\"\n  hint: parsers are: docker, json, cri\n");
    let (found, problems) = asked("Parser later");
    assert_eq!(found, None);
    assert!(
        problems.contains("parser \"later\" cannot be used: absence operator `(?~` is not supported yet"),
        "{problems}"
    );
}

#[test]
fn ltsv_gives_a_member_for_each_label() {
    let access = parser("Format ltsv\nTime_Format [%d/%b/%Y:%H:%M:%S %z]\nTypes status:integer size:integer");
    assert_eq!(
        parsed(&access, b"host:::1\ttime:[21/Aug/2026:14:00:01 +0200]\t\treq:GET / HTTP/1.1\tstatus:200\tsize:\tx y"),
        "2026-08-21T12:00:01.000000000Z | host=::1 | req=GET / HTTP/1.1 | status=<200> | size=<0>"
    );
    for text in [b"time:noon\ta:1".as_slice(), b"plain text", b"", b"\ta:1", b": x"] {
        assert!(parsed(&access, text).starts_with("Un"), "{}", String::from_utf8_lossy(text));
    }
    let plain = parser("Format ltsv");
    assert_eq!(parsed(&plain, b"a.b-c_D:1\r\nb:2"), "Untimed | a.b-c_D=1");
    let kept = parser("Format ltsv\nTime_Key t\nTime_Format %s\nTime_Keep On\nTypes t:integer");
    assert_eq!(parsed(&kept, b"t:1787313601\ta:x"), "2026-08-21T12:00:01.000000000Z | t=<1787313601> | a=x");
}

#[test]
fn logfmt_gives_a_member_for_each_key() {
    let plain = parser("Format logfmt\nTypes n:integer");
    for (text, expected) in [
        (r#"level=info msg="two words" n=3 ok"#, "Untimed | level=info | msg=two words | n=<3> | ok=<true>"),
        (r#"msg="a \"b\"\nc" e="" f= g"#, "Untimed | msg=a \"b\"\nc | e= | f=<true> | g=<true>"),
        ("url=/a?b=c&d", "Untimed | url=/a?b=c&d"),
        (r#"a="not closed"#, "Untimed | a=not closed"),
        ("  a=1\tb=2\n", "Untimed | a=1 | b=2"),
        ("", "Unmatched"),
        ("=\"\" ", "Unmatched"),
    ] {
        assert_eq!(parsed(&plain, text.as_bytes()), expected, "{text}");
    }
    let strict = parser("Format logfmt\nLogfmt_No_Bare_Keys On\nTime_Key ts\nTime_Format %Y-%m-%dT%H:%M:%SZ");
    assert_eq!(parsed(&strict, b"ts=2026-08-21T12:00:01Z a="), "2026-08-21T12:00:01.000000000Z | a=<true>");
    assert_eq!(parsed(&strict, b"ts=2026-08-21T12:00:01Z a b=1"), "Unmatched");
    assert_eq!(parsed(&strict, b"ts=noon a=1"), "Unmatched");
    let lenient = parser("Format logfmt\nTime_Key ts\nTime_Format %Y-%m-%dT%H:%M:%SZ\nTime_Strict Off");
    assert_eq!(parsed(&lenient, b"ts=noon a=1"), "Unreadable | ts=noon | a=1");
    assert_eq!(parsed(&lenient, b"ts=2026-08-21T12:00 a=1"), "2026-08-21T12:00:00.000000000Z | a=1");
}

#[test]
fn decoders_run_in_order_and_stop_at_a_success() {
    for (rules, text, expected) in [
        ("Decode_Field_As json log", r#"{"log":"{\"a\":1}","s":"x"}"#, r#"Untimed | log=<{"a":1}> | s=<"x">"#),
        ("Decode_Field_As json log", r#"{"log":"[1]"}"#, r#"Untimed | log=<"[1]">"#),
        ("Decode_Field_As json log", r#"{"log":7}"#, "Untimed | log=<7>"),
        (
            "Decode_Field json log",
            r#"{"log":" {\"a\":1,\"b\":2}","s":3}"#,
            r#"Untimed | log=<" {\"a\":1,\"b\":2}"> | s=<3> | a=<1> | b=<2>"#,
        ),
        ("Decode_Field_As escaped log", r#"{"log":"a\\nb\\tc"}"#, "Untimed | log=a\nb\\tc"),
        ("Decode_Field_As escaped_utf8 log", r#"{"log":"\\u00e9\\t"}"#, "Untimed | log=é\t"),
        ("Decode_Field_As mysql_quoted log", r#"{"log":"'it\\'s'"}"#, "Untimed | log=it's"),
        ("Decode_Field_As mysql_quoted log", r#"{"log":"'open"}"#, "Untimed | log='open"),
        // A failure ends it, unless there is a next to be tried.
        ("Decode_Field_As json log\nDecode_Field_As escaped log", r#"{"log":"a\\nb"}"#, r#"Untimed | log=<"a\\nb">"#),
        ("Decode_Field_As json log try_next\nDecode_Field_As escaped log", r#"{"log":"a\\nb"}"#, "Untimed | log=a\nb"),
        // A success ends it, unless there is a next to be done.
        ("Decode_Field_As escaped log\nDecode_Field_As json log", r#"{"log":"{}"}"#, "Untimed | log={}"),
        ("Decode_Field_As escaped log do_next\nDecode_Field_As json log", r#"{"log":"{}"}"#, "Untimed | log=<{}>"),
        (
            "Decode_Field_As escaped_utf8 log do_next\nDecode_Field json log do_next\nDecode_Field json log",
            r#"{"log":"{\\\"a\\\":1}"}"#,
            r#"Untimed | log={"a":1} | a=<1>"#,
        ),
        // Decoders come before the time.
        (
            "Decode_Field json log\nTime_Format %s",
            r#"{"log":"{\"time\":\"1787313601\"}"}"#,
            r#"2026-08-21T12:00:01.000000000Z | log=<"{\"time\":\"1787313601\"}">"#,
        ),
    ] {
        let parser = parser(&format!("Format json\n{rules}"));
        assert_eq!(parsed(&parser, text.as_bytes()), expected, "{rules} on {text}");
    }
    let regex = parser("Format regex\nRegex ^(?<kind>\\w+) (?<data>.*)$\nDecode_Field_As json data");
    assert_eq!(parsed(&regex, br#"x {"a":[1, 2]}"#), r#"Untimed | kind=x | data=<{"a":[1, 2]}>"#);
    let pairs = parser("Format logfmt\nDecode_Field json data");
    assert_eq!(parsed(&pairs, br#"data="{\"a\":1}""#), r#"Untimed | data={"a":1} | a=<1>"#);
}

#[test]
fn a_text_that_takes_too_long_is_unmatched_and_counted() {
    let parser = parser(
        r"Format regex
Regex ^(?<a>(?:x+x+)+y)(?!z)",
    );
    assert_eq!(parser.engine().unwrap().0, EngineKind::Backtracking);
    assert!(parsed(&parser, b"xxxxy").starts_with("Untimed | a=xxxxy"));
    assert_eq!(parser.cut_off(), 0);
    assert_eq!(parsed(&parser, "x".repeat(1 << 20).as_bytes()), "Unmatched");
    assert_eq!((parser.cut_off(), parser.clone().cut_off()), (1, 0), "clones count for themselves");
}

#[test]
fn an_unmatched_text_leaves_the_members_alone() {
    let parsers = Parsers::new(&[], &mut Problems::new());
    let arena = Bump::new();
    for name in ["docker", "cri"] {
        let parser = parsers.find(name).unwrap();
        let mut members = vec![Member::text(b"time", b"x", Origin::Runtime)];
        assert_eq!(parser.parse(br#"{"time":"#, &arena, NOW, &mut members), Parsed::Unmatched);
        assert_eq!(members.len(), 1);
    }
}
