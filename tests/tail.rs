//! The tail input through the binary, on real files: rotation, restarts, truncation. What arrives is read from a file,
//! so that these tests need no server.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod support;

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::PathBuf;

use flytail::cli::demo::generator::{Kubelet, Runtime, sequence_in};
use serde_json::Value;
use support::node::Node;
use support::shipper::{Shipper, wait_for};

/// A configuration like the brief's that writes what would be indexed to a file.
fn configure(node: &Node, database: bool) -> PathBuf {
    let root = node.directory.path();
    let database = if database { format!("DB {}/state/tail.db", root.display()) } else { String::new() };
    let text = format!(
        "[SERVICE]\n  Flush 0.2\n  Log_Level debug\n[INPUT]\n  Name tail\n  Path {}/*flyte*.log\n  Tag kube.*\n  Parser docker\n  {database}\n\
         [FILTER]\n  Name kubernetes\n  Match kube.*\n  Merge_Log On\n  Keep_Log Off\n  Kube_Meta_Preload_Cache_Dir {}\n\
         [OUTPUT]\n  Name file\n  Match *\n  Path {}\n  File out\n  Format plain\n",
        Kubelet::log_directory(root).display(),
        root.join("metadata").display(),
        root.display(),
    );
    let file = root.join("flytail.conf");
    fs::write(&file, text).unwrap();
    file
}

/// How often each line has arrived, by sequence number.
fn arrived(node: &Node) -> HashMap<u64, u32> {
    let mut arrived = HashMap::new();
    let text = fs::read(node.directory.path().join("out")).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    for line in text[..whole].lines() {
        // What a kill tore is no document; its line is to come again.
        let Ok(document) = serde_json::from_str::<Value>(line) else { continue };
        let sequence = sequence_in(document["message"].as_str().unwrap()).unwrap();
        *arrived.entry(sequence).or_default() += 1;
    }
    arrived
}

fn wait_for_all(node: &Node, shipper: &mut Shipper) {
    let written: HashSet<u64> = node.truths.keys().copied().collect();
    wait_for(&Vec::new(), || {
        shipper.assert_running();
        let arrived = arrived(node);
        let missing = written.iter().filter(|sequence| !arrived.contains_key(sequence));
        let shown =
            missing.map(|sequence| format!("{sequence}: {}", node.truths[sequence].message())).collect::<Vec<_>>();
        if shown.len() < 20 { shown } else { vec![format!("{} lines", shown.len())] }
    });
}

#[test]
fn nothing_is_lost_over_rotations_while_lines_are_written() {
    let mut node = Node::new(42, Runtime::Containerd);
    let mut shipper = Shipper::start(&configure(&node, true));
    for step in 0..12 {
        node.write(2_000);
        if step % 3 == 2 {
            node.rotate();
        }
    }
    wait_for_all(&node, &mut shipper);
    assert!(shipper.terminate().success());
    assert!(arrived(&node).values().all(|count| *count == 1));
}

#[test]
fn a_restart_goes_on_where_the_last_run_stopped() {
    let mut node = Node::new(43, Runtime::Containerd);
    let configuration = configure(&node, true);
    let mut shipper = Shipper::start(&configuration);
    node.write(3_000);
    wait_for_all(&node, &mut shipper);
    assert!(shipper.terminate().success());
    node.write(1_000);
    node.rotate();
    node.write(1_000);
    node.rotate();
    node.write(1_000);
    let mut shipper = Shipper::start(&configuration);
    wait_for_all(&node, &mut shipper);
    assert!(shipper.terminate().success());
    let twice: Vec<_> = arrived(&node).into_iter().filter(|(_, count)| *count > 1).collect();
    assert!(twice.is_empty(), "read again after an orderly end: {twice:?}");
}

#[test]
fn a_killed_run_loses_nothing() {
    let mut node = Node::new(44, Runtime::Containerd);
    let configuration = configure(&node, true);
    for _ in 0..5 {
        let mut shipper = Shipper::start(&configuration);
        node.write(2_000);
        // Somewhere in the middle of what was written: the moment does not matter.
        wait_for(&true, || arrived(&node).len() * 2 > node.truths.len());
        shipper.kill();
        node.write(500);
        node.rotate();
    }
    let mut shipper = Shipper::start(&configuration);
    wait_for_all(&node, &mut shipper);
    assert!(shipper.terminate().success());
}

