//! Writes a query so that it reads the same.

use std::fmt::{self, Display, Formatter};

use super::ast::{Query, Value};
use super::lexer::{is_blank, keyword};
use super::pattern::Pattern;

impl Display for Query {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => Ok(()),
            Self::Or(all) => joined(all, " or ", formatter),
            Self::And(all) => joined(all, " and ", formatter),
            Self::Not(query) => {
                formatter.write_str("not ")?;
                operand(query, formatter)
            }
            Self::Is { field: None, value } => write!(formatter, "{value}"),
            Self::Is { field: Some(field), value } => write!(formatter, "{}:{value}", name(field)),
            Self::Range { field, comparison, value } => {
                write!(formatter, "{} {} {}", name(&Pattern::literal(field)), comparison.symbol(), quoted(value))
            }
            Self::Nested { path, query } => write!(formatter, "{}:{{ {query} }}", name(&Pattern::literal(path))),
        }
    }
}

impl Display for Value {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Phrase(text) => formatter.write_str(&quoted(text)),
            Self::Words(words) => formatter.write_str(&unquoted(words, false)),
        }
    }
}

fn joined(all: &[Query], between: &str, formatter: &mut Formatter<'_>) -> fmt::Result {
    for (index, query) in all.iter().enumerate() {
        if index > 0 {
            formatter.write_str(between)?;
        }
        match query {
            Query::Not(_) => write!(formatter, "{query}")?,
            _ => operand(query, formatter)?,
        }
    }
    Ok(())
}

/// A part in brackets if it has parts itself.
fn operand(query: &Query, formatter: &mut Formatter<'_>) -> fmt::Result {
    match query {
        Query::Or(_) | Query::And(_) | Query::Not(_) => write!(formatter, "({query})"),
        _ => write!(formatter, "{query}"),
    }
}

/// A field's name is one word.
fn name(field: &Pattern) -> String {
    if field.text().is_empty() { "\"\"".to_owned() } else { unquoted(field, true) }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn unquoted(words: &Pattern, is_one_word: bool) -> String {
    let count = words.parts().len();
    let escaped = words.parts().iter().enumerate().map(|(index, part)| {
        let (is_first, is_last) = (index == 0, index + 1 == count);
        let end = part.chars().count();
        let escape = |(place, character): (usize, char)| {
            let is_edge = is_first && place == 0 || is_last && place + 1 == end;
            escaped(character, is_one_word || is_edge)
        };
        part.chars().enumerate().map(escape).collect::<String>()
    });
    let text = escaped.collect::<Vec<_>>().join("*");
    let words = text.split(' ').map(|word| match keyword(word) {
        Some(_) => format!("\\{word}"),
        None => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn escaped(character: char, is_blank_escaped: bool) -> String {
    match character {
        '\\' | '(' | ')' | ':' | '<' | '>' | '"' | '*' | '{' | '}' => format!("\\{character}"),
        ' ' if !is_blank_escaped => " ".to_owned(),
        blank if is_blank(blank) => format!("\\u{:04x}", u32::from(blank)),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use crate::kql::parse;

    #[test]
    fn is_written_with_the_brackets_that_it_needs() {
        for (typed, written) in [
            ("", ""),
            ("a : b  AND NOT c:\"d\"", "a:b and not c:\"d\""),
            ("a:(b or not (c and d))", "a:b or not (a:c and a:d)"),
            ("(1 or 2) or 3", "(1 or 2) or 3"),
            ("((1))", "1"),
            ("a>=5", "a >= \"5\""),
            ("\"x y\":\\or and \\not z\\*", "x\\u0020y:\\or and \\not z\\*"),
            ("\\u0020a\\tb", "\\u0020a\\u0009b"),
            ("a:{ b:1 or c:2 }", "a:{ b:1 or c:2 }"),
            ("\"\":\"\"", "\"\":\"\""),
        ] {
            assert_eq!(parse(typed).unwrap().to_string(), written);
        }
    }
}
