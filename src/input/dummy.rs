//! Made-up records, for trying things out.

use std::time::{Duration, Instant};

use super::{Block, Event, Input, State, Surroundings, next_source_id};
use crate::config::{Kind, OptionSpec, Options, Plugin, Problems};
use crate::record::{Checkpoint, Now, Source};
use crate::telemetry::accounts::InputAccount;

/// The dummy input.
pub const PLUGIN: Plugin = Plugin {
    name: "dummy",
    doc: "Makes up records at a fixed rate.",
    options: &[
        OptionSpec::new("Dummy", Kind::Text, "{\"message\":\"dummy\"}", "The record, as a JSON object."),
        OptionSpec::new("Rate", Kind::Integer, "1", "Records a second."),
        OptionSpec::new("Samples", Kind::Integer, "0", "Ends after this many; 0: never."),
    ],
};

/// Builds the input.
pub fn build(
    number: usize,
    options: &Options<'_>,
    surroundings: &Surroundings,
    problems: &mut Problems,
) -> Option<Box<dyn Input>> {
    let dummy = options.text("Dummy").unwrap_or_default();
    if !serde_json::from_str::<serde_json::Value>(dummy).is_ok_and(|value| value.is_object()) {
        problems.push(options.problem("Dummy", format!("`{dummy}` is no JSON object")));
        return None;
    }
    let rate = options.integer("Rate").unwrap_or(1).clamp(1, 1_000_000);
    let source = Source {
        id: next_source_id(),
        input: number,
        tag: options.tag().to_owned(),
        path: None,
        container: None,
        pod: None,
        log: None,
        began: None,
    };
    Some(Box::new(Dummy {
        source: Some(source.clone()).filter(|_| surroundings.shard.worker == 0),
        id: source.id,
        line: [dummy.as_bytes(), b"\n"].concat(),
        pause: Duration::from_secs(1) / u32::try_from(rate).unwrap_or(1),
        due: None,
        left: u64::try_from(options.integer("Samples").unwrap_or(0)).ok().filter(|samples| *samples > 0),
        offset: 0,
        is_idle: surroundings.shard.worker != 0,
    }))
}

struct Dummy {
    source: Option<Source>,
    id: u64,
    line: Vec<u8>,
    pause: Duration,
    due: Option<Instant>,
    left: Option<u64>,
    offset: u64,
    is_idle: bool,
}

impl Input for Dummy {
    fn discover(&mut self, now: Now, events: &mut Vec<Event>) {
        if let Some(source) = self.source.take() {
            self.due = Some(now.instant);
            events.push(Event::Opened {
                source: Box::new(source),
                resume: Checkpoint::at(0, now.time),
                lead: Vec::new(),
                continues: None,
            });
        }
    }

    fn protect(&mut self, _: Now) {}

    fn next_block<'b>(&mut self, buffer: &'b mut Vec<u8>, now: Now) -> Option<Block<'b>> {
        let due = self.due.filter(|due| *due <= now.instant && self.left != Some(0))?;
        self.due = Some(due + self.pause);
        self.left = self.left.map(|left| left - 1);
        buffer.clear();
        buffer.extend_from_slice(&self.line);
        Some(Block {
            source: self.id,
            offset: self.offset,
            bytes: buffer,
            is_last: false,
            time: now.time,
            since: now.instant,
        })
    }

    fn consumed(&mut self, _: u64, bytes: usize) {
        self.offset += bytes as u64;
    }

    fn committed(&mut self, _: u64, _: Checkpoint) {}

    fn save(&mut self) {}

    fn is_caught_up(&mut self, _: u64) -> bool {
        true
    }

    fn account(&self, _: Now, _: &mut InputAccount) {}

    fn state(&self) -> State {
        if self.left == Some(0) || self.is_idle { State::Exhausted } else { State::Open }
    }
}
