//! From a parsed pattern to a [`Program`], from its end to its beginning: so each step knows what
//! can stand behind it, and a repetition that leaves nothing to choose needs no way back.

use std::collections::HashMap;

use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

use super::program::{Around, Begin, Branch, ByteSet, Case, First, Operation, Program, Repeat, Step};
use crate::parser::onigmo::{Error, Group};

/// Most steps of a program; patterns beyond repeat something large many times.
const MOST_STEPS: usize = 20_000;
/// Depth of loops in loops up to which each is compiled a second time, with what is known of it.
const REFINED_DEPTH: usize = 5;

/// Compiles a pattern whose groups mean what `groups` says, in their order.
///
/// # Errors
/// If the program gets too large, or for a look-behind without a limit.
pub(super) fn compile(pattern: &Hir, groups: &[Group]) -> Result<Program, Error> {
    let mut compiler = Compiler::new(groups);
    let accept = compiler.add(Operation::Accept, First { any: true, ..First::ANYTHING })?;
    let start = compiler.step(pattern, accept)?;
    let first = &compiler.firsts[start];
    let begin = match compiler.leading_look(pattern) {
        Some(Look::Start) => Begin::Text,
        Some(Look::StartLF) => Begin::Line,
        _ if first.any || first.end => Begin::Anywhere,
        _ => Begin::At(Box::new(ByteSet::new(first.bytes))),
    };
    let repeats_nothing = compiler.repeats_nothing;
    Ok(Program { operations: compiler.operations, start, begin, slots: compiler.slots, repeats_nothing })
}

struct Compiler<'g> {
    groups: &'g [Group],
    /// Numbers of the groups that capture, from 0.
    captures: Vec<usize>,
    by_name: HashMap<&'g str, Vec<usize>>,
    operations: Vec<Operation>,
    firsts: Vec<First>,
    slots: usize,
    depth: usize,
    /// Something that may be empty is repeated.
    repeats_nothing: bool,
    /// Steps made, those of programs that were made again included.
    made: usize,
}

impl<'g> Compiler<'g> {
    fn new(groups: &'g [Group]) -> Self {
        let (mut captures, mut by_name) = (Vec::new(), HashMap::<_, Vec<_>>::new());
        let mut count = 0;
        for group in groups {
            captures.push(count);
            if let Group::Named(name) = group {
                by_name.entry(name.as_str()).or_default().push(count);
                count += 1;
            }
        }
        Self {
            groups,
            captures,
            by_name,
            operations: Vec::new(),
            firsts: Vec::new(),
            slots: count * 2,
            depth: 0,
            repeats_nothing: false,
            made: 0,
        }
    }

    /// The assertion that every match begins with.
    fn leading_look(&self, pattern: &Hir) -> Option<Look> {
        match pattern.kind() {
            HirKind::Look(look) => Some(*look),
            HirKind::Concat(parts) => parts.first().and_then(|part| self.leading_look(part)),
            HirKind::Capture(capture) => match self.groups.get(capture.index as usize - 1) {
                Some(Group::Named(_)) => self.leading_look(&capture.sub),
                _ => None,
            },
            HirKind::Alternation(ways) => {
                let (first, rest) = ways.split_first()?;
                let look = self.leading_look(first)?;
                rest.iter().all(|way| self.leading_look(way) == Some(look)).then_some(look)
            }
            _ => None,
        }
    }

    fn add(&mut self, operation: Operation, first: First) -> Result<Step, Error> {
        self.made += 1;
        if self.made > MOST_STEPS {
            return Err(Error::Invalid("it is too large: something long is repeated many times".to_owned()));
        }
        self.operations.push(operation);
        self.firsts.push(first);
        Ok(self.operations.len() - 1)
    }

    /// Compiles `pattern` in front of `next`.
    fn step(&mut self, pattern: &Hir, next: Step) -> Result<Step, Error> {
        match pattern.kind() {
            HirKind::Empty => Ok(next),
            HirKind::Literal(literal) => {
                let first = first_of(|byte| literal.0.first() == Some(&byte));
                self.add(Operation::Literal(literal.0.clone(), next), first)
            }
            HirKind::Class(class) => self.class(class, next),
            HirKind::Look(look) => {
                let first = self.behind_look(*look, next);
                self.add(Operation::Assert(*look, next), first)
            }
            HirKind::Repetition(repetition) => self.repetition(repetition, next),
            HirKind::Capture(capture) => self.group(capture.index as usize - 1, &capture.sub, next),
            HirKind::Concat(parts) => parts.iter().rev().try_fold(next, |next, part| self.step(part, next)),
            HirKind::Alternation(ways) => {
                let mut last = None;
                for way in ways.iter().rev() {
                    let way = self.step(way, next)?;
                    last = Some(last.map_or(Ok(way), |second| self.branch([way, second]))?);
                }
                Ok(last.unwrap_or(next))
            }
        }
    }

