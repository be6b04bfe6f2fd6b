//! The command line through the binary: checks, exit codes, standard input, the status server.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod support;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

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
        "flytail.conf:2:9: error",
        "flytail.conf:5:3: error: unknown key \"Pth\"",
        "  5 |   Pth /x\n    |   ^^^\n",
        "did you mean \"Path\"?",
        "flytail.conf:7:8: error",
    ] {
        assert!(stderr.contains(part), "no {part} in {stderr}");
    }
}

#[test]
fn what_nobody_reads_on_standard_error_changes_no_exit_code() {
    let directory = tempfile::tempdir().unwrap();
    for (text, code) in [("[INPUT]\n  Name dummy\n[OUTPUT]\n  Name null\n", 0), ("[INPUT]\n  Name tail\n  Pth /x\n", 1)]
    {
        let file = directory.path().join("flytail.conf");
        fs::write(&file, text).unwrap();
        for arguments in [["check"].as_slice(), &["--dry-run", "-c"]] {
            // Its reader is gone.
            let (_, stderr) = std::io::pipe().unwrap();
            let status = flytail().args(arguments).arg(&file).stderr(stderr).status().unwrap();
            assert_eq!(status.code(), Some(code), "{arguments:?} {text}");
        }
    }
}

#[test]
fn an_end_that_is_asked_for_while_the_configuration_is_read_is_an_orderly_one() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = flytail();
    command.args(["-c", "/dev/stdin"]).current_dir(directory.path()).env("TMPDIR", directory.path());
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut configuration = child.stdin.take().unwrap();
    // More than a pipe holds: when it is written, some of it was read.
    configuration.write_all("# what is left out\n".repeat(16 * 1024).as_bytes()).unwrap();
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    // If the process is gone, its status says so.
    drop(configuration.write_all(b"[INPUT]\n  Name dummy\n[OUTPUT]\n  Name null\n"));
    drop(configuration);
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.contains("service will shutdown"), "{} {stderr}", output.status);
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

/// A command line without a file, in a directory that holds `a.log`.
fn without_file(log: &str, arguments: &[&str]) -> Output {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a.log"), log).unwrap();
    flytail().args(arguments).current_dir(directory.path()).env("TMPDIR", directory.path()).output().unwrap()
}

const PLAIN: [&str; 4] = ["-o", "stdout", "-p", "json_date_key=false"];

#[test]
fn a_pipeline_on_the_command_line_needs_no_file_and_ends_with_the_files() {
    let tail = ["-q", "-f", "0.1", "-i", "tail", "-p", "Path=a.log", "-p", "exit_on_eof=on", "-p", "Path_Key=file"];
    let output = without_file("one\n\ntwo\n", &[&tail[..], &PLAIN, &["-m", "*"]].concat());
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "{\"log\":\"one\",\"file\":\"a.log\"}\n{\"log\":\"\",\"file\":\"a.log\"}\n{\"log\":\"two\",\"file\":\"a.log\"}\n"
    );
    assert!(output.status.success());
    let options = ["-p", "skip_empty_lines=on"];
    let output = without_file("one\n\r\ntwo\n", &[&tail[..9], &options, &PLAIN].concat());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "{\"log\":\"one\"}\n{\"log\":\"two\"}\n");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "-q");
}

#[test]
fn a_file_that_is_too_old_is_read_from_its_end_on() {
    let directory = tempfile::tempdir().unwrap();
    let (old, new) = (directory.path().join("old.log"), directory.path().join("new.log"));
    fs::write(&old, "long ago\n").unwrap();
    let hour_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    fs::File::options().append(true).open(&old).unwrap().set_modified(hour_ago).unwrap();
    fs::write(&new, "just now\n").unwrap();
    let file = directory.path().join("flytail.conf");
    let text = "[SERVICE]\n  Flush 0.1\n[INPUT]\n  Name tail\n  Path *.log\n  Ignore_Older 30m\n  Refresh_Interval 1\n\
                [OUTPUT]\n  Name file\n  Match *\n  Path .\n  File out\n  Format plain\n";
    fs::write(&file, text).unwrap();
    let mut shipper = Shipper::start(&file);
    let out = || fs::read_to_string(directory.path().join("out")).unwrap_or_default();
    wait_for(&true, || out().contains("just now"));
    fs::write(&old, "long ago\nonly now\n").unwrap();
    wait_for(&true, || out().contains("only now"));
    assert!(!out().contains("long ago"), "{}", out());
    assert!(shipper.terminate().success());
}

