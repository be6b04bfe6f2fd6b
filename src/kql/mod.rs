//! Kibana's query language (KQL): read, shown again, turned into a server's query, or matched against a document.
//!
//! ```text
//! text ──parse──▶ Query ──to_query──▶ query DSL of Elasticsearch and OpenSearch
//!                   │ ├───Display──▶ text that reads the same
//!                   └─┴───Matcher──▶ yes or no for a document, as a server with this mapping would say
//! ```
//!
//! | | |
//! |---|---|
//! | `level:ERROR` | the field is this value (keyword), or has one of these words (text) |
//! | `message:"is gone"` | has these words one after the other |
//! | `message:*FAILED*`, `kube*.host:x` | asterisks in values and names stand for any text |
//! | `fields.took_ms:*` | the field is there |
//! | `order >= 5`, `@timestamp < "2026-11-22T10:00:00Z"` | ranges: `>`, `>=`, `<`, `<=` |
//! | `app:(flyteadmin or datacatalog)` | one of a list; `and` and `not` work inside, too |
//! | `timeout` | any field |
//! | `not a:1 and b:2 or c:3` | `not` before `and` before `or`, in capitals or not; parentheses |
//! | `a:{ b:1 and c:2 }` | within one object of a field that is mapped as `nested` |
//!
//! `\` before one of `\():<>"*{}` or before `and`, `or`, `not` takes its meaning away; `\t`, `\r`, `\n` and `\u00e9`
//! are characters. Between quotes only `\"`, `\\` and those characters are special. Where Kibana lets a slip pass
//! (`or` at the start or the end, a field behind a word without `and`) this is an error with a hint.

mod analysis;
mod ast;
mod calendar;
mod error;
mod lexer;
mod mapping;
mod matcher;
mod parser;
mod pattern;
mod print;
#[cfg(test)]
mod properties;
mod to_query;

pub use ast::{Comparison, Query, Value};
pub use error::{KqlError, Problem};
pub use mapping::Mapping;
pub use matcher::{MatchError, Matcher};
pub use parser::parse;
pub use pattern::Pattern;
