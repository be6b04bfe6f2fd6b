//! Expressions that only have to tell whether a line matches, as multi-line rules do.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use regex::bytes::{Regex, RegexBuilder};

use super::engine::{Engine, EngineKind, Found, Scratch};
use super::onigmo;
use crate::config::expression_fault;

/// A compiled expression.
#[derive(Debug)]
pub struct Matcher {
    means: Means,
    /// Lines whose search took too long, since they were taken last.
    cut_off: AtomicU64,
}

#[derive(Debug)]
enum Means {
    Plain(Plain),
    /// For what no regular expression can say. The scratch is never waited for: who finds it taken
    /// uses one of its own.
    Engine(Engine, Mutex<Scratch>),
}

/// An expression for the `regex` crate. What it looks ahead for at its very beginning, which that
/// cannot do, is an expression of its own: `^(?!\d{4}-).*` is every line that does not begin with a
/// year.
#[derive(Debug)]
struct Plain {
    line: Regex,
    /// What has to match at the line's beginning, or must not.
    ahead: Vec<(Regex, bool)>,
}

impl Matcher {
    /// Compiles an expression in Onigmo's spelling, perhaps between slashes.
    ///
    /// # Errors
    /// Why it cannot be compiled.
    pub fn new(text: &str) -> Result<Self, String> {
        let means = match Plain::new(text) {
            Ok(plain) => Means::Plain(plain),
            Err(reason) => {
                let translated = onigmo::translate(text).map_err(|error| error.to_string())?;
                if translated.beyond_regex.is_none() {
                    return Err(reason);
                }
                let engine = Engine::new(&translated).map_err(|error| error.to_string())?;
                Means::Engine(engine, Mutex::default())
            }
        };
        Ok(Self { means, cut_off: AtomicU64::new(0) })
    }

    /// Whether a line matches. It must not hold line feeds. One whose search takes too long does not.
    #[must_use]
    pub fn is_match(&self, line: &[u8]) -> bool {
        let (engine, scratch) = match &self.means {
            Means::Plain(plain) => return plain.is_match(line),
            Means::Engine(engine, scratch) => (engine, scratch),
        };
        let found = match scratch.try_lock() {
            Ok(mut scratch) => engine.search(line, &mut scratch),
            Err(_) => engine.search(line, &mut Scratch::default()),
        };
        if found == Found::CutOff {
            self.cut_off.fetch_add(1, Ordering::Relaxed);
        }
        matches!(found, Found::Matched(_))
    }

    /// The engine and, in a few words, why it is this one.
    #[must_use]
    pub fn engine(&self) -> (EngineKind, &str) {
        match &self.means {
            Means::Plain(plain) if plain.ahead.is_empty() => (EngineKind::Regex, "it only has to match"),
            Means::Plain(_) => (EngineKind::Regex, "it looks ahead at its beginning only"),
            Means::Engine(engine, _) => (engine.kind(), engine.reason()),
        }
    }

    /// How many lines were given up because the search took too long, since the last call. They did
    /// not match.
    pub fn take_cut_off(&self) -> u64 {
        self.cut_off.swap(0, Ordering::Relaxed)
    }
}

impl Plain {
    fn new(text: &str) -> Result<Self, String> {
        let (pattern, flags) = onigmo::undelimited(text);
        let Some(mut rest) = pattern.strip_prefix('^').or_else(|| pattern.strip_prefix(r"\A")) else {
            return Ok(Self { line: compile(text)?, ahead: Vec::new() });
        };
        let mut ahead = Vec::new();
        while let Some((is_wanted, inner, behind)) = look_ahead(rest) {
            ahead.push((compile(&format!(r"/\A(?:{inner})/{flags}"))?, is_wanted));
            rest = behind;
        }
        if ahead.is_empty() || has_alternatives(rest) {
            return Ok(Self { line: compile(text)?, ahead: Vec::new() });
        }
        Ok(Self { line: compile(&format!(r"/\A(?:{rest})/{flags}"))?, ahead })
    }

    fn is_match(&self, line: &[u8]) -> bool {
        // Not by `is_match`: where an expression has a literal in its middle that most lines have too
        // (`\d+:\d+`), that falls back to an engine ten times as slow, and this does not.
        let matches = |regex: &Regex| regex.shortest_match(line).is_some();
        self.ahead.iter().all(|(regex, is_wanted)| matches(regex) == *is_wanted) && matches(&self.line)
    }
}

