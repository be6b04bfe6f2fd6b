//! Values with units: switches, sizes and times, as Fluent Bit writes them.

use std::time::Duration;

const KILO: u64 = 1000;
const KIBI: u64 = 1024;

/// `true`, `on`, `yes`, `false`, `off`, `no` in any case; nothing else (not `1`, not `0`).
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" => Some(true),
        "false" | "off" | "no" => Some(false),
        _ => None,
    }
}

/// Bytes in decimal units: a number, then nothing, `K`, `M` or `G`, then perhaps `B` (`50MB` is
/// 50,000,000). `false` is 0.
#[must_use]
pub fn size(text: &str) -> Option<u64> {
    if text.eq_ignore_ascii_case("false") {
        return Some(0);
    }
    let (number, unit) = number_and_unit(text)?;
    scale(number, power(unit, KILO)?)
}

/// Bytes in binary units: `2M`, `2MB` and `2MiB` all are 2,097,152.
pub(super) fn binary_size(text: &str) -> Option<u64> {
    if text.eq_ignore_ascii_case("false") {
        return Some(0);
    }
    let (number, unit) = number_and_unit(text)?;
    let unit = unit.to_ascii_lowercase();
    let unit = unit.strip_suffix("ib").filter(|unit| !unit.is_empty()).unwrap_or(&unit);
    scale(number, power(unit, KIBI)?)
}

/// A time: a number, then `d`, `h`, `m`, `s` or nothing (seconds). Fluent Bit cuts fractions off;
/// here they count, so that `0.5` and `1.5m` are what they say.
pub(super) fn time(text: &str) -> Option<Duration> {
    let (number, unit) = number_and_unit(text)?;
    let seconds: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    match number.parse::<u64>() {
        Ok(whole) => whole.checked_mul(seconds).map(Duration::from_secs),
        Err(_) => Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds as f64).ok(),
    }
}

/// A time, or `-1` for "wait as long as it takes" ([`Duration::MAX`]).
pub(super) fn time_or_forever(text: &str) -> Option<Duration> {
    if text == "-1" { Some(Duration::MAX) } else { time(text) }
}

/// A whole number.
pub(super) fn integer(text: &str) -> Option<i64> {
    text.parse().ok()
}

/// A finite number.
pub(super) fn float(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// A TCP port.
pub(super) fn port(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port > 0)
}

/// How often to try again: a number above 0; `no_limits`, `false` or `off` for ever (`None`
/// inside); `no_retries` never.
pub(super) fn retries(text: &str) -> Option<Option<u32>> {
    match text.to_ascii_lowercase().as_str() {
        "no_limits" | "false" | "off" => Some(None),
        "no_retries" => Some(Some(0)),
        number => number.parse().ok().filter(|count| *count > 0).map(Some),
    }
}

/// `50.5MB` as `50.5` and `MB`. The number has at least one digit and no sign.
fn number_and_unit(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    number.bytes().any(|byte| byte.is_ascii_digit()).then_some((number, unit))
}

fn power(unit: &str, base: u64) -> Option<u64> {
    match unit.to_ascii_lowercase().as_str() {
        "" => Some(1),
        "k" | "kb" => Some(base),
        "m" | "mb" => Some(base.pow(2)),
        "g" | "gb" => Some(base.pow(3)),
        _ => None,
    }
}

fn scale(number: &str, factor: u64) -> Option<u64> {
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(factor);
    }
    let bytes = number.parse::<f64>().ok()? * factor as f64;
    // Beyond 2^53 a float no longer holds every whole number; nobody means such a size.
    (bytes < (1_u64 << 53) as f64).then_some(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans() {
        for (text, expected) in [
            ("true", Some(true)),
            ("On", Some(true)),
            ("YES", Some(true)),
            ("false", Some(false)),
            ("OFF", Some(false)),
            ("no", Some(false)),
            ("1", None),
            ("0", None),
            ("enabled", None),
            ("", None),
        ] {
            assert_eq!(boolean(text), expected, "{text}");
        }
    }

    #[test]
    fn sizes_are_decimal() {
        for (text, expected) in [
            ("32768", Some(32_768)),
            ("32k", Some(32_000)),
            ("5MB", Some(5_000_000)),
            ("5mb", Some(5_000_000)),
            ("50M", Some(50_000_000)),
            ("1G", Some(1_000_000_000)),
            ("1.5k", Some(1_500)),
            (".5M", Some(500_000)),
            ("False", Some(0)),
            ("0", Some(0)),
            ("5MiB", None),
            ("5B", None),
            ("5 MB", None),
            ("-1", None),
            ("1.2.3k", None),
            ("MB", None),
            (".", None),
            ("", None),
            ("99999999999999999999", None),
            ("99999999999999999G", None),
        ] {
            assert_eq!(size(text), expected, "{text}");
        }
    }

    #[test]
    fn binary_sizes_count_in_1024() {
        for (text, expected) in [
            ("2MB", Some(2 << 20)),
            ("2MiB", Some(2 << 20)),
            ("2m", Some(2 << 20)),
            ("1KiB", Some(1024)),
            ("1g", Some(1 << 30)),
            ("false", Some(0)),
            ("7ib", None),
            ("7x", None),
        ] {
            assert_eq!(binary_size(text), expected, "{text}");
        }
    }

    #[test]
    fn times_have_units_and_fractions() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        for (text, expected) in [
            ("5", seconds(5)),
            ("5s", seconds(5)),
            ("2m", seconds(120)),
            ("1H", seconds(3_600)),
            ("3d", seconds(259_200)),
            ("0", seconds(0)),
            ("0.5", Some(Duration::from_millis(500))),
            ("1.5m", seconds(90)),
            ("5ms", None),
            ("-1", None),
            ("s", None),
            ("five", None),
            ("99999999999999999999d", None),
        ] {
            assert_eq!(time(text), expected, "{text}");
        }
        assert_eq!(time_or_forever("-1"), Some(Duration::MAX));
        assert_eq!(time_or_forever("7"), seconds(7));
        assert_eq!(time_or_forever("-2"), None);
    }

    #[test]
    fn numbers_ports_and_retries() {
        assert_eq!((integer("-4"), integer("4x"), integer("")), (Some(-4), None, None));
        assert_eq!((float("0.25"), float("inf"), float("x")), (Some(0.25), None, None));
        assert_eq!((port("9200"), port("0"), port("65536")), (Some(9200), None, None));
        for (text, expected) in [
            ("5", Some(Some(5))),
            ("no_limits", Some(None)),
            ("False", Some(None)),
            ("off", Some(None)),
            ("no_retries", Some(Some(0))),
            ("0", None),
            ("-1", None),
            ("many", None),
        ] {
            assert_eq!(retries(text), expected, "{text}");
        }
    }
}
