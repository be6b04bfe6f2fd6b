//! klog, the logger of client-go: `E0821 12:00:01.123456       1 leaderelection.go:330] message`,
//! a letter, a time without year and zone, a thread, a place in the code.

use super::{Line, behind, split_at_byte, text_member};
use crate::filter::flyte::level::Level;
use crate::record::Member;

pub(super) fn read<'t>(text: &'t [u8], members: &mut Vec<Member<'t>>) -> Option<Line<'t>> {
    let (letter, rest) = text.split_first()?;
    let level = match letter {
        b'I' => Level::Info,
        b'W' => Level::Warn,
        b'E' => Level::Error,
        b'F' => Level::Fatal,
        _ => return None,
    };
    let rest = behind(rest, b"0000 00:00:00.000000 ")?.trim_ascii_start();
    let thread = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = rest[thread..].strip_prefix(b" ").filter(|_| thread > 0)?;
    let (caller, message) = split_at_byte(rest, b']')?;
    let message = message.strip_prefix(b" ")?;
    if caller.contains(&b' ') || !caller.contains(&b':') {
        return None;
    }
    members.push(text_member(b"caller", caller));
    Some(Line { message: Some(message), level: Some(level), has_unique_keys: true, ..Line::default() })
}

#[cfg(test)]
mod tests {
    use super::super::shown;

    #[test]
    fn reads_klog() {
        let table = [
            (
                "E0821 12:00:01.123456       1 leaderelection.go:330] error retrieving lock [x] y",
                r#"Error | error retrieving lock [x] y | caller="leaderelection.go:330""#,
            ),
            ("W0821 12:00:01.123456   12345 reflector.go:561] w", r#"Warn | w | caller="reflector.go:561""#),
            (
                "I0821 12:00:01.123456       1 a.go:1] \"Starting\" err=\"x\"\nmore",
                "Info | \"Starting\" err=\"x\"\nmore | caller=\"a.go:1\"",
            ),
            ("F0821 12:00:01.123456       1 main.go:81] ", r#"Fatal |  | caller="main.go:81""#),
        ];
        for (line, expected) in table {
            assert_eq!(shown(line), expected);
        }
    }

    #[test]
    fn leaves_what_only_begins_like_it() {
        for line in [
            "E0821",
            "E0821 12:00:01.123456 x",
            "E0821 12:00:01.123456       1 no place] x",
            "E0821 12:00:01 1 a.go:1] x",
            "D0821 12:00:01.123456       1 a.go:1] x",
            "E0821 12:00:01.123456        a.go:1] x",
            "E0821 12:00:01.123456       1 a.go:1",
        ] {
            assert_eq!(shown(line), format!("- | {line}"));
        }
    }
}