    fn branch(&mut self, ways: [Step; 2]) -> Result<Step, Error> {
        let firsts = ways.map(|way| self.firsts[way].clone());
        let first = firsts[0].or(&firsts[1]);
        self.add(Operation::Branch(Box::new(Branch { ways, firsts })), first)
    }

    fn class(&mut self, class: &Class, next: Step) -> Result<Step, Error> {
        if let Some(set) = byte_set(class) {
            let first = first_of(|byte| set.contains(byte));
            return self.add(Operation::Byte(Box::new(set), next), first);
        }
        let Class::Unicode(class) = class else { return Ok(next) };
        let ranges: Box<[_]> = class.iter().map(|range| (range.start(), range.end())).collect();
        let is_in = |byte: u8| ranges.iter().any(|(low, high)| (*low..=*high).contains(&char::from(byte)));
        let first = first_of(|byte| !byte.is_ascii() || is_in(byte));
        self.add(Operation::Character(ranges, next), first)
    }

    fn behind_look(&self, look: Look, next: Step) -> First {
        match look {
            Look::End => First { end: true, ..First::NOTHING },
            Look::EndLF => First { end: true, ..first_of(|byte| byte == b'\n') },
            _ => self.firsts[next].clone(),
        }
    }

    fn group(&mut self, index: usize, pattern: &Hir, next: Step) -> Result<Step, Error> {
        let after = |compiler: &Self| compiler.firsts[next].clone();
        match self.groups.get(index) {
            None => self.step(pattern, next),
            Some(Group::Named(_)) => {
                let slot = self.captures[index] * 2;
                let end = self.add(Operation::Save(slot + 1, next), after(self))?;
                let inside = self.step(pattern, end)?;
                let first = self.firsts[inside].clone();
                self.add(Operation::Save(slot, inside), first)
            }
            Some(Group::Atomic) => {
                let group = self.apart(pattern)?;
                // What the group can begin with, or what follows if it can be empty.
                let mut first = self.firsts[group].clone();
                if first.any || first.end {
                    first = First::ANYTHING;
                }
                self.add(Operation::Atomic(group, next), first)
            }
            Some(Group::Around { negative, behind }) => {
                let behind = if *behind { Some(limits(pattern)?) } else { None };
                let around = Around { negative: *negative, behind, group: self.apart(pattern)?, next };
                let first = after(self);
                self.add(Operation::Around(Box::new(around)), first)
            }
            Some(Group::Reference(name)) => {
                let groups = self.by_name.get(name.as_str()).cloned();
                let groups = groups.ok_or_else(|| Error::Invalid(format!("`\\k<{name}>` names no group")))?;
                let case = if is_folded(pattern) { Case::Folded } else { Case::Minded };
                self.add(Operation::Reference(groups.into(), case, next), First::ANYTHING)
            }
        }
    }

    /// A program of its own, which nothing behind it can change.
    fn apart(&mut self, pattern: &Hir) -> Result<Step, Error> {
        let accept = self.add(Operation::Accept, First::ANYTHING)?;
        self.step(pattern, accept)
    }

    fn repetition(&mut self, repetition: &Repetition, next: Step) -> Result<Step, Error> {
        let set = match repetition.sub.kind() {
            HirKind::Class(class) => byte_set(class),
            HirKind::Literal(literal) if literal.0.len() == 1 => {
                Some(ByteSet::new(first_of(|byte| byte == literal.0[0]).bytes))
            }
            _ => None,
        };
        match set {
            Some(set) => self.span(set, repetition, next),
            None => self.copies(repetition, next),
        }
    }

    fn span(&mut self, set: ByteSet, repetition: &Repetition, next: Step) -> Result<Step, Error> {
        let least = repetition.min as usize;
        let most = repetition.max.map_or(usize::MAX, |most| most as usize);
        let stop = self.firsts[next].clone();
        let is_settled = !stop.any && !set.bytes.iter().zip(stop.bytes).any(|(inside, stops)| *inside && stops);
        let mut first = first_of(|byte| set.contains(byte));
        if least == 0 {
            first = first.or(&stop);
        }
        let repeat = Box::new(Repeat { set, least, most, next, stop });
        let operation = match (is_settled || least == most, repetition.greedy) {
            (true, _) => Operation::Span(repeat),
            (false, true) => Operation::Greedy(repeat),
            (false, false) => Operation::Lazy(repeat),
        };
        self.add(operation, first)
    }

