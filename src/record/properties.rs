//! Times in RFC 3339, in any spelling.

use proptest::prelude::*;
use proptest::sample::Index;

use super::Timestamp;

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_again(time in any::<i64>()) {
        let mut text = Vec::new();
        Timestamp(time).write_rfc3339(&mut text);
        prop_assert_eq!(Timestamp::parse_rfc3339(&text), Some(Timestamp(time)));
    }

    #[test]
    fn offsets_and_fractions_mean_what_jiff_takes_them_for(
        (year, month, day) in (1700..2250, 0..14, 0..33),
        (hour, minute, second) in (0..25, 0..61, 0..61),
        fraction in "(\\.[0-9]{1,9})?",
        zone in prop_oneof![Just("Z".to_owned()), "[+-](0[0-9]|1[0-9]|2[0-3]):[0-5][0-9]"],
    ) {
        let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}");
        let ours = Timestamp::parse_rfc3339(text.as_bytes()).map(|time| i128::from(time.0));
        let theirs = text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_nanosecond);
        // A leap second is the next second's beginning here and the last one's end there.
        if second == 60 {
            prop_assert_eq!(ours.is_some(), theirs.is_some(), "{}", text);
        } else {
            prop_assert_eq!(ours, theirs, "{}", text);
        }
    }

    #[test]
    fn a_text_with_one_change_is_another_time_or_none(time in any::<i64>(), at in any::<Index>(), byte in any::<u8>()) {
        let mut text = Vec::new();
        Timestamp(time).write_rfc3339(&mut text);
        let at = at.index(text.len());
        let same = std::mem::replace(&mut text[at], byte).eq_ignore_ascii_case(&byte);
        // `T` may be a blank, and the dot a comma.
        if !same && !matches!((at, byte), (10, b' ') | (19, b',')) {
            prop_assert_ne!(Timestamp::parse_rfc3339(&text), Some(Timestamp(time)));
        }
    }
}
