//! What the status server shows and takes: the accounts of the pipeline that runs now, and reloads.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::accounts::Accounts;

/// See the module.
#[derive(Debug)]
pub struct Status {
    /// Those of the pipeline that runs now: each has its own.
    accounts: Mutex<Arc<Accounts>>,
    began: Instant,
    /// Reloads of the configuration.
    pub reloads: Reloads,
}

impl Status {
    /// The status of a pipeline.
    #[must_use]
    pub fn new(accounts: Arc<Accounts>, reloads: Reloads) -> Self {
        Self { accounts: Mutex::new(accounts), began: Instant::now(), reloads }
    }

    /// The accounts of the pipeline that runs now.
    #[must_use]
    pub fn accounts(&self) -> Arc<Accounts> {
        Arc::clone(&lock(&self.accounts))
    }

    /// Since when this process serves.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.began.elapsed()
    }

    /// Another pipeline runs now.
    pub fn show(&self, accounts: Arc<Accounts>) {
        *lock(&self.accounts) = accounts;
    }
}

/// Asking for reloads, and what became of them.
#[derive(Debug)]
pub struct Reloads {
    is_enabled: AtomicBool,
    requests: mpsc::Sender<Request>,
    done: AtomicU64,
    refused: AtomicU64,
    last_refusal: Mutex<Option<String>>,
}

/// Somebody asks for a reload, and may wait for its outcome.
pub type Request = oneshot::Sender<Outcome>;

/// What became of a request to reload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The new configuration runs.
    Done,
    /// Reloading is not enabled.
    Disabled,
    /// Another reload is going on.
    Busy,
    /// The new configuration is not valid, for these reasons: the old one goes on.
    Refused(String),
}

impl Reloads {
    /// Reloads that are asked for through the receiver, one at a time.
    #[must_use]
    pub fn new() -> (Self, mpsc::Receiver<Request>) {
        let (requests, receiver) = mpsc::channel(1);
        let (done, refused) = (AtomicU64::new(0), AtomicU64::new(0));
        let is_enabled = AtomicBool::new(false);
        (Self { is_enabled, requests, done, refused, last_refusal: Mutex::default() }, receiver)
    }

    /// Whether reloading is enabled, as the configuration that runs now says.
    pub fn enable(&self, is_enabled: bool) {
        self.is_enabled.store(is_enabled, Ordering::Relaxed);
    }

    /// Whether reloading is enabled.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.is_enabled.load(Ordering::Relaxed)
    }

    /// Asks for a reload and waits until the new configuration runs or is refused.
    pub async fn ask(&self) -> Outcome {
        if !self.is_enabled() {
            return Outcome::Disabled;
        }
        let (request, outcome) = oneshot::channel();
        if self.requests.try_send(request).is_err() {
            return Outcome::Busy;
        }
        outcome.await.unwrap_or(Outcome::Busy)
    }

    /// A new configuration runs.
    pub fn was_done(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
        lock(&self.last_refusal).take();
    }

    /// A new configuration was refused.
    pub fn was_refused(&self, reasons: &str) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        *lock(&self.last_refusal) = Some(reasons.to_owned());
    }

    /// How many reloads were done.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// How many new configurations were refused.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Why the last new configuration was refused, if none was taken since.
    #[must_use]
    pub fn last_refusal(&self) -> Option<String> {
        lock(&self.last_refusal).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
