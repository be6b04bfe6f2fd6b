//! Tests of taking over from Fluent Bit, and of going back.

use rusqlite::types::FromSql;
use rusqlite::{Connection, TransactionBehavior};
use xxhash_rust::xxh3::xxh3_64;

use super::*;

/// The table of Fluent Bit before its version 5.
const OLD_TABLE: &str = "CREATE TABLE in_tail_files (id INTEGER PRIMARY KEY, name TEXT NOT NULL, offset INTEGER,
    inode INTEGER, created INTEGER, rotated INTEGER DEFAULT 0)";

const CONTENT: &[u8] = b"one\ntwo\nthree\nfour\n";

/// What is adopted for the file of `CONTENT` with inode 5.
fn adopted(store: &dyn Store, names: &[&str]) -> Option<u64> {
    let names: Vec<_> = names.iter().map(Path::new).collect();
    store.adopt(5, &names, CONTENT.len() as u64, &mut read_content)
}

fn read_content(bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    // Fewer than asked for, as files may.
    let rest = &CONTENT[usize::try_from(offset).unwrap().min(CONTENT.len())..];
    let length = rest.len().min(bytes.len()).min(3);
    bytes[..length].copy_from_slice(&rest[..length]);
    Ok(length)
}

/// Name, offset, and whether it is rotated, of each row of Fluent Bit's table.
fn mirrored(state: &State) -> Vec<(String, i64, i64)> {
    let sql = state.sql();
    let mut statement = sql.prepare("SELECT name, offset, rotated FROM in_tail_files ORDER BY inode").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

fn value<T: FromSql>(sql: &Connection, query: &str) -> T {
    sql.query_row(query, [], |row| row.get(0)).unwrap()
}

#[test]
fn goes_on_where_fluent_bit_stopped() {
    let state = State::new();
    state.sql().execute_batch(OLD_TABLE).unwrap();
    let cases = [
        // Its row, and what is adopted for /var/log/x.log, which is at /var/log/pods/0.log.1 now.
        ("'/var/log/x.log', 8, 5, 0", Some(8), "the same path"),
        ("'/var/log/pods/0.log.1', 8, 5, 1", Some(8), "its new path"),
        ("'/var/log/pods/0.log', 8, 5, 1", Some(8), "its path before that"),
        ("'/var/log/x.log.2', 8, 5, 1", Some(8), "another rotation"),
        ("'/var/log/x.log', 0, 5, 0", Some(0), "not begun"),
        ("'/var/log/x.log', 19, 5, 0", Some(19), "all of it"),
        ("'/var/log/x.log', 10, 5, 0", Some(8), "within a line, which was in its memory"),
        ("'/var/log/x.log', 2, 5, 0", Some(0), "within the first line"),
        ("'/var/log/x.log', 20, 5, 0", None, "longer than the file"),
        ("'/var/log/x.log', -1, 5, 0", None, "no offset"),
        ("'/var/log/x.log', NULL, 5, 0", None, "no offset"),
        ("'/var/log/x.log', 8, 6, 0", None, "another inode"),
        ("'/var/log/y.log', 8, 5, 0", None, "another log had the inode"),
        ("'/var/log/x.logs', 8, 5, 0", None, "another log had the inode"),
        ("'/var/log/pods/x.log', 8, 5, 0", None, "another log had the inode"),
        ("'/var/log/x.log.1.gz', 8, 5, 1", None, "compressed bytes are counted"),
    ];
    for (row, offset, what) in cases {
        let insert = format!(
            "DELETE FROM in_tail_files; INSERT INTO in_tail_files (name, offset, inode, rotated) VALUES ({row})"
        );
        state.sql().execute_batch(&insert).unwrap();
        assert_eq!(adopted(&state.open(), &["/var/log/x.log", "/var/log/pods/0.log.1"]), offset, "{what}: {row}");
    }
}

#[test]
fn the_newest_row_counts_and_other_names_do_not_matter_if_the_marker_tells() {
    let state = State::new();
    drop(state.open());
    let marker = i64::from_ne_bytes(xxh3_64(&CONTENT[..14]).to_ne_bytes());
    let insert = |name: &str, marker: i64, size: i64| {
        let insert = "INSERT INTO in_tail_files (name, offset, inode, offset_marker, offset_marker_size)
            VALUES (?1, 14, 5, ?2, ?3)";
        state.sql().execute(insert, (name, marker, size)).unwrap();
        adopted(&state.open(), &["/var/log/x.log"])
    };
    assert_eq!(insert("/var/log/x.log", marker, 14), Some(14));
    assert_eq!(insert("/elsewhere", marker, 14), Some(14));
    assert_eq!(insert("/var/log/x.log", marker + 1, 14), None, "the file has other content");
    assert_eq!(insert("/var/log/x.log", marker, 13), None);
    assert_eq!(insert("/var/log/x.log", marker, 15), None, "more than there is");
    assert_eq!(insert("/var/log/x.log", marker, i64::MAX), None);
}

#[test]
fn a_compressed_copy_is_known_by_the_marker() {
    let state = State::new();
    drop(state.open());
    let marker = i64::from_ne_bytes(xxh3_64(&CONTENT[..8]).to_ne_bytes());
    let insert = "INSERT INTO in_tail_files (name, offset, inode, offset_marker, offset_marker_size)
        VALUES ('/var/log/x.log', 8, 4711, ?1, 8)";
    state.sql().execute(insert, [marker]).unwrap();
    let [row] = state.open().foreign().try_into().unwrap();
    assert_eq!((row.inode, row.offset), (4711, 8));
    assert_eq!(row.resume(&[Path::new("/var/log/x.log.1.gz")], CONTENT.len() as u64, &mut read_content), Some(8));
}

#[test]
fn a_fluent_bit_that_ran_in_between_is_noticed_and_its_offset_adopted() {
    let state = State::new();
    let mut database = state.open();
    database.save(&[row(1, 5, 8)]).unwrap();
    drop(database);
    let names = ["/var/log/x.log"];
    assert_eq!(adopted(&state.open(), &names), None, "we wrote it ourselves");
    for offset in [14, 4, 0] {
        state.sql().execute("UPDATE in_tail_files SET offset = ?1", [offset]).unwrap();
        for _ in 0..2 {
            assert_eq!(adopted(&state.open(), &names), u64::try_from(offset).ok(), "as long as we did not write");
        }
    }
    let mut database = state.open();
    database.save(&[row(1, 5, 14)]).unwrap();
    assert_eq!((adopted(&database, &names), database.foreign()), (None, Vec::new()));
    assert_eq!(database.account().trouble, None, "Fluent Bit is not running");
    // It may begin a new row of its own, too.
    let begin =
        "DELETE FROM in_tail_files; INSERT INTO in_tail_files (name, offset, inode) VALUES ('/var/log/x.log', 4, 5)";
    state.sql().execute_batch(begin).unwrap();
    assert_eq!(adopted(&state.open(), &names), Some(4));
    state.sql().execute_batch("DELETE FROM in_tail_files").unwrap();
    assert_eq!(adopted(&state.open(), &names), None, "nothing is known of what it did");
}

#[test]
fn fluent_bit_can_go_on_with_current_and_rotated_files() {
    let state = State::new();
    state.sql().execute_batch(OLD_TABLE).unwrap();
    let mut database = state.open();
    let rotated = Saved { place: Place::Rotated, ..row(2, 6, 20) };
    let compressed = Saved { real: "/var/log/x.log.2.GZ".into(), ..row(3, 7, 20) };
    let gone = Saved { place: Place::Gone, ..row(4, 8, 20) };
    database.save(&[row(1, 5, 10), rotated, compressed, gone]).unwrap();
    database.save(&[row(1, 5, 40)]).unwrap();
    let expected = [("/var/log/x.log".to_owned(), 40, 0), ("/var/log/x.log.1".to_owned(), 20, 1)];
    assert_eq!(mirrored(&state), expected);
    let created: i64 = value(&state.sql(), "SELECT min(created) FROM in_tail_files");
    assert!(created > 1_700_000_000);
    // Fluent Bit 5 adds its columns if they are not there, and checks no marker of size 0.
    let marker: i64 =
        value(&state.sql(), "SELECT sum(abs(offset_marker_size) + abs(offset_marker)) FROM in_tail_files");
    assert_eq!(marker, 0);
}

#[test]
fn a_marker_of_fluent_bit_does_not_stay_beside_our_offset() {
    let state = State::new();
    let mut database = state.open();
    let insert = "INSERT INTO in_tail_files (name, offset, inode, offset_marker, offset_marker_size) VALUES
        ('/var/log/x.log', 4, 5, 77, 4)";
    state.sql().execute_batch(insert).unwrap();
    database.save(&[row(1, 5, 8)]).unwrap();
    let sql = state.sql();
    assert_eq!(value::<i64>(&sql, "SELECT count(*) FROM in_tail_files"), 1);
    assert_eq!(value::<i64>(&sql, "SELECT offset_marker_size FROM in_tail_files"), 0);
}

#[test]
fn what_is_gone_leaves_fluent_bits_table_unless_its_inode_is_anothers() {
    let state = State::new();
    let mut database = state.open();
    database.save(&[row(1, 5, 10), row(2, 6, 10), row(3, 7, 10), row(4, 8, 10)]).unwrap();
    state.sql().execute_batch("UPDATE in_tail_files SET offset = 99 WHERE inode = 8").unwrap();
    let gone = |row| Saved { place: Place::Gone, ..row };
    // The file of log 5 has got the inode of log 2's.
    database.save(&[gone(row(1, 5, 10)), gone(row(4, 8, 10)), gone(row(2, 6, 10)), row(5, 6, 3)]).unwrap();
    database.forget(LogId(3));
    database.save(&[gone(row(2, 6, 10))]).unwrap();
    let left: Vec<_> = mirrored(&state).into_iter().map(|(_, offset, _)| offset).collect();
    assert_eq!(left, [3, 99], "and what Fluent Bit wrote stays");
    // What is gone may come back compressed.
    assert_eq!(state.open().of_log(LogId(1)), Some(gone(row(1, 5, 10))));
}

#[test]
fn what_was_not_seen_since_the_start_leaves_fluent_bits_table() {
    let state = State::new();
    state.open().save(&[row(1, 5, 10), row(2, 6, 10)]).unwrap();
    let now = Timestamp::now().0 / 1000;
    std::thread::sleep(Duration::from_millis(1));
    state.open().save(&[row(2, 6, 20), row(3, 7, 20)]).unwrap();
    let mut sql = state.sql();
    let transaction = sql.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    fluent_bit::remove_unseen(&transaction, "tail.1", now).unwrap();
    fluent_bit::remove_unseen(&transaction, "tail.0", now).unwrap();
    transaction.commit().unwrap();
    assert_eq!(mirrored(&state).len(), 2);
    assert_eq!(value::<i64>(&sql, "SELECT min(inode) FROM in_tail_files"), 6);
}

#[test]
fn a_fluent_bit_that_is_still_running_is_reported() {
    let state = State::new();
    state.sql().execute_batch(OLD_TABLE).unwrap();
    let move_on = "INSERT INTO in_tail_files (name, offset, inode) VALUES ('/var/log/y.log', 4, 9)";
    state.sql().execute_batch(move_on).unwrap();
    let (mut database, mut worker) = (state.open(), Database::open(&state.path(), "tail.1"));
    for offset in 0..3 {
        database.save(&[row(1, 5, offset)]).unwrap();
        worker.save(&[row(2, 6, offset)]).unwrap();
    }
    assert_eq!((database.account(), worker.account()), (CheckpointAccount::default(), CheckpointAccount::default()));
    state.sql().execute_batch("UPDATE in_tail_files SET offset = 14 WHERE inode = 5").unwrap();
    database.save(&[row(1, 5, 4)]).unwrap();
    let trouble = database.account().trouble.unwrap();
    assert!(trouble.starts_with("another program writes ") && trouble.ends_with("tail.db"), "{trouble}");
    assert_eq!(adopted(&state.open(), &["/var/log/x.log"]), None, "what we do while we run is the truth");
}
