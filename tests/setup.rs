//! `flytail setup` on real servers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod support;

use serde_json::{Value, json};
use support::server::{Engine, Server};
use support::shipper::flytail;
use support::turn::turn;

/// What it prints, and its exit code.
fn set_up(server: &Server, arguments: &[&str]) -> (String, i32) {
    let output =
        flytail().args(["setup", "--url", &server.url(), "--index", "prepared"]).args(arguments).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap())
}

#[test]
fn a_server_is_prepared_once_and_what_was_changed_is_found_and_mended() {
    let _turn = turn();
    for engine in [Engine::Elasticsearch8, Engine::OpenSearch2] {
        let server = Server::shared(engine);
        let client = server.client();
        let path = "/_index_template/flytail-prepared";
        let only_template = ["--retention", "forever"];
        let with = |argument| [&only_template[..], &[argument]].concat();
        assert_eq!(set_up(server, &with("--check")), ("index template flytail-prepared is missing\n".to_owned(), 2));
        let (shown, code) = set_up(server, &with("--dry-run"));
        assert_eq!((code, client.get(path).status), (0, 404), "nothing is installed when it is only shown");
        let shown: Value = serde_json::from_str(&shown).unwrap();
        for done in ["is installed", "was installed already"] {
            assert_eq!(set_up(server, &only_template), (format!("index template flytail-prepared {done}\n"), 0));
        }
        assert_eq!(set_up(server, &with("--check")), ("index template flytail-prepared is installed\n".to_owned(), 0));
        let mut changed = shown;
        changed["template"]["mappings"]["properties"]["message"] = json!({"type": "keyword"});
        client.put(path, &changed).ok();
        let (said, code) = set_up(server, &with("--check"));
        assert_eq!((said.contains("is not as this version would install it"), code), (true, 2), "{said}");
        assert!(set_up(server, &only_template).0.contains("is renewed"));
        assert_eq!(set_up(server, &with("--check")).1, 0);
        // These builds of the servers cannot keep indices for a time: that is said, and the rest is done.
        let (said, code) = set_up(server, &["--retention", "7d"]);
        let lines: Vec<_> = said.lines().collect();
        assert!(lines[0].contains("policy flytail-prepared is nothing that this server knows"), "{said}");
        assert_eq!((lines[1], code), ("index template flytail-prepared was installed already", 0));
        client.delete(path).ok();
    }
}
