//! Runs a [`Program`] over a text, with a limit on its steps, so that no text takes for ever.
//!
//! The machine tries one way after the other, as Onigmo does, and so can do what it does: look
//! around, refer back, give nothing back. Where a pattern leaves nothing to choose it goes straight
//! through the text.

use memchr::memchr;
use regex_syntax::hir::Look;

use super::program::{Around, Begin, Case, Operation, Program, Repeat, Step};

/// Ways back that are kept at most: 256 Ki of 32 bytes.
const MOST_FRAMES: usize = 1 << 18;
/// Memory for so many ways back stays from one text to the next.
const KEPT_FRAMES: usize = 1 << 12;
/// Bytes that a search passes over in the time of a step.
const BYTES_PER_STEP: usize = 8;
/// A slot that holds no offset.
pub(super) const UNSET: usize = usize::MAX;

/// What came of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It matched; the slots say where. The end of the match.
    Matched(usize),
    Unmatched,
    /// The steps (or the memory for ways back) were used up before anything was certain.
    CutOff,
}

/// Memory of a run, to be used again: matching allocates nothing once it has grown.
#[derive(Debug, Clone, Default)]
pub(super) struct Machine {
    /// Start and end of each group, [`UNSET`] if it took no part.
    pub(super) slots: Vec<usize>,
    frames: Vec<Frame>,
}

/// A way back.
#[derive(Debug, Clone, Copy)]
enum Frame {
    /// Go on with another step.
    Way { step: Step, at: usize },
    /// Take a slot's old value.
    Slot { slot: usize, old: usize },
    /// Take fewer bytes of the repetition at `step`, whose least end is `low`.
    Fewer { step: Step, low: usize, at: usize },
    /// Take more of them, at most `left`.
    More { step: Step, at: usize, left: usize },
    /// Nothing is to be gone back to; makes slots be remembered.
    Wall,
}

impl Machine {
    /// Searches `text`, with at most `steps` steps.
    pub(super) fn search(&mut self, program: &Program, text: &[u8], steps: usize) -> Outcome {
        self.frames.clear();
        self.frames.shrink_to(KEPT_FRAMES);
        let mut run = Run { program, text, machine: self, left: steps };
        let outcome = run.search();
        match outcome {
            Ok(Some(end)) => Outcome::Matched(end),
            Ok(None) => Outcome::Unmatched,
            Err(CutOff) => Outcome::CutOff,
        }
    }
}

struct CutOff;

struct Run<'r> {
    program: &'r Program,
    text: &'r [u8],
    machine: &'r mut Machine,
    left: usize,
}

