//! Regular expressions as parsers files spell them (Onigmo with Ruby's syntax), rewritten in the
//! spelling of the `regex` crate.
//!
//! The rewritten pattern is for a byte regex with `multi_line` on and `unicode` off: `^` and `$`
//! stand at line ends, `\d \s \w` are ASCII, and bytes that are not UTF-8 match like any other.
//! What counts single characters (`.`, `[^x]`, alone or with `{n}`) is spelled so that it takes
//! whole ones.
//!
//! Look-around, back-references and groups that give nothing back have no spelling there. They are
//! written as plain groups, and [`Translated::groups`] tells which group means what.

mod class;
mod escape;
mod group;

use class::Class;

/// A rewritten pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Translated {
    /// In the spelling of the `regex` crate, with groups that mean something else there.
    pub(super) rewritten: String,
    /// What the groups 1, 2, … mean. Groups without a name do not capture.
    pub(super) groups: Vec<Group>,
    /// The first construct that the `regex` crate has no equal for.
    pub(super) beyond_regex: Option<String>,
    /// Offsets in the text up to which the pattern is a pattern itself. None if its outermost parts
    /// are alternatives.
    pub(super) ends: Vec<usize>,
}

/// What a group of the rewritten pattern means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Group {
    /// It captures; a name may stand several times.
    Named(String),
    /// It gives nothing back once it has matched.
    Atomic,
    /// It only looks.
    Around {
        /// It must not match.
        negative: bool,
        /// It ends where the match stands, instead of beginning there.
        behind: bool,
    },
    /// What the groups of this name have matched. The group holds a letter, whose case is folded
    /// where that of the text is, and a repetition.
    Reference(String),
}

impl Translated {
    /// The pattern for `regex::bytes::RegexBuilder` with `multi_line(true)` and `unicode(false)`.
    ///
    /// # Errors
    /// If it is beyond that crate.
    pub(super) fn for_regex(&self) -> Result<&str, Error> {
        match &self.beyond_regex {
            Some(construct) => Err(Error::Unsupported(construct.clone())),
            None => Ok(&self.rewritten),
        }
    }

    /// Names of the groups that capture, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().filter_map(|group| match group {
            Group::Named(name) => Some(name.as_str()),
            _ => None,
        })
    }
}

/// Why a pattern was not rewritten.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Error {
    /// Onigmo knows it, no engine here does: the construct.
    #[error("{0} is not supported yet")]
    Unsupported(String),
    /// Onigmo does not take it either.
    #[error("{0}")]
    Invalid(String),
}

/// Rewrites `text`, which may stand between slashes with flags behind them (`/…/mi`).
///
/// # Errors
/// For constructs that no engine here knows, and for groups or classes that do not end.
pub(super) fn translate(text: &str) -> Result<Translated, Error> {
    let (pattern, flags) = undelimited(text);
    translate_with(pattern, flags)
}

/// Rewrites a pattern without slashes; `flags` is what would stand behind them.
///
/// # Errors
/// As [`translate`].
pub(super) fn translate_with(pattern: &str, flags: &str) -> Result<Translated, Error> {
    let mut translator = Translator::new(pattern, flags.contains('x'));
    for (ruby, rust) in [('m', "(?s)"), ('i', "(?i)")] {
        if flags.contains(ruby) {
            translator.out.push_str(rust);
        }
    }
    translator.run()
}

/// The pattern and its flags. With a flag that nobody knows, all of the text is the pattern.
pub(super) fn undelimited(text: &str) -> (&str, &str) {
    text.strip_prefix('/')
        .and_then(|rest| rest.rsplit_once('/'))
        .filter(|(_, flags)| flags.chars().all(|flag| "mixo".contains(flag)))
        .unwrap_or((text, ""))
}

/// An open group, or the whole pattern.
struct Level {
    /// Where the group begins in the output.
    start: usize,
    /// How many groups with a meaning began before it.
    groups: usize,
    /// White space and comments are skipped (flag `x`).
    extended: bool,
    /// Parentheses that flags in the middle of the group opened, to be closed at its end.
    closings: usize,
}

struct Translator {
    text: Vec<char>,
    at: usize,
    out: String,
    groups: Vec<Group>,
    beyond_regex: Option<String>,
    ends: Vec<usize>,
    levels: Vec<Level>,
    /// Where the last complete atom begins in the output, for the quantifiers that wrap it, and how
    /// many groups with a meaning began before it.
    atom: usize,
    atom_groups: usize,
}

impl Translator {
    fn new(pattern: &str, extended: bool) -> Self {
        Self {
            text: pattern.chars().collect(),
            at: 0,
            out: String::with_capacity(pattern.len() * 2),
            groups: Vec::new(),
            beyond_regex: None,
            ends: Vec::new(),
            levels: vec![Level { start: 0, groups: 0, extended, closings: 0 }],
            atom: 0,
            atom_groups: 0,
        }
    }

    fn run(mut self) -> Result<Translated, Error> {
        let mut has_ways = false;
        while let Some(character) = self.next() {
            if self.levels.len() == 1 && !"*+?{|".contains(character) {
                self.ends.push(self.at - 1);
            }
            has_ways |= self.levels.len() == 1 && character == '|';
            self.step(character)?;
        }
        let [level] = self.levels.as_slice() else {
            return Err(Error::Invalid("a group is not closed: `)` is missing".to_owned()));
        };
        self.out.push_str(&")".repeat(level.closings));
        if has_ways {
            self.ends.clear();
        }
        let ends = self.ends.iter().map(|end| self.text[..*end].iter().map(|character| character.len_utf8()).sum());
        let (ends, beyond_regex) = (ends.collect(), self.beyond_regex);
        Ok(Translated { rewritten: self.out, groups: self.groups, beyond_regex, ends })
    }

