use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use super::*;
use crate::output::{Encoding, GzipLevel, Sending};
use crate::pipeline::batch::{Open, Token};
use crate::pipeline::budget::Budget;
use crate::spool::dead_letters::Limits;
use crate::telemetry::Dropped;

const ENCODING: Encoding = Encoding::Gzip(GzipLevel::Fast);

/// Answers from a list, in order; keeps what it was sent, and when.
struct Scripted {
    answers: Mutex<Vec<Outcome>>,
    bodies: Mutex<Vec<String>>,
    times: Mutex<Vec<tokio::time::Instant>>,
}

impl Sender for Scripted {
    fn send<'a>(&'a self, request: &'a Request) -> Sending<'a> {
        let body = String::from_utf8(batch::decoded(request).unwrap()).unwrap();
        self.bodies.lock().unwrap().push(body);
        self.times.lock().unwrap().push(tokio::time::Instant::now());
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
    let (tally, sender, dead) = deliver_by(items, answers, retry_limit);
    let bodies = sender.bodies.lock().unwrap().clone();
    (tally, bodies, dead)
}

fn scripted(answers: Vec<Outcome>) -> Arc<Scripted> {
    Arc::new(Scripted { answers: Mutex::new(answers), bodies: Mutex::default(), times: Mutex::default() })
}

/// A delivery to one worker. Dead letters go to a directory.
fn delivery(sender: Arc<Scripted>, retry_limit: Option<u32>, path: &Path) -> (Delivery, mpsc::Receiver<Message>) {
    let (worker, messages) = mpsc::channel();
    let delivery = Delivery {
        output: 0,
        name: "es.0".to_owned(),
        sender,
        retry_limit,
        window: Window::new(1, Arc::default()),
        pauses: Pauses::default(),
        start_delay: Duration::from_secs(30),
        dead_letters: Arc::new(DeadLetters::new(path.to_owned(), Limits::new(1_000_000), Arc::default())),
        counters: Arc::default(),
        workers: vec![worker],
        rejections: Throttle::default(),
        retries: Throttle::default(),
        halt: Halt::new().1,
    };
    (delivery, messages)
}

fn deliver_by(items: &[&str], answers: Vec<Outcome>, retry_limit: Option<u32>) -> (Tally, Arc<Scripted>, String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("dead");
    let sender = scripted(answers);
    let (delivery, messages) = delivery(Arc::clone(&sender), retry_limit, &path);
    let delivery = Arc::new(delivery);
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
    runtime.block_on(delivery.run(receiver, true));
    let Message::Settled(settled) = messages.try_recv().unwrap() else { panic!("another message") };
    assert_eq!(settled.tokens, [Token { source: 1, entry: 1, records: items.len() as u64 }]);
    let dead = std::fs::read_to_string(path.join("00000001.ndjson")).unwrap_or_default();
    (settled.tally, sender, dead)
}

fn rejected() -> Verdict {
    Verdict::Rejected(Rejection { status: 400, kind: "mapper".to_owned(), reason: "no \"such\" field".to_owned() })
}

#[test]
fn sends_only_what_was_refused_for_now_again() {
    let first = Outcome::Items(vec![Verdict::Delivered, Verdict::Retry(None), rejected(), Verdict::Retry(None)]);
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
    let answers = vec![Outcome::TooLarge, Outcome::Delivered, Outcome::TooLarge, Outcome::TooLarge, Outcome::Delivered];
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
    let rejection = Rejection { status: 400, kind: "mapping".to_owned(), reason: "no".to_owned() };
    let answers = vec![Outcome::TooLarge, Outcome::Items(vec![Verdict::Rejected(rejection)])];
    let (tally, _, dead) = deliver(&["abc\n"], answers, None);
    assert_eq!(tally.dead_lettered, 1);
    assert!(dead.contains("abc"), "refused after it was shortened, the whole of it is kept: {dead}");
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
    let all_refused = || Outcome::Items(vec![Verdict::Retry(None), Verdict::Retry(None)]);
    let answers = (0..patient).map(|_| all_refused()).chain([Outcome::Delivered, Outcome::Delivered]).collect();
    assert_eq!(deliver(&[&large, "b\n"], answers, None).1.len(), patient + 2, "each item by itself was refused");
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
fn what_is_left_of_a_request_has_all_its_tries() {
    let refused = || Outcome::Retry("away".to_owned());
    let (taken, again) = (|| Verdict::Delivered, || Verdict::Retry(None));
    let answers = || {
        let partly = [Outcome::Items(vec![taken(), again(), again()]), Outcome::Items(vec![again(), taken()])];
        [refused()].into_iter().chain(partly).chain([refused()])
    };
    let items = ["a\n", "b\n", "c\n"];
    let (tally, bodies, _) = deliver(&items, answers().take(3).chain([Outcome::Delivered]).collect(), Some(1));
    assert_eq!((tally.acked, bodies.len()), (3, 4), "the server took something at every second try at least");
    let (tally, bodies, _) = deliver(&items, answers().collect(), Some(1));
    let dropped = Dropped::new(DropReason::RetryLimit, 1);
    assert_eq!((tally, bodies.len()), (Tally { acked: 2, dropped, ..Tally::default() }, 4));
    let (tally, bodies, _) = deliver(&["a\n", "b\n"], vec![Outcome::Items(vec![taken(), again()])], Some(0));
    assert_eq!((tally.acked, tally.dropped.total(), bodies.len()), (1, 1, 1), "no_retries has no second try");
}

#[tokio::test(start_paused = true)]
async fn whole_pauses_are_kept_where_tries_are_counted() {
    for (retry_limit, is_whole) in [(Some(5), true), (None, false)] {
        let (delivery, _messages) = delivery(scripted(Vec::new()), retry_limit, Path::new("unused"));
        let started = tokio::time::Instant::now();
        let others_go_well = async {
            tokio::task::yield_now().await;
            delivery.pauses.went_well();
        };
        tokio::join!(delivery.pause(true, 100), others_go_well);
        assert_eq!(started.elapsed() > Duration::from_secs(7), is_whole, "{retry_limit:?}: {:?}", started.elapsed());
    }
}

#[test]
fn pauses_are_short_again_when_some_items_went_through() {
    let all_refused = || Outcome::Items(vec![Verdict::Retry(None), Verdict::Retry(None)]);
    let answers = (0..10).map(|_| all_refused()).chain([
        Outcome::Items(vec![Verdict::Delivered, Verdict::Retry(None)]),
        Outcome::Retry("away".to_owned()),
        Outcome::Delivered,
    ]);
    let (tally, sender, _) = deliver_by(&["a\n", "b\n"], answers.collect(), None);
    assert_eq!(tally.acked, 2);
    let times = sender.times.lock().unwrap();
    let pauses: Vec<Duration> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let (short, long) = (Duration::from_millis(300), Duration::from_secs(7));
    assert!(pauses[9] > long && pauses[10] < short && pauses[11] < 2 * short, "{pauses:?}");
}
