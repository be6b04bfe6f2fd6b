//! How a watch of pods fares.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// See the module.
#[derive(Debug)]
pub struct WatchAccount {
    /// The instance name of the filter that it was made for.
    pub name: String,
    state: Mutex<State>,
    lists: AtomicU64,
    watches: AtomicU64,
    pods: AtomicU64,
    /// Errors by kind; every kind is there from the start.
    errors: Vec<(&'static str, AtomicU64)>,
}

/// What a watch does now.
#[derive(Debug)]
enum State {
    /// It has not reached the server yet.
    Starting {
        /// Since when.
        since: Instant,
    },
    /// It follows what happens.
    Connected {
        /// Since when.
        since: Instant,
    },
    /// What happens is not known.
    Failing {
        /// Since when.
        since: Instant,
        /// Why, the last time that it was tried.
        reason: String,
    },
}

impl WatchAccount {
    /// The account of a watch that begins, whose errors are of these kinds.
    #[must_use]
    pub fn new(name: String, kinds: &[&'static str]) -> Self {
        Self {
            name,
            state: Mutex::new(State::Starting { since: Instant::now() }),
            lists: AtomicU64::new(0),
            watches: AtomicU64::new(0),
            pods: AtomicU64::new(0),
            errors: kinds.iter().map(|kind| (*kind, AtomicU64::new(0))).collect(),
        }
    }

    /// All pods were listed.
    pub fn listed(&self) {
        self.lists.fetch_add(1, Ordering::Relaxed);
    }

    /// What happens is followed, by a new request. Whether it was not before.
    pub fn connected(&self) -> bool {
        self.watches.fetch_add(1, Ordering::Relaxed);
        let mut state = self.lock();
        let was_away = !matches!(*state, State::Connected { .. });
        if was_away {
            *state = State::Connected { since: Instant::now() };
        }
        was_away
    }

    /// It failed. Whether it did not before.
    pub fn failed(&self, kind: &str, reason: String) -> bool {
        if let Some((_, count)) = self.errors.iter().find(|(name, _)| *name == kind) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let mut state = self.lock();
        let (since, is_new) = match *state {
            State::Failing { since, .. } => (since, false),
            _ => (Instant::now(), true),
        };
        *state = State::Failing { since, reason };
        is_new
    }

    /// So many pods are known.
    pub fn knows(&self, pods: usize) {
        self.pods.store(pods as u64, Ordering::Relaxed);
    }

    /// Pods are watched.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        matches!(*self.lock(), State::Connected { .. })
    }

    /// For how long it does what it does now.
    #[must_use]
    pub fn lasts(&self) -> Duration {
        let (State::Starting { since } | State::Connected { since } | State::Failing { since, .. }) = *self.lock();
        since.elapsed()
    }

    /// What is wrong now, in a sentence.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let State::Failing { since, reason } = &*self.lock() else { return None };
        Some(format!("pods have not been watched for {} s: {reason}", since.elapsed().as_secs()))
    }

    /// How often all pods were listed: once, and again when the server had forgotten where we were.
    #[must_use]
    pub fn lists(&self) -> u64 {
        self.lists.load(Ordering::Relaxed)
    }

    /// How often a watch was begun or went on.
    #[must_use]
    pub fn watches(&self) -> u64 {
        self.watches.load(Ordering::Relaxed)
    }

    /// How many pods are known.
    #[must_use]
    pub fn pods(&self) -> u64 {
        self.pods.load(Ordering::Relaxed)
    }

    /// Errors by kind.
    pub fn errors(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.errors.iter().map(|(kind, count)| (*kind, count.load(Ordering::Relaxed)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
