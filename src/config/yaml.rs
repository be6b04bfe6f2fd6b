//! YAML text to a tree of scalars, lists and maps that know where they stand.

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};

use super::problem::Spot;

/// Deeper than this no configuration goes; the tree is walked by recursion.
const DEEPEST: usize = 32;

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) at: Spot,
    pub(super) content: Content,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    /// Nothing stands behind the key.
    Nothing,
    /// A text; Fluent Bit knows no other scalars.
    Text(String),
    List(Vec<Node>),
    /// Keys with their places, in order.
    Map(Vec<(Key, Node)>),
}

/// A key and its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    pub(super) at: Spot,
    pub(super) text: String,
}

/// Why a text is not a tree.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(super) struct Fault {
    pub(super) at: Spot,
    pub(super) message: String,
}

impl Fault {
    fn new(at: Spot, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}

/// Reads the one document of a text; an empty text is an empty map.
pub(super) fn read(text: &str) -> Result<Node, Fault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { parser: Parser::new_from_str(text) };
    let mut root = None;
    while let Some((event, span)) = reader.next()? {
        match event {
            Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {}
            _ if root.is_some() => {
                return Err(Fault::new(spot(span), "a file holds one YAML document, and a second one begins here"));
            }
            event => root = Some(reader.node(event, span, 0)?),
        }
    }
    Ok(root.unwrap_or(Node { at: Spot::default(), content: Content::Nothing }))
}

struct Reader<'t> {
    parser: Parser<'t, saphyr_parser::StrInput<'t>>,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<Option<(Event<'t>, Span)>, Fault> {
        self.parser.next_event().transpose().map_err(|error| fault(&error))
    }

    fn expect(&mut self, after: Spot) -> Result<(Event<'t>, Span), Fault> {
        self.next()?.ok_or_else(|| Fault::new(after, "the text ends too early"))
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Node, Fault> {
        let at = spot(span);
        if depth > DEEPEST {
            return Err(Fault::new(at, "this is nested too deeply"));
        }
        let content = match event {
            Event::Scalar(text, ScalarStyle::Plain, _, _) if text.is_empty() || text == "~" || text == "null" => {
                Content::Nothing
            }
            Event::Scalar(text, _, _, _) => Content::Text(text.into_owned()),
            Event::SequenceStart(..) => self.list(at, depth)?,
            Event::MappingStart(..) => self.map(at, depth)?,
            Event::Alias(_) => return Err(Fault::new(at, "aliases (`*name`) are not supported: write the value out")),
            _ => return Err(Fault::new(at, "a value is missing here")),
        };
        Ok(Node { at, content })
    }

    fn list(&mut self, at: Spot, depth: usize) -> Result<Content, Fault> {
        let mut nodes = Vec::new();
        loop {
            match self.expect(at)? {
                (Event::SequenceEnd, _) => return Ok(Content::List(nodes)),
                (event, span) => nodes.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn map(&mut self, at: Spot, depth: usize) -> Result<Content, Fault> {
        let mut pairs = Vec::new();
        loop {
            let (event, span) = self.expect(at)?;
            let key = match event {
                Event::MappingEnd => return Ok(Content::Map(pairs)),
                Event::Scalar(text, ..) => Key { at: spot(span), text: text.into_owned() },
                _ => return Err(Fault::new(spot(span), "a key must be plain text")),
            };
            let (event, span) = self.expect(key.at)?;
            pairs.push((key, self.node(event, span, depth + 1)?));
        }
    }
}

fn fault(error: &ScanError) -> Fault {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let at = Spot { line: number(error.marker().line()), column: number(error.marker().col() + 1), width: 1 };
    let message = match error.info() {
        // The one that people meet.
        info if info.contains("tab") => "YAML is indented by spaces; there is a tab here".to_owned(),
        info => format!("this is not YAML: {info}"),
    };
    Fault { at, message }
}

fn spot(span: Span) -> Spot {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let is_one_line = span.start.line() == span.end.line();
    let width = if is_one_line { span.end.col().saturating_sub(span.start.col()) } else { 1 };
    Spot { line: number(span.start.line()), column: number(span.start.col() + 1), width: number(width) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree as short text: `{key@line:column=text, …}`.
    fn shown(node: &Node) -> String {
        let joined = |parts: Vec<String>| parts.join(", ");
        match &node.content {
            Content::Nothing => "-".to_owned(),
            Content::Text(text) => format!("{text}@{}:{}+{}", node.at.line, node.at.column, node.at.width),
            Content::List(nodes) => format!("[{}]", joined(nodes.iter().map(shown).collect())),
            Content::Map(pairs) => {
                let pair = |(key, node): &(Key, Node)| format!("{}@{}={}", key.text, key.at.line, shown(node));
                format!("{{{}}}", joined(pairs.iter().map(pair).collect()))
            }
        }
    }

    #[test]
    fn texts_lists_and_maps_know_where_they_stand() {
        for (text, expected) in [
            ("", "-"),
            ("# nothing\n", "-"),
            ("a: b\n", "{a@1=b@1:4+1}"),
            ("a:\n  - x: 1\n    y: \"z z\"\n  - [p, q]\n", "{a@1=[{x@2=1@2:8+1, y@3=z z@3:8+5}, [p@4:6+1, q@4:9+1]]}"),
            ("a:\nb: ~\nc: ''\n", "{a@1=-, b@2=-, c@3=@3:4+2}"),
            ("\u{feff}a: |\n  two\n  lines\n", "{a@1=two\nlines\n@2:3+1}"),
            ("---\na: 'it''s'\n", "{a@2=it's@2:4+7}"),
        ] {
            assert_eq!(shown(&read(text).unwrap()), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_tree_says_where_and_why() {
        for (text, line, part) in [
            ("a: [1, 2\n", 2, "this is not YAML"),
            ("a:\n\tb: c\n", 2, "there is a tab here"),
            ("a: &x b\nc: *x\n", 2, "aliases"),
            ("a: b\n---\nc: d\n", 3, "a second one"),
            ("? [a]\n: b\n", 1, "a key must be plain text"),
        ] {
            let fault = read(text).unwrap_err();
            assert!(fault.at.line == line && fault.message.contains(part), "{text:?}: {fault:?}");
        }
        let deep = format!("{}{}", "[".repeat(60), "]".repeat(60));
        assert!(read(&deep).unwrap_err().message.contains("too deeply"));
    }
}
