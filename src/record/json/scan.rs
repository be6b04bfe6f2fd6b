//! The one pass over healthy text: validates, reports the members of the outermost object, and
//! notices whether anything needs repair.

use super::key::{Signatures, is_sound, signature};
use super::{MAX_LEVELS, MAX_MEMBERS, MAX_MEMBERS_IN_ALL, MAX_NESTING, MAX_NUMBER, Malformed};
use crate::record::escape::plain_end;

/// Exponents of up to this many digits stay far inside a double for numbers of [`MAX_NUMBER`] bytes.
const HARMLESS_EXPONENT: usize = 2;

pub(super) struct Scan<'t> {
    text: &'t [u8],
    at: usize,
    signatures: Signatures,
    outermost: usize,
    in_all: usize,
    suspicious: bool,
}

impl<'t> Scan<'t> {
    /// `text` must be valid UTF-8.
    pub(super) fn new(text: &'t [u8]) -> Self {
        Self { text, at: 0, signatures: Signatures::new(), outermost: 0, in_all: 0, suspicious: false }
    }

    /// Members of all objects together, duplicates included.
    pub(super) fn members(&self) -> usize {
        self.in_all
    }

    /// Whether the text, valid as it is, may hold something of the table in the module's doc.
    pub(super) fn needs_repair(&self) -> bool {
        self.suspicious || self.outermost > MAX_MEMBERS || self.in_all > MAX_MEMBERS_IN_ALL
    }

    /// Goes over the whole text and calls `member` with each key (the inside of the string) and
    /// value of the outermost object.
    pub(super) fn object(&mut self, mut member: impl FnMut(&'t [u8], &'t [u8])) -> Result<(), Malformed> {
        self.skip_blanks();
        self.expect(b'{')?;
        self.skip_blanks();
        if self.byte() != b'}' {
            loop {
                let key = self.key(1)?;
                let start = self.at;
                self.value()?;
                member(key, &self.text[start..self.at]);
                self.outermost += 1;
                self.skip_blanks();
                if self.byte() != b',' {
                    break;
                }
                self.at += 1;
                self.skip_blanks();
            }
        }
        self.expect(b'}')?;
        self.skip_blanks();
        if self.at == self.text.len() { Ok(()) } else { Err(self.malformed()) }
    }

    /// A value of the outermost object. The kinds of the open containers are bits, so nothing
    /// recurses and nothing allocates: [`MAX_NESTING`] of them fit.
    fn value(&mut self) -> Result<(), Malformed> {
        let mut kinds = 0_u128; // lowest bit: the innermost open container is an object
        let mut level = 1;
        loop {
            match self.byte() {
                b'"' => {
                    self.at += 1;
                    self.string()?;
                }
                open @ (b'{' | b'[') => {
                    level += 1;
                    self.enter(level)?;
                    kinds = kinds << 1 | u128::from(open == b'{');
                    let close = open + 2;
                    if self.byte() != close {
                        if open == b'{' {
                            self.key(level)?;
                        }
                        continue;
                    }
                }
                b'-' | b'0'..=b'9' => self.number()?,
                b't' => self.literal(b"true")?,
                b'f' => self.literal(b"false")?,
                b'n' => self.literal(b"null")?,
                _ => return Err(self.malformed()),
            }
            loop {
                if level == 1 {
                    return Ok(());
                }
                self.skip_inner_blanks();
                let in_object = kinds & 1 == 1;
                match self.byte() {
                    b',' => {
                        self.at += 1;
                        self.skip_inner_blanks();
                        if in_object {
                            self.key(level)?;
                        }
                        break;
                    }
                    b'}' if in_object => {}
                    b']' if !in_object => {}
                    _ => return Err(self.malformed()),
                }
                self.at += 1;
                kinds >>= 1;
                if level <= MAX_LEVELS {
                    self.signatures.leave(level);
                }
                level -= 1;
            }
        }
    }

    /// Steps over an opening bracket and the blanks behind it.
    fn enter(&mut self, level: usize) -> Result<(), Malformed> {
        if level > MAX_NESTING {
            return Err(self.malformed());
        }
        if level <= MAX_LEVELS {
            self.signatures.enter(level);
        } else {
            self.suspicious = true;
        }
        self.at += 1;
        self.skip_inner_blanks();
        Ok(())
    }