fn compile(text: &str) -> Result<Regex, String> {
    let translated = onigmo::translate(text).map_err(|error| error.to_string())?;
    // There is one line only, and what is bound to its beginning need not be searched elsewhere.
    let pattern = translated.for_regex().map_err(|error| error.to_string())?;
    let regex = RegexBuilder::new(pattern).multi_line(false).unicode(false).build();
    regex.map_err(|error| expression_fault(&error))
}

/// A look-ahead that a pattern begins with: whether it has to match, its inside, and what follows.
fn look_ahead(pattern: &str) -> Option<(bool, &str, &str)> {
    let negative = pattern.strip_prefix("(?!").map(|rest| (false, rest));
    let (is_wanted, rest) = negative.or_else(|| pattern.strip_prefix("(?=").map(|rest| (true, rest)))?;
    let end = outermost(rest).find(|(_, depth, byte)| *depth == 0 && *byte == b')')?.0;
    Some((is_wanted, &rest[..end], &rest[end + 1..]))
}

fn has_alternatives(pattern: &str) -> bool {
    outermost(pattern).any(|(_, depth, byte)| depth == 0 && byte == b'|')
}

/// The bytes of a pattern that are neither escaped nor in a class, with the number of groups that
/// are open in front of each.
fn outermost(pattern: &str) -> impl Iterator<Item = (usize, usize, u8)> {
    let (mut is_escaped, mut in_class, mut depth) = (false, false, 0_usize);
    pattern.bytes().enumerate().filter_map(move |(at, byte)| {
        if std::mem::take(&mut is_escaped) {
            return None;
        }
        let (before, is_outside) = (depth, !in_class);
        match byte {
            b'\\' => is_escaped = true,
            b'[' => in_class = true,
            b']' => in_class = false,
            b'(' if is_outside => depth += 1,
            b')' if is_outside => depth = depth.saturating_sub(1),
            _ => {}
        }
        is_outside.then_some((at, before, byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, line: &str) -> bool {
        Matcher::new(pattern).unwrap().is_match(line.as_bytes())
    }

    #[test]
    fn looks_ahead_at_the_beginning() {
        for (pattern, line, expected) in [
            (r"/^(?!\d{4}-).*/", "2026-11-25 x", false),
            (r"/^(?!\d{4}-).*/", "\tat x", true),
            (r"^(?!\d{4}-)", "", true),
            (r"^(?![\])(]|a\))b", ")b", false),
            (r"^(?![\])(]|a\))b", "b", true),
            (r"\A(?=\[)(?!\[x).+\]", "[a]", true),
            (r"\A(?=\[)(?!\[x).+\]", "[xa]", false),
            (r"/^(?!A).*/i", "abc", false),
            (r"^\s+at.*", "\tat x", true),
            (r"a(?!b)", "ab ac", true),
            (r"a(?!b)", "ab ab", false),
            (r"^(?!a)b|c", "ac", true),
            (r"^(?!a)b|c", "ab", false),
            (r"(?<q>\w)\k<q>$", "xx", true),
            (r"(?<=x)y", "zy xy", true),
            (r"(?<=x)y", "zy", false),
            (r"/([a-zA-Z]+ \d+ \d+\:\d+\:\d+)(.*)/", "Dec 14 06:41:08 Exception", true),
        ] {
            assert_eq!(matches(pattern, line), expected, "{pattern} on {line:?}");
        }
    }

    #[test]
    fn says_what_it_cannot_do() {
        assert!(Matcher::new("a(?~b)").is_err());
        assert!(Matcher::new("a(?!b").is_err());
        assert!(Matcher::new("(").is_err());
    }

    #[test]
    fn says_which_engine_it_has() {
        for (pattern, kind) in [
            ("^a", EngineKind::Regex),
            ("^(?!a)b", EngineKind::Regex),
            ("b(?!a)", EngineKind::Backtracking),
            (r"(?<q>['\x22]).*\k<q>", EngineKind::Backtracking),
        ] {
            assert_eq!(Matcher::new(pattern).unwrap().engine().0, kind, "{pattern}");
        }
    }

    #[test]
    fn a_hostile_line_is_cut_off_and_counted() {
        let matcher = Matcher::new(r"^(?=x)(?:a|aa|x)+$(?<!y)").unwrap();
        assert!(!matcher.is_match(format!("x{}!", "a".repeat(10_000)).as_bytes()));
        assert_eq!((matcher.take_cut_off(), matcher.take_cut_off()), (1, 0));
        assert!(matcher.is_match(b"xaa"));
    }
}
