//! `Time_Format`: Fluent Bit's subset of strptime, compiled once.
//!
//! Beside C's conversions there is `%L`, the digits of a fraction without the dot before them.
//! White space in a format stands for any amount of it, none included. Text behind what the format
//! describes is ignored.

use super::time_parts::Parts;
use super::time_zone_names;

/// A compiled format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TimeFormat {
    steps: Vec<Step>,
    /// Fluent Bit has no such conversion: with it, no time is ever read.
    unknown: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Blanks,
    Byte(u8),
    Number(Number, i64, i64),
    /// The same, behind any blanks: `%e`, `%k`, `%l`.
    Padded(Number, i64, i64),
    Weekday,
    Month,
    Noon,
    Fraction,
    Epoch,
    Offset,
    ZoneName,
    /// A literal `Z` behind the seconds.
    Zulu,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Number {
    Year,
    Century,
    YearOfCentury,
    Month,
    Day,
    DayOfYear,
    Hour,
    HalfDayHour,
    Minute,
    Second,
    /// Read and not used: numbers of weeks and weekdays.
    Other,
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

impl TimeFormat {
    /// Compiles a format.
    pub(super) fn new(format: &str) -> Self {
        let mut compiled = Self { steps: Vec::new(), unknown: None };
        compiled.compile(format.as_bytes());
        compiled
    }

    /// The conversion that keeps this format from ever reading a time.
    pub(super) fn unknown(&self) -> Option<&str> {
        self.unknown.as_deref()
    }

    fn compile(&mut self, format: &[u8]) {
        let mut rest = format;
        while let [byte, behind @ ..] = rest {
            rest = behind;
            let behind_seconds = matches!(self.steps.last(), Some(Step::Fraction | Step::Number(Number::Second, _, _)));
            match byte {
                b'%' => rest = self.conversion(rest),
                b'Z' if behind_seconds => self.steps.push(Step::Zulu),
                blank if blank.is_ascii_whitespace() => self.steps.push(Step::Blanks),
                other => self.steps.push(Step::Byte(*other)),
            }
        }
    }

    /// Compiles the conversion whose `%` was taken and returns what stands behind it.
    fn conversion<'f>(&mut self, format: &'f [u8]) -> &'f [u8] {
        let format = match format {
            [b'E' | b'O', rest @ ..] if !rest.is_empty() => rest,
            other => other,
        };
        let Some((&letter, rest)) = format.split_first() else {
            self.refuse("%");
            return format;
        };
        if letter == b'L' && self.steps.contains(&Step::Fraction) {
            self.refuse("a second %L");
        } else if let Some(step) = simple(letter) {
            self.steps.push(step);
        } else if let Some(composed) = composed(letter) {
            self.compile(composed);
        } else {
            self.refuse(&format!("%{}", char::from(letter)));
        }
        rest
    }

    fn refuse(&mut self, conversion: &str) {
        self.unknown.get_or_insert_with(|| conversion.to_owned());
        self.steps.push(Step::Never);
    }

    /// Reads a time: its parts up to where the text stops to fit, and whether all of it fits.
    pub(super) fn read(&self, text: &[u8]) -> (Parts, bool) {
        let mut parts = Parts::default();
        let mut rest = text;
        let fits = self.steps.iter().all(|step| step.read(&mut rest, &mut parts).is_some());
        (parts, fits)
    }

    /// Reads a time that fits as a whole.
    pub(super) fn read_all(&self, text: &[u8]) -> Option<Parts> {
        let (parts, fits) = self.read(text);
        fits.then_some(parts)
    }
}

/// The conversions of one step.
fn simple(letter: u8) -> Option<Step> {
    let step = match letter {
        b'%' => Step::Byte(b'%'),
        b'n' | b't' => Step::Blanks,
        b'a' | b'A' => Step::Weekday,
        b'b' | b'B' | b'h' => Step::Month,
        b'C' => Step::Number(Number::Century, 0, 99),
        b'd' => Step::Number(Number::Day, 1, 31),
        b'e' => Step::Padded(Number::Day, 1, 31),
        b'H' => Step::Number(Number::Hour, 0, 23),
        b'k' => Step::Padded(Number::Hour, 0, 23),
        b'I' => Step::Number(Number::HalfDayHour, 1, 12),
        b'l' => Step::Padded(Number::HalfDayHour, 1, 12),
        b'j' => Step::Number(Number::DayOfYear, 1, 366),
        b'm' => Step::Number(Number::Month, 1, 12),
        b'M' => Step::Number(Number::Minute, 0, 59),
        b'p' => Step::Noon,
        b'S' => Step::Number(Number::Second, 0, 61),
        b's' => Step::Epoch,
        b'L' => Step::Fraction,
        b'u' => Step::Number(Number::Other, 1, 7),
        b'w' => Step::Number(Number::Other, 0, 6),
        b'U' | b'W' | b'V' => Step::Number(Number::Other, 0, 53),
        b'g' => Step::Number(Number::Other, 0, 99),
        b'G' => Step::Number(Number::Other, 0, 9999),
        b'y' => Step::Number(Number::YearOfCentury, 0, 99),
        b'Y' => Step::Number(Number::Year, 0, 9999),
        b'z' => Step::Offset,
        b'Z' => Step::ZoneName,
        _ => return None,
    };
    Some(step)
}

