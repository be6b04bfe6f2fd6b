//! Regular expressions as parsers files spell them (Onigmo with Ruby's syntax), rewritten for the
//! `regex` crate.
//!
//! The rewritten pattern is for a byte regex with `multi_line` on and `unicode` off: `^` and `$`
//! stand at line ends, `\d \s \w` are ASCII, and bytes that are not UTF-8 match like any other.
//! What counts single characters (`.`, `[^x]`, alone or with `{n}`) is spelled so that it takes
//! whole ones. Look-around, back-references and other constructs that `regex` has no equal for are
//! [`Error::Unsupported`].

mod class;
mod escape;

use class::Class;

/// A rewritten pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Translated {
    /// For `regex::bytes::RegexBuilder` with `multi_line(true)` and `unicode(false)`.
    pub(super) pattern: String,
    /// Names of the capture groups 1, 2, …; a name may stand here twice. Groups without a name do
    /// not capture.
    pub(super) names: Vec<String>,
}

/// Why a pattern was not rewritten.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Error {
    /// Onigmo knows it, `regex` does not: the construct.
    #[error("{0} is not supported yet")]
    Unsupported(String),
    /// Onigmo does not take it either.
    #[error("{0}")]
    Invalid(String),
}

/// Rewrites `text`, which may stand between slashes with flags behind them (`/…/mi`).
///
/// # Errors
/// For constructs that cannot be spelled for `regex`, and for groups or classes that do not end.
pub(super) fn translate(text: &str) -> Result<Translated, Error> {
    let (pattern, flags) = undelimited(text);
    let mut translator = Translator::new(pattern, flags.contains('x'));
    for (ruby, rust) in [('m', "(?s)"), ('i', "(?i)")] {
        if flags.contains(ruby) {
            translator.out.push_str(rust);
        }
    }
    translator.run()
}

/// The pattern and its flags. With a flag that nobody knows, all of the text is the pattern.
fn undelimited(text: &str) -> (&str, &str) {
    text.strip_prefix('/')
        .and_then(|rest| rest.rsplit_once('/'))
        .filter(|(_, flags)| flags.chars().all(|flag| "mixo".contains(flag)))
        .unwrap_or((text, ""))
}

/// An open group, or the whole pattern.
struct Level {
    /// Where the group begins in the output.
    start: usize,
    /// White space and comments are skipped (flag `x`).
    extended: bool,
    /// Parentheses that flags in the middle of the group opened, to be closed at its end.
    closings: usize,
}

struct Translator {
    text: Vec<char>,
    at: usize,
    out: String,
    names: Vec<String>,
    levels: Vec<Level>,
    /// Where the last complete atom begins in the output, for the quantifiers that wrap it.
    atom: usize,
}

impl Translator {
    fn new(pattern: &str, extended: bool) -> Self {
        Self {
            text: pattern.chars().collect(),
            at: 0,
            out: String::with_capacity(pattern.len() * 2),
            names: Vec::new(),
            levels: vec![Level { start: 0, extended, closings: 0 }],
            atom: 0,
        }
    }

