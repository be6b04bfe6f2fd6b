//! A worker: one thread that owns its sources, filters and open batches. No locks on the way.
//!
//! A turn takes at most one block from each source that has something and runs it through to the
//! batches: block → lines → records → filters → batches. Verdicts come back as messages and move
//! the ledgers; once a second the checkpoints are saved.

use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use bumpalo::Bump;
use memchr::memchr_iter;

use super::budget::Budget;
use super::emit::Run;
use super::emitter::Emitter;
use super::message::Message;
use super::reading::Reading;
use super::source::{SourceState, forget_gone};
use super::watchdog::{Reasons, Watchdog};
use crate::decode::encoding::Charset;
use crate::input::{Block, Event, Input, State};
use crate::record::{Now, Position};
use crate::telemetry::accounts::{Accounts, InputAccount, Snapshot};

/// An input and what the pipeline does with its lines.
pub struct InputSlot {
    /// Its instance name.
    pub name: String,
    /// The input.
    pub input: Box<dyn Input>,
    /// How its lines are put into records.
    pub reading: Arc<Reading>,
    /// Bytes in batches that are not settled, as last published.
    pub unsettled: u64,
}

/// One worker.
pub struct Worker {
    /// Its number.
    pub number: usize,
    /// Its inputs, in configuration order.
    pub inputs: Vec<InputSlot>,
    /// What happens to records.
    pub emitter: Emitter,
    /// What it is told.
    pub messages: mpsc::Receiver<Message>,
    /// Bytes on their way, of all workers.
    pub budget: Arc<Budget>,
    /// Where its accounts are published.
    pub accounts: Arc<Accounts>,
    /// Its sources, by id.
    pub sources: BTreeMap<u64, SourceState>,
    /// Its accounts.
    pub snapshot: Snapshot,
    /// Notices when nothing is read any more.
    pub watchdog: Watchdog,
    /// Until when it waits for verdicts at its end, once it reads no more.
    pub draining: Option<Instant>,
    /// When checkpoints are saved next.
    pub save_at: Option<Instant>,
}

/// Memory that a worker uses again in each step.
#[derive(Debug, Default)]
pub struct Scratch {
    buffer: Vec<u8>,
    arena: Bump,
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The worker goes on; without progress it may rest.
    Worked {
        /// Bytes were read or verdicts came.
        progress: bool,
    },
    /// Nothing is left to be done, or the time for it is over.
    Drained,
}

/// How long a worker sleeps at most when nothing happens: files are looked at this often. When
/// nothing happened for [`QUIET`] it is twice as long.
const NAP: Duration = Duration::from_millis(200);
const LONG_NAP: Duration = Duration::from_millis(400);
const QUIET: Duration = Duration::from_secs(5);
const SAVE_INTERVAL: Duration = Duration::from_secs(1);
/// How long the last records of inputs that have ended are sent again before they are given up.
const LAST_DRAIN: Duration = Duration::from_secs(3600);

impl Worker {
    /// Works until drained, or until all inputs are exhausted and everything is settled.
    pub fn run(mut self) {
        let mut scratch = Scratch::default();
        let mut last_progress = Instant::now();
        loop {
            let now = Now::read();
            match self.step(now, &mut scratch) {
                Step::Drained => return self.hand_over(now),
                Step::Worked { progress: true } => last_progress = now.instant,
                Step::Worked { progress: false } => {
                    let is_quiet = now.instant.duration_since(last_progress) >= QUIET;
                    self.nap(if is_quiet { LONG_NAP } else { NAP });
                }
            }
        }
    }

    /// What the inputs hold goes to whoever runs next. Called once, when the worker is drained.
    pub fn hand_over(&mut self, now: Now) {
        self.inputs.iter_mut().for_each(|slot| slot.input.hand_over(now));
    }

    /// Does what there is to do at `now`, and does not wait.
    pub fn step(&mut self, now: Now, scratch: &mut Scratch) -> Step {
        let mut progress = self.take_messages();
        if self.draining.is_none() {
            self.discover(now, &mut scratch.arena);
            progress |= self.turn(now, scratch);
            self.expire(now, &mut scratch.arena);
            self.draining = self.is_exhausted().then(|| now.instant + LAST_DRAIN);
        } else {
            self.inputs.iter_mut().for_each(|slot| slot.input.protect(now));
        }
        let is_draining = self.draining.is_some();
        self.emitter.seal_due(now.instant, is_draining || self.is_held_up());
        self.settle();
        if is_draining || self.save_at.is_none_or(|at| now.instant >= at) {
            self.save();
            forget_gone(&mut self.snapshot.limited, &self.sources, now.instant);
            self.save_at = Some(now.instant + SAVE_INTERVAL);
        }
        self.publish(now);
        if self.draining.is_some_and(|deadline| self.emitter.in_flight() == 0 || now.instant >= deadline) {
            return Step::Drained;
        }
        Step::Worked { progress }
    }

