//! Listing the pods of a node once, and following them from then on.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use kube::Client;
use kube::core::params::{ListParams, WatchParams};
use kube::core::{Request, WatchEvent};
use serde::Deserialize;

use super::connection::Connection;
use super::error::Error;
use super::journal::Journal;
use super::pod::Listed;
use super::pods::{Entry, Pods};
use crate::record::{PodMetadata, Timestamp};
use crate::telemetry::Throttle;
use crate::telemetry::watch::WatchAccount;

/// After so many seconds the server ends a watch, and a new one goes on from there.
const WATCH_SECONDS: u32 = 290;
/// A server tells about once a minute how far it is. When it says nothing for this long, it is asked
/// anew, since a connection can be cut without either side being told.
const SILENCE: Duration = Duration::from_secs(150);
/// How long the beginning of an answer may take.
const ANSWER_PATIENCE: Duration = Duration::from_secs(30);
/// How long a list may take.
const LIST_PATIENCE: Duration = Duration::from_secs(60);
/// How long is waited after the first error; twice as long after each further one, up to the longest.
/// The waits are drawn, so that the nodes of a cluster do not come back all at once.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long it takes until the kubelet is asked again: a new log waits for its pod, and the kubelet makes
/// its answer of what it has in memory.
const KUBELET_PAUSE: Duration = Duration::from_secs(2);
/// How often what is not needed any more is looked for.
const SWEEP: Duration = Duration::from_secs(30);

/// The watch of one node's pods, or asking its kubelet for them. It lives until the pipeline ends.
#[derive(Debug)]
pub struct Watch {
    connection: Connection,
    pods: Arc<Pods>,
    account: Arc<WatchAccount>,
    journal: Option<Journal>,
    /// Where the watch goes on; `None` before the first list, and when the server has forgotten.
    version: Option<String>,
    journal_trouble: Throttle,
}

impl Watch {
    /// A watch that tells `pods` what it sees, and keeps it in a file at `journal`.
    #[must_use]
    pub fn new(connection: Connection, pods: Arc<Pods>, account: Arc<WatchAccount>, journal: Option<PathBuf>) -> Self {
        let journal = journal.map(Journal::new);
        Self { connection, pods, account, journal, version: None, journal_trouble: Throttle::default() }
    }

    /// Takes over what an earlier process knew. Blocks for a moment.
    pub fn restore(&mut self) {
        let Some(journal) = &self.journal else { return };
        match journal.read() {
            Ok(kept) => self.pods.restore(kept, Timestamp::now()),
            Err(error) => tracing::warn!(%error, "what was known of pods that are gone cannot be read"),
        }
    }

    /// Watches, and fetches the namespaces that are asked for, until it is dropped.
    pub async fn run(mut self) {
        let (connection, pods) = (self.connection.clone(), Arc::clone(&self.pods));
        tokio::select! {
            () = super::namespaces::fetch(&connection, &pods) => {}
            () = self.watch() => {}
        }
    }

