//! The command line, and which engines it asks for.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::support::server::Engine;

/// What always runs.
const NEWEST: [Engine; 2] = [Engine::Elasticsearch9, Engine::OpenSearch3];

/// What runs two at a time.
const OLDER: [Engine; 3] = [Engine::Elasticsearch7, Engine::Elasticsearch8, Engine::OpenSearch2];

/// What a run of this program does.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The table.
    #[default]
    Table,
    /// Three nodes, of which one is killed.
    Cluster,
    /// The time that lines take.
    Latency,
}

/// The command line.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    /// What is to be done.
    pub(crate) mode: Mode,
    /// What a case must have in its name.
    pub(crate) case: String,
    /// The words and flags are of another test program: nothing is to be done.
    pub(crate) is_meant_for_others: bool,
    all: bool,
    engines: Vec<Engine>,
}

impl Arguments {
    /// Reads them. What libtest knows and we do not is passed over, as `cargo test` gives it to all programs.
    pub(crate) fn read(mut arguments: impl Iterator<Item = String>) -> Self {
        let mut read = Self::default();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--all" => read.all = true,
                "--cluster" => read.mode = Mode::Cluster,
                "--latency" => read.mode = Mode::Latency,
                "--engine" => read.engines.push(engine(&arguments.next().unwrap_or_default())),
                "--case" => read.case = arguments.next().expect("--case needs a name"),
                "--list" | "--ignored" => read.is_meant_for_others = true,
                "--skip" | "--test-threads" | "--format" | "--color" | "--logfile" | "--shuffle-seed" | "-Z" => {
                    drop(arguments.next());
                }
                flag if flag.starts_with('-') => {}
                filter => read.is_meant_for_others |= !"matrix".contains(filter),
            }
        }
        read
    }

    /// The engines that were named, or else those whose turn it is.
    pub(crate) fn engines(&self) -> Vec<Engine> {
        if !self.engines.is_empty() {
            return self.engines.clone();
        }
        if self.all {
            return Engine::ALL.to_vec();
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
        let days = usize::try_from(now.as_secs() / 86_400).expect("a number of days");
        let older = (0..2).map(|turn| OLDER[(days + turn) % OLDER.len()]);
        older.chain(NEWEST).collect()
    }

    /// The engine of the cluster.
    pub(crate) fn cluster_engine(&self) -> Engine {
        self.engines.first().copied().unwrap_or(Engine::OpenSearch2)
    }
}

fn engine(name: &str) -> Engine {
    let found = Engine::ALL.into_iter().find(|engine| engine.name() == name);
    found.unwrap_or_else(|| panic!("--engine needs one of es7, es8, es9, os2 and os3, not `{name}`"))
}
