//! The parser that is asked for: from parsers files, or from those that come with flytail.

use std::path::{Path, PathBuf};

use super::ParseError;
use crate::cli::print::eprint;
use crate::config::{Config, Environment, Problems, load_text};
use crate::parser::{Parser, Parsers};
use crate::pipeline::Plugins;

/// The configuration that names the files, in problems.
const MAIN: &str = "-R";

/// Finds the parser `name`. Problems that do not keep it from running go to the standard error.
pub(super) fn find(name: &str, files: &[PathBuf]) -> Result<Parser, ParseError> {
    let mut problems = Problems::new();
    let parsers = if files.is_empty() {
        Parsers::ours(&mut problems)
    } else {
        Parsers::new(&configured(files, &mut problems).parsers, &mut problems)
    };
    if problems.is_fatal() {
        return Err(ParseError::Parsers(problems));
    }
    eprint(&problems);
    parsers.find(name).cloned().ok_or_else(|| ParseError::Unknown { name: name.to_owned(), hint: hint(name, &parsers) })
}

fn hint(name: &str, parsers: &Parsers) -> String {
    let near = parsers.names().filter(|known| strsim::damerau_levenshtein(known, name) <= 2);
    let near: Vec<_> = near.collect();
    match near[..] {
        [] => format!("parsers are: {}", parsers.names().collect::<Vec<_>>().join(", ")),
        _ => format!("did you mean {}?", near.join(" or ")),
    }
}

/// Loads parsers files as a configuration that names them would.
pub(super) fn configured(files: &[PathBuf], problems: &mut Problems) -> Config {
    let named = files.iter().map(|file| format!("    Parsers_File {}\n", file.display()));
    let main = format!("[SERVICE]\n{}", named.collect::<String>());
    let (config, more) = load_text(Path::new(MAIN), &main, &Plugins::all().registry(), &Environment::process());
    // That it has no inputs and outputs is of no interest, but that a file cannot be read is.
    problems.extend(more.into_iter().filter(|problem| problem.file != Path::new(MAIN) || problem.line > 1));
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("my parsers.conf");
        std::fs::write(&file, "[PARSER]\n  Name mine\n  Format regex\n  Regex (?<a>x\n").unwrap();
        let said = find("mine", std::slice::from_ref(&file)).unwrap_err().to_string();
        assert!(said.contains("my parsers.conf:4: error: the expression is not valid"), "{said}");
        std::fs::write(&file, "[PARSER]\n  Name mine\n  Format json\n").unwrap();
        assert_eq!(find("mine", std::slice::from_ref(&file)).unwrap().name(), "mine");
        let said = find("mien", &[file]).unwrap_err().to_string();
        assert_eq!(said, "there is no parser \"mien\"\n  hint: did you mean mine?");
        let said = find("mine", &[PathBuf::from("/nowhere/p.conf")]).unwrap_err().to_string();
        assert!(said.contains("/nowhere/p.conf") && said.contains("no such file"), "{said}");
        assert_eq!(find("klog", &[]).unwrap().name(), "klog", "ours");
    }
}