#[test]
fn tags_are_made_of_what_an_expression_takes_out_of_the_paths() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["web_prod.log", "api_test.log", "other.log"] {
        fs::write(directory.path().join(name), format!("{name}\n")).unwrap();
    }
    let arguments = [
        "-q",
        "-f",
        "0.1",
        "-i",
        "tail",
        "-t",
        "<ns>.<pod>",
        "-p",
        "Path=*.log",
        "-p",
        "Tag_Regex=(?<pod>[a-z]+)_(?<ns>[a-z]+)",
        "-p",
        "Exit_On_Eof=on",
        "-o",
        "file",
        "-m",
        "prod.*",
        "-p",
        "Path=.",
        "-p",
        "File=out",
        "-p",
        "Format=plain",
    ];
    let status = flytail().args(arguments).current_dir(directory.path()).env("TMPDIR", directory.path()).status();
    assert!(status.unwrap().success());
    assert_eq!(fs::read_to_string(directory.path().join("out")).unwrap(), "{\"log\":\"web_prod.log\"}\n");
}

#[test]
fn options_of_tail_that_are_taken_as_they_are_or_not_at_all() {
    for (option, expected) in [
        ("Static_Batch_Size=50M", "notice: Static_Batch_Size of input \"tail\" has no meaning here"),
        ("File_Cache_Advise=off", "notice: File_Cache_Advise of input \"tail\" has no meaning here"),
        ("Watcher_Interval=2s", "notice: Watcher_Interval of input \"tail\" has no meaning here"),
        ("Truncate_Long_Lines=on", "notice: Truncate_Long_Lines of input \"tail\" has no meaning here"),
        ("storage.type=filesystem", "notice: storage.type of input \"tail\" has no meaning here"),
        ("threaded=on", "notice: Threaded of input \"tail\" has no meaning here"),
        ("Unicode.Encoding=utf-8", "error: Unicode.Encoding: \"utf-8\" is not one of auto, UTF-16LE, UTF-16BE"),
        ("Generic.Encoding=Win1259", "error: Generic.Encoding: \"Win1259\" is not one of ShiftJIS, UHC"),
        ("Docker_Mode_Parser=json", "warning: Docker_Mode_Parser has no effect without Docker_Mode On"),
        ("Multiline=on", "error: Multiline On needs a Parser_Firstline"),
        ("Tag_Regex=(", "error: Tag_Regex is not a regular expression that works here"),
    ] {
        let output = without_file("", &["-D", "-i", "tail", "-p", "Path=a.log", "-p", option, "-o", "null", "-m", "*"]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains(expected), "{option}: {stderr}");
        assert_eq!(output.status.success(), !expected.starts_with("error"), "{option}: {stderr}");
    }
}

#[test]
fn docker_mode_joins_what_docker_split() {
    let line =
        |text: &str| format!("{{\"log\":\"{text}\",\"stream\":\"stdout\",\"time\":\"2026-11-25T10:00:00.5Z\"}}\n");
    let log = [line("one "), line("line\\n"), line("two\\n")].concat();
    let tail = ["-q", "-f", "0.1", "-i", "tail", "-p", "Path=a.log", "-p", "Exit_On_Eof=on", "-p", "Docker_Mode=on"];
    let output = without_file(&log, &[&tail[..], &PLAIN].concat());
    let texts: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(text_of).collect();
    assert_eq!(texts, ["one line", "two"]);
}

#[test]
fn docker_mode_parser_joins_what_does_not_begin_a_record() {
    let line = |second: u32, text: &str| {
        format!("{{\"log\":\"{text}\",\"stream\":\"stdout\",\"time\":\"2026-11-25T10:00:{second:02}.5Z\"}}\n")
    };
    let log = [
        line(1, "{}\\n"),
        line(2, "  one "),
        line(2, "line\\n"),
        line(3, "{\\\"a\\\":1}\\n"),
        line(4, "two\\n"),
        line(9, "later\\n"),
    ];
    let tail = ["-q", "-f", "0.1", "-i", "tail", "-p", "Path=a.log", "-p", "Exit_On_Eof=on", "-p", "Docker_Mode=on"];
    let parser = ["-p", "Docker_Mode_Parser=json"];
    let output = without_file(&log.concat(), &[&tail[..], &parser, &PLAIN].concat());
    let texts: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(text_of).collect();
    assert_eq!(texts, ["{}\n  one line", "{\"a\":1}\ntwo", "later"]);
}

