//! Whether two patterns have a text in common: a tag that an input gives and a `Match`, or the
//! paths of two tails.

/// What the wildcards of two patterns stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wildcards {
    /// As in `Match`: `*` is any run of characters, all else is itself.
    Tag,
    /// As in file patterns: `*` is a run without `/`, `?` and `[…]` are one character.
    Path,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Run,
    One,
    Byte(u8),
}

/// Whether there is a text that both patterns cover.
#[must_use]
pub fn overlap(one: &str, other: &str, wildcards: Wildcards) -> bool {
    let (one, other) = (pieces(one, wildcards), pieces(other, wildcards));
    // Row by row from the ends on: whether what follows in both has a text in common.
    let mut below = vec![false; other.len() + 2];
    for at in (0..=one.len()).rev() {
        let mut row = vec![false; other.len() + 2];
        for to in (0..=other.len()).rev() {
            let (first, second) = (one.get(at), other.get(to));
            let by_first = || below[to] || may_take(second, wildcards) && row[to + 1];
            let by_second = || row[to + 1] || may_take(first, wildcards) && below[to];
            row[to] = match (first, second) {
                (None, None) => true,
                (Some(Piece::Run), Some(Piece::Run)) => by_first() || by_second(),
                (Some(Piece::Run), _) => by_first(),
                (_, Some(Piece::Run)) => by_second(),
                (Some(first), Some(second)) => are_alike(*first, *second, wildcards) && below[to + 1],
                (None, Some(_)) | (Some(_), None) => false,
            };
        }
        below = row;
    }
    below[0]
}

/// Whether a run can take what this piece stands for.
fn may_take(piece: Option<&Piece>, wildcards: Wildcards) -> bool {
    piece.is_some_and(|piece| wildcards == Wildcards::Tag || *piece != Piece::Byte(b'/'))
}

fn are_alike(one: Piece, other: Piece, wildcards: Wildcards) -> bool {
    match (one, other) {
        (Piece::Byte(one), Piece::Byte(other)) => one == other,
        (Piece::One, piece) | (piece, Piece::One) => may_take(Some(&piece), wildcards),
        (Piece::Run, _) | (_, Piece::Run) => false,
    }
}

fn pieces(pattern: &str, wildcards: Wildcards) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(pattern.len());
    let mut rest = pattern.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        let class_end = behind.iter().skip(1).position(|byte| *byte == b']');
        pieces.push(match (first, wildcards, class_end) {
            (b'*', _, _) => Piece::Run,
            (b'?', Wildcards::Path, _) => Piece::One,
            (b'[', Wildcards::Path, Some(end)) => {
                rest = &behind[end + 2..];
                Piece::One
            }
            (byte, _, _) => Piece::Byte(*byte),
        });
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_tags() {
        for (one, other, expected) in [
            ("kube.*", "kube.var.log.*", true),
            ("kube.*", "host.*", false),
            ("*", "", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("*b", "a*", true),
            ("a*c", "*b*", true),
            ("a*c", "a*d", false),
            ("kube.*.log", "kube.*_flyte_*", true),
            ("a?", "ab", false),
            ("", "", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(overlap(one, other, Wildcards::Tag), expected, "{one} {other}");
            assert_eq!(overlap(other, one, Wildcards::Tag), expected, "{other} {one}");
        }
    }

    #[test]
    fn patterns_of_paths() {
        for (one, other, expected) in [
            ("/var/log/*.log", "/var/log/a.log", true),
            ("/var/log/*.log", "/var/log/pods/a.log", false),
            ("/var/log/*/*.log", "/var/log/pods/a.log", true),
            ("/a/[bc].log", "/a/?.log", true),
            ("/a/?.log", "/a/bc.log", false),
            ("/a/*flyte*.log", "/a/*kube*.log", true),
            ("/a/flyte*.log", "/a/kube*.log", false),
        ] {
            assert_eq!(overlap(one, other, Wildcards::Path), expected, "{one} {other}");
        }
    }
}
