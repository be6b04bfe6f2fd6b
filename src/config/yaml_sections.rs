//! YAML files to sections: the same that classic files give, with the processors of inputs and
//! outputs, and with parsers that need no file of their own.

use std::path::Path;
use std::sync::Arc;

use super::option::Class;
use super::problem::{Place, Problem, Severity, Spot};
use super::reader::Reader;
use super::suggest::closest;
use super::written::{Entry, Section, SectionKind};
use super::yaml::{self, Content, Key, Node};

/// What may stand at the top of a file.
const TOP: [&str; 12] = [
    "service",
    "pipeline",
    "env",
    "includes",
    "parsers",
    "multiline_parsers",
    "upstream_servers",
    "customs",
    "stream_processor",
    "plugins",
    "extensions",
    "processors",
];
/// What may stand in `pipeline`.
const PIPELINE: [(&str, Class); 3] = [("inputs", Class::Input), ("filters", Class::Filter), ("outputs", Class::Output)];
/// The kinds of data that processors are for; there is only one here.
const SIGNALS: [&str; 4] = ["logs", "metrics", "traces", "profiles"];

type Pairs = Vec<(Key, Node)>;

impl Reader<'_> {
    /// Takes what a YAML text says.
    pub(super) fn yaml(&mut self, file: &Arc<Path>, text: &str) {
        let root = match yaml::read(text) {
            Ok(root) => root,
            Err(fault) => return self.error(&Place::at(file, fault.at), fault.message),
        };
        let mut text = YamlText { reader: self, file };
        match root.content {
            Content::Nothing => {}
            Content::Map(pairs) => text.top(pairs),
            Content::Text(_) | Content::List(_) => {
                let hint = format!("sections are: {}", TOP.join(", "));
                text.error(root.at, "this is no section and a colon behind it", Some(hint));
            }
        }
    }
}

/// One file on its way into a reader.
struct YamlText<'y, 'p> {
    reader: &'y mut Reader<'p>,
    file: &'y Arc<Path>,
}

impl YamlText<'_, '_> {
    fn top(&mut self, pairs: Pairs) {
        for (key, node) in pairs {
            match key.text.to_ascii_lowercase().as_str() {
                "service" => self.service(&key, node),
                "pipeline" => self.pipeline(node),
                "env" => self.variables(node),
                "includes" => self.includes(node),
                "parsers" => self.parsers(Class::Parser, "PARSER", node),
                "multiline_parsers" => self.parsers(Class::MultilineParser, "MULTILINE_PARSER", node),
                "upstream_servers" => self.upstreams(node),
                "customs" => self.foreign("CUSTOM", &key, &node),
                "stream_processor" => self.foreign("STREAM_PROCESSOR", &key, &node),
                "plugins" => self.foreign("PLUGINS", &key, &node),
                "extensions" => self.notice(key.at, "extensions have no meaning here"),
                other => {
                    let meant =
                        closest(other, TOP).map(|name| format!("did you mean \"{name}\"? ")).unwrap_or_default();
                    let hint = format!("{meant}sections are: {}", TOP.join(", "));
                    self.report(Severity::Warning, key.at, format!("unknown section \"{}\"", key.text), Some(hint));
                }
            }
        }
    }

    /// A section that this program has no use for. An empty one does no harm.
    fn foreign(&mut self, name: &'static str, key: &Key, node: &Node) {
        if node.content == Content::Nothing || node.content == Content::List(Vec::new()) {
            return;
        }
        let section = Section::new(SectionKind::Unsupported(name), &key.text, self.place(key.at));
        self.reader.written.sections.push(section);
    }

    /// Maps within the service section are dots in the names of its keys.
    fn service(&mut self, key: &Key, node: Node) {
        let mut section = Section::new(SectionKind::Known(Class::Service), "SERVICE", self.place(key.at));
        self.flat(&mut section, "", node);
        self.reader.written.sections.push(section);
    }

    fn flat(&mut self, section: &mut Section, prefix: &str, node: Node) {
        for (key, value) in self.map(node, "keys of the service") {
            let name = Key { text: format!("{prefix}{}", name(&key.text)), at: key.at };
            match value.content {
                Content::Map(_) => self.flat(section, &format!("{}.", name.text), value),
                _ => self.values(section, &name, value),
            }
        }
    }

    fn pipeline(&mut self, node: Node) {
        for (key, node) in self.map(node, "inputs, filters and outputs") {
            let known = PIPELINE.iter().find(|(name, _)| key.text.eq_ignore_ascii_case(name));
            let Some((_, class)) = known else {
                let names = PIPELINE.map(|(name, _)| name);
                let meant = closest(&key.text, names).map(|name| format!("did you mean \"{name}\"? "));
                let hint = format!("{}a pipeline has {}", meant.unwrap_or_default(), names.join(", "));
                self.error(key.at, format!("unknown part \"{}\" of the pipeline", key.text), Some(hint));
                continue;
            };
            for node in self.list(node, &key.text) {
                let section = self.section(SectionKind::Known(*class), &class.noun().to_ascii_uppercase(), node);
                self.reader.written.sections.extend(section);
            }
        }
    }

