//! The lines of one container, rendered cheaply: a head, a number, and a slice of the same long text.

use std::sync::LazyLock;

use fastrand::Rng;
use flytail::record::Timestamp;

use crate::ground::LineAt;
use crate::marker::Marker;

/// Of so many lines one is refused by the server.
const POISON: u32 = 100_000;

const STREAMS: [&[u8]; 2] = [b"stdout", b"stderr"];

/// Words to cut texts from.
static TEXT: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut rng = Rng::with_seed(7);
    let mut text = Vec::with_capacity(TEXT_LENGTH + 16);
    while text.len() < TEXT_LENGTH {
        let length = rng.usize(2..10);
        text.extend(std::iter::repeat_with(|| rng.lowercase() as u8).take(length));
        text.push(b' ');
    }
    text
});
const TEXT_LENGTH: usize = 256 * 1024;

/// See the module.
pub(super) struct Lines {
    log: u16,
    rng: Rng,
    clock: Clock,
    counters: [u32; 2],
    open: Option<Group>,
    has_poison: bool,
    /// Records that were begun.
    pub(super) records: u64,
}

/// A record of several lines that is being written. Lines of the other stream come between.
#[derive(Debug, Clone, Copy)]
struct Group {
    kind: Kind,
    stream: u8,
    next: u8,
    markers: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Partial,
    Traceback,
}

/// Numbered lines of a traceback; its first line has no number.
const TRACEBACK_MARKERS: u8 = 3;

impl Lines {
    pub(super) fn new(log: u16, seed: u64, has_poison: bool) -> Self {
        let rng = Rng::with_seed(seed);
        Self { log, rng, clock: Clock::default(), counters: [0; 2], open: None, has_poison, records: 0 }
    }

    /// A record is open.
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Numbered lines so far.
    pub(super) fn count(&self) -> u64 {
        self.counters.iter().copied().map(u64::from).sum()
    }

    /// Appends a line, and tells where its number is if it has one. `offset` is that of `out`'s end in the file.
    pub(super) fn write(&mut self, out: &mut Vec<u8>, offset: u64) -> Option<LineAt> {
        let start = out.len();
        let marker = match self.open {
            Some(group) if self.rng.u8(..3) > 0 => self.go_on(group, out),
            Some(group) => Some(self.single(1 - group.stream, out)),
            None => {
                self.clock.look();
                match self.rng.u8(..100) {
                    0..2 => self.begin(Kind::Traceback, TRACEBACK_MARKERS, out),
                    2..8 => {
                        let parts = self.rng.u8(2..5);
                        self.begin(Kind::Partial, parts, out)
                    }
                    _ => {
                        let stream = u8::from(self.rng.u8(..4) == 0);
                        Some(self.single(stream, out))
                    }
                }
            }
        };
        let at = |length: usize| u32::try_from(offset as usize + length).expect("files are small");
        let line = marker.map(|marker| LineAt { marker, start: at(0), end: at(out.len() - start) });
        debug_assert_eq!(out.last(), Some(&b'\n'));
        line
    }

    fn begin(&mut self, kind: Kind, markers: u8, out: &mut Vec<u8>) -> Option<Marker> {
        self.records += 1;
        let stream = if kind == Kind::Traceback { 1 } else { self.rng.u8(..2) };
        self.go_on(Group { kind, stream, next: 0, markers }, out)
    }

    fn go_on(&mut self, group: Group, out: &mut Vec<u8>) -> Option<Marker> {
        let Group { kind, stream, next, markers } = group;
        let numbers = if kind == Kind::Traceback { next.checked_sub(1) } else { Some(next) };
        let is_last = numbers.is_some_and(|number| number + 1 == markers);
        self.open = (!is_last).then_some(Group { next: next + 1, ..group });
        self.head(stream, kind == Kind::Partial && !is_last, out);
        let marker = numbers.map(|number| self.number(stream, number, markers, false));
        match (kind, marker) {
            (Kind::Traceback, None) => out.extend_from_slice(b"Traceback (most recent call last):"),
            (Kind::Traceback, Some(marker)) if is_last => {
                out.extend_from_slice(b"ValueError: ");
                marker.write(out);
            }
            (Kind::Traceback, Some(marker)) => {
                out.extend_from_slice(b"  File \"/root/workflows/torture.py\", line 12, in ");
                marker.write(out);
            }
            (Kind::Partial, marker) => {
                marker.into_iter().for_each(|marker| marker.write(out));
                self.text(1_500, out);
            }
        }
        out.push(b'\n');
        marker
    }

    fn single(&mut self, stream: u8, out: &mut Vec<u8>) -> Marker {
        self.records += 1;
        self.head(stream, false, out);
        let is_poison = self.has_poison && self.rng.u32(..POISON) == 0;
        let marker = self.number(stream, 0, 1, is_poison);
        if self.rng.u8(..100) < 15 {
            out.extend_from_slice(br#"{"level":"info","logger":"torture","worker":7,"msg":""#);
            marker.write(out);
            self.text(700, out);
            out.extend_from_slice(b"\"}\n");
        } else {
            out.extend_from_slice(b"INFO torture ");
            marker.write(out);
            self.text(1_000, out);
            out.push(b'\n');
        }
        marker
    }

    fn number(&mut self, stream: u8, nth: u8, of: u8, is_poison: bool) -> Marker {
        let counter = &mut self.counters[usize::from(stream)];
        let marker = Marker { log: self.log, stream, counter: *counter, nth, of, is_poison };
        *counter += 1;
        marker
    }

    /// What the container runtime writes in front.
    fn head(&mut self, stream: u8, is_partial: bool, out: &mut Vec<u8>) {
        self.clock.write(out);
        out.push(b' ');
        out.extend_from_slice(STREAMS[usize::from(stream)]);
        out.extend_from_slice(if is_partial { b" P " } else { b" F " });
    }

    fn text(&mut self, most: usize, out: &mut Vec<u8>) {
        let length = self.rng.usize(1..most);
        let start = self.rng.usize(..TEXT_LENGTH - length);
        out.push(b' ');
        out.extend_from_slice(&TEXT[start..start + length]);
    }
}

/// The runtime's clock: never goes back, and never stands still.
#[derive(Default)]
struct Clock(i64);

impl Clock {
    /// Looks at the wall clock. Not within a record, whose lines are written at once.
    fn look(&mut self) {
        self.0 = self.0.max(Timestamp::now().0);
    }

    fn write(&mut self, out: &mut Vec<u8>) {
        self.0 += 1;
        Timestamp(self.0).write_rfc3339(out);
    }
}