fn text_of(line: &str) -> String {
    let record: Value = serde_json::from_str(line).unwrap();
    record["log"].as_str().unwrap().to_owned()
}

#[test]
fn help_behind_a_plugin_is_of_that_plugin() {
    let help = |arguments: &[&str]| String::from_utf8(flytail().args(arguments).output().unwrap().stdout).unwrap();
    let es = help(&["-i", "tail", "-o", "es", "-h"]);
    assert!(es.starts_with("# output `es`\n") && es.contains("Logstash_Format") && es.contains("Retry_Limit"), "{es}");
    assert!(!es.contains("Read_from_Head"), "{es}");
    assert!(help(&["-o", "nothing", "-h"]).contains("Usage:"));
    assert!(help(&["check", "-h"]).contains("--strict"));
}

#[test]
fn the_command_line_says_what_is_wrong_with_it() {
    for (arguments, expected) in [
        (&["-p", "a=b", "-i", "dummy", "-o", "null"][..], "-p must stand behind the -i, -F or -o that it belongs to"),
        (&["-i", "dummy", "-m", "*", "-o", "null"], "-m must stand behind -F or -o"),
        (&["-i", "dummy", "-o", "null", "-t", "x"], "-t must stand behind -i"),
        (&["-i", "dummy", "-p", "Rate", "-o", "null"], "-p needs the form -p key=value"),
        (&["-i", "dumy", "-o", "null"], "unknown input \"dumy\""),
        (&["-i", "dummy", "-o", "null", "-e", "x.so"], "-e: plugins in shared objects cannot be loaded"),
        (&["-i", "dummy", "-o", "null", "-f", "soon"], "Flush: \"soon\" is not a time"),
        (&["-R", "none.conf", "-i", "dummy", "-o", "null"], "cannot read none.conf"),
        (&["-w", "/nowhere", "-i", "dummy"], "cannot change to /nowhere"),
        (&["-v"], "there is nothing to run"),
    ] {
        let output = without_file("", arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && stderr.contains(expected), "{arguments:?}: {stderr}");
    }
}

#[test]
fn what_fluent_bit_takes_on_the_command_line_is_taken() {
    let arguments = [
        "--dry-run",
        "-d",
        "-s",
        "65536",
        "-Z",
        "-W",
        "--enable-hot-reload",
        "--http",
        "--port=2021",
        "-L",
        "127.0.0.1",
        "-b",
        "storage",
        "--log_file",
        "log",
        "-vv",
        "-i",
        "dummy",
        "-t",
        "a.b",
        "-F",
        "kubernetes",
        "-m",
        "a.*",
        "-o",
        "null",
        "-p",
        "Match=a.*",
    ];
    let output = without_file("", &arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.ends_with("configuration test is successful\n"), "{stderr}");
    assert!(stderr.contains("command line: notice: ") && stderr.contains("Coro_Stack_Size"), "{stderr}");
    assert!(!stderr.contains("error") && !stderr.contains("warning"), "{stderr}");
}

#[test]
fn what_the_file_says_comes_behind_what_the_command_line_says() {
    let text = "[SERVICE]\n  HTTP_Port 99999\n[INPUT]\n  Name dummy\n[OUTPUT]\n  Name null\n  Match *\n";
    let output = with_configuration(text, &["-D", "-P", "2021", "-o", "stdout", "-m", "*"], b"");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.contains("flytail.conf:2:13: error: HTTP_Port: \"99999\" is not a port"), "{stderr}");
    assert!(
        stderr.contains("command line: warning: HTTP_Port is set 2 times") || stderr.contains("HTTP_Port is set 2")
    );
}

