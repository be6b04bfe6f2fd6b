//! Templates and policies in deploy/elasticsearch and deploy/opensearch are what `flytail setup` installs, and so what
//! `tests/setup.rs` gives to real servers.
//!
//! `RENEW=1 cargo test --release --test install requests` writes them anew.

use std::fs;

use crate::deploy;
use crate::manifests::well;
use crate::support::shipper::flytail;

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
