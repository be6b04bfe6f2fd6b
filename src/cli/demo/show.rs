//! What is seen while the demonstration runs: some of the documents, and the line of counters.

use std::collections::VecDeque;
use std::io::{Stderr, Stdout};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::status::Status;
use super::watched::Watched;
use crate::cli::line::{self, Style};
use crate::cli::screen::{Abilities, Screen};
use crate::telemetry::accounts::Accounts;

/// How often [`Show::tick`] is to be called.
pub(super) const TICK: Duration = Duration::from_millis(100);
/// Ticks of a round: documents come about once a second (`Flush`), and are shown one after the other until the next.
const ROUND: usize = 10;
/// Characters of a message that are shown.
const SHOWN: usize = 200;
/// Time between two lines of counters where they cannot be redrawn.
const STATUS_INTERVAL: Duration = Duration::from_secs(5);

/// The show.
#[derive(Debug)]
pub(super) struct Show {
    pub(super) screen: Screen<Stdout, Stderr>,
    json: bool,
    watched: Arc<Watched>,
    accounts: Arc<Accounts>,
    status: Status,
    status_at: Instant,
    ticks: usize,
    /// Documents of the last round that are not shown yet.
    waiting: VecDeque<Vec<u8>>,
    /// How many of them go in one tick.
    pace: usize,
    /// Nobody reads standard output any more.
    pub(super) is_closed: bool,
}

impl Show {
    pub(super) fn new(json: bool, watched: Arc<Watched>, accounts: Arc<Accounts>) -> Self {
        let screen = Screen::new(std::io::stdout(), std::io::stderr(), Abilities::of_process());
        let (status, status_at) = (Status::default(), Instant::now() + STATUS_INTERVAL);
        let waiting = VecDeque::new();
        Self { screen, json, watched, accounts, status, status_at, ticks: 0, waiting, pace: 1, is_closed: false }
    }

    /// Names the columns, where people look at them.
    pub(super) fn begin(&mut self) {
        if !self.json && self.screen.abilities().cuts {
            let header = line::header(false);
            let header = if self.screen.abilities().colours { format!("\x1b[1m{header}\x1b[0m") } else { header };
            self.print(&[header]);
        }
    }

    /// Shows what is due.
    pub(super) fn tick(&mut self, now: Instant) {
        self.ticks += 1;
        if self.ticks.is_multiple_of(ROUND) {
            self.waiting.extend(self.watched.end_round());
            self.pace = self.waiting.len().div_ceil(ROUND);
        }
        self.show(self.pace);
        self.status.look(&self.accounts, now);
        if self.screen.abilities().redraws || now >= self.status_at {
            self.status_at = now + STATUS_INTERVAL;
            let line = self.status.line(&self.accounts);
            self.screen.status(&line);
        }
    }

    /// Shows what is left, and takes the line of counters away.
    pub(super) fn end(&mut self) {
        self.waiting.extend(self.watched.end_round());
        self.show(usize::MAX);
        self.screen.erase();
    }

    fn show(&mut self, most: usize) {
        let documents = self.waiting.drain(..most.min(self.waiting.len()));
        let style = Style { coloured: self.screen.abilities().colours, dated: false, longest: SHOWN };
        let render = |document: Vec<u8>| {
            if self.json { String::from_utf8_lossy(&document).into_owned() } else { line::render(&document, style) }
        };
        let lines: Vec<_> = documents.map(render).collect();
        self.print(&lines);
    }

    fn print(&mut self, lines: &[String]) {
        if !self.is_closed {
            self.is_closed = self.screen.documents(lines, !self.json).is_err();
        }
    }
}
