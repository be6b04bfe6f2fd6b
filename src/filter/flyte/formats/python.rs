//! Python's own tracebacks: the lines of one, joined before; of exception groups too.

use super::Line;
use crate::filter::flyte::level::Level;

const HEADLINE: &[u8] = b"Traceback (most recent call last):";
const GROUP_HEADLINE: &[u8] = b"+ Exception Group Traceback (most recent call last):";

pub(super) fn read(text: &[u8]) -> Option<Line<'_>> {
    let is_traceback = text.starts_with(HEADLINE) || text.trim_ascii_start().starts_with(GROUP_HEADLINE);
    is_traceback.then(|| Line { message: Some(text), level: Some(Level::Error), is_traceback: true, ..Line::default() })
}

#[cfg(test)]
mod tests {
    use super::super::shown;

    #[test]
    fn reads_tracebacks() {
        for text in [
            "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: x",
            "Traceback (most recent call last):",
            "  + Exception Group Traceback (most recent call last):\n  |   File \"a.py\"",
        ] {
            assert_eq!(shown(text), format!("Error | {text}"));
        }
        for text in
            ["  Traceback (most recent call last):", "Trace: Traceback (most recent call last):", "ValueError: x"]
        {
            assert_eq!(shown(text), format!("- | {text}"));
        }
    }
}
