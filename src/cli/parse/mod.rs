//! `flytail parse`: what a parser or a whole configuration makes of lines, for whoever writes one.

mod configured;
mod golden;
mod multiline;
mod parsers;
mod show;

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use self::show::{Shape, Style};
use super::{FAILED, INVALID};
use crate::cli::print::eprint;
use crate::config::Problems;
use crate::parser::{Explainer, Explanation, Parser};
use crate::record::Timestamp;

/// Arguments of `flytail parse`.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct ParseArguments {
    /// Name of the parser
    #[arg(long, value_name = "NAME", required_unless_present_any = ["multiline", "config"])]
    parser: Option<String>,
    /// Names of multi-line parsers, separated by commas: show how they join the lines instead
    #[arg(long, value_name = "NAMES", conflicts_with_all = ["parser", "golden"])]
    multiline: Option<String>,
    /// Configuration that the lines go through instead, from its input to what would be sent
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["parser", "multiline", "parsers_files", "golden"])]
    config: Option<PathBuf>,
    /// With --config: the input that reads the lines; by default the first one
    #[arg(long, value_name = "NAME", requires = "config")]
    input: Option<String>,
    /// With --config: the path of the log, which tells the tag and the pod; by default the file's
    #[arg(long, value_name = "PATH", requires = "config")]
    path: Option<PathBuf>,
    /// Parsers file; may be given several times. Without one, the parsers that come with flytail
    #[arg(short = 'R', long = "parsers-file", value_name = "FILE")]
    parsers_files: Vec<PathBuf>,
    /// File of lines with the results that they must give, to be checked instead of printed
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    golden: Option<PathBuf>,
    /// Print one JSON object for each line
    #[arg(long)]
    json: bool,
    /// File of lines; - is the standard input
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
}

const EXAMPLES: &str = r#"Each line is parsed as an input with `Parser NAME` would do it. Printed are the time, the
members with the group that took them and, for a line that does not match, how far it fits and
which part of the expression fails there.

With --multiline each record is printed with its lines and, before each line, the state that it
led to. The lines are those that the application printed: `docker` and `cri` have nothing to join.

Examples:
  kubectl logs my-pod | flytail parse --parser nginx
  flytail parse --parser my-app -R parsers.conf sample.log
  flytail parse --parser my-app -R parsers.conf --json sample.log | jq 'select(.matched | not)'
  flytail parse --parser my-app -R parsers.conf --golden my-app.txt    in your CI
  kubectl logs my-pod | flytail parse --multiline python,java
  flytail parse --multiline my-rules -R parsers.conf sample.log
  flytail parse -c fluent-bit.conf /var/log/containers/my-pod_my-ns_main-0123….log

A golden file:
  # Comments and empty lines count for nothing. `now` completes times without a year.
  now 2026-11-22T10:00:00Z
  > GET /a took 12 ms at Aug 21 12:00:01
  time 2026-08-21T12:00:01.000000000Z
  {"method":"GET","path":"/a","ms":12}
  > a line that must not match
  unmatched

Exit codes: 0 if all lines matched (or gave what the golden file says) or were joined, 2 if some did not,
1 for an error in the command line, a parsers file or the golden file."#;

/// Why nothing was parsed.
#[derive(Debug, thiserror::Error)]
enum ParseError {
    #[error("{0}")]
    Parsers(Problems),
    #[error("there is no parser \"{name}\"\n  hint: {hint}")]
    Unknown { name: String, hint: String },
    #[error("there is no multiline parser \"{name}\"\n  hint: multiline parsers are: {known}")]
    UnknownMultiline { name: String, known: String },
    #[error("cannot read {}: {error}", file.display())]
    Read { file: PathBuf, error: io::Error },
    #[error("{}: {error}", file.display())]
    Golden { file: PathBuf, error: crate::parser::golden::Malformed },
    #[error("there is no input \"{name}\"\n  hint: inputs are: {hint}")]
    NoInput { name: String, hint: String },
    #[error("{} has no line to check", file.display())]
    Empty { file: PathBuf },
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// Whether all lines gave what they should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Complete,
    Incomplete,
}

pub(super) fn run(arguments: &ParseArguments) -> ExitCode {
    let mut out = BufWriter::new(io::stdout().lock());
    let outcome = parse(arguments, &mut out).and_then(|ending| Ok(out.flush().map(|()| ending)?));
    match outcome {
        Ok(Ending::Complete) => ExitCode::SUCCESS,
        Ok(Ending::Incomplete) => ExitCode::from(FAILED),
        // Whoever reads has seen enough.
        Err(ParseError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprint(format_args!("{}\n", error.to_string().trim_end()));
            ExitCode::from(INVALID)
        }
    }
}

fn parse(arguments: &ParseArguments, out: &mut impl Write) -> Result<Ending, ParseError> {
    let style = if io::stdout().is_terminal() { Style::Coloured } else { Style::Plain };
    let shape = if arguments.json { Shape::Json } else { Shape::Text(style) };
    if let Some(file) = &arguments.config {
        return configured::run(arguments, file, shape, out);
    }
    if let Some(names) = &arguments.multiline {
        return multiline::run(arguments, names, shape, out);
    }
    let parser = parsers::find(arguments.parser.as_deref().unwrap_or_default(), &arguments.parsers_files)?;
    if let Some(file) = &arguments.golden {
        return golden::check(&parser, file, out);
    }
    parse_lines(&parser, open(&arguments.file)?, &arguments.file, shape, out)
}

fn open(file: &Path) -> Result<Box<dyn BufRead>, ParseError> {
    if file == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    match File::open(file) {
        Ok(open) => Ok(Box::new(BufReader::new(open))),
        Err(error) => Err(ParseError::Read { file: file.to_owned(), error }),
    }
}

fn parse_lines(
    parser: &Parser,
    mut input: Box<dyn BufRead>,
    file: &Path,
    shape: Shape,
    out: &mut impl Write,
) -> Result<Ending, ParseError> {
    let (mut number, mut missed) = (0_u64, 0_u64);
    let (mut line, explainer) = (Vec::new(), Explainer::new(parser));
    loop {
        line.clear();
        let read = input.read_until(b'\n', &mut line);
        if read.map_err(|error| ParseError::Read { file: file.to_owned(), error })? == 0 {
            break;
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        number += 1;
        let explanation = explainer.explain(text, Timestamp::now());
        missed += u64::from(!matches!(explanation, Explanation::Matched { .. }));
        show::line(number, text, &explanation, shape, out)?;
    }
    show::summary(parser, number, missed, shape, out)?;
    Ok(if missed == 0 { Ending::Complete } else { Ending::Incomplete })
}
