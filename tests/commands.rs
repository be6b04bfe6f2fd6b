//! The command line through the binary: checks, exit codes, standard input, the status server.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod support;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;
use support::node::BRIEF;
use support::shipper::{Shipper, flytail, wait_for};

fn with_configuration(text: &str, arguments: &[&str], input: &[u8]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("flytail.conf");
    fs::write(&file, text).unwrap();
    fs::write(directory.path().join("parsers.conf"), "[PARSER]\n    Name docker\n    Format json\n").unwrap();
    let mut command = flytail();
    command.arg("-c").arg("flytail.conf").args(arguments).current_dir(directory.path()).env("TMPDIR", directory.path());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn the_briefs_configuration_is_valid() {
    let output = with_configuration(BRIEF, &["--dry-run"], b"");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.contains("configuration test is successful"), "{stderr}");
}

#[test]
fn every_mistake_is_named_with_its_line_and_nothing_starts() {
    let text = "[SERVICE]\n  Flush -1\n[INPUT]\n  Name tail\n  Pth /x\n[OUTPUT]\n  Name elastic\n";
    let output = with_configuration(text, &[], b"");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    for part in [
        "flytail.conf:2: error",
        "flytail.conf:5: error: unknown key \"Pth\"",
        "did you mean \"Path\"?",
        "flytail.conf:7: error",
    ] {
        assert!(stderr.contains(part), "no {part} in {stderr}");
    }
}

#[test]
fn a_command_line_that_is_no_good_ends_with_1_and_help_with_0() {
    assert_eq!(flytail().arg("--nonsense").output().unwrap().status.code(), Some(1));
    assert_eq!(flytail().args(["-c", "/nowhere/x.conf"]).output().unwrap().status.code(), Some(1));
    let help = flytail().arg("--help").output().unwrap();
    assert!(help.status.success() && String::from_utf8_lossy(&help.stdout).contains("flytail demo"));
}

#[test]
fn the_option_reference_names_every_plugin() {
    let output = flytail().arg("options").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for name in
        ["tail", "stdin", "dummy", "kubernetes", "flyte", "es", "opensearch", "stdout", "file", "null", "Index_Date"]
    {
        assert!(text.contains(name), "{name} is missing");
    }
}

const THROUGH: &str = "[INPUT]\n  Name stdin\n  Tag in\n[OUTPUT]\n  Name stdout\n  Match *\n  json_date_key false\n";

#[test]
fn standard_input_comes_out_whole_and_then_the_process_ends() {
    let output =
        with_configuration(THROUGH, &[], b"{\"a\":1,\"b\":{\"c\":[1,2]}}\nplain \xff text\n{\"a\":1,\"a\":2}\n{\"cut");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let expected = [
        serde_json::json!({"a": 1, "b": {"c": [1, 2]}}),
        serde_json::json!({"log": "plain \u{FFFD} text"}),
        serde_json::json!({"a": 2}),
        serde_json::json!({"log": "{\"cut"}),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn many_lines_come_out_in_order_and_the_accounts_are_printed() {
    let input: String = (0..50_000).map(|number| format!("{{\"n\":{number}}}\n")).collect();
    let output = with_configuration(THROUGH, &[], input.as_bytes());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), input);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("routed=50000 acked=50000 dead_lettered=0 dropped=0 in_flight=0"), "{stderr}");
}

