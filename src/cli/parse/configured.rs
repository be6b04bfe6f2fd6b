//! `--config`: what a whole configuration makes of lines. Nothing is sent.

use std::io::{Read, Write};
use std::path::Path;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::show::Shape;
use super::{Ending, ParseArguments, ParseError, open};
use crate::cli::print::eprint;
use crate::cli::run::runtime;
use crate::config::{Environment, load};
use crate::pipeline::Plugins;
use crate::pipeline::trial::{Tried, try_lines};

/// Runs the lines through the configuration and prints what each output would be given.
pub(super) fn run(
    arguments: &ParseArguments,
    file: &Path,
    shape: Shape,
    out: &mut impl Write,
) -> Result<Ending, ParseError> {
    let mut lines = Vec::new();
    let read = open(&arguments.file)?.read_to_end(&mut lines);
    read.map_err(|error| ParseError::Read { file: arguments.file.clone(), error })?;
    let environment = Environment::process();
    let (config, mut problems) = load(file, &Plugins::all().registry(), &environment);
    if problems.is_fatal() {
        return Err(ParseError::Parsers(problems));
    }
    let input = match &arguments.input {
        Some(name) => config.inputs.iter().find(|input| input.name() == name),
        None => config.inputs.first(),
    };
    let input = input.ok_or_else(|| {
        let known: Vec<_> = config.inputs.iter().map(|input| input.name()).collect();
        ParseError::NoInput { name: arguments.input.clone().unwrap_or_default(), hint: known.join(", ") }
    })?;
    let path = arguments.path.as_deref().unwrap_or(&arguments.file);
    let tried = runtime()?.block_on(async { try_lines(&config, &environment, (input, path), lines, &mut problems) });
    let Some(tried) = tried else { return Err(ParseError::Parsers(problems)) };
    eprint(&problems);
    tried.iter().try_for_each(|tried| show(tried, shape, out))?;
    Ok(Ending::Complete)
}

fn show(tried: &Tried, shape: Shape, out: &mut impl Write) -> Result<(), ParseError> {
    let Tried { output, destination, item } = tried;
    match shape {
        Shape::Json => {
            let document = serde_json::from_slice::<Box<RawValue>>(item).ok();
            let document = document.map_or_else(|| json!(String::from_utf8_lossy(item)), |json| json!(json));
            writeln!(out, "{}", json!({"output": output, "destination": destination, "document": document}))?;
        }
        Shape::Text(_) => {
            writeln!(out, "{output} → {destination}")?;
            let pretty = serde_json::from_slice::<Value>(item).and_then(|value| serde_json::to_string_pretty(&value));
            writeln!(out, "{}", pretty.unwrap_or_else(|_| String::from_utf8_lossy(item).into_owned()))?;
        }
    }
    Ok(())
}
