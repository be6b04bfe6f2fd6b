//! Kubernetes' label selectors, as `kubectl -l` takes them.

use std::fmt;

use crate::record::PodMetadata;

/// Requirements on a pod's labels, all of which must be met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector(Vec<Requirement>);

/// Why a text is no selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// Nothing is required.
    #[error("a requirement is missing")]
    Empty,
    /// It is none of the forms.
    #[error("`{0}` is no requirement of a label selector")]
    Malformed(String),
    /// It has no label's name where one must stand.
    #[error("`{0}` is no name of a label")]
    Key(String),
    /// A parenthesis stands alone.
    #[error("`{0}` has a parenthesis without its other one")]
    Unbalanced(String),
}

/// How a selector may be written.
pub const SYNTAX: &str = "requirements are `name`, `!name`, `name=value`, `name!=value`, `name in (a, b)` and \
                          `name notin (a, b)`, separated by commas";

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Exists,
    Absent,
    In(Vec<String>),
    /// A pod without the label meets it, too.
    NotIn(Vec<String>),
}

impl Selector {
    /// Reads a selector.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        requirements(text)?.into_iter().map(Requirement::parse).collect::<Result<_, _>>().map(Self)
    }

    /// The pod meets all requirements.
    #[must_use]
    pub fn matches(&self, pod: &PodMetadata) -> bool {
        self.0.iter().all(|requirement| requirement.is_met(pod))
    }
}

/// What stands between commas outside of parentheses.
fn requirements(text: &str) -> Result<Vec<&str>, SelectorError> {
    let (mut parts, mut start, mut is_inside) = (Vec::new(), 0, false);
    for (at, letter) in text.char_indices() {
        match letter {
            '(' | ')' if is_inside == (letter == '(') => return Err(SelectorError::Unbalanced(text.to_owned())),
            '(' | ')' => is_inside = letter == '(',
            ',' if !is_inside => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if is_inside {
        return Err(SelectorError::Unbalanced(text.to_owned()));
    }
    parts.push(&text[start..]);
    Ok(parts)
}

impl Requirement {
    fn parse(text: &str) -> Result<Self, SelectorError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(SelectorError::Empty);
        }
        let malformed = || SelectorError::Malformed(text.to_owned());
        let (key, what) = if let Some(key) = text.strip_prefix('!') {
            (key, What::Absent)
        } else if let Some(list) = text.strip_suffix(')') {
            let (head, values) = list.split_once('(').ok_or_else(malformed)?;
            let values = values.split(',').map(value).collect::<Option<_>>().ok_or_else(malformed)?;
            match head.trim().rsplit_once(char::is_whitespace).ok_or_else(malformed)? {
                (key, "in") => (key, What::In(values)),
                (key, "notin") => (key, What::NotIn(values)),
                _ => return Err(malformed()),
            }
        } else if let Some((key, other)) = text.split_once("!=") {
            (key, What::NotIn(vec![value(other).ok_or_else(malformed)?]))
        } else if let Some((key, other)) = text.split_once('=') {
            (key, What::In(vec![value(other.strip_prefix('=').unwrap_or(other)).ok_or_else(malformed)?]))
        } else {
            (text, What::Exists)
        };
        let key = key.trim();
        if !is_key(key) {
            return Err(SelectorError::Key(key.to_owned()));
        }
        Ok(Self { key: key.to_owned(), what })
    }

    fn is_met(&self, pod: &PodMetadata) -> bool {
        let label = pod.label(&self.key);
        let is_one_of = |values: &[String]| label.is_some_and(|label| values.iter().any(|value| value == label));
        match &self.what {
            What::Exists => label.is_some(),
            What::Absent => label.is_none(),
            What::In(values) => is_one_of(values),
            What::NotIn(values) => !is_one_of(values),
        }
    }
}

/// A label's value, which may be empty.
fn value(text: &str) -> Option<String> {
    let text = text.trim();
    text.chars().all(is_inner).then(|| text.to_owned())
}

/// `[<prefix>/]<name>`.
fn is_key(text: &str) -> bool {
    let (prefix, name) = text.split_once('/').unwrap_or(("a", text));
    [prefix, name].iter().all(|part| {
        let is_end = |end: Option<char>| end.is_some_and(|letter| letter.is_ascii_alphanumeric());
        is_end(part.chars().next()) && is_end(part.chars().last()) && part.chars().all(is_inner)
    })
}

fn is_inner(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.')
}

impl fmt::Display for Selector {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, Requirement { key, what }) in self.0.iter().enumerate() {
            out.write_str(if number == 0 { "" } else { "," })?;
            match what {
                What::Exists => write!(out, "{key}")?,
                What::Absent => write!(out, "!{key}")?,
                What::In(values) => write!(out, "{key} in ({})", values.join(","))?,
                What::NotIn(values) => write!(out, "{key} notin ({})", values.join(","))?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(labels: &[(&str, &str)]) -> PodMetadata {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        PodMetadata { labels, ..PodMetadata::default() }
    }

    #[test]
    fn pods_that_meet_it() {
        let web = pod(&[("app", "web"), ("tier", "front"), ("flyte.org/run", "r1"), ("empty", "")]);
        for (selector, is_met) in [
            ("app=web", true),
            ("app==web , tier!=cache", true),
            ("app = web,tier=cache", false),
            ("execution-id", false),
            ("flyte.org/run", true),
            ("!flyte.org/run", false),
            ("!other", true),
            ("app in (api, web),tier in (front)", true),
            ("app in (api)", false),
            ("app notin (api,web)", false),
            ("other notin (api)", true),
            ("other!=x", true),
            ("empty=", true),
            ("app=", false),
            ("in in (a)", false),
        ] {
            let read = Selector::parse(selector).unwrap();
            assert_eq!(read.matches(&web), is_met, "{selector}");
            assert_eq!(Selector::parse(&read.to_string()).unwrap(), read, "{selector}");
        }
    }

    #[test]
    fn what_is_none_is_told() {
        for (text, error) in [
            ("", SelectorError::Empty),
            ("app=web,", SelectorError::Empty),
            ("app in web)", SelectorError::Unbalanced("app in web)".to_owned())),
            ("app in (web", SelectorError::Unbalanced("app in (web".to_owned())),
            ("app of (web)", SelectorError::Malformed("app of (web)".to_owned())),
            ("(web)", SelectorError::Malformed("(web)".to_owned())),
            ("app=a b", SelectorError::Malformed("app=a b".to_owned())),
            ("my app", SelectorError::Key("my app".to_owned())),
            ("a/b/c=d", SelectorError::Key("a/b/c".to_owned())),
            ("-a=b", SelectorError::Key("-a".to_owned())),
            ("count>1", SelectorError::Key("count>1".to_owned())),
        ] {
            assert_eq!(Selector::parse(text), Err(error), "{text}");
        }
    }
}