#[test]
fn a_processor_changes_only_what_its_input_gives_or_its_output_gets() {
    let directory = tempfile::tempdir().unwrap();
    let output = |name: &str, processors: &str| {
        format!("    - {{name: file, match: '*', path: ., file: {name}, format: plain, processors: {processors}}}\n")
    };
    let text = format!(
        "pipeline:\n  inputs:\n    - {{name: stdin}}\n  outputs:\n{}{}",
        output("changed", "{logs: [{name: flyte}]}"),
        output("same", "{}")
    );
    let run = |text: &str| {
        fs::write(directory.path().join("a.yaml"), text).unwrap();
        let mut command = flytail();
        command.args(["-c", "a.yaml"]).current_dir(directory.path()).env("TMPDIR", directory.path());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"{\"level\":\"warning\",\"msg\":\"x\"}\n").unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        ["changed", "same"].map(|name| {
            let file = directory.path().join(name);
            let document: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
            fs::remove_file(file).unwrap();
            document["level"].as_str().unwrap().to_owned()
        })
    };
    assert_eq!(run(&text), ["WARN", "warning"]);
    let of_input = text
        .replace("{logs: [{name: flyte}]}", "{}")
        .replace("{name: stdin}", "{name: stdin, processors: {logs: [{name: flyte}]}}");
    assert_eq!(run(&of_input), ["WARN", "WARN"]);
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
fn parse_shows_how_lines_are_joined() {
    let text = "ERROR one\n  two\nthree\n";
    let directory = tempfile::tempdir().unwrap();
    let rules = directory.path().join("parsers.yaml");
    let yaml = "multiline_parsers:\n  - name: levels\n    type: regex\n    rules:\n      - {state: start_state, regex: \
                '/^[A-Z]+ /', next_state: more}\n      - {state: more, regex: '/^\\s/', next_state: more}\n";
    fs::write(&rules, yaml).unwrap();
    let (out, err, code) = parse(&["--multiline", "python, levels", "-R", rules.to_str().unwrap()], text);
    let expected = "record 1: 2 lines from line 1\n  levels > more            ERROR one\n  > more                     two\n\
                    record 2: 1 line from line 3\n  -                        three\n";
    assert_eq!((out.as_str(), code), (expected, Some(0)), "{err}");
    let (out, _, _) = parse(&["--multiline", "levels", "-R", rules.to_str().unwrap(), "--json"], text);
    let first: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    assert_eq!((&first["parser"], &first["text"]), (&"levels".into(), &"ERROR one\n  two".into()));
    let (_, err, code) = parse(&["--multiline", "levels"], text);
    assert!(code == Some(1) && err.contains("there is no multiline parser \"levels\""), "{err}");
    assert_eq!(parse(&["--multiline", "java", "--parser", "json"], "").2, Some(1));
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

/// What is printed into a pipe that nobody reads, and the exit code.
fn printed_into_nothing(arguments: &[&str]) -> (String, Option<i32>) {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = flytail().args(arguments).stdin(Stdio::null()).stdout(writer).output().unwrap();
    (String::from_utf8(output.stderr).unwrap(), output.status.code())
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("flytail.conf");
    fs::write(&file, "[INPUT]\n  Name dummy\n[OUTPUT]\n  Name null\n  Match *\n").unwrap();
    let file = file.to_str().unwrap();
    for arguments in [
        &["options"][..],
        &["setup", "--print", "elasticsearch"],
        &["-i", "tail", "--help"],
        &["check", "--json", file],
        &["parse", "--parser", "json", "Cargo.toml"],
        &["--help"],
        &["--version"],
    ] {
        let (said, code) = printed_into_nothing(arguments);
        let is_parse = arguments[0] == "parse";
        assert!(code == Some(0) || is_parse && code == Some(2), "{arguments:?}: {code:?} {said}");
        assert!(said.is_empty(), "{arguments:?}: {said}");
    }
    let (said, code) = printed_into_nothing(&["check", "--explain", file]);
    assert!(code == Some(0) && said.contains("is valid") && !said.contains("panic"), "{code:?} {said}");
}

#[test]
fn what_cannot_be_read_again_waits_for_no_jitter() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let mut part = [0; 4096];
        assert!(std::io::Read::read(&mut connection, &mut part).unwrap() > 0);
        let body = r#"{"errors":false,"items":[{"create":{"status":201}}]}"#;
        write!(connection, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
            .unwrap();
    });
    let text = format!(
        "[INPUT]\n  Name stdin\n[OUTPUT]\n  Name es\n  Match *\n  Host 127.0.0.1\n  Port {port}\n  Index logs\n  \
         Index_Date Off\n  Start_Jitter 10d\n"
    );
    let output = with_configuration(&text, &[], b"{\"a\":1}\n");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.contains("acked=1"), "{stderr}");
    server.join().unwrap();
}
