//! What is wrong with a query, where, and how it is mended.

/// A query that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {problem}: {}", problem.hint())]
pub struct KqlError {
    /// Characters up to the mistake, which is one of them: the first has column 1.
    pub column: usize,
    /// The mistake.
    pub problem: Problem,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// `"…`
    #[error("the quote is not closed")]
    OpenQuote,
    /// `(…`
    #[error("`{0}` is not closed")]
    OpenBracket(char),
    /// `…)`
    #[error("`{0}` closes nothing")]
    LoneBracket(char),
    /// `\x`
    #[error("`\\{0}` means nothing")]
    Escape(char),
    /// `\` at the end.
    #[error("nothing follows the `\\`")]
    EscapeAtEnd,
    /// `\u12`
    #[error("`\\u` is followed by other than four hexadecimal digits of a character")]
    Unicode,
    /// `and x`, `x or`, `()`
    #[error("a search is missing here")]
    MissingSearch,
    /// `field:`
    #[error("the value is missing")]
    MissingValue,
    /// `:value`
    #[error("the field is missing")]
    MissingField,
    /// `a "b"`, `(a) b`
    #[error("`{0}` follows without `and` or `or`")]
    MissingOperator(String),
    /// `a:b:c`
    #[error("a second `{0}` for the same value")]
    SecondOperator(String),
    /// `field:(a:b)`
    #[error("a field among the values of another one")]
    FieldAmongValues,
    /// `field:not value`, `not not value`
    #[error("`not` does not belong here")]
    Not,
    /// `field > *`
    #[error("a range ends at a value, which has no asterisks")]
    RangeOfWildcard,
    /// `fie* > value`
    #[error("a range is one of a single field, without asterisks")]
    RangeInWildcard,
    /// `fie*:{…}`
    #[error("the field of nested objects is one field, without asterisks")]
    NestedInWildcard,
    /// Parentheses in parentheses in …
    #[error("more than {0} levels of brackets")]
    TooDeep(usize),
}

impl Problem {
    /// How it is mended.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::OpenQuote => "end it with `\"`, or write `\\\"` for the character",
            Self::OpenBracket(_) => "close it, or write `\\` before it for the character",
            Self::LoneBracket(_) => "take it away, or write `\\` before it for the character",
            Self::Escape(_) | Self::EscapeAtEnd => "write `\\\\` for a backslash, or quote the value",
            Self::Unicode => "write the character itself, or for instance `\\u00e9`",
            Self::MissingSearch => "write one, such as level:ERROR; the words and, or, not are quoted as values",
            Self::MissingValue => "write one, or `*` for any, or `\"\"` for an empty text",
            Self::MissingField => "write its name before it, or quote the text if it is a value",
            Self::MissingOperator(_) => "put `and` or `or` before it, or quotes around all that belongs together",
            Self::SecondOperator(_) => "quote a value that has it, as in \"10:15\"",
            Self::FieldAmongValues => "write field:(a or b) with values only, or (field:a or other:b)",
            Self::Not => "write it once and before the field, as in not level:INFO",
            Self::RangeOfWildcard => "give the value, or quote it",
            Self::RangeInWildcard | Self::NestedInWildcard => "write its whole name",
            Self::TooDeep(_) => "write it with fewer of them",
        }
    }
}

impl KqlError {
    pub(super) fn at(text: &str, offset: usize, problem: Problem) -> Self {
        let column = 1 + text.get(..offset).unwrap_or(text).chars().count();
        Self { column, problem }
    }

    /// The query with a mark below the mistake.
    #[must_use]
    pub fn excerpt(&self, query: &str) -> String {
        let shown: String =
            query.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
        format!("  {shown}\n  {:>width$}", "^", width = self.column)
    }
}