    /// Something longer, some number of times: that many copies.
    fn copies(&mut self, repetition: &Repetition, next: Step) -> Result<Step, Error> {
        let pattern = &repetition.sub;
        self.repeats_nothing |= pattern.properties().minimum_len().is_none_or(|least| least == 0);
        let mut step = match repetition.max {
            None => self.round(pattern, repetition.greedy, next)?,
            Some(most) => {
                let optional = most.saturating_sub(repetition.min);
                (0..optional).try_fold(next, |step, _| {
                    let way = self.step(pattern, step)?;
                    self.branch(in_order(way, next, repetition.greedy))
                })?
            }
        };
        for _ in 0..repetition.min {
            step = self.step(pattern, step)?;
        }
        Ok(step)
    }

    /// Something any number of times.
    fn round(&mut self, pattern: &Hir, greedy: bool, next: Step) -> Result<Step, Error> {
        self.depth += 1;
        let (operations, slots) = (self.operations.len(), self.slots);
        let mut round = self.round_beginning_with(First::ANYTHING, pattern, greedy, next)?;
        if self.depth <= REFINED_DEPTH {
            let first = self.firsts[round].clone();
            self.operations.truncate(operations);
            self.firsts.truncate(operations);
            self.slots = slots;
            round = self.round_beginning_with(first, pattern, greedy, next)?;
        }
        self.depth -= 1;
        Ok(round)
    }

    fn round_beginning_with(&mut self, first: First, pattern: &Hir, greedy: bool, next: Step) -> Result<Step, Error> {
        let may_be_empty = pattern.properties().minimum_len().is_none_or(|least| least == 0);
        self.repeats_nothing |= may_be_empty;
        let may_be_empty = may_be_empty || has_apart(pattern);
        // Filled in when the body is there.
        let round = self.add(Operation::Accept, first)?;
        let body = if may_be_empty {
            let slot = self.slots;
            self.slots += 1;
            let again = self.add(Operation::Again { slot, round, next }, First::ANYTHING)?;
            let body = self.step(pattern, again)?;
            let first = self.firsts[body].clone();
            self.add(Operation::Save(slot, body), first)?
        } else {
            self.step(pattern, round)?
        };
        let ways = in_order(body, next, greedy);
        let firsts = ways.map(|way| self.firsts[way].clone());
        self.firsts[round] = firsts[0].or(&firsts[1]);
        self.operations[round] = Operation::Branch(Box::new(Branch { ways, firsts }));
        Ok(round)
    }
}

fn in_order(body: Step, next: Step, greedy: bool) -> [Step; 2] {
    if greedy { [body, next] } else { [next, body] }
}

/// Groups that stand for something else, whose length in the pattern says nothing.
fn has_apart(pattern: &Hir) -> bool {
    pattern.properties().explicit_captures_len() > 0
}

fn first_of(belongs: impl Fn(u8) -> bool) -> First {
    let mut first = First::NOTHING;
    for byte in 0..=u8::MAX {
        first.bytes[usize::from(byte)] = belongs(byte);
    }
    first
}

/// The class as a set of bytes, if single bytes are all that it matches.
fn byte_set(class: &Class) -> Option<ByteSet> {
    let bytes = match class {
        Class::Bytes(class) => class.clone(),
        Class::Unicode(class) => class.to_byte_class()?,
    };
    let is_in = |byte: u8| bytes.iter().any(|range| (range.start()..=range.end()).contains(&byte));
    Some(ByteSet::new(first_of(is_in).bytes))
}

/// The least and the most bytes of a look-behind.
fn limits(pattern: &Hir) -> Result<(usize, usize), Error> {
    let properties = pattern.properties();
    match (properties.minimum_len(), properties.maximum_len()) {
        (least, Some(most)) => Ok((least.unwrap_or(0), most)),
        (_, None) => Err(Error::Invalid("a look-behind must have a limited length".to_owned())),
    }
}

/// A back-reference stands in the pattern as a letter, which is a class where case is folded.
fn is_folded(pattern: &Hir) -> bool {
    match pattern.kind() {
        HirKind::Concat(parts) => parts.first().is_some_and(|part| matches!(part.kind(), HirKind::Class(_))),
        _ => false,
    }
}
