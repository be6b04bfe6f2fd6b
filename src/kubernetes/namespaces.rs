//! Labels and annotations of namespaces: fetched when they are asked for, and again when they are old.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use kube::Client;
use kube::core::Request;
use serde::Deserialize;
use tokio::sync::Notify;

use super::connection::Connection;
use super::error::Error;
use super::pod::Pairs;
use super::pods::Pods;
use crate::telemetry::Throttle;

/// How long is waited after an error.
const PAUSE: Duration = Duration::from_secs(5);

/// What is known of a namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Namespace {
    /// Labels in the order in which the API gives them.
    pub labels: Vec<(String, String)>,
    /// Annotations in the order in which the API gives them.
    pub annotations: Vec<(String, String)>,
}

/// The namespaces that somebody asked for.
#[derive(Debug, Default)]
pub struct Namespaces {
    known: RwLock<HashMap<String, Fetched>>,
    wanted: Mutex<BTreeSet<String>>,
    asked: Notify,
}

#[derive(Debug)]
struct Fetched {
    namespace: Arc<Namespace>,
    at: Instant,
}

impl Namespaces {
    /// A namespace as it was at the last look. If that is longer ago than `ttl`, or there was none yet,
    /// it is fetched soon: the pods' generation moves when it is there.
    #[must_use]
    pub fn look_up(&self, name: &str, ttl: Duration) -> Option<Arc<Namespace>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let fetched = known.get(name);
        if fetched.is_none_or(|fetched| fetched.at.elapsed() >= ttl) && self.wanted().insert(name.to_owned()) {
            self.asked.notify_one();
        }
        fetched.map(|fetched| Arc::clone(&fetched.namespace))
    }

    fn put(&self, name: String, namespace: Namespace) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let same = known.get(&name).filter(|fetched| *fetched.namespace == namespace);
        let namespace = same.map_or_else(|| Arc::new(namespace), |fetched| Arc::clone(&fetched.namespace));
        known.insert(name, Fetched { namespace, at: Instant::now() });
    }

    fn wanted(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a Namespace object (API version v1) in JSON.
///
/// # Errors
/// If the text is not JSON, or a known field has another type.
pub fn read(json: &[u8]) -> serde_json::Result<Namespace> {
    serde_json::from_slice::<Object>(json).map(Namespace::from)
}

/// Fetches what is asked for, for ever.
pub(super) async fn fetch(connection: &Connection, pods: &Pods) {
    let throttle = Throttle::default();
    let mut client: Option<(Client, Instant)> = None;
    loop {
        let next = pods.namespaces.wanted().first().cloned();
        let Some(name) = next else {
            pods.namespaces.asked.notified().await;
            continue;
        };
        match get(connection, &mut client, &name).await {
            Ok(namespace) => pods.namespaces.put(name.clone(), namespace),
            Err(error) => {
                if throttle.allows() {
                    tracing::warn!(namespace = name, %error, "the namespace's labels are not known");
                }
                client = None;
                tokio::time::sleep(PAUSE).await;
                // Whoever still needs it asks again when something has moved.
            }
        }
        pods.namespaces.wanted().remove(&name);
        pods.moved();
    }
}

async fn get(connection: &Connection, client: &mut Option<(Client, Instant)>, name: &str) -> Result<Namespace, Error> {
    let (client, _) = match client {
        Some(known) if known.1.elapsed() < connection.lasts() => known,
        _ => client.insert((connection.client().await?, Instant::now())),
    };
    let request = Request::new("/api/v1/namespaces").get(name, &Default::default());
    let request = request.map_err(|error| Error::Setup(error.to_string()))?;
    Ok(client.request::<Object>(request).await?.into())
}

#[derive(Deserialize)]
struct Object {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    labels: Option<Pairs>,
    annotations: Option<Pairs>,
}

impl From<Object> for Namespace {
    fn from(Object { metadata }: Object) -> Self {
        let pairs = |pairs: Option<Pairs>| pairs.unwrap_or_default().0;
        Self { labels: pairs(metadata.labels), annotations: pairs(metadata.annotations) }
    }
}
