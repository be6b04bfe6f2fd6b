//! `Types`: captures that become numbers or booleans.

use std::fmt::Write as _;

use bumpalo::Bump;
use bumpalo::collections::String as ArenaString;

use crate::record::{Value, json};

/// Which members are of which type.
#[derive(Debug, Clone, Default)]
pub(super) struct Types(Vec<(Vec<u8>, Type)>);

impl Types {
    /// Reads `key:type key:type …`. The second list is what is no such pair.
    pub(super) fn read(list: &str) -> (Self, Vec<&str>) {
        let (mut types, mut unknown) = (Vec::new(), Vec::new());
        for entry in list.split_ascii_whitespace() {
            let pair = entry.rsplit_once(':').filter(|(key, _)| !key.is_empty());
            match pair.and_then(|(key, name)| Some((key, named(name)?))) {
                Some((key, kind)) => types.push((json::sound_key(key.as_bytes(), &Bump::new()).to_vec(), kind)),
                None => unknown.push(entry),
            }
        }
        (Self(types), unknown)
    }

    /// The type of the member with this key, which is JSON text between its quotes.
    pub(super) fn of(&self, key: &[u8]) -> Type {
        self.0.iter().find(|(typed, _)| typed == key).map_or(Type::Text, |(_, kind)| *kind)
    }
}

/// What a captured text is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    /// Decimal digits at the beginning (C's `atoll`); 0 if there are none.
    Integer,
    /// The number at the beginning (C's `atof`); 0.0 if there is none.
    Float,
    /// Hexadecimal digits at the beginning, with or without `0x`.
    Hexadecimal,
    /// Text that begins with `true` or `false`; anything else stays text.
    Boolean,
    /// Text as it is.
    Text,
}

fn named(name: &str) -> Option<Type> {
    match name.to_ascii_lowercase().as_str() {
        "integer" => Some(Type::Integer),
        "float" => Some(Type::Float),
        "hex" => Some(Type::Hexadecimal),
        "bool" => Some(Type::Boolean),
        "string" => Some(Type::Text),
        _ => None,
    }
}

impl Type {
    /// The value of `text`.
    pub(super) fn convert<'t>(self, text: &'t [u8], arena: &'t Bump) -> Value<'t> {
        match self {
            Self::Integer => Value::Json(integer(text, arena)),
            Self::Float => float(text, arena),
            Self::Hexadecimal => Value::Json(written(hexadecimal(text), arena)),
            Self::Boolean if begins_with(text, b"true") => Value::Json(b"true"),
            Self::Boolean if begins_with(text, b"false") => Value::Json(b"false"),
            Self::Boolean | Self::Text => Value::Text(text),
        }
    }
}

fn begins_with(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

fn written(number: impl std::fmt::Display, arena: &Bump) -> &[u8] {
    let mut out = ArenaString::new_in(arena);
    // Writing into memory cannot fail.
    let _ = write!(out, "{number}");
    out.into_bump_str().as_bytes()
}

/// The sign (true for minus) and what stands behind it, as the C functions find it.
fn signed(text: &[u8]) -> (bool, &[u8]) {
    match text.trim_ascii_start() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    }
}

fn leading(text: &[u8], belongs: fn(&u8) -> bool) -> &[u8] {
    &text[..text.iter().take_while(|byte| belongs(byte)).count()]
}

fn integer<'t>(text: &'t [u8], arena: &'t Bump) -> &'t [u8] {
    // Digits that are a JSON number as they stand and fit need no copy.
    if let [b'1'..=b'9', rest @ ..] = text
        && rest.len() < 18
        && rest.iter().all(u8::is_ascii_digit)
    {
        return text;
    }
    let (negative, rest) = signed(text);
    let limit = if negative { i64::MIN } else { i64::MAX };
    let number = leading(rest, u8::is_ascii_digit).iter().try_fold(0_i64, |number, byte| {
        let digit = i64::from(byte - b'0');
        number.checked_mul(10)?.checked_add(if negative { -digit } else { digit })
    });
    written(number.unwrap_or(limit), arena)
}

