//! A node's container runtime and kubelet: writes at a rate, rotates by size, restarts containers, replaces pods.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::keeper::Keeper;
use crate::plan::Plan;
use crate::store::Store;

mod compress;
mod container;
mod lines;

use compress::Compressor;
pub(crate) use container::Container;
use container::Surroundings;

/// Pause between two rounds over all containers.
const ROUND: Duration = Duration::from_millis(20);

/// A round that comes late writes what should have been written meanwhile, at most of so long.
const LONGEST_ROUND: Duration = Duration::from_millis(100);

/// A pod is only deleted if the shipper has been running for so long and follows it.
const ACQUAINTANCE: Duration = Duration::from_secs(3);

/// What was written.
pub(crate) struct Written {
    /// All containers that there ever were, by number.
    pub(crate) containers: Vec<Container>,
    pub(crate) bytes: u64,
    pub(crate) elapsed: Duration,
    pub(crate) deleted_pods: u64,
}

/// Begins to write below a directory, for the time and at the rate of the plan.
pub(crate) fn start(root: &Path, plan: &Plan, keeper: Arc<Keeper>, store: Arc<Store>) -> JoinHandle<Written> {
    fs::create_dir_all(root.join("containers")).expect("a directory for links");
    let compressor = Compressor::start();
    let around = Surroundings { root: root.to_owned(), rotate_at: plan.rotate_at, keeper, store, compressor };
    let plan = plan.clone();
    thread::spawn(move || Node::new(plan, around).run())
}

struct Node {
    plan: Plan,
    around: Surroundings,
    rng: Rng,
    live: Vec<Container>,
    gone: Vec<Container>,
    /// The next change is a restart.
    is_restart: bool,
}

impl Node {
    fn new(plan: Plan, around: Surroundings) -> Self {
        let rng = Rng::with_seed(plan.seed);
        let mut node = Self { plan, around, rng, live: Vec::new(), gone: Vec::new(), is_restart: false };
        node.live = (0..node.plan.containers).map(|log| node.container(log)).collect();
        node
    }

    fn container(&self, log: u16) -> Container {
        let seed = self.plan.seed ^ (u64::from(log) << 32 | 0x5eed);
        Container::new(log, seed, self.plan.has_poison, &self.around)
    }

    fn run(mut self) -> Written {
        let started = Instant::now();
        let (mut last, mut bytes) = (started, 0);
        let mut last_change = started;
        while started.elapsed() < self.plan.writing {
            thread::sleep(ROUND.saturating_sub(last.elapsed()));
            let round = last.elapsed().min(LONGEST_ROUND);
            last = Instant::now();
            bytes += self.round((self.plan.rate as f64 * round.as_secs_f64()) as u64);
            if last_change.elapsed() >= self.plan.change_every && self.change() {
                last_change = Instant::now();
            }
        }
        self.live.iter_mut().for_each(Container::finish);
        let elapsed = started.elapsed();
        let deleted_pods = self.gone.len() as u64;
        let mut containers: Vec<_> = self.gone.drain(..).chain(self.live.drain(..)).collect();
        containers.sort_by_key(|container: &Container| container.log);
        Written { containers, bytes, elapsed, deleted_pods }
    }

    /// Some containers write much more than others, but each its share over time.
    fn round(&mut self, bytes: u64) -> u64 {
        let share = bytes / self.live.len() as u64;
        let before: u64 = self.live.iter().map(|container| container.bytes).sum();
        for container in &mut self.live {
            container.write(self.rng.u64(..=2 * share), &self.around);
        }
        self.live.iter().map(|container| container.bytes).sum::<u64>() - before
    }

    /// Restarts a container or replaces a pod, in turns; whether that could be done.
    fn change(&mut self) -> bool {
        let index = self.rng.usize(..self.live.len());
        if self.is_restart {
            self.live[index].restart(&self.around);
        } else {
            let keeper = &self.around.keeper;
            if keeper.up().is_none_or(|up| up < ACQUAINTANCE) || !self.live[index].is_followed(keeper) {
                return false;
            }
            self.live[index].delete(&self.around);
            let log = u16::try_from(self.live.len() + self.gone.len()).expect("not that many pods");
            let new = self.container(log);
            self.gone.push(std::mem::replace(&mut self.live[index], new));
        }
        self.is_restart = !self.is_restart;
        true
    }
}
