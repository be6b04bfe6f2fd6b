//! The kubernetes filter: which pod wrote a record, and the JSON inside its `log`.
//!
//! `prepare` finds the container in the log's path, else in the tag; looks its pod up; attaches the
//! pod to the source for the filters behind; and renders the `kubernetes` object, which `apply`
//! then only appends. What is known of a source is kept while it is in use. Pods come from the watch
//! of the API server, which is asked again when it has seen something new, and from files, of which
//! one that is not there is asked for again every [`RETRY_INTERVAL`]. A pod that is gone later stays
//! known.

mod connection;
mod merge;
mod options;
mod preload;
mod render;
mod settings;
mod tag;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use connection::{connection, grace};
pub use options::PLUGIN;

use super::{Action, Filter, Surroundings};
use crate::config::{Options, Problems};
use crate::kubernetes::Known as WatchedPod;
use crate::record::{Container, Member, Origin, PodMetadata, Record, Source, Turn};
use crate::telemetry::Throttle;
use crate::telemetry::accounts::FilterCounter;
use settings::Settings;

/// How long a pod that was not found is not asked for again.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);
/// How long a source may be silent before what is known of it is dropped (and, if it speaks again,
/// looked up again).
const KEPT: Duration = Duration::from_secs(600);
/// How often silent sources are looked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// Builds the filter from its checked options.
pub(super) fn build(
    options: &Options<'_>,
    surroundings: &Surroundings<'_>,
    problems: &mut Problems,
) -> Option<Box<dyn Filter>> {
    let settings = Settings::new(options, surroundings.pods.clone(), problems)?;
    Some(Box::new(Kubernetes::new(settings)))
}

/// The filter.
pub struct Kubernetes {
    settings: Settings,
    /// What is known, by source id.
    sources: HashMap<u64, Known>,
    swept: Option<Instant>,
    /// The `kubernetes` object of the source that was prepared last; `None` if its records pass
    /// as they are.
    current: Option<Arc<[u8]>>,
    /// Records since the start that went without metadata.
    missing: Cell<u64>,
    /// Lines since the start that were no JSON though they begin like it.
    malformed: Cell<u64>,
    /// Whether the current source lacks metadata.
    is_missing: bool,
    throttle: Throttle,
}

/// What is known of a source.
struct Known {
    container: Option<Container>,
    pod: Option<Arc<PodMetadata>>,
    rendered: Option<Arc<[u8]>>,
    /// When the pod is looked up again.
    due: Option<Instant>,
    /// The pods' generation when it was looked up.
    generation: u64,
    used: Instant,
}

impl Filter for Kubernetes {
    fn prepare(&mut self, source: &mut Source) {
        self.prepare_at(source, Instant::now());
    }

    fn apply<'t>(&'t self, record: &mut Record<'t>, turn: &Turn<'t>) -> Action {
        let Some(rendered) = &self.current else { return Action::Keep };
        if self.settings.merge_log && merge::merge(&self.settings, record, turn.arena) {
            self.malformed.set(self.malformed.get() + 1);
        }
        record.members.push(Member::json(b"kubernetes", rendered, Origin::Filter));
        record.unique = false;
        self.missing.set(self.missing.get() + u64::from(self.is_missing));
        Action::Keep
    }

    fn counters(&self) -> Vec<FilterCounter> {
        let counter = |name, help, value| FilterCounter { name, help, value };
        vec![
            counter("metadata_missing", "Records without metadata of their pod", self.missing.get()),
            counter(
                "malformed_json",
                "Lines that begin like a JSON object and are none, shipped as text",
                self.malformed.get(),
            ),
        ]
    }
}

impl Kubernetes {
    fn new(settings: Settings) -> Self {
        Self {
            settings,
            sources: HashMap::new(),
            swept: None,
            current: None,
            missing: Cell::new(0),
            malformed: Cell::new(0),
            is_missing: false,
            throttle: Throttle::default(),
        }
    }

    fn prepare_at(&mut self, source: &mut Source, now: Instant) {
        self.sweep(now);
        let known = match self.sources.remove(&source.id) {
            Some(known) if known.generation == self.generation() && known.due.is_none_or(|due| now < due) => {
                Known { used: now, ..known }
            }
            before => self.look_up(source, before, now),
        };
        if known.pod.is_some() {
            source.pod.clone_from(&known.pod);
        }
        if source.container.is_none() {
            source.container.clone_from(&known.container);
        }
        self.current.clone_from(&known.rendered);
        self.is_missing = known.rendered.is_some() && known.pod.is_none() && !self.settings.use_tag_for_meta;
        self.sources.insert(source.id, known);
    }

    fn generation(&self) -> u64 {
        self.settings.pods.as_ref().map_or(0, |pods| pods.generation())
    }

    fn look_up(&self, source: &Source, before: Option<Known>, now: Instant) -> Known {
        // Asked first: what comes meanwhile is found the next time.
        let generation = self.generation();
        let container =
            source.container.clone().or_else(|| tag::container(&source.tag, self.settings.tag_prefix_length));
        let Some(container) = container else {
            return Known { container: None, pod: None, rendered: None, due: None, generation, used: now };
        };
        let (pod, due) = self.pod(&container, before.as_ref(), now);
        let rendered = match before {
            Some(Known { pod: known, rendered: Some(rendered), .. }) if is_same(known.as_ref(), pod.as_ref()) => {
                rendered
            }
            _ => Arc::from(render::object(&container, pod.as_deref(), &self.settings)),
        };
        Known { container: Some(container), pod, rendered: Some(rendered), due, generation, used: now }
    }

    /// The pod of a container, and when it is to be looked for again though nothing new was seen.
    fn pod(
        &self,
        container: &Container,
        before: Option<&Known>,
        now: Instant,
    ) -> (Option<Arc<PodMetadata>>, Option<Instant>) {
        if self.settings.use_tag_for_meta {
            return (None, None);
        }
        let mut due = None;
        if let Some(preload) = &self.settings.preload {
            match preload.look_up(container) {
                Ok(Some(pod)) => return (Some(Arc::new(pod)), self.settings.cache_ttl.map(|ttl| now + ttl)),
                Ok(None) => {}
                Err(error) => {
                    if self.throttle.allows() {
                        tracing::warn!("kubernetes: {error}");
                    }
                }
            }
            due = Some(now + RETRY_INTERVAL);
        }
        let watched = self.settings.pods.as_ref().and_then(|pods| pods.look_up(container)).map(WatchedPod::into_pod);
        (watched.or_else(|| before.and_then(|before| before.pod.clone())), due)
    }

    fn sweep(&mut self, now: Instant) {
        if self.swept.is_none_or(|swept| now.duration_since(swept) >= SWEEP_INTERVAL) {
            self.sources.retain(|_, known| now.duration_since(known.used) < KEPT);
            self.swept = Some(now);
        }
    }
}

fn is_same(one: Option<&Arc<PodMetadata>>, other: Option<&Arc<PodMetadata>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (None, None) => true,
        _ => false,
    }
}
