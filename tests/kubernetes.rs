//! Pods' metadata from a real API server, through the binary, on real files. What arrives is read from a file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod support;

use std::fs;
use std::time::{Duration, Instant};

use serde_json::json;
use support::cluster::{Node, id_of};
use support::shipper::{Shipper, wait_for};

#[test]
fn documents_have_what_the_api_server_knows_of_their_pod() {
    let node = Node::new();
    let uid = node.server.pod("web", &json!({"app": "web", "app.kubernetes.io/name": "shop"}));
    node.server.runs("web", &format!("{:064x}", id_of(&uid)));
    let mut shipper = node.ship("");
    node.write("web", &uid, "hello");
    let kubernetes = &node.document("hello")["kubernetes"];
    let expected = json!({
        "pod_name": "web", "namespace_name": "flyte", "pod_id": uid,
        "labels": {"app": "web", "app_kubernetes_io/name": "shop"}, "annotations": {"note": "a b"},
        "host": "node-a", "pod_ip": "10.1.0.5", "container_name": "main", "docker_id": format!("{:064x}", id_of(&uid)),
        "container_hash": "registry/task@sha256:ab", "container_image": "registry/task:1",
    });
    assert_eq!(*kubernetes, expected);
    assert_eq!(node.document("hello")["execution_id"], "exec-web", "from the container's environment");
    assert!(!fs::read_to_string(node.place.path("out")).unwrap().contains("not to be seen"));
    assert!(shipper.terminate().success());
    let pods: Vec<_> =
        node.server.requests("administrator").into_iter().filter(|request| request.ends_with("pods")).collect();
    assert_eq!(pods, ["create pods", "patch pods", "list pods", "watch pods"]);
}

#[test]
fn a_kubeconfig_leads_to_the_server() {
    let node = Node::new();
    let uid = node.server.pod("web", &json!({"run": "one"}));
    let kubeconfig = node.place.path("kubeconfig");
    let (url, certificates) = (node.server.url(), node.server.certificates());
    let text = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": url, "certificate-authority": certificates}}],
        "users": [{"name": "u", "user": {"token": fs::read_to_string(node.token()).unwrap()}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    });
    fs::write(&kubeconfig, text.to_string()).unwrap();
    let mut shipper = node.ship(&format!("Kube_Config {}", kubeconfig.display()));
    node.write("web", &uid, "hello");
    assert_eq!(node.document("hello")["kubernetes"]["labels"]["run"], "one");
    assert!(shipper.terminate().success());
}

#[test]
fn a_command_prints_the_token() {
    let node = Node::new();
    let uid = node.server.pod("web", &json!({"run": "one"}));
    fs::rename(node.token(), node.place.path("other")).unwrap();
    let command = format!("Kube_Token_Command cat {}", node.place.path("other").display());
    let mut shipper = node.ship(&format!("{command}\n  Metadata_Grace 1h"));
    node.write("web", &uid, "hello");
    assert_eq!(node.document("hello")["kubernetes"]["labels"]["run"], "one");
    assert!(shipper.terminate().success());
}

#[test]
fn the_namespace_s_labels() {
    let node = Node::new();
    let uid = node.server.pod("web", &json!({}));
    let mut shipper = node.ship("Namespace_Labels On");
    node.write("web", &uid, "hello");
    let namespace = &node.document("hello")["kubernetes_namespace"];
    assert_eq!((&namespace["name"], &namespace["labels"]["team"]), (&json!("flyte"), &json!("ml")));
    assert!(node.server.requests("administrator").contains(&"get namespaces".to_owned()));
    assert!(shipper.terminate().success());
}

#[test]
fn a_pod_of_the_same_name_inherits_nothing() {
    let node = Node::new();
    let mut shipper = node.ship("");
    node.wait_until_watched();
    let first = node.server.pod("web", &json!({"run": "first"}));
    node.write("web", &first, "of the first");
    node.server.delete("/api/v1/namespaces/flyte/pods/web").ok();
    let second = node.server.pod("web", &json!({"run": "second"}));
    node.write("web", &second, "of the second");
    node.write("web", &first, "of the first, later");
    for (message, run) in [("of the first", "first"), ("of the second", "second"), ("of the first, later", "first")] {
        assert_eq!(node.document(message)["kubernetes"]["labels"]["run"], run, "{message}");
    }
    assert!(shipper.terminate().success());
}

