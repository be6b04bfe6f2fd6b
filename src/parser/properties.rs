//! Times that are written in a format are read as what they were.

use jiff::tz::{Offset, TimeZone};
use proptest::prelude::*;
use proptest::sample::select;

use super::time_format::TimeFormat;
use crate::record::Timestamp;

/// Formats that tell the whole time, and the resolution that they keep in nanoseconds. What
/// `%L` means here is `%9f` in jiff's conversions.
const FORMATS: &[(&str, i64)] = &[
    ("%Y-%m-%dT%H:%M:%S.%L%z", 1),
    ("%Y-%m-%d %H:%M:%S %z", 1_000_000_000),
    ("%d/%b/%Y:%H:%M:%S %z", 1_000_000_000),
    ("%a, %d %b %Y %T %z", 1_000_000_000),
    ("%A %e %B %Y %I:%M:%S %p %z", 1_000_000_000),
    ("%D %R:%S.%L %z", 1),
    ("%F %k:%M:%S,%L %z", 1),
    ("%Y %j %H%M%S%z", 1_000_000_000),
    ("%s.%L", 1),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_in_a_format_is_read_again(
        (format, resolution) in select(FORMATS),
        // Two-digit years mean 1969 to 2068.
        time in 0_i64..3_000_000_000_000_000_000,
        minutes in -23 * 60..=23 * 60_i32,
    ) {
        let zone = TimeZone::fixed(Offset::from_seconds(minutes * 60).unwrap());
        let zoned = jiff::Timestamp::from_nanosecond(time.into()).unwrap().to_zoned(zone);
        let text = zoned.strftime(&format.replace("%L", "%9f")).to_string();
        let parts = TimeFormat::new(format).read_all(text.as_bytes());
        let read = parts.and_then(|parts| parts.resolve(&TimeZone::UTC, Timestamp(0)));
        prop_assert_eq!(read, Some(Timestamp(time - time % resolution)), "{} as {}", text, format);
    }

    #[test]
    fn no_format_and_no_text_panics(format in "(%[A-Za-z%]|[ -~]){0,8}", text in "[ -~]{0,40}", now in any::<i64>()) {
        let (parts, _) = TimeFormat::new(&format).read(text.as_bytes());
        parts.resolve(&TimeZone::UTC, Timestamp(now));
    }
}
