//! Dates in queries, as the servers read them for the default format of `date_nanos`: a day or a second is all of it,
//! a month or a year its first day; or milliseconds since the epoch.

use super::ast::Comparison;
use crate::record::Timestamp;

/// The first and the last nanosecond of what a text names. `None` if it is no date.
pub(super) fn span(text: &str) -> Option<(Timestamp, Timestamp)> {
    if text.len() > 4 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let start = text.parse::<i64>().ok()?.checked_mul(1_000_000)?;
        return Some((Timestamp(start), Timestamp(start.checked_add(999_999)?)));
    }
    let (clock, zone) = split_zone(text);
    Some((time(clock, "0000-01-01T00:00:00.000000000", zone)?, time(clock, "0000-01-01T23:59:59.999999999", zone)?))
}

/// Whether a time compares with what a text names as a server's range does: a whole day counts up to its end.
pub(super) fn holds(comparison: Comparison, time: Timestamp, text: &str) -> Option<bool> {
    let (first, last) = span(text)?;
    let bound = match comparison {
        Comparison::Greater | Comparison::LessOrEqual => last,
        Comparison::GreaterOrEqual | Comparison::Less => first,
    };
    Some(comparison.holds(&time, &bound))
}

/// Date and time of day, and the zone behind them.
fn split_zone(text: &str) -> (&str, &str) {
    let Some(clock) = text.find('T') else { return (text, "Z") };
    match text[clock..].find(['Z', '+', '-']) {
        Some(at) => text.split_at(clock + at),
        None => (text, "Z"),
    }
}

/// The time that a text names from its start, with the rest of `whole` for what it leaves open.
fn time(clock: &str, whole: &str, zone: &str) -> Option<Timestamp> {
    let rest = match clock.len() {
        4 | 7 | 10 | 19 => whole.get(clock.len()..)?,
        // A fraction is a point in time, whatever digits it has.
        20.. => "",
        _ => return None,
    };
    Timestamp::parse_rfc3339(format!("{clock}{rest}{zone}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_names_all_of_its_day_or_second() {
        let written = |time: Timestamp| {
            let mut text = Vec::new();
            time.write_rfc3339(&mut text);
            String::from_utf8(text).unwrap()
        };
        for (text, first, last) in [
            ("2026", "2026-01-01T00:00:00.000000000Z", "2026-01-01T23:59:59.999999999Z"),
            ("2024-02", "2024-02-01T00:00:00.000000000Z", "2024-02-01T23:59:59.999999999Z"),
            ("2026-11-22", "2026-11-22T00:00:00.000000000Z", "2026-11-22T23:59:59.999999999Z"),
            ("2026-11-22T10:15:30.5Z", "2026-11-22T10:15:30.500000000Z", "2026-11-22T10:15:30.500000000Z"),
            ("2026-11-22T10:15:30+01:00", "2026-11-22T09:15:30.000000000Z", "2026-11-22T09:15:30.999999999Z"),
            ("1787313601123", "2026-08-21T12:00:01.123000000Z", "2026-08-21T12:00:01.123999999Z"),
        ] {
            let (start, end) = span(text).unwrap();
            assert_eq!((written(start).as_str(), written(end).as_str()), (first, last), "{text}");
        }
        for text in ["", "now", "2026-13", "2026-1", "20261122T", "yesterday", "2026-11-22T10:15", "2026-11-22T"] {
            assert_eq!(span(text), None, "{text}");
        }
    }
}
