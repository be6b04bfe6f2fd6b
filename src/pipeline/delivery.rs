//! Delivery: sealed batches to their output until the fate of each item is known.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc::UnboundedReceiver};
use tokio::task::JoinSet;

use super::batch::{self, Sealed};
use super::halt::Halt;
use super::message::{Message, Settled, Tally};
use super::pause::Pauses;
use super::window::Window;
use crate::output::{Outcome, Rejection, Request, Sender, Verdict};
use crate::spool::dead_letters::{DeadLetter, DeadLetters};
use crate::telemetry::accounts::Deliveries;
use crate::telemetry::{DropReason, Throttle};

/// How often a receiver may be too busy for a request before it is halved: it may have no room for one of that size
/// however often it is asked (Elasticsearch's `indexing_pressure.memory.limit`).
const BUSY_TRIES: u32 = 4;
/// A body no longer than this is not halved for a busy receiver, in bytes before encoding: thousands of requests would
/// make it busier.
const SMALL: u32 = 256 * 1024;

/// A request that waits for its turn.
struct Waiting {
    request: Request,
    /// See [`BUSY_TRIES`]. The halves of what was halved once need not be as patient.
    busy_tries: u32,
    /// What it was before its one item was shortened.
    whole: Option<Request>,
}

impl Waiting {
    /// It was refused so often that smaller requests may do better.
    fn is_to_be_halved(&self, refusals: u32) -> bool {
        refusals >= self.busy_tries && self.request.items.len() > 1 && self.request.length > SMALL
    }
}

/// What became of a request that was sent once.
enum Try {
    /// Nothing of it is left, or what is left waits as other requests.
    Settled,
    /// This is left of it.
    Again(Left),
    /// It had to halt before.
    Halted,
}

/// What has to be sent again.
struct Left {
    request: Request,
    reason: String,
    /// The receiver was busy, and may have room soon.
    is_busy: bool,
    /// Others of its items are settled: the receiver keeps up, however slowly.
    is_progress: bool,
}

/// The delivery of one output.
pub struct Delivery {
    /// Number of the output.
    pub output: usize,
    /// The output's instance name.
    pub name: String,
    /// The output's sender.
    pub sender: Arc<dyn Sender>,
    /// How often one request is tried again since the last item of it was taken; no limit if `None`.
    pub retry_limit: Option<u32>,
    /// How many requests are on the wire at once.
    pub window: Window,
    /// How refused requests wait.
    pub pauses: Pauses,
    /// How long the first request waits, where its records wait on the disk.
    pub start_delay: Duration,
    /// Where rejected items go.
    pub dead_letters: Arc<DeadLetters>,
    /// What is counted.
    pub counters: Arc<Deliveries>,
    /// The workers, to be told.
    pub workers: Vec<mpsc::Sender<Message>>,
    /// Bounds what is logged of rejections.
    pub rejections: Throttle,
    /// Bounds what is logged of retries.
    pub retries: Throttle,
    /// Asked for, nothing is sent any more.
    pub halt: Halt,
}