/// A tail of plain files that writes to `out`.
fn plain(directory: &std::path::Path, options: &str) -> PathBuf {
    let text = format!(
        "[SERVICE]\n  Flush 0.1\n[INPUT]\n  Name tail\n  Path {0}/*.log\n  DB {0}/tail.db\n  Refresh_Interval 1\n  {options}\n\
         [OUTPUT]\n  Name file\n  Match *\n  Path {0}\n  File out\n  Format plain\n",
        directory.display()
    );
    let file = directory.join("flytail.conf");
    fs::write(&file, text).unwrap();
    file
}

/// What arrived.
fn records(directory: &std::path::Path) -> Vec<Value> {
    let out = fs::read_to_string(directory.join("out")).unwrap_or_default();
    let whole = out.rfind('\n').map_or(0, |end| end + 1);
    out[..whole].lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The `log` members of what arrived.
fn texts(directory: &std::path::Path) -> Vec<String> {
    records(directory).iter().map(|document| document["log"].as_str().unwrap().to_owned()).collect()
}

/// The same as [`plain`] with a parsers file.
fn plain_with_parsers(directory: &std::path::Path, parsers: &str, options: &str) -> PathBuf {
    fs::write(directory.join("parsers.conf"), parsers).unwrap();
    let configuration = plain(directory, options);
    let text = fs::read_to_string(&configuration).unwrap();
    fs::write(&configuration, text.replace("[SERVICE]", "[SERVICE]\n  Parsers_File parsers.conf")).unwrap();
    configuration
}

fn append(path: &std::path::Path, text: &str) {
    use std::io::Write;
    fs::OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn plain_files_are_followed_through_every_kind_of_change() {
    let directory = tempfile::tempdir().unwrap();
    let (directory, file) = (directory.path(), directory.path().join("app.log"));
    let mut shipper = Shipper::start(&plain(directory, ""));
    let mut expected = vec!["one".to_owned()];
    append(&file, "one\nunfin");
    wait_for(&expected, || texts(directory));
    append(&file, "ished\n\nempty before\r\n");
    expected.extend(["unfinished", "", "empty before"].map(str::to_owned));
    wait_for(&expected, || texts(directory));
    fs::rename(&file, directory.join("app.log.1")).unwrap();
    append(&directory.join("app.log.1"), "written after the rename\n");
    append(&file, "new file\n");
    expected.extend(["written after the rename", "new file"].map(str::to_owned));
    wait_for(&expected, || texts(directory));
    fs::OpenOptions::new().write(true).truncate(true).open(&file).unwrap();
    append(&file, "short\n");
    expected.push("short".to_owned());
    wait_for(&expected, || texts(directory));
    append(&file, "no end");
    fs::rename(&file, directory.join("app.log.2")).unwrap();
    // Nothing can be added behind a rotated file's last line once Rotate_Wait is over.
    expected.push("no end".to_owned());
    wait_for(&expected, || texts(directory));
    assert!(shipper.terminate().success());
}

#[test]
fn a_line_that_is_too_long_is_cut_or_skipped_and_the_file_goes_on() {
    let long = "x".repeat(1_000_000);
    for (options, pieces) in [("", 4), ("Skip_Long_Lines On", 0)] {
        let directory = tempfile::tempdir().unwrap();
        append(&directory.path().join("app.log"), &format!("before\n{long}\nafter\n"));
        let mut shipper = Shipper::start(&plain(directory.path(), options));
        wait_for(&Some("after".to_owned()), || texts(directory.path()).pop());
        assert!(shipper.terminate().success());
        let texts = texts(directory.path());
        assert_eq!(texts.len(), pieces + 2, "{options}");
        let shipped: usize = texts[1..=pieces].iter().map(String::len).sum();
        assert_eq!(shipped, if pieces > 0 { long.len() } else { 0 });
    }
}

#[test]
fn paths_offsets_tags_and_exclusions_are_as_asked() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    append(&directory.join("app.log"), "one\ntwo\n");
    append(&directory.join("other.log"), "left out\n");
    let options = "Tag plain.*\n  Exclude_Path */other.log\n  Path_Key file\n  Offset_Key at\n  Key text";
    let configuration = plain(directory, options);
    let text = fs::read_to_string(&configuration).unwrap().replace("Format plain", "Format default");
    fs::write(&configuration, text).unwrap();
    let mut shipper = Shipper::start(&configuration);
    let out = || fs::read_to_string(directory.join("out")).unwrap_or_default();
    wait_for(&2, || out().lines().count());
    assert!(shipper.terminate().success());
    let path = directory.join("app.log").display().to_string();
    let tag = format!("plain{}: [", path.replace('/', ".").replace("..", "."));
    for (line, (text, offset)) in out().lines().zip([("one", 0), ("two", 4)]) {
        let (time, record) = line.strip_prefix(&tag).unwrap().trim_end_matches(']').split_once(", ").unwrap();
        assert!(time.parse::<f64>().unwrap() > 1_700_000_000.0, "{line}");
        let record: Value = serde_json::from_str(record).unwrap();
        assert_eq!(record, serde_json::json!({"text": text, "file": path, "at": offset}));
    }
}

#[test]
fn read_from_head_off_begins_at_the_end_of_files_that_were_there() {
    let directory = tempfile::tempdir().unwrap();
    let old = directory.path().join("old.log");
    append(&old, "old\n");
    let mut shipper = Shipper::start(&plain(directory.path(), "Read_from_Head Off"));
    // The new file is read from its beginning, so its line tells that the first scan is over.
    let mut tries = 0;
    wait_for(&true, || {
        tries += 1;
        append(&directory.path().join(format!("new{tries}.log")), "new\n");
        texts(directory.path()).contains(&"new".to_owned())
    });
    append(&old, "added\n");
    wait_for(&true, || texts(directory.path()).contains(&"added".to_owned()));
    assert!(!texts(directory.path()).contains(&"old".to_owned()));
    assert!(shipper.terminate().success());
}

#[test]
fn new_files_are_read_from_their_ends_and_what_follows_them_from_its_beginning() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    append(&directory.join("old.log"), "old\n");
    let options = "Read_from_Head Off\n  Read_newly_discovered_files_from_head Off";
    let mut shipper = Shipper::start(&plain(directory, options));
    // A file is only passed over once the first scan is over, which what is added to it tells.
    wait_for(&true, || {
        append(&directory.join("old.log"), "added\n");
        texts(directory).contains(&"added".to_owned())
    });
    let new = directory.join("new.log");
    append(&new, "new\n");
    wait_for(&true, || {
        append(&new, "more\n");
        texts(directory).contains(&"more".to_owned())
    });
    fs::rename(&new, directory.join("new.log.1")).unwrap();
    append(&new, "behind the rotation\n");
    wait_for(&true, || texts(directory).contains(&"behind the rotation".to_owned()));
    assert!(shipper.terminate().success());
    let texts = texts(directory);
    assert!(!texts.iter().any(|text| text == "old" || text == "new"), "{texts:?}");
}

