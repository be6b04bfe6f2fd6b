//! The configuration of the demonstration: a Fluent Bit user's, with the least changes that make it run here.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;

use elasticsearch::http::Url;

use super::generator::Kubelet;

/// The project's parsers, beside the configuration as `Parsers_File` says.
pub(super) const PARSERS: &str = include_str!("../../../parsers/parsers.conf");

/// The directory of the pods' metadata, under the root.
pub(super) const METADATA: &str = "metadata";
/// The directory of dead letters, under the root.
pub(super) const DEAD_LETTERS: &str = "dead-letters";

/// Name of the index, without its date.
pub(super) const INDEX: &str = "flyte-logs";

/// The user's server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Remote<'a> {
    pub(super) url: &'a Url,
    pub(super) ca_file: Option<&'a str>,
}

/// The text of the configuration. Beside `Path`, `Host` and `Port`, what a cluster would give is different: metadata
/// comes from files instead of an API server.
pub(super) fn text(root: &Path, receiver: SocketAddr, remote: Option<Remote<'_>>) -> String {
    let (logs, metadata) = (Kubelet::log_directory(root), root.join(METADATA));
    let mut text = format!(
        "[SERVICE]
  Parsers_File parsers.conf
  Dead_Letter_Path {dead_letters}
[INPUT]
  Name tail
  Path {logs}/*flyte*.log
  Tag kube.*
  Parser docker
  Mem_Buf_Limit 50MB
[FILTER]
  Name kubernetes
  Match kube.*
  Kube_URL https://kubernetes.default.svc:443
  Kube_Meta_Preload_Cache_Dir {metadata}
  Merge_Log On
  Keep_Log Off
[OUTPUT]
  Name es
  Match *
  Host {host}
  Port {port}
  Index {INDEX}
",
        dead_letters = root.join(DEAD_LETTERS).display(),
        logs = logs.display(),
        metadata = metadata.display(),
        host = receiver.ip(),
        port = receiver.port(),
    );
    if let Some(remote) = remote {
        text += &output(remote);
    }
    text
}

fn output(Remote { url, ca_file }: Remote<'_>) -> String {
    let mut text = format!(
        "[OUTPUT]
  Name es
  Match *
  Host {host}
  Port {port}
  Index {INDEX}
  HTTP_User ${{ES_USER}}
  HTTP_Passwd ${{ES_PASS}}
",
        host = url.host_str().unwrap_or_default(),
        port = url.port_or_known_default().unwrap_or(9200),
    );
    let path = url.path().trim_matches('/');
    if !path.is_empty() {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  Path {path}");
    }
    if url.scheme() == "https" {
        text += "  tls On\n";
        if let Some(file) = ca_file {
            let _ = writeln!(text, "  tls.ca_file {file}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::{Environment, load_text};
    use crate::pipeline::{Memory, Plugins, build};

    #[tokio::test]
    async fn is_a_configuration_that_can_run() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("parsers.conf"), PARSERS).unwrap();
        fs::create_dir(root.path().join(METADATA)).unwrap();
        let url: Url = "https://es.example/logs/".parse().unwrap();
        for remote in [None, Some(Remote { url: &url, ca_file: None })] {
            let text = text(root.path(), "127.0.0.1:1234".parse().unwrap(), remote);
            let environment = Environment::from_pairs([("ES_USER", "user"), ("ES_PASS", "password")]);
            let plugins = Plugins::all();
            let file = root.path().join("fluent-bit.conf");
            let (config, mut problems) = load_text(&file, &text, &plugins.registry(), &environment);
            let pipeline = build(&config, &environment, &Memory::default(), &mut problems);
            assert!(pipeline.is_some(), "{problems}");
            assert_eq!(config.outputs.len(), 1 + usize::from(remote.is_some()));
        }
    }

    #[test]
    fn the_remote_output_is_that_of_the_address() {
        let root = Path::new("/r");
        let url: Url = "https://es.example/logs/".parse().unwrap();
        let text = text(root, "127.0.0.1:1234".parse().unwrap(), Some(Remote { url: &url, ca_file: Some("/ca.pem") }));
        for line in ["Host es.example", "Port 443", "Path logs", "tls On", "tls.ca_file /ca.pem", "Port 1234"] {
            assert!(text.contains(&format!("  {line}\n")), "{line}\n{text}");
        }
    }
}
