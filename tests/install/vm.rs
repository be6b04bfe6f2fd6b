//! The unit and the packages: that what they name is there, and how hardened the unit is.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::deploy;
use crate::manifests::well;
use crate::support::server::free_port;
use crate::support::shipper::{Shipper, flytail, wait_for};

/// The worst that `systemd-analyze security` may say, in tenths.
const MOST_EXPOSED: &str = "30";

/// What an administrator may set is what the configuration takes, and the unit keeps nobody from it.
#[test]
fn the_environment_file_sets_what_the_configuration_takes() {
    let read = |path: &str| fs::read_to_string(deploy(path)).unwrap();
    let parts = ["service", "inputs", "filters", "outputs"].map(|part| read(&format!("config/{part}.conf"))).concat();
    let default = read("vm/flytail.default");
    let variables = default.lines().filter_map(|line| line.trim_start_matches('#').split_once('='));
    let variables: Vec<_> = variables.map(|(name, _)| name).filter(|name| !name.contains(' ')).collect();
    assert!(variables.contains(&"HTTP_LISTEN") && variables.contains(&"ES_HOST"), "{variables:?}");
    for name in variables {
        assert!(parts.contains(&format!("${{{name}:-")), "nothing takes {name}");
    }
    // systemd lets the file stand above the unit's own `Environment`.
    let unit = read("vm/flytail.service");
    assert!(
        unit.contains("EnvironmentFile=-/etc/default/flytail") && unit.contains("Environment=HTTP_LISTEN=127.0.0.1")
    );
}

#[test]
fn the_unit_is_valid_and_hardened() {
    let directory = tempfile::tempdir().unwrap();
    let unit = directory.path().join("flytail.service");
    let text = fs::read_to_string(deploy("vm/flytail.service")).unwrap();
    fs::write(&unit, text.replace("/usr/bin/flytail", env!("CARGO_BIN_EXE_flytail"))).unwrap();
    let analyze = |arguments: &[&str]| {
        let mut command = Command::new("systemd-analyze");
        let output = command.args(arguments).arg(&unit).output().expect("systemd is installed");
        (well(&output), String::from_utf8(output.stderr).unwrap())
    };
    let (_, complaints) = analyze(&["verify", "--man=no"]);
    assert!(!complaints.contains("flytail.service"), "{complaints}");
    analyze(&["security", "--offline=true", "--threshold", MOST_EXPOSED]);
}

/// The package's configuration, with the log's directory and the output elsewhere.
#[test]
fn a_service_s_file_is_shipped_under_its_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    for from in ["config", "vm"] {
        for entry in fs::read_dir(deploy(from)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".conf") {
                let text = fs::read_to_string(deploy(from).join(&name)).unwrap();
                let moved = text.replace("/var/log/flyte/", &format!("{}/", directory.path().display()));
                fs::write(path(&name), moved).unwrap();
            }
        }
    }
    let output = format!(
        "[OUTPUT]\n    Name file\n    Match *\n    Path {}\n    File out\n    Format plain\n",
        directory.path().display()
    );
    fs::write(path("outputs.conf"), output).unwrap();
    let line = r#"{"json":{"exec_id":"ahx4kq7z2bncv5d8wt9f","node":"n0"},"level":"warning","msg":"Node failed","ts":"2026-08-21T12:00:01Z"}"#;
    fs::write(path("flyteadmin.log"), format!("{line}\n")).unwrap();
    let mut command = flytail();
    command.arg("--config").arg(path("flytail.conf")).env("STATE_DIRECTORY", path("state"));
    command.env("HTTP_LISTEN", "127.0.0.1").env("HTTP_PORT", free_port().to_string());
    let mut shipper = Shipper::spawn(command, directory.path());
    wait_for(&true, || fs::read_to_string(path("out")).is_ok_and(|text| text.ends_with('\n')));
    assert!(shipper.terminate().success(), "{}", shipper.log());
    let document: Value = serde_json::from_str(&fs::read_to_string(path("out")).unwrap()).unwrap();
    for (field, value) in
        [("app", "flyteadmin"), ("component", "admin"), ("level", "WARN"), ("execution_id", "ahx4kq7z2bncv5d8wt9f")]
    {
        assert_eq!(document[field], value, "{document}");
    }
}

#[test]
fn what_the_debian_package_and_the_image_take_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let (_, assets) = manifest.split_once("\nassets = [\n").unwrap();
    let assets = &assets[..assets.find("\n]").unwrap()];
    let from = assets.lines().map(|line| line.split('"').nth(1).unwrap());
    let dockerfile = fs::read_to_string(deploy("docker/Dockerfile")).unwrap();
    let copied = dockerfile.lines().filter_map(|line| line.split_once("&& cp ")).map(|(_, paths)| paths);
    let copied = copied.map(|paths| paths.split(' ').next().unwrap()).filter(|path| !path.starts_with('/'));
    let mut count = 0;
    for path in from.chain(copied).filter(|path| !path.starts_with("target/")) {
        let parent = root.join(path.strip_suffix("*.conf").unwrap_or(path));
        assert!(parent.exists(), "{path} is not there");
        count += 1;
    }
    assert!(count > 10, "{count}");
    the_image_is_built_of_what_is_sent(&manifest, &dockerfile);
    // Each file of the configuration is installed, and kept when the package is renewed.
    for entry in fs::read_dir(deploy("config")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".conf") {
            let from = if deploy("vm").join(&name).exists() { "vm" } else { "config" };
            assert!(manifest.contains(&format!("\"/etc/flytail/{name}\"")), "{name} is no conf-file");
            assert!(assets.contains(&format!("\"deploy/{from}/{name}\", \"etc/flytail/\"")), "{name} is not installed");
        }
    }
}

/// The builder is sent no more than the Dockerfile.dockerignore lets through: all that the Dockerfile copies, and each
/// target whose file Cargo asks for.
fn the_image_is_built_of_what_is_sent(manifest: &str, dockerfile: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ignore = fs::read_to_string(deploy("docker/Dockerfile.dockerignore")).unwrap();
    let sent: Vec<_> = ignore.lines().filter_map(|line| line.strip_prefix('!')).collect();
    for path in &sent {
        assert!(root.join(path).exists(), "{path} is not there");
    }
    let is_sent = |path: &str| sent.iter().any(|sent| Path::new(path).starts_with(sent));
    let targets = manifest.lines().filter_map(|line| line.strip_prefix("path = ")).map(|path| path.trim_matches('"'));
    let copied = dockerfile.lines().filter_map(|line| line.split_once("&& cp ")?.1.split(' ').next());
    let needed: Vec<_> = targets.chain(copied.filter(|path| !path.starts_with('/'))).collect();
    assert!(needed.len() > 4, "{needed:?}");
    for path in needed.into_iter().chain(["Cargo.lock", "benches/pipeline.rs", "parsers/parsers_flyte.conf"]) {
        assert!(is_sent(path), "{path} is not sent to the builder");
    }
}