impl Run<'_> {
    fn search(&mut self) -> Result<Option<usize>, CutOff> {
        let mut from = 0;
        while let Some(at) = self.next_start(from)? {
            self.machine.slots.clear();
            self.machine.slots.resize(self.program.slots, UNSET);
            self.machine.frames.clear();
            if let Some(end) = self.run(self.program.start, at, None)? {
                return Ok(Some(end));
            }
            from = at + 1;
        }
        Ok(None)
    }

    /// The first place at or behind `from` at which a match can begin.
    fn next_start(&mut self, from: usize) -> Result<Option<usize>, CutOff> {
        let found = match &self.program.begin {
            Begin::Text => (from == 0).then_some(0),
            Begin::Anywhere => (from <= self.text.len()).then_some(from),
            Begin::Line if from == 0 => Some(0),
            Begin::Line => self.text.get(from - 1..).and_then(|rest| memchr(b'\n', rest)).map(|at| from + at),
            Begin::At(set) => {
                let rest = self.text.get(from..).unwrap_or_default();
                rest.iter().position(|byte| set.contains(*byte)).map(|at| from + at)
            }
        };
        self.pay(found.unwrap_or(from).saturating_sub(from))?;
        Ok(found)
    }

    /// Takes the price of a step that went over so many bytes.
    #[inline]
    fn pay(&mut self, bytes: usize) -> Result<(), CutOff> {
        self.left = self.left.checked_sub(1 + bytes / BYTES_PER_STEP).ok_or(CutOff)?;
        Ok(())
    }

    fn push(&mut self, frame: Frame) -> Result<(), CutOff> {
        if self.machine.frames.len() >= MOST_FRAMES {
            return Err(CutOff);
        }
        self.machine.frames.push(frame);
        Ok(())
    }

    /// Runs from a step to the next [`Operation::Accept`], which must lie at `end` if one is given;
    /// the ways back from there stay.
    fn run(&mut self, step: Step, at: usize, end: Option<usize>) -> Result<Option<usize>, CutOff> {
        let base = self.machine.frames.len();
        let (mut step, mut at) = (step, at);
        let program = self.program;
        loop {
            self.pay(0)?;
            let next = match &program.operations[step] {
                Operation::Accept if end.is_none_or(|end| end == at) => return Ok(Some(at)),
                Operation::Accept => None,
                Operation::Literal(literal, next) => self.text[at..].starts_with(literal).then(|| {
                    at += literal.len();
                    *next
                }),
                Operation::Byte(set, next) => self.text.get(at).filter(|byte| set.contains(**byte)).map(|_| {
                    at += 1;
                    *next
                }),
                Operation::Character(ranges, next) => self.character(ranges, at).map(|length| {
                    at += length;
                    *next
                }),
                Operation::Span(repeat) => self.span(repeat, at)?.map(|length| {
                    at += length;
                    repeat.next
                }),
                Operation::Greedy(repeat) => self.greedy(step, repeat, &mut at)?,
                Operation::Lazy(repeat) => self.lazy(step, repeat, &mut at)?,
                Operation::Branch(branch) => match branch.firsts.each_ref().map(|first| first.allows(self.text, at)) {
                    [true, true] => {
                        self.push(Frame::Way { step: branch.ways[1], at })?;
                        Some(branch.ways[0])
                    }
                    [true, false] => Some(branch.ways[0]),
                    [false, true] => Some(branch.ways[1]),
                    [false, false] => None,
                },
                Operation::Save(slot, next) => {
                    // Without a way back, nobody asks for the old value.
                    if !self.machine.frames.is_empty() {
                        self.push(Frame::Slot { slot: *slot, old: self.machine.slots[*slot] })?;
                    }
                    self.machine.slots[*slot] = at;
                    Some(*next)
                }
                Operation::Assert(look, next) => holds(*look, self.text, at).then_some(*next),
                Operation::Around(around) => self.look(around, at)?.then_some(around.next),
                Operation::Atomic(group, next) => {
                    let base = self.machine.frames.len();
                    self.run(*group, at, None)?.map(|end| {
                        self.keep_slots(base);
                        at = end;
                        *next
                    })
                }
                Operation::Reference(groups, case, next) => self.repeated(groups, *case, at).map(|length| {
                    at += length;
                    *next
                }),
                Operation::Again { slot, round, next } => {
                    Some(if self.machine.slots[*slot] == at { *next } else { *round })
                }
            };
            match next {
                Some(next) => step = next,
                None => match self.back(base)? {
                    Some(way) => (step, at) = way,
                    None => return Ok(None),
                },
            }
        }
    }

    /// Goes back to the last choice above `base`.
    fn back(&mut self, base: usize) -> Result<Option<(Step, usize)>, CutOff> {
        while self.machine.frames.len() > base {
            self.pay(0)?;
            match self.machine.frames.pop() {
                None | Some(Frame::Wall) => {}
                Some(Frame::Way { step, at }) => return Ok(Some((step, at))),
                Some(Frame::Slot { slot, old }) => self.machine.slots[slot] = old,
                Some(Frame::Fewer { step, low, at }) => {
                    let Operation::Greedy(repeat) = &self.program.operations[step] else { continue };
                    if let Some(at) = self.fewer(step, repeat, low, at)? {
                        return Ok(Some((repeat.next, at)));
                    }
                }
                Some(Frame::More { step, at, left }) => {
                    let Operation::Lazy(repeat) = &self.program.operations[step] else { continue };
                    if left > 0 && self.text.get(at).is_some_and(|byte| repeat.set.contains(*byte)) {
                        let found = self.more(step, repeat, at + 1, left - 1)?;
                        if let Some(at) = found {
                            return Ok(Some((repeat.next, at)));
                        }
                    }
                }
            }
        }
        Ok(None)
    }

    #[inline]
    fn span(&mut self, repeat: &Repeat, at: usize) -> Result<Option<usize>, CutOff> {
        let rest = &self.text[at..];
        let length = repeat.set.run(&rest[..rest.len().min(repeat.most)]);
        self.pay(length)?;
        Ok((length >= repeat.least).then_some(length))
    }

    fn greedy(&mut self, step: Step, repeat: &Repeat, at: &mut usize) -> Result<Option<Step>, CutOff> {
        let Some(length) = self.span(repeat, *at)? else { return Ok(None) };
        let found = self.fewer(step, repeat, *at + repeat.least, *at + length + 1)?;
        *at = found.unwrap_or(*at);
        Ok(found.map(|_| repeat.next))
    }

    /// The last place from `low` on and before `end` at which the repetition can end.
    fn fewer(&mut self, step: Step, repeat: &Repeat, low: usize, end: usize) -> Result<Option<usize>, CutOff> {
        let found = (low..end).rev().find(|at| repeat.stop.allows(self.text, *at));
        self.pay(end - found.unwrap_or(low))?;
        if let Some(at) = found.filter(|at| *at > low) {
            self.push(Frame::Fewer { step, low, at })?;
        }
        Ok(found)
    }

    fn lazy(&mut self, step: Step, repeat: &Repeat, at: &mut usize) -> Result<Option<Step>, CutOff> {
        let rest = &self.text[*at..];
        if repeat.set.run(&rest[..rest.len().min(repeat.least)]) < repeat.least {
            return Ok(None);
        }
        let found = self.more(step, repeat, *at + repeat.least, repeat.most - repeat.least)?;
        *at = found.unwrap_or(*at);
        Ok(found.map(|_| repeat.next))
    }

    /// The first place from `at` on at which the repetition can end.
    fn more(&mut self, step: Step, repeat: &Repeat, at: usize, left: usize) -> Result<Option<usize>, CutOff> {
        let last = self.text.len().min(at.saturating_add(left));
        let mut end = at;
        while !repeat.stop.allows(self.text, end) {
            if end >= last || !repeat.set.contains(self.text[end]) {
                self.pay(end - at)?;
                return Ok(None);
            }
            end += 1;
        }
        self.pay(end - at)?;
        self.push(Frame::More { step, at: end, left: left - (end - at) })?;
        Ok(Some(end))
    }

    /// Length of the character at `at` if it is in the ranges.
    fn character(&self, ranges: &[(char, char)], at: usize) -> Option<usize> {
        let rest = &self.text[at..];
        let valid = rest[..rest.len().min(4)].utf8_chunks().next()?.valid();
        let character = valid.chars().next()?;
        let order = |(low, high): &(char, char)| {
            if *high < character {
                std::cmp::Ordering::Less
            } else if *low > character {
                std::cmp::Ordering::Greater
            } else {
                std::cmp::Ordering::Equal
            }
        };
        ranges.binary_search_by(order).is_ok().then(|| character.len_utf8())
    }

    /// Whether a look-around holds. What its groups took stays unless it is negative.
    fn look(&mut self, around: &Around, at: usize) -> Result<bool, CutOff> {
        let base = self.machine.frames.len();
        self.push(Frame::Wall)?;
        let mut found = false;
        match around.behind {
            None => found = self.run(around.group, at, None)?.is_some(),
            Some((least, most)) => {
                for length in least..=most.min(at) {
                    found = self.run(around.group, at - length, Some(at))?.is_some();
                    if found {
                        break;
                    }
                }
            }
        }
        if found && !around.negative {
            self.keep_slots(base);
        } else {
            self.undo(base);
        }
        Ok(found != around.negative)
    }

    /// Forgets the ways back above `base`, but not the slots' old values.
    fn keep_slots(&mut self, base: usize) {
        let mut kept = base;
        for index in base..self.machine.frames.len() {
            if let Frame::Slot { .. } = self.machine.frames[index] {
                self.machine.frames.swap(kept, index);
                kept += 1;
            }
        }
        self.machine.frames.truncate(kept);
    }

    fn undo(&mut self, base: usize) {
        while self.machine.frames.len() > base {
            if let Some(Frame::Slot { slot, old }) = self.machine.frames.pop() {
                self.machine.slots[slot] = old;
            }
        }
    }

    /// Length of what the last of these groups that took part has matched, if it stands here again.
    fn repeated(&mut self, groups: &[usize], case: Case, at: usize) -> Option<usize> {
        let span = groups.iter().rev().find_map(|group| {
            let (start, end) = (self.machine.slots[group * 2], self.machine.slots[group * 2 + 1]);
            (start != UNSET && end != UNSET && start <= end).then_some((start, end))
        });
        let (start, end) = span?;
        let (before, here) = (&self.text[start..end], self.text.get(at..at + (end - start))?);
        // A long one costs as a search does; what it takes too much ends the run at the next step.
        self.left = self.left.saturating_sub(before.len() / BYTES_PER_STEP);
        let is_same = match case {
            Case::Minded => before == here,
            Case::Folded => before.eq_ignore_ascii_case(here),
        };
        is_same.then_some(end - start)
    }
}

