//! Times as the programs of a Flyte cluster write them. All in UTC, from nanoseconds since the
//! epoch.

use jiff::civil::DateTime;
use jiff::tz::Offset;

/// `2026-08-21T12:00:01Z`: flytestdlib, zap.
pub(super) fn rfc3339_seconds(time_ns: i64) -> String {
    written(time_ns, "%Y-%m-%dT%H:%M:%SZ")
}

/// `2026-08-21T12:00:01.123Z`: Envoy.
pub(super) fn rfc3339_milliseconds(time_ns: i64) -> String {
    written(time_ns, "%Y-%m-%dT%H:%M:%S.%3fZ")
}

/// `2026-08-21T12:00:01.123456`: flyte-sdk, which writes no zone.
pub(super) fn without_zone(time_ns: i64) -> String {
    written(time_ns, "%Y-%m-%dT%H:%M:%S.%6f")
}

/// `2026-08-21 12:00:01,123`: Python's logging.
pub(super) fn python(time_ns: i64) -> String {
    written(time_ns, "%Y-%m-%d %H:%M:%S,%3f")
}

/// `0821 12:00:01.123456`: klog, which writes no year.
pub(super) fn klog(time_ns: i64) -> String {
    written(time_ns, "%m%d %H:%M:%S.%6f")
}

/// `21/Aug/2026:12:00:01 +0000`: access logs in the common format.
pub(super) fn access_log(time_ns: i64) -> String {
    written(time_ns, "%d/%b/%Y:%H:%M:%S +0000")
}

/// `26/08/21 12:00:01`: Spark.
pub(super) fn spark(time_ns: i64) -> String {
    written(time_ns, "%y/%m/%d %H:%M:%S")
}

/// `20260821-120001`: the end of a rotated file's name.
pub(super) fn rotation(second: i64) -> String {
    written(second.saturating_mul(1_000_000_000), "%Y%m%d-%H%M%S")
}

fn written(time_ns: i64, format: &str) -> String {
    civil(time_ns).strftime(format).to_string()
}

fn civil(time_ns: i64) -> DateTime {
    Offset::UTC.to_datetime(jiff::Timestamp::from_nanosecond(i128::from(time_ns)).unwrap_or_default())
}

/// Length of [`Stamp::fixed`]'s text, in bytes.
pub(super) const FIXED_LENGTH: usize = "2026-08-21T12:00:01.123456789".len();

/// Writes times with nanoseconds and remembers the second, because the next time mostly shares it.
#[derive(Debug)]
pub(super) struct Stamp {
    second: i64,
    text: [u8; FIXED_LENGTH],
}

impl Stamp {
    pub(super) fn new() -> Self {
        Self { second: i64::MIN, text: *b"1970-01-01T00:00:00.000000000" }
    }

    /// `2026-08-21T12:00:01.123456789`: date, time and always nine digits, without a zone.
    pub(super) fn fixed(&mut self, time_ns: i64) -> &[u8; FIXED_LENGTH] {
        let second = time_ns.div_euclid(1_000_000_000);
        if second != self.second {
            let head = written(time_ns, "%Y-%m-%dT%H:%M:%S");
            for (to, from) in self.text.iter_mut().zip(head.bytes()) {
                *to = from;
            }
            self.second = second;
        }
        put_digits(&mut self.text[20..], time_ns.rem_euclid(1_000_000_000).unsigned_abs());
        &self.text
    }
}

/// Writes a number right-aligned with leading zeros over a field.
pub(super) fn put_digits(field: &mut [u8], mut number: u64) {
    for digit in field.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: i64 = 1_787_313_601_123_456_789;

    #[test]
    fn each_program_has_its_own_way() {
        assert_eq!(rfc3339_seconds(TIME), "2026-08-21T12:00:01Z");
        assert_eq!(rfc3339_milliseconds(TIME), "2026-08-21T12:00:01.123Z");
        assert_eq!(without_zone(TIME), "2026-08-21T12:00:01.123456");
        assert_eq!(python(TIME), "2026-08-21 12:00:01,123");
        assert_eq!(klog(TIME), "0821 12:00:01.123456");
        assert_eq!(access_log(TIME), "21/Aug/2026:12:00:01 +0000");
        assert_eq!(spark(TIME), "26/08/21 12:00:01");
        assert_eq!(rotation(TIME / 1_000_000_000), "20260821-120001");
    }

    #[test]
    fn a_stamp_follows_the_seconds() {
        let mut stamp = Stamp::new();
        assert_eq!(stamp.fixed(TIME), b"2026-08-21T12:00:01.123456789");
        assert_eq!(stamp.fixed(TIME + 7), b"2026-08-21T12:00:01.123456796");
        assert_eq!(stamp.fixed(TIME + 58_900_000_000), b"2026-08-21T12:01:00.023456789");
        assert_eq!(stamp.fixed(5), b"1970-01-01T00:00:00.000000005");
    }
}