#[test]
fn a_log_waits_for_its_pod_and_then_goes_without() {
    let node = Node::new();
    let known = node.server.pod("known", &json!({"run": "known"}));
    let mut shipper = node.ship("Metadata_Grace 1h");
    node.wait_until_watched();
    let unknown = "00000000-9a51-4d4c-8a53-0c4d7f0e2b11";
    node.write("unknown", unknown, "nobody knows me");
    wait_for(&true, || node.metric("flytail_input_behind_bytes") > 0.0);
    node.write("known", &known, "others go on");
    node.document("others go on");
    assert_eq!(node.place.messages(), ["others go on"], "the log of a known pod does not wait for the other");
    assert!(shipper.terminate().success());
    let mut shipper = node.ship("Metadata_Grace 1s");
    let document = node.document("nobody knows me");
    assert_eq!(document["kubernetes"]["pod_id"], unknown);
    assert_eq!(document["kubernetes"].get("labels"), None);
    wait_for(&1.0, || node.metric("flytail_metadata_missing_total"));
    assert!(shipper.terminate().success());
}

#[test]
fn a_log_that_is_removed_while_it_waits_is_read() {
    let node = Node::new();
    let mut shipper = node.ship("Metadata_Grace 4s");
    node.wait_until_watched();
    let unknown = "00000000-9a51-4d4c-8a53-0c4d7f0e2b11";
    node.write("unknown", unknown, "read when its time was over");
    wait_for(&true, || node.metric("flytail_input_behind_bytes") > 0.0);
    node.remove("unknown", unknown);
    node.document("read when its time was over");
    assert!(shipper.terminate().success());
}

#[test]
fn a_log_that_is_removed_while_it_waits_is_read_after_a_restart() {
    let node = Node::new();
    let mut shipper = node.ship("Metadata_Grace 1h");
    node.wait_until_watched();
    let unknown = "00000000-9a51-4d4c-8a53-0c4d7f0e2b11";
    node.write("unknown", unknown, "read by the next one");
    wait_for(&true, || node.metric("flytail_input_behind_bytes") > 0.0);
    node.remove("unknown", unknown);
    assert!(shipper.terminate().success());
    let mut shipper = node.ship("Metadata_Grace 1s");
    node.document("read by the next one");
    assert!(shipper.terminate().success());
}

#[test]
fn metadata_that_comes_late_is_used_from_the_next_line_on() {
    let node = Node::new();
    let mut shipper = node.ship("Metadata_Grace 0");
    node.wait_until_watched();
    let uid = node.server.pod("web", &json!({"run": "one"}));
    node.write("web", &uid, "first");
    node.document("first");
    node.server.runs("web", &format!("{:064x}", id_of(&uid)));
    let mut number = 0;
    wait_for(&json!("10.1.0.5"), || {
        number += 1;
        node.write("web", &uid, &format!("line {number}"));
        node.document(&format!("line {number}"))["kubernetes"]["pod_ip"].clone()
    });
    assert!(shipper.terminate().success());
}

#[test]
fn logs_go_on_while_the_api_server_is_away_and_pods_are_known_again_afterwards() {
    let mut node = Node::new();
    let uid = node.server.pod("web", &json!({"run": "one"}));
    let mut shipper = node.ship("Metadata_Grace 1s");
    node.wait_until_watched();
    node.server.kill();
    node.wait_until_unhealthy("pods have not been watched for");
    node.write("web", &uid, "known from before");
    assert_eq!(node.document("known from before")["kubernetes"]["labels"]["run"], "one");
    node.write("other", "00000000-9a51-4d4c-8a53-0c4d7f0e2b11", "known to nobody");
    assert_eq!(node.document("known to nobody")["kubernetes"].get("labels"), None);
    node.server.start_again();
    node.wait_until_watched();
    wait_for(&"ok\n".to_owned(), || node.page("api/v1/health"));
    let later = node.server.pod("later", &json!({"run": "later"}));
    node.write("later", &later, "came later");
    assert_eq!(node.document("came later")["kubernetes"]["labels"]["run"], "later");
    assert!(node.metric("flytail_kubernetes_errors_total{name=\"kubernetes.0\",kind=\"unreachable\"}") >= 1.0);
    shipper.assert_running();
    assert!(shipper.terminate().success());
}

