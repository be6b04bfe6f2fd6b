//! How the API server is reached.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use kube::config::{
    AuthInfo, Cluster, Context, KubeConfigOptions, Kubeconfig, NamedAuthInfo, NamedCluster, NamedContext,
};
use kube::{Client, Config};

use super::error::Error;

/// The name of the only cluster, user and context in a configuration that options make.
const ONLY: &str = "flytail";

/// A server, and the node whose pods are watched.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Connection {
    /// The server.
    pub server: Server,
    /// The node; `None` for the one that this process's own pod runs on.
    pub node: Option<String>,
    /// The node's kubelet (`https://host:port`), which is asked for pods in place of the server. It is shown
    /// what the server is shown.
    pub kubelet: Option<String>,
}

/// A server and what we show it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Server {
    /// As a kubeconfig file says in its current context.
    Kubeconfig(PathBuf),
    /// As Fluent Bit's options say.
    Options {
        /// `https://host:port`.
        url: String,
        /// The certificates that the server's own is checked by, as PEM.
        ca_file: Option<PathBuf>,
        /// The token to show.
        token_file: Option<PathBuf>,
        /// A shell command that prints the token, in place of the file, and how long that is shown.
        token_command: Option<(String, Duration)>,
        /// Whether the server's certificate is checked.
        verify: bool,
        /// The name that the certificate must have, if it is another than that in the URL.
        server_name: Option<String>,
    },
}

impl Connection {
    /// How long a client may be used. (A token in a file is read again by the client itself.)
    pub(super) fn lasts(&self) -> Duration {
        match &self.server {
            Server::Options { token_command: Some((_, lasts)), .. } => *lasts,
            _ => Duration::MAX,
        }
    }

    /// Connects to the server anew: certificates and token are read again.
    pub(super) async fn client(&self) -> Result<Client, Error> {
        self.client_at(None).await
    }

    /// The same to the kubelet.
    pub(super) async fn kubelet_client(&self) -> Result<Client, Error> {
        self.client_at(self.kubelet.as_deref()).await
    }

    async fn client_at(&self, other: Option<&str>) -> Result<Client, Error> {
        let mut config = match &self.server {
            Server::Kubeconfig(file) => {
                let mut kubeconfig = Kubeconfig::read_from(file)?;
                for cluster in kubeconfig.clusters.iter_mut().filter_map(|named| named.cluster.as_mut()) {
                    cluster.server = other.map(str::to_owned).or(cluster.server.take());
                }
                from_kubeconfig(kubeconfig).await?
            }
            Server::Options { url, ca_file, token_file, token_command, verify, server_name } => {
                let text = |path: &Option<PathBuf>| path.as_ref().map(|path| path.to_string_lossy().into_owned());
                let cluster = Cluster {
                    server: Some(other.unwrap_or(url).to_owned()),
                    certificate_authority: text(ca_file).filter(|_| *verify),
                    insecure_skip_tls_verify: Some(!verify),
                    tls_server_name: server_name.clone(),
                    ..Cluster::default()
                };
                let user = match token_command {
                    Some((command, _)) => {
                        AuthInfo { token: Some(printed(command.clone()).await?.into()), ..AuthInfo::default() }
                    }
                    None => AuthInfo { token_file: text(token_file), ..AuthInfo::default() },
                };
                from_kubeconfig(of(cluster, user)).await?
            }
        };
        // We try again ourselves, and tell so; and the API server is never behind a proxy.
        config.default_retry = false;
        config.proxy_url = None;
        Ok(Client::try_from(config)?)
    }
}

/// What a shell command prints.
async fn printed(command: String) -> Result<String, Error> {
    let failed = |reason: String| Error::Setup(format!("Kube_Token_Command fails: {reason}"));
    let run = move || Command::new("sh").arg("-c").arg(command).stdin(Stdio::null()).output();
    let output = tokio::task::spawn_blocking(run).await.map_err(|error| failed(error.to_string()))?;
    let output = output.map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim())));
    }
    String::from_utf8(output.stdout)
        .map(|token| token.trim().to_owned())
        .map_err(|_| failed("what it prints is not UTF-8".to_owned()))
}

async fn from_kubeconfig(kubeconfig: Kubeconfig) -> Result<Config, Error> {
    Ok(Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?)
}

fn of(cluster: Cluster, user: AuthInfo) -> Kubeconfig {
    let context = Context { cluster: ONLY.to_owned(), user: Some(ONLY.to_owned()), ..Context::default() };
    Kubeconfig {
        clusters: vec![NamedCluster { name: ONLY.to_owned(), cluster: Some(cluster), ..Default::default() }],
        auth_infos: vec![NamedAuthInfo { name: ONLY.to_owned(), auth_info: Some(user), ..Default::default() }],
        contexts: vec![NamedContext { name: ONLY.to_owned(), context: Some(context), ..Default::default() }],
        current_context: Some(ONLY.to_owned()),
        ..Kubeconfig::default()
    }
}
