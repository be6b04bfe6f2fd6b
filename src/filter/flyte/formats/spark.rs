//! Spark's log4j console pattern: `26/08/21 12:00:01 INFO Class: message`. Class and message stay
//! together.

use super::{Line, behind, capital_level, split_at_byte};

pub(super) fn read(text: &[u8]) -> Option<Line<'_>> {
    let (word, message) = split_at_byte(behind(text, b"00/00/00 00:00:00 ")?, b' ')?;
    Some(Line { message: Some(message), level: Some(capital_level(word)?), ..Line::default() })
}

#[cfg(test)]
mod tests {
    use super::super::shown;

    #[test]
    fn reads_spark() {
        assert_eq!(shown("26/08/21 12:00:01 INFO DAGScheduler: no ERROR"), "Info | DAGScheduler: no ERROR");
        assert_eq!(shown("26/08/21 12:00:01 WARN X: a\n\tat b"), "Warn | X: a\n\tat b");
        for line in [
            "26/08/21 12:00:01 started X: y",
            "26/08/21 12:00:01 info X: y",
            "26/08/21 12:00:01 INFO",
            "26/08/21 ERROR x",
        ] {
            assert_eq!(shown(line), format!("- | {line}"));
        }
    }
}
