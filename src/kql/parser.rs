//! Reads a query: `or` of `and` of `not` of what is in brackets, a field with its values, a range, or a value.

use super::ast::{Comparison, Query, Value};
use super::error::{KqlError, Problem};
use super::lexer::{Kind, Token, tokens};
use super::pattern::Pattern;

/// Levels of brackets. A server takes fewer (30 unless set), and the stack many more.
const DEEPEST: usize = 100;

/// Reads a query.
///
/// # Errors
/// If it is none, with the place of the mistake and what to write instead.
pub fn parse(text: &str) -> Result<Query, KqlError> {
    let mut parser = Parser { text, tokens: tokens(text)?, next: 0, depth: 0 };
    if parser.peek() == &Kind::End {
        return Ok(Query::Everything);
    }
    let query = parser.alternatives(&Parser::expression)?;
    match parser.peek() {
        Kind::End => Ok(query),
        _ => Err(parser.misplaced()),
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    /// `a or b and not c`, where `part` reads an operand: of the query, or of a list of values.
    fn alternatives<F>(&mut self, part: &F) -> Result<Query, KqlError>
    where
        F: Fn(&mut Self) -> Result<Query, KqlError>,
    {
        let mut all = vec![self.conjunction(part)?];
        while self.take(&Kind::Or) {
            all.push(self.conjunction(part)?);
        }
        Ok(single_or(all, Query::Or))
    }

    fn conjunction<F>(&mut self, part: &F) -> Result<Query, KqlError>
    where
        F: Fn(&mut Self) -> Result<Query, KqlError>,
    {
        let mut all = vec![self.negation(part)?];
        while self.take(&Kind::And) {
            all.push(self.negation(part)?);
        }
        Ok(single_or(all, Query::And))
    }

    fn negation<F>(&mut self, part: &F) -> Result<Query, KqlError>
    where
        F: Fn(&mut Self) -> Result<Query, KqlError>,
    {
        if !self.take(&Kind::Not) {
            return part(self);
        }
        if self.peek() == &Kind::Not {
            return Err(self.error(Problem::Not));
        }
        Ok(Query::Not(Box::new(part(self)?)))
    }

    fn expression(&mut self) -> Result<Query, KqlError> {
        match self.peek().clone() {
            Kind::Open => self.bracketed(Kind::Close, &Self::expression),
            Kind::Word(_) | Kind::Quoted(_) => self.field_or_value(),
            Kind::Colon | Kind::Comparison(_) => Err(self.error(Problem::MissingField)),
            Kind::CloseBrace | Kind::OpenBrace => Err(self.misplaced()),
            Kind::Close if self.depth == 0 => Err(self.misplaced()),
            Kind::Close | Kind::And | Kind::Or | Kind::Not | Kind::End => Err(self.error(Problem::MissingSearch)),
        }
    }

    /// What is between a bracket, which is next, and the one that closes it.
    fn bracketed<F>(&mut self, closing: Kind, part: &F) -> Result<Query, KqlError>
    where
        F: Fn(&mut Self) -> Result<Query, KqlError>,
    {
        let start = self.token().start;
        if self.depth == DEEPEST {
            return Err(self.error(Problem::TooDeep(DEEPEST)));
        }
        self.next += 1;
        self.depth += 1;
        let inner = self.alternatives(part)?;
        self.depth -= 1;
        if self.take(&closing) {
            return Ok(inner);
        }
        let bracket = if closing == Kind::Close { '(' } else { '{' };
        Err(match self.peek() {
            Kind::End => KqlError::at(self.text, start, Problem::OpenBracket(bracket)),
            _ => self.misplaced(),
        })
    }

    fn field_or_value(&mut self) -> Result<Query, KqlError> {
        match self.behind().clone() {
            Kind::Colon => {
                let field = self.name();
                self.next += 1;
                self.value_of(field)
            }
            Kind::Comparison(_) if matches!(self.peek(), Kind::Word(name) if name.is_wildcard()) => {
                Err(self.error(Problem::RangeInWildcard))
            }
            Kind::Comparison(comparison) => {
                let field = self.name();
                self.next += 1;
                self.range(field, comparison)
            }
            _ => Ok(Query::Is { field: None, value: self.value()? }),
        }
    }

    /// A field's name.
    fn name(&mut self) -> Pattern {
        let token = self.advance();
        match token.kind {
            Kind::Word(name) => name,
            Kind::Quoted(name) => Pattern::literal(&name),
            _ => Pattern::literal(&self.text[token.start..token.end]),
        }
    }

    /// What follows `field:`.
    fn value_of(&mut self, field: Pattern) -> Result<Query, KqlError> {
        match self.peek() {
            Kind::Open => {
                let value = |parser: &mut Self| parser.listed(&field);
                self.bracketed(Kind::Close, &value)
            }
            Kind::OpenBrace if field.is_wildcard() => Err(self.error(Problem::NestedInWildcard)),
            Kind::OpenBrace => {
                let query = Box::new(self.bracketed(Kind::CloseBrace, &Self::expression)?);
                Ok(Query::Nested { path: field.text(), query })
            }
            _ => Ok(Query::Is { field: Some(field), value: self.value()? }),
        }
    }

    /// One of a list of values.
    fn listed(&mut self, field: &Pattern) -> Result<Query, KqlError> {
        if self.peek() == &Kind::Open {
            let value = |parser: &mut Self| parser.listed(field);
            return self.bracketed(Kind::Close, &value);
        }
        if matches!(self.peek(), Kind::And | Kind::Or) {
            return Err(self.error(Problem::MissingValue));
        }
        if matches!(self.behind(), Kind::Colon | Kind::Comparison(_)) {
            return Err(self.error(Problem::FieldAmongValues));
        }
        Ok(Query::Is { field: Some(field.clone()), value: self.value()? })
    }

    fn range(&mut self, field: Pattern, comparison: Comparison) -> Result<Query, KqlError> {
        let start = self.token().start;
        let value = match self.value()? {
            Value::Phrase(text) => text,
            Value::Words(words) if words.is_wildcard() => {
                return Err(KqlError::at(self.text, start, Problem::RangeOfWildcard));
            }
            Value::Words(words) => words.text(),
        };
        Ok(Query::Range { field: field.text(), comparison, value })
    }

    /// A quoted text, or words up to something else, with the blanks between them as they are.
    fn value(&mut self) -> Result<Value, KqlError> {
        let first = self.token().clone();
        let mut words = match first.kind {
            Kind::Quoted(text) => {
                self.next += 1;
                self.ends_here()?;
                return Ok(Value::Phrase(text));
            }
            Kind::Word(word) => word,
            // Right behind a field these are values: state:OR.
            Kind::And | Kind::Or => Pattern::literal(&self.text[first.start..first.end]),
            Kind::Not => return Err(self.error(Problem::Not)),
            Kind::Colon | Kind::Comparison(_) => return Err(self.second_operator()),
            _ => return Err(self.error(Problem::MissingValue)),
        };
        self.next += 1;
        let mut end = first.end;
        while let Token { kind: Kind::Word(word), start, end: word_end } = self.token().clone() {
            if matches!(self.behind(), Kind::Colon | Kind::Comparison(_)) {
                return Err(self.misplaced());
            }
            words.push_text(&self.text[end..start]);
            words.append(&word);
            end = word_end;
            self.next += 1;
        }
        self.ends_here()?;
        Ok(Value::Words(words))
    }

    /// A value is not followed by another one or by a second colon.
    fn ends_here(&self) -> Result<(), KqlError> {
        match self.peek() {
            Kind::Colon | Kind::Comparison(_) => Err(self.second_operator()),
            Kind::Quoted(_) | Kind::Word(_) | Kind::Open | Kind::OpenBrace | Kind::Not => Err(self.misplaced()),
            _ => Ok(()),
        }
    }

    fn second_operator(&self) -> KqlError {
        self.error(Problem::SecondOperator(self.source()))
    }

    /// What stands where `and`, `or` or the end should.
    fn misplaced(&self) -> KqlError {
        let problem = match self.peek() {
            Kind::Close => Problem::LoneBracket(')'),
            Kind::CloseBrace => Problem::LoneBracket('}'),
            Kind::OpenBrace => Problem::MissingField,
            _ => Problem::MissingOperator(self.source()),
        };
        self.error(problem)
    }

    /// The next piece as it was typed.
    fn source(&self) -> String {
        self.text[self.token().start..self.token().end].to_owned()
    }

    fn error(&self, problem: Problem) -> KqlError {
        KqlError::at(self.text, self.token().start, problem)
    }

    /// The next piece. The last one, which is the end, is never passed.
    fn token(&self) -> &Token {
        &self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    fn peek(&self) -> &Kind {
        &self.token().kind
    }

    /// The piece behind the next one.
    fn behind(&self) -> &Kind {
        self.tokens.get(self.next + 1).map_or(&Kind::End, |token| &token.kind)
    }

    fn advance(&mut self) -> Token {
        let token = self.token().clone();
        self.next += 1;
        token
    }

    fn take(&mut self, wanted: &Kind) -> bool {
        let is_next = self.peek() == wanted;
        self.next += usize::from(is_next);
        is_next
    }
}

/// The only one, or all of them as one.
fn single_or(mut all: Vec<Query>, whole: fn(Vec<Query>) -> Query) -> Query {
    match all.pop() {
        Some(only) if all.is_empty() => only,
        Some(last) => {
            all.push(last);
            whole(all)
        }
        None => Query::Everything,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_told_with_their_place() {
        let missing = |what: &str| Problem::MissingOperator(what.to_owned());
        for (text, column, problem) in [
            ("level:", 7, Problem::MissingValue),
            ("level:ERROR and", 16, Problem::MissingSearch),
            ("or a", 1, Problem::MissingSearch),
            ("()", 2, Problem::MissingSearch),
            ("a and and b", 7, Problem::MissingSearch),
            ("a:()", 4, Problem::MissingValue),
            ("a:(b or )", 9, Problem::MissingValue),
            (":a", 1, Problem::MissingField),
            (" >= 5", 2, Problem::MissingField),
            ("{a:b}", 1, Problem::MissingField),
            ("a:{b", 3, Problem::OpenBracket('{')),
            ("(a or (b)", 1, Problem::OpenBracket('(')),
            ("a)", 2, Problem::LoneBracket(')')),
            (")", 1, Problem::LoneBracket(')')),
            ("(a}", 3, Problem::LoneBracket('}')),
            ("é:\"x", 3, Problem::OpenQuote),
            ("é:x\\d", 4, Problem::Escape('d')),
            ("x\\", 2, Problem::EscapeAtEnd),
            ("x\\u12", 2, Problem::Unicode),
            ("\"\\ud800\"", 2, Problem::Unicode),
            ("a:b c:d", 5, missing("c")),
            ("foo bar:baz", 5, missing("bar")),
            ("(a) b", 5, missing("b")),
            ("a \"b c\"", 3, missing("\"b c\"")),
            ("a not b", 3, missing("not")),
            ("a(b)", 2, missing("(")),
            ("a:b:c", 4, Problem::SecondOperator(":".into())),
            ("@timestamp >= 2026-11-22T10:15", 28, Problem::SecondOperator(":".into())),
            ("a::b", 3, Problem::SecondOperator(":".into())),
            ("a:(b:c)", 4, Problem::FieldAmongValues),
            ("not not a", 5, Problem::Not),
            ("a:not b", 3, Problem::Not),
            ("a > b*", 5, Problem::RangeOfWildcard),
            ("a* > b", 1, Problem::RangeInWildcard),
            ("a*:{b:c}", 4, Problem::NestedInWildcard),
        ] {
            assert_eq!(parse(text), Err(KqlError { column, problem }), "{text}");
        }
        let deep = "(".repeat(DEEPEST + 1) + "a";
        assert_eq!(parse(&deep).unwrap_err().problem, Problem::TooDeep(DEEPEST));
        assert!(parse(&("(".repeat(DEEPEST) + "a" + &")".repeat(DEEPEST))).is_ok());
    }

    #[test]
    fn a_mistake_is_shown_below_the_query() {
        let query = "level:ERROR and\tapp:";
        let error = parse(query).unwrap_err();
        assert_eq!(error.excerpt(query), "  level:ERROR and app:\n                      ^");
        assert_eq!(
            error.to_string(),
            "column 21: the value is missing: write one, or `*` for any, or `\"\"` for an empty text"
        );
    }
}
