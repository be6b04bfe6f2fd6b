//! What a pattern is compiled to for the [machine](super::machine): steps that name the step
//! behind them, and for each the bytes that it can begin with.

use memchr::{memchr, memchr2, memchr3};
use regex_syntax::hir::Look;

/// Index of a step.
pub(super) type Step = usize;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) operations: Vec<Operation>,
    pub(super) start: Step,
    pub(super) begin: Begin,
    /// Two for each capture group, then one for each loop whose body may be empty.
    pub(super) slots: usize,
    /// Something that may be empty is repeated: which of its groups take part then, engines
    /// disagree about.
    pub(super) repeats_nothing: bool,
}

/// Where a match can begin.
#[derive(Debug, Clone)]
pub(super) enum Begin {
    /// At the text's first byte.
    Text,
    /// There and behind each line feed.
    Line,
    /// At one of these bytes.
    At(Box<ByteSet>),
    Anywhere,
}

/// One step of a program.
#[derive(Debug, Clone)]
pub(super) enum Operation {
    /// The pattern (or the group of a look-around) has matched.
    Accept,
    Literal(Box<[u8]>, Step),
    Byte(Box<ByteSet>, Step),
    /// One character of these ranges, in UTF-8.
    Character(Box<[(char, char)]>, Step),
    /// As many bytes of a set as there are: what follows cannot begin with one of them.
    Span(Box<Repeat>),
    /// As many as there are, then fewer.
    Greedy(Box<Repeat>),
    /// As few as may be, then more.
    Lazy(Box<Repeat>),
    /// One of two ways, the first one first.
    Branch(Box<Branch>),
    Save(usize, Step),
    Assert(Look, Step),
    Around(Box<Around>),
    /// A group that gives nothing back once it has matched.
    Atomic(Step, Step),
    /// What the last of these groups that took part has matched.
    Reference(Box<[usize]>, Case, Step),
    /// Goes round again if the body took something since the slot was saved.
    Again {
        slot: usize,
        round: Step,
        next: Step,
    },
}

/// Bytes of a set, some number of times.
#[derive(Debug, Clone)]
pub(super) struct Repeat {
    pub(super) set: ByteSet,
    pub(super) least: usize,
    pub(super) most: usize,
    pub(super) next: Step,
    /// What the step behind begins with.
    pub(super) stop: First,
}

/// Two ways; which of them can begin with which byte.
#[derive(Debug, Clone)]
pub(super) struct Branch {
    pub(super) ways: [Step; 2],
    pub(super) firsts: [First; 2],
}

/// Look-ahead or look-behind.
#[derive(Debug, Clone)]
pub(super) struct Around {
    pub(super) negative: bool,
    /// Look-behind: the least and the most bytes that it can take.
    pub(super) behind: Option<(usize, usize)>,
    pub(super) group: Step,
    pub(super) next: Step,
}

/// Whether a back-reference minds the case of ASCII letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    Minded,
    Folded,
}

/// What can stand where a step begins: never too little.
#[derive(Debug, Clone)]
pub(super) struct First {
    pub(super) bytes: [bool; 256],
    /// The step can be passed at any byte.
    pub(super) any: bool,
    /// The step can be passed at the text's end.
    pub(super) end: bool,
}

impl First {
    pub(super) const ANYTHING: Self = Self { bytes: [true; 256], any: true, end: true };
    pub(super) const NOTHING: Self = Self { bytes: [false; 256], any: false, end: false };

    pub(super) fn or(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.bytes.iter_mut().zip(other.bytes).for_each(|(byte, more)| *byte |= more);
        both.any |= other.any;
        both.end |= other.end;
        both
    }

    /// Whether the step may be passed at `at`.
    #[inline]
    pub(super) fn allows(&self, text: &[u8], at: usize) -> bool {
        match text.get(at) {
            Some(&byte) => self.any || self.bytes[usize::from(byte)],
            None => self.any || self.end,
        }
    }
}

/// A set of bytes, and the quick way to the first byte that is not in it.
#[derive(Debug, Clone)]
pub(super) struct ByteSet {
    pub(super) bytes: [bool; 256],
    scan: Scan,
}

#[derive(Debug, Clone, Copy)]
enum Scan {
    All,
    Except([u8; 1]),
    ExceptTwo([u8; 2]),
    ExceptThree([u8; 3]),
    Table,
}

/// Runs are mostly shorter than this: within it, a table is quicker than a vector search.
const SHORT: usize = 16;

impl ByteSet {
    pub(super) fn new(bytes: [bool; 256]) -> Self {
        let missing: Vec<u8> = (0..=u8::MAX).filter(|byte| !bytes[usize::from(*byte)]).take(4).collect();
        let scan = match missing[..] {
            [] => Scan::All,
            [one] => Scan::Except([one]),
            [one, two] => Scan::ExceptTwo([one, two]),
            [one, two, three] => Scan::ExceptThree([one, two, three]),
            _ => Scan::Table,
        };
        Self { bytes, scan }
    }

    #[inline]
    pub(super) fn contains(&self, byte: u8) -> bool {
        self.bytes[usize::from(byte)]
    }

    /// How many bytes at the beginning are in the set.
    #[inline]
    pub(super) fn run(&self, text: &[u8]) -> usize {
        let short = text.len().min(SHORT);
        for (at, byte) in text[..short].iter().enumerate() {
            if !self.contains(*byte) {
                return at;
            }
        }
        short + self.long_run(&text[short..])
    }

    fn long_run(&self, text: &[u8]) -> usize {
        let end = match self.scan {
            Scan::All => None,
            Scan::Except([one]) => memchr(one, text),
            Scan::ExceptTwo([one, two]) => memchr2(one, two, text),
            Scan::ExceptThree([one, two, three]) => memchr3(one, two, three, text),
            Scan::Table => text.iter().position(|byte| !self.contains(*byte)),
        };
        end.unwrap_or(text.len())
    }
}
