//! Sending letters again until the fate of each is known, or the server does not answer.

use std::time::Duration;

use bytes::Bytes;

use crate::output::{Outcome, Rejection, Verdict};
use crate::spool::dead_letters::DeadLetter;

/// Tries of one request: somebody waits in front of the terminal.
const TRIES: u32 = 5;
/// First pause between them; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// A letter and the line that it stands in.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) line: Vec<u8>,
    pub(super) letter: DeadLetter,
}

impl Entry {
    /// Its item of a bulk body: what was sent the first time, byte for byte. `None` if it was no
    /// bulk item.
    pub(super) fn item(&self) -> Option<String> {
        let (action, document) = (self.letter.action.as_ref()?, self.letter.document.as_ref()?);
        Some(format!("{}\n{}\n", action.get(), document.get()))
    }
}

/// What became of a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is in the index now, or was there before.
    Accepted,
    /// It is refused for good once more.
    Refused(Rejection),
    /// The server does not say, for this reason.
    Unknown(String),
}

/// Sends bulk items by `send`, which takes a body and the number of its items. All fates, in no
/// order. Once the server does not take anything for [`TRIES`] tries, what is left is not sent.
pub(super) async fn settle(
    send: impl AsyncFn(Bytes, usize) -> Outcome,
    entries: Vec<Entry>,
    mut tell: impl FnMut(Entry, Fate),
) {
    let mut waiting = vec![entries];
    let mut tries = 0;
    while let Some(mut entries) = waiting.pop() {
        let body: String = entries.iter().filter_map(Entry::item).collect();
        let (left, reason) = match send(Bytes::from(body), entries.len()).await {
            Outcome::Delivered => (judge(entries, |_| Verdict::Delivered, &mut tell), String::new()),
            Outcome::Items(verdicts) => {
                let why = verdicts.iter().find_map(|verdict| match verdict {
                    Verdict::Retry(reason) => reason.clone(),
                    _ => None,
                });
                let mut verdicts = verdicts.into_iter();
                let next = |_: &Entry| verdicts.next().unwrap_or(Verdict::Retry(None));
                (judge(entries, next, &mut tell), why.unwrap_or_default())
            }
            Outcome::Retry(reason) | Outcome::Busy(reason) => (entries, reason),
            Outcome::TooLarge if entries.len() > 1 => {
                waiting.push(entries.split_off(entries.len() / 2));
                waiting.push(entries);
                continue;
            }
            Outcome::TooLarge => (judge(entries, |_| Verdict::Rejected(too_large()), &mut tell), String::new()),
        };
        if left.is_empty() {
            tries = 0;
            continue;
        }
        waiting.push(left);
        tries += 1;
        if tries >= TRIES {
            for entry in waiting.into_iter().flatten() {
                tell(entry, Fate::Unknown(reason.clone()));
            }
            return;
        }
        tokio::time::sleep(FIRST_PAUSE * 2_u32.pow(tries - 1)).await;
    }
}

/// Tells the fates that are known; returns the entries that have to be sent again.
fn judge(
    entries: Vec<Entry>,
    mut verdict: impl FnMut(&Entry) -> Verdict,
    tell: &mut impl FnMut(Entry, Fate),
) -> Vec<Entry> {
    let mut left = Vec::new();
    for entry in entries {
        match verdict(&entry) {
            Verdict::Delivered => tell(entry, Fate::Accepted),
            Verdict::Rejected(rejection) => tell(entry, Fate::Refused(rejection)),
            Verdict::Retry(_) => left.push(entry),
        }
    }
    left
}

fn too_large() -> Rejection {
    let reason = "the receiver takes no request of this size".to_owned();
    Rejection { status: 413, kind: "request_too_large".to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn entry(name: &str) -> Entry {
        let item = format!("{{\"create\":{{\"_id\":\"{name}\"}}}}\n{{\"n\": 1.0}}\n");
        let letter = DeadLetter::new("es.0", "i", (400, "k", "r"), item.as_bytes());
        Entry { line: name.as_bytes().to_vec(), letter }
    }

    /// What was sent, and the fate of each entry by its name.
    async fn run(names: &[&str], answers: Vec<Outcome>) -> (Vec<String>, Vec<(String, Fate)>) {
        let (bodies, answers) = (RefCell::new(Vec::new()), RefCell::new(answers));
        let send = async |body: Bytes, count: usize| {
            assert_eq!(body.iter().filter(|byte| **byte == b'\n').count(), 2 * count);
            bodies.borrow_mut().push(String::from_utf8(body.to_vec()).unwrap());
            answers.borrow_mut().remove(0)
        };
        let mut fates = Vec::new();
        let entries = names.iter().map(|name| entry(name)).collect();
        settle(send, entries, |entry, fate| fates.push((String::from_utf8(entry.line).unwrap(), fate))).await;
        fates.sort_by(|one, other| one.0.cmp(&other.0));
        (bodies.into_inner(), fates)
    }

    fn rejection() -> Rejection {
        Rejection { status: 400, kind: "k".into(), reason: "r".into() }
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_was_refused_for_now_is_sent_again() {
        let first = vec![Verdict::Delivered, Verdict::Rejected(rejection()), Verdict::Retry(None)];
        let answers = vec![Outcome::Retry("away".into()), Outcome::Items(first), Outcome::Delivered];
        let (bodies, fates) = run(&["a", "b", "c"], answers).await;
        assert_eq!(bodies[2], "{\"create\":{\"_id\":\"c\"}}\n{\"n\": 1.0}\n");
        let expected = [Fate::Accepted, Fate::Refused(rejection()), Fate::Accepted];
        assert_eq!(fates.into_iter().map(|(_, fate)| fate).collect::<Vec<_>>(), expected);
    }

    #[tokio::test(start_paused = true)]
    async fn halves_what_is_too_large_down_to_the_one_that_is() {
        let answers = vec![Outcome::TooLarge, Outcome::Delivered, Outcome::TooLarge];
        let (_, fates) = run(&["a", "b"], answers).await;
        assert_eq!(fates, [("a".into(), Fate::Accepted), ("b".into(), Fate::Refused(too_large()))]);
    }

    #[tokio::test(start_paused = true)]
    async fn gives_up_on_a_server_that_stays_away() {
        let answers = vec![Outcome::Retry("away".into()); TRIES as usize];
        let (bodies, fates) = run(&["a", "b"], answers).await;
        assert_eq!(bodies.len(), TRIES as usize);
        assert!(fates.iter().all(|(_, fate)| *fate == Fate::Unknown("away".into())), "{fates:?}");
    }
}
