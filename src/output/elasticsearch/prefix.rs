//! `Logstash_Prefix_Key`: a record says itself how the name of its index begins.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::config::{Options, Problems};
use crate::output::Partition;
use crate::record::accessor::Accessor;
use crate::record::{Record, Turn};

/// Longest prefix in bytes, as in Fluent Bit.
const LONGEST: usize = 128;
/// Different prefixes; those beyond are not used. Far more indices than a cluster should have.
const MOST: usize = 4_096;
/// Bits of a partition that say the time.
const TIME_BITS: u32 = 40;

/// The prefixes that were seen, for all workers.
#[derive(Debug)]
pub(super) struct Prefixes {
    accessor: Accessor,
    /// A prefix's number is its place here, from 1.
    names: Mutex<Vec<String>>,
}

/// The numbers of the prefixes that one worker has seen.
pub(super) type Known = HashMap<Vec<u8>, Partition>;

impl Prefixes {
    /// As the options say; `None` if they name no key.
    pub(super) fn of(options: &Options<'_>, problems: &mut Problems) -> Option<Self> {
        const KEY: &str = "Logstash_Prefix_Key";
        let written = options.text(KEY)?;
        // As in Fluent Bit, the `$` may be left out.
        let accessor = Accessor::read(&format!("${}", written.trim_start_matches('$')));
        if accessor.is_none() {
            problems.push(options.problem(KEY, format!("`{written}` is no member: write $a or $a['b']")));
        }
        accessor.map(Self::new)
    }

    fn new(accessor: Accessor) -> Self {
        Self { accessor, names: Mutex::default() }
    }

    /// The record's partition: its prefix and `time`, which is that of the index without one. A prefix that cannot stand in the name of an
    /// index, or none, is that of `Logstash_Prefix`.
    pub(super) fn partition(
        &self,
        record: &Record<'_>,
        turn: &Turn<'_>,
        time: Partition,
        known: &mut Known,
    ) -> Partition {
        let found = self.accessor.find(&record.members, turn.arena);
        let number = found.map_or(0, |found| match known.get(found.text) {
            Some(&number) => number,
            None => {
                let number = self.number(found.text);
                if known.len() < MOST {
                    known.insert(found.text.to_vec(), number);
                }
                number
            }
        });
        (number << TIME_BITS) | (time & ((1 << TIME_BITS) - 1))
    }

    /// The prefix of a partition, if it is not that of `Logstash_Prefix`, and the partition without it.
    pub(super) fn split(&self, partition: Partition) -> (Option<String>, Partition) {
        let time = (partition << (64 - TIME_BITS)) >> (64 - TIME_BITS);
        let place = usize::try_from(partition >> TIME_BITS).ok().and_then(|number| number.checked_sub(1));
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        (place.and_then(|place| names.get(place).cloned()), time)
    }

    fn number(&self, text: &[u8]) -> Partition {
        let Some(name) = usable(text) else { return 0 };
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let place = names.iter().position(|known| *known == name).or_else(|| {
            let has_room = names.len() < MOST;
            has_room.then(|| {
                names.push(name);
                names.len() - 1
            })
        });
        place.and_then(|place| Partition::try_from(place + 1).ok()).unwrap_or(0)
    }
}

/// The prefix in lower case, as servers want names of indices, if the rest of it can stand in one.
fn usable(text: &[u8]) -> Option<String> {
    const NOT_IN_A_NAME: &str = "\\/*?\"<>|,#: '`%";
    let name = std::str::from_utf8(text).ok()?.to_lowercase();
    let starts_well = !name.starts_with(['-', '_', '+', '.']);
    let is_sound = !name.chars().any(|char| char.is_control() || NOT_IN_A_NAME.contains(char));
    (!name.is_empty() && name.len() <= LONGEST && starts_well && is_sound).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_stand_in_a_name_is_a_prefix() {
        for (text, expected) in [("flyte-dev", Some("flyte-dev")), ("Flyte", Some("flyte")), ("a.b_c", Some("a.b_c"))] {
            assert_eq!(usable(text.as_bytes()).as_deref(), expected);
        }
        for text in ["", "a b", "a/b", "-a", ".a", "a\n", "a*", "%Y", &"a".repeat(129)] {
            assert_eq!(usable(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_partition_holds_prefix_and_time() {
        let prefixes = Prefixes::new(Accessor::read("$a").unwrap());
        let (a, b) = (prefixes.number(b"a"), prefixes.number(b"b"));
        assert_eq!((a, b, prefixes.number(b"A"), prefixes.number(b"a b")), (1, 2, 1, 0));
        for time in [-2, 0, 20_686, 496_000] {
            let partition = (b << TIME_BITS) | (time & ((1 << TIME_BITS) - 1));
            assert_eq!(prefixes.split(partition), (Some("b".to_owned()), time));
            assert_eq!(prefixes.split(time & ((1 << TIME_BITS) - 1)), (None, time));
        }
    }
}
