//! logrus' text format, as flytestdlib has it with `logger.formatter.type: text`:
//! `ts="2026-08-21T12:00:01Z" level=info msg="…" key=value`. Values are bare or quoted Go strings.

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

use super::{Line, split_at_byte, text_member};
use crate::filter::flyte::level::Level;
use crate::record::{Member, json};

/// Only a line that consists of pairs alone, with a level and a message among them, is one.
pub(super) fn read<'t>(text: &'t [u8], arena: &'t Bump, members: &mut Vec<Member<'t>>) -> Option<Line<'t>> {
    let before = members.len();
    let is_whole = read_pairs(text, arena, members).is_some();
    let mut has = [false; 2];
    for member in &members[before..] {
        match (member.key, member.value.as_text(arena)) {
            (b"level", Some(word)) => has[0] = Level::of_word(word).is_some(),
            (b"msg", _) => has[1] = true,
            _ => {}
        }
    }
    if !is_whole || has != [true; 2] {
        members.truncate(before);
        return None;
    }
    Some(Line { has_flat_ids: true, ..Line::default() })
}

fn read_pairs<'t>(text: &'t [u8], arena: &'t Bump, members: &mut Vec<Member<'t>>) -> Option<()> {
    let mut rest = text;
    while !rest.is_empty() {
        let (key, behind) = split_at_byte(rest, b'=')?;
        if key.is_empty() || !key.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.-/@".contains(byte)) {
            return None;
        }
        let (value, behind) = match behind.strip_prefix(b"\"") {
            Some(inside) => quoted(inside, arena)?,
            None => behind.split_at(memchr::memchr(b' ', behind).unwrap_or(behind.len())),
        };
        members.push(text_member(json::sound_key(key, arena), value));
        rest = match behind {
            [] => behind,
            [b' ', behind @ ..] => behind,
            _ => return None,
        };
    }
    Some(())
}

/// A Go string whose opening quote lies behind, and what follows its closing one.
fn quoted<'t>(inside: &'t [u8], arena: &'t Bump) -> Option<(&'t [u8], &'t [u8])> {
    let mut end = memchr::memchr2(b'"', b'\\', inside)?;
    if inside[end] == b'"' {
        return Some((&inside[..end], &inside[end + 1..]));
    }
    let mut out = BumpVec::with_capacity_in(inside.len(), arena);
    let mut rest = inside;
    loop {
        out.extend_from_slice_copy(&rest[..end]);
        if rest[end] == b'"' {
            return Some((out.into_bump_slice(), &rest[end + 1..]));
        }
        rest = unescape(&rest[end + 1..], &mut out)?;
        end = memchr::memchr2(b'"', b'\\', rest)?;
    }
}

/// Appends what the escape behind a backslash means, as Go's `strconv.Quote` writes them, and
/// gives the text behind it.
fn unescape<'t>(text: &'t [u8], out: &mut BumpVec<'_, u8>) -> Option<&'t [u8]> {
    let (&letter, rest) = text.split_first()?;
    let digits = match letter {
        b'x' => 2,
        b'u' => 4,
        b'U' => 8,
        _ => 0,
    };
    if digits > 0 {
        let (code, rest) = rest.split_at_checked(digits)?;
        let code = u32::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok()?;
        match u8::try_from(code) {
            Ok(byte) if letter == b'x' => out.push(byte),
            _ => out.extend_from_slice_copy(char::from_u32(code)?.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        return Some(rest);
    }
    out.push(match letter {
        b'a' => 0x07,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 0x0b,
        b'"' | b'\\' | b'\'' => letter,
        _ => return None,
    });
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::super::shown;

    #[test]
    fn reads_logrus_text() {
        let table = [
            (
                r#"ts="2026-08-21T12:00:01Z" level=info msg="task \"a\" FAILED\n\u00e9\x1b" exec_id=abc wf="p:d:w" empty="#,
                "members | ts=\"2026-08-21T12:00:01Z\" | level=\"info\" | msg=\"task \\\"a\\\" FAILED\\né\\u{1b}\" | \
                 exec_id=\"abc\" | wf=\"p:d:w\" | empty=\"\"",
            ),
            ("level=warning msg=short", r#"members | level="warning" | msg="short""#),
            (r#"level=error msg="" .a=1"#, r#"members | level="error" | msg="" | _a="1""#),
        ];
        for (line, expected) in table {
            assert_eq!(shown(line), expected, "{line}");
        }
    }

    #[test]
    fn leaves_what_only_resembles_it() {
        for line in [
            "a=1 b=2",
            "level=info",
            "msg=x",
            "level=info msg=x and more",
            "level=audit msg=x",
            r#"level=info msg="x"#,
            r#"level=info msg="x"y"#,
            r#"level=info msg="\q""#,
            "x level=info msg=y",
            "loss=0.1 accuracy=0.9",
            "just words",
            r#"level=info msg="\ud800""#,
            "level=info  msg=x",
        ] {
            assert_eq!(shown(line), format!("- | {line}"));
        }
    }
}
