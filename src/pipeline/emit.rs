//! From a block's lines to the batches: decoding, parsing, filtering, routing.

use std::sync::Arc;
use std::time::Instant;

use bumpalo::Bump;

use super::budget::Budget;
use super::emitter::{Emitter, FilterSlot};
use super::ledger::Ledger;
use super::output_slot::OutputSlot;
use super::rate::{Admission, Rate};
use super::reading::{Layout, Reading};
use super::source::{Before, SourceState};
use crate::decode::{Decoder, Line};
use crate::filter::Action;
use crate::filter::flyte::Level;
use crate::parser::Parsed;
use crate::record::position::IdSeed;
use crate::record::{Checkpoint, DocumentId, Member, Now, Origin, Position, Record, Timestamp, Turn};
use crate::telemetry::DropReason;
use crate::telemetry::accounts::InputAccount;

impl Emitter {
    /// Begins a run: some lines of one source, one entry of its ledger. The time is for lines that
    /// can tell none.
    pub(super) fn begin<'t>(
        &'t mut self,
        state: &'t mut SourceState,
        reading: &'t Reading,
        now: Now,
        arena: &'t Bump,
    ) -> Run<'t> {
        let processors = state.processors.iter().map(|(_, index)| index);
        for &index in state.filters.iter().chain(processors) {
            self.filters[index].filter.prepare(&mut state.source);
        }
        if let Some(rate) = &mut state.rate {
            rate.hear(&state.source);
        }
        let entry = state.ledger.open();
        Run {
            worker: self.worker,
            budget: &self.budget,
            filters: &self.filters,
            outputs: &mut self.outputs,
            filtered: &mut self.filtered,
            carried: &mut self.carried,
            reading,
            turn: Turn { arena, source: &state.source, now: now.time },
            now: now.instant,
            decoder: &mut state.decoder,
            ledger: &mut state.ledger,
            path: Path {
                seed: state.seed,
                filters: &state.filters,
                routes: &state.routes,
                processors: &state.processors,
                before: &state.before,
                carried: state.carried,
                entry,
            },
            taken: &mut state.taken,
            skipping: &mut state.skipping,
            rate: state.rate.as_mut(),
            lines: Vec::new(),
            members: Vec::with_capacity(32),
            processed: Vec::new(),
            counted: Counted::default(),
        }
    }
}

/// What one run counted.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Counted {
    lines: u64,
    malformed: u64,
    truncated: u64,
    skipped: u64,
}

impl Counted {
    pub(super) fn add_to(self, account: &mut InputAccount) {
        account.lines += self.lines;
        account.malformed += self.malformed;
        account.truncated += self.truncated;
        account.skipped += self.skipped;
    }
}

/// What the records of a run share on their way.
struct Path<'t> {
    seed: Option<IdSeed>,
    filters: &'t [usize],
    routes: &'t [usize],
    /// Filters of outputs: the output and the filter.
    processors: &'t [(usize, usize)],
    before: &'t [Before],
    carried: [bool; 2],
    entry: u64,
}

impl Path<'_> {
    /// What the id of a line is made of: that of the file in which it began, and, if it went on into
    /// others, what stood there.
    fn seed_of(&self, line: &Line<'_>) -> Option<IdSeed> {
        let began = self.seed_before(line.carried)?;
        if line.carried == line.ended {
            return Some(began);
        }
        Some(self.seed_before(line.ended).map_or(began, |ended| began.until(ended, line.text)))
    }

    /// The seed of the file that is so many before this one.
    fn seed_before(&self, files: usize) -> Option<IdSeed> {
        let before = self.before.len().checked_sub(files).and_then(|index| self.before.get(index));
        before.map_or(self.seed, |before| before.seed)
    }

    /// While a record is open that began in the file before, the streams that came open from there
    /// are new from the beginning of this file: a checkpoint behind the end of one's record would
    /// have the other files' checkpoints, which still lie in front of it, join it to something else.
    fn hold_carried(&self, checkpoint: &mut Checkpoint) {
        for (stream, _) in checkpoint.streams.iter_mut().zip(self.carried).filter(|(_, carried)| *carried) {
            *stream = 0;
        }
        checkpoint.offset = checkpoint.streams[0].min(checkpoint.streams[1]);
    }
}

/// Some lines of one source on their way to the batches.
pub(super) struct Run<'t> {
    worker: usize,
    budget: &'t Arc<Budget>,
    filters: &'t [FilterSlot],
    outputs: &'t mut [OutputSlot],
    filtered: &'t mut u64,
    carried: &'t mut Vec<Before>,
    reading: &'t Reading,
    turn: Turn<'t>,
    now: Instant,
    decoder: &'t mut Decoder,
    ledger: &'t mut Ledger,
    path: Path<'t>,
    taken: &'t mut u64,
    skipping: &'t mut Option<u64>,
    rate: Option<&'t mut Rate>,
    /// Lines that the last physical line completed.
    lines: Vec<Line<'t>>,
    /// Members of the last record, kept for their memory.
    members: Vec<Member<'t>>,
    /// The same of the last record as an output's own filters left it.
    processed: Vec<Member<'t>>,
    counted: Counted,
}