/// The conversions that stand for others, in the C locale.
fn composed(letter: u8) -> Option<&'static [u8]> {
    match letter {
        b'c' => Some(b"%a %b %e %H:%M:%S %Y"),
        b'D' | b'x' => Some(b"%m/%d/%y"),
        b'F' => Some(b"%Y-%m-%d"),
        b'r' => Some(b"%I:%M:%S %p"),
        b'R' => Some(b"%H:%M"),
        b'T' | b'X' => Some(b"%H:%M:%S"),
        _ => None,
    }
}

impl Step {
    /// Takes what this step describes from `rest`; `None` if it is not there.
    fn read(self, rest: &mut &[u8], parts: &mut Parts) -> Option<()> {
        match self {
            Self::Blanks => *rest = rest.trim_ascii_start(),
            Self::Byte(byte) => *rest = rest.strip_prefix(&[byte])?,
            Self::Number(number, low, high) => number.store(take_number(rest, low, high)?, parts),
            Self::Padded(number, low, high) => {
                *rest = rest.trim_ascii_start();
                number.store(take_number(rest, low, high)?, parts);
            }
            Self::Weekday => drop(take_name(rest, &WEEKDAYS)?),
            Self::Month => parts.month = Some(take_name(rest, &MONTHS)? + 1),
            Self::Noon => parts.afternoon = Some(take_name(rest, &["am", "pm"])? == 1),
            Self::Fraction => parts.nanosecond = take_fraction(rest)?,
            Self::Epoch => parts.epoch = Some(take_epoch(rest)?),
            Self::Offset => parts.offset = Some(take_offset(rest)?),
            Self::ZoneName => parts.offset = Some(take_zone_name(rest)?),
            Self::Zulu => {
                *rest = rest.strip_prefix(b"Z")?;
                parts.offset = Some(0);
            }
            Self::Never => return None,
        }
        Some(())
    }
}

impl Number {
    fn store(self, value: i64, parts: &mut Parts) {
        match self {
            Self::Year => parts.year = Some(value),
            Self::Century => parts.century = Some(value),
            Self::YearOfCentury => parts.year_of_century = Some(value),
            Self::Month => parts.month = Some(value),
            Self::Day => parts.day = Some(value),
            Self::DayOfYear => parts.day_of_year = Some(value),
            Self::Hour | Self::HalfDayHour => parts.hour = value,
            Self::Minute => parts.minute = value,
            Self::Second => parts.second = value,
            Self::Other => {}
        }
    }
}

/// A number of at most as many digits as `high` has. Like strptime, it stops before a digit that
/// would make it too large.
fn take_number(rest: &mut &[u8], low: i64, high: i64) -> Option<i64> {
    let (mut value, mut length, mut room) = (0, 0, high.max(1));
    while let Some(digit) = rest.get(length).filter(|byte| byte.is_ascii_digit()) {
        if length > 0 && (room == 0 || value * 10 > high) {
            break;
        }
        value = value * 10 + i64::from(digit - b'0');
        length += 1;
        room /= 10;
    }
    *rest = &rest[length..];
    (length > 0 && (low..=high).contains(&value)).then_some(value)
}

/// The index of the name at the beginning, spelled out or by its first three letters.
fn take_name(rest: &mut &[u8], names: &[&str]) -> Option<i64> {
    for length in [usize::MAX, 3] {
        for (index, name) in (0_i64..).zip(names) {
            let spelling = &name.as_bytes()[..name.len().min(length)];
            if rest.get(..spelling.len()).is_some_and(|start| start.eq_ignore_ascii_case(spelling)) {
                *rest = &rest[spelling.len()..];
                return Some(index);
            }
        }
    }
    None
}