    fn parsers(&mut self, class: Class, title: &'static str, node: Node) {
        for node in self.list(node, title) {
            let section = self.section(SectionKind::Known(class), title, node);
            self.reader.written.parsers.extend(section);
        }
    }

    /// Each upstream is followed by its nodes, as in a classic file.
    fn upstreams(&mut self, node: Node) {
        for upstream in self.list(node, "upstream_servers") {
            let at = upstream.at;
            let mut section = Section::new(SectionKind::Upstream, "UPSTREAM", self.place(at));
            let mut nodes = Vec::new();
            for (key, value) in self.map(upstream, "name and nodes") {
                if key.text.eq_ignore_ascii_case("nodes") {
                    for node in self.list(value, "nodes") {
                        nodes.extend(self.section(SectionKind::Node, "NODE", node));
                    }
                } else {
                    self.values(&mut section, &key, value);
                }
            }
            self.reader.written.sections.push(section);
            self.reader.written.sections.extend(nodes);
        }
    }

    /// A plugin or parser: a map of its keys.
    fn section(&mut self, kind: SectionKind, title: &str, node: Node) -> Option<Section> {
        let at = node.at;
        let Content::Map(pairs) = node.content else {
            self.error(at, format!("a map with a name is expected in a list of {title}"), None);
            return None;
        };
        let at = pairs.iter().find(|(key, _)| key.text.eq_ignore_ascii_case("name")).map_or(at, |(key, _)| key.at);
        let mut section = Section::new(kind, title, self.place(at));
        for (key, value) in pairs {
            let key = Key { text: name(&key.text), at: key.at };
            match key.text.as_str() {
                "processors" if matches!(kind, SectionKind::Known(Class::Input | Class::Output)) => {
                    section.processors = self.processors(value);
                }
                "rules" if kind == SectionKind::Known(Class::MultilineParser) => self.rules(&mut section, value),
                _ => self.values(&mut section, &key, value),
            }
        }
        Some(section)
    }

    fn processors(&mut self, node: Node) -> Vec<Section> {
        let mut sections = Vec::new();
        for (signal, node) in self.map(node, "logs") {
            match signal.text.as_str() {
                "logs" => {
                    for node in self.list(node, "processors") {
                        sections.extend(self.section(SectionKind::Known(Class::Filter), "processor", node));
                    }
                }
                other if SIGNALS.contains(&other) => {
                    self.notice(signal.at, format!("processors of {other} have no meaning here: there are only logs"));
                }
                other => {
                    let hint = format!("known are {}", SIGNALS.join(", "));
                    self.error(signal.at, format!("unknown kind \"{other}\" of processors"), Some(hint));
                }
            }
        }
        sections
    }

    /// Rules of a multi-line parser, spelled as in a classic file.
    fn rules(&mut self, section: &mut Section, node: Node) {
        for node in self.list(node, "rules") {
            let at = node.at;
            let pairs = self.map(node, "state, regex and next_state");
            let parts = ["state", "regex", "next_state"].map(|part| {
                let found = pairs.iter().find(|(key, _)| name(&key.text) == part);
                found.and_then(|(_, node)| match &node.content {
                    Content::Text(text) => Some(format!("\"{}\"", text.replace('"', "\\\""))),
                    _ => None,
                })
            });
            match parts {
                [Some(state), Some(regex), Some(next)] => {
                    section.entries.push(Entry::new("Rule", format!("{state} {regex} {next}"), self.place(at)));
                }
                _ => self.error(at, "a rule needs state, regex and next_state", None),
            }
        }
    }

    /// Variables: a map of names and values, or a list of maps with `name` and `value` or `uri`.
    fn variables(&mut self, node: Node) {
        let at = node.at;
        match node.content {
            Content::Map(pairs) => {
                for (key, node) in pairs {
                    let value_at = node.at;
                    if let Some(value) = self.text(node, &key.text) {
                        self.variable(&key, value, value_at);
                    }
                }
            }
            Content::List(nodes) => nodes.into_iter().for_each(|node| self.extended_variable(node)),
            Content::Nothing => {}
            Content::Text(_) => self.error(at, "env is a map of names and values", None),
        }
    }

    fn extended_variable(&mut self, node: Node) {
        let at = node.at;
        let (mut variable, mut value) = (None, None);
        for (key, node) in self.map(node, "name and value or uri") {
            let value_at = node.at;
            match key.text.to_ascii_lowercase().as_str() {
                "name" => variable = self.text(node, "name").map(|text| Key { at: value_at, text }),
                "value" | "uri" => value = self.text(node, &key.text).map(|text| (text, value_at)),
                "refresh_interval" => {
                    self.notice(key.at, "refresh_interval has no meaning here: variables are read at the start");
                }
                other => {
                    let hint = "known are name, value, uri, refresh_interval".to_owned();
                    self.error(key.at, format!("unknown key \"{other}\" of a variable"), Some(hint));
                }
            }
        }
        match (variable, value) {
            (Some(variable), Some((value, value_at))) => self.variable(&variable, value, value_at),
            _ => self.error(at, "a variable needs a name and a value or uri", None),
        }
    }

