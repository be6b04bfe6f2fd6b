//! Reloading the configuration, through the binary: what is asked for, what is answered, and that no line is lost or
//! there twice. Reloads under load are a part of the torture run.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use support::place::{Place, append, line};
use support::server::free_port;
use support::shipper::{Shipper, wait_for};

/// A shipper whose status server is known.
struct Reloading {
    place: Place,
    port: u16,
    shipper: Shipper,
}

impl Reloading {
    /// Tails a plain file, with these options and this output.
    fn start(service: &str, options: &str, output: &str) -> Self {
        let (place, port) = (Place::new(), free_port());
        let configuration = configure(&place, port, service, options, output);
        let shipper = Shipper::start(&configuration);
        wait_for(&true, || shipper.log().contains("status server listens"));
        Self { place, port, shipper }
    }

    fn configure(&self, service: &str, options: &str, output: &str) {
        configure(&self.place, self.port, service, options, output);
    }

    fn append(&self, text: &str) {
        append(&self.place.path("app.log"), &format!("{text}\n"));
    }

    fn wait_for(&self, messages: &[&str]) {
        self.place.wait_for(messages);
    }

    /// The status and the answer of a request to `/api/v2/reload`.
    fn reload(&self) -> (u16, Value) {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().into();
        let url = format!("http://127.0.0.1:{}/api/v2/reload", self.port);
        let mut answer = agent.post(url).send_empty().unwrap();
        (answer.status().as_u16(), serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap())
    }

    fn assert_reloads(&self) {
        assert_eq!(self.reload(), (200, serde_json::json!({"reload": "done", "status": 0})));
    }
}

fn configure(place: &Place, port: u16, service: &str, options: &str, output: &str) -> PathBuf {
    let root = place.root.path().display();
    let file = format!("Name file\n  Path {root}\n  File out\n  Format plain");
    let output = if output.is_empty() { &file } else { output };
    let text = format!(
        "[SERVICE]\n  Flush 0.1\n  Log_Level debug\n  HTTP_Server On\n  HTTP_Listen 127.0.0.1\n  HTTP_Port {port}\n  {service}\n\
         [INPUT]\n  Name tail\n  Path {root}/app.log\n  Key message\n  Refresh_Interval 1\n  {options}\n\
         [OUTPUT]\n  Match *\n  {output}\n"
    );
    let configuration = place.path("flytail.conf");
    fs::write(&configuration, text).unwrap();
    configuration
}

#[test]
fn files_without_a_database_go_on_where_they_were() {
    let mut reloading = Reloading::start("Hot_Reload On", "", "");
    reloading.append("one");
    reloading.wait_for(&["one"]);
    for (number, text) in ["two", "three", "four"].into_iter().enumerate() {
        reloading.configure("Hot_Reload On", &format!("Path_Key path{number}"), "");
        reloading.assert_reloads();
        reloading.append(text);
    }
    reloading.wait_for(&["one", "two", "three", "four"]);
    let documents = reloading.place.documents();
    assert!(documents.last().unwrap()["path2"].is_string(), "the new configuration holds: {documents:?}");
    assert!(reloading.shipper.terminate().success());
}

#[test]
fn what_is_not_valid_is_refused_with_the_reason_and_the_old_one_goes_on() {
    let mut reloading = Reloading::start("Hot_Reload On", "", "");
    reloading.configure("Hot_Reload On", "Pahse 1", "");
    let (status, answer) = reloading.reload();
    assert_eq!((status, &answer["reload"]), (400, &"refused".into()));
    assert!(answer["problems"].as_str().unwrap().contains("Pahse"), "{answer}");
    let log = reloading.shipper.log();
    assert!(log.contains("the new configuration is refused, the old one goes on"), "{log}");
    assert!(log.contains(" |   Pahse 1\n") && log.contains(" |   ^^^^^\n"), "{log}");
    reloading.append("one");
    reloading.wait_for(&["one"]);
    reloading.configure("Hot_Reload On", "", "");
    reloading.assert_reloads();
    reloading.append("two");
    reloading.wait_for(&["one", "two"]);
    assert!(reloading.shipper.terminate().success());
}