#[test]
fn the_status_server_shows_accounts_that_hold_and_why_nothing_is_delivered() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("app.log"), "one\ntwo\n").unwrap();
    let port = free_port();
    let text = |output: &str| {
        format!(
            "[SERVICE]\n  Flush 0.1\n  Grace 1\n  HTTP_Server On\n  HTTP_Listen 127.0.0.1\n  HTTP_Port {port}\n\
             [INPUT]\n  Name tail\n  Path {}/*.log\n[OUTPUT]\n  Match *\n  {output}\n",
            directory.path().display()
        )
    };
    let file = directory.path().join("flytail.conf");
    fs::write(&file, text("Name null")).unwrap();
    let mut shipper = Shipper::start(&file);
    wait_for(&Some(2), || metric(port, "flytail_output_acked_records_total{name=\"null.0\"}"));
    assert_eq!(metric(port, "flytail_input_read_bytes_total{name=\"tail.0\"}"), Some(8));
    wait_for(&Some(8), || metric(port, "flytail_input_finished_bytes_total{name=\"tail.0\"}"));
    assert_eq!(metric(port, "flytail_input_held_bytes{name=\"tail.0\"}"), Some(0));
    assert_eq!(get(port, "/api/v1/health"), Some((200, "ok\n".to_owned())));
    assert!(shipper.terminate().success());

    fs::write(&file, text(&format!("Name es\n  Port {}", free_port()))).unwrap();
    let mut shipper = Shipper::start(&file);
    wait_for(&Some(500), || get(port, "/api/v1/health").map(|(status, _)| status));
    let (_, reasons) = get(port, "/api/v1/health").unwrap();
    assert!(reasons.starts_with("error\nes.0: "), "{reasons}");
    let name = |kind: &str| format!("flytail_output_{kind}{{name=\"es.0\"}}");
    assert_eq!(metric(port, &name("in_flight_records")), Some(2));
    assert_eq!(metric(port, &name("routed_records_total")), Some(2));
    assert!(shipper.terminate().success(), "it ends when Grace is over");
}

#[test]
fn a_request_to_elasticsearch_has_the_credentials_and_the_log_has_not() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("flytail.conf");
    let text = format!(
        "[SERVICE]\n  Flush 0.1\n  Grace 0\n  Log_Level trace\n[INPUT]\n  Name dummy\n[OUTPUT]\n  Name es\n  Match *\n  \
         Port {port}\n  HTTP_User admin\n  HTTP_Passwd ${{PASSWORD}}\n"
    );
    fs::write(&file, format!("@SET PASSWORD=geheim-7\n{text}")).unwrap();
    let mut shipper = Shipper::start(&file);
    let (stream, _) = listener.accept().unwrap();
    let mut head = String::new();
    for line in std::io::BufRead::lines(std::io::BufReader::new(stream)) {
        let line = line.unwrap();
        if line.is_empty() {
            break;
        }
        head += &format!("{}\n", line.to_lowercase());
    }
    // `admin:geheim-7` in base64.
    assert!(head.contains(&format!("authorization: basic {}", "YWRtaW46Z2VoZWltLTc=".to_lowercase())), "{head}");
    assert!(head.starts_with("post /fluent-bit/_bulk?") && head.contains("content-encoding: gzip"), "{head}");
    drop(listener);
    shipper.kill();
    assert!(!shipper.log().contains("geheim"), "{}", shipper.log());
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn get(port: u16, path: &str) -> Option<(u16, String)> {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut answer = agent.get(format!("http://127.0.0.1:{port}{path}")).call().ok()?;
    Some((answer.status().as_u16(), answer.body_mut().read_to_string().unwrap()))
}

fn metric(port: u16, name: &str) -> Option<u64> {
    let (_, text) = get(port, "/metrics")?;
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

#[test]
fn the_project_files_name_no_unknown_parser() {
    // The definitions that the project ships are valid, and used by name.
    let parsers = Path::new(env!("CARGO_MANIFEST_DIR")).join("parsers/parsers.conf");
    let text = format!("[SERVICE]\n  Parsers_File {}\n{THROUGH}", parsers.display());
    let output = with_configuration(&text, &["--dry-run"], b"");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !stderr.contains("error"), "{stderr}");
}

/// What `flytail parse` prints for lines on its standard input, and its exit code.
fn parse(arguments: &[&str], input: &str) -> (String, String, Option<i32>) {
    let mut command = flytail();
    command.arg("parse").args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command line that is no good ends before it reads.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code())
}