    /// A key, its colon, and the blanks around that.
    fn key(&mut self, level: usize) -> Result<&'t [u8], Malformed> {
        self.expect(b'"')?;
        let start = self.at;
        let escaped = self.string()?;
        let end = self.at - 1;
        self.in_all += 1;
        if level <= MAX_LEVELS {
            let signature = signature(self.text, start, end);
            let sound = !escaped && is_sound(&self.text[start..end], signature.words);
            let fresh = self.signatures.note(signature.hash);
            self.suspicious |= !sound || !fresh;
        }
        self.skip_inner_blanks();
        self.expect(b':')?;
        self.skip_inner_blanks();
        Ok(&self.text[start..end])
    }

    /// Steps over a string whose opening quote lies behind; tells whether it has escapes.
    #[inline]
    fn string(&mut self) -> Result<bool, Malformed> {
        self.at = plain_end(self.text, self.at);
        if self.byte() == b'"' {
            self.at += 1;
            return Ok(false);
        }
        loop {
            match self.byte() {
                b'"' => {
                    self.at += 1;
                    return Ok(true);
                }
                b'\\' => self.escape()?,
                _ => return Err(self.malformed()),
            }
            self.at = plain_end(self.text, self.at);
        }
    }

    fn escape(&mut self) -> Result<(), Malformed> {
        self.at += 1;
        match self.byte() {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {
                self.at += 1;
                Ok(())
            }
            b'u' => {
                let unit = self.unit()?;
                match unit {
                    0xD800..=0xDBFF if self.text[self.at..].starts_with(b"\\u") => {
                        self.at += 1;
                        let low = self.unit()?;
                        self.suspicious |= !(0xDC00..=0xDFFF).contains(&low);
                    }
                    0xD800..=0xDFFF => self.suspicious = true,
                    _ => {}
                }
                Ok(())
            }
            _ => Err(self.malformed()),
        }
    }

    /// The four digits behind the `u` that is next.
    fn unit(&mut self) -> Result<u32, Malformed> {
        let mut unit = 0;
        for _ in 0..4 {
            self.at += 1;
            let digit = char::from(self.byte()).to_digit(16).ok_or(self.malformed())?;
            unit = unit << 4 | digit;
        }
        self.at += 1;
        Ok(unit)
    }

    fn number(&mut self) -> Result<(), Malformed> {
        let start = self.at;
        if self.byte() == b'-' {
            self.at += 1;
        }
        if self.byte() == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), b'e' | b'E') {
            self.at += 1;
            if matches!(self.byte(), b'+' | b'-') {
                self.at += 1;
            }
            self.suspicious |= self.digits()? > HARMLESS_EXPONENT;
        }
        self.suspicious |= self.at - start > MAX_NUMBER;
        Ok(())
    }

    /// At least one digit; how many.
    fn digits(&mut self) -> Result<usize, Malformed> {
        let start = self.at;
        while self.byte().is_ascii_digit() {
            self.at += 1;
        }
        if self.at == start { Err(self.malformed()) } else { Ok(self.at - start) }
    }

    fn literal(&mut self, word: &[u8]) -> Result<(), Malformed> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.malformed());
        }
        self.at += word.len();
        Ok(())
    }

    /// The next byte; 0, which fits nowhere, at the end.
    #[inline]
    fn byte(&self) -> u8 {
        self.text.get(self.at).copied().unwrap_or(0)
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Result<(), Malformed> {
        if self.byte() != byte {
            return Err(self.malformed());
        }
        self.at += 1;
        Ok(())
    }

    #[inline]
    fn skip_blanks(&mut self) {
        while matches!(self.byte(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }

    /// Blanks that would be copied into the document with the value around them, where a line
    /// break would end the document's line.
    #[inline]
    fn skip_inner_blanks(&mut self) {
        while matches!(self.byte(), b' ' | b'\t' | b'\n' | b'\r') {
            self.suspicious |= matches!(self.byte(), b'\n' | b'\r');
            self.at += 1;
        }
    }

    #[cold]
    fn malformed(&self) -> Malformed {
        Malformed { at: self.at.min(self.text.len()) }
    }
}
