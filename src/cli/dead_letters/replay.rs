//! `flytail dead-letters replay`: sends letters again, with their ids, and removes those that are
//! in the index then. Ended in the middle it can be started again: what is there already is taken
//! for delivered.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use clap::Args;

use super::error::LettersError;
use super::selection::Selection;
use super::settle::{Entry, Fate, settle};
use super::{Ending, Place, each_letter, visible};
use crate::cli::figures::grouped;
use crate::cli::print::eprint;
use crate::cli::run::runtime;
use crate::config::{Config, Problems};
use crate::output::elasticsearch::{Endpoint, OPENSEARCH_PLUGIN, PLUGIN, Resender};
use crate::spool::dead_letters::{Change, DeadLetter, Segment, rewrite, segments};

/// Bytes of letters that are sent before what was settled is removed: a bulk request's worth.
const BATCH_BYTES: usize = 5_000_000;
/// Letters, likewise.
const BATCH_LETTERS: usize = 1_000;

/// Arguments of `flytail dead-letters replay`.
#[derive(Debug, Args)]
pub(super) struct ReplayArguments {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    selection: Selection,
    /// Only the oldest so many
    #[arg(long, value_name = "COUNT")]
    limit: Option<u64>,
    /// Server to send them to, instead of the outputs of the configuration
    #[arg(long)]
    url: Option<String>,
    /// User of the basic authentication at `--url`
    #[arg(long, env = "ES_USER")]
    user: Option<String>,
    /// Its password; better given by the environment
    #[arg(long, env = "ES_PASS", hide_env_values = true)]
    password: Option<String>,
    /// File of certificates (PEM) to trust at `--url` besides the public authorities that are built in
    #[arg(long)]
    ca_file: Option<String>,
    /// Only say what would be sent
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(arguments: &ReplayArguments, out: &mut impl Write) -> Result<Ending, LettersError> {
    let directory = arguments.place.directory()?;
    let runtime = runtime().map_err(LettersError::Runtime)?;
    // What sends is built inside of the runtime.
    runtime.block_on(async {
        let receivers = Receivers::new(arguments)?;
        if arguments.dry_run {
            return announce(arguments, &directory, &receivers, out);
        }
        let mut replay = Replay { receivers, sums: Sums::default(), failure: None };
        let outcome = replay.run(arguments, &directory).await;
        replay.report(out)?;
        outcome?;
        Ok(if replay.sums.is_complete() { Ending::Complete } else { Ending::Incomplete })
    })
}

/// Says what would be sent, by output and index.
fn announce(
    arguments: &ReplayArguments,
    directory: &Path,
    receivers: &Receivers,
    out: &mut impl Write,
) -> Result<Ending, LettersError> {
    let mut takes = arguments.selection.first(arguments.limit);
    let (mut counts, mut others) = (BTreeMap::<_, u64>::new(), 0);
    each_letter(directory, |line, letter| {
        if let Some(letter) = letter.filter(&mut takes) {
            let entry = Entry { line: line.to_vec(), letter };
            if entry.item().is_some() && receivers.of(&entry.letter.output).is_some() {
                *counts.entry((entry.letter.output, entry.letter.index)).or_default() += 1;
            } else {
                others += 1;
            }
        }
        Ok(true)
    })?;
    for ((output, index), count) in counts {
        let (output, index) = (visible(&output), visible(&index));
        writeln!(out, "{} letters of {output} would be sent again to {index}", grouped(count))?;
    }
    if others > 0 {
        writeln!(out, "{} letters {NOT_SENT}", grouped(others))?;
    }
    Ok(Ending::Complete)
}

const NOT_SENT: &str = "cannot be sent again: no bulk items, or of an output that is not there";

/// Where letters are sent.
enum Receivers {
    /// All to one server.
    Server(Box<Resender>),
    /// To the outputs of a configuration, by instance name.
    Outputs(HashMap<String, Resender>),
}

impl Receivers {
    fn new(arguments: &ReplayArguments) -> Result<Self, LettersError> {
        let Some(url) = &arguments.url else {
            return Self::of_outputs(&arguments.place.configuration()?, arguments.place.config.as_deref());
        };
        let user = arguments.user.as_deref().map(|user| (user, arguments.password.as_deref().unwrap_or_default()));
        let ca_file = arguments.ca_file.as_deref().map(Path::new);
        let resender = Resender::new(&Endpoint { url, user, verify: true, ca_file, ..Endpoint::default() })?;
        Ok(Self::Server(Box::new(resender)))
    }

    fn of_outputs(config: &Config, file: Option<&Path>) -> Result<Self, LettersError> {
        let mut problems = Problems::new();
        let mut outputs = HashMap::new();
        for output in &config.outputs {
            if [PLUGIN.name, OPENSEARCH_PLUGIN.name].contains(&output.plugin()) {
                let resender = Resender::of_output(&output.options(), &mut problems);
                outputs.extend(resender.map(|resender| (output.name().to_owned(), resender)));
            }
        }
        match file {
            _ if problems.is_fatal() => Err(LettersError::Configuration(problems)),
            Some(file) if outputs.is_empty() => Err(LettersError::NoOutput(file.to_owned())),
            _ => Ok(Self::Outputs(outputs)),
        }
    }

