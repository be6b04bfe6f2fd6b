//! Python's tracebacks: frames with their markers, chained exceptions, exception groups, and syntax
//! errors, which come without a headline. Source: CPython's `traceback` module, 3.11 and later.
//!
//! Whether the lines that join two exceptions of a chain belong to a traceback shows only at the
//! headline behind them: until then they are held.

use super::{State, Step};

const HEADLINE: &[u8] = b"Traceback (most recent call last):";
const GROUP_HEADLINE: &[u8] = b"  + Exception Group Traceback (most recent call last):";
/// How Python ends a group: indented by four, more if it is in a group itself. Only the innermost one
/// of those that end together has it.
const GROUP_END: &[u8] = b"    +------------------------------------";
const CHAINS: [&[u8]; 2] = [
    b"During handling of the above exception, another exception occurred:",
    b"The above exception was the direct cause of the following exception:",
];

/// With these the lines begin that begin a traceback.
pub(super) const FIRST_BYTES: &[u8] = b"T ";

/// What the next line may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expect {
    /// Frames, or the line of the exception, which is not indented.
    Frames,
    /// Lines of an exception group, all of them indented.
    Group,
    /// A group in a group is complete, and perhaps all of it.
    InnerEnd,
    /// The traceback is complete, unless a chained one follows: behind a blank line …
    Complete,
    /// … the sentence that tells how they are chained …
    Sentence,
    /// … another blank line …
    Blank,
    /// … and its headline.
    Headline,
}

impl Expect {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Frames => "frames",
            Self::Group | Self::InnerEnd => "exception group",
            Self::Complete => "complete",
            Self::Sentence | Self::Blank | Self::Headline => "chained?",
        }
    }
}

/// What a line is that stands alone so far.
pub(super) fn start(text: &[u8]) -> Step {
    match headline(text) {
        Some(expect) => Step::Taken(State::Python(expect)),
        None if is_syntax_error(text) => Step::Taken(State::Python(Expect::Frames)),
        None => Step::Refused,
    }
}

/// What a line is to a traceback that expects this.
pub(super) fn next(expect: Expect, text: &[u8]) -> Step {
    let taken = |expect| Step::Taken(State::Python(expect));
    let held = |expect| Step::Held(State::Python(expect));
    let is_indented = matches!(text.first(), Some(b' ' | b'\t'));
    match expect {
        Expect::Frames | Expect::Group | Expect::InnerEnd if headline(text).is_some() => Step::Refused,
        Expect::Frames if is_indented => taken(Expect::Frames),
        Expect::Frames if text.is_empty() => Step::Refused,
        Expect::Frames => taken(Expect::Complete),
        Expect::Group if text == GROUP_END => taken(Expect::Complete),
        Expect::Group | Expect::InnerEnd if is_indented => taken(group_behind(text)),
        Expect::Complete | Expect::InnerEnd if text.is_empty() => held(Expect::Sentence),
        Expect::Sentence if CHAINS.contains(&text) => held(Expect::Blank),
        Expect::Blank if text.is_empty() => held(Expect::Headline),
        Expect::Headline => headline(text).map_or(Step::Refused, taken),
        _ => Step::Refused,
    }
}

fn group_behind(text: &[u8]) -> Expect {
    if text.ends_with(GROUP_END) && text.trim_ascii_start().len() == GROUP_END.trim_ascii_start().len() {
        Expect::InnerEnd
    } else {
        Expect::Group
    }
}

fn headline(text: &[u8]) -> Option<Expect> {
    match text {
        HEADLINE => Some(Expect::Frames),
        GROUP_HEADLINE => Some(Expect::Group),
        _ => None,
    }
}

/// `  File "a.py", line 12` with nothing behind it: a frame would go on with `, in` and a name.
fn is_syntax_error(text: &[u8]) -> bool {
    let Some(rest) = text.strip_prefix(b"  File \"") else { return false };
    let digits = rest.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    digits > 0 && rest[..rest.len() - digits].ends_with(b"\", line ")
}
