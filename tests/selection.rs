//! Which pods' logs are read, through the binary, with pods that a real API server knows.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod support;

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};
use support::cluster::Node;
use support::place::{Place, append, line};
use support::shipper::{Shipper, wait_for};

const NOBODY: &str = "00000000-9a51-4d4c-8a53-0c4d7f0e2b11";
const NOBODY_ELSE: &str = "00000000-9a51-4d4c-8a53-0c4d7f0e2b12";

impl Node {
    fn count(&self, metric: &str) -> u64 {
        self.metric(&format!("flytail_input_{metric}{{name=\"tail.0\"}}")) as u64
    }

    /// Waits until so many files are there and not read because of their pods' labels.
    fn wait_until_unselected(&self, files: u64) {
        self.wait_until_watched();
        wait_for(&files, || self.count("unselected_files"));
    }
}

/// Files of a shipper's node that it has open.
fn open_files(shipper: &Shipper) -> Vec<String> {
    let links = fs::read_dir(format!("/proc/{}/fd", shipper.id())).unwrap();
    let targets = links.filter_map(|link| fs::read_link(link.unwrap().path()).ok());
    targets.map(|target| target.display().to_string()).filter(|target| target.ends_with(".log")).collect()
}

/// Logs that have a checkpoint.
fn checkpoints(place: &Place) -> Vec<String> {
    let database = rusqlite::Connection::open(place.path("state/tail.db")).unwrap();
    let mut rows = database.prepare("SELECT name FROM in_tail_files").unwrap();
    rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn message(number: u32) -> String {
    format!("line {number}")
}

#[test]
fn only_the_logs_of_flytes_pods_are_read() {
    let node = Node::new();
    let create = |namespace, name, labels: Value| node.server.pod_in(namespace, name, &labels, &[]);
    let task = create("shop-development", "custom", json!({"execution-id": "a1"}));
    let second = create("flyte", "second", json!({"flyte.org/run": "r1"}));
    let admin = create("flyte", "admin", json!({"app.kubernetes.io/name": "flyteadmin"}));
    let web = create("flyte", "web", json!({"app": "web"}));
    node.write_in("shop-development", "custom", &task, "of a task");
    node.write("second", &second, "of a task of version 2");
    node.write("admin", &admin, "of admin");
    node.write("web", &web, "of others");
    let mut shipper = node.ship_selected("Select_Pods flyte", "");
    node.wait_until_unselected(1);
    let expected = ["of a task", "of a task of version 2", "of admin"];
    node.place.wait_for(&expected);
    // A file is closed when all of it was read only when it goes: those that are read are open.
    let open = open_files(&shipper);
    assert!(open.len() == 3 && !open.iter().any(|path| path.contains("web")), "{open:?}");
    wait_for(&3, || checkpoints(&node.place).len());
    assert!(!checkpoints(&node.place).iter().any(|path| path.contains("web")));
    assert_eq!((node.count("sources"), node.count("files_selected_by_path_total")), (3, 0));
    assert!(shipper.terminate().success());
}

#[test]
fn all_starts_of_a_container_are_chosen_together() {
    let node = Node::new();
    let uid = node.server.pod_in("flyte", "admin", &json!({"app.kubernetes.io/name": "flyteadmin"}), &[]);
    node.write("admin", &uid, "of the first start");
    let second = node.logs("flyte", "admin", &uid).join("1.log");
    append(&second, &line("of the second start"));
    symlink(&second, node.place.path(&format!("containers/admin_flyte_main-{:064x}.log", 2))).unwrap();
    let both = ["of the first start", "of the second start"];
    let mut shipper = node.ship_selected("Select_Pods flyte", "");
    node.place.wait_for(&both);
    wait_for(&0, || node.count("undecided_files"));
    assert!(shipper.terminate().success());
}

#[test]
fn a_run_that_ends_with_its_files_does_not_end_before_they_are_chosen() {
    let node = Node::new();
    let uid = node.server.pod_in("flyte", "admin", &json!({"app.kubernetes.io/name": "flyteadmin"}), &[]);
    node.write("admin", &uid, "read to its end");
    let mut shipper = node.ship_selected("Select_Pods flyte\n  Exit_On_Eof On", "");
    wait_for(&true, || shipper.ended().is_some());
    assert_eq!(node.place.messages(), ["read to its end"]);
}

#[test]
fn a_pod_is_looked_at_again_when_its_labels_change() {
    let node = Node::new();
    let web = node.server.pod_in("shop", "web", &json!({"app": "web", "watch": "no"}), &[]);
    let api = node.server.pod_in("shop", "api", &json!({"app": "api", "watch": "yes"}), &[]);
    node.write_in("shop", "web", &web, "web, before");
    node.write_in("shop", "api", &api, "api, before");
    let mut shipper = node.ship_selected("Select_Pods app=none ; watch=yes,app in (api, web)", "");
    node.place.wait_for(&["api, before"]);
    node.wait_until_unselected(1);
    node.server.change("shop", "web", &json!({"labels": {"watch": "yes"}}));
    node.server.change("shop", "api", &json!({"labels": {"watch": "no"}}));
    node.place.wait_for(&["api, before", "web, before"]);
    node.write_in("shop", "api", &api, "api, after");
    node.place.wait_for(&["api, before", "web, before", "api, after"]);
    assert!(shipper.terminate().success());
}

#[test]
fn nothing_is_decided_before_the_pods_are_listed() {
    let mut node = Node::new();
    let task = node.server.pod_in("ml", "custom", &json!({"execution-id": "a1"}), &[]);
    let web = node.server.pod_in("ml", "web", &json!({"app": "web"}), &[]);
    node.server.kill();
    node.write_in("ml", "custom", &task, "of a task");
    node.write_in("ml", "web", &web, "of others");
    let mut shipper = node.ship_selected("Select_Pods flyte", "Metadata_Grace 1s");
    node.wait_until_unhealthy("tail.0: 2 files wait until it is known which pods write them");
    assert_eq!((node.count("undecided_files"), node.place.documents().len()), (2, 0));
    // The log goes meanwhile, with all its names.
    fs::remove_dir_all(node.logs("ml", "custom", &task)).unwrap();
    node.server.start_again();
    node.wait_until_unselected(1);
    node.place.wait_for(&["of a task"]);
    wait_for(&"ok\n".to_owned(), || node.page("api/v1/health"));
    assert_eq!((node.count("undecided_files"), node.count("unselected_files")), (0, 1));
    assert!(!open_files(&shipper).iter().any(|path| path.contains("web")));
    assert!(shipper.terminate().success());
}

#[test]
fn a_pod_that_nobody_knows_is_told_by_its_name_or_read() {
    let node = Node::new();
    node.write_in("ml-development", "nightly-n0-0", NOBODY, "of a task");
    node.write_in("ml-development", "postgres-0", NOBODY_ELSE, "of others");
    let mut shipper = node.ship_selected("Select_Pods flyte", "Metadata_Grace 1s");
    node.wait_until_unselected(1);
    node.place.wait_for(&["of a task"]);
    assert_eq!(node.count("files_selected_by_path_total"), 1);
    assert!(shipper.terminate().success());
    let mut shipper = node.ship_selected("Select_Pods app=web", "Metadata_Grace 1s");
    node.place.wait_for(&["of a task", "of others"]);
    assert_eq!(node.count("files_selected_by_path_total"), 2);
    assert!(shipper.terminate().success());
}

#[test]
fn namespaces_are_told_by_the_path() {
    let node = Node::new();
    for (namespace, uid) in [("shop-development", NOBODY), ("shop", NOBODY_ELSE)] {
        node.write_in(namespace, "web", uid, namespace);
    }
    let mut shipper = node.ship_selected("Select_Namespaces flyte, *-development", "Metadata_Grace 0");
    node.place.wait_for(&["shop-development"]);
    node.wait_until_unselected(1);
    assert_eq!(node.count("files_selected_by_path_total"), 0, "the namespace is known for sure");
    assert!(shipper.terminate().success());
}

#[test]
fn files_tell_pods_as_the_server_does() {
    let place = Place::new();
    fs::create_dir(place.path("meta")).unwrap();
    let links: Vec<_> = (0..2).map(|number| (number, place.container(number))).collect();
    let tell = |number: usize, app: &str| {
        let pod = json!({"metadata": {"name": format!("pod-{number}"), "namespace": "flyte", "uid": format!("uid-{number}"), "labels": {"app": app}}});
        fs::write(place.path(&format!("meta/flyte_pod-{number}.meta")), pod.to_string()).unwrap();
    };
    tell(0, "web");
    tell(1, "other");
    for (number, log) in &links {
        support::place::append(log, &support::place::line(&format!("of {number}")));
    }
    let file = place.configure("containers/*.log", "Select_Pods app=web", "");
    let filter = format!("Name kubernetes\n  Kube_Meta_Preload_Cache_Dir {}", place.path("meta").display());
    fs::write(&file, fs::read_to_string(&file).unwrap().replacen("Name kubernetes", &filter, 1)).unwrap();
    let mut shipper = Shipper::start(&file);
    place.wait_for(&["of 0"]);
    wait_for(&1, || open_files(&shipper).len());
    // Files that tell of pods are read again every half minute.
    tell(1, "web");
    place.wait_for(&["of 0", "of 1"]);
    assert!(shipper.terminate().success());
}

#[test]
fn the_log_of_a_pod_that_excludes_itself_is_not_opened() {
    let node = Node::new();
    let web = node.server.pod("web", &json!({"app": "web"}));
    let other = node.server.pod("other", &json!({"app": "other"}));
    node.server.annotate("web", "fluentbit.io/exclude-main", "true");
    node.server.annotate("other", "fluentbit.io/exclude_stderr", "true");
    node.write("web", &web, "excluded");
    node.write("other", &other, "of the other stream");
    let mut shipper = node.ship("K8S-Logging.Exclude On");
    node.place.wait_for(&["of the other stream"]);
    wait_for(&1, || node.count("excluded_files"));
    assert!(!open_files(&shipper).iter().any(|path| path.contains("web")));
    assert_eq!(node.metric("flytail_excluded_by_pods_total"), 0.0);
    node.server.annotate("web", "fluentbit.io/exclude-main", "false");
    wait_for(&0, || node.count("excluded_files"));
    wait_for(&2, || node.count("sources"));
    node.write("web", &web, &message(1));
    node.place.wait_for(&["of the other stream", &message(1)]);
    assert!(shipper.terminate().success());
}
