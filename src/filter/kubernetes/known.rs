//! What the filter knows of a source, and how it finds out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Settings, render, tag};
use crate::kubernetes::annotations::Wishes;
use crate::kubernetes::{Known as Watched, Namespace, PreloadError};
use crate::record::{Container, PodMetadata, Source};
use crate::telemetry::Throttle;

/// How long what was not found in a file is not looked for again.
pub(super) const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// What is known of a source.
pub(super) struct Known {
    pub(super) container: Option<Container>,
    pub(super) pod: Option<Arc<PodMetadata>>,
    namespace: Option<Arc<Namespace>>,
    /// What its records get; `None` if they pass as they are.
    pub(super) given: Option<Arc<Given>>,
    /// When it is looked up again.
    due: Option<Instant>,
    /// The pods' generation when it was looked up.
    generation: u64,
    pub(super) used: Instant,
}

/// What the records of a source get, and what becomes of them.
pub(super) struct Given {
    /// The `kubernetes` object.
    pub(super) kubernetes: Option<Vec<u8>>,
    /// The `kubernetes_namespace` object.
    pub(super) namespace: Option<Vec<u8>>,
    /// What the pod's annotations wish, if they wish anything.
    pub(super) wishes: Option<Wishes>,
    /// The pod should be known and is not.
    pub(super) lacks_pod: bool,
}

impl Known {
    /// Nothing new can have been seen since.
    pub(super) fn is_fresh(&self, settings: &Settings, now: Instant) -> bool {
        self.generation == generation(settings) && self.due.is_none_or(|due| now < due)
    }

    /// Looks a source up. Of a pod that is gone stays what was known.
    pub(super) fn look_up(
        source: &Source,
        before: Option<Self>,
        settings: &Settings,
        throttle: &Throttle,
        now: Instant,
    ) -> Self {
        // Asked first: what comes meanwhile is found the next time.
        let generation = generation(settings);
        let Some(container) = container(source, settings) else {
            return Self { container: None, pod: None, namespace: None, given: None, due: None, generation, used: now };
        };
        let look = Look { settings, throttle, container: &container, before: before.as_ref(), now };
        let ((pod, pod_due), (namespace, namespace_due)) = (look.pod(), look.namespace());
        let due = [pod_due, namespace_due].into_iter().flatten().min();
        let given = match &before {
            Some(Self { pod: known, namespace: known_namespace, given: Some(given), .. })
                if is_same(known.as_ref(), pod.as_ref()) && is_same(known_namespace.as_ref(), namespace.as_ref()) =>
            {
                Arc::clone(given)
            }
            _ => Arc::new(Given::new(&container, pod.as_deref(), namespace.as_deref(), settings, throttle)),
        };
        Self { container: Some(container), pod, namespace, given: Some(given), due, generation, used: now }
    }
}

impl Given {
    /// What is made up.
    pub(super) fn dummy(now: &jiff::Zoned) -> Self {
        Self { kubernetes: Some(render::dummy(now)), namespace: None, wishes: None, lacks_pod: false }
    }

    fn new(
        container: &Container,
        pod: Option<&PodMetadata>,
        namespace: Option<&Namespace>,
        settings: &Settings,
        throttle: &Throttle,
    ) -> Self {
        let complain = |complaint: String| {
            if throttle.allows() {
                tracing::warn!(namespace = container.namespace, pod = container.pod, "kubernetes: {complaint}");
            }
        };
        let wishes = pod.map(|pod| {
            let parser_named = |name: &str| settings.named_parsers.iter().position(|(known, _)| known == name);
            Wishes::of(&pod.annotations, &container.name, settings.allowed, parser_named, complain)
        });
        Self {
            kubernetes: (!settings.namespace_only).then(|| render::object(container, pod, settings)),
            namespace: namespace.map(|namespace| render::namespace(&container.namespace, namespace, settings)),
            wishes: wishes.filter(|wishes| !wishes.is_empty()),
            lacks_pod: pod.is_none() && !settings.use_tag_for_meta,
        }
    }
}

/// Looking for what is known of one container.
struct Look<'a> {
    settings: &'a Settings,
    throttle: &'a Throttle,
    container: &'a Container,
    before: Option<&'a Known>,
    now: Instant,
}

/// What was found, and when it is to be looked for again though nothing new was seen.
type Found<T> = (Option<Arc<T>>, Option<Instant>);

impl Look<'_> {
    fn pod(&self) -> Found<PodMetadata> {
        let settings = self.settings;
        if settings.use_tag_for_meta {
            return (None, None);
        }
        let mut due = self.still_due();
        if let Some(preload) = settings.preload.as_ref().filter(|_| self.reads_files()) {
            match preload.look_up(self.container) {
                Ok(Some(pod)) => return (Some(Arc::new(pod)), settings.cache_ttl.map(|ttl| self.now + ttl)),
                Ok(None) => {}
                Err(error) => self.complain(&error),
            }
            due = Some(self.now + RETRY_INTERVAL);
        }
        let watched = settings.pods.as_ref().and_then(|pods| pods.look_up(self.container)).map(Watched::into_pod);
        (watched.or_else(|| self.before?.pod.clone()), due)
    }

    fn namespace(&self) -> Found<Namespace> {
        let settings = self.settings;
        let Some(ttl) = settings.namespaces.filter(|_| !settings.use_tag_for_meta) else { return (None, None) };
        let name = &self.container.namespace;
        let mut due = self.still_due().or_else(|| self.now.checked_add(ttl));
        if let Some(preload) = settings.preload.as_ref().filter(|_| self.reads_files()) {
            match preload.namespace(name) {
                Ok(Some(namespace)) => return (Some(Arc::new(namespace)), due),
                Ok(None) => {}
                Err(error) => self.complain(&error),
            }
            due = Some(self.now + RETRY_INTERVAL);
        }
        let known = settings.pods.as_ref().and_then(|pods| pods.namespaces.look_up(name, ttl));
        (known.or_else(|| self.before?.namespace.clone()), due)
    }

    /// Files are read at the first look and when it is time, not whenever some pod has changed.
    fn reads_files(&self) -> bool {
        self.before.is_none_or(|before| before.due.is_some_and(|due| self.now >= due))
    }

    /// When it was time before, if it is not yet.
    fn still_due(&self) -> Option<Instant> {
        self.before?.due.filter(|due| self.now < *due)
    }

    fn complain(&self, error: &PreloadError) {
        if self.throttle.allows() {
            tracing::warn!("kubernetes: {error}");
        }
    }
}

/// The container that the path tells, else the tag. A parser for tags comes first.
fn container(source: &Source, settings: &Settings) -> Option<Container> {
    let told = || tag::container(&source.tag, settings.tag_prefix_length);
    match &settings.tag_parser {
        Some(parser) => {
            tag::parsed(&source.tag, settings.tag_prefix_length, parser.as_ref(), source.container.as_ref())
        }
        None => source.container.clone().or_else(told),
    }
}

fn generation(settings: &Settings) -> u64 {
    settings.pods.as_ref().map_or(0, |pods| pods.generation())
}

fn is_same<T>(one: Option<&Arc<T>>, other: Option<&Arc<T>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (None, None) => true,
        _ => false,
    }
}
