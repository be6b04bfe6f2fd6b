//! Times on the command line.

use std::time::Duration;

use crate::record::Timestamp;

/// A point in time, or how long ago it was.
pub(super) fn since(text: &str) -> Result<Timestamp, String> {
    let day = || format!("{text}T00:00:00Z");
    Timestamp::parse_rfc3339(text.as_bytes())
        .or_else(|| Timestamp::parse_rfc3339(day().as_bytes()))
        .or_else(|| Some(ago(text)?).map(|ago| Timestamp(Timestamp::now().0.saturating_sub(ago))))
        .ok_or_else(|| "write 2026-11-22, 2026-11-22T10:15:00Z, or a number with s, m, h or d".to_owned())
}

/// Nanoseconds.
fn ago(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    let duration = Duration::from_secs(number.parse::<u64>().ok()?.checked_mul(seconds)?);
    i64::try_from(duration.as_nanos()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_absolute_or_ago() {
        let time = |text: &str| Timestamp::parse_rfc3339(text.as_bytes()).unwrap();
        assert_eq!(since("2026-11-22"), Ok(time("2026-11-22T00:00:00Z")));
        assert_eq!(since("2026-11-22T10:15:00+02:00"), Ok(time("2026-11-22T08:15:00Z")));
        let hour_ago = Timestamp::now().0 - 3_600_000_000_000;
        assert!((since("60m").unwrap().0 - hour_ago).abs() < 60_000_000_000);
        for wrong in ["", "m", "5", "5w", "-5m", "2026-13-01", "99999999999999999999d"] {
            assert!(since(wrong).is_err(), "{wrong}");
        }
    }
}
