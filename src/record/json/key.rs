//! Keys: which may stand in a document as they are, and what becomes of the others.

use std::borrow::Cow;

use bumpalo::Bump;
use memchr::memchr;
use xxhash_rust::xxh3::xxh3_64;

use super::{MAX_KEY, MAX_LEVELS};
use crate::record::escape::write_escaped;

/// A key's bytes, condensed.
pub(super) struct Signature {
    /// Its first and its last eight bytes; the second is 0 for keys of up to eight.
    pub(super) words: (u64, u64),
    /// Equal for equal keys.
    pub(super) hash: u64,
}

/// The signature of the key at `text[start..end]`.
#[inline]
pub(super) fn signature(text: &[u8], start: usize, end: usize) -> Signature {
    let length = end - start;
    let first = word(text, start, length);
    let last = if length > 8 { word(text, end - 8, 8) } else { 0 };
    let hash = first.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ last.rotate_left(23) ^ (length as u64) << 56;
    Signature { words: (first, last), hash }
}

/// Up to eight bytes from `at` on, as a little-endian number.
#[inline]
fn word(text: &[u8], at: usize, length: usize) -> u64 {
    match text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        Some(eight) if length >= 8 => u64::from_le_bytes(*eight),
        Some(eight) => u64::from_le_bytes(*eight) & ((1 << (length * 8)) - 1),
        None => text[at..at + length].iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
    }
}

/// Whether a key without escapes can stay. `words` are those of its signature.
#[inline]
pub(super) fn is_sound(key: &[u8], words: (u64, u64)) -> bool {
    let dotted = has_dot(words.0) || has_dot(words.1) || (key.len() > 16 && memchr(b'.', key).is_some());
    match key.first() {
        Some(b'!'..=b'\x7f') if key.len() <= MAX_KEY => !dotted || has_sound_parts(key),
        Some(_) if key.len() <= MAX_KEY => has_sound_parts(key),
        _ => false,
    }
}

#[inline]
fn has_dot(word: u64) -> bool {
    const LOW: u64 = u64::from_le_bytes([0x01; 8]);
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    let dots = word ^ (LOW * b'.' as u64);
    dots.wrapping_sub(LOW) & !dots & HIGH != 0
}

/// Elasticsearch takes a dot for a step into an object, and no step may be empty or blank.
fn has_sound_parts(key: &[u8]) -> bool {
    std::str::from_utf8(key).is_ok_and(|key| key.split('.').all(|part| !part.trim().is_empty()))
}

/// Signatures of the keys that one object has so far, for each object that is open.
pub(super) struct Signatures {
    seen: [u64; Self::MOST],
    count: usize,
    /// Where the innermost object's signatures begin.
    base: usize,
    bases: [usize; MAX_LEVELS + 1],
}

impl Signatures {
    /// Keys of the objects that are open at one time. Beyond that nothing is told apart.
    const MOST: usize = 64;

    pub(super) fn new() -> Self {
        Self { seen: [0; Self::MOST], count: 0, base: 0, bases: [0; MAX_LEVELS + 1] }
    }

    pub(super) fn enter(&mut self, level: usize) {
        self.bases[level] = self.base;
        self.base = self.count;
    }

    pub(super) fn leave(&mut self, level: usize) {
        self.count = self.base;
        self.base = self.bases[level];
    }

    /// Whether the innermost object surely has no such key yet.
    #[inline]
    pub(super) fn note(&mut self, hash: u64) -> bool {
        if self.count == Self::MOST || self.seen[self.base..self.count].contains(&hash) {
            return false;
        }
        self.seen[self.count] = hash;
        self.count += 1;
        true
    }
}

/// The key for `name` (plain text, not escaped, any bytes) as JSON text between its quotes, with
/// the repairs that [`split`](super::split) makes. Borrowed where there is nothing to do.
#[must_use]
pub fn sound_key<'t>(name: &'t [u8], arena: &'t Bump) -> &'t [u8] {
    let plain = name.iter().all(|&byte| (b' '..0x7f).contains(&byte) && byte != b'"' && byte != b'\\');
    if plain && is_sound(name, signature(name, 0, name.len()).words) {
        return name;
    }
    arena.alloc_slice_copy(&repaired(&String::from_utf8_lossy(name)))
}

/// The repaired key as JSON text between its quotes. Repairing it again changes nothing.
pub(super) fn repaired(name: &str) -> Vec<u8> {
    let mut sound = String::with_capacity(name.len());
    let mut rest = name.chars().peekable();
    while let Some(char) = rest.next() {
        let at_step = sound.is_empty() || sound.ends_with('.') || rest.peek().is_none();
        sound.push(if char < ' ' || (char == '.' && at_step) { '_' } else { char });
    }
    let mut key = Vec::with_capacity(sound.len());
    write_escaped(&mut key, cut(without_blank_parts(&sound), name).as_bytes());
    key
}

fn without_blank_parts(name: &str) -> Cow<'_, str> {
    if has_sound_parts(name.as_bytes()) {
        return Cow::Borrowed(name);
    }
    let parts = name.split('.').map(|part| match part.chars().count() {
        0 => "_".to_owned(),
        blanks if part.trim().is_empty() => "_".repeat(blanks),
        _ => part.to_owned(),
    });
    Cow::Owned(parts.collect::<Vec<_>>().join("."))
}

/// Cuts a name that is too long. Two long names stay two: a hash of the `original` ends the cut one.
fn cut<'a>(name: Cow<'a, str>, original: &str) -> Cow<'a, str> {
    if name.len() <= MAX_KEY {
        return name;
    }
    let hash = format!("_{:016x}", xxh3_64(original.as_bytes()));
    let end = name.floor_char_boundary(MAX_KEY - hash.len());
    Cow::Owned(name[..end].to_owned() + &hash)
}
