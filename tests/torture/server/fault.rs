//! What a server can do wrong, and when it does.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use fastrand::Rng;

/// A way to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nobody listens, and all connections are closed.
    Refused,
    /// The connection is reset in the middle of the body.
    ResetInBody,
    /// All is done, and the connection is reset in place of an answer.
    AnswerLost,
    /// All is done, and half of the answer comes.
    AnswerTorn,
    /// 429 for the whole request.
    TooManyRequests,
    /// 429 for some items; the others are taken.
    TooManyItems,
    /// 503.
    Unavailable,
    /// 413, unless the body is small.
    TooLarge,
    /// No answer, whether it is done or not.
    Hang,
    /// 200 with a page for people; nothing is done.
    WrongPage,
    /// 200 with the first half of the JSON; all is done.
    WrongJson,
}

impl Fault {
    pub(crate) const ALL: [Self; 11] = [
        Self::Refused,
        Self::ResetInBody,
        Self::AnswerLost,
        Self::AnswerTorn,
        Self::TooManyRequests,
        Self::TooManyItems,
        Self::Unavailable,
        Self::TooLarge,
        Self::Hang,
        Self::WrongPage,
        Self::WrongJson,
    ];
}

/// Milliseconds of a fault, from the first request that meets it.
const FAULT: Range<u64> = 200..1_500;

/// How long a fault waits for a request to meet it.
const UNMET: Duration = Duration::from_secs(15);

/// How often a schedule looks.
const POLL: Duration = Duration::from_millis(10);

/// Which fault there is at present, and how many requests met each.
#[derive(Default)]
pub(crate) struct Faults {
    current: Mutex<Option<Fault>>,
    met: [AtomicU64; Fault::ALL.len()],
    is_over: Mutex<bool>,
}

impl Faults {
    pub(crate) fn current(&self) -> Option<Fault> {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set(&self, fault: Option<Fault>) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    /// The fault that a request meets.
    pub(crate) fn meet(&self) -> Option<Fault> {
        let fault = self.current()?;
        self.met[fault as usize].fetch_add(1, Ordering::Relaxed);
        Some(fault)
    }

    /// Requests that met a fault. Those that were refused nobody sees: a time of it counts as one.
    pub(crate) fn met(&self, fault: Fault) -> u64 {
        self.met[fault as usize].load(Ordering::Relaxed)
    }

    /// Lets all faults come in random order, again and again, with `calm` times (in milliseconds) between them,
    /// until [`Self::end`].
    pub(crate) fn schedule(self: &Arc<Self>, seed: u64, calm: Range<u64>) -> JoinHandle<()> {
        let faults = Arc::clone(self);
        thread::spawn(move || {
            let mut rng = Rng::with_seed(seed);
            let mut deck = Fault::ALL;
            loop {
                rng.shuffle(&mut deck);
                for fault in deck {
                    faults.wait(Duration::from_millis(rng.u64(calm.clone())), || false);
                    if faults.is_over() {
                        return;
                    }
                    faults.run(fault, Duration::from_millis(rng.u64(FAULT)));
                }
            }
        })
    }

    /// Ends the schedule and the present fault.
    pub(crate) fn end(&self) {
        *self.is_over.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }

    pub(crate) fn is_over(&self) -> bool {
        *self.is_over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, fault: Fault, length: Duration) {
        let before = self.met(fault);
        self.set(Some(fault));
        if fault == Fault::Refused {
            self.met[fault as usize].fetch_add(1, Ordering::Relaxed);
        } else {
            self.wait(UNMET, || self.met(fault) > before);
        }
        self.wait(length, || false);
        self.set(None);
    }

    /// Waits for so long, for the condition, or for the end.
    fn wait(&self, most: Duration, is_enough: impl Fn() -> bool) {
        let end = Instant::now() + most;
        while Instant::now() < end && !is_enough() && !self.is_over() {
            thread::sleep(POLL);
        }
    }
}
