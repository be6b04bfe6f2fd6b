//! What a query says.

use super::pattern::Pattern;

/// A query, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// Nothing was typed: every document.
    Everything,
    /// One of them holds; two or more.
    Or(Vec<Query>),
    /// All of them hold; two or more.
    And(Vec<Query>),
    /// It does not hold.
    Not(Box<Query>),
    /// `field:value`, or a value alone.
    Is {
        /// The field; any field without it.
        field: Option<Pattern>,
        /// What it is.
        value: Value,
    },
    /// `field >= value`
    Range {
        /// The field.
        field: String,
        /// How it compares.
        comparison: Comparison,
        /// With what.
        value: String,
    },
    /// `path:{ query }`: holds within one object.
    Nested {
        /// The field of objects.
        path: String,
        /// Its fields are named without the path.
        query: Box<Query>,
    },
}

/// A value as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Between quotes: these words one after the other.
    Phrase(String),
    /// Without quotes: one of these words, asterisks among them.
    Words(Pattern),
}

/// How a value compares with that of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
}

impl Query {
    /// Both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Everything, query) | (query, Self::Everything) => query,
            (one, other) => Self::And(vec![one, other]),
        }
    }

    /// `field:"text"`
    #[must_use]
    pub fn phrase(field: &str, text: &str) -> Self {
        Self::Is { field: Some(Pattern::literal(field)), value: Value::Phrase(text.to_owned()) }
    }
}

impl Comparison {
    /// As it is typed.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
        }
    }

    /// As a server's range query calls it.
    #[must_use]
    pub fn parameter(self) -> &'static str {
        match self {
            Self::Greater => "gt",
            Self::GreaterOrEqual => "gte",
            Self::Less => "lt",
            Self::LessOrEqual => "lte",
        }
    }

    /// Whether `one` compares like this with `other`.
    pub(super) fn holds<T: PartialOrd + ?Sized>(self, one: &T, other: &T) -> bool {
        match self {
            Self::Greater => one > other,
            Self::GreaterOrEqual => one >= other,
            Self::Less => one < other,
            Self::LessOrEqual => one <= other,
        }
    }
}
