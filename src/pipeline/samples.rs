//! Sample lines of parsers: `# sample: LINE` within a parser's definition is a line that it must
//! understand. A check runs them.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use bumpalo::Bump;

use crate::config::{Config, Instance, Place, Problem, Problems, Severity};
use crate::parser::{Parsed, Parser, Parsers};
use crate::record::Now;

/// Runs every sample through its parser and reports those that it does not understand.
pub fn check(config: &Config, problems: &mut Problems) {
    // What is wrong with the definitions was found before.
    let parsers = Parsers::new(&config.parsers, &mut Problems::new());
    let mut files: HashMap<PathBuf, String> = HashMap::new();
    for definition in &config.parsers {
        let place = definition.place();
        let text = files
            .entry(place.file.to_path_buf())
            .or_insert_with(|| fs::read_to_string(&place.file).unwrap_or_default());
        let Some(parser) = parsers.find(definition.name()) else { continue };
        for (line, column, sample) in samples(text, place, &config.parsers) {
            if let Some(message) = judge(parser, definition, sample) {
                let width = u32::try_from(sample.chars().count()).unwrap_or(u32::MAX);
                let place = Place { line, column, width, ..place.clone() };
                let hint = "a comment `# sample: LINE` is a line that the parser must understand";
                problems.push(Problem::new(Severity::Error, &place, message).with_hint(hint));
            }
        }
    }
}

fn judge(parser: &Parser, definition: &Instance, sample: &str) -> Option<String> {
    let (arena, mut members) = (Bump::new(), Vec::new());
    let name = parser.name();
    match parser.parse(sample.as_bytes(), &arena, Now::read().time, &mut members) {
        Parsed::Unmatched => Some(format!("parser \"{name}\" does not understand its sample")),
        Parsed::Matched { time: None } if definition.options().is_set("Time_Format") => {
            Some(format!("parser \"{name}\" cannot read the time of its sample"))
        }
        Parsed::Matched { .. } => None,
    }
}

/// The samples of the definition that begins at a place, up to the next one: line, column, text.
fn samples<'t>(text: &'t str, begin: &Place, all: &[Instance]) -> Vec<(u32, u32, &'t str)> {
    let is_behind = |other: &&Instance| other.place().file == begin.file && other.place().line > begin.line;
    let next = all.iter().filter(is_behind).map(|other| other.place().line).min().unwrap_or(u32::MAX);
    let lines = text.lines().enumerate().map(|(index, line)| (u32::try_from(index + 1).unwrap_or(u32::MAX), line));
    lines
        .skip_while(|(number, _)| *number <= begin.line)
        .take_while(|(number, line)| *number < next && !line.starts_with('['))
        .filter_map(|(number, line)| {
            let comment = line.trim_start().strip_prefix('#')?.trim_start();
            let sample = comment.strip_prefix("sample:")?;
            let sample = sample.strip_prefix(' ').unwrap_or(sample);
            let column = line.chars().count() - sample.chars().count() + 1;
            Some((number, u32::try_from(column).unwrap_or(u32::MAX), sample))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, load};
    use crate::pipeline::Plugins;

    fn found(name: &str, text: &str) -> Vec<String> {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(name), text).unwrap();
        let main = directory.path().join("main.yaml");
        fs::write(&main, format!("service: {{parsers_file: {}/{name}}}\n", directory.path().display())).unwrap();
        let (config, _) = load(&main, &Plugins::all().registry(), &Environment::default());
        let mut problems = Problems::new();
        check(&config, &mut problems);
        problems.iter().map(|one| format!("{}:{}+{} {}", one.line, one.column, one.width, one.message)).collect()
    }

    #[test]
    fn a_sample_belongs_to_the_parser_in_whose_definition_it_stands() {
        let text = "\
# sample: of nobody
[PARSER]
    Name   level
    # sample: INFO started
    Format regex
    Regex  ^(?<level>[A-Z]+) (?<message>.*)$
    # sample: started
[PARSER]
    Name   timed
    Format json
    Time_Key time
    Time_Format %Y-%m-%d
    # sample: {\"time\":\"2026-11-25\"}
    #sample:  {\"time\":\"25.11.2026\"}
    # sample: text
";
        assert_eq!(
            found("parsers.conf", text),
            [
                "7:15+7 parser \"level\" does not understand its sample",
                "14:14+22 parser \"timed\" cannot read the time of its sample",
                "15:15+4 parser \"timed\" does not understand its sample",
            ]
        );
    }

    #[test]
    fn yaml_files_may_have_them_too() {
        let text = "parsers:\n  - name: a\n    format: json\n    # sample: {}\n  - name: b\n    # sample: x\n    format: json\n";
        assert_eq!(found("parsers.yaml", text), ["6:15+1 parser \"b\" does not understand its sample"]);
    }
}
