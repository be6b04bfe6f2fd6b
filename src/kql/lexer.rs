//! Cuts a query into words, quoted texts and signs.

use super::ast::Comparison;
use super::error::{KqlError, Problem};
use super::pattern::Pattern;

/// A piece of the query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Where it begins and ends, in bytes.
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Open,
    Close,
    OpenBrace,
    CloseBrace,
    Colon,
    Comparison(Comparison),
    Word(Pattern),
    Quoted(String),
    And,
    Or,
    Not,
    End,
}

/// The characters that end a word.
const SPECIAL: &str = "():<>\"{}";
/// Those that a backslash makes a part of a word.
const ESCAPABLE: &str = "\\():<>\"*{}";

/// The pieces, the last of which is [`Kind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, KqlError> {
    let mut tokens = Vec::new();
    let mut cursor = Cursor { text, at: 0 };
    loop {
        cursor.skip_blanks();
        let start = cursor.at;
        let kind = cursor.kind()?;
        let is_end = kind == Kind::End;
        tokens.push(Token { kind, start, end: cursor.at });
        if is_end {
            return Ok(tokens);
        }
    }
}

/// Kibana's blanks.
pub(super) fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n' | '\u{a0}')
}

/// Whether a word is an operator where one may stand.
pub(super) fn keyword(word: &str) -> Option<Kind> {
    let all = [("and", Kind::And), ("or", Kind::Or), ("not", Kind::Not)];
    all.into_iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, kind)| kind)
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl Cursor<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.at += character.len_utf8();
        Some(character)
    }

    fn take(&mut self, wanted: &str) -> bool {
        let is_there = self.rest().starts_with(wanted);
        self.at += if is_there { wanted.len() } else { 0 };
        is_there
    }

    fn skip_blanks(&mut self) {
        while self.peek().is_some_and(is_blank) {
            self.next();
        }
    }

    fn error(&self, offset: usize, problem: Problem) -> KqlError {
        KqlError::at(self.text, offset, problem)
    }

    fn kind(&mut self) -> Result<Kind, KqlError> {
        let signs = [
            ("(", Kind::Open),
            (")", Kind::Close),
            ("{", Kind::OpenBrace),
            ("}", Kind::CloseBrace),
            (":", Kind::Colon),
            (">=", Kind::Comparison(Comparison::GreaterOrEqual)),
            (">", Kind::Comparison(Comparison::Greater)),
            ("<=", Kind::Comparison(Comparison::LessOrEqual)),
            ("<", Kind::Comparison(Comparison::Less)),
        ];
        for (sign, kind) in signs {
            if self.take(sign) {
                return Ok(kind);
            }
        }
        match self.peek() {
            None => Ok(Kind::End),
            Some('"') => self.quoted().map(Kind::Quoted),
            Some(_) => self.word(),
        }
    }

    fn word(&mut self) -> Result<Kind, KqlError> {
        let start = self.at;
        let mut word = Pattern::literal("");
        while let Some(character) = self.peek().filter(|&next| !is_blank(next) && !SPECIAL.contains(next)) {
            match character {
                '\\' => word.push_text(&self.escape()?),
                '*' => {
                    self.next();
                    word.push_asterisk();
                }
                other => {
                    self.next();
                    word.push(other);
                }
            }
        }
        Ok(keyword(&self.text[start..self.at]).unwrap_or(Kind::Word(word)))
    }

    /// What a backslash in a word and that which follows mean.
    fn escape(&mut self) -> Result<String, KqlError> {
        let start = self.at;
        self.next();
        if let Some(length) = self.escaped_keyword() {
            let word = self.rest()[..length].to_owned();
            self.at += length;
            return Ok(word);
        }
        match self.next() {
            None => Err(self.error(start, Problem::EscapeAtEnd)),
            Some('u') => self.unicode(start).map(String::from),
            Some(character) => match blank_of(character) {
                Some(blank) => Ok(blank.to_string()),
                None if ESCAPABLE.contains(character) => Ok(character.to_string()),
                None => Err(self.error(start, Problem::Escape(character))),
            },
        }
    }

    /// The length of `and`, `or` or `not` behind a backslash. Without this `\not` would be a line end and `ot`.
    fn escaped_keyword(&self) -> Option<usize> {
        let ends = |next: char| is_blank(next) || SPECIAL.contains(next);
        let word = self.rest().split(ends).next().unwrap_or_default();
        keyword(word).map(|_| word.len())
    }

    fn quoted(&mut self) -> Result<String, KqlError> {
        let start = self.at;
        self.next();
        let mut text = String::new();
        loop {
            let at = self.at;
            match self.next() {
                None => return Err(self.error(start, Problem::OpenQuote)),
                Some('"') => return Ok(text),
                Some('\\') => match self.peek() {
                    Some(same @ ('"' | '\\')) => {
                        self.next();
                        text.push(same);
                    }
                    Some('u') => {
                        self.next();
                        text.push(self.unicode(at)?);
                    }
                    // What is no escape stays as it is: "C:\Windows".
                    next => match next.and_then(blank_of) {
                        Some(blank) => {
                            self.next();
                            text.push(blank);
                        }
                        None => text.push('\\'),
                    },
                },
                Some(other) => text.push(other),
            }
        }
    }

    fn unicode(&mut self, start: usize) -> Result<char, KqlError> {
        let digits = self.rest().get(..4).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let character = code.and_then(char::from_u32).ok_or_else(|| self.error(start, Problem::Unicode))?;
        self.at += 4;
        Ok(character)
    }
}

fn blank_of(letter: char) -> Option<char> {
    match letter {
        't' => Some('\t'),
        'r' => Some('\r'),
        'n' => Some('\n'),
        _ => None,
    }
}
