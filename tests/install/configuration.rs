//! The configuration: one source for all ways to install, sound, and run as the manifests run it.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::Path;
use std::process::Command;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::deploy;
use crate::manifests::{chart, container, documents, find, kustomize, overlay, well};
use crate::node::Node;
use crate::roles::{SETUP, SHIPPER, add_users, assert_nothing_else_is_allowed};
use crate::support::client::Client;
use crate::support::kubernetes::ApiServer;
use crate::support::place::{append, line};
use crate::support::server::{Engine, PASSWORD, Server, free_port};
use crate::support::shipper::{Shipper, flytail, wait_for};
use crate::support::turn::turn;

const PARTS: [&str; 6] =
    ["flytail.conf", "service.conf", "inputs.conf", "filters.conf", "outputs.conf", "custom_parsers.conf"];

fn part(name: &str) -> String {
    fs::read_to_string(deploy("config").join(name)).unwrap()
}

#[test]
fn every_way_to_install_takes_the_same_files() {
    for (way, manifests) in [("kustomize", overlay("elasticsearch")), ("helm", chart(""))] {
        let data = &find(&manifests, "ConfigMap", "-config")["data"];
        assert_eq!(data.as_object().unwrap().len(), PARTS.len(), "{way}");
        for name in PARTS {
            assert_eq!(data[name], part(name), "{name} by {way}");
        }
    }
    let opensearch = overlay("opensearch");
    let outputs = find(&opensearch, "ConfigMap", "-config")["data"]["outputs.conf"].as_str().unwrap();
    let settings =
        |text: &str| text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>();
    let wanted = part("outputs.conf").replacen("Name             es\n", "Name             opensearch\n", 1);
    assert_eq!(settings(outputs), settings(&wanted));
}

#[test]
fn the_configuration_is_sound_wherever_it_is_installed() {
    for name in ["elasticsearch", "opensearch", "dev", "dev-opensearch"] {
        let node = Node::new(&overlay(name));
        // What the certificate of the server is checked by.
        let certificates = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers/certificates");
        well(&Command::new(certificates).arg(node.path("/etc/flytail-credentials")).output().unwrap());
        node.check();
    }
    Node::new(&chart("")).check();
    // On a VM: the same parts, with inputs of its own.
    let directory = tempfile::tempdir().unwrap();
    for name in PARTS {
        fs::write(directory.path().join(name), part(name)).unwrap();
    }
    for name in ["inputs.conf", "filters.conf"] {
        fs::copy(deploy("vm").join(name), directory.path().join(name)).unwrap();
    }
    let mut check = flytail();
    check.arg("check").arg("--strict").arg(directory.path().join("flytail.conf"));
    well(&check.output().unwrap());
}

