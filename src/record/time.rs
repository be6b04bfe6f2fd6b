//! Times: nanoseconds since the Unix epoch, RFC 3339 in and out without allocation.

/// A point in time, in nanoseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

const NANOSECONDS: i64 = 1_000_000_000;
const DAY_SECONDS: i64 = 86_400;

/// Length of what [`Timestamp::write_rfc3339`] writes, in bytes.
pub const RFC3339_LENGTH: usize = "2026-11-22T10:15:30.123456789Z".len();

impl Timestamp {
    /// The system clock's time.
    #[must_use]
    pub fn now() -> Self {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
    }

    /// Whole milliseconds since the epoch, rounded down.
    #[must_use]
    pub fn milliseconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Whole days since the epoch in UTC, rounded down.
    #[must_use]
    pub fn day(self) -> i64 {
        self.0.div_euclid(NANOSECONDS * DAY_SECONDS)
    }

    /// Year, month (1-12) and day (1-31) in UTC.
    #[must_use]
    pub fn date(self) -> (i64, u8, u8) {
        civil_from_days(self.day())
    }

    /// Reads RFC 3339 as container runtimes write it: any number of fraction digits (nine are
    /// kept), `Z` or an offset. `None` if it is anything else or outside 1678-2262.
    #[must_use]
    pub fn parse_rfc3339(text: &[u8]) -> Option<Self> {
        let (head, rest) = text.split_at_checked(19)?;
        let separators = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
        if separators.iter().any(|&(at, byte)| head[at] != byte) || !matches!(head[10], b'T' | b't' | b' ') {
            return None;
        }
        let year = digits(&head[0..4])?;
        let (month, day) = (digits(&head[5..7])?, digits(&head[8..10])?);
        let (hour, minute, second) = (digits(&head[11..13])?, digits(&head[14..16])?, digits(&head[17..19])?);
        if !(1..=12).contains(&month)
            || day < 1
            || day > days_in_month(year, month)
            || hour > 23
            || minute > 59
            || second > 60
        {
            return None;
        }
        let (fraction, zone) = parse_fraction(rest)?;
        let offset = parse_zone(zone)?;
        let seconds = days_from_civil(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60 + second - offset;
        seconds.checked_mul(NANOSECONDS)?.checked_add(fraction).map(Self)
    }

    /// Appends `YYYY-MM-DDTHH:MM:SS.nnnnnnnnnZ`, [`RFC3339_LENGTH`] bytes. Years outside
    /// 0000-9999 cannot occur in this type.
    pub fn write_rfc3339(self, out: &mut Vec<u8>) {
        let (year, month, day) = self.date();
        let of_day = self.0.rem_euclid(NANOSECONDS * DAY_SECONDS);
        let (second, nanosecond) = (of_day / NANOSECONDS, of_day % NANOSECONDS);
        let mut text = *b"0000-00-00T00:00:00.000000000Z";
        put(&mut text[0..4], year);
        put(&mut text[5..7], i64::from(month));
        put(&mut text[8..10], i64::from(day));
        put(&mut text[11..13], second / 3600);
        put(&mut text[14..16], second / 60 % 60);
        put(&mut text[17..19], second % 60);
        put(&mut text[20..29], nanosecond);
        out.extend_from_slice(&text);
    }
}

fn put(field: &mut [u8], mut number: i64) {
    for digit in field.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

fn digits(text: &[u8]) -> Option<i64> {
    let mut number = 0;
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + i64::from(digit);
    }
    Some(number)
}

fn parse_fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some(rest) = text.strip_prefix(b".").or_else(|| text.strip_prefix(b",")) else {
        return Some((0, text));
    };
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if length == 0 {
        return None;
    }
    let kept = length.min(9);
    let scale = 10_i64.pow(u32::try_from(9 - kept).ok()?);
    Some((digits(&rest[..kept])? * scale, &rest[length..]))
}

/// Seconds east of UTC.
fn parse_zone(text: &[u8]) -> Option<i64> {
    match text {
        b"Z" | b"z" => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (digits(&[*h1, *h2])?, digits(&[*m1, *m2])?);
            let seconds = hours * 3600 + minutes * 60;
            (hours <= 23 && minutes <= 59).then_some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a proleptic Gregorian date; the year is taken to begin in March, so
/// that the leap day is its last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil_from_days(days: i64) -> (i64, u8, u8) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, u8::try_from(month).unwrap_or(1), u8::try_from(day).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<i64> {
        Timestamp::parse_rfc3339(text.as_bytes()).map(|time| time.0)
    }

    fn written(time: i64) -> String {
        let mut out = Vec::new();
        Timestamp(time).write_rfc3339(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn reads_what_container_runtimes_write() {
        assert_eq!(parsed("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(parsed("2026-08-21T12:00:01.123456789Z"), Some(1_787_313_601_123_456_789));
        assert_eq!(parsed("2026-08-21T14:00:01.123456789+02:00"), Some(1_787_313_601_123_456_789));
        assert_eq!(parsed("2026-08-21T12:00:01.5Z"), Some(1_787_313_601_500_000_000));
        assert_eq!(parsed("2024-02-29T00:00:00-00:30"), Some(1_709_166_600_000_000_000));
        assert_eq!(parsed("1969-12-31T23:59:59.999999999Z"), Some(-1));
    }

    #[test]
    fn refuses_anything_else() {
        for text in [
            "",
            "2026-08-21",
            "2026-08-21T12:00:01",
            "2026-13-21T12:00:01Z",
            "2026-02-29T12:00:01Z",
            "2026-08-21T24:00:01Z",
            "2026-08-21T12:00:01.Z",
            "2026-08-21T12:00:01+0200",
            "2026-08-21X12:00:01Z",
            "2026-08-21T12:00:01Zx",
            "0001-01-01T00:00:00Z",
            "9999-01-01T00:00:00Z",
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }

    #[test]
    fn writes_what_it_reads() {
        for day in (-100_000..100_000).step_by(97) {
            let time = day * DAY_SECONDS * NANOSECONDS + 45_296_123_456_789;
            assert_eq!(parsed(&written(time)), Some(time), "{}", written(time));
        }
        assert_eq!(written(1_787_313_601_123_456_789), "2026-08-21T12:00:01.123456789Z");
    }

    #[test]
    fn agrees_with_jiff_on_dates() {
        for day in (-80_000..80_000_i64).step_by(313) {
            let zoned = jiff::Timestamp::from_second(day * DAY_SECONDS).unwrap().to_zoned(jiff::tz::TimeZone::UTC);
            let expected = (i64::from(zoned.year()), zoned.month().unsigned_abs(), zoned.day().unsigned_abs());
            assert_eq!(Timestamp(day * DAY_SECONDS * NANOSECONDS).date(), expected);
        }
    }
}