#[test]
fn pods_are_listed_again_when_the_server_has_forgotten_where_the_watch_was() {
    // Without a cache of its own the server asks etcd, which was compacted.
    let mut node = Node::with_flags(&["--watch-cache-sizes=pods#0"]);
    let first = node.server.pod("first", &json!({"run": "first"}));
    let mut shipper = node.ship("");
    node.wait_until_watched();
    node.server.kill();
    node.wait_until_unhealthy("pods have not been watched for");
    shipper.pause();
    node.server.start_again();
    node.server.delete("/api/v1/namespaces/flyte/pods/first").ok();
    let second = node.server.pod("second", &json!({"run": "second"}));
    node.server.compact();
    shipper.go_on();
    node.wait_until_watched();
    wait_for(&2.0, || node.metric("flytail_kubernetes_lists_total"));
    assert_eq!(node.metric("flytail_kubernetes_errors_total{name=\"kubernetes.0\",kind=\"gone\"}"), 1.0);
    node.write("second", &second, "came meanwhile");
    assert_eq!(node.document("came meanwhile")["kubernetes"]["labels"]["run"], "second");
    node.write("first", &first, "is gone");
    assert_eq!(node.document("is gone")["kubernetes"]["labels"]["run"], "first");
    assert!(shipper.terminate().success());
}

#[test]
fn rights_that_are_taken_away_and_given_back() {
    let mut node = Node::new();
    node.server.account("shipper", &node.token());
    let mut shipper = node.ship("Metadata_Grace 1s");
    node.wait_until_unhealthy("403");
    node.server.allow("shipper");
    node.wait_until_watched();
    let uid = node.server.pod("web", &json!({"run": "one"}));
    node.write("web", &uid, "first");
    assert_eq!(node.document("first")["kubernetes"]["labels"]["run"], "one");
    // What is followed already is not cut by the server itself.
    node.server.disallow("shipper");
    node.server.kill();
    node.server.start_again();
    node.wait_until_unhealthy("403");
    node.server.allow("shipper");
    node.wait_until_watched();
    // The token's account goes, and with it the token; a new one is told by the file.
    node.server.forget_account("shipper");
    node.server.kill();
    node.server.start_again();
    node.wait_until_unhealthy("401");
    node.write("web", &uid, "second");
    assert_eq!(node.document("second")["kubernetes"]["labels"]["run"], "one");
    node.server.account("shipper", &node.token());
    node.wait_until_watched();
    for kind in ["forbidden", "unauthorized"] {
        let errors = format!("flytail_kubernetes_errors_total{{name=\"kubernetes.0\",kind=\"{kind}\"}}");
        assert!(node.metric(&errors) >= 1.0, "{kind}");
    }
    assert!(shipper.terminate().success());
}

#[test]
fn a_pod_that_is_gone_is_known_after_a_restart() {
    for is_killed in [false, true] {
        let node = Node::new();
        let uid = node.server.pod("web", &json!({"run": "one"}));
        let mut shipper = node.ship("");
        node.write("web", &uid, "before");
        node.document("before");
        node.server.delete("/api/v1/namespaces/flyte/pods/web").ok();
        // What comes last says that what came before was seen.
        let last = node.server.pod("last", &json!({"run": "last"}));
        node.write("last", &last, "last");
        node.document("last");
        if is_killed {
            shipper.kill();
        } else {
            assert!(shipper.terminate().success());
        }
        node.write("web", &uid, "after");
        let mut shipper = node.ship("");
        assert_eq!(node.document("after")["kubernetes"]["labels"]["run"], "one");
        assert!(shipper.terminate().success());
    }
}

#[test]
fn a_pod_that_is_gone_is_known_after_a_reload() {
    let node = Node::new();
    let uid = node.server.pod("web", &json!({"run": "one"}));
    let mut shipper = node.ship_with("Hot_Reload On", "");
    node.write("web", &uid, "before");
    node.document("before");
    node.server.delete("/api/v1/namespaces/flyte/pods/web").ok();
    let last = node.server.pod("last", &json!({"run": "last"}));
    node.write("last", &last, "last");
    node.document("last");
    shipper.hang_up();
    wait_for(&1.0, || node.metric("flytail_hot_reloads_total{outcome=\"done\"}"));
    node.write("web", &uid, "after");
    assert_eq!(node.document("after")["kubernetes"]["labels"]["run"], "one");
    assert!(shipper.terminate().success());
}