impl<'t> Run<'t> {
    /// Takes one physical line, without its line end. `cut`: it is longer than lines may be, and
    /// these are as many bytes of it as fit.
    pub(super) fn line(&mut self, raw: &'t [u8], position: Position, cut: bool) {
        if self.skips(position, cut) {
            return;
        }
        let raw = raw.strip_suffix(b"\r").filter(|_| !cut).unwrap_or(raw);
        if raw.is_empty() && self.reading.skip_empty_lines {
            return;
        }
        let (lines, turn) = (&mut self.lines, &self.turn);
        self.decoder.push(raw, position, cut, turn.now, turn.arena, &mut |line| lines.push(line));
        self.emit_lines();
    }

    /// Gives out groups that nothing can follow any more.
    pub(super) fn expire(&mut self, now: Timestamp) {
        let lines = &mut self.lines;
        self.decoder.expire(now, self.turn.arena, &mut |line| lines.push(line));
        self.emit_lines();
    }

    /// Gives out all that is open. The end of a line that is being skipped does not come any more.
    pub(super) fn finish(&mut self) {
        *self.skipping = None;
        let lines = &mut self.lines;
        self.decoder.finish(self.turn.arena, &mut |line| lines.push(line));
        self.emit_lines();
    }

    /// Ends the run: everything before `end` is in records, or open in the decoder.
    pub(super) fn end(mut self, end: u64) -> Counted {
        let safe = self.skipping.unwrap_or(end);
        let bytes = end.saturating_sub(*self.taken);
        let mut checkpoint = self.decoder.checkpoint(safe);
        if self.decoder.is_carrying() {
            self.path.hold_carried(&mut checkpoint);
        }
        self.ledger.close(self.path.entry, checkpoint, bytes);
        *self.taken = end;
        self.counted.malformed = self.decoder.take_malformed();
        self.counted
    }

    /// With `Skip_Long_Lines`, the whole of a line that is too long is passed over.
    fn skips(&mut self, position: Position, cut: bool) -> bool {
        if !self.reading.skip_long_lines || (!cut && self.skipping.is_none()) {
            return false;
        }
        if cut && self.skipping.is_none() {
            self.counted.skipped += 1;
        }
        *self.skipping = cut.then(|| self.skipping.unwrap_or(position.start));
        true
    }

    fn emit_lines(&mut self) {
        for index in 0..self.lines.len() {
            self.emit(self.lines[index]);
        }
        self.lines.clear();
    }

    /// Makes a record of a line, runs it through the filters and appends it to its batches.
    fn emit(&mut self, line: Line<'t>) {
        self.counted.lines += 1;
        self.counted.truncated += u64::from(line.truncated);
        let admission = self.rate.as_mut().map_or(Admission::Pass, |rate| rate.admit(line.time, line.text.len()));
        if admission == Admission::Drop {
            return self.leave_out();
        }
        let mut record = self.record(&line);
        let keep = self
            .path
            .filters
            .iter()
            .all(|&index| self.filters[index].filter.apply(&mut record, &self.turn) == Action::Keep);
        if keep && admission == Admission::Errors && !states_error(&record, self.turn.arena) {
            self.leave_out();
        } else if keep {
            self.route(&record, line.carried > 0);
        } else {
            *self.filtered += 1;
        }
        record.members.clear();
        self.members = record.members;
    }

    /// A record ends here because its container logs more than it may. Each output that would have got
    /// it accounts for it.
    fn leave_out(&mut self) {
        for &index in self.path.routes {
            let account = &mut self.outputs[index].account;
            account.routed += 1;
            account.dropped.add(DropReason::RateLimit, 1);
        }
        if let Some(rate) = &mut self.rate {
            rate.left_out();
        }
    }

