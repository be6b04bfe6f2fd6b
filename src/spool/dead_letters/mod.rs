//! Dead letters: items that a receiver refused for good, with its reasons, in a bounded directory.
//!
//! # The directory
//! Letters are lines of JSON in segments `00000001.ndjson`, `00000002.ndjson`, …: the higher the
//! number, the later. A full segment is never written to again. When all of them together would
//! pass the limit, the oldest goes, counted and logged.
//!
//! # Who may change it, and when
//! - Whoever changes anything (appends, evicts, rewrites, removes) holds the lock of the directory
//!   (`flock` on the directory itself, so that there is no file to be left behind). It is held for
//!   one append or for one segment's rewriting, never while a server is waited for. Readers need
//!   none.
//! - A rewritten segment is a new file that takes the old one's name (written, synced, renamed). A
//!   running shipper keeps no file open between two appends: it opens its newest segment by name,
//!   under the lock. So even the segment that is being appended to can be rewritten or removed, and
//!   no letter goes into a file that is gone.
//! - A letter counts once it is synced to the disk. A last line without an end is what a crash or a
//!   full disk left of a letter that did not count: readers pass it over, and the next append cuts
//!   it off.
//! - After a crash between the append and the checkpoint the record is read, refused and written
//!   down again: at least once, here. Its id is the same, so a replay shows it once.

mod census;
mod edit;
mod letter;
mod segment;
mod writer;

pub use census::Kept;
pub use edit::{Change, Edited, rewrite};
pub use letter::DeadLetter;
pub use segment::{Lines, Segment, segments};
pub use writer::{DeadLetters, Limits, Stored};