#[test]
fn a_file_under_another_name_is_another_file_if_names_are_compared() {
    for (option, expected) in [("Off", vec!["one", "two"]), ("On", vec!["one", "one", "two"])] {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        append(&directory.join("a.log"), "one\n");
        let configuration = plain(directory, &format!("DB.compare_filename {option}"));
        let mut shipper = Shipper::start(&configuration);
        wait_for(&vec!["one".to_owned()], || texts(directory));
        assert!(shipper.terminate().success());
        fs::rename(directory.join("a.log"), directory.join("b.log")).unwrap();
        append(&directory.join("b.log"), "two\n");
        let mut shipper = Shipper::start(&configuration);
        wait_for(&true, || texts(directory).contains(&"two".to_owned()));
        assert!(shipper.terminate().success());
        assert_eq!(texts(directory), expected, "{option}");
    }
}

#[test]
fn files_in_other_encodings_are_read_through_rotations_and_restarts() {
    let little = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let cyrillic = |text: &str| {
        let byte = |letter: char| if letter.is_ascii() { letter as u8 } else { (letter as u32 - 0x410 + 0xc0) as u8 };
        text.chars().map(byte).collect::<Vec<u8>>()
    };
    type Encode<'e> = &'e dyn Fn(&str) -> Vec<u8>;
    let cases: [(&str, &str, Encode<'_>); 3] = [
        ("Unicode.Encoding auto", "\u{feff}", &little),
        ("Unicode.Encoding UTF-16LE", "", &little),
        ("Generic.Encoding Win1251", "", &cyrillic),
    ];
    for (options, mark, encode) in cases {
        let directory = tempfile::tempdir().unwrap();
        let (directory, file) = (directory.path(), directory.path().join("app.log"));
        let append = |text: &str| {
            use std::io::Write;
            fs::OpenOptions::new().create(true).append(true).open(&file).unwrap().write_all(&encode(text)).unwrap();
        };
        let configuration = plain(directory, options);
        let mut shipper = Shipper::start(&configuration);
        append(&format!("{mark}раз\r\n"));
        append("два\nполо");
        let mut expected: Vec<String> = ["раз", "два"].map(str::to_owned).into();
        wait_for(&expected, || texts(directory));
        assert!(shipper.terminate().success());
        // What was half a line goes on, in the file that is renamed meanwhile.
        append("вина\n");
        fs::rename(&file, directory.join("app.log.1")).unwrap();
        append(&format!("{mark}новый файл\n"));
        let mut shipper = Shipper::start(&configuration);
        expected.extend(["половина", "новый файл"].map(str::to_owned));
        wait_for(&expected, || texts(directory));
        append("конец\n");
        expected.push("конец".to_owned());
        wait_for(&expected, || texts(directory));
        shipper.kill();
        assert_eq!(texts(directory), expected, "{options}");
    }
}

#[test]
fn lines_behind_a_first_line_are_joined_over_a_restart_and_a_rotation() {
    let directory = tempfile::tempdir().unwrap();
    let (directory, file) = (directory.path(), directory.path().join("app.log"));
    let parsers = "[PARSER]\n  Name first\n  Format regex\n  Regex ^(?<number>\\d+) (?<text>.*)$\n\
                   [PARSER]\n  Name code\n  Format regex\n  Regex ^code=(?<code>\\w+)$\n";
    // So long that only the next first line ends a group here.
    let options = "Multiline On\n  Parser_Firstline first\n  Parser_1 code\n  Multiline_Flush 1000\n  Offset_Key at";
    let configuration = plain_with_parsers(directory, parsers, options);
    let records = || records(directory);
    let mut shipper = Shipper::start(&configuration);
    append(&file, "alone\n1 one\r\n  a\ncode=x\n  b\n2 two\n");
    let mut expected = vec![
        serde_json::json!({"log": "alone", "at": 0}),
        serde_json::json!({"number": "1", "text": "one\n  a", "code": "x\n  b", "at": 6}),
    ];
    wait_for(&expected, records);
    assert!(shipper.terminate().success());
    append(&file, "  c\n");
    fs::rename(&file, directory.join("app.log.1")).unwrap();
    append(&file, "  d\n3 three\n  e\n");
    let mut shipper = Shipper::start(&configuration);
    expected.push(serde_json::json!({"number": "2", "text": "two\n  c\n  d", "at": 28}));
    wait_for(&expected, records);
    fs::rename(&file, directory.join("app.log.2")).unwrap();
    append(&file, "  f\n4 four\n");
    expected.push(serde_json::json!({"number": "3", "text": "three\n  e\n  f", "at": 4}));
    wait_for(&expected, records);
    assert!(shipper.terminate().success());
    assert_eq!(records(), expected);
}

#[test]
fn groups_of_several_keys_go_on_over_a_restart_and_rotations() {
    let directory = tempfile::tempdir().unwrap();
    let (directory, file) = (directory.path(), directory.path().join("app.log"));
    let parsers = "[PARSER]\n  Name thread\n  Format regex\n  Regex ^(?<thread>\\w) (?<text>.*)$\n\
                   [MULTILINE_PARSER]\n  Name threads\n  Type regex\n  Flush_Timeout 1000000\n  Parser thread\n  \
                   Key_Content text\n  Key_Group thread\n  Rule \"start_state\" \"/^\\[/\" \"more\"\n  \
                   Rule \"more\" \"/^ /\" \"more\"\n";
    let configuration = plain_with_parsers(directory, parsers, "multiline.parser threads\n  Offset_Key at");
    let records = || records(directory);
    let mut shipper = Shipper::start(&configuration);
    append(&file, "c [0\na [1\nb [2\na  x\nc [7\n");
    let mut expected = vec![serde_json::json!({"thread": "c", "text": "[0", "at": 0})];
    wait_for(&expected, records);
    assert!(shipper.terminate().success());
    append(&file, "b  y\n");
    fs::rename(&file, directory.join("app.log.1")).unwrap();
    append(&file, "a  z\nb  w\na [3\nb [4\nc [8\n");
    let mut shipper = Shipper::start(&configuration);
    expected.push(serde_json::json!({"thread": "c", "text": "[0", "at": 0}));
    expected.push(serde_json::json!({"thread": "a", "text": "[1\n x\n z", "at": 5}));
    expected.push(serde_json::json!({"thread": "b", "text": "[2\n y\n w", "at": 10}));
    expected.push(serde_json::json!({"thread": "c", "text": "[7", "at": 20}));
    wait_for(&expected, records);
    fs::rename(&file, directory.join("app.log.2")).unwrap();
    append(&file, "a  p\nb [5\na [6\n");
    expected.push(serde_json::json!({"thread": "b", "text": "[4", "at": 15}));
    expected.push(serde_json::json!({"thread": "a", "text": "[3\n p", "at": 10}));
    wait_for(&expected, records);
    assert!(shipper.terminate().success());
    assert_eq!(records(), expected);
}