    fn record(&mut self, line: &Line<'t>) -> Record<'t> {
        let (reading, arena) = (self.reading, self.turn.arena);
        let mut members = std::mem::take(&mut self.members);
        let mut time = line.time;
        let cut = line.first.and_then(|first| Some((first.line, reading.cutters.get(first.cutting)?)));
        let parsed = match (cut, &reading.grouped, &reading.parser) {
            (Some((first, cutter)), ..) => cutter.parse(first, line.text, arena, time, &mut members),
            (None, Some(grouped), _) => grouped.parse(line.text, arena, time, &mut members),
            (None, None, Some(parser)) => match parser.parse(line.text, arena, time, &mut members) {
                Parsed::Matched { time } => Some(time),
                Parsed::Unmatched => None,
            },
            (None, None, None) => None,
        };
        match parsed {
            Some(parsed) => time = parsed.unwrap_or(time),
            None => text_members(reading, line, arena, &mut members),
        }
        if let (Some(key), Some(path)) = (&reading.path_key, &self.turn.source.path) {
            members.push(Member::text(key, path.as_bytes(), Origin::Runtime));
        }
        if let Some(key) = &reading.offset_key {
            members.push(Member::json(key, decimal(line.position.start, arena), Origin::Runtime));
        }
        let seed = self.path.seed_of(line);
        if let Some(order) = seed.and_then(|seed| seed.order(line.position)).filter(|_| reading.order) {
            members.push(Member::json(b"order", decimal(order, arena), Origin::Runtime));
        }
        let id = match seed {
            Some(seed) => DocumentId::new(seed, line.position, line.stream.map(|_| line.time)),
            None => DocumentId::random(line.time),
        };
        Record { time, members, id, truncated: line.truncated, unique: false }
    }

    fn route(&mut self, record: &Record<'t>, carried: bool) {
        for &index in self.path.routes {
            let has_own = self.path.processors.iter().any(|(output, _)| *output == index);
            if !has_own {
                self.deliver(index, record, carried);
            } else if let Some(own) = self.processed(index, record) {
                self.deliver(index, &own, carried);
                self.processed = own.members;
            } else {
                *self.filtered += 1;
            }
        }
    }

    /// A copy of the record as the output's own filters leave it, if they keep it.
    fn processed(&mut self, output: usize, record: &Record<'t>) -> Option<Record<'t>> {
        let mut members = std::mem::take(&mut self.processed);
        members.clear();
        members.extend_from_slice(&record.members);
        let Record { time, id, truncated, unique, .. } = *record;
        let mut own = Record { time, members, id, truncated, unique };
        let (filters, turn) = (self.filters, &self.turn);
        let mut all = self.path.processors.iter().filter(|(of, _)| *of == output);
        if all.all(|(_, filter)| filters[*filter].filter.apply(&mut own, turn) == Action::Keep) {
            return Some(own);
        }
        self.processed = own.members;
        None
    }

    /// Appends a record to the output's batch.
    fn deliver(&mut self, index: usize, record: &Record<'t>, carried: bool) {
        let output = &mut self.outputs[index];
        let number = output.batch(record, &self.turn, self.now);
        let (encoder, turn) = (&mut output.encoder, &self.turn);
        let batch = &mut output.open[number];
        batch.append(turn.source.id, self.path.entry, |out| encoder.encode(record, turn, out));
        self.ledger.hold(self.path.entry);
        for &before in self.path.before.iter().filter(|_| carried) {
            batch.hold(before.source, before.entry);
            self.carried.push(before);
        }
        output.account.routed += 1;
        if batch.is_full(&output.limits) {
            output.seal(number, self.worker, self.budget);
        }
    }
}

/// The record's level is one of errors.
fn states_error<'t>(record: &Record<'t>, arena: &'t Bump) -> bool {
    let level =
        record.find(b"level").or_else(|| record.find(b"log.level")).and_then(|member| member.value.as_text(arena));
    level.and_then(Level::of_word).is_some_and(|level| level >= Level::Error)
}

/// A number as JSON.
fn decimal(number: u64, arena: &Bump) -> &[u8] {
    const MOST: usize = 20;
    let mut digits = [b'0'; MOST];
    let (mut rest, mut start) = (number, MOST);
    while rest > 0 || start == MOST {
        start -= 1;
        digits[start] += (rest % 10) as u8;
        rest /= 10;
    }
    arena.alloc_slice_copy(&digits[start..])
}

/// The members of a line that no parser split.
fn text_members<'t>(reading: &'t Reading, line: &Line<'t>, arena: &'t Bump, members: &mut Vec<Member<'t>>) {
    let text = Member::text(&reading.text_key, line.text, Origin::Runtime);
    let Some(stream) = line.stream else {
        members.push(text);
        return;
    };
    let stream = Member::text(b"stream", stream.name().as_bytes(), Origin::Runtime);
    let time = || {
        let mut time = Vec::with_capacity(crate::record::time::RFC3339_LENGTH);
        line.time.write_rfc3339(&mut time);
        Member::text(b"time", arena.alloc_slice_copy(&time), Origin::Runtime)
    };
    match reading.layout {
        Layout::Bare => members.extend([text, stream]),
        Layout::Docker => members.extend([text, stream, time()]),
        Layout::Cri => members.extend([time(), stream, Member::text(b"logtag", b"F", Origin::Runtime), text]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_numbers_as_they_are() {
        let arena = Bump::new();
        for number in [0, 7, 10, 1_787_313_601_123_456_789, u64::MAX] {
            assert_eq!(decimal(number, &arena), number.to_string().as_bytes());
        }
    }
}
