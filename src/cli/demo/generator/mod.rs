//! Writes the container logs of a small Flyte cluster, and knows what must become of every line.
//!
//! [`Generator`] makes lines in the real formats of Flyte's parts with the [`Truth`] of each;
//! [`Kubelet`] writes them to disk as a node does; [`Cluster`] tells which pods they come from.
//! The same seed and times give the same lines. Nothing here knows the rest of the crate: the
//! truth is an independent account of what the pipeline has to do.

mod bulk;
mod clock;
mod cluster;
mod control_plane;
mod formats;
mod json_text;
mod kubelet;
mod malformed;
mod metadata;
mod runtime;
mod tasks;
mod truth;

use std::collections::VecDeque;

use fastrand::Rng;
use serde_json::json;

use formats::{Context, Draft};

pub use bulk::{Bulk, Written};
pub use cluster::{Cluster, Container, Execution, Fields, Pod, Role};
pub use kubelet::{Kubelet, KubeletError, KubeletOptions};
pub use malformed::{Expectation, Malformed, malformed_lines};
pub use runtime::{PART_LENGTH, Runtime};
pub use truth::{Format, OPTIONAL_FIELDS, SEQUENCE_DIGITS, Truth, marker, sequence_in};

/// Where a container wrote to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// The word in log files and documents.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// What a container wrote at once, and the document that must come of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The container, as an index of [`Cluster::containers`].
    pub container: usize,
    /// Where it wrote to.
    pub stream: Stream,
    /// The application's physical lines without line ends: one, or all those of a traceback.
    pub text: Vec<Vec<u8>>,
    /// When it wrote, in nanoseconds since the epoch.
    pub time_ns: i64,
    /// The document.
    pub truth: Truth,
}

/// Makes lines.
#[derive(Debug)]
pub struct Generator {
    cluster: Cluster,
    random: Rng,
    /// The last number given to a line.
    sequence: u64,
    /// Lines that follow the last one in the same container.
    following: VecDeque<(usize, Draft)>,
    /// Each container as often as its share of the lines.
    shares: Vec<usize>,
    metadata: bool,
}

/// Fields that without metadata may be found by a better guess than the truth's.
const UNDECIDED_WITHOUT_METADATA: [&str; 4] = ["workflow", "task", "project", "domain"];

impl Generator {
    /// A generator of the seed's cluster. Its truth supposes that the pods' metadata is known.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let cluster = Cluster::new(seed);
        let containers = cluster.containers.iter().enumerate();
        let shares = containers.flat_map(|(index, container)| vec![index; share(container.role)]).collect();
        let random = Rng::with_seed(seed ^ 0x5eed_0f11);
        Self { cluster, random, sequence: 0, following: VecDeque::new(), shares, metadata: true }
    }

    /// The same lines, with the truth of a pipeline that knows nothing but the log files' names.
    #[must_use]
    pub fn without_metadata(mut self) -> Self {
        self.metadata = false;
        self
    }

    /// The pods and containers that the lines come from.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The number of the last line made; numbers start at one and have no gaps.
    #[must_use]
    pub fn last_sequence(&self) -> u64 {
        self.sequence - self.following.len() as u64
    }

    /// Makes the next line, written at `now_ns` (nanoseconds since the epoch). Times should not
    /// go back.
    pub fn next(&mut self, now_ns: i64) -> Line {
        let waiting = self.following.pop_front();
        let (index, draft) = waiting.unwrap_or_else(|| self.draft(now_ns));
        let container = &self.cluster.containers[index];
        let time_ns = now_ns;
        let (stream, text) = (draft.stream, draft.lines.clone());
        let truth = truth_of(draft, container, time_ns, self.metadata);
        Line { container: index, stream, text, time_ns, truth }
    }

    fn draft(&mut self, time_ns: i64) -> (usize, Draft) {
        loop {
            let index = self.shares[self.random.usize(..self.shares.len())];
            let mut context = Context {
                execution: &self.cluster.executions[self.random.usize(..self.cluster.executions.len())],
                container: &self.cluster.containers[index],
                cluster: &self.cluster,
                random: &mut self.random,
                time_ns,
                sequence: &mut self.sequence,
            };
            let mut drafts = formats::next(&mut context).into_iter();
            if let Some(first) = drafts.next() {
                self.following = drafts.map(|draft| (index, draft)).collect();
                return (index, first);
            }
        }
    }
}

/// How many of about a hundred lines a container writes.
fn share(role: Role) -> usize {
    match role {
        Role::Admin => 16,
        Role::Propeller => 16,
        Role::PlainTask => 10,
        Role::Binary | Role::FlytekitTask | Role::SdkConsoleTask | Role::Envoy => 8,
        Role::DataCatalog | Role::SparkDriver | Role::SdkJsonTask | Role::ModelServer => 6,
        Role::Scheduler | Role::Console => 4,
        Role::Webhook | Role::Copilot => 3,
    }
}

fn truth_of(draft: Draft, container: &Container, time_ns: i64, metadata: bool) -> Truth {
    let mut fields = if metadata { container.fields.clone() } else { container.fields_from_name.clone() };
    let is_task = fields.contains_key("execution_id");
    // A pod's own ids win: no user's line can claim another execution.
    if !is_task {
        fields.extend(draft.ids.into_iter().map(|(field, value)| (field, json!(value))));
    }
    fields.extend(draft.fields.into_iter().map(|(field, value)| (field, json!(value))));
    fields.insert("stream", json!(draft.stream.name()));
    fields.insert("message", json!(draft.message));
    if let Some(level) = draft.level {
        fields.insert("level", json!(level.indexed()));
    }
    if let Some(component) = draft.component {
        fields.insert("component", json!(component));
    }
    let guessed = is_task && !metadata;
    let undecided = |field: &str| {
        (!is_task && draft.undecided.contains(&field)) || (guessed && UNDECIDED_WITHOUT_METADATA.contains(&field))
    };
    let absent = OPTIONAL_FIELDS.into_iter().filter(|field| !fields.contains_key(field) && !undecided(field)).collect();
    let (sequence, format, application) = (draft.sequence, draft.format, draft.application);
    Truth { sequence, format, time_ns, fields, absent, application }
}

#[cfg(test)]
mod tests;
