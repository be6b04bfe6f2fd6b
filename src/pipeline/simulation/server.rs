//! A server in memory that takes each id once, and answers as the dice fall.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use super::node::HEADER;
use crate::output::{Encoder, Encoding, Outcome, Partition, Request, Sender, Sending, Verdict};
use crate::pipeline::batch;
use crate::record::{Record, Turn};

/// See the module. Clones are the same server.
#[derive(Debug, Clone)]
pub(super) struct Server(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    dice: fastrand::Rng,
    /// How many of ten requests go wrong.
    trouble: u32,
    documents: BTreeMap<String, String>,
    /// Ids under which each line's number arrived.
    lines: BTreeMap<u64, BTreeSet<String>>,
}

impl Server {
    pub(super) fn new(seed: u64) -> Self {
        let dice = fastrand::Rng::with_seed(seed ^ 0x5eed);
        Self(Arc::new(Mutex::new(State { dice, trouble: 3, documents: BTreeMap::new(), lines: BTreeMap::new() })))
    }

    /// From now on every request is answered at once.
    pub(super) fn recover(&self) {
        self.state().trouble = 0;
    }

    /// Whether a line arrived.
    pub(super) fn has(&self, line: u64) -> bool {
        self.state().lines.contains_key(&line)
    }

    /// Lines that arrived under more than one id, but for those in a document with a line that is
    /// `excused`, or in one whose first line arrived behind such a line, too: what is read again
    /// without its beginning may begin a group with what had been its end. And but for those in a
    /// document that goes on behind such lines: what was open in front of a file that was destroyed is
    /// joined to what follows it.
    pub(super) fn twice(&self, excused: impl Fn(u64) -> bool) -> Vec<(u64, Vec<String>)> {
        let state = self.state();
        let has_excused = |id: &String, end: Option<u64>| {
            let text = &state.documents[id];
            let mut lines = numbers(text).take_while(|line| Some(*line) != end);
            lines.any(&excused) || (text.contains(HEADER) && excused(0))
        };
        let lost_its_beginning = |id: &String| {
            let first = numbers(&state.documents[id]).next();
            let mut ids = first.and_then(|first| state.lines.get(&first)).into_iter().flatten();
            ids.any(|other| has_excused(other, first))
        };
        let goes_over_a_gap = |id: &String| {
            let lines: Vec<u64> = numbers(&state.documents[id]).collect();
            lines.windows(2).any(|pair| (pair[0] + 1..pair[1]).any(&excused))
        };
        let is_excused = |id: &String| has_excused(id, None) || lost_its_beginning(id) || goes_over_a_gap(id);
        let twice = state.lines.iter().filter(|(_, ids)| ids.len() > 1 && !ids.iter().any(is_excused));
        let texts = |ids: &BTreeSet<String>| ids.iter().map(|id| format!("{id}: {}", state.documents[id])).collect();
        twice.map(|(line, ids)| (*line, texts(ids))).collect()
    }

    /// Takes the items of a request.
    pub(super) fn apply(&self, request: &Request) {
        let body = batch::decoded(request).unwrap();
        let mut state = self.state();
        for index in 0..request.items.len() {
            state.take(batch::item(request, &body, index));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    fn take(&mut self, item: &[u8]) {
        let text = String::from_utf8(item.to_vec()).unwrap();
        let (id, text) = text.trim_end_matches('\n').split_once('\t').unwrap();
        if let Some(known) = self.documents.get(id) {
            assert_eq!(known, text, "the same id for two texts");
            return;
        }
        tracing::trace!(id, text, "document");
        self.documents.insert(id.to_owned(), text.to_owned());
        for line in numbers(text) {
            self.lines.entry(line).or_default().insert(id.to_owned());
        }
    }

    fn answer(&mut self, request: &Request) -> Outcome {
        let body = batch::decoded(request).unwrap();
        let count = request.items.len();
        if self.dice.u32(..10) >= self.trouble {
            (0..count).for_each(|index| self.take(batch::item(request, &body, index)));
            return Outcome::Delivered;
        }
        match self.dice.u32(..4) {
            0 => Outcome::Retry("refused".to_owned()),
            1 => {
                (0..count).for_each(|index| self.take(batch::item(request, &body, index)));
                Outcome::Retry("the answer was lost".to_owned())
            }
            2 => Outcome::TooLarge,
            _ => {
                let verdicts = (0..count).map(|index| match self.dice.bool() {
                    true => {
                        self.take(batch::item(request, &body, index));
                        Verdict::Delivered
                    }
                    false => Verdict::Retry(None),
                });
                Outcome::Items(verdicts.collect())
            }
        }
    }
}

/// The numbers in a document's text: `#12.`
fn numbers(text: &str) -> impl Iterator<Item = u64> {
    text.split('#').skip(1).filter_map(|rest| rest.split('.').next()?.parse().ok())
}

impl Sender for Server {
    fn send<'a>(&'a self, request: &'a Request) -> Sending<'a> {
        let mut answer = self.state().answer(request);
        if request.items.len() == 1 && answer == Outcome::TooLarge {
            answer = Outcome::Retry("refused".to_owned());
        }
        Box::pin(async move { answer })
    }

    fn destination(&self, _: Partition) -> String {
        "there".to_owned()
    }
}

/// Writes a record's id and text on a line.
pub(super) struct Lines;

impl Encoder for Lines {
    fn partition(&mut self, _: &Record<'_>, _: &Turn<'_>) -> Partition {
        0
    }

    fn encode(&mut self, record: &Record<'_>, turn: &Turn<'_>, body: &mut Vec<u8>) {
        body.extend_from_slice(record.id.as_bytes());
        body.push(b'\t');
        let text = record.find(b"log").and_then(|member| member.value.as_text(turn.arena)).unwrap_or_default();
        body.extend(text.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte }));
        body.push(b'\n');
    }
}

/// Bodies are not compressed: that takes time and proves nothing here.
pub(super) const ENCODING: Encoding = Encoding::Plain;