    fn step(&mut self, character: char) -> Result<(), Error> {
        let extended = self.levels.last().is_some_and(|level| level.extended);
        match character {
            '#' if extended => while self.next().is_some_and(|skipped| skipped != '\n') {},
            white if extended && white.is_ascii_whitespace() => {}
            '(' => self.open()?,
            ')' => self.close()?,
            '*' | '+' | '?' => self.repeat(&character.to_string())?,
            '{' => match self.interval() {
                Some(interval) => self.repeat_interval(&interval)?,
                None => self.literal('{'),
            },
            '[' => {
                let class = class::read(self)?;
                self.push_class(&class);
            }
            '\\' => escape::read(self)?,
            '.' => self.push_class(&Class { text: ".".to_owned(), unicode: false, wide: true }),
            '^' | '$' | '|' => self.push(&character.to_string()),
            other => self.literal(other),
        }
        Ok(())
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += 1;
        Some(character)
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn starts_with(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(index, character)| self.text.get(self.at + index) == Some(&character))
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.starts_with(text);
        if found {
            self.at += text.chars().count();
        }
        found
    }

    /// What stands before `end`, which is taken too.
    fn take_until(&mut self, end: char) -> Option<String> {
        let length = self.text[self.at..].iter().position(|&character| character == end)?;
        let taken = self.text[self.at..self.at + length].iter().collect();
        self.at += length + 1;
        Some(taken)
    }

    /// Writes one atom.
    fn push(&mut self, rust: &str) {
        self.atom = self.out.len();
        self.atom_groups = self.groups.len();
        self.out.push_str(rust);
    }

    /// Notes that the pattern is beyond the `regex` crate.
    fn go_beyond_regex(&mut self, construct: &str) {
        self.beyond_regex.get_or_insert_with(|| construct.to_owned());
    }

    /// Writes what stands for a back-reference: a letter and a repetition, so that it counts as
    /// something of any length.
    fn refer_back(&mut self, name: String) {
        self.go_beyond_regex(&format!("back-reference `\\k<{name}>`"));
        self.push("(a(?s-u:.)*)");
        self.groups.push(Group::Reference(name));
    }

    fn literal(&mut self, character: char) {
        if character.is_ascii() {
            self.push(&regex::escape(character.encode_utf8(&mut [0; 4])));
        } else {
            self.push(&format!("(?u:{character})"));
        }
    }

    /// Writes a class or the dot. Behind `*` and `+` bytes do as well as characters and are
    /// faster; elsewhere one character must be one.
    fn push_class(&mut self, class: &Class) {
        let many = matches!(self.peek(), Some('*' | '+'));
        if class.unicode {
            self.push(&format!("(?u:{})", class.text));
        } else if class.wide && !many {
            self.push(&format!("(?:(?u:{})|[\\x80-\\xFF])", class.text));
        } else {
            self.push(&class.text);
        }
    }

    fn repeat(&mut self, quantifier: &str) -> Result<(), Error> {
        self.check_target(quantifier)?;
        self.out.push_str(quantifier);
        if self.take("+") {
            self.go_beyond_regex(&format!("possessive quantifier `{quantifier}+`"));
            self.groups.insert(self.atom_groups, Group::Atomic);
            self.out.insert(self.atom, '(');
            self.out.push(')');
        } else if self.take("?") {
            self.out.push('?');
        }
        Ok(())
    }

    /// The last atom may stand before the group that is open: then there is nothing to repeat in it.
    fn check_target(&self, quantifier: &str) -> Result<(), Error> {
        match self.levels.last() {
            Some(level) if self.atom < level.start => {
                Err(Error::Invalid(format!("`{quantifier}` has nothing to repeat")))
            }
            _ => Ok(()),
        }
    }

    /// `{n}`, `{n,}`, `{n,m}` or `{,m}` whose brace was taken; anything else is a literal brace.
    fn interval(&mut self) -> Option<(String, Option<String>)> {
        let begin = self.at;
        let interval = self.take_until('}').and_then(|inside| {
            let (low, high) = match inside.split_once(',') {
                Some((low, high)) => (low, Some(high.to_owned())),
                None => (inside.as_str(), None),
            };
            let numbers = format!("{low}{}", high.as_deref().unwrap_or(""));
            let valid = !numbers.is_empty() && numbers.bytes().all(|byte| byte.is_ascii_digit());
            valid.then(|| (if low.is_empty() { "0" } else { low }.to_owned(), high))
        });
        if interval.is_none() {
            self.at = begin;
        }
        interval
    }

    fn repeat_interval(&mut self, (low, high): &(String, Option<String>)) -> Result<(), Error> {
        self.check_target("{")?;
        match high {
            Some(high) => {
                self.out.push_str(&format!("{{{low},{high}}}"));
                if self.take("?") {
                    self.out.push('?');
                }
            }
            None => {
                self.out.push_str(&format!("{{{low}}}"));
                if self.take("?") {
                    // In Ruby `a{2}?` is `(?:a{2})?`: optional, not lazy.
                    self.out.insert_str(self.atom, "(?:");
                    self.out.push_str(")?");
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
