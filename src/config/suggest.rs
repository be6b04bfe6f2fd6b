//! "Did you mean": the nearest of the names that would have been right.

/// The candidate that `given` most likely meant, if one is near enough to be worth naming.
pub(super) fn closest<'c>(given: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let wanted = given.trim().to_ascii_lowercase();
    // One slip of the finger in short names, a few in long ones.
    let tolerance = (wanted.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let name = candidate.to_ascii_lowercase();
            let distance = strsim::damerau_levenshtein(&wanted, &name);
            if distance <= tolerance {
                Some((distance, candidate))
            } else if is_part(&wanted, &name) {
                // `passwd` for `HTTP_Passwd`: far by letters, near by meaning; ranks behind slips.
                Some((100 + distance, candidate))
            } else {
                None
            }
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Whether one name holds the other as whole words between `_` and `.`.
fn is_part(one: &str, other: &str) -> bool {
    const SHORTEST: usize = 4;
    let (part, whole) = if one.len() < other.len() { (one, other) } else { (other, one) };
    let separators = ['_', '.', '-'];
    part.len() >= SHORTEST
        && (whole.strip_prefix(part).is_some_and(|rest| rest.starts_with(separators))
            || whole.strip_suffix(part).is_some_and(|rest| rest.ends_with(separators)))
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn names_are_suggested_when_near() {
        let names = ["Path", "Parser", "Read_from_Head", "HTTP_Passwd", "Tag"];
        for (given, expected) in [
            ("Pth", Some("Path")),
            ("ptah", Some("Path")),
            ("PARSERS", Some("Parser")),
            ("read_form_head", Some("Read_from_Head")),
            ("passwd", Some("HTTP_Passwd")),
            ("http_password", Some("HTTP_Passwd")),
            ("Tags", Some("Tag")),
            ("Flush", None),
            ("x", None),
        ] {
            assert_eq!(closest(given, names), expected, "{given}");
        }
    }
}