    async fn watch(&mut self) {
        let mut pause = SHORTEST_PAUSE;
        loop {
            let watches = self.account.watches();
            let Err(error) = self.session().await;
            if self.account.watches() > watches {
                pause = SHORTEST_PAUSE;
            }
            if matches!(error, Error::Gone(_)) {
                self.version = None;
            }
            if self.account.failed(error.kind(), error.to_string()) {
                tracing::warn!(name = self.account.name, %error, "the watch of pods is interrupted, logs go on");
            } else {
                tracing::debug!(name = self.account.name, %error, "the watch of pods is still interrupted");
            }
            tokio::time::sleep(pause.mul_f64(0.5 + fastrand::f64())).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Follows the pods until something goes wrong.
    async fn session(&mut self) -> Result<std::convert::Infallible, Error> {
        if self.connection.kubelet.is_some() {
            return self.ask_kubelet().await;
        }
        let (mut client, mut made) = (self.connection.client().await?, Instant::now());
        let node = match &self.connection.node {
            Some(node) => node.clone(),
            None => own_node(&client).await?,
        };
        let selector = format!("spec.nodeName={node}");
        loop {
            if made.elapsed() >= self.connection.lasts() {
                (client, made) = (self.connection.client().await?, Instant::now());
            }
            let version = match &self.version {
                Some(version) => version.clone(),
                None => self.list(&client, &selector).await?,
            };
            self.follow(&client, &selector, version).await?;
        }
    }

    /// Asks the kubelet for its pods again and again: it tells nothing by itself.
    async fn ask_kubelet(&mut self) -> Result<std::convert::Infallible, Error> {
        let (mut client, mut made) = (self.connection.kubelet_client().await?, Instant::now());
        loop {
            if made.elapsed() >= self.connection.lasts() {
                (client, made) = (self.connection.kubelet_client().await?, Instant::now());
            }
            self.take_list(&client, &Request::new("/pods"), &ListParams::default()).await?;
            if !self.account.is_connected() && self.account.connected() {
                tracing::info!(name = self.account.name, pods = self.pods.count(), "the kubelet tells of pods");
            }
            self.pods.sweep(Timestamp::now());
            tokio::time::sleep(KUBELET_PAUSE).await;
        }
    }

    /// Lists all pods, from the server's cache. Where the watch begins.
    async fn list(&mut self, client: &Client, selector: &str) -> Result<String, Error> {
        let parameters = ListParams::default().fields(selector).match_any();
        let version = self.take_list(client, &pods_of_all_namespaces(), &parameters).await?;
        self.version = Some(version.clone());
        Ok(version)
    }

    /// What a list tells are all pods that there are. Its version.
    async fn take_list(&mut self, client: &Client, pods: &Request, parameters: &ListParams) -> Result<String, Error> {
        let request = pods.list(parameters).map_err(|error| Error::Setup(error.to_string()))?;
        let listing = client.request::<List>(request);
        let list = tokio::time::timeout(LIST_PATIENCE, listing).await;
        let list = list.map_err(|_| Error::Unreachable("the list of pods did not come in time".to_owned()))??;
        let pods = list.items.into_iter().map(|listed| listed.pod).collect();
        let changed = self.pods.replace(pods, Timestamp::now());
        self.account.listed();
        self.keep(changed).await;
        Ok(list.metadata.resource_version)
    }

    /// Follows the pods from a version on, until the server ends the watch in its time or falls silent.
    async fn follow(&mut self, client: &Client, selector: &str, version: String) -> Result<(), Error> {
        let parameters = WatchParams::default().fields(selector).timeout(WATCH_SECONDS);
        let request = pods_of_all_namespaces().watch(&parameters, &version);
        let request = request.map_err(|error| Error::Setup(error.to_string()))?;
        let answer = tokio::time::timeout(ANSWER_PATIENCE, client.request_events::<Listed>(request)).await;
        let answer = answer.map_err(|_| Error::Unreachable("the watch was not answered in time".to_owned()))?;
        let mut events = std::pin::pin!(answer?);
        if self.account.connected() {
            tracing::info!(name = self.account.name, selector, pods = self.pods.count(), "pods are watched");
        }
        let mut sweep = tokio::time::interval(SWEEP);
        loop {
            tokio::select! {
                event = tokio::time::timeout(SILENCE, events.next()) => match event {
                    Ok(Some(event)) => self.take(event?).await?,
                    Ok(None) | Err(_) => return Ok(()),
                },
                _ = sweep.tick() => {
                    self.pods.sweep(Timestamp::now());
                    self.account.knows(self.pods.count());
                }
            }
        }
    }

    async fn take(&mut self, event: WatchEvent<Listed>) -> Result<(), Error> {
        let (changed, version) = match event {
            WatchEvent::Added(listed) | WatchEvent::Modified(listed) => (self.pods.put(listed.pod), listed.version),
            WatchEvent::Deleted(listed) => (self.remove(listed.pod), listed.version),
            WatchEvent::Bookmark(bookmark) => (None, bookmark.metadata.resource_version),
            WatchEvent::Error(status) => return Err(Error::of_status(status.code, status.message)),
        };
        if !version.is_empty() {
            self.version = Some(version);
        }
        if let Some(entry) = changed {
            self.keep(vec![entry]).await;
        }
        Ok(())
    }

    /// A pod is gone; what is told of it last may be more than was known.
    fn remove(&self, pod: PodMetadata) -> Option<Entry> {
        let uid = pod.uid.clone();
        self.pods.put(pod);
        self.pods.remove(&uid, Timestamp::now())
    }

    /// Keeps changes for the next start. A slow disk must not hold up what else waits on this thread.
    async fn keep(&mut self, changed: Vec<Entry>) {
        self.account.knows(self.pods.count());
        let Some(mut journal) = self.journal.take() else { return };
        let pods = Arc::clone(&self.pods);
        let written = tokio::task::spawn_blocking(move || {
            let result = journal.add(&changed, || pods.entries());
            (journal, result)
        });
        let Ok((journal, result)) = written.await else { return };
        self.journal = Some(journal);
        if let Err(error) = result
            && self.journal_trouble.allows()
        {
            tracing::warn!(%error, "what is known of pods cannot be kept for the next start");
        }
    }
}

fn pods_of_all_namespaces() -> Request {
    Request::new("/api/v1/pods")
}

/// The node that our own pod runs on: the pod is told by the service account's namespace and the host
/// name. In the host's network the host name is the node's.
async fn own_node(client: &Client) -> Result<String, Error> {
    const NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
    let unknown = |reason: String| Error::Setup(format!("Node_Name is not set, and the own pod tells none: {reason}"));
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let namespace = std::fs::read_to_string(NAMESPACE).map_err(|error| unknown(format!("{NAMESPACE}: {error}")))?;
    let pods = Request::new(format!("/api/v1/namespaces/{}/pods", namespace.trim()));
    let request = pods.get(&host, &Default::default()).map_err(|error| unknown(error.to_string()))?;
    match client.request::<Listed>(request).await {
        Ok(own) => own.pod.node.ok_or_else(|| unknown("it is not scheduled".to_owned())),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(host),
        Err(error) => Err(error.into()),
    }
}

#[derive(Deserialize)]
struct List {
    metadata: ListMetadata,
    items: Vec<Listed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListMetadata {
    /// The kubelet tells none.
    #[serde(default)]
    resource_version: String,
}