    /// The receiver of an output's letters. The only output takes all: it may have another name by
    /// now.
    fn of(&self, output: &str) -> Option<&Resender> {
        match self {
            Self::Server(resender) => Some(resender),
            Self::Outputs(outputs) if outputs.len() == 1 => outputs.values().next(),
            Self::Outputs(outputs) => outputs.get(output),
        }
    }
}

/// What was done so far.
#[derive(Debug, Default)]
struct Sums {
    accepted: u64,
    refused: u64,
    unknown: u64,
    not_sent: u64,
}

impl Sums {
    fn is_complete(&self) -> bool {
        self.refused + self.unknown + self.not_sent == 0
    }
}

struct Replay {
    receivers: Receivers,
    sums: Sums,
    /// Why the server took nothing more.
    failure: Option<String>,
}

/// Letters of one segment, by output and index.
#[derive(Default)]
struct Batch {
    entries: BTreeMap<(String, String), Vec<Entry>>,
    letters: usize,
    bytes: usize,
}

impl Replay {
    async fn run(&mut self, arguments: &ReplayArguments, directory: &Path) -> Result<(), LettersError> {
        let mut takes = arguments.selection.first(arguments.limit);
        for segment in segments(directory).map_err(LettersError::read(directory))? {
            let failed = LettersError::read(&segment.path);
            // Reads on in the old file while a new one takes its name.
            let mut lines = segment.lines().map_err(&failed)?;
            let mut batch = Batch::default();
            while let Some(line) = lines.next_line().map_err(&failed)? {
                let letter = DeadLetter::from_line(line).filter(&mut takes);
                let Some(entry) = letter.map(|letter| Entry { line: line.to_vec(), letter }) else { continue };
                self.put(entry, &mut batch);
                if batch.letters >= BATCH_LETTERS || batch.bytes >= BATCH_BYTES {
                    self.send(&segment, std::mem::take(&mut batch)).await?;
                }
                if self.failure.is_some() {
                    return Ok(());
                }
            }
            self.send(&segment, batch).await?;
            if self.failure.is_some() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn put(&mut self, entry: Entry, batch: &mut Batch) {
        let (output, index) = (entry.letter.output.clone(), entry.letter.index.clone());
        if entry.item().is_none() || self.receivers.of(&output).is_none() {
            self.sums.not_sent += 1;
            return;
        }
        batch.letters += 1;
        batch.bytes += entry.line.len();
        batch.entries.entry((output, index)).or_default().push(entry);
    }

    /// Sends a batch and writes down at once what became of it.
    async fn send(&mut self, segment: &Segment, batch: Batch) -> Result<(), LettersError> {
        let mut changes: HashMap<Vec<u8>, Change> = HashMap::new();
        for ((output, index), entries) in batch.entries {
            let Some(resender) = self.receivers.of(&output) else { continue };
            let (sums, failure) = (&mut self.sums, &mut self.failure);
            if failure.is_some() {
                sums.unknown += entries.len() as u64;
                continue;
            }
            let send = async |body, count| resender.send(&index, body, count).await;
            let tell = |Entry { line, letter }, fate| match fate {
                Fate::Accepted => {
                    sums.accepted += 1;
                    changes.insert(line, Change::Remove);
                }
                Fate::Refused(error) => {
                    sums.refused += 1;
                    let letter = letter.refused_again((error.status, &error.kind, &error.reason));
                    changes.insert(line, Change::Replace(letter.to_line()));
                }
                Fate::Unknown(reason) => {
                    sums.unknown += 1;
                    *failure = Some(reason);
                }
            };
            settle(send, entries, tell).await;
        }
        self.progress();
        if changes.is_empty() {
            return Ok(());
        }
        let change = |line: &[u8]| changes.get(line).cloned().unwrap_or(Change::Keep);
        rewrite(segment, change).map_err(LettersError::change(&segment.path))?;
        Ok(())
    }

    fn progress(&self) {
        if io::stderr().is_terminal() {
            let Sums { accepted, refused, .. } = &self.sums;
            eprint(format_args!("\r{} accepted, {} refused again ", grouped(*accepted), grouped(*refused)));
        }
    }

    fn report(&self, out: &mut impl Write) -> io::Result<()> {
        if io::stderr().is_terminal() {
            eprint("\n");
        }
        let Sums { accepted, refused, unknown, not_sent } = &self.sums;
        writeln!(out, "{} letters were accepted and are removed", grouped(*accepted))?;
        if *refused > 0 {
            writeln!(out, "{} were refused again and are kept with the new reason", grouped(*refused))?;
        }
        if *not_sent > 0 {
            writeln!(out, "{} {NOT_SENT}", grouped(*not_sent))?;
        }
        if let Some(reason) = &self.failure {
            let (unknown, reason) = (grouped(*unknown), visible(reason));
            writeln!(out, "stopped: {unknown} letters and all behind them are kept, as the server says: {reason}")?;
        }
        Ok(())
    }
}
