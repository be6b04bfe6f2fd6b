//! The resolved pipeline as a drawing: of each input, what its records go through and where.

use std::fmt::Write;

use super::lints::tags;
use crate::config::{Bound, Config, Instance, Problems};
use crate::output::{Surroundings, elasticsearch};
use crate::parser::Parsers;
use crate::pipeline::multiline::Joining;

/// Options that name parsers.
const PARSER_KEYS: [&str; 4] = ["Parser", "Parser_Firstline", "Parser_N", "Docker_Mode_Parser"];

/// The option that names multi-line parsers.
const JOINED_BY: &str = "multiline.parser";

/// No line is wider, in characters.
const WIDTH: usize = 100;

/// Draws the pipeline; the filters are those of the configuration and those that are added.
pub(super) fn draw(config: &Config, filters: &[Instance], coloured: bool) -> String {
    let mut drawing = Drawing { config, filters, coloured, text: String::new() };
    for (number, input) in config.inputs.iter().enumerate() {
        drawing.input(number, input);
    }
    drawing.engines();
    drawing.text
}

struct Drawing<'d> {
    config: &'d Config,
    filters: &'d [Instance],
    coloured: bool,
    text: String,
}

impl Drawing<'_> {
    fn input(&mut self, number: usize, input: &Instance) {
        let tags = tags(input);
        self.line("", input.name(), &self.describe(input));
        self.detail("tag", &tags.join(", "));
        self.detail("parser", &parsers(input));
        self.text.push_str("│\n");
        for filter in self.filters {
            let applies = match filter.bound() {
                None => tags.iter().any(|tags| filter.routing().may_match(tags)),
                Some(bound) => bound == Bound::Input(number),
            };
            if applies {
                let parts = [joined_by(filter), self.origin(filter)];
                let what = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
                self.line("├─▶ ", &format!("filter {}", filter.name()), &what);
            }
        }
        let taken = |output: &&(usize, &Instance)| tags.iter().any(|tags| output.1.routing().may_match(tags));
        let numbered: Vec<(usize, &Instance)> = self.config.outputs.iter().enumerate().collect();
        let outputs: Vec<_> = numbered.iter().filter(taken).collect();
        if outputs.is_empty() {
            self.line("╰─▶ ", "nowhere", "no output takes these records");
        }
        for (index, (number, output)) in outputs.iter().enumerate() {
            let is_last = index + 1 == outputs.len();
            let own = self.filters.iter().filter(|filter| filter.bound() == Some(Bound::Output(*number)));
            let own = own.map(|filter| format!("through {}", filter.name()));
            let mut parts: Vec<String> = own.collect();
            parts.push(self.describe(output));
            parts.push(output.routing().to_string());
            let what = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
            self.line(if is_last { "╰─▶ " } else { "├─▶ " }, &format!("output {}", output.name()), &what);
        }
        self.text.push('\n');
    }

    /// The engine of each parser with a regular expression that is used, and why it is that one.
    fn engines(&mut self) {
        // What is wrong with the definitions is told elsewhere.
        let parsers = Parsers::new(&self.config.parsers, &mut Problems::new());
        let (inputs, filters) = (&self.config.inputs, self.filters);
        let users = || inputs.iter().chain(filters).map(Instance::options);
        let names = users().flat_map(|options| {
            PARSER_KEYS.into_iter().filter(move |key| options.knows(key)).flat_map(move |key| options.all(key))
        });
        let joined_by =
            || users().filter(|options| options.knows(JOINED_BY)).flat_map(|options| options.list(JOINED_BY));
        let mut drawn: Vec<&str> = Vec::new();
        for name in names.chain(joined_by().filter_map(|name| parser_of_lines(self.config, name))) {
            let engine = parsers.find(name).and_then(|parser| parser.engine());
            if let Some((engine, reason)) = engine.filter(|_| !drawn.contains(&name)) {
                drawn.push(name);
                self.line("", &format!("parser {name}"), &format!("{} engine: {reason}", engine.name()));
            }
        }
        let joining = Joining::new(self.config, &parsers, &mut Problems::new());
        let mut joined: Vec<(String, String)> = Vec::new();
        for chosen in joined_by().filter_map(|name| joining.definitions.find(name)) {
            for (name, engine) in chosen.chain.engines() {
                let pair = (format!("multiline parser {name}"), engine);
                if !joined.contains(&pair) {
                    self.line("", &pair.0, &pair.1);
                    joined.push(pair);
                }
            }
        }
    }

    /// Where a filter comes from and what it takes.
    fn origin(&self, filter: &Instance) -> String {
        let is_written = self.config.filters.iter().any(|written| written.place() == filter.place());
        match (filter.bound(), is_written) {
            (Some(_), true) => "processor of this input".to_owned(),
            (_, false) => format!("added by Flyte On, {}", filter.routing()),
            (None, true) => filter.routing().to_string(),
        }
    }

    /// The option that says most about a plugin.
    fn describe(&self, instance: &Instance) -> String {
        let options = instance.options();
        let text = |key: &str| if options.knows(key) { options.text(key).unwrap_or_default() } else { "" };
        match instance.plugin() {
            "tail" => options.list("Path").join(", "),
            "es" | "opensearch" => {
                let flyte = self.filters.iter().any(|filter| filter.plugin() == "flyte");
                let index = elasticsearch::index_pattern(&options, Surroundings { flyte });
                let index = index.unwrap_or_else(|| text("Index").to_owned());
                format!("{}:{}, index {index}", text("Host"), text("Port"))
            }
            "file" => format!("{}/{}", text("Path"), text("File")),
            _ => String::new(),
        }
    }

    fn detail(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.line("│   ", name, value);
        }
    }

    /// One line, cut where it is too wide. Names have a column of their own.
    fn line(&mut self, lead: &str, name: &str, what: &str) {
        const NAMES: usize = 28;
        let padding = " ".repeat(NAMES.saturating_sub(lead.chars().count() + name.chars().count()));
        let room = WIDTH.saturating_sub(NAMES.max(lead.chars().count() + name.chars().count()) + 2);
        let cut = what.chars().count() > room;
        let shown: String = what.chars().take(if cut { room.saturating_sub(1) } else { room }).collect();
        let ellipsis = if cut { "…" } else { "" };
        let name = if self.coloured { format!("\x1b[1m{name}\x1b[0m") } else { name.to_owned() };
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{}", format!("{lead}{name}{padding}  {shown}{ellipsis}").trim_end());
    }
}