#[test]
fn a_pod_can_exclude_itself_from_some_line_on() {
    let node = Node::new();
    let uid = node.server.pod("web", &json!({"run": "one"}));
    let mut shipper = node.ship("K8S-Logging.Exclude On");
    node.write("web", &uid, "before");
    node.document("before");
    node.server.annotate("web", "fluentbit.io/exclude", "true");
    let mut number = 0;
    wait_for(&true, || {
        number += 1;
        node.write("web", &uid, &format!("line {number}"));
        node.metric("flytail_excluded_by_pods_total") > 0.0
    });
    node.server.annotate("web", "fluentbit.io/exclude", "false");
    wait_for(&true, || {
        number += 1;
        node.write("web", &uid, &format!("later {number}"));
        node.place.messages().iter().any(|message| message.starts_with("later"))
    });
    assert!(shipper.terminate().success());
}

#[test]
fn all_workers_and_filters_share_one_watch() {
    let node = Node::new();
    let uids: Vec<_> =
        (0..8).map(|number| node.server.pod(&format!("web-{number}"), &json!({"run": number.to_string()}))).collect();
    let file = node.configure("Workers 2", "");
    let text = fs::read_to_string(&file).unwrap();
    let begin = text.find("[FILTER]").unwrap();
    let end = text.find("[OUTPUT]").unwrap();
    let filter = text[begin..end].replacen("Match *", "Match none", 1);
    fs::write(&file, format!("{}{filter}{}", &text[..end], &text[end..])).unwrap();
    let mut shipper = Shipper::start(&file);
    for (number, uid) in uids.iter().enumerate() {
        node.write(&format!("web-{number}"), uid, &number.to_string());
    }
    for number in 0..uids.len() {
        assert_eq!(node.document(&number.to_string())["kubernetes"]["labels"]["run"], number.to_string());
    }
    assert!(shipper.terminate().success());
    let requests = node.server.requests("administrator");
    let count = |request: &str| requests.iter().filter(|made| *made == request).count();
    assert_eq!((count("list pods"), count("watch pods")), (1, 1));
}

/// 110 pods on the node, and in a minute 500 that come and go, each with a log that lives for two seconds.
#[test]
#[ignore = "takes more than a minute: run it with --ignored"]
fn pods_that_live_for_two_seconds_have_their_labels() {
    const STAYING: usize = 110;
    const PASSING: usize = 500;
    let node = Node::new();
    for number in 0..STAYING {
        let uid = node.server.pod(&format!("stays-{number}"), &json!({"run": format!("stays-{number}")}));
        node.write(&format!("stays-{number}"), &uid, &format!("stays-{number}"));
    }
    let mut shipper = node.ship("");
    node.wait_until_watched();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for number in 0..PASSING {
            let due = Duration::from_secs(60) * u32::try_from(number).unwrap() / u32::try_from(PASSING).unwrap();
            std::thread::sleep(due.saturating_sub(began.elapsed()));
            let node = &node;
            scope.spawn(move || {
                let name = format!("passes-{number}");
                let uid = node.server.pod(&name, &json!({"run": name}));
                node.write(&name, &uid, &name);
                std::thread::sleep(Duration::from_secs(2));
                node.server.delete(&format!("/api/v1/namespaces/flyte/pods/{name}")).ok();
                node.remove(&name, &uid);
            });
        }
    });
    eprintln!("{PASSING} pods in {:.1?}", began.elapsed());
    wait_for(&(STAYING + PASSING), || node.place.documents().len());
    for document in node.place.documents() {
        assert_eq!(document["kubernetes"]["labels"]["run"], document["message"], "{document}");
        assert_eq!(document["execution_id"], format!("exec-{}", document["message"].as_str().unwrap()), "{document}");
    }
    assert_eq!(node.metric("flytail_metadata_missing_total"), 0.0);
    let requests = node.server.requests("administrator");
    let count = |request: &str| requests.iter().filter(|made| *made == request).count();
    assert_eq!((count("list pods"), count("watch pods")), (1, 1));
    assert!(shipper.terminate().success());
}
