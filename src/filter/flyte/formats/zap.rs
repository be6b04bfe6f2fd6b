//! zap's console encoder, as controller-runtime's development mode has it (version 2's executor):
//! `time\tLEVEL\t[logger\t][caller\t]message[\t{json}]`, and perhaps a stack on the lines behind.

use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;
use memchr::memrchr;

use super::{Line, behind, capital_level, split_at_byte, text_member};
use crate::filter::flyte::level::Level;
use crate::record::{Member, Origin, json};

pub(super) fn read<'t>(text: &'t [u8], arena: &'t Bump, members: &mut Vec<Member<'t>>) -> Option<Line<'t>> {
    behind(text, b"0000-00-00T00:00:00")?;
    let (head, stack) = match memchr::memchr(b'\n', text) {
        Some(end) => text.split_at(end),
        None => (text, &b""[..]),
    };
    let (_, rest) = split_at_byte(head, b'\t')?;
    let (word, rest) = split_at_byte(rest, b'\t')?;
    let level = level(word)?;
    let before = members.len();
    let mut rest = without_object(rest, arena, members);
    let logger = take_column(&mut rest, is_logger);
    let caller = take_column(&mut rest, is_caller);
    let columns: [(&[u8], _); 2] = [(b"logger", logger), (b"caller", caller)];
    for (key, column) in columns {
        if let Some(column) = column
            && members[before..].iter().all(|member| member.key != key)
        {
            members.push(text_member(key, column));
        }
    }
    let message = if stack.is_empty() { rest } else { joined(rest, stack, arena) };
    Some(Line {
        message: Some(message),
        level: Some(level),
        is_executor: true,
        has_unique_keys: true,
        ..Line::default()
    })
}

/// Besides its words zap has numbers below debug, for logr's higher verbosities: `LEVEL(-2)`.
fn level(word: &[u8]) -> Option<Level> {
    if word.starts_with(b"LEVEL(-") { Some(Level::Trace) } else { capital_level(word) }
}

/// Takes the object at the end, if there is one, to the members.
fn without_object<'t>(columns: &'t [u8], arena: &'t Bump, members: &mut Vec<Member<'t>>) -> &'t [u8] {
    let start = memrchr(b'\t', columns).map_or(0, |tab| tab + 1);
    let is_object = columns[start..].starts_with(b"{")
        && json::split(&columns[start..], arena, members, Origin::Application).is_ok();
    if is_object { &columns[..start.saturating_sub(1)] } else { columns }
}

/// Takes the first column if it is of the kind and another one follows, which is not the rest of
/// an object that was cut.
fn take_column<'t>(rest: &mut &'t [u8], is_kind: fn(&[u8]) -> bool) -> Option<&'t [u8]> {
    let (column, behind) = split_at_byte(rest, b'\t')?;
    if !is_kind(column) || behind.starts_with(b"{") {
        return None;
    }
    *rest = behind;
    Some(column)
}

/// A dotted name; not a place in the code.
fn is_logger(column: &[u8]) -> bool {
    let is_name = column.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(byte));
    is_name && !column.is_empty()
}

/// `package/file.go:123`
fn is_caller(column: &[u8]) -> bool {
    let digits = column.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    digits > 0 && column[..column.len() - digits].ends_with(b".go:") && !column.contains(&b' ')
}

fn joined<'t>(message: &[u8], stack: &[u8], arena: &'t Bump) -> &'t [u8] {
    let mut whole = BumpVec::with_capacity_in(message.len() + stack.len(), arena);
    whole.extend_from_slice_copy(message);
    whole.extend_from_slice_copy(stack);
    whole.into_bump_slice()
}

#[cfg(test)]
mod tests {
    use super::super::shown;

    #[test]
    fn reads_the_console_of_zap() {
        let table = [
            ("INFO\treconciled without error", "Info | reconciled without error"),
            (
                "ERROR\tx\t{\"a\": {\"name\":\"r-a0\"}, \"error\": \"y\"}",
                r#"Error | x | a={"name":"r-a0"} | error="y""#,
            ),
            ("DEBUG\tsetup\tx", r#"Debug | x | logger="setup""#),
            ("WARN\tcontroller/x_controller.go:183\tx y", r#"Warn | x y | caller="controller/x_controller.go:183""#),
            (
                "DPANIC\tcontroller-runtime.metrics\ta/b.go:1\tone\ttwo\t{\"n\": 1}",
                r#"Fatal | one	two | n=1 | logger="controller-runtime.metrics" | caller="a/b.go:1""#,
            ),
            ("ERROR\tx\t{\"n\": 1}\na.b\n\t/c.go:1", "Error | x\na.b\n\t/c.go:1 | n=1"),
            ("INFO\tx\t{broken", "Info | x\t{broken"),
            ("INFO\t{\"n\": 1}", "Info |  | n=1"),
            ("LEVEL(-3)\tl\tx\t{\"logger\": 1}", "Trace | x | logger=1"),
        ];
        for (line, expected) in table {
            assert_eq!(shown(&format!("2026-08-21T12:00:01Z\t{line}")), expected, "{line}");
            assert_eq!(shown(&format!("2026-08-21T12:00:01.123+0200\t{line}")), expected, "{line}");
        }
        for line in [
            "2026-08-21T12:00:01Z ERROR x",
            "2026-08-21T12:00:01Z\terror\tx",
            "2026-08-21T12:00:01Z\tERROR",
            "2026-08-21\tERROR\tx",
            "2026-08-21T12:00:01Z\tSomething\tx",
        ] {
            assert_eq!(shown(line), format!("- | {line}"));
        }
    }
}