/// Whether an assertion holds.
fn holds(look: Look, text: &[u8], at: usize) -> bool {
    let is_line_feed = |at: usize| text.get(at) == Some(&b'\n');
    match look {
        Look::Start => at == 0,
        Look::End => at == text.len(),
        Look::StartLF => at == 0 || is_line_feed(at - 1),
        Look::EndLF => at == text.len() || is_line_feed(at),
        Look::WordUnicode => is_word_before(text, at) != is_word_after(text, at),
        Look::WordUnicodeNegate => is_word_before(text, at) == is_word_after(text, at),
        // The translation writes no others.
        _ => false,
    }
}

fn is_word_before(text: &[u8], at: usize) -> bool {
    let behind = &text[at.saturating_sub(4)..at];
    let starts = (1..=behind.len()).map(|length| &behind[behind.len() - length..]);
    let mut characters = starts.filter_map(|tail| std::str::from_utf8(tail).ok());
    characters.next().and_then(|tail| tail.chars().next()).is_some_and(is_word)
}

fn is_word_after(text: &[u8], at: usize) -> bool {
    let ahead = &text[at..text.len().min(at + 4)];
    let valid = ahead.utf8_chunks().next().map(|chunk| chunk.valid());
    valid.and_then(|valid| valid.chars().next()).is_some_and(is_word)
}

fn is_word(character: char) -> bool {
    regex_syntax::is_word_character(character)
}