fn hexadecimal(text: &[u8]) -> u64 {
    let (negative, rest) = signed(text);
    let digits = rest.strip_prefix(b"0x").or_else(|| rest.strip_prefix(b"0X")).unwrap_or(rest);
    let number = leading(digits, u8::is_ascii_hexdigit).iter().try_fold(0_u64, |number, &byte| {
        number.checked_mul(16).map(|number| number + u64::from(char::from(byte).to_digit(16).unwrap_or(0)))
    });
    let number = number.unwrap_or(u64::MAX);
    if negative { number.wrapping_neg() } else { number }
}

/// The longest number at the beginning. A number beyond what JSON can write stays text.
fn float<'t>(text: &'t [u8], arena: &'t Bump) -> Value<'t> {
    let trimmed = text.trim_ascii_start();
    let length = float_length(trimmed);
    let number: f64 = std::str::from_utf8(&trimmed[..length]).ok().and_then(|text| text.parse().ok()).unwrap_or(0.0);
    if number.is_finite() { Value::Json(written(format_args!("{number:?}"), arena)) } else { Value::Text(text) }
}

fn float_length(text: &[u8]) -> usize {
    let digits = |from: usize| text[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let sign = usize::from(matches!(text.first(), Some(b'-' | b'+')));
    let whole = digits(sign);
    let mut end = sign + whole;
    let mut fraction = 0;
    if text.get(end) == Some(&b'.') {
        fraction = digits(end + 1);
        end += 1 + fraction;
    }
    if whole + fraction == 0 {
        return 0;
    }
    if matches!(text.get(end), Some(b'e' | b'E')) {
        let exponent = end + 1 + usize::from(matches!(text.get(end + 1), Some(b'-' | b'+')));
        if exponent < text.len() && digits(exponent) > 0 {
            end = exponent + digits(exponent);
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(kind: Type, text: &str) -> String {
        let arena = Bump::new();
        let shown = match kind.convert(text.as_bytes(), &arena) {
            Value::Json(json) => {
                serde_json::from_slice::<serde_json::Value>(json).unwrap();
                String::from_utf8(json.to_vec())
            }
            Value::Text(text) => String::from_utf8([b"text ", text].concat()),
            Value::Members(_) => unreachable!(),
        };
        shown.unwrap()
    }

    #[test]
    fn reads_as_c_does() {
        for (kind, text, expected) in [
            (Type::Integer, "200", "200"),
            (Type::Integer, "007", "7"),
            (Type::Integer, " -12ms", "-12"),
            (Type::Integer, "-", "0"),
            (Type::Integer, "99999999999999999999", "9223372036854775807"),
            (Type::Integer, "-99999999999999999999", "-9223372036854775808"),
            (Type::Integer, "1234567890123456789", "1234567890123456789"),
            (Type::Float, "0.5s", "0.5"),
            (Type::Float, "3", "3.0"),
            (Type::Float, ".5", "0.5"),
            (Type::Float, "1e3x", "1000.0"),
            (Type::Float, "1e", "1.0"),
            (Type::Float, "none", "0.0"),
            (Type::Float, "1e999", "text 1e999"),
            (Type::Hexadecimal, "0xff", "255"),
            (Type::Hexadecimal, "FFg", "255"),
            (Type::Hexadecimal, "11112222333344445", "18446744073709551615"),
            (Type::Boolean, "TRUE.", "true"),
            (Type::Boolean, "false", "false"),
            (Type::Boolean, "on", "text on"),
            (Type::Text, "1", "text 1"),
        ] {
            assert_eq!(shown(kind, text), expected, "{kind:?} {text}");
        }
    }

    #[test]
    fn lists_what_is_no_type() {
        let (types, unknown) = Types::read("code:integer  a:b:Float size: :bool x:number");
        assert_eq!([types.of(b"code"), types.of(b"a:b"), types.of(b"x")], [Type::Integer, Type::Float, Type::Text]);
        assert_eq!(unknown, ["size:", ":bool", "x:number"]);
    }
}