    /// One block of each source that has something.
    fn turn(&mut self, now: Now, scratch: &mut Scratch) -> bool {
        let mut progress = false;
        for index in 0..self.inputs.len() {
            if self.is_budget_exhausted() || self.is_input_held_up(index) {
                continue;
            }
            while let Some(block) = self.inputs[index].input.next_block(&mut scratch.buffer, now) {
                let lines = self.snapshot.inputs[index].lines;
                let (source, consumed) = process(
                    &block,
                    &self.inputs[index].reading,
                    &mut self.sources,
                    &mut self.emitter,
                    &mut self.snapshot.inputs[index],
                    &scratch.arena,
                );
                scratch.arena.reset();
                progress |= consumed > 0;
                self.inputs[index].input.consumed(source, consumed);
                let lines = self.snapshot.inputs[index].lines - lines;
                let rate = self.sources.get_mut(&source).and_then(|state| state.rate.as_mut());
                if let Some(until) = rate.and_then(|rate| rate.read(lines, consumed as u64, now.instant)) {
                    self.inputs[index].input.pause(source, until);
                }
                if self.is_budget_exhausted() {
                    break;
                }
            }
        }
        progress
    }

    fn discover(&mut self, now: Now, arena: &mut Bump) {
        let mut events = Vec::new();
        for index in 0..self.inputs.len() {
            self.inputs[index].input.discover(now, &mut events);
            for event in events.drain(..) {
                match event {
                    Event::Opened { source, resume, lead, continues } => {
                        let slot = &self.inputs[index];
                        let mut state = SourceState::new(*source, &slot.name, &slot.reading, resume);
                        state.charset = slot.reading.encoding.and_then(|encoding| encoding.of(&lead));
                        if let Some(before) = continues.and_then(|id| self.sources.get_mut(&id)) {
                            state.continue_from(before);
                        }
                        self.emitter.admit(&mut state);
                        self.sources.insert(state.source.id, state);
                    }
                    Event::Closed(id) => {
                        self.let_go(id, now, arena, |run| run.finish());
                        if let Some(state) = self.sources.get_mut(&id) {
                            state.closed = true;
                        }
                    }
                }
            }
        }
    }

    /// Lets go of groups that nothing can follow any more.
    fn expire(&mut self, now: Now, arena: &mut Bump) {
        let due = |state: &&SourceState| state.decoder.is_due(now.time);
        let due: Vec<_> =
            self.sources.values().filter(due).map(|state| (state.source.input, state.source.id)).collect();
        for (input, id) in due {
            // What is not read yet may go on with it, however late we are.
            if self.inputs[input].input.is_caught_up(id) {
                self.let_go(id, now, arena, |run| run.expire(now.time));
            }
        }
    }

    /// Gives out records of a source that no block completes.
    fn let_go(&mut self, id: u64, now: Now, arena: &mut Bump, give: impl FnOnce(&mut Run<'_>)) {
        let Some(state) = self.sources.get_mut(&id) else { return };
        let (input, taken) = (state.source.input, state.taken);
        let reading = &self.inputs[input].reading;
        let mut run = self.emitter.begin(state, reading, now, arena);
        give(&mut run);
        run.end(taken).add_to(&mut self.snapshot.inputs[input]);
        self.emitter.carry_over(id, &mut self.sources);
        arena.reset();
    }

    fn take_messages(&mut self) -> bool {
        let mut any = false;
        while let Ok(message) = self.messages.try_recv() {
            any = true;
            self.take(message);
        }
        any
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Settled(settled) => self.emitter.settled(&settled, &mut self.sources),
            Message::Drain(deadline) => self.draining = Some(deadline),
        }
    }

    fn nap(&mut self, longest: Duration) {
        let until_flush = self.emitter.next_due().map(|due| due.saturating_duration_since(Instant::now()));
        if let Ok(message) = self.messages.recv_timeout(until_flush.unwrap_or(longest).min(longest)) {
            self.take(message);
        }
    }

    /// Tells the inputs how far their sources are done. A file's checkpoint never overtakes that of
    /// the file before it: what is open at that one's end would be joined to something else.
    fn settle(&mut self) {
        while self.settle_ready() {}
        for (container, counts) in self.sources.values_mut().filter_map(SourceState::take_limited) {
            self.snapshot.limited.add(&container, counts);
        }
        for (container, counts) in self.inputs.iter_mut().flat_map(|slot| slot.input.take_limited()) {
            self.snapshot.limited.add(&container, counts);
        }
        self.sources.retain(|_, state| !(state.closed && state.ledger.is_settled()));
    }