    fn run(mut self) -> Result<Translated, Error> {
        while let Some(character) = self.next() {
            self.step(character)?;
        }
        let [level] = self.levels.as_slice() else {
            return Err(Error::Invalid("a group is not closed: `)` is missing".to_owned()));
        };
        self.out.push_str(&")".repeat(level.closings));
        Ok(Translated { pattern: self.out, names: self.names })
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
                Some(interval) => self.repeat_interval(&interval),
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
        self.out.push_str(rust);
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

    fn open(&mut self) -> Result<(), Error> {
        let start = self.out.len();
        let extended = self.levels.last().is_some_and(|level| level.extended);
        if !self.take("?") {
            self.out.push_str("(?:");
        } else if self.take("#") {
            return self
                .take_until(')')
                .map(|_| ())
                .ok_or_else(|| Error::Invalid("a comment `(?#` does not end".into()));
        } else if let Some(name) = self.group_name()? {
            self.names.push(name);
            self.out.push('(');
        } else if self.take(":") {
            self.out.push_str("(?:");
        } else if let Some(construct) = self.unsupported_group() {
            return Err(Error::Unsupported(construct.to_owned()));
        } else {
            return self.flags(start, extended);
        }
        self.levels.push(Level { start, extended, closings: 0 });
        Ok(())
    }

    fn group_name(&mut self) -> Result<Option<String>, Error> {
        let look_behind = self.starts_with("<=") || self.starts_with("<!");
        let end = if !look_behind && (self.take("<") || self.take("P<")) {
            '>'
        } else if self.take("'") {
            '\''
        } else {
            return Ok(None);
        };
        match self.take_until(end) {
            Some(name) if !name.is_empty() => Ok(Some(name)),
            _ => Err(Error::Invalid("a group has an empty or unfinished name".to_owned())),
        }
    }

    fn unsupported_group(&self) -> Option<&'static str> {
        [
            ("=", "look-ahead `(?=`"),
            ("!", "negative look-ahead `(?!`"),
            ("<=", "look-behind `(?<=`"),
            ("<!", "negative look-behind `(?<!`"),
            (">", "atomic group `(?>`"),
            ("~", "absence operator `(?~`"),
            ("(", "conditional `(?(`"),
        ]
        .into_iter()
        .find(|(spelling, _)| self.starts_with(spelling))
        .map(|(_, construct)| construct)
    }

    /// `(?mi-x:…)`, and `(?mi-x)`, which holds up to the end of the group around it, behind every
    /// `|` too.
    fn flags(&mut self, start: usize, mut extended: bool) -> Result<(), Error> {
        let (mut flags, mut on) = (String::new(), true);
        loop {
            match self.next() {
                Some('-') if on => on = false,
                Some('m') => flags.push_str(if on { "s" } else { "-s" }),
                Some('i') => flags.push_str(if on { "i" } else { "-i" }),
                Some('x') => extended = on,
                Some(end @ (':' | ')')) => {
                    self.out.push_str(&format!("(?{}:", rust_flags(&flags)));
                    if end == ':' {
                        self.levels.push(Level { start, extended, closings: 0 });
                    } else if let Some(level) = self.levels.last_mut() {
                        level.closings += 1;
                        level.extended = extended;
                    }
                    return Ok(());
                }
                Some(other @ ('a' | 'd' | 'u')) => {
                    return Err(Error::Unsupported(format!("group option `{other}`")));
                }
                other => {
                    let found = other.map_or_else(|| "the end".to_owned(), |character| format!("`{character}`"));
                    return Err(Error::Invalid(format!("{found} behind `(?` is no group")));
                }
            }
        }
    }

    fn close(&mut self) -> Result<(), Error> {
        let level = self.levels.pop().filter(|_| !self.levels.is_empty());
        let level = level.ok_or_else(|| Error::Invalid("`)` closes no group".to_owned()))?;
        self.out.push_str(&")".repeat(level.closings + 1));
        self.atom = level.start;
        Ok(())
    }

    fn repeat(&mut self, quantifier: &str) -> Result<(), Error> {
        self.out.push_str(quantifier);
        if self.take("+") {
            return Err(Error::Unsupported(format!("possessive quantifier `{quantifier}+`")));
        }
        if self.take("?") {
            self.out.push('?');
        }
        Ok(())
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

    fn repeat_interval(&mut self, (low, high): &(String, Option<String>)) {
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
    }
}

/// Flags in Rust's order: those switched on, one dash, those switched off.
fn rust_flags(flags: &str) -> String {
    let (mut on, mut off) = (String::new(), String::new());
    let mut negative = false;
    for flag in flags.chars() {
        match flag {
            '-' => negative = true,
            other if negative => {
                off.push(other);
                negative = false;
            }
            other => on.push(other),
        }
    }
    if off.is_empty() { on } else { format!("{on}-{off}") }
}

#[cfg(test)]
mod tests;
