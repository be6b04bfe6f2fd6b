//! Where the filter's options lead: the API server and the node.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::{Environment, Options};
use crate::kubernetes::{Connection, Preload, Server};

/// The API server that the filter's options lead to; `None` if it asks none: outside of a cluster, or
/// because only the log's path is to tell the pod.
#[must_use]
pub fn connection(options: &Options<'_>, environment: &Environment) -> Option<Connection> {
    if !asks_for_metadata(options) {
        return None;
    }
    let variable = |name| environment.variable(name).filter(|value| !value.is_empty());
    let node = options.text("Node_Name").or_else(|| variable("NODE_NAME")).map(str::to_owned);
    if let Some(file) = options.text("Kube_Config") {
        return Some(Connection { server: Server::Kubeconfig(file.into()), node, kubelet: kubelet(options) });
    }
    let url = options.text("Kube_URL").unwrap_or_default();
    let is_own_cluster = host(url).starts_with("kubernetes.default");
    let token_file = file(options, "Kube_Token_File");
    let lasts = options.duration("Kube_Token_TTL").unwrap_or(Duration::MAX);
    let token_command = options.text("Kube_Token_Command").map(|command| (command.to_owned(), lasts));
    if token_file.is_none() && token_command.is_none() && is_own_cluster {
        return None;
    }
    let told = variable("KUBERNETES_SERVICE_HOST").zip(variable("KUBERNETES_SERVICE_PORT"));
    let url = match told.filter(|_| !options.is_set("Kube_URL")) {
        Some((host, port)) if host.contains(':') => format!("https://[{host}]:{port}"),
        Some((host, port)) => format!("https://{host}:{port}"),
        None => with_port(url),
    };
    let server = Server::Options {
        url,
        ca_file: file(options, "Kube_CA_File"),
        token_file,
        token_command,
        verify: options.boolean("tls.verify"),
        server_name: options.text("tls.vhost").map(str::to_owned),
    };
    Some(Connection { server, node, kubelet: kubelet(options) })
}

/// The address of the kubelet, if that is asked.
fn kubelet(options: &Options<'_>) -> Option<String> {
    let (host, port) = (options.text("Kubelet_Host")?, options.port("Kubelet_Port")?);
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    options.boolean("Use_Kubelet").then(|| format!("https://{host}:{port}"))
}

/// The files that tell of pods, if there are any.
#[must_use]
pub fn preload(options: &Options<'_>) -> Option<Preload> {
    let is_used = asks_for_metadata(options);
    options.text("Kube_Meta_Preload_Cache_Dir").filter(|_| is_used).map(Preload::new)
}

/// Somebody is to tell more than log's path and tag.
fn asks_for_metadata(options: &Options<'_>) -> bool {
    !options.boolean("Use_Tag_For_Meta") && !options.boolean("Dummy_Meta")
}

/// Pods may exclude their logs.
#[must_use]
pub fn excludes(options: &Options<'_>) -> bool {
    options.boolean("K8S-Logging.Exclude")
}

/// How long a log waits for its pod.
#[must_use]
pub fn grace(options: &Options<'_>) -> Duration {
    options.duration("Metadata_Grace").unwrap_or_default()
}

/// How old what is known of namespaces may be; `None` if they are not needed.
#[must_use]
pub fn namespaces(options: &Options<'_>) -> Option<Duration> {
    const WANTING: [&str; 3] = ["Namespace_Labels", "Namespace_Annotations", "Namespace_Metadata_Only"];
    let is_wanted = WANTING.iter().any(|key| options.boolean(key));
    is_wanted.then(|| options.duration("Kube_Meta_Namespace_Cache_TTL").unwrap_or(Duration::MAX))
}

/// A file that an option names; by default it is one only if it is there.
fn file(options: &Options<'_>, key: &str) -> Option<PathBuf> {
    let path = options.text(key)?;
    (options.is_set(key) || Path::new(path).exists()).then(|| path.into())
}

/// The host of a URL.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split([':', '/']).next().unwrap_or(rest)
}

/// Fluent Bit's port is 443 even for `http`.
fn with_port(url: &str) -> String {
    let url = url.trim_end_matches('/');
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let has_port = rest.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    if has_port { url.to_owned() } else { format!("{url}:443") }
}

#[cfg(test)]
mod tests {
    use super::super::PLUGIN;
    use super::*;
    use crate::config::{Class, instance};

    fn led(pairs: &[(&str, &str)], environment: &[(&str, &str)]) -> Option<(String, Option<String>)> {
        let environment = Environment::from_pairs(environment.iter().copied());
        let pairs: Vec<_> = [("Match", "*")].into_iter().chain(pairs.iter().copied()).collect();
        let (instance, problems) = instance(Class::Filter, &PLUGIN, &pairs, &environment);
        assert!(!problems.is_fatal(), "{problems}");
        let Connection { server, node, .. } = connection(&instance.options(), &environment)?;
        match server {
            Server::Options { url, .. } => Some((url, node)),
            Server::Kubeconfig(file) => Some((file.display().to_string(), node)),
        }
    }

    #[test]
    fn outside_of_a_cluster_nobody_is_asked() {
        assert_eq!(led(&[], &[]), None);
        assert_eq!(led(&[("Kube_URL", "https://kubernetes.default.svc:443")], &[("NODE_NAME", "a")]), None);
        assert_eq!(led(&[("Kube_URL", "https://api:6443"), ("Use_Tag_For_Meta", "On")], &[]), None);
    }

    #[test]
    fn the_kubelet_is_asked_at_its_address() {
        let asked = |pairs: &[(&str, &str)]| {
            let pairs = [&[("Match", "*"), ("Kube_Token_File", "/token")], pairs].concat();
            let (instance, _) = instance(Class::Filter, &PLUGIN, &pairs, &Environment::default());
            connection(&instance.options(), &Environment::default()).unwrap().kubelet
        };
        assert_eq!(asked(&[]), None);
        assert_eq!(asked(&[("Use_Kubelet", "On")]).as_deref(), Some("https://127.0.0.1:10250"));
        let other = [("Use_Kubelet", "On"), ("Kubelet_Host", "fd00::1"), ("Kubelet_Port", "10255")];
        assert_eq!(asked(&other).as_deref(), Some("https://[fd00::1]:10255"));
    }

    #[test]
    fn options_and_environment_lead_to_the_server() {
        let token = ("Kube_Token_File", "/token");
        let address = [("KUBERNETES_SERVICE_HOST", "10.0.0.1"), ("KUBERNETES_SERVICE_PORT", "443")];
        let six = [("KUBERNETES_SERVICE_HOST", "fd00::1"), ("KUBERNETES_SERVICE_PORT", "443")];
        let node = [("NODE_NAME", "node-a")];
        for (pairs, environment, url, node) in [
            (&[token][..], &node[..], "https://kubernetes.default.svc:443", Some("node-a")),
            (&[token], &address, "https://10.0.0.1:443", None),
            (&[token], &six, "https://[fd00::1]:443", None),
            (
                &[token, ("Kube_URL", "https://kubernetes.default.svc")],
                &address,
                "https://kubernetes.default.svc:443",
                None,
            ),
            (&[("Kube_URL", "http://127.0.0.1:8001/"), ("Node_Name", "b")], &node, "http://127.0.0.1:8001", Some("b")),
            (&[("Kube_Config", "/home/me/.kube/config")], &[], "/home/me/.kube/config", None),
        ] {
            assert_eq!(led(pairs, environment), Some((url.to_owned(), node.map(str::to_owned))), "{pairs:?}");
        }
    }
}