    /// Settles the sources that wait for no other. Whether another may be ready now.
    fn settle_ready(&mut self) -> bool {
        let is_done = |(id, entry)| self.sources.get(&id).is_none_or(|state| state.ledger.has_reached(entry));
        let waits = |state: &&SourceState| state.follows.is_some_and(|before| !is_done(before));
        let waiting: Vec<u64> = self.sources.values().filter(waits).map(|state| state.source.id).collect();
        let mut has_moved = false;
        let mut carried = Vec::new();
        for state in self.sources.values_mut().filter(|state| !waiting.contains(&state.source.id)) {
            let before = state.ledger.committed().offset;
            if let Some(checkpoint) = state.ledger.advance() {
                has_moved = true;
                self.snapshot.inputs[state.source.input].finished += checkpoint.offset.saturating_sub(before);
                self.inputs[state.source.input].input.committed(state.source.id, checkpoint);
            }
            if state.carried_until.is_some_and(|entry| state.ledger.has_reached(entry)) {
                state.carried_until = None;
                carried.append(&mut state.before);
            }
        }
        // The files in which these records began move on together with the one in which they ended.
        for before in &carried {
            if let Some(state) = self.sources.get_mut(&before.source) {
                state.ledger.close(before.entry, before.end, 0);
            }
        }
        !carried.is_empty() || (has_moved && !waiting.is_empty())
    }

    fn save(&mut self) {
        for slot in &mut self.inputs {
            slot.input.save();
        }
    }

    fn publish(&mut self, now: Now) {
        for (index, slot) in self.inputs.iter_mut().enumerate() {
            slot.unsettled = 0;
            let account = &mut self.snapshot.inputs[index];
            (account.held, account.sources) = (0, 0);
            account.cut_off += slot.reading.take_cut_off();
            slot.input.account(now, account);
        }
        for state in self.sources.values() {
            let account = &mut self.snapshot.inputs[state.source.input];
            account.held += state.held();
            account.sources += 1;
            self.inputs[state.source.input].unsettled += state.ledger.unsettled();
        }
        self.emitter.account(&mut self.snapshot);
        let held_up: Vec<bool> = (0..self.inputs.len()).map(|index| self.is_input_held_up(index)).collect();
        let reasons = Reasons { budget: self.is_budget_exhausted(), held_up: &held_up, accounts: &self.accounts };
        self.watchdog.look(now.instant, &mut self.snapshot.inputs, &reasons);
        self.accounts.publish(self.number, &self.snapshot);
    }

    fn is_budget_exhausted(&self) -> bool {
        let is_failing = self.accounts.deliveries.iter().any(|delivery| delivery.is_failing());
        self.budget.is_exhausted(is_failing)
    }

    fn is_input_held_up(&self, index: usize) -> bool {
        let slot = &self.inputs[index];
        slot.reading.held_limit.is_some_and(|limit| slot.unsettled > limit)
    }

    /// Some input waits for records of its own that are in open batches.
    fn is_held_up(&self) -> bool {
        self.is_budget_exhausted() || (0..self.inputs.len()).any(|index| self.is_input_held_up(index))
    }

    fn is_exhausted(&self) -> bool {
        self.inputs.iter().all(|slot| slot.input.state() == State::Exhausted)
    }
}

/// Runs one block through to the batches. The source's id and how many bytes were used: an
/// unfinished line at the end is read again.
fn process(
    block: &Block<'_>,
    reading: &Reading,
    sources: &mut BTreeMap<u64, SourceState>,
    emitter: &mut Emitter,
    account: &mut InputAccount,
    arena: &Bump,
) -> (u64, usize) {
    let Some(state) = sources.get_mut(&block.source) else { return (block.source, 0) };
    let charset = state.charset;
    let mut run = emitter.begin(state, reading, Now { time: block.time, instant: block.since }, arena);
    let mut start = match charset {
        Some(charset) => encoded_lines(block, charset, &mut run, arena),
        None => lines(block, &mut run),
    };
    let rest = &block.bytes[start..];
    let cut = rest.len() >= reading.longest_line;
    if cut || (block.is_last && !rest.is_empty()) {
        let end = match charset {
            Some(charset) if cut => start + charset.whole(rest.len()),
            _ => block.bytes.len(),
        };
        let (rest, position) = (&block.bytes[start..end], position(block, start, end));
        run.line(charset.map_or(rest, |charset| charset.decode(rest, position.start, arena)), position, cut);
        start = end;
    }
    run.end(block.offset + start as u64).add_to(account);
    emitter.carry_over(block.source, sources);
    account.read += start as u64;
    (block.source, start)
}

/// Takes the whole lines of a block. Where the last one ends.
fn lines<'t>(block: &'t Block<'_>, run: &mut Run<'t>) -> usize {
    let mut start = 0;
    for end in memchr_iter(b'\n', block.bytes) {
        run.line(&block.bytes[start..end], position(block, start, end + 1), false);
        start = end + 1;
    }
    start
}

/// The same of a file that is not in UTF-8. What comes behind gets UTF-8, and offsets of the file.
fn encoded_lines<'t>(block: &'t Block<'_>, charset: Charset, run: &mut Run<'t>, arena: &'t Bump) -> usize {
    let mut start = 0;
    for (end, next) in charset.line_ends(block.bytes, block.offset) {
        let position = position(block, start, next);
        run.line(charset.decode(&block.bytes[start..end], position.start, arena), position, false);
        start = next;
    }
    start
}

fn position(block: &Block<'_>, start: usize, end: usize) -> Position {
    Position { start: block.offset + start as u64, end: block.offset + end as u64 }
}
