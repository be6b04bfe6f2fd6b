//! Character classes: `[…]`, nested ones, `&&`, POSIX brackets and properties.

use super::{Error, Translator, escape};

/// A class in the `regex` crate's spelling.
pub(super) struct Class {
    /// With its brackets.
    pub(super) text: String,
    /// Names characters beyond ASCII, so it must be compiled with Unicode on.
    pub(super) unicode: bool,
    /// Matches characters beyond ASCII because it is negated.
    pub(super) wide: bool,
}

/// One element of a class.
pub(super) enum Item {
    /// A character, which may begin or end a range.
    Character(char),
    /// A byte above 0x7F, written as `\xHH`.
    Byte(u8),
    /// A set such as `\d`.
    Set(Class),
}

/// Reads a class whose `[` was taken.
pub(super) fn read(translator: &mut Translator) -> Result<Class, Error> {
    let unclosed = || Error::Invalid("a character class is not closed: `]` is missing".to_owned());
    let negated = translator.take("^");
    let mut class = Class { text: if negated { "[^" } else { "[" }.to_owned(), unicode: false, wide: negated };
    let mut first = true;
    loop {
        let character = translator.next().ok_or_else(unclosed)?;
        let literal_end = first && translator.text[translator.at..].contains(&']');
        first = false;
        match character {
            ']' if !literal_end => break,
            '&' if translator.take("&") => class.text.push_str("&&"),
            '[' => {
                let inner = match posix(translator)? {
                    Some(bracket) => bracket,
                    None => read(translator)?,
                };
                class.add(&inner);
            }
            '\\' => {
                let item = escape::in_class(translator)?;
                class.item(item, translator)?;
            }
            other => class.item(Item::Character(other), translator)?,
        }
    }
    class.text.push(']');
    Ok(class)
}

impl Class {
    /// A set of ASCII characters, `inside` in the spelling of a class; `wide` if it is negated.
    pub(super) fn ascii(inside: &str, negated: bool) -> Self {
        Self { text: format!("[{}{inside}]", if negated { "^" } else { "" }), unicode: false, wide: negated }
    }

    fn add(&mut self, inner: &Self) {
        self.text.push_str(&inner.text);
        self.unicode |= inner.unicode;
        self.wide |= inner.wide;
    }

    /// Adds an element, or the range that begins with it. A dash beside a set or at the end of
    /// the class is a dash.
    fn item(&mut self, item: Item, translator: &mut Translator) -> Result<(), Error> {
        if let Item::Set(set) = &item {
            self.add(set);
            return Ok(());
        }
        let behind_dash = translator.text.get(translator.at + 1).copied();
        if translator.peek() != Some('-') || matches!(behind_dash, None | Some(']' | '[')) {
            self.single(&item);
            return Ok(());
        }
        translator.at += 2;
        let high = match behind_dash {
            Some('\\') => escape::in_class(translator)?,
            Some(other) => Item::Character(other),
            None => return Ok(()),
        };
        self.single(&item);
        if let Item::Set(set) = &high {
            self.text.push_str("\\-");
            self.add(set);
        } else {
            self.text.push('-');
            self.single(&high);
        }
        Ok(())
    }

    fn single(&mut self, item: &Item) {
        match item {
            Item::Character(character) if character.is_ascii_alphanumeric() => self.text.push(*character),
            Item::Character(character) if character.is_ascii() => {
                self.text.push_str(&format!("\\x{:02X}", u32::from(*character)));
            }
            Item::Character(character) => {
                self.text.push(*character);
                self.unicode = true;
            }
            Item::Byte(byte) => self.text.push_str(&format!("\\x{byte:02X}")),
            Item::Set(_) => {}
        }
    }
}

/// `[:alpha:]` or `[:^alpha:]`, whose `[` was taken; `None` if it is a nested class.
fn posix(translator: &mut Translator) -> Result<Option<Class>, Error> {
    if translator.peek() != Some(':') {
        return Ok(None);
    }
    let begin = translator.at;
    translator.at += 1;
    let negated = translator.take("^");
    let name = translator.take_until(':').filter(|_| translator.take("]"));
    let Some(name) = name else {
        translator.at = begin;
        return Ok(None);
    };
    match named(&name, negated) {
        Some(class) => Ok(Some(class)),
        None => Err(Error::Invalid(format!("`[:{name}:]` is no character class"))),
    }
}

/// The class of a POSIX bracket's name, which Onigmo takes for properties too. In UTF-8 these
/// know all of Unicode.
pub(super) fn named(name: &str, negated: bool) -> Option<Class> {
    let inside = match name.to_ascii_lowercase().as_str() {
        "alnum" => r"\p{Alphabetic}\p{M}\p{Nd}",
        "alpha" => r"\p{Alphabetic}\p{M}",
        "ascii" => return Some(Class::ascii(r"\x00-\x7F", negated)),
        "blank" => r"\t\p{Zs}",
        "cntrl" => r"\p{Cc}",
        "digit" => r"\p{Nd}",
        "graph" => r"\P{White_Space}&&\P{Cc}&&\P{Cn}",
        "lower" => r"\p{Lowercase}",
        "print" => r"\P{Cc}&&\P{Cn}",
        "punct" => r"\p{P}$+<=>\^`|\~",
        "space" => r"\p{White_Space}",
        "upper" => r"\p{Uppercase}",
        "word" => r"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}",
        "xdigit" => return Some(Class::ascii("0-9A-Fa-f", negated)),
        _ => return None,
    };
    Some(Class { text: format!("[{}{inside}]", if negated { "^" } else { "" }), unicode: true, wide: true })
}
