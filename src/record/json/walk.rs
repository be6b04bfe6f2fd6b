//! Stepping through text that is known to be valid JSON.

use memchr::memchr2;

/// The members of a JSON object that was validated before (a value that [`split`](super::split)
/// yielded): pairs of the key, as JSON text between its quotes, and the raw value.
///
/// Anything but an object has no members. Text that is not valid ends the walk at some point.
#[must_use]
pub fn members_of(object: &[u8]) -> MembersOf<'_> {
    let rest = object.trim_ascii_start().strip_prefix(b"{").unwrap_or_default();
    MembersOf { rest: rest.trim_ascii_start() }
}

/// The members of rendered members, `"a":1,"b":"x"`: an object without its braces.
#[must_use]
pub fn members_within(rendered: &[u8]) -> MembersOf<'_> {
    MembersOf { rest: rendered.trim_ascii_start() }
}

/// See [`members_of`].
#[derive(Debug, Clone)]
pub struct MembersOf<'t> {
    rest: &'t [u8],
}

impl<'t> Iterator for MembersOf<'t> {
    type Item = (&'t [u8], &'t [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let quoted = self.rest.get(..string_end(self.rest)?)?;
        let [b'"', key @ .., b'"'] = quoted else { return None };
        let rest = self.rest[quoted.len()..].trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
        let (value, rest) = rest.split_at_checked(value_end(rest)?)?;
        let rest = rest.trim_ascii_start();
        self.rest = rest.strip_prefix(b",").unwrap_or_default().trim_ascii_start();
        Some((key, value))
    }
}

/// The elements of a valid JSON array.
pub(super) fn elements_of(array: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = array.strip_prefix(b"[").unwrap_or_default().trim_ascii_start();
    std::iter::from_fn(move || {
        let (value, behind) = rest.split_at_checked(value_end(rest)?)?;
        rest = behind.trim_ascii_start().strip_prefix(b",").unwrap_or_default().trim_ascii_start();
        Some(value)
    })
}

/// Length of the value that `text` begins with. `None` if no value begins here.
fn value_end(text: &[u8]) -> Option<usize> {
    match text.first()? {
        b'"' => string_end(text),
        b'{' | b'[' => container_end(text),
        b']' | b'}' | b',' | b':' => None,
        _ => Some(text.iter().position(|byte| b",]} \t\n\r".contains(byte)).unwrap_or(text.len())),
    }
}

/// Length of the string that `text` begins with.
fn string_end(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

fn container_end(text: &[u8]) -> Option<usize> {
    let mut open = 0_usize;
    let mut at = 0;
    loop {
        match text.get(at)? {
            b'"' => {
                at += string_end(&text[at..])?;
                continue;
            }
            b'{' | b'[' => open += 1,
            b'}' | b']' => open -= 1,
            _ => {}
        }
        at += 1;
        if open == 0 {
            return Some(at);
        }
    }
}

/// Members of all objects in a valid value: its colons outside of strings.
pub(super) fn count_members(value: &[u8]) -> usize {
    let (mut at, mut count) = (0, 0);
    while let Some(&byte) = value.get(at) {
        at += match byte {
            b'"' => string_end(&value[at..]).unwrap_or(1),
            _ => 1,
        };
        count += usize::from(byte == b':');
    }
    count
}
