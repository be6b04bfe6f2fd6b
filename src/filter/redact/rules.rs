//! What is taken for a secret: rules by their names, and the users' own expressions.

use std::ops::Range;

use regex::bytes::Regex;

use crate::config::expression_fault;

/// The rules that can be named, with what each takes: the first group where there is one, else all of
/// what matches.
pub(super) const NAMED: [(&str, &str); 5] = [
    // RFC 6750 (b64token) and RFC 7617 in headers, however they are printed.
    (
        "bearer",
        r#"(?i:(?-u:\b)bearer["']?[\s=:]+|(?-u:\b)authorization["']?\s*[:=]\s*["']?basic\s+)([A-Za-z0-9._~+/-]{8,}=*)"#,
    ),
    // RFC 7519: header and payload are JSON objects, which begin so in base64.
    ("jwt", r"(?-u:\b)eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"),
    // Access keys of Amazon, API keys and client secrets of Google, account keys of Azure's storage, tokens of GitHub.
    (
        "cloud_keys",
        concat!(
            r"(?-u:\b)(?:AKIA|ASIA)[A-Z0-9]{16}(?-u:\b)",
            r"|(?-u:\b)AIza[A-Za-z0-9_-]{35}|(?-u:\b)GOCSPX-[A-Za-z0-9_-]{28}",
            r"|(?-u:\b)gh[pousr]_[A-Za-z0-9]{36}",
            r"|(?i:account_?key|aws_?secret_?(?:access_?)?key)(?:[\x22']?\s*[:=]\s*[\x22']?)[A-Za-z0-9/+]{40,88}={0,2}"
        ),
    ),
    ("private_keys", r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]*PRIVATE KEY-----|\z)"),
    // RFC 3986, section 3.2.1: what stands behind the colon of the user information.
    ("url_passwords", r#"(?-u:\b)[A-Za-z][A-Za-z0-9+.-]*://[^\s:/@"'?#]*:([^\s/@"'?#]+)@"#),
];

/// Why an expression cannot be a rule.
#[derive(Debug, thiserror::Error)]
pub(super) enum RuleError {
    /// There is no rule of this name.
    #[error("there is no rule `{0}`")]
    Unknown(String),
    /// It is none, or none that fits beside the others.
    #[error("`{0}` is no regular expression that works here: {1}")]
    Expression(String, String),
    /// It would take nothing, everywhere.
    #[error("`{0}` matches the empty text")]
    Empty(String),
}

/// The rules of one filter.
#[derive(Debug)]
pub(super) struct Rules {
    /// All of them as one expression, so that a text without secrets is searched once.
    all: Regex,
    /// Those that were named, then the users' own.
    each: Vec<Rule>,
    named: usize,
    /// Where a text begins or ends may matter to one of the users' own.
    pub(super) is_anchored: bool,
}

/// One rule.
#[derive(Debug)]
pub(super) struct Rule {
    expression: Regex,
    /// The first group, if there is one, is what it takes.
    has_group: bool,
}

impl Rules {
    /// The rules of these names, then these expressions.
    pub(super) fn new(names: &[&str], own: &[&str]) -> Result<Self, RuleError> {
        let named = names.iter().map(|name| {
            let found = NAMED.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, expression)| *expression).ok_or_else(|| RuleError::Unknown((*name).to_owned()))
        });
        let named: Vec<&str> = named.collect::<Result<_, _>>()?;
        let expressions = [&named, own].concat();
        let each = expressions.iter().map(|expression| Rule::new(expression)).collect::<Result<_, _>>()?;
        let all: Vec<String> = expressions.iter().map(|expression| format!("(?:{expression})")).collect();
        let all = Regex::new(&all.join("|"))
            .map_err(|error| RuleError::Expression(expressions.join(" | "), expression_fault(&error)))?;
        Ok(Self {
            all,
            each,
            named: named.len(),
            // A class without some characters looks like it, too: that only costs time.
            is_anchored: own.iter().any(|text| [r"^", r"$", r"\A", r"\z"].iter().any(|anchor| text.contains(anchor))),
        })
    }

    /// Some rule finds something.
    pub(super) fn is_match(&self, text: &[u8]) -> bool {
        self.all.is_match(text)
    }

    pub(super) fn each(&self) -> &[Rule] {
        &self.each
    }

    /// The users' own.
    pub(super) fn own(&self) -> &[Rule] {
        self.each.get(self.named..).unwrap_or_default()
    }
}

