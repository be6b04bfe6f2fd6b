//! A document as one line: time, level, app/component, execution, message.

use serde_json::Value;

use crate::record::field_names::{FieldNames, Names};

/// Room for app and component: Flyte's longest are `flyte-pod-webhook/webhook`.
const PART_WIDTH: usize = 25;
/// Room for an execution's name: they have 20 characters.
const EXECUTION_WIDTH: usize = 20;

const RESET: &str = "\x1b[0m";
const DIM: &str = "\x1b[2m";

/// How lines look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) coloured: bool,
    /// The time has its date, too.
    pub(super) dated: bool,
    /// Characters of a message that are shown.
    pub(super) longest: usize,
}

/// The names of the columns.
pub(super) fn header(dated: bool) -> String {
    let width = if dated { "2026-11-22T10:15:30.123Z".len() } else { "10:15:30.123Z".len() };
    format!(
        "{:width$} {:5} {:PART_WIDTH$} {:EXECUTION_WIDTH$} message",
        "time (UTC)", "level", "app/component", "execution_id"
    )
}

/// A document (its JSON) as a line without a line end. What is no document is shown as it is.
pub(super) fn render(document: &[u8], style: Style) -> String {
    let Style { coloured, dated, longest } = style;
    let Ok(document) = serde_json::from_slice::<Value>(document) else {
        return visible(&String::from_utf8_lossy(document), longest);
    };
    let text = |field: &str| document[field].as_str().unwrap_or_default();
    let named = |name: fn(&Names) -> &'static str| {
        let names = [FieldNames::Default, FieldNames::Ecs].map(|fields| name(fields.names()));
        names.into_iter().map(text).find(|text| !text.is_empty()).unwrap_or_default()
    };
    let level = named(|names| names.level);
    let paint = |style: &'static str| if coloured { (style, RESET) } else { ("", "") };
    let ((dim, reset), (colour, uncolour)) = (paint(DIM), paint(colour(level)));
    // `2026-11-22T10:15:30.123456789Z`
    let (start, width) = if dated { (0, 23) } else { (11, 12) };
    let time = visible(text("@timestamp").get(start..23).unwrap_or_default(), longest);
    let part = match (named(|names| names.app), named(|names| names.component)) {
        (app, component) if app == component || component.is_empty() => app.to_owned(),
        (app, component) => format!("{app}/{component}"),
    };
    let execution = Some(named(|names| names.execution_id)).filter(|id| !id.is_empty()).unwrap_or("-");
    let (part, execution) = (visible(&part, longest), visible(execution, longest));
    let message = visible(text("message"), longest);
    format!(
        "{dim}{time:width$}Z{reset} {colour}{level:5}{uncolour} {part:PART_WIDTH$} {dim}{execution:EXECUTION_WIDTH$}{reset} {message}"
    )
}

fn colour(level: &str) -> &'static str {
    match level {
        "FATAL" => "\x1b[1;37;41m",
        "ERROR" => "\x1b[1;31m",
        "WARN" => "\x1b[33m",
        "INFO" => "\x1b[32m",
        _ => "\x1b[34m",
    }
}

/// Text that does nothing to a terminal: without colours, line ends as a sign, and cut.
pub(super) fn visible(text: &str, longest: usize) -> String {
    let mut shown = String::new();
    let mut characters = text.chars().peekable();
    let mut count = 0;
    while let Some(character) = characters.next() {
        if character == '\x1b' && characters.next_if_eq(&'[').is_some() {
            // A sequence ends at its first letter (ECMA-48, 5.4: a byte from `@` to `~`).
            while characters.next().is_some_and(|inner| !('@'..='~').contains(&inner)) {}
            continue;
        }
        if count == longest {
            let left = 1 + characters.count();
            return shown + &format!("… (+{left})");
        }
        count += 1;
        match character {
            '\n' => shown.push('⏎'),
            control if control.is_control() => shown.push(' '),
            other => shown.push(other),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOWN: usize = 200;
    const PLAIN: Style = Style { coloured: false, dated: false, longest: SHOWN };

    const DOCUMENT: &str = r#"{"@timestamp":"2026-11-22T10:15:30.123456789Z","message":"a\nb","level":"ERROR",
        "app":"flyteadmin","component":"admin","execution_id":"abcdefghijklmnopqrst"}"#;

    #[test]
    fn has_its_columns_below_their_names() {
        let line = render(DOCUMENT.as_bytes(), PLAIN);
        assert_eq!(line, "10:15:30.123Z ERROR flyteadmin/admin          abcdefghijklmnopqrst a⏎b");
        assert_eq!(header(false).find("message"), line.find('⏎').map(|at| at - 1));
        let dated = render(DOCUMENT.as_bytes(), Style { dated: true, ..PLAIN });
        assert!(dated.starts_with("2026-11-22T10:15:30.123Z ERROR "), "{dated}");
        assert_eq!(header(true).find("message"), dated.find('⏎').map(|at| at - 1));
        let quiet = render(br#"{"app":"datacatalog","component":"datacatalog","message":"m"}"#, PLAIN);
        assert_eq!(quiet, "            Z       datacatalog               -                    m");
        let ecs = r#"{"@timestamp":"2026-11-22T10:15:30.123456789Z","message":"a\nb","log.level":"ERROR",
            "service.name":"flyteadmin","flyte.component":"admin","flyte.execution_id":"abcdefghijklmnopqrst"}"#;
        assert_eq!(render(ecs.as_bytes(), PLAIN), line);
    }

    #[test]
    fn colours_are_only_where_they_are_wanted() {
        let line = render(DOCUMENT.as_bytes(), Style { coloured: true, ..PLAIN });
        assert!(line.contains("\x1b[1;31mERROR\x1b[0m"), "{line}");
        assert!(!render(DOCUMENT.as_bytes(), PLAIN).contains('\x1b'));
    }

    #[test]
    fn messages_do_nothing_to_the_terminal() {
        assert_eq!(visible("\x1b[1;32mGET\x1b[0m /\x07\tx\x1b]0;t\x1b[", SHOWN), "GET /  x ]0;t");
        let long = "é".repeat(SHOWN + 7);
        assert_eq!(visible(&long, SHOWN), format!("{}… (+7)", "é".repeat(SHOWN)));
        assert_eq!(visible(&long[..2 * SHOWN], SHOWN), "é".repeat(SHOWN));
        assert_eq!(render(b"not\x1b json", PLAIN), "not  json");
    }
}
