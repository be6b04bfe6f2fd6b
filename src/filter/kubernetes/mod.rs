//! The kubernetes filter: which pod wrote a record, and the JSON inside its `log`.
//!
//! `prepare` finds the container in the log's path, else in the tag; looks its pod up; attaches the
//! pod to the source for the filters behind; and renders the `kubernetes` object, which `apply`
//! then only appends. What is known of a source is kept while it is in use. Pods come from the watch
//! of the API server, which is asked again when it has seen something new, and from files, of which
//! one that is not there is asked for again every [`RETRY_INTERVAL`](known::RETRY_INTERVAL). A pod
//! that is gone later stays known.

mod connection;
mod known;
mod merge;
mod options;
mod render;
mod settings;
mod tag;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use connection::{connection, excludes, grace, namespaces, preload};
pub use options::PLUGIN;

use super::{Action, Filter, Surroundings};
use crate::config::{Options, Problems};
use crate::kubernetes::annotations;
use crate::record::{Member, Origin, Record, Source, Turn};
use crate::telemetry::Throttle;
use crate::telemetry::accounts::FilterCounter;
use known::{Given, Known};
use settings::Settings;

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
    let settings = Settings::new(options, surroundings, problems)?;
    Some(Box::new(Kubernetes::new(settings)))
}

/// The filter.
pub struct Kubernetes {
    settings: Settings,
    /// What is known, by source id.
    sources: HashMap<u64, Known>,
    swept: Option<Instant>,
    /// What records of the source that was prepared last get; `None` if they pass as they are.
    current: Option<Arc<Given>>,
    /// Records since the start that went without metadata.
    missing: Cell<u64>,
    /// Lines since the start that were no JSON though they begin like it.
    malformed: Cell<u64>,
    /// Records since the start that their pods wished to be excluded.
    excluded: Cell<u64>,
    throttle: Throttle,
}

impl Filter for Kubernetes {
    fn prepare(&mut self, source: &mut Source) {
        self.prepare_at(source, Instant::now());
    }

    fn apply<'t>(&'t self, record: &mut Record<'t>, turn: &Turn<'t>) -> Action {
        let Some(given) = &self.current else { return Action::Keep };
        let mut parser = self.settings.merge_parser.as_deref();
        if let Some(wishes) = &given.wishes {
            let stream = record.find(b"stream").and_then(|member| member.value.as_text(turn.arena));
            let stream = stream.and_then(annotations::stream);
            if wishes.excludes(stream) {
                self.excluded.set(self.excluded.get() + 1);
                return Action::Drop;
            }
            let wished = wishes.parser(stream).and_then(|index| self.settings.named_parsers.get(index));
            parser = wished.map(|(_, parser)| parser.as_ref()).or(parser);
        }
        if self.settings.merge_log && merge::merge(&self.settings, parser, record, turn.arena) {
            self.malformed.set(self.malformed.get() + 1);
        }
        if let Some(kubernetes) = &given.kubernetes {
            record.members.push(Member::json(b"kubernetes", kubernetes, Origin::Filter));
        }
        if let Some(namespace) = &given.namespace {
            record.members.push(Member::json(b"kubernetes_namespace", namespace, Origin::Filter));
        }
        record.unique = false;
        self.missing.set(self.missing.get() + u64::from(given.lacks_pod));
        Action::Keep
    }

    fn counters(&self) -> Vec<FilterCounter> {
        let counter = |name, help, value| FilterCounter { name, help, value };
        vec![
            counter("metadata_missing", "Records without metadata of their pod", self.missing.get()),
            counter("excluded_by_pods", "Records that their pods wished to be excluded", self.excluded.get()),
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
            excluded: Cell::new(0),
            throttle: Throttle::default(),
        }
    }

    fn prepare_at(&mut self, source: &mut Source, now: Instant) {
        if self.settings.dummy_meta {
            self.current = Some(Arc::new(Given::dummy(&jiff::Zoned::now())));
            return;
        }
        self.sweep(now);
        let known = match self.sources.remove(&source.id) {
            Some(mut known) if known.is_fresh(&self.settings, now) => {
                known.used = now;
                known
            }
            before => Known::look_up(source, before, &self.settings, &self.throttle, now),
        };
        if known.pod.is_some() {
            source.pod.clone_from(&known.pod);
        }
        if source.container.is_none() {
            source.container.clone_from(&known.container);
        }
        self.current.clone_from(&known.given);
        self.sources.insert(source.id, known);
    }

    fn sweep(&mut self, now: Instant) {
        if self.swept.is_none_or(|swept| now.duration_since(swept) >= SWEEP_INTERVAL) {
            self.sources.retain(|_, known| now.duration_since(known.used) < KEPT);
            self.swept = Some(now);
        }
    }
}
