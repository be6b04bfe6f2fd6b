//! Which records go through a filter or to an output: `Match` and `Match_Regex` against the tag.

use std::fmt;

use regex::Regex;

use super::overlap::{Wildcards, overlap};

/// What a filter or an output takes. With both a pattern and a regular expression, either is
/// enough; with neither, nothing matches.
#[derive(Debug, Clone, Default)]
pub struct Match {
    pattern: Option<String>,
    expression: Option<Regex>,
}

impl Match {
    /// Matches no tag.
    #[must_use]
    pub fn never() -> Self {
        Self::default()
    }

    /// Matches every tag.
    #[must_use]
    pub fn everything() -> Self {
        Self::pattern("*")
    }

    /// Matches tags by a pattern, in which `*` stands for any run of characters.
    #[must_use]
    pub fn pattern(pattern: &str) -> Self {
        Self { pattern: Some(pattern.to_owned()), expression: None }
    }

    /// The same, and tags whose beginning matches a regular expression (`Match_Regex`).
    ///
    /// # Errors
    /// The expression is not one that this engine understands.
    pub fn or_expression(mut self, expression: &str) -> Result<Self, regex::Error> {
        // Fluent Bit allows the Ruby spelling `/…/`, and matches from the start of the tag on.
        let inner = expression.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')).unwrap_or(expression);
        // Compiled alone first: an unbalanced `)` must not close the group around it.
        Regex::new(inner)?;
        self.expression = Some(Regex::new(&format!(r"\A(?:{inner})"))?);
        Ok(self)
    }

    /// Whether a record with this tag is taken.
    #[must_use]
    pub fn matches(&self, tag: &str) -> bool {
        self.expression.as_ref().is_some_and(|expression| expression.is_match(tag))
            || self.pattern.as_deref().is_some_and(|pattern| glob(pattern.as_bytes(), tag.as_bytes()))
    }

    /// Whether a tag could be taken of which only a pattern is known, with `*` for what is not.
    #[must_use]
    pub fn may_match(&self, tags: &str) -> bool {
        let by_expression = |expression: &Regex| tags.contains('*') || expression.is_match(tags);
        self.expression.as_ref().is_some_and(by_expression)
            || self.pattern.as_deref().is_some_and(|pattern| overlap(pattern, tags, Wildcards::Tag))
    }

    /// Whether there is nothing that could match.
    #[must_use]
    pub fn is_never(&self) -> bool {
        self.pattern.is_none() && self.expression.is_none()
    }
}

/// As a configuration spells it.
impl fmt::Display for Match {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without what `or_expression` put around it.
        let inner = |expression: &Regex| {
            let text = expression.as_str();
            text.strip_prefix(r"\A(?:").and_then(|text| text.strip_suffix(')')).unwrap_or(text).to_owned()
        };
        match (&self.pattern, self.expression.as_ref().map(inner)) {
            (None, None) => formatter.write_str("no Match"),
            (Some(pattern), None) => write!(formatter, "Match {pattern}"),
            (None, Some(expression)) => write!(formatter, "Match_Regex {expression}"),
            (Some(pattern), Some(expression)) => write!(formatter, "Match {pattern} or Match_Regex {expression}"),
        }
    }
}

/// Whether `pattern` covers all of `tag`: `*` is any run of bytes, all else is itself.
fn glob(pattern: &[u8], tag: &[u8]) -> bool {
    let (mut at_pattern, mut at_tag) = (0, 0);
    // Behind the last `*`, and the byte of the tag from which it was tried last.
    let mut retry: Option<(usize, usize)> = None;
    while at_tag < tag.len() {
        if pattern.get(at_pattern) == Some(&b'*') {
            at_pattern += 1;
            retry = Some((at_pattern, at_tag));
        } else if pattern.get(at_pattern) == Some(&tag[at_tag]) {
            at_pattern += 1;
            at_tag += 1;
        } else if let Some((behind_star, tried)) = retry {
            at_pattern = behind_star;
            at_tag = tried + 1;
            retry = Some((behind_star, at_tag));
        } else {
            return false;
        }
    }
    pattern[at_pattern..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_the_whole_tag() {
        for (pattern, tag, expected) in [
            ("*", "", true),
            ("*", "kube.var.log", true),
            ("kube.*", "kube.var.log.containers.a.log", true),
            ("kube.*", "kube.", true),
            ("kube.*", "kube", false),
            ("kube.*", "xkube.a", false),
            ("kube.*", "Kube.a", false),
            ("kube", "kube", true),
            ("kube", "kube.a", false),
            ("*.log", "kube.a.log", true),
            ("*.log", "kube.a.log.1", false),
            ("k*e.*.log", "kube.a.b.log", true),
            ("a*b*c", "abxbc", true),
            ("a*b*c", "acb", false),
            ("*a*", "bbb", false),
            ("**", "x", true),
            ("k?be", "kube", false),
            ("k?be", "k?be", true),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(Match::pattern(pattern).matches(tag), expected, "{pattern} on {tag}");
        }
    }

    #[test]
    fn an_expression_matches_from_the_start_and_may_stop_early() {
        for (expression, tag, expected) in [
            (r"kube\.", "kube.a.log", true),
            (r"kube\.$", "kube.a.log", false),
            (r"be", "kube", false),
            (r"a|kube", "kube.x", true),
            (r"/^host\..*/", "host.kubelet", true),
            (r"(?<name>k.be)", "kobe", true),
        ] {
            let matcher = Match::never().or_expression(expression).unwrap();
            assert_eq!(matcher.matches(tag), expected, "{expression} on {tag}");
        }
        assert!(Match::never().or_expression("a)(b").is_err());
        assert!(Match::never().or_expression("(").is_err());
    }

    #[test]
    fn either_is_enough_and_neither_is_never() {
        let both = Match::pattern("a.*").or_expression("b").unwrap();
        assert!(both.matches("a.x") && both.matches("bx") && !both.matches("c"));
        assert!(!Match::never().matches("") && Match::never().is_never());
        assert!(Match::everything().matches("x") && !Match::everything().is_never());
    }
}