/// All of it: the manifests' account and its rights, the roles on the server, the job, the ConfigMap, the secret's files,
/// the container's command line and its probes, from a line on the disk to a document with the pod's labels.
#[test]
fn a_line_on_a_node_arrives() {
    let _turn = turn();
    let (server, cluster) = (Server::start_secured(Engine::Elasticsearch8, &[]), ApiServer::start(&[]));
    add_users(&server);
    let manifests = overlay("elasticsearch");
    crate::cluster::install(
        &cluster,
        &manifests,
        &["Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding"],
    );
    let node = Node::new(&manifests);
    let secret = node.path("/etc/flytail-credentials");
    fs::copy(server.certificates().join("ca.crt"), secret.join("ca.crt")).unwrap();
    fs::write(secret.join("password"), PASSWORD).unwrap();
    node.run(
        container(find(&manifests, "Job", "-setup")),
        &[("ES_URL", &server.url()), ("ES_USER", SETUP), ("ES_PASS", PASSWORD)],
    );
    let client = server.client();
    assert_eq!(client.get("/_index_template/flytail-flyte-logs").status, 200, "the job prepared nothing");
    let other = cluster.pod_in("flyte", "web", &json!({"app": "shop"}), &[]);
    write(&node, "web", &other, "of nobody's interest");
    let uid = cluster.pod("admin", &json!({"app.kubernetes.io/name": "flyteadmin"}));
    write(&node, "admin", &uid, "from the disk to the index");

    let token = node.path("/var/lib/flytail/token");
    cluster.token("flytail", "flytail", &token);
    let api_server = format!(
        "Name kubernetes\n    Kube_URL {}\n    Kube_CA_File {}\n    Kube_Token_File {}",
        cluster.url(),
        cluster.certificates().display(),
        token.display()
    );
    node.change("filters.conf", "Name                kubernetes", &api_server);
    let mut command = node.command();
    let port = free_port();
    command.envs([("HTTP_LISTEN", "127.0.0.1"), ("ES_HOST", "127.0.0.1"), ("ES_USER", SHIPPER)]);
    command.env("HTTP_PORT", port.to_string()).env("ES_PORT", server.port().to_string());
    let mut shipper = Shipper::spawn(command, &node.path("/var/lib/flytail"));
    let found = || {
        client.send("POST", "/flyte-logs-*/_refresh", "");
        let found = client.get("/flyte-logs-*/_search");
        found.body["hits"]["hits"][0]["_source"].clone()
    };
    wait_for(&true, || found().is_object());
    let document = found();
    assert_eq!(document["message"], "from the disk to the index");
    assert_eq!((&document["app"], &document["host"]), (&json!("flyteadmin"), &json!("node-a")), "{document}");
    let container = container(find(&manifests, "DaemonSet", "flytail"));
    for probe in ["livenessProbe", "readinessProbe"] {
        let url = format!("http://127.0.0.1:{port}{}", container[probe]["httpGet"]["path"].as_str().unwrap());
        assert_eq!(ureq::get(url).call().unwrap().status(), 200, "{probe}");
    }
    // A part of the ConfigMap changes.
    node.change("filters.conf", "K8S-Logging.Exclude On", "K8S-Logging.Exclude Off");
    let reloads = || {
        let mut answer = ureq::get(format!("http://127.0.0.1:{port}/api/v2/reload")).call().unwrap();
        answer.body_mut().read_to_string().unwrap()
    };
    wait_for(&r#"{"hot_reload_count":1,"refused":0}"#.to_owned(), reloads);
    assert!(shipper.terminate().success());
    client.send("POST", "/flyte-logs-*/_refresh", "");
    assert_eq!(client.get("/flyte-logs-*/_count").body["count"], 1, "another pod's log was read");
    for kept in ["tail.db", "spool"] {
        assert!(node.path("/var/lib/flytail").join(kept).exists(), "{kept} is not in the state directory");
    }
    assert_nothing_else_is_allowed(&server);
}

/// The server that a pod ships to without a password is prepared by the pod itself, as nobody runs a job.
#[test]
fn a_server_to_try_is_prepared_by_the_pod() {
    let _turn = turn();
    for (name, engine) in [("dev", Engine::Elasticsearch8), ("dev-opensearch", Engine::OpenSearch2)] {
        let (server, node) = (Server::shared(engine), Node::new(&overlay(name)));
        let template = "/_index_template/flytail-flyte-logs";
        assert_eq!(server.client().get(template).status, 404);
        let port = server.port().to_string();
        node.run(node.init_container("setup"), &[("ES_HOST", "127.0.0.1"), ("ES_PORT", &port)]);
        assert_eq!(server.client().delete(template).status, 200, "{name}");
    }
}

#[test]
fn a_node_goes_on_where_fluent_bit_stopped_and_fluent_bit_where_it_did() {
    let taken_over = tempfile::tempdir().unwrap();
    let component = "components: [components/take-over]";
    let by_kustomize = kustomization(taken_over.path(), component);
    let by_helm = chart("takeOver: {enabled: true}");
    let script = |manifests: &[Value]| {
        let pod = &find(manifests, "DaemonSet", "flytail")["spec"]["template"]["spec"];
        // Comments may be laid out otherwise.
        let text = pod["initContainers"][0]["args"][0].as_str().unwrap().to_owned();
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(script(&by_kustomize), script(&by_helm));
    for manifests in [by_kustomize, by_helm] {
        goes_on(&Node::new(&manifests));
    }
}

fn goes_on(node: &Node) {
    let out = node.path("/var/lib/flytail").join("out");
    let output = format!("Name file\n    Path {}\n    File out\n", node.path("/var/lib/flytail").display());
    let configured = fs::read_to_string(node.configuration().with_file_name("outputs.conf")).unwrap();
    node.change("outputs.conf", &configured, &format!("[OUTPUT]\n    Match *\n    {output}    Format plain\n"));
    // Nobody tells of pods here.
    node.change("inputs.conf", "    Select_Pods      flyte\n", "");
    let log = write(node, "web", "uid-1", "read by Fluent Bit");
    let database = node.path("/var/log/flb_kube.db");
    let row = {
        let sql = Connection::open(&database).unwrap();
        sql.execute_batch(
            "PRAGMA journal_mode = WAL;
            CREATE TABLE in_tail_files (id INTEGER PRIMARY KEY, name TEXT NOT NULL, offset INTEGER, inode INTEGER,
            created INTEGER, rotated INTEGER DEFAULT 0)",
        )
        .unwrap();
        let metadata = fs::metadata(&log).unwrap();
        let number = |number: u64| i64::try_from(number).unwrap();
        let row = (link(node, "web").display().to_string(), number(metadata.len()), number(metadata.ino()));
        sql.execute("INSERT INTO in_tail_files (name, offset, inode, created) VALUES (?1, ?2, ?3, 1)", row.clone())
            .unwrap();
        row
    };
    append(&log, &line("written since"));
    node.initialize("take-over");
    let run = |wanted: &[&str]| {
        let mut command = node.command();
        command.env("HTTP_LISTEN", "127.0.0.1").env("HTTP_PORT", free_port().to_string());
        let mut shipper = Shipper::spawn(command, &node.path("/var/lib/flytail"));
        wait_for(&wanted.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>(), || messages(&out));
        assert!(shipper.terminate().success());
        shipper.log()
    };
    let said = run(&["written since"]);
    assert!(said.contains("goes on where Fluent Bit stopped"), "{said}");
    // A second start takes nothing over.
    append(&log, &line("written later"));
    node.initialize("take-over");
    run(&["written since", "written later"]);
    // And back: once, with our own offset in Fluent Bit's table.
    let values = fs::read_to_string(deploy("kubernetes/components/take-over/roll-back.yaml")).unwrap();
    let container = documents(&values)[0]["initContainers"][0].clone();
    node.run_script(&container);
    let offset = || {
        let sql = Connection::open(&database).unwrap();
        let offset: rusqlite::Result<i64> =
            sql.query_row("SELECT offset FROM in_tail_files WHERE inode = ?1", [row.2], |row| row.get(0));
        offset.unwrap()
    };
    assert_eq!(offset(), i64::try_from(fs::metadata(&log).unwrap().len()).unwrap());
    Connection::open(&database).unwrap().execute("UPDATE in_tail_files SET offset = 1", []).unwrap();
    node.run_script(&container);
    assert_eq!(offset(), 1, "Fluent Bit's own progress was undone");
}

/// The Elasticsearch overlay with more in its kustomization.
pub(crate) fn kustomization(directory: &Path, more: &str) -> Vec<Value> {
    // Kustomize takes relative paths only.
    let up = "../".repeat(directory.components().count() - 1);
    let kubernetes = format!("{up}{}", deploy("kubernetes").strip_prefix("/").unwrap().display());
    let more = more.replace("components/", &format!("{kubernetes}/components/"));
    let text = format!("resources: [{kubernetes}/overlays/elasticsearch]\nnamespace: flytail\n{more}\n");
    fs::write(directory.join("kustomization.yaml"), text).unwrap();
    kustomize(directory)
}

/// A line in the log of a pod of the namespace `flyte`, with its link if it is the first.
pub(crate) fn write(node: &Node, name: &str, uid: &str, text: &str) -> std::path::PathBuf {
    let directory = node.path(&format!("/var/log/pods/flyte_{name}_{uid}/main"));
    fs::create_dir_all(&directory).unwrap();
    let log = directory.join("0.log");
    append(&log, &line(text));
    symlink(&log, link(node, name)).unwrap();
    log
}

fn link(node: &Node, name: &str) -> std::path::PathBuf {
    node.path(&format!("/var/log/containers/{name}_flyte_main-{}.log", "0".repeat(64)))
}

/// The messages of all documents that a server has.
pub(crate) fn documents_of(client: &Client) -> Vec<String> {
    client.send("POST", "/flyte-logs-*/_refresh", "");
    let found = client.get("/flyte-logs-*/_search").body["hits"]["hits"].clone();
    let messages = found.as_array().into_iter().flatten().map(|hit| hit["_source"]["message"].clone());
    messages.map(|message| message.as_str().unwrap().to_owned()).collect()
}

fn messages(out: &Path) -> Vec<String> {
    let text = fs::read_to_string(out).unwrap_or_default();
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    let documents = text[..whole].lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    documents.map(|document| document["message"].as_str().unwrap().to_owned()).collect()
}
