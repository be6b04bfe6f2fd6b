//! What a kubernetes filter knows of pods, for the inputs whose logs it takes.

use std::sync::Arc;
use std::time::Duration;

use super::pods::{Known, Pods};
use super::preload::Preload;
use crate::config::{Bound, Match};
use crate::record::{Container, PodMetadata};

/// What one kubernetes filter knows and wishes.
#[derive(Debug, Clone)]
pub struct Metadata {
    /// The tags that the filter takes.
    pub routing: Match,
    /// The one input or output that it works for, if there is one.
    pub bound: Option<Bound>,
    /// What the API server tells of pods.
    pub watch: Option<Arc<Pods>>,
    /// What files tell of pods.
    pub preload: Option<Preload>,
    /// How long a log waits for its pod at most, from when it was found.
    pub grace: Duration,
    /// Namespaces should be known, too, as of so long ago.
    pub namespaces: Option<Duration>,
    /// Pods may exclude their logs by an annotation.
    pub excludes: bool,
}

impl Metadata {
    /// It knows of the pods of an input's logs with this tag.
    #[must_use]
    pub fn takes(&self, tag: &str, input: usize) -> bool {
        self.routing.matches(tag) && !matches!(self.bound, Some(Bound::Input(other)) if other != input)
    }

    /// Whether a log with this tag that was found `waited` ago should wait for its pod.
    #[must_use]
    pub fn holds_back(&self, tag: &str, container: &Container, waited: Duration) -> bool {
        waited < self.grace
            && self.watch.is_some()
            && self.routing.matches(tag)
            && !(self.look_up(container, waited).is_some() && self.knows_namespace(container))
    }

    /// The pod of a log that was found `waited` ago. One of which only the name is the same counts when
    /// nothing better can come any more.
    #[must_use]
    pub fn look_up(&self, container: &Container, waited: Duration) -> Option<Arc<PodMetadata>> {
        if let Some(Ok(Some(pod))) = self.preload.as_ref().map(|preload| preload.look_up(container)) {
            return Some(Arc::new(pod));
        }
        match self.watch.as_ref()?.look_up(container)? {
            Known::Surely(pod) => Some(pod),
            Known::Probably(pod) => Some(pod).filter(|_| waited >= self.grace),
        }
    }

    /// What is known can change without notice.
    #[must_use]
    pub fn is_in_files(&self) -> bool {
        self.preload.is_some()
    }

    /// Which pods there are was never told yet.
    #[must_use]
    pub fn awaits_list(&self) -> bool {
        self.watch.as_ref().is_some_and(|pods| !pods.is_listed())
    }

    /// Moves when something new is known.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.watch.as_ref().map_or(0, |pods| pods.generation())
    }

    fn knows_namespace(&self, container: &Container) -> bool {
        let Some((ttl, pods)) = self.namespaces.zip(self.watch.as_ref()) else { return true };
        pods.namespaces.look_up(&container.namespace, ttl).is_some()
    }
}