/// The multi-line parsers of a filter.
fn joined_by(filter: &Instance) -> String {
    let options = filter.options();
    if options.knows(JOINED_BY) { options.list(JOINED_BY).join(", ") } else { String::new() }
}

fn parsers(input: &Instance) -> String {
    let options = input.options();
    let of = |key: &str| if options.knows(key) { options.list(key) } else { Vec::new() };
    PARSER_KEYS.into_iter().flat_map(of).chain(of(JOINED_BY)).collect::<Vec<_>>().join(", ")
}

/// The parser that cuts the lines of a multi-line parser.
fn parser_of_lines<'c>(config: &'c Config, multiline_parser: &str) -> Option<&'c str> {
    let mut parsers = config.multiline_parsers.iter();
    let parser = parsers.find(|parser| parser.name().eq_ignore_ascii_case(multiline_parser))?;
    parser.options().text("Parser")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Environment, load_text};
    use crate::pipeline::{Plugins, with_flyte};

    #[test]
    fn every_input_is_drawn_down_to_its_outputs() {
        let text = "\
pipeline:
  inputs:
    - {name: tail, path: '/var/log/containers/*.log', tag: 'kube.*', multiline.parser: [docker, cri]}
    - {name: dummy, alias: test, processors: {logs: [{name: flyte}]}}
    - {name: stdin}
  filters:
    - {name: multiline, match: 'kube.*', multiline.parser: 'java, go'}
    - {name: kubernetes, match: 'kube.*'}
  outputs:
    - {name: es, match: 'kube.*', host: elasticsearch, index: flyte-logs}
    - {name: stdout, match_regex: 'kube|dummy', processors: {logs: [{name: flyte, alias: last}]}}
";
        let environment = Environment::default();
        let (config, problems) = load_text(Path::new("a.yaml"), text, &Plugins::all().registry(), &environment);
        assert!(!problems.is_fatal(), "{problems}");
        let expected = "\
tail.0                        /var/log/containers/*.log
│   tag                       kube.var.log.containers.*.log
│   parser                    docker, cri
│
├─▶ filter multiline.0        java, go, Match kube.*
├─▶ filter kubernetes.0       Match kube.*
├─▶ output es.0               elasticsearch:9200, index flyte-logs-%Y.%m.%d, Match kube.*
╰─▶ output stdout.0           through last, Match_Regex kube|dummy

test
│   tag                       dummy.0
│
├─▶ filter test/flyte.0       processor of this input
╰─▶ output stdout.0           through last, Match_Regex kube|dummy

stdin.0
│   tag                       stdin.0
│
╰─▶ nowhere                   no output takes these records

";
        assert_eq!(draw(&config, &with_flyte(&config, &environment), false), expected);
        let parsers = "parsers:\n  - {name: mine, format: regex, regex: '^(?<a>\\w+) (?!b)'}\n";
        let parsed = format!("{}{parsers}", text.replace("{name: stdin}", "{name: stdin, parser: mine}"));
        let (config, problems) = load_text(Path::new("a.yaml"), &parsed, &Plugins::all().registry(), &environment);
        let drawn = draw(&config, &config.filters, false);
        assert!(
            drawn.contains("\nparser mine                   backtracking engine: negative look-"),
            "{problems}{drawn}"
        );
        let rules = "multiline_parsers:\n  - name: m\n    type: regex\n    rules:\n      \
                     - {state: start_state, regex: '^a(?!b)', next_state: more}\n      \
                     - {state: more, regex: '^ ', next_state: more}\n";
        let ruled = format!("{}{rules}", text.replace("'java, go'", "'m, go'"));
        let (config, problems) = load_text(Path::new("a.yaml"), &ruled, &Plugins::all().registry(), &environment);
        let drawn = draw(&config, &config.filters, false);
        let expected = "\nmultiline parser m            backtracking engine: negative look-";
        assert!(drawn.contains(expected), "{problems}{drawn}");
        assert!(drawn.contains("\nmultiline parser m            regex engine: it only has to match\n"), "{drawn}");
        let lines = ruled.replace("- name: m\n", "- name: m\n    parser: mine\n    key_content: a\n");
        let (config, problems) =
            load_text(Path::new("a.yaml"), &format!("{lines}{parsers}"), &Plugins::all().registry(), &environment);
        let drawn = draw(&config, &config.filters, false);
        assert!(drawn.contains("\nparser mine                   backtracking engine: "), "{problems}{drawn}");
        let wide = text.replace("*.log'", &format!("{}'", "x".repeat(200)));
        let (config, _) = load_text(Path::new("a.yaml"), &wide, &Plugins::all().registry(), &environment);
        assert!(draw(&config, &config.filters, false).lines().all(|line| line.chars().count() <= WIDTH));
    }
}