/// One to nine digits as nanoseconds.
fn take_fraction(rest: &mut &[u8]) -> Option<i64> {
    let length = rest.iter().take(9).take_while(|byte| byte.is_ascii_digit()).count();
    let scale = 10_i64.pow(u32::try_from(9 - length).ok()?);
    let digits = rest[..length].iter().fold(0, |value, byte| value * 10 + i64::from(byte - b'0'));
    *rest = &rest[length..];
    (length > 0).then_some(digits * scale)
}

fn take_epoch(rest: &mut &[u8]) -> Option<i64> {
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let seconds = std::str::from_utf8(&rest[..length]).ok()?.parse().ok()?;
    *rest = &rest[length..];
    Some(seconds)
}

/// `%z` as seconds east of UTC: `Z`, `+hh`, `+hhmm`, `+hh:mm`, or one of the names of RFC 822.
fn take_offset(rest: &mut &[u8]) -> Option<i64> {
    *rest = rest.trim_ascii_start();
    let sign = match rest.first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return take_name_of(rest, time_zone_names::rfc822),
    };
    let mut digits = &rest[1..];
    let hours = take_two_digits(&mut digits)?;
    let after_colon = digits.strip_prefix(b":").unwrap_or(digits);
    let minutes = if after_colon.first().is_some_and(u8::is_ascii_digit) {
        digits = after_colon;
        take_two_digits(&mut digits)?
    } else {
        0
    };
    *rest = digits;
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
}

fn take_two_digits(rest: &mut &[u8]) -> Option<i64> {
    let [tens @ b'0'..=b'9', ones @ b'0'..=b'9', behind @ ..] = *rest else { return None };
    *rest = behind;
    Some(i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
}

fn take_zone_name(rest: &mut &[u8]) -> Option<i64> {
    *rest = rest.trim_ascii_start();
    take_name_of(rest, time_zone_names::known)
}

fn take_name_of(rest: &mut &[u8], offset: fn(&[u8]) -> Option<i64>) -> Option<i64> {
    let length = rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let seconds = offset(&rest[..length])?;
    *rest = &rest[length..];
    Some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(format: &str, text: &str) -> Option<Parts> {
        TimeFormat::new(format).read_all(text.as_bytes())
    }

    #[test]
    fn numbers_end_where_strptime_ends_them() {
        assert_eq!(parts("%H%M", "0915").map(|parts| (parts.hour, parts.minute)), Some((9, 15)));
        assert_eq!(parts("%d/%m", "7/3").map(|parts| (parts.day, parts.month)), Some((Some(7), Some(3))));
        assert_eq!(parts("%d", "45").and_then(|parts| parts.day), Some(4), "the 5 is left over");
        assert_eq!(parts("%H", "24").map(|parts| parts.hour), None);
        assert_eq!(parts("%e", " 5").and_then(|parts| parts.day), Some(5));
        assert_eq!(parts("%d", " 5"), None);
    }

    #[test]
    fn fractions_have_one_to_nine_digits() {
        for (text, nanosecond) in [
            (".5", Some(500_000_000)),
            (".123456789", Some(123_456_789)),
            (".000000001Z", Some(1)),
            (".", None),
            (".1234567891", Some(123_456_789)),
        ] {
            assert_eq!(parts(".%L", text).map(|parts| parts.nanosecond), nanosecond, "{text}");
        }
        assert_eq!(parts(".%L%z", ".1234567891Z"), None, "the tenth digit is no zone");
    }

    #[test]
    fn zones_have_many_spellings() {
        for (text, offset) in [
            ("Z", Some(0)),
            ("+02", Some(7200)),
            ("+0230", Some(9000)),
            ("-02:30", Some(-9000)),
            (" UTC", Some(0)),
            ("EST", Some(-18_000)),
            ("pdt", Some(-25_200)),
            ("+2", None),
            ("+25:00", None),
            ("CET", None),
        ] {
            assert_eq!(parts("%z", text).and_then(|parts| parts.offset), offset, "{text}");
        }
        assert_eq!(parts("%Z", "cest").and_then(|parts| parts.offset), Some(7200));
        assert_eq!(parts("%S.%LZ", "1.5Z").and_then(|parts| parts.offset), Some(0));
        assert_eq!(parts("%S.%LZ", "1.5"), None);
    }

    #[test]
    fn conversions_that_do_not_exist_are_named() {
        for (format, unknown) in [("%S.%3N", "%3"), ("%f", "%f"), ("%L %L", "a second %L"), ("%H %", "%")] {
            assert_eq!(TimeFormat::new(format).unknown(), Some(unknown));
            assert_eq!(parts(format, "1 1"), None);
        }
        assert_eq!(TimeFormat::new("%Ey-%Om").unknown(), None);
    }
}
