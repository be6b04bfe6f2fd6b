//! flyte-sdk's console format (version 2 tasks): `[run][action] [logger] LEVEL message`.

use super::{Line, capital_level, split_at_byte, text_member};
use crate::record::Member;

pub(super) fn read<'t>(text: &'t [u8], members: &mut Vec<Member<'t>>) -> Option<Line<'t>> {
    let (run, rest) = bracketed(text)?;
    let (action, rest) = bracketed(rest)?;
    let (logger, rest) = bracketed(rest.strip_prefix(b" ")?)?;
    let rest = rest.strip_prefix(b" ")?;
    let (word, message) = split_at_byte(rest, b' ').unwrap_or((rest, b""));
    let level = capital_level(word)?;
    members.push(text_member(b"logger", logger));
    let run = Some((run, action));
    Some(Line { message: Some(message), level: Some(level), run, has_unique_keys: true, ..Line::default() })
}

/// A name in brackets, and what follows.
fn bracketed(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, rest) = split_at_byte(text.strip_prefix(b"[")?, b']')?;
    let is_name = !name.is_empty() && !name.iter().any(|byte| b" \t\n[\"{".contains(byte));
    is_name.then_some((name, rest))
}

#[cfg(test)]
mod tests {
    use super::super::shown;

    #[test]
    fn reads_the_console_of_flyte_sdk() {
        assert_eq!(
            shown("[rbx][a0] [flyte.user] WARNING it [x] ERROR"),
            r#"Warn | it [x] ERROR | logger="flyte.user""#
        );
        assert_eq!(shown("[rbx][a0] [flyte] CRITICAL a\nb"), "Fatal | a\nb | logger=\"flyte\"");
        assert_eq!(shown("[rbx][a0] [flyte] INFO"), r#"Info |  | logger="flyte""#);
        for line in [
            "[flyte] WARNING x",
            "[rbx] [flyte] WARNING x",
            "[rbx][a0] WARNING x",
            "[rbx][a0] [flyte] warning x",
            "[rbx][a0] [flyte] Hello x",
            "[r x][a0] [flyte] INFO x",
            "[][a0] [flyte] INFO x",
            "[rbx][a0] [flyte]",
            "[1, 2]",
        ] {
            assert_eq!(shown(line), format!("- | {line}"));
        }
    }
}