#[test]
fn a_hangup_ends_nothing_where_reloading_is_off() {
    let mut reloading = Reloading::start("", "", "");
    assert_eq!(reloading.reload(), (200, serde_json::json!({"reload": "not enabled", "status": -1})));
    let hangup = Command::new("kill").args(["-HUP", &reloading.shipper.id().to_string()]).status().unwrap();
    assert!(hangup.success());
    wait_for(&true, || reloading.shipper.log().contains("Hot_Reload is off"));
    reloading.append("one");
    reloading.wait_for(&["one"]);
    assert!(reloading.shipper.terminate().success());
}

#[test]
fn a_reload_waits_for_no_server() {
    let away = "Name es\n  Host 127.0.0.1\n  Port 1";
    let mut reloading = Reloading::start("Hot_Reload On", "", away);
    reloading.append("one");
    wait_for(&true, || reloading.shipper.log().contains("not delivered yet"));
    // What the server did not take goes to where the new configuration says.
    reloading.configure("Hot_Reload On", "", "");
    reloading.assert_reloads();
    reloading.wait_for(&["one"]);
    assert!(reloading.shipper.terminate().success());
}

#[test]
fn logs_of_containers_go_on_with_their_database() {
    let place = Place::new();
    let log = place.container(1);
    append(&log, &line("one"));
    let configuration = place.configure("containers/*.log", "", "");
    let enabled = fs::read_to_string(&configuration).unwrap().replace("[SERVICE]", "[SERVICE]\n  Hot_Reload On");
    fs::write(&configuration, &enabled).unwrap();
    let mut shipper = Shipper::start(&configuration);
    place.wait_for(&["one"]);
    for (number, text) in ["two", "three", "four"].iter().enumerate() {
        fs::rename(&log, log.with_file_name(format!("0.log.20261122-00000{number}"))).unwrap();
        append(&log, &line(text));
        fs::write(&configuration, enabled.replace("Flush 0.1", &format!("Flush 0.{}", number + 2))).unwrap();
        assert!(Command::new("kill").args(["-HUP", &shipper.id().to_string()]).status().unwrap().success());
        wait_for(&(number + 1), || shipper.log().matches("] reloaded ").count());
    }
    place.wait_for(&["one", "two", "three", "four"]);
    assert!(shipper.terminate().success());
}

#[test]
fn changed_files_are_taken_as_a_config_map_changes_them() {
    let mut reloading = Reloading::start("Hot_Reload On", "", "");
    let volume = |name: &str| reloading.place.path("config").join(name);
    // The volume of a ConfigMap: names that lead through `..data`, which is replaced at once.
    let mount = |generation: &str, parser: &str| {
        fs::create_dir_all(volume(generation)).unwrap();
        fs::write(volume(generation).join("parsers.conf"), parser).unwrap();
        symlink(generation, volume("..new")).unwrap();
        fs::rename(volume("..new"), volume("..data")).unwrap();
    };
    mount("..1", "[PARSER]\n  Name mine\n  Format regex\n  Regex ^(?<first>\\w+) (?<message>.*)$\n");
    symlink("..data/parsers.conf", volume("parsers.conf")).unwrap();
    reloading.configure("Hot_Reload On\n  Parsers_File config/parsers.conf", "Parser mine", "");
    reloading.assert_reloads();
    reloading.append("a one");
    reloading.wait_for(&["one"]);
    mount("..2", "[PARSER]\n  Name mine\n  Format regex\n  Regex ^(?<second>\\w+) (?<message>.*)$\n");
    wait_for(&2, || reloading.shipper.log().matches("] reloaded ").count());
    reloading.append("b two");
    reloading.wait_for(&["one", "two"]);
    assert_eq!(reloading.place.documents()[1]["second"], "b");
    // What is not valid is refused once, not again and again.
    mount("..3", "[PARSER]\n  Name mine\n  Format regex\n  Regex ^(?<second>\\w+ (?<message>.*)$\n");
    wait_for(&1, || reloading.shipper.log().matches("is refused, the old one goes on").count());
    mount("..4", "[PARSER]\n  Name mine\n  Format regex\n  Regex ^(?<third>\\w+) (?<message>.*)$\n");
    wait_for(&3, || reloading.shipper.log().matches("] reloaded ").count());
    reloading.append("c three");
    reloading.wait_for(&["one", "three", "two"]);
    assert_eq!(reloading.place.documents()[2]["third"], "c");
    assert_eq!(reloading.shipper.log().matches("is refused, the old one goes on").count(), 1);
    assert!(reloading.shipper.terminate().success());
}
