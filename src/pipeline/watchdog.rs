//! The watchdog: an input that has something to read and makes no progress is never silent.

use std::time::{Duration, Instant};

use crate::telemetry::accounts::{Accounts, InputAccount};

/// Watches the inputs of one worker.
#[derive(Debug)]
pub struct Watchdog {
    after: Duration,
    inputs: Vec<Progress>,
}

/// How often it is said that an input still is stalled.
const AGAIN: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    read: u64,
    finished: u64,
    since: Option<Instant>,
    /// When it was said last that it is stalled.
    told: Option<Instant>,
}

/// What may hold a worker up.
#[derive(Debug)]
pub struct Reasons<'r> {
    /// The byte budget is used up: outputs do not take what they are given.
    pub budget: bool,
    /// Which inputs wait for their own unsettled records (`Mem_Buf_Limit`).
    pub held_up: &'r [bool],
    /// What the outputs say.
    pub accounts: &'r Accounts,
}

impl Watchdog {
    /// An input without progress for `after` is stalled.
    #[must_use]
    pub fn new(after: Duration) -> Self {
        Self { after, inputs: Vec::new() }
    }

    /// Looks at the accounts, and marks those that are stalled with the reason.
    pub fn look(&mut self, now: Instant, inputs: &mut [InputAccount], reasons: &Reasons<'_>) {
        self.inputs.resize_with(inputs.len(), Progress::default);
        for (index, (progress, account)) in self.inputs.iter_mut().zip(inputs).enumerate() {
            let has_moved = (progress.read, progress.finished) != (account.read, account.finished);
            if has_moved || account.behind <= account.slowed || progress.since.is_none() {
                let was_stalled = account.stalled.take().is_some();
                if was_stalled {
                    tracing::info!(input = reasons.name(index), "goes on");
                }
                *progress = Progress { read: account.read, finished: account.finished, since: Some(now), told: None };
                continue;
            }
            let quiet = progress.since.map_or(Duration::ZERO, |since| now.duration_since(since));
            if quiet < self.after {
                continue;
            }
            let reason = reasons.of(index, account);
            if progress.told.is_none_or(|told| now.duration_since(told) >= AGAIN) {
                progress.told = Some(now);
                let (input, behind_bytes, seconds) = (reasons.name(index), account.behind, quiet.as_secs());
                tracing::error!(
                    input,
                    behind_bytes,
                    seconds,
                    reason,
                    "stalled: there is something to read, and nothing goes on"
                );
            }
            account.stalled = Some(reason);
        }
    }
}

impl Reasons<'_> {
    fn name(&self, input: usize) -> &str {
        self.accounts.inputs.get(input).map_or("", String::as_str)
    }

    fn of(&self, input: usize, account: &InputAccount) -> String {
        let outputs = self.accounts.outputs.iter().zip(&self.accounts.deliveries);
        let failing: Vec<_> =
            outputs.filter_map(|(name, counters)| Some(format!("{name}: {}", counters.last_error()?))).collect();
        let held_up = self.held_up.get(input).copied().unwrap_or(false);
        match (self.budget, held_up) {
            (false, false) if account.choice.overdue > 0 => {
                "it is not known which pods write the files: the API server has not listed them yet".to_owned()
            }
            (false, false) => "no file could be read: the log tells which and why".to_owned(),
            _ if !failing.is_empty() => format!("an output does not deliver: {}", failing.join("; ")),
            (true, _) => "the outputs are slower than what is written".to_owned(),
            (false, true) => "Mem_Buf_Limit is reached, and the outputs did not settle what it holds".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(read: u64, behind: u64) -> [InputAccount; 1] {
        [InputAccount { read, behind, ..InputAccount::default() }]
    }

    #[test]
    fn barks_only_where_there_is_something_to_read_and_nothing_moves() {
        let accounts = Accounts::new(vec!["tail.0".into()], vec!["es.0".into()], 1);
        let reasons = Reasons { budget: true, held_up: &[false], accounts: &accounts };
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut watchdog = Watchdog::new(Duration::from_secs(60));
        let mut inputs = account(10, 5);
        watchdog.look(at(0), &mut inputs, &reasons);
        watchdog.look(at(59), &mut inputs, &reasons);
        assert_eq!(inputs[0].stalled, None);
        accounts.deliveries[0].retried("connection refused");
        watchdog.look(at(60), &mut inputs, &reasons);
        let reason = inputs[0].stalled.clone().unwrap();
        assert_eq!(reason, "an output does not deliver: es.0: connection refused");
        inputs[0].read = 11;
        watchdog.look(at(61), &mut inputs, &reasons);
        assert_eq!(inputs[0].stalled, None, "it goes on");
        inputs[0].behind = 0;
        watchdog.look(at(200), &mut inputs, &reasons);
        watchdog.look(at(900), &mut inputs, &reasons);
        assert_eq!(inputs[0].stalled, None, "there is nothing to read");
    }
}
