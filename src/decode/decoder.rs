//! The decoder of one source: which format it has, and the open line and group of each stream.

use bumpalo::Bump;

use super::multiline::{Chain, Groups, Limits};
use super::{Entry, Line, Stream, cri, docker, partial};
use crate::record::{Checkpoint, Member, Position, Timestamp};

/// What a source's decoder is to do.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Lines are wrapped by a container runtime; which one is told by looking.
    pub container: bool,
    /// How lines that were printed one by one are joined.
    pub multiline: Chain,
    /// No line grows beyond this by joining.
    pub limits: Limits,
}

/// Decoding state of one source.
#[derive(Debug)]
pub struct Decoder {
    settings: Settings,
    docker: bool,
    streams: [StreamState; 2],
    /// Where each stream's lines begin to be new.
    resume: [u64; 2],
    last_time: Timestamp,
    /// Lines that were in no format that was to be expected.
    malformed: u64,
}

#[derive(Debug, Default)]
struct StreamState {
    partial: partial::Joiner,
    group: Groups,
}

const STREAMS: [Stream; 2] = [Stream::Stdout, Stream::Stderr];

impl Decoder {
    /// A decoder that goes on at a checkpoint.
    #[must_use]
    pub fn new(settings: Settings, resume: Checkpoint) -> Self {
        let streams = Default::default();
        Self { settings, docker: false, streams, resume: resume.streams, last_time: resume.time, malformed: 0 }
    }

    /// Takes over what is open in the decoder of the file before this one (rotation).
    pub fn continue_from(&mut self, before: &mut Self) {
        self.streams = std::mem::take(&mut before.streams);
        for state in &mut self.streams {
            state.partial.carry();
            state.group.carry();
        }
        self.docker = before.docker;
        self.last_time = self.last_time.max(before.last_time);
    }

    /// Lines that had none of the expected formats, since the last call.
    pub fn take_malformed(&mut self) -> u64 {
        std::mem::take(&mut self.malformed)
    }

    /// Something waits for its next part.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.streams.iter().any(|state| state.oldest().is_some())
    }

    /// Something that is open began in the file before.
    #[must_use]
    pub fn is_carrying(&self) -> bool {
        self.carried().contains(&true)
    }

    /// The streams of which something is open that began in the file before.
    #[must_use]
    pub fn carried(&self) -> [bool; 2] {
        [&self.streams[0], &self.streams[1]].map(|state| state.partial.is_carried() || state.group.is_carried())
    }

    /// Where reading would have to begin again if all complete lines before `end` were done.
    #[must_use]
    pub fn checkpoint(&self, end: u64) -> Checkpoint {
        let mut checkpoint = Checkpoint { offset: end, streams: [end; 2], time: self.last_time };
        for (state, (stream, resume)) in self.streams.iter().zip(checkpoint.streams.iter_mut().zip(self.resume)) {
            let oldest = state.oldest();
            *stream = oldest.map_or(end, |(start, _)| start).max(resume);
            if let Some((start, time)) = oldest.filter(|(start, _)| *start < checkpoint.offset) {
                (checkpoint.offset, checkpoint.time) = (start, time);
            }
        }
        checkpoint
    }

    /// Takes one physical line (without its line end) and gives each line that it completes to
    /// `complete`. `time` is for lines that can tell none.
    pub fn push<'t>(
        &mut self,
        raw: &'t [u8],
        position: Position,
        cut: bool,
        time: Timestamp,
        arena: &'t Bump,
        complete: &mut impl FnMut(Line<'t>),
    ) {
        if !self.settings.container {
            self.last_time = time;
            let line =
                Line { time, stream: None, text: raw, position, truncated: cut, carried: 0, ended: 0, first: None };
            let Settings { multiline, limits, .. } = &self.settings;
            if multiline.is_empty() {
                complete(line);
            } else {
                self.streams[0].group.push(line, multiline, *limits, arena, complete);
            }
            return;
        }
        let entry = self.parse(raw, arena).unwrap_or_else(|| {
            self.malformed += 1;
            Entry { time: None, stream: Stream::Stdout, partial: false, text: raw }
        });
        let stream = entry.stream as usize;
        let time = entry.time.unwrap_or(self.last_time);
        self.last_time = time;
        if position.start < self.resume[stream] {
            return;
        }
        let Settings { multiline, limits, .. } = &self.settings;
        let state = &mut self.streams[stream];
        if cut {
            // What was cut mid-line cannot be told from a part of something: it stands alone.
            state.finish(entry.stream, arena, complete);
            complete(Line { truncated: true, ..Line::whole(entry, time, position) });
        } else if multiline.is_empty() {
            state.partial.push(entry, time, position, limits.bytes, arena, complete);
        } else {
            let group = &mut state.group;
            let join = |line| group.push(line, multiline, *limits, arena, complete);
            state.partial.push(entry, time, position, limits.bytes, arena, join);
        }
    }

    /// There is a group that [`Decoder::expire`] would let go.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.streams.iter().any(|state| state.partial.open_since().is_none() && state.group.is_due(now))
    }

    /// Lets go of groups that nothing can follow any more at `now`.
    pub fn expire<'t>(&mut self, now: Timestamp, arena: &'t Bump, complete: &mut impl FnMut(Line<'t>)) {
        for state in &mut self.streams {
            if state.partial.open_since().is_none() {
                state.group.expire(now, arena, complete);
            }
        }
    }

    /// Gives out everything that is open: nothing follows any more.
    pub fn finish<'t>(&mut self, arena: &'t Bump, complete: &mut impl FnMut(Line<'t>)) {
        for (state, stream) in self.streams.iter_mut().zip(STREAMS) {
            state.finish(stream, arena, complete);
        }
    }

    fn parse<'t>(&mut self, raw: &'t [u8], arena: &'t Bump) -> Option<Entry<'t>> {
        let as_docker = |arena| {
            let mut members: Vec<Member<'t>> = Vec::new();
            docker::parse(raw, arena, &mut members)
        };
        if self.docker {
            return as_docker(arena).or_else(|| cri::parse(raw));
        }
        cri::parse(raw).or_else(|| {
            let entry = as_docker(arena)?;
            self.docker = true;
            Some(entry)
        })
    }
}

impl StreamState {
    fn oldest(&self) -> Option<(u64, Timestamp)> {
        let (partial, group) = (self.partial.open_since(), self.group.open_since());
        group.or(partial)
    }

    fn finish<'t>(&mut self, stream: Stream, arena: &'t Bump, complete: &mut impl FnMut(Line<'t>)) {
        self.group.finish(arena, complete);
        self.partial.finish(stream, arena).map(complete);
    }
}
