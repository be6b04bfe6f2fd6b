//! Delivery: sealed batches to their output until the fate of each item is known.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc::UnboundedReceiver};
use tokio::task::JoinSet;

use super::batch::{self, Sealed};
use super::halt::Halt;
use super::message::{Message, Settled, Tally};
use super::window::Window;
use crate::output::{Outcome, Rejection, Request, Sender, Verdict};
use crate::spool::dead_letters::{DeadLetter, DeadLetters};
use crate::telemetry::accounts::Deliveries;
use crate::telemetry::{DropReason, Throttle};

/// First pause between tries; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// Longest pause between tries: short enough that a server that is back is soon noticed.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

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

/// What became of a request that was sent once.
enum Try {
    /// Nothing of it is left, or what is left waits as other requests.
    Settled,
    /// This is left of it, for this reason.
    Again(Request, String),
    /// It had to halt before.
    Halted,
}

/// The delivery of one output.
pub struct Delivery {
    /// Number of the output.
    pub output: usize,
    /// The output's instance name.
    pub name: String,
    /// The output's sender.
    pub sender: Arc<dyn Sender>,
    /// How often one request is tried again; no limit if `None`.
    pub retry_limit: Option<u32>,
    /// How many requests are on the wire at once.
    pub window: Window,
    /// How long the first request waits.
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
    /// what is on the wire is finished.
    pub async fn run(self: Arc<Self>, mut batches: UnboundedReceiver<Sealed>) {
        let permits = Arc::new(Semaphore::new(self.window.ceiling()));
        let mut running = JoinSet::new();
        tokio::select! {
            () = tokio::time::sleep(self.start_delay) => {}
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
        let mut tries = 0;
        loop {
            if self.halt.is_asked_for() {
                return false;
            }
            let (left, reason) = match self.try_once(&next, tries, waiting, tally).await {
                Try::Settled => return true,
                Try::Halted => return false,
                Try::Again(left, reason) => (left, reason),
            };
            let records = left.items.len();
            if self.retry_limit.is_some_and(|limit| tries >= limit) {
                tally.dropped.add(DropReason::RetryLimit, records as u64);
                tracing::error!(output = self.name, records, reason, "dropped: Retry_Limit is reached");
                return true;
            }
            next.request = left;
            tries += 1;
            self.counters.retried(&reason);
            if self.retries.allows() {
                tracing::warn!(output = self.name, records, tries, reason, "not delivered yet");
            }
            tokio::select! {
                () = tokio::time::sleep(pause(tries)) => {}
                () = self.halt.asked_for() => {}
            }
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
        place.leave(match &outcome {
            Outcome::Delivered | Outcome::TooLarge => true,
            Outcome::Items(verdicts) => !verdicts.contains(&Verdict::Retry),
            Outcome::Retry(_) | Outcome::Busy(_) => false,
        });
        Some(outcome)
    }

    /// Sends a request once, and counts what became of it.
    async fn try_once(&self, next: &Waiting, tries: u32, waiting: &mut Vec<Waiting>, tally: &mut Tally) -> Try {
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
            Outcome::Busy(_) if tries >= next.busy_tries && count > 1 && request.length > SMALL => {
                self.halve(request, 1, waiting, tally);
                Try::Settled
            }
            Outcome::Items(verdicts) => {
                let Some(left) = self.sort(request, verdicts, tally).await else {
                    self.counters.recovered();
                    return Try::Settled;
                };
                Try::Again(left, "some items were refused for now".to_owned())
            }
            Outcome::Retry(reason) | Outcome::Busy(reason) => Try::Again(request.clone(), reason),
        }
    }

    /// Counts the items that are settled; a request of those that are not, if there are any.
    async fn sort(&self, request: &Request, verdicts: Vec<Verdict>, tally: &mut Tally) -> Option<Request> {
        let mut again = Vec::new();
        let mut rejected = Vec::new();
        for (index, verdict) in verdicts.into_iter().enumerate() {
            match verdict {
                Verdict::Delivered => tally.acked += 1,
                Verdict::Retry => again.push(index),
                Verdict::Rejected(rejection) => rejected.push((index, rejection)),
            }
        }
        if !rejected.is_empty() {
            self.bury(request, rejected, tally).await;
        }
        if again.is_empty() {
            return None;
        }
        self.pick(request, &again, tally)
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

/// Exponential, with jitter from half of it to all of it, so that shippers that failed together do
/// not come back together.
fn pause(tries: u32) -> Duration {
    let full = FIRST_PAUSE.saturating_mul(1 << tries.saturating_sub(1).min(10)).min(LONGEST_PAUSE);
    full.mul_f64(0.5 + fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Instant;

    use super::*;
    use crate::output::{Encoding, GzipLevel, Sending};
    use crate::pipeline::batch::{Open, Token};
    use crate::pipeline::budget::Budget;
    use crate::spool::dead_letters::Limits;
    use crate::telemetry::Dropped;

    const ENCODING: Encoding = Encoding::Gzip(GzipLevel::Fast);

    /// Answers from a list, in order; keeps what it was sent.
    struct Scripted {
        answers: Mutex<Vec<Outcome>>,
        bodies: Mutex<Vec<String>>,
    }

    impl Sender for Scripted {
        fn send<'a>(&'a self, request: &'a Request) -> Sending<'a> {
            let body = String::from_utf8(batch::decoded(request).unwrap()).unwrap();
            self.bodies.lock().unwrap().push(body);
            let answer = self.answers.lock().unwrap().remove(0);
            Box::pin(async move { answer })
        }

        /// Takes the last letter of an item away, as long as there is one but the first.
        fn shortened(&self, item: &[u8]) -> Option<Vec<u8>> {
            let text = item.strip_suffix(b"\n")?;
            (text.len() > 1).then(|| [&text[..text.len() - 1], b"\n"].concat())
        }

        fn destination(&self, _: crate::output::Partition) -> String {
            "there".to_owned()
        }
    }

    fn deliver(items: &[&str], answers: Vec<Outcome>, retry_limit: Option<u32>) -> (Tally, Vec<String>, String) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("dead");
        let (worker, messages) = mpsc::channel();
        let sender = Arc::new(Scripted { answers: Mutex::new(answers), bodies: Mutex::default() });
        let delivery = Arc::new(Delivery {
            output: 0,
            name: "es.0".to_owned(),
            sender: Arc::clone(&sender) as Arc<dyn Sender>,
            retry_limit,
            window: Window::new(1, Arc::default()),
            start_delay: Duration::from_secs(30),
            dead_letters: Arc::new(DeadLetters::new(path.clone(), Limits::new(1_000_000), Arc::default())),
            counters: Arc::default(),
            workers: vec![worker],
            rejections: Throttle::default(),
            retries: Throttle::default(),
            halt: Halt::new().1,
        });
        let mut open = Open::new(0, ENCODING, Instant::now());
        for text in items {
            open.append(1, 1, |out| out.extend_from_slice(text.as_bytes()));
        }
        let (request, tokens) = open.seal(ENCODING);
        let held = Budget::new(1).hold(1);
        let (batches, receiver) = tokio::sync::mpsc::unbounded_channel();
        drop(batches.send(Sealed { request, tokens, worker: 0, held }));
        drop(batches);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(delivery.run(receiver));
        let Message::Settled(settled) = messages.try_recv().unwrap() else { panic!("another message") };
        assert_eq!(settled.tokens, [Token { source: 1, entry: 1, records: items.len() as u64 }]);
        let bodies = sender.bodies.lock().unwrap().clone();
        (settled.tally, bodies, std::fs::read_to_string(path.join("00000001.ndjson")).unwrap_or_default())
    }

    fn rejected() -> Verdict {
        Verdict::Rejected(Rejection { status: 400, kind: "mapper".to_owned(), reason: "no \"such\" field".to_owned() })
    }

    #[test]
    fn sends_only_what_was_refused_for_now_again() {
        let first = Outcome::Items(vec![Verdict::Delivered, Verdict::Retry, rejected(), Verdict::Retry]);
        let answers = vec![Outcome::Retry("refused".to_owned()), first, Outcome::Delivered];
        let (tally, bodies, dead) = deliver(&["a\n{}\n", "b\n{}\n", "c\n{\"x\":1}\n", "d\n{}\n"], answers, None);
        assert_eq!(tally, Tally { acked: 3, dead_lettered: 1, ..Tally::default() });
        assert_eq!(bodies[2], "b\n{}\nd\n{}\n");
        let letter: serde_json::Value = serde_json::from_str(dead.trim()).unwrap();
        assert_eq!((&letter["status"], &letter["reason"]), (&400.into(), &"no \"such\" field".into()));
        assert_eq!(letter["document"]["x"], 1);
    }

    #[test]
    fn splits_what_is_too_large_down_to_the_one_that_is() {
        let answers =
            vec![Outcome::TooLarge, Outcome::Delivered, Outcome::TooLarge, Outcome::TooLarge, Outcome::Delivered];
        let (tally, bodies, dead) = deliver(&["a\n", "b\n", "c\n", "d\n"], answers, None);
        assert_eq!(tally, Tally { acked: 3, dead_lettered: 1, ..Tally::default() });
        assert_eq!(bodies[1..], ["a\nb\n", "c\nd\n", "c\n", "d\n"]);
        assert!(dead.contains("request_too_large"), "{dead}");
    }

    #[test]
    fn shortens_what_is_too_large_by_itself_as_far_as_it_has_to() {
        let answers = vec![Outcome::TooLarge, Outcome::TooLarge, Outcome::Delivered];
        let (tally, bodies, dead) = deliver(&["abcd\n"], answers, None);
        assert_eq!((tally, dead.as_str()), (Tally { acked: 1, ..Tally::default() }, ""));
        assert_eq!(bodies, ["abcd\n", "abc\n", "ab\n"]);
        let (tally, bodies, dead) = deliver(&["abc\n"], (0..3).map(|_| Outcome::TooLarge).collect(), None);
        assert_eq!((tally.dead_lettered, bodies.len()), (1, 3));
        assert!(dead.contains("abc") && dead.contains("request_too_large"), "the whole of it is kept: {dead}");
    }

    #[test]
    fn halves_a_large_request_for_a_receiver_that_never_has_room_for_it() {
        let busy = |times: usize| (0..times).map(|_| Outcome::Busy("no room".to_owned()));
        let large = format!("{}\n", "x".repeat(SMALL as usize));
        let patient = BUSY_TRIES as usize + 1;
        let answers = busy(patient).chain([Outcome::Delivered, Outcome::Delivered]).collect();
        let (tally, bodies, _) = deliver(&[&large, "b\n"], answers, None);
        assert_eq!((tally.acked, bodies.len()), (2, patient + 2));
        assert_eq!(bodies[patient..], [large.as_str(), "b\n"]);
        let answers = busy(patient * 2).chain([Outcome::Delivered]).collect();
        assert_eq!(deliver(&["a\n", "b\n"], answers, None).1.len(), patient * 2 + 1, "a small one waits");
    }

    #[test]
    fn drops_with_a_count_only_where_a_limit_is_set() {
        let refused = || Outcome::Retry("away".to_owned());
        let (tally, bodies, _) = deliver(&["a\n"], vec![refused(), refused(), refused()], Some(2));
        assert_eq!(tally, Tally { dropped: Dropped::new(DropReason::RetryLimit, 1), ..Tally::default() });
        assert_eq!(bodies.len(), 3);
        let many = (0..50).map(|_| refused()).chain([Outcome::Delivered]).collect();
        assert_eq!(deliver(&["a\n"], many, None).0.acked, 1);
    }

    #[test]
    fn pauses_grow_and_stay_bounded() {
        assert!(pause(1) <= FIRST_PAUSE && pause(1) >= FIRST_PAUSE / 2);
        assert!((1..200).all(|tries| pause(tries) <= LONGEST_PAUSE));
        assert!(pause(100) >= LONGEST_PAUSE / 2);
    }
}
