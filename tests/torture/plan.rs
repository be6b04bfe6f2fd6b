//! What a run does: its size, and the parts that the command line asks for.

use std::ops::Range;
use std::time::Duration;

use crate::outage;

/// The options of a run.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) name: &'static str,
    pub(crate) seed: u64,
    pub(crate) containers: u16,
    /// Bytes a second, over all containers.
    pub(crate) rate: u64,
    pub(crate) writing: Duration,
    /// Bytes at which a log is rotated.
    pub(crate) rotate_at: u64,
    pub(crate) kills: u32,
    /// Reloads of the configuration.
    pub(crate) reloads: u32,
    /// Milliseconds between two faults of the fake: short enough to meet all, long enough to catch up in between.
    pub(crate) calm: Range<u64>,
    /// Time between two restarts of containers or replacements of pods.
    pub(crate) change_every: Duration,
    /// The server is away for most of the time, and fails in no other way.
    pub(crate) has_outage: bool,
    /// Some documents are such that the server refuses them for good.
    pub(crate) has_poison: bool,
}

/// The command line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arguments {
    pub(crate) long: bool,
    /// The directory of a run is left for a look.
    pub(crate) keep: bool,
    parts: Vec<Part>,
    seed: Option<u64>,
    rate: Option<u64>,
    seconds: Option<u64>,
    kills: Option<u32>,
    /// The words and flags are of another test program: nothing is to be done.
    pub(crate) is_meant_for_others: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The fake's answers against the real server's.
    Answers,
    /// The run against the fake.
    Fake,
    /// The run against the real server.
    Real,
    /// The run against the fake with reloads in place of kills.
    Reloads,
    /// The run against the fake that is away for long, in place of kills and faults.
    Outage,
}

impl Arguments {
    /// Reads them. What libtest knows and we do not is passed over, as `cargo test` gives it to all programs.
    pub(crate) fn read(arguments: impl Iterator<Item = String>) -> Self {
        let mut read = Self::default();
        let mut arguments = arguments.peekable();
        while let Some(argument) = arguments.next() {
            let mut number = || {
                let value = arguments.next().and_then(|value| value.parse::<u64>().ok());
                value.unwrap_or_else(|| panic!("{argument} needs a number"))
            };
            match argument.as_str() {
                "--keep" => read.keep = true,
                "--long" => read.long = true,
                "--answers" => read.parts.push(Part::Answers),
                "--fake" => read.parts.push(Part::Fake),
                "--real" => read.parts.push(Part::Real),
                "--reloads" => read.parts.push(Part::Reloads),
                "--outage" => read.parts.push(Part::Outage),
                "--seed" => read.seed = Some(number()),
                "--rate" => read.rate = Some(number() * 1_000_000),
                "--seconds" => read.seconds = Some(number()),
                "--kills" => read.kills = Some(u32::try_from(number()).expect("a number of kills")),
                "--list" | "--ignored" => read.is_meant_for_others = true,
                "--skip" | "--test-threads" | "--format" | "--color" | "--logfile" | "--shuffle-seed" | "-Z" => {
                    drop(arguments.next());
                }
                flag if flag.starts_with('-') => {}
                filter => read.is_meant_for_others |= !"torture".contains(filter),
            }
        }
        read
    }

    /// The part is asked for. All are, unless some are named; the long run is the one against the fake.
    pub(crate) fn has(&self, part: Part) -> bool {
        match self.parts.as_slice() {
            [] => !self.long || part == Part::Fake,
            parts => parts.contains(&part),
        }
    }

    /// The run against the fake.
    pub(crate) fn fake(&self) -> Plan {
        let (name, seconds, kills, calm) =
            if self.long { ("long", 900, 36, 5_000..15_000) } else { ("short", 45, 8, 1_000..3_000) };
        self.with(Plan {
            name,
            seed: 0,
            containers: 20,
            // The short form has faults most of the time: at half the rate a shipper keeps up all the same.
            rate: if self.long { 50_000_000 } else { 25_000_000 },
            writing: Duration::from_secs(seconds),
            rotate_at: 10 * 1024 * 1024,
            kills,
            reloads: 0,
            has_outage: false,
            calm,
            change_every: Duration::from_secs(4),
            has_poison: true,
        })
    }

    /// A minute with twenty reloads.
    pub(crate) fn reloads(&self) -> Plan {
        self.with(Plan {
            name: "reloads",
            rate: 10_000_000,
            writing: Duration::from_secs(60),
            rotate_at: 2 * 1024 * 1024,
            kills: 0,
            reloads: 20,
            ..self.fake()
        })
    }

    /// Ten minutes without a server, or half of one. No pod comes or goes.
    pub(crate) fn outage(&self) -> Plan {
        let away = Duration::from_secs(if self.long { 600 } else { 30 });
        let writing = outage::START + outage::BEFORE + away + outage::AFTER;
        self.with(Plan {
            name: "outage",
            containers: 5,
            rate: 5_000_000,
            writing,
            kills: 0,
            has_outage: true,
            change_every: Duration::MAX,
            ..self.fake()
        })
    }

    /// The run against the real server: rotates as often as the other at its rate.
    pub(crate) fn real(&self) -> Plan {
        let (seconds, kills) = if self.long { (300, 12) } else { (40, 4) };
        self.with(Plan {
            name: "real",
            rate: 3_000_000,
            writing: Duration::from_secs(seconds),
            rotate_at: 1024 * 1024,
            kills,
            has_poison: false,
            ..self.fake()
        })
    }

    fn with(&self, plan: Plan) -> Plan {
        Plan {
            seed: self.seed.unwrap_or_else(|| fastrand::u64(..1_000_000)),
            rate: self.rate.unwrap_or(plan.rate),
            writing: self.seconds.map_or(plan.writing, Duration::from_secs),
            kills: self.kills.unwrap_or(plan.kills),
            ..plan
        }
    }
}
