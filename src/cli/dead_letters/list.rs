//! `flytail dead-letters list`: what was refused, grouped by what is wrong with it.

use std::collections::HashMap;
use std::io::Write;
use std::path::Path;

use clap::Args;
use serde::Serialize;

use super::error::LettersError;
use super::selection::Selection;
use super::{Ending, Place, each_letter, visible};
use crate::cli::figures::{bytes, grouped};
use crate::spool::dead_letters::{DeadLetter, segments};

/// Characters of a reason that are shown in the table.
const SHOWN: usize = 120;

/// Arguments of `flytail dead-letters list`.
#[derive(Debug, Args)]
pub(super) struct ListArguments {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    selection: Selection,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// All that is listed.
#[derive(Debug, Default, Serialize)]
struct Listing {
    path: String,
    segments: usize,
    letters: u64,
    bytes: u64,
    /// Lines that are no letters.
    unreadable: u64,
    groups: Vec<Group>,
}

/// Letters with the same fault.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Group {
    count: u64,
    first: String,
    last: String,
    #[serde(flatten)]
    key: Key,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
struct Key {
    output: String,
    index: String,
    status: u16,
    #[serde(rename = "type")]
    kind: String,
    /// The reason without what is particular to one document.
    reason: String,
}

pub(super) fn run(arguments: &ListArguments, out: &mut impl Write) -> Result<Ending, LettersError> {
    let listing = listing(&arguments.place.directory()?, &arguments.selection)?;
    if arguments.json {
        writeln!(out, "{}", serde_json::json!(listing))?;
    } else {
        write_table(&listing, out)?;
    }
    Ok(Ending::Complete)
}

fn listing(directory: &Path, selection: &Selection) -> Result<Listing, LettersError> {
    let segments = segments(directory).map_err(LettersError::read(directory))?.len();
    let mut listing = Listing { path: directory.display().to_string(), segments, ..Listing::default() };
    let mut groups: HashMap<Key, Group> = HashMap::new();
    each_letter(directory, |line, letter| {
        match letter {
            None => listing.unreadable += 1,
            Some(letter) if selection.takes(&letter) => {
                listing.letters += 1;
                listing.bytes += line.len() as u64;
                add(&mut groups, letter);
            }
            Some(_) => {}
        }
        Ok(true)
    })?;
    listing.groups = groups.into_values().collect();
    listing.groups.sort_by(|one, other| other.count.cmp(&one.count).then_with(|| one.first.cmp(&other.first)));
    Ok(listing)
}

fn add(groups: &mut HashMap<Key, Group>, letter: DeadLetter) {
    let DeadLetter { time, output, index, status, kind, reason, .. } = letter;
    let key = Key { output, index, status, kind, reason: shape(&reason) };
    let group = groups.entry(key);
    let group =
        group.or_insert_with_key(|key| Group { count: 0, first: time.clone(), last: time.clone(), key: key.clone() });
    group.count += 1;
    if time < group.first {
        group.first = time;
    } else if time > group.last {
        group.last = time;
    }
}

/// A reason without numbers and quoted values, which differ from document to document:
/// `[1:22] failed to parse field [n] … id 'a9'` and `[1:7] … id 'b2'` are the same fault.
fn shape(reason: &str) -> String {
    let mut shape = String::with_capacity(reason.len());
    let mut rest = reason;
    while let Some(character) = rest.chars().next() {
        let quoted = rest.strip_prefix('\'').and_then(|inside| inside.find('\''));
        let taken = if let Some(end) = quoted {
            shape.push_str("'…'");
            end + 2
        } else if character.is_ascii_digit() {
            shape.push('#');
            rest.find(|other: char| !other.is_ascii_digit()).unwrap_or(rest.len())
        } else {
            shape.push(character);
            character.len_utf8()
        };
        rest = &rest[taken..];
    }
    shape
}

fn write_table(listing: &Listing, out: &mut impl Write) -> std::io::Result<()> {
    let Listing { path, segments, letters, unreadable, .. } = listing;
    let files = if *segments == 1 { "segment" } else { "segments" };
    let (letters, size) = (grouped(*letters), bytes(listing.bytes));
    writeln!(out, "{letters} dead letters ({size}) in {segments} {files} of {path}")?;
    if *unreadable > 0 {
        writeln!(out, "{} lines are no letters", grouped(*unreadable))?;
    }
    if listing.groups.is_empty() {
        return Ok(());
    }
    let header = ["count", "first", "last", "output", "index", "status", "type", "reason"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(header).chain(listing.groups.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 8] = std::array::from_fn(width);
    for row in &rows {
        let [count, .., reason] = row;
        write!(out, "{count:>width$}", width = widths[0])?;
        for (cell, width) in row[1..7].iter().zip(&widths[1..7]) {
            write!(out, "  {cell:width$}")?;
        }
        writeln!(out, "  {reason}")?;
    }
    Ok(())
}

fn row(group: &Group) -> [String; 8] {
    let Key { output, index, status, kind, reason } = &group.key;
    let mut shown: String = visible(reason).chars().take(SHOWN).collect();
    if shown.len() < reason.len() {
        shown.push('…');
    }
    let (first, last) = (seconds(&group.first), seconds(&group.last));
    [grouped(group.count), first, last, visible(output), visible(index), status.to_string(), visible(kind), shown]
}

/// A time to the second.
fn seconds(time: &str) -> String {
    time.get(..19).map_or_else(|| visible(time), |whole| format!("{}Z", visible(whole)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "[1:22] failed to parse field [n] of type [long] in document with id 'a9'. Preview: 'é'";

    #[test]
    fn a_shape_has_no_particulars() {
        let other = "[13:7] failed to parse field [n] of type [long] in document with id 'b'. Preview: ''";
        assert_eq!(shape(ONE), shape(other));
        assert_eq!(shape(ONE), "[#:#] failed to parse field [n] of type [long] in document with id '…'. Preview: '…'");
        assert_eq!(shape("can't, 12é"), "can't, #é");
    }

    #[test]
    fn the_most_frequent_fault_comes_first() {
        let mut groups = HashMap::new();
        let letter = |index: &str, reason: &str, second: u32| DeadLetter {
            time: format!("2026-11-22T10:15:{second:02}.5Z"),
            ..DeadLetter::new("es.0", index, (400, "parsing", reason), b"{}\n")
        };
        for letter in [letter("b", "rare", 1), letter("a", ONE, 9), letter("a", ONE, 3), letter("a", ONE, 5)] {
            add(&mut groups, letter);
        }
        let mut groups: Vec<_> = groups.into_values().collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.count));
        let listing = Listing { path: "/d".into(), segments: 1, letters: 4, bytes: 1234, groups, unreadable: 0 };
        let mut out = Vec::new();
        write_table(&listing, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "4 dead letters (1.2 kB) in 1 segment of /d");
        assert!(lines[1].starts_with("count  first"), "{text}");
        let expected =
            "    3  2026-11-22T10:15:03Z  2026-11-22T10:15:09Z  es.0    a      400     parsing  [#:#] failed";
        assert!(lines[2].starts_with(expected), "{text}");
        assert!(lines[3].ends_with("rare"), "{text}");
    }
}
