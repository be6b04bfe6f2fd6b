//! What stands behind a backslash.

use super::class::{Class, Item, named};
use super::{Error, Translator};

/// Reads an escape outside of a class, whose backslash was taken, and writes it.
pub(super) fn read(translator: &mut Translator) -> Result<(), Error> {
    let letter = translator.next().ok_or_else(trailing)?;
    match letter {
        'A' | 'z' => translator.push(&format!("\\{letter}")),
        // The search begins at the text's first byte, so that is where `\G` holds.
        'G' => translator.push("\\A"),
        // Only captures count for a parser, so it may take the line end that it looks ahead to.
        'Z' => translator.push("(?:\\n?\\z)"),
        'b' | 'B' => translator.push(&format!("(?u:\\{letter})")),
        'R' => translator.push("(?:\\r\\n|[\\n-\\r]|(?u:[\\x{85}\\x{2028}\\x{2029}]))"),
        // Where the match is said to begin makes no difference to what the groups take.
        'K' => translator.push("(?:)"),
        'X' => return unsupported("grapheme `\\X`"),
        'k' => {
            let name = reference(translator)?;
            translator.refer_back(name);
        }
        'g' => return unsupported("subexpression call `\\g`"),
        '1'..='3' if octal(translator).is_some() => {
            let code = octal(translator).unwrap_or(0);
            translator.at += 2;
            write(translator, &byte(code));
        }
        '1'..='9' => return unsupported(&format!("numbered back-reference `\\{letter}`")),
        other => {
            let item = item(translator, other)?;
            write(translator, &item);
        }
    }
    Ok(())
}

/// The name in `\k<name>` or `\k'name'`, whose `\k` was taken. Beside named groups, others have no
/// numbers.
fn reference(translator: &mut Translator) -> Result<String, Error> {
    let name = if translator.take("<") {
        translator.take_until('>')
    } else if translator.take("'") {
        translator.take_until('\'')
    } else {
        None
    };
    match name.filter(|name| !name.is_empty()) {
        Some(name) if name.starts_with(|first: char| first == '-' || first.is_ascii_digit()) => {
            unsupported(&format!("numbered back-reference `\\k<{name}>`"))
        }
        Some(name) => Ok(name),
        None => Err(Error::Invalid("`\\k` needs a name in angle brackets".to_owned())),
    }
}

fn write(translator: &mut Translator, item: &Item) {
    match item {
        Item::Character(character) => translator.literal(*character),
        Item::Byte(byte) => translator.push(&format!("\\x{byte:02X}")),
        Item::Set(class) => translator.push_class(class),
    }
}

/// The value of three octal digits, the first of which was taken. Fewer are a back-reference.
fn octal(translator: &Translator) -> Option<u32> {
    let digits = translator.text.get(translator.at - 1..translator.at + 2)?;
    digits.iter().try_fold(0, |value, digit| Some(value * 8 + digit.to_digit(8)?))
}

/// Reads an escape inside of a class, whose backslash was taken.
pub(super) fn in_class(translator: &mut Translator) -> Result<Item, Error> {
    match translator.next().ok_or_else(trailing)? {
        'b' => Ok(Item::Character('\x08')),
        first @ '1'..='7' => {
            translator.at -= 1;
            let value = number(translator, 8, 3);
            value.map(byte).ok_or_else(|| Error::Invalid(format!("`\\{first}` is no character")))
        }
        other => item(translator, other),
    }
}

fn trailing() -> Error {
    Error::Invalid("a backslash stands at the end".to_owned())
}

fn unsupported<T>(construct: &str) -> Result<T, Error> {
    Err(Error::Unsupported(construct.to_owned()))
}

/// The escapes that mean the same inside and outside of a class.
fn item(translator: &mut Translator, letter: char) -> Result<Item, Error> {
    let set = |inside, negated| Ok(Item::Set(Class::ascii(inside, negated)));
    match letter {
        'd' | 'D' => set("0-9", letter == 'D'),
        'h' | 'H' => set("0-9A-Fa-f", letter == 'H'),
        's' | 'S' => set(r"\t-\r\x20", letter == 'S'),
        'w' | 'W' => set("0-9A-Za-z_", letter == 'W'),
        'p' | 'P' => property(translator, letter == 'P').map(Item::Set),
        'x' => hexadecimal(translator),
        'u' => code_point(translator, 4).map(Item::Character),
        '0' => {
            translator.at -= 1;
            Ok(byte(number(translator, 8, 3).unwrap_or(0)))
        }
        'c' => match translator.next() {
            Some(control) if control.is_ascii() => Ok(byte(u32::from(control) & 0x1F)),
            _ => Err(Error::Invalid("`\\c` needs a letter".to_owned())),
        },
        'C' | 'M' if translator.peek() == Some('-') => unsupported(&format!("`\\{letter}-`")),
        't' => Ok(Item::Character('\t')),
        'n' => Ok(Item::Character('\n')),
        'r' => Ok(Item::Character('\r')),
        'f' => Ok(Item::Character('\x0C')),
        'v' => Ok(Item::Character('\x0B')),
        'a' => Ok(Item::Character('\x07')),
        'e' => Ok(Item::Character('\x1B')),
        other => Ok(Item::Character(other)),
    }
}

/// `{Name}` or `{^Name}` behind `\p` or `\P`.
fn property(translator: &mut Translator, negated: bool) -> Result<Class, Error> {
    let name = if translator.take("{") { translator.take_until('}') } else { None };
    let name = name.ok_or_else(|| Error::Invalid("`\\p` needs a name in braces".to_owned()))?;
    let (name, negated) = match name.strip_prefix('^') {
        Some(name) => (name, !negated),
        None => (name.as_str(), negated),
    };
    Ok(named(name, negated).unwrap_or_else(|| {
        let letter = if negated { 'P' } else { 'p' };
        Class { text: format!("[\\{letter}{{{name}}}]"), unicode: true, wide: true }
    }))
}

/// `\x{HHHH}` is a character, `\xHH` a byte.
fn hexadecimal(translator: &mut Translator) -> Result<Item, Error> {
    if translator.take("{") {
        let character = code_point(translator, 8)?;
        return if translator.take("}") {
            Ok(Item::Character(character))
        } else {
            Err(Error::Invalid("`\\x{` does not end".to_owned()))
        };
    }
    number(translator, 16, 2).map(byte).ok_or_else(|| Error::Invalid("`\\x` needs two digits".to_owned()))
}

fn code_point(translator: &mut Translator, digits: usize) -> Result<char, Error> {
    number(translator, 16, digits)
        .and_then(char::from_u32)
        .ok_or_else(|| Error::Invalid("an escape names no character".to_owned()))
}

fn byte(number: u32) -> Item {
    match u8::try_from(number & 0xFF) {
        Ok(byte) if !byte.is_ascii() => Item::Byte(byte),
        Ok(byte) => Item::Character(char::from(byte)),
        Err(_) => Item::Character('\0'),
    }
}

/// Reads at most `length` digits.
fn number(translator: &mut Translator, radix: u32, length: usize) -> Option<u32> {
    let mut value = None;
    for _ in 0..length {
        let Some(digit) = translator.peek().and_then(|character| character.to_digit(radix)) else { break };
        value = Some(value.unwrap_or(0_u32).wrapping_mul(radix).wrapping_add(digit));
        translator.at += 1;
    }
    value
}
