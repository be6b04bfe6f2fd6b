//! The harness itself: that it sees what it is to see. Runs before everything else, in no time.

use std::time::{Duration, Instant};

use crate::ground::{Blame, LineAt, LogFile, RESCUE, Removal};
use crate::marker::{Marker, Reader};
use crate::scraper::read;
use crate::store::{State, Verdict};

/// Fails where the harness would be blind.
pub(crate) fn harness() {
    reads_what_it_writes();
    tells_replays_from_duplicates();
    tells_torn_records_from_lost_ones();
    blames_the_shipper_for_what_it_could_have_saved();
    sees_accounts_that_do_not_hold();
}

fn line(counter: u32, nth: u8, of: u8) -> Marker {
    Marker { log: 3, stream: 1, counter, nth, of, is_poison: false }
}

fn reads_what_it_writes() {
    let markers = [line(12_345, 2, 3), Marker { is_poison: true, ..line(u32::MAX, 0, 1) }];
    let mut text = b"tq[ ".to_vec();
    markers.iter().chain(&markers).for_each(|marker| marker.write(&mut text));
    let mut read = Vec::new();
    Reader::new().read(&text, &mut read);
    assert_eq!(read, markers);
}

fn tells_replays_from_duplicates() {
    let mut state = State::default();
    let [first, second] = [[line(0, 0, 1)], [line(1, 0, 1)]];
    assert_eq!(state.create("i", b"a", b"", &first), Verdict::Created);
    assert_eq!(state.create("i", b"a", b"", &first), Verdict::Exists);
    assert_eq!((state.duplicates.count, state.collisions.count, state.replayed), (0, 0, 1));
    assert_eq!(state.create("i", b"b", b"", &first), Verdict::Created);
    assert_eq!(state.create("j", b"a", b"", &first), Verdict::Created);
    assert_eq!(state.duplicates.count, 2, "another id, and the same in another index");
    assert_eq!(state.create("i", b"a", b"", &second), Verdict::Exists);
    assert_eq!(state.collisions.count, 1, "an id that another document has");
    let poison = [Marker { is_poison: true, ..line(2, 0, 1) }];
    assert_eq!(state.create("i", b"c", b"", &poison), Verdict::Refused);
    let mut letter = Vec::new();
    poison[0].write(&mut letter);
    assert_eq!(state.bury(&Reader::new(), &letter), 1);
}

fn tells_torn_records_from_lost_ones() {
    let mut state = State::default();
    state.create("i", b"a", b"", &[line(0, 0, 2)]);
    assert_eq!(state.torn().count(), 0, "its other line is missing, which is told elsewhere");
    state.create("i", b"b", b"", &[line(1, 1, 2)]);
    assert_eq!(state.torn().count(), 2);
}

fn blames_the_shipper_for_what_it_could_have_saved() {
    let at = Instant::now();
    let file = |held, up| {
        let lines = vec![LineAt { marker: line(0, 0, 1), start: 0, end: 100 }];
        let removal = Some(Removal { at, held, up });
        LogFile { lines, removal, ..LogFile::default() }
    };
    let second = Duration::from_secs(1);
    let is_missing = |file: LogFile, kills: &[Instant]| matches!(file.blame(kills), Blame::Missing(_));
    assert!(is_missing(LogFile::default(), &[]), "on disk");
    assert!(is_missing(file(true, Some(second)), &[at + RESCUE]), "held, with time to save it");
    assert!(!is_missing(file(true, Some(second)), &[at + RESCUE / 2]));
    assert!(is_missing(file(true, Some(second)), &[]));
    assert!(is_missing(file(false, Some(10 * second)), &[]), "never opened");
    assert!(!is_missing(file(false, Some(second)), &[]));
    assert!(!is_missing(file(false, None), &[]));
}

fn sees_accounts_that_do_not_hold() {
    let page = |held: u64, dropped: u64| {
        format!(
            "flytail_input_read_bytes_total{{name=\"tail.0\"}} 10\n\
             flytail_input_finished_bytes_total{{name=\"tail.0\"}} 7\n\
             flytail_input_held_bytes{{name=\"tail.0\"}} {held}\n\
             flytail_output_routed_records_total{{name=\"es.0\"}} 9\n\
             flytail_output_acked_records_total{{name=\"es.0\"}} 5\n\
             flytail_output_dropped_records_total{{name=\"es.0\",reason=\"a\"}} 1\n\
             flytail_output_dropped_records_total{{name=\"es.0\",reason=\"b\"}} {dropped}\n\
             flytail_output_in_flight_records{{name=\"es.0\"}} 2\n"
        )
    };
    assert_eq!(read(&page(3, 1)).1, [""; 0]);
    assert_eq!(read(&page(4, 1)).1.len(), 1);
    assert_eq!(read(&page(3, 0)).1.len(), 1);
    assert_eq!(read("").1.len(), 1);
}