impl Delivery {
    /// Delivers batches until the channel is closed and all are settled, or until it has to halt and
    /// what is on the wire is finished. Only what can be read again may wait for the start: all else is lost with
    /// the process.
    pub async fn run(self: Arc<Self>, mut batches: UnboundedReceiver<Sealed>, can_read_again: bool) {
        let permits = Arc::new(Semaphore::new(self.window.ceiling()));
        let mut running = JoinSet::new();
        let delay = if can_read_again { self.start_delay } else { Duration::ZERO };
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = self.halt.asked_for() => {}
        }
        loop {
            let next = async { Some((batches.recv().await?, Arc::clone(&permits).acquire_owned().await.ok()?)) };
            let next = tokio::select! {
                biased;
                () = self.halt.asked_for() => None,
                next = next => next,
            };
            let Some((batch, permit)) = next else { break };
            let this = Arc::clone(&self);
            running.spawn(async move {
                this.deliver(batch).await;
                drop(permit);
            });
            while running.try_join_next().is_some() {}
        }
        // Nobody may think that more is sent.
        drop(batches);
        while running.join_next().await.is_some() {}
    }

    /// Delivers one batch, and tells its worker what became of it, unless it had to halt before that
    /// was known of all its items.
    pub(super) async fn deliver(&self, batch: Sealed) {
        let records = batch.request.items.len() as u64;
        let tally = self.settle(batch.request).await;
        drop(batch.held);
        let Some(tally) = tally else { return };
        let settled = Settled { output: self.output, tokens: batch.tokens, records, tally };
        // A worker that is gone has no use for the verdict: its files are read again.
        if let Some(worker) = self.workers.get(batch.worker) {
            drop(worker.send(Message::Settled(settled)));
        }
    }

    /// What became of a request; `None` where it had to halt.
    async fn settle(&self, request: Request) -> Option<Tally> {
        let mut tally = Tally::default();
        let mut waiting = vec![Waiting { request, busy_tries: BUSY_TRIES, whole: None }];
        while let Some(next) = waiting.pop() {
            if !self.settle_one(next, &mut waiting, &mut tally).await {
                return None;
            }
        }
        Some(tally)
    }

    /// Sends a request until it is settled or has become others in `waiting`. `false` if it had to halt before.
    async fn settle_one(&self, mut next: Waiting, waiting: &mut Vec<Waiting>, tally: &mut Tally) -> bool {
        let (mut tries, mut refusals) = (0, 0);
        loop {
            if self.halt.is_asked_for() {
                return false;
            }
            let left = match self.try_once(&next, refusals, waiting, tally).await {
                Try::Settled => return true,
                Try::Halted => return false,
                Try::Again(left) => left,
            };
            let Left { request, reason, is_busy, is_progress } = left;
            let records = request.items.len();
            // What is left of a request is one of its own, which was tried once.
            if is_progress {
                tries = 0;
            }
            if self.retry_limit.is_some_and(|limit| tries >= limit) {
                tally.dropped.add(DropReason::RetryLimit, records as u64);
                tracing::error!(output = self.name, records, reason, "dropped: Retry_Limit is reached");
                return true;
            }
            next.request = request;
            tries += 1;
            refusals = if is_progress { 1 } else { refusals + 1 };
            self.counters.retried(&reason);
            if self.retries.allows() {
                tracing::warn!(output = self.name, records, tries, reason, "not delivered yet");
            }
            tokio::select! {
                () = self.pause(is_busy, refusals) => {}
                () = self.halt.asked_for() => {}
            }
        }
    }

    /// Waits after so many refusals in a row. Where tries are counted the whole pause is kept: others that go well would
    /// let a request use up its tries within a second.
    async fn pause(&self, is_busy: bool, refusals: u32) {
        if is_busy && self.retry_limit.is_none() {
            self.pauses.wait_for_room(refusals).await;
        } else {
            self.pauses.wait(refusals).await;
        }
    }

    /// Sends a request once, when it may. `None` if it had to halt before.
    async fn send(&self, request: &Request) -> Option<Outcome> {
        let place = tokio::select! {
            biased;
            () = self.halt.asked_for() => None,
            place = self.window.enter() => place,
        }?;
        let outcome = self.sender.send(request).await;
        let is_well = match &outcome {
            Outcome::Delivered | Outcome::TooLarge => true,
            Outcome::Items(verdicts) => !verdicts.iter().any(Verdict::is_retry),
            Outcome::Retry(_) | Outcome::Busy(_) => false,
        };
        place.leave(is_well);
        if is_well {
            self.pauses.went_well();
        }
        Some(outcome)
    }

    /// Sends a request once, and counts what became of it. `refusals` are those in a row so far.
    async fn try_once(&self, next: &Waiting, refusals: u32, waiting: &mut Vec<Waiting>, tally: &mut Tally) -> Try {
        let request = &next.request;
        let count = request.items.len();
        let Some(outcome) = self.send(request).await else { return Try::Halted };
        match outcome {
            Outcome::Delivered => {
                tally.acked += count as u64;
                self.counters.recovered();
                Try::Settled
            }
            Outcome::TooLarge => {
                if count > 1 {
                    self.halve(request, next.busy_tries, waiting, tally);
                } else {
                    self.shorten(next, waiting, tally).await;
                }
                Try::Settled
            }
            Outcome::Busy(_) if next.is_to_be_halved(refusals) => {
                self.halve(request, 1, waiting, tally);
                Try::Settled
            }
            Outcome::Items(verdicts) => {
                let Some((left, reason)) = self.sort(next, verdicts, tally).await else {
                    self.counters.recovered();
                    return Try::Settled;
                };
                let is_progress = left.items.len() < count;
                // A shard may have no room for its part of the request, as the receiver may for the whole.
                if !is_progress && next.is_to_be_halved(refusals) {
                    self.halve(request, 1, waiting, tally);
                    return Try::Settled;
                }
                Try::Again(Left { request: left, reason, is_busy: false, is_progress })
            }
            Outcome::Retry(reason) => {
                Try::Again(Left { request: request.clone(), reason, is_busy: false, is_progress: false })
            }
            Outcome::Busy(reason) => {
                Try::Again(Left { request: request.clone(), reason, is_busy: true, is_progress: false })
            }
        }
    }

    /// Counts the items that are settled; a request of those that are not, if there are any, and why not.
    async fn sort(&self, next: &Waiting, verdicts: Vec<Verdict>, tally: &mut Tally) -> Option<(Request, String)> {
        let (count, mut again, mut why) = (verdicts.len(), Vec::new(), None);
        let mut rejected = Vec::new();
        for (index, verdict) in verdicts.into_iter().enumerate() {
            match verdict {
                Verdict::Delivered => tally.acked += 1,
                Verdict::Retry(reason) => {
                    again.push(index);
                    why = why.or(reason);
                }
                Verdict::Rejected(rejection) => rejected.push((index, rejection)),
            }
        }
        if !rejected.is_empty() {
            // Of what was shortened, the whole is kept.
            self.bury(next.whole.as_ref().unwrap_or(&next.request), rejected, tally).await;
        }
        if again.is_empty() {
            return None;
        }
        let why = why.map(|why| format!(", the first by {why}")).unwrap_or_default();
        let reason = format!("{} of {count} items are refused for now{why}", again.len());
        self.pick(&next.request, &again, tally).map(|request| (request, reason))
    }

    /// A request of some of the items. Where that cannot be, they are given up, with a count.
    fn pick(&self, request: &Request, indexes: &[usize], tally: &mut Tally) -> Option<Request> {
        let picked = batch::subset(request, indexes);
        picked
            .inspect_err(|error| {
                let records = indexes.len();
                tracing::error!(output = self.name, records, %error, "dropped: a body cannot be read back");
                tally.dropped.add(DropReason::BodyUnreadable, records as u64);
            })
            .ok()
    }

    /// Keeps rejected items as dead letters before they count as settled.
    async fn bury(&self, request: &Request, rejected: Vec<(usize, Rejection)>, tally: &mut Tally) {
        let body = batch::decoded(request).unwrap_or_default();
        let destination = self.sender.destination(request.partition);
        let mut letters = Vec::with_capacity(rejected.len());
        for (index, rejection) in rejected {
            if self.rejections.allows() {
                let Rejection { status, kind, reason } = &rejection;
                tracing::warn!(
                    output = self.name,
                    destination,
                    status,
                    kind,
                    reason,
                    "rejected, see flytail dead-letters"
                );
            }
            let error = (rejection.status, rejection.kind.as_str(), rejection.reason.as_str());
            letters.push(DeadLetter::new(&self.name, &destination, error, batch::item(request, &body, index)));
        }
        let stored = self.dead_letters.push(&letters).await;
        tally.dead_lettered += stored.kept;
        tally.dropped.add(DropReason::DeadLettersUnwritable, stored.lost);
    }

    /// Puts the halves of a request into `waiting`, the first on top.
    fn halve(&self, request: &Request, busy_tries: u32, waiting: &mut Vec<Waiting>, tally: &mut Tally) {
        if self.retries.allows() {
            let (records, bytes) = (request.items.len(), request.length);
            tracing::info!(output = self.name, records, bytes, "too large for the receiver: sent in halves");
        }
        let count = request.items.len();
        let indexes: Vec<usize> = (0..count).collect();
        for half in [&indexes[count / 2..], &indexes[..count / 2]] {
            let half = self.pick(request, half, tally);
            waiting.extend(half.map(|request| Waiting { request, busy_tries, whole: None }));
        }
    }

    /// Puts the one item of a request into `waiting` in a shorter form. If there is none, the whole item is a dead letter.
    async fn shorten(&self, next: &Waiting, waiting: &mut Vec<Waiting>, tally: &mut Tally) {
        let request = &next.request;
        let whole = next.whole.as_ref().unwrap_or(request);
        let body = batch::decoded(request).unwrap_or_default();
        let item = batch::item(request, &body, 0);
        let Some(short) = self.sender.shortened(item) else {
            let reason = "the receiver takes no request of this size".to_owned();
            let rejection = Rejection { status: 413, kind: "request_too_large".to_owned(), reason };
            return self.bury(whole, vec![(0, rejection)], tally).await;
        };
        if next.whole.is_none() {
            self.counters.shortened();
            if self.rejections.allows() {
                let (output, bytes) = (&self.name, item.len());
                tracing::warn!(output, bytes, "a record is shortened, as the receiver takes none of its size");
            }
        }
        let whole = Some(whole.clone());
        waiting.push(Waiting { request: batch::of_one(request, &short), busy_tries: next.busy_tries, whole });
    }
}

#[cfg(test)]
mod tests;
