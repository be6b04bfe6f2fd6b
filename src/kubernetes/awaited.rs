//! Waiting for a pod before its log is read.

use std::sync::Arc;
use std::time::Duration;

use super::pods::{Known, Pods};
use crate::config::Match;
use crate::record::Container;

/// Logs whose pods should be known before they are read: those that a kubernetes filter takes.
#[derive(Debug, Clone)]
pub struct Awaited {
    /// The tags that the filter takes.
    pub routing: Match,
    /// What is known of pods.
    pub pods: Arc<Pods>,
    /// How long a log waits at most, from when it was found.
    pub grace: Duration,
    /// Their namespaces should be known, too, as of so long ago.
    pub namespaces: Option<Duration>,
}

impl Awaited {
    /// Whether a log that was found `waited` ago should wait for its pod.
    #[must_use]
    pub fn holds_back(&self, tag: &str, container: &Container, waited: Duration) -> bool {
        waited < self.grace
            && self.routing.matches(tag)
            && !(matches!(self.pods.look_up(container), Some(Known::Surely(_))) && self.knows_namespace(container))
    }

    fn knows_namespace(&self, container: &Container) -> bool {
        self.namespaces.is_none_or(|ttl| self.pods.namespaces.look_up(&container.namespace, ttl).is_some())
    }
}
