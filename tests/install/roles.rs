//! The roles in deploy/elasticsearch and deploy/opensearch: what the shipper and the setup may do on a real server, and
//! what they may not.

use std::fs;
use std::io::Write as _;

use serde_json::{Value, json};

use crate::configuration::{documents_of, write};
use crate::deploy;
use crate::manifests::{container, find, overlay};
use crate::node::Node;
use crate::support::client::Client;
use crate::support::server::{Engine, PASSWORD, Server, free_port};
use crate::support::shipper::{Shipper, wait_for};
use crate::support::turn::turn;

/// The users, called as their roles.
pub(crate) const SHIPPER: &str = "flytail";
pub(crate) const SETUP: &str = "flytail-setup";

/// Gives a server both roles, and a user with [`PASSWORD`] for each.
pub(crate) fn add_users(server: &Server) {
    for name in [SHIPPER, SETUP] {
        if server.engine().is_opensearch() {
            add_to_opensearch(server, name)
        } else {
            add_to_elasticsearch(server, name)
        }
        wait_for(&true, || client(server, name).get("/_security/_authenticate").status != 401);
    }
}

fn role(server: &str, name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(deploy(server).join(format!("role-{name}.json"))).unwrap()).unwrap()
}

/// Into its files, which it reads again when they change: the index of its users needs a module that these builds lack.
fn add_to_elasticsearch(server: &Server, name: &str) {
    let configuration = server.data_directory().join("configuration");
    let users = fs::read_to_string(configuration.join("users")).unwrap();
    let hash = users.lines().find_map(|line| line.strip_prefix("admin:")).unwrap();
    for (file, line) in [
        ("roles.yml", format!("{name}: {}", role("elasticsearch", name))),
        ("users", format!("{name}:{hash}")),
        ("users_roles", format!("{name}:{name}")),
    ] {
        let mut file = fs::OpenOptions::new().append(true).open(configuration.join(file)).unwrap();
        writeln!(file, "{line}").unwrap();
    }
}

fn add_to_opensearch(server: &Server, name: &str) {
    let client = server.client();
    let put = |what: &str, body: &Value| client.put(&format!("/_plugins/_security/api/{what}/{name}"), body).ok();
    put("roles", &role("opensearch", name));
    put("internalusers", &json!({"password": PASSWORD}));
    put("rolesmapping", &json!({"users": [name]}));
}

fn client(server: &Server, user: &str) -> Client {
    Client::secured(&server.url(), &server.certificates(), (user, PASSWORD))
}

/// Fails if a role lets its user do what is not its own.
pub(crate) fn assert_nothing_else_is_allowed(server: &Server) {
    for (user, method, path, body) in [
        (SHIPPER, "DELETE", "/flyte-logs-2000.01.01", ""),
        (SHIPPER, "GET", "/flyte-logs-*/_doc/1", ""),
        (SHIPPER, "PUT", "/_index_template/flytail-flyte-logs", "{\"index_patterns\": [\"flyte-logs-*\"]}"),
        (SHIPPER, "PUT", "/other/_create/1", "{}"),
        (SHIPPER, "GET", "/_cluster/settings", ""),
        (SETUP, "PUT", "/flyte-logs-2000.01.01/_create/1", "{}"),
        (SETUP, "DELETE", "/other", ""),
        (SETUP, "PUT", "/_cluster/settings", "{\"transient\": {\"cluster.max_shards_per_node\": 1}}"),
    ] {
        let answer = client(server, user).send(method, path, body);
        assert_eq!(answer.status, 403, "{user}: {method} {path}: {}", answer.body);
    }
}

#[test]
fn the_roles_suffice_on_opensearch_and_allow_nothing_else() {
    let _turn = turn();
    let server = Server::start_secured(Engine::OpenSearch2, &["plugins.security.restapi.roles_enabled: [all_access]"]);
    add_users(&server);
    let manifests = overlay("opensearch");
    let node = Node::new(&manifests);
    let secret = node.path("/etc/flytail-credentials");
    fs::copy(server.certificates().join("ca.crt"), secret.join("ca.crt")).unwrap();
    fs::write(secret.join("password"), PASSWORD).unwrap();
    node.run(
        container(find(&manifests, "Job", "-setup")),
        &[("ES_URL", &server.url()), ("ES_USER", SETUP), ("ES_PASS", PASSWORD)],
    );
    // Nobody tells of pods here.
    node.change("inputs.conf", "    Select_Pods      flyte\n", "");
    write(&node, "admin", "uid-1", "by the least rights");
    let mut command = node.command();
    command.envs([("HTTP_LISTEN", "127.0.0.1"), ("ES_HOST", "127.0.0.1"), ("ES_USER", SHIPPER)]);
    command.env("HTTP_PORT", free_port().to_string()).env("ES_PORT", server.port().to_string());
    let mut shipper = Shipper::spawn(command, &node.path("/var/lib/flytail"));
    wait_for(&vec!["by the least rights".to_owned()], || documents_of(&server.client()));
    assert!(shipper.terminate().success());
    assert_nothing_else_is_allowed(&server);
}
