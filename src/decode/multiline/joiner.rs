//! The open group of one stream.

use std::borrow::Cow;
use std::sync::Arc;

use bumpalo::Bump;

use super::{Chain, Definition, First, Limits, Parts, State, Step, is_past};
use crate::decode::{Line, Stream};
use crate::record::{Position, Timestamp};

/// How much later than the gap a line may reach us and still have been written in time.
pub(super) const SLACK: i64 = 3_000_000_000;

#[derive(Debug)]
struct Open {
    definition: Arc<Definition>,
    state: State,
    stream: Option<Stream>,
    lines: usize,
    position: Position,
    time: Timestamp,
    last_time: Timestamp,
    /// The key of its lines, 0 if they have none.
    key: u64,
    /// How much of the text certainly belongs to the group.
    certain: usize,
    carried: usize,
    ended: usize,
}

/// A line that belongs to the group only if a later one does.
#[derive(Debug)]
struct Held {
    line_start: usize,
    position: Position,
    time: Timestamp,
    carried: usize,
    ended: usize,
}

/// The open group of one stream.
#[derive(Debug, Default)]
pub struct Joiner {
    open: Option<Open>,
    /// Kept between groups, so that joining does not allocate each time.
    text: Vec<u8>,
    /// The first line, whole, where only a part of it is joined.
    first: Vec<u8>,
    held: Vec<Held>,
}

impl Joiner {
    /// Offset of the open group's first byte in this file and its time.
    #[must_use]
    pub fn open_since(&self) -> Option<(u64, Timestamp)> {
        self.open.as_ref().map(|open| (if open.carried > 0 { 0 } else { open.position.start }, open.time))
    }

    /// What is open goes on in the next file.
    pub fn carry(&mut self) {
        if let Some(open) = &mut self.open {
            open.carried += 1;
            open.ended += 1;
        }
        for held in &mut self.held {
            held.carried += 1;
            held.ended += 1;
        }
    }

