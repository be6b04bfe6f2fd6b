//! The line of counters.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::cli::figures::{bytes, grouped};
use crate::telemetry::accounts::{Accounts, Snapshot};

/// Rates are those of this last time: short enough to follow, long enough not to flicker.
const WINDOW: Duration = Duration::from_secs(3);

/// Makes the line of counters from looks at the accounts.
#[derive(Debug, Default)]
pub(super) struct Status {
    /// When looked, and lines and bytes that were read by then.
    looks: VecDeque<(Instant, u64, u64)>,
}

/// What all outputs and inputs did, as one.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) lines: u64,
    pub(super) read: u64,
    pub(super) behind: u64,
    pub(super) held: u64,
    /// Records whose fate is known at every output.
    pub(super) settled: u64,
    /// Records that arrived at every output.
    pub(super) acked: u64,
    pub(super) dead_lettered: u64,
    pub(super) dropped: u64,
    pub(super) in_flight: u64,
}

impl Sums {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let mut sums = Self::default();
        for input in &snapshot.inputs {
            sums.lines += input.lines;
            sums.read += input.read;
            sums.behind += input.behind;
            sums.held += input.held;
        }
        // Every record goes to every output: the slowest counts.
        let outputs = &snapshot.outputs;
        let settled = outputs.iter().map(|output| output.acked + output.dead_lettered + output.dropped.total());
        sums.settled = settled.min().unwrap_or(0);
        sums.acked = outputs.iter().map(|output| output.acked).min().unwrap_or(0);
        for output in outputs {
            sums.dead_lettered += output.dead_lettered;
            sums.dropped += output.dropped.total();
            sums.in_flight += output.in_flight;
        }
        sums
    }
}

impl Status {
    /// Looks at the accounts, several times a second.
    pub(super) fn look(&mut self, accounts: &Accounts, now: Instant) {
        let sums = Sums::of(&accounts.total());
        self.looks.push_back((now, sums.lines, sums.read));
        while self.looks.get(1).is_some_and(|(at, _, _)| now.duration_since(*at) >= WINDOW) {
            self.looks.pop_front();
        }
    }

    /// The line at this moment, with the rates of the last looks.
    pub(super) fn line(&self, accounts: &Accounts) -> String {
        let sums = Sums::of(&accounts.total());
        let retries: u64 = accounts.deliveries.iter().map(|delivery| delivery.retries()).sum();
        let (lines, read) = self.rates();
        let mut line = format!(
            "{} lines/s | {}/s | acked {} | behind {} | errors {}",
            grouped(lines),
            bytes(read),
            grouped(sums.acked),
            bytes(sums.behind),
            grouped(retries + sums.dead_lettered + sums.dropped),
        );
        for (name, delivery) in accounts.outputs.iter().zip(&accounts.deliveries) {
            if let Some(error) = delivery.last_error() {
                line += &format!(" | {name}: {error}");
            }
        }
        line
    }

    /// Lines and bytes a second.
    fn rates(&self) -> (u64, u64) {
        let (Some(first), Some(last)) = (self.looks.front(), self.looks.back()) else { return (0, 0) };
        let milliseconds = u64::try_from(last.0.duration_since(first.0).as_millis()).unwrap_or(u64::MAX).max(1);
        let rate = |first: u64, last: u64| last.saturating_sub(first).saturating_mul(1000) / milliseconds;
        (rate(first.1, last.1), rate(first.2, last.2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::accounts::{InputAccount, OutputAccount};

    #[test]
    fn tells_rates_of_the_last_seconds_and_the_slowest_output() {
        let accounts = Accounts::new(vec!["tail.0".into()], vec!["es.0".into(), "es.1".into()], 1);
        let mut status = Status::default();
        let start = Instant::now();
        let mut look = |seconds: u64, lines, acked| {
            let input = InputAccount { lines, read: lines * 500, behind: 2_500, ..InputAccount::default() };
            let output = |acked| OutputAccount { routed: lines, acked, in_flight: lines - acked, ..Default::default() };
            let snapshot =
                Snapshot { inputs: vec![input], outputs: vec![output(lines), output(acked)], ..Snapshot::default() };
            accounts.publish(0, &snapshot);
            status.look(&accounts, start + Duration::from_secs(seconds));
            status.line(&accounts)
        };
        assert_eq!(look(0, 0, 0), "0 lines/s | 0 B/s | acked 0 | behind 2.5 kB | errors 0");
        assert_eq!(look(3, 3000, 2000), "1,000 lines/s | 500 kB/s | acked 2,000 | behind 2.5 kB | errors 0");
        assert_eq!(look(6, 3300, 3300), "100 lines/s | 50 kB/s | acked 3,300 | behind 2.5 kB | errors 0");
        accounts.deliveries[1].retried("connection refused");
        let line = status.line(&accounts);
        assert!(line.ends_with("errors 1 | es.1: connection refused"), "{line}");
    }
}