#[test]
fn parse_shows_what_a_parser_makes_of_lines() {
    let line = "2026-08-21T12:00:01Z stdout F up\n";
    let (out, _, code) = parse(&["--parser", "cri"], line);
    assert_eq!(code, Some(0), "{out}");
    for part in
        ["time: 2026-08-21T12:00:01.000000000Z", "message  \"up\"  group 4", "1 of 1 lines matched", "engine: direct"]
    {
        assert!(out.contains(part), "no {part} in {out}");
    }
    let (out, _, code) = parse(&["--parser", "cri", "-"], &format!("{line}\nx y\r\n"));
    assert_eq!(code, Some(2), "{out}");
    assert!(out.contains("1 of 3 lines matched") && out.contains("does not fit: y\n"), "{out}");
    assert!(!out.contains('\x1b'), "no colours without a terminal");
    let (out, _, code) = parse(&["--parser", "cri", "--json"], line);
    let value: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&value["record"]["message"], code), (&Value::from("up"), Some(0)));
}

#[test]
fn parse_checks_golden_lines_of_a_teams_own_parsers() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let file = directory.path().join(name);
        fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let parsers =
        file("own.conf", "[PARSER]\n  Name own\n  Format regex\n  Regex ^(?<n>\\d+) (?!x)\n  Types n:integer\n");
    let golden = file("golden.txt", "> 7 y\n{\"n\":7}\n> 7 x\nunmatched\n");
    let (out, err, code) = parse(&["--parser", "own", "-R", &parsers, "--golden", &golden], "");
    assert_eq!(code, Some(0), "{out}{err}");
    let golden = file("golden.txt", "> 7 y\n{\"n\":8}\n");
    let (out, _, code) = parse(&["--parser", "own", "-R", &parsers, "--golden", &golden], "");
    assert_eq!(code, Some(2), "{out}");
    assert!(out.contains("golden.txt:1: n is 7, not 8\n") && out.contains("0 of 1 lines"), "{out}");
    let golden = file("golden.txt", "> 7 y\n");
    let (_, err, code) = parse(&["--parser", "own", "-R", &parsers, "--golden", &golden], "");
    assert!(code == Some(1) && err.contains("golden.txt: line 1: the text of line 1 has no result"), "{err}");
}

#[test]
fn parse_names_mistakes_and_teaches_by_its_help() {
    let (_, err, code) = parse(&["--parser", "ngnix"], "");
    assert!(code == Some(1) && err.contains("did you mean nginx?"), "{err}");
    let (_, err, code) = parse(&["--parser", "x", "-R", "/nowhere/p.conf"], "");
    assert!(code == Some(1) && err.contains("/nowhere/p.conf"), "{err}");
    let (_, err, code) = parse(&["--parser", "cri", "/nowhere/x.log"], "");
    assert!(code == Some(1) && err.contains("cannot read /nowhere/x.log"), "{err}");
    assert_eq!(parse(&[], "").2, Some(1));
    let (help, _, code) = parse(&["--help"], "");
    assert!(code == Some(0) && help.contains("Exit codes") && help.contains("--golden"), "{help}");
}

#[test]
fn a_parser_filter_makes_members_of_a_text() {
    let text = "[INPUT]\n  Name stdin\n  Tag in\n[FILTER]\n  Name parser\n  Match *\n  Key_Name log\n  Parser cri\n  \
                Parser json\n  Reserve_Data On\n[OUTPUT]\n  Name stdout\n  Match *\n  json_date_format epoch_ms\n";
    let input = b"{\"log\":\"2026-08-21T12:00:01.5Z stdout F up\",\"a\":1}\n{\"log\":\"{\\\"b\\\":2}\"}\nplain\n";
    let output = with_configuration(text, &[], input);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (&lines[0]["message"], &lines[0]["a"], &lines[0]["date"]),
        (&"up".into(), &1.into(), &1_787_313_601_500_i64.into())
    );
    assert_eq!((&lines[1]["b"], &lines[1]["log"]), (&2.into(), &Value::Null));
    assert_eq!(lines[2]["log"], "plain");
    let wrong = with_configuration(&text.replace("Parser cri", "Parser rci"), &["--dry-run"], b"");
    let said = String::from_utf8_lossy(&wrong.stderr);
    assert!(wrong.status.code() == Some(1) && said.contains("there is no parser \"rci\""), "{said}");
}
