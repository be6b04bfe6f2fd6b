//! Sequence numbers in the text of records, which tell a line wherever it arrives.
//!
//! `tq[0003.1.0000012345/0/3.]`: log 3, standard error, its 12,346th numbered line, the first of a record of three. A
//! record of several lines (parts of one, or a traceback) has a number for each, so that one that was cut elsewhere
//! the second time is seen. An exclamation mark in place of the last full stop asks the server to refuse the document.

use memchr::memmem::Finder;

const OPENING: &[u8] = b"tq[";

/// Bytes of a marker.
const LENGTH: usize = b"tq[0000.0.0000000000/0/0.]".len();

/// One line of one log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Marker {
    /// Which container, counted over the whole run.
    pub(crate) log: u16,
    /// 0 for standard output, 1 for standard error.
    pub(crate) stream: u8,
    /// Counts within log and stream, without gaps.
    pub(crate) counter: u32,
    /// Which numbered line of its record it is, from 0.
    pub(crate) nth: u8,
    /// How many numbered lines its record has.
    pub(crate) of: u8,
    /// The server refuses it for good.
    pub(crate) is_poison: bool,
}

impl Marker {
    /// All lines of its record.
    pub(crate) fn record(self) -> impl Iterator<Item = Self> {
        let first = self.counter.saturating_sub(u32::from(self.nth));
        (0..self.of).map(move |nth| Self { counter: first + u32::from(nth), nth, ..self })
    }

    /// Appends it.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        let mut text = *b"tq[0000.0.0000000000/0/0.]";
        digits(&mut text[3..7], u32::from(self.log));
        text[8] += self.stream;
        digits(&mut text[10..20], self.counter);
        text[21] += self.nth;
        text[23] += self.of;
        if self.is_poison {
            text[24] = b'!';
        }
        out.extend_from_slice(&text);
    }

    fn read(text: &[u8]) -> Option<Self> {
        let number = |range: std::ops::Range<usize>| std::str::from_utf8(text.get(range)?).ok()?.parse::<u32>().ok();
        (text.get(LENGTH - 1) == Some(&b']')).then_some(())?;
        Some(Self {
            log: u16::try_from(number(3..7)?).ok()?,
            stream: u8::try_from(number(8..9)?).ok().filter(|stream| *stream < 2)?,
            counter: number(10..20)?,
            nth: u8::try_from(number(21..22)?).ok()?,
            of: u8::try_from(number(23..24)?).ok()?,
            is_poison: text[24] == b'!',
        })
    }
}

/// Finds markers.
pub(crate) struct Reader(Finder<'static>);

impl Reader {
    pub(crate) fn new() -> Self {
        Self(Finder::new(OPENING))
    }

    /// All in a text, each once.
    pub(crate) fn read(&self, text: &[u8], into: &mut Vec<Marker>) {
        into.clear();
        for marker in self.0.find_iter(text).filter_map(|at| Marker::read(&text[at..])) {
            if !into.contains(&marker) {
                into.push(marker);
            }
        }
    }
}

/// Writes a number over zeros, from the right.
fn digits(text: &mut [u8], mut number: u32) {
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}
