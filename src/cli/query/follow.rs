//! `--follow`: documents are printed as they arrive.

use std::collections::HashSet;
use std::time::Duration;

use super::error::QueryError;
use super::{Asking, QueryArguments};
use crate::cli::print::eprint;
use crate::output::elasticsearch::search::SearchError;
use crate::record::Timestamp;

/// How often the server is asked.
const PAUSE: Duration = Duration::from_secs(2);
/// How much later than its line was written a document may come to be found, in nanoseconds: by
/// what is on its way for a second or two, the server's refresh after five, and a node that is behind.
const LATE: i64 = 120_000_000_000;
/// Documents of that time that are looked at.
const MOST: usize = 10_000;

/// What was found so far, of the time in which more may come.
#[derive(Debug)]
pub(super) struct Follow {
    seen: HashSet<String>,
    has_warned: bool,
}

impl Follow {
    /// Begins where the server is now.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub(super) fn start(arguments: &QueryArguments, asking: &Asking) -> Result<Self, QueryError> {
        let found = asking.last(arguments, &arguments.query_from(Some(horizon()))?, MOST)?;
        Ok(Self { seen: found.ids.into_iter().collect(), has_warned: false })
    }

    /// Prints what arrives besides what was `printed` already, until it is interrupted.
    ///
    /// # Errors
    /// If nothing can be printed, or the server refuses. One that is away is waited for.
    pub(super) fn run(
        mut self,
        arguments: &QueryArguments,
        asking: &Asking,
        printed: Vec<String>,
    ) -> Result<(), QueryError> {
        self.seen.extend(printed);
        loop {
            std::thread::sleep(PAUSE);
            let found = match asking.last(arguments, &arguments.query_from(Some(horizon()))?, MOST) {
                Err(error @ QueryError::Search { error: SearchError::Unreachable(_), .. }) => {
                    eprint(format_args!("{error}: trying again\n"));
                    continue;
                }
                found => found?,
            };
            let is_new = |id: &String| !self.seen.contains(id);
            let new = found.documents.iter().zip(&found.ids).filter(|(_, id)| is_new(id));
            arguments.print_documents(new.map(|(document, _)| document.get()))?;
            // Whatever is older than these cannot be found any more.
            self.seen = found.ids.into_iter().collect();
            if self.seen.len() >= MOST && !self.has_warned {
                self.has_warned = true;
                eprint("more match than can be followed, some are left out: narrow the search\n");
            }
        }
    }
}

fn horizon() -> Timestamp {
    Timestamp(Timestamp::now().0.saturating_sub(LATE))
}
