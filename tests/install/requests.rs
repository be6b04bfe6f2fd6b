//! Templates and policies in deploy/elasticsearch and deploy/opensearch are what `flytail setup` installs.
//!
//! `RENEW=1 cargo test --release --test install requests` writes them anew.

use std::fs;

use serde_json::Value;

use crate::deploy;
use crate::manifests::well;
use crate::support::server::{Engine, Server};
use crate::support::shipper::flytail;
use crate::support::turn::turn;

/// The file of a request's path.
fn file(path: &str) -> &'static str {
    match path.rsplit_once('/').unwrap().0 {
        "/_ilm/policy" => "ilm-policy.json",
        "/_plugins/_ism/policies" => "ism-policy.json",
        "/_index_template" => "index-template.json",
        other => panic!("no file for {other}"),
    }
}

/// The requests that `setup` prints for a server: path and body.
fn requests(server: &str) -> Vec<(String, String)> {
    let printed = well(&flytail().args(["setup", "--print", server]).output().unwrap());
    let requests = printed.split("PUT ").skip(1).map(|request| request.split_once('\n').unwrap());
    requests.map(|(path, body)| (path.to_owned(), format!("{}\n", body.trim()))).collect()
}

#[test]
fn the_files_are_what_setup_installs() {
    for server in ["elasticsearch", "opensearch"] {
        let requests = requests(server);
        assert_eq!(requests.len(), 2, "{server}");
        for (path, body) in requests {
            let name = deploy(server).join(file(&path));
            if std::env::var_os("RENEW").is_some() {
                fs::write(&name, &body).unwrap();
            }
            let kept = fs::read_to_string(&name).unwrap_or_default();
            assert_eq!(kept, body, "{} is stale: renew it with RENEW=1", name.display());
            let readme = fs::read_to_string(deploy(server).join("README.md")).unwrap();
            assert!(readme.contains(&path) && readme.contains(file(&path)), "the README does not tell of {path}");
        }
    }
}

#[test]
fn servers_take_the_templates_as_they_stand_in_the_files() {
    let _turn = turn();
    for (engine, name) in [(Engine::Elasticsearch8, "elasticsearch"), (Engine::OpenSearch2, "opensearch")] {
        let body = fs::read_to_string(deploy(name).join("index-template.json")).unwrap();
        let mut body: Value = serde_json::from_str(&body).unwrap();
        // These builds of the servers know no policies, nor that a template may name one.
        body["template"]["settings"]["index"].as_object_mut().unwrap().remove("lifecycle");
        let client = Server::shared(engine).client();
        client.put("/_index_template/flytail-flyte-logs", &body).ok();
        let mut check = flytail();
        check.args(["setup", "--check", "--retention", "forever", "--url", &Server::shared(engine).url()]);
        well(&check.output().unwrap());
    }
}
