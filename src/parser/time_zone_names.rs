//! Names of time zones in log lines.

const HOUR: i64 = 3600;

/// The names that RFC 822 (section 5.1) knows, as seconds east of UTC; case does not matter.
pub(super) fn rfc822(name: &[u8]) -> Option<i64> {
    const NAMES: [(&str, i64); 12] = [
        ("Z", 0),
        ("UT", 0),
        ("UTC", 0),
        ("GMT", 0),
        ("EST", -5),
        ("EDT", -4),
        ("CST", -6),
        ("CDT", -5),
        ("MST", -7),
        ("MDT", -6),
        ("PST", -8),
        ("PDT", -7),
    ];
    find(&NAMES, name)
}

/// The same and other abbreviations that mean one offset wherever they are in use. `IST` and
/// others that mean several are not here.
pub(super) fn known(name: &[u8]) -> Option<i64> {
    const NAMES: [(&str, i64); 19] = [
        ("WET", 0),
        ("WEST", 1),
        ("CET", 1),
        ("CEST", 2),
        ("EET", 2),
        ("EEST", 3),
        ("MSK", 3),
        ("WIB", 7),
        ("HKT", 8),
        ("AWST", 8),
        ("JST", 9),
        ("KST", 9),
        ("AEST", 10),
        ("AEDT", 11),
        ("NZST", 12),
        ("NZDT", 13),
        ("AKST", -9),
        ("AKDT", -8),
        ("HST", -10),
    ];
    rfc822(name).or_else(|| find(&NAMES, name))
}

fn find(names: &[(&str, i64)], name: &[u8]) -> Option<i64> {
    let found = names.iter().find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name))?;
    Some(found.1 * HOUR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_offsets() {
        assert_eq!(rfc822(b"edt"), Some(-4 * HOUR));
        assert_eq!(rfc822(b"CET"), None);
        assert_eq!(known(b"CET"), Some(HOUR));
        assert_eq!(known(b"IST"), None);
        assert_eq!(known(b""), None);
    }
}