impl Rule {
    fn new(expression: &str) -> Result<Self, RuleError> {
        let compiled = Regex::new(expression)
            .map_err(|error| RuleError::Expression(expression.to_owned(), expression_fault(&error)))?;
        if compiled.is_match(b"") {
            return Err(RuleError::Empty(expression.to_owned()));
        }
        let has_group = compiled.captures_len() > 1;
        Ok(Self { expression: compiled, has_group })
    }

    /// It finds something.
    pub(super) fn is_match(&self, text: &[u8]) -> bool {
        self.expression.is_match(text)
    }

    /// What is to be taken out of a text, in its order. Where the first group took no part, all that matched.
    pub(super) fn secrets<'s>(&'s self, text: &'s [u8]) -> impl Iterator<Item = Range<usize>> + 's {
        let with_groups = self.has_group.then(|| self.expression.captures_iter(text));
        let without = (!self.has_group).then(|| self.expression.find_iter(text));
        let groups = with_groups.into_iter().flatten().filter_map(|found| found.get(1).or_else(|| found.get(0)));
        groups.chain(without.into_iter().flatten()).map(|secret| secret.range())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(rules: &Rules, text: &str) -> String {
        let mut out = String::new();
        let mut end = 0;
        let mut secrets: Vec<_> = rules.each().iter().flat_map(|rule| rule.secrets(text.as_bytes())).collect();
        secrets.sort_unstable_by_key(|secret| secret.start);
        for secret in secrets {
            out += &text[end..secret.start];
            out += "#";
            end = secret.end;
        }
        assert_eq!(end > 0, rules.is_match(text.as_bytes()), "{text}");
        out + &text[end..]
    }

    #[test]
    fn named_rules_take_secrets_and_leave_what_looks_alike() {
        let names: Vec<_> = NAMED.iter().map(|(name, _)| *name).collect();
        let rules = Rules::new(&names, &[]).unwrap();
        for (text, expected) in [
            ("Authorization: Bearer abc.DEF-123_~+/== x", "Authorization: Bearer # x"),
            ("authorization=Basic dXNlcjpwYXNzd29yZA==", "authorization=Basic #"),
            ("the bearer of bad news", "the bearer of bad news"),
            ("a basic authorization", "a basic authorization"),
            ("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-_1.", "got #."),
            ("key AKIAIOSFODNN7EXAMPLE used", "key # used"),
            ("MAKIAIOSFODNN7EXAMPLE", "MAKIAIOSFODNN7EXAMPLE"),
            ("x=AIzaSyA1234567890abcdefghijklmnopqrstuv;", "x=#;"),
            ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "#"),
            ("postgres://flyte:s3cret@db:5432/x and http://h:80/", "postgres://flyte:#@db:5432/x and http://h:80/"),
            ("redis://:pw@cache", "redis://:#@cache"),
            ("-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----.", "#."),
        ] {
            assert_eq!(redacted(&rules, text), expected);
        }
    }

    #[test]
    fn own_expressions_may_have_a_group() {
        let rules = Rules::new(&["jwt"], &[r"user=(?<name>\w+)", r"\d{4}-\d{4}"]).unwrap();
        assert_eq!(redacted(&rules, "user=amy card=1234-5678"), "user=# card=#");
        assert_eq!(redacted(&rules, "Bearer abcdefghijkl"), "Bearer abcdefghijkl", "only the rules that are named");
    }

    #[test]
    fn what_cannot_be_a_rule_is_told() {
        assert!(matches!(Rules::new(&["jvt"], &[]), Err(RuleError::Unknown(name)) if name == "jvt"));
        assert!(matches!(Rules::new(&[], &["a("]), Err(RuleError::Expression(..))));
        assert!(matches!(Rules::new(&[], &["(?<a>x)", "(?<a>y)"]), Err(RuleError::Expression(..))));
        assert!(matches!(Rules::new(&[], &["a*"]), Err(RuleError::Empty(_))));
    }
}
