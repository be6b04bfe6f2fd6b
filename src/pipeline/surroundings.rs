//! What inputs are given by the process around them: their share of the open files, and the spool.

use std::path::PathBuf;
use std::sync::Arc;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Config;
use crate::input::tail::{self, Memory, SharedSpool};
use crate::input::{Shard, Surroundings};
use crate::kubernetes::Metadata;
use crate::spool::segments::Limits;

/// Open files that are not logs: connections, databases, segments, standard streams.
const OTHERS: u64 = 96;
/// As few as this are enough to go in rounds.
const LEAST: u64 = 8;
/// No node has more logs than this, whatever the process may open.
const MOST: u64 = 65_536;

/// The surroundings of each worker's inputs.
pub(super) fn of_workers(config: &Config, memory: &Memory, metadata: &[Metadata]) -> Vec<Surroundings> {
    let workers = config.service.workers.max(1);
    let tails = config.inputs.iter().filter(|input| input.plugin() == tail::PLUGIN.name).count().max(1);
    // A quarter as many are added that were removed and must be held open.
    let logs = may_open().saturating_sub(OTHERS).clamp(LEAST, MOST) / 5 * 4;
    let open_files = logs / (workers * tails) as u64;
    let open_files = usize::try_from(open_files.max(LEAST)).unwrap_or(usize::MAX);
    let spool = spool(config);
    let of = |worker| Surroundings {
        shard: Shard { worker, workers },
        open_files,
        spool: spool.clone(),
        memory: memory.clone(),
        metadata: metadata.into(),
    };
    (0..workers).map(of).collect()
}

/// How many files this process may have open, after asking for all that it can have.
fn may_open() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.unwrap_or(MOST * 2);
    if current.is_some_and(|current| current < wanted) {
        // Where that is refused, the old limit holds.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum });
    }
    getrlimit(Resource::Nofile).current.unwrap_or(wanted)
}

/// The spool, beside the checkpoints if nothing else is said.
fn spool(config: &Config) -> Option<Arc<SharedSpool>> {
    let directory = config.service.spool_path.clone().or_else(|| beside_checkpoints(config, "flytail-spool"))?;
    let limits = Limits { bytes: config.service.spool_limit, age: config.service.spool_age };
    Some(SharedSpool::new(directory, limits))
}

/// A path in the directory of the first input's checkpoints, if it has any.
pub(super) fn beside_checkpoints(config: &Config, name: &str) -> Option<PathBuf> {
    let tail = config.inputs.iter().find(|input| input.plugin() == tail::PLUGIN.name)?;
    let database = PathBuf::from(tail.options().text("DB")?);
    Some(database.parent()?.join(name))
}
