//! A server that lets in only whom it knows, over TLS: own authorities, client certificates, passwords in files, and
//! what happens while they are wrong.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::json;
use support::place::{Place, append, line};
use support::server::{Engine, PASSWORD, Server};
use support::shipper::{Shipper, wait_for};
use support::turn::turn;

/// Replaces a file as Kubernetes does with what it mounts: by another one under its name.
fn replace(path: &Path, content: &[u8]) {
    let new = path.with_extension("new");
    fs::write(&new, content).unwrap();
    fs::rename(&new, path).unwrap();
}

#[test]
fn what_is_wrong_with_certificates_and_passwords_is_said_and_mended_without_a_restart() {
    let _turn = turn();
    let server =
        Server::start_secured(Engine::Elasticsearch8, &["xpack.security.http.ssl.client_authentication: required"]);
    let place = Place::new();
    // The certificates of another authority, and another password.
    let certificates = place.path("certificates");
    let made =
        Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers/certificates")).arg(&certificates).status();
    assert!(made.unwrap().success());
    let password = place.path("password");
    fs::write(&password, "not-it\n").unwrap();
    let output = format!(
        "Name es\n  Host 127.0.0.1\n  Port {}\n  Index secured\n  Index_Date Off\n  tls On\n  tls.ca_file {2}/ca.crt\n  \
         tls.crt_file {2}/client.crt\n  tls.key_file {2}/client.key\n  HTTP_User admin\n  HTTP_Passwd_File {1}",
        server.port(),
        password.display(),
        certificates.display(),
    );
    let log = place.container(1);
    let mut shipper = Shipper::start(&place.configure("containers/*.log", "", &output));
    append(&log, &line("one"));
    let says = |words: &str| wait_for(&true, || shipper.log().contains(words));
    says("certificate");
    for name in ["ca.crt", "client.crt", "client.key"] {
        replace(&certificates.join(name), &fs::read(server.certificates().join(name)).unwrap());
    }
    says("status 401");
    replace(&password, PASSWORD.as_bytes());
    let client = server.client();
    wait_for(&1, || {
        client.send("POST", "/secured/_refresh", "");
        client.post("/secured/_count", &json!({})).body["count"].as_u64().unwrap_or_default()
    });
    let logged = shipper.log();
    assert!(!logged.contains("not-it") && !logged.contains(PASSWORD), "{logged}");
    assert!(shipper.terminate().success());
}