    /// What is open began in the file before.
    #[must_use]
    pub fn is_carried(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.carried > 0)
    }

    /// Takes the stream's next line and gives what is complete to `complete`, in order.
    #[inline]
    pub fn push<'t>(
        &mut self,
        line: Line<'t>,
        chain: &Chain,
        limits: Limits,
        arena: &'t Bump,
        complete: &mut impl FnMut(Line<'t>),
    ) {
        if self.open.is_none() && !chain.may_begin(line.text) {
            complete(line);
        } else {
            self.join(&line, chain, limits, arena, complete);
        }
    }

    /// [`Joiner::push`] for lines that may be of a group. Not inlined: most are none.
    #[inline(never)]
    fn join<'t>(
        &mut self,
        line: &Line<'t>,
        chain: &Chain,
        limits: Limits,
        arena: &'t Bump,
        complete: &mut impl FnMut(Line<'t>),
    ) {
        if let Some(open) = &self.open {
            let (step, content) = open.takes(line, arena);
            match step {
                Step::Refused => self.end(false, arena, complete),
                _ if open.lines >= limits.lines || self.text.len() + 1 + content.len() > limits.bytes => {
                    self.end(true, arena, complete);
                }
                Step::Taken(state) => return self.append(line, content, state),
                Step::Held(state) => return self.hold(line, state),
                Step::Last => {
                    self.append(line, content, State::Ending);
                    return self.end(false, arena, complete);
                }
            }
        }
        match chain.start(line.text, arena) {
            Some((definition, Step::Taken(state), parts)) if !line.truncated => {
                self.begin(line, definition, state, parts);
            }
            Some((definition, Step::Last, parts)) if !line.truncated => {
                let first = definition.cutting.as_ref().map(|by| First { line: line.text, cutting: by.number });
                complete(Line { text: parts.content, first, ..*line });
            }
            _ => complete(*line),
        }
    }

    /// Lets go of a group to which no line can come any more: `now` is so late that the gap to its
    /// last line is certain.
    pub fn expire<'t>(&mut self, now: Timestamp, arena: &'t Bump, complete: &mut impl FnMut(Line<'t>)) {
        if self.is_due(now) {
            self.finish(arena, complete);
        }
    }

    /// [`Joiner::expire`] would let something go.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        let gap = |open: &Open| open.definition.gap + if open.stream.is_some() { SLACK } else { 0 };
        self.open.as_ref().is_some_and(|open| is_past(now, open.last_time, gap(open)))
    }

    /// Ends the open group; the lines held behind it follow one by one.
    pub fn finish<'t>(&mut self, arena: &'t Bump, complete: &mut impl FnMut(Line<'t>)) {
        self.end(false, arena, complete);
    }

    /// The definition of the open group, and the name of its state.
    pub(super) fn describe(&self) -> Option<(&str, Cow<'_, str>)> {
        self.open.as_ref().map(|open| (open.definition.name(), open.definition.state_name(open.state)))
    }

    fn begin(&mut self, line: &Line<'_>, definition: &Arc<Definition>, state: State, parts: Parts<'_>) {
        self.text.extend_from_slice(parts.content);
        if definition.cutting.is_some() {
            self.first.extend_from_slice(line.text);
        }
        let Line { position, time, stream, carried, ended, .. } = *line;
        self.open = Some(Open {
            definition: Arc::clone(definition),
            state,
            stream,
            lines: 1,
            position,
            time,
            last_time: time,
            key: parts.key,
            certain: parts.content.len(),
            carried,
            ended,
        });
    }

    /// Appends a line that certainly belongs to the group, and with it those that were held.
    fn append(&mut self, line: &Line<'_>, content: &[u8], state: State) {
        let Some(open) = &mut self.open else { return };
        self.text.extend_from_slice(open.definition.separator(&self.text));
        self.text.extend_from_slice(content);
        self.held.clear();
        open.certain = self.text.len();
        (open.position.end, open.ended) = (line.position.end, line.ended);
        open.goes_on(line, state);
    }

    fn hold(&mut self, line: &Line<'_>, state: State) {
        let Some(open) = &mut self.open else { return };
        self.text.push(b'\n');
        let Line { position, time, carried, ended, .. } = *line;
        self.held.push(Held { line_start: self.text.len(), position, time, carried, ended });
        self.text.extend_from_slice(line.text);
        open.goes_on(line, state);
    }

    fn end<'t>(&mut self, truncated: bool, arena: &'t Bump, complete: &mut impl FnMut(Line<'t>)) {
        let Some(open) = self.open.take() else { return };
        let text = &*arena.alloc_slice_copy(&self.text);
        let Open { time, stream, position, certain, carried, ended, .. } = open;
        let first = open.definition.cutting.as_ref();
        let first = first.map(|by| First { line: arena.alloc_slice_copy(&self.first), cutting: by.number });
        complete(Line { time, stream, text: &text[..certain], position, truncated, carried, ended, first });
        let ends = self.held.iter().skip(1).map(|next| next.line_start - 1).chain([text.len()]);
        for (held, end) in self.held.iter().zip(ends) {
            let text = &text[held.line_start..end];
            let Held { position, time, carried, ended, .. } = *held;
            complete(Line { time, stream, text, position, truncated: false, carried, ended, first: None });
        }
        self.text.clear();
        self.first.clear();
        // One huge group must not pin its memory for good.
        self.text.shrink_to(64 * 1024);
        self.held.clear();
    }
}

impl Open {
    /// What a line is to this group, and what would be joined of it. Lines without a stream are of files whose lines tell no times:
    /// when they were read says nothing of whether they belong together.
    fn takes<'t>(&self, line: &Line<'t>, arena: &'t Bump) -> (Step, &'t [u8]) {
        let is_apart = line.stream.is_some() && is_past(line.time, self.last_time, self.definition.gap);
        let parts = self.definition.parts(line.text, arena).filter(|parts| parts.key == self.key);
        match parts.filter(|_| !is_apart && !line.truncated) {
            Some(parts) => (self.definition.next(self.state, parts.pattern), parts.content),
            None => (Step::Refused, line.text),
        }
    }

    fn goes_on(&mut self, line: &Line<'_>, state: State) {
        self.state = state;
        self.lines += 1;
        self.last_time = line.time;
    }
}