    fn variable(&mut self, key: &Key, value: String, value_at: Spot) {
        let (place, value_place) = (self.place(key.at), self.place(value_at));
        self.reader.written.variables.push(Entry { key: key.text.clone(), value, place, value_place });
    }

    fn includes(&mut self, node: Node) {
        let base = self.file.parent().map(Path::to_owned).unwrap_or_default();
        for node in self.list(node, "includes") {
            let at = node.at;
            if let Some(pattern) = self.text(node, "includes") {
                let place = self.place(at);
                // Relative to this file, and not to the working directory.
                match pattern.contains('*') {
                    true => self.reader.include(&pattern, &base, &place),
                    false => self.reader.include_file(&base.join(pattern), &place),
                }
            }
        }
    }

    /// A key with one value or several. Those of a parser are one text with blanks between them.
    fn values(&mut self, section: &mut Section, key: &Key, node: Node) {
        let at = node.at;
        match node.content {
            Content::Text(text) => section.entries.push(self.entry(key, text, at)),
            Content::Nothing => {
                let hint = "remove the line or give a value".to_owned();
                self.report(Severity::Warning, key.at, format!("\"{}\" has no value", key.text), Some(hint));
            }
            Content::List(nodes) => {
                let mut texts = Vec::new();
                for node in nodes {
                    let at = node.at;
                    texts.extend(self.text(node, &key.text).map(|text| (text, at)));
                }
                if section.kind == SectionKind::Known(Class::Parser) {
                    let joined: Vec<String> = texts.into_iter().map(|(text, _)| text).collect();
                    section.entries.push(self.entry(key, joined.join(" "), at));
                } else {
                    section.entries.extend(texts.into_iter().map(|(text, at)| self.entry(key, text, at)));
                }
            }
            Content::Map(_) if ["condition", "routes"].contains(&key.text.as_str()) => {
                self.error(key.at, format!("\"{}\" is not supported yet", key.text), None);
            }
            Content::Map(_) => self.error(key.at, format!("\"{}\" needs a value and not a map", key.text), None),
        }
    }

    fn entry(&self, key: &Key, value: String, value_at: Spot) -> Entry {
        Entry { key: key.text.clone(), value, place: self.place(key.at), value_place: self.place(value_at) }
    }

    fn text(&mut self, node: Node, of: &str) -> Option<String> {
        match node.content {
            Content::Text(text) => Some(text),
            Content::Nothing | Content::List(_) | Content::Map(_) => {
                self.error(node.at, format!("a text is expected for {of}"), None);
                None
            }
        }
    }

    fn map(&mut self, node: Node, of: &str) -> Pairs {
        match node.content {
            Content::Map(pairs) => pairs,
            Content::Nothing => Vec::new(),
            Content::Text(_) | Content::List(_) => {
                self.error(node.at, format!("a map is expected here: {of}"), None);
                Vec::new()
            }
        }
    }

    fn list(&mut self, node: Node, of: &str) -> Vec<Node> {
        match node.content {
            Content::List(nodes) => nodes,
            Content::Nothing => Vec::new(),
            Content::Text(_) | Content::Map(_) => {
                let hint = "begin each entry with \"- \"".to_owned();
                self.error(node.at, format!("a list is expected here: {of}"), Some(hint));
                Vec::new()
            }
        }
    }

    fn place(&self, at: Spot) -> Place {
        Place::at(self.file, at)
    }

    fn error(&mut self, at: Spot, message: impl Into<String>, hint: Option<String>) {
        self.report(Severity::Error, at, message, hint);
    }

    fn notice(&mut self, at: Spot, message: impl Into<String>) {
        self.report(Severity::Notice, at, message, None);
    }

    fn report(&mut self, severity: Severity, at: Spot, message: impl Into<String>, hint: Option<String>) {
        let problem = Problem::new(severity, &self.place(at), message);
        self.reader.problems.push(Problem { hint, ..problem });
    }
}

/// A key as classic files spell it: `logLevel` is `log_level`.
fn name(key: &str) -> String {
    if !key.starts_with(|first: char| first.is_ascii_lowercase()) || key.contains('_') {
        return if key.starts_with(|first: char| first.is_ascii_uppercase()) {
            key.to_owned()
        } else {
            key.to_lowercase()
        };
    }
    let mut name = String::with_capacity(key.len() + 2);
    for letter in key.chars() {
        if letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

#[cfg(test)]
mod tests;
