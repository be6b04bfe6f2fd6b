//! Tests of the stores: what is kept, versions, and what may become of the file.

mod takeover;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::record::Timestamp;

/// A database in a directory of its own.
struct State {
    directory: TempDir,
}

impl State {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("state/tail.db")
    }

    fn open(&self) -> Database {
        Database::open_within(&self.path(), "tail.0", Duration::from_millis(100))
    }

    /// The file as other programs see it.
    fn sql(&self) -> Connection {
        fs::create_dir_all(self.path().parent().unwrap()).unwrap();
        Connection::open(self.path()).unwrap()
    }

    /// Names of the files that were set aside.
    fn aside(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path().parent().unwrap()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with("tail.db.")).collect()
    }
}

fn row(log: u128, inode: u64, offset: u64) -> Saved {
    Saved {
        log: LogId(log),
        device: 1,
        inode,
        head: Head { length: 1024, hash: u64::MAX },
        length: offset + 10,
        path: "/var/log/x.log".into(),
        real: "/var/log/x.log.1".into(),
        place: Place::Current,
        checkpoint: Checkpoint { offset, streams: [offset, offset + 7], time: Timestamp(-5) },
    }
}

/// Saves until that succeeds: what went wrong is tried again after a while only.
fn save_in_the_end(database: &mut Database) {
    let began = Instant::now();
    while let Err(error) = database.save(&[]) {
        assert!(began.elapsed() < Duration::from_secs(60), "{error}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn keeps_checkpoints_over_a_restart() {
    let state = State::new();
    let mut odd = row(u128::MAX, u64::MAX, 10);
    odd.path = PathBuf::from(OsStr::from_bytes(b"/var/log/\xff.log"));
    odd.place = Place::Rotated;
    let mut database = state.open();
    database.save(&[odd.clone(), row(2, 5, 20)]).unwrap();
    database.save(&[row(2, 5, 30)]).unwrap();
    for database in [database, state.open()] {
        assert_eq!(database.of_log(LogId(u128::MAX)), Some(odd.clone()));
        assert_eq!(database.of_file(1, 5), [row(2, 5, 30)]);
        assert_eq!(database.of_file(2, 5), []);
        assert_eq!(database.of_log(LogId(3)), None);
        assert_eq!(database.account(), CheckpointAccount::default());
        assert!(!database.has_lost_rows());
    }
}

/// What any store has to do.
fn finds_and_forgets(store: &mut dyn Store) {
    let (old, mut done) = (row(1, 5, 20), row(2, 5, 30));
    done.length = 30;
    let other = Saved { head: Head { length: 3, hash: 1 }, ..row(3, 6, 0) };
    store.save(&[done.clone(), other.clone()]).unwrap();
    store.save(&[old.clone(), done.clone(), other.clone()]).unwrap();
    assert_eq!(store.of_head(old.head), [done.clone(), old.clone()], "the newest first");
    assert_eq!(store.of_file(1, 5), [done, old.clone()]);
    assert_eq!(store.unfinished(), [other.clone(), old.clone()]);
    store.forget(LogId(3));
    assert_eq!((store.of_log(LogId(3)), store.unfinished()), (None, vec![old.clone()]));
    store.save(std::slice::from_ref(&other)).unwrap();
    assert_eq!(store.of_log(LogId(3)), Some(other));
    store.forget(LogId(3));
    store.save(&[]).unwrap();
    assert_eq!(store.of_log(LogId(3)), None);
}

#[test]
fn every_store_finds_logs_by_all_that_is_known_of_them() {
    finds_and_forgets(&mut MemoryStore::saving());
    let state = State::new();
    finds_and_forgets(&mut state.open());
    // And so does one that has everything on disk.
    finds_and_forgets(&mut state.open());
    let database = state.open();
    assert_eq!(database.of_head(row(1, 5, 0).head).len(), 2);
    assert_eq!((database.of_file(1, 5)[0].log, database.unfinished().len()), (LogId(2), 1));
    assert_eq!(database.of_log(LogId(3)), None);
}

#[test]
fn keeps_the_checkpoints_of_two_inputs_apart() {
    let state = State::new();
    let (mut one, mut other) = (state.open(), Database::open(&state.path(), "tail.1"));
    one.save(&[row(1, 5, 20)]).unwrap();
    other.save(&[row(1, 5, 40)]).unwrap();
    drop((one, other));
    let (one, other) = (state.open(), Database::open(&state.path(), "tail.1"));
    assert_eq!(one.of_log(LogId(1)), Some(row(1, 5, 20)));
    assert_eq!(other.of_file(1, 5), [row(1, 5, 40)]);
}

#[test]
fn an_older_database_is_upgraded_without_loss() {
    let state = State::new();
    state
        .sql()
        .execute_batch(
            "CREATE TABLE flytail_checkpoints (
                input TEXT, log BLOB, device INTEGER, inode INTEGER, head_length INTEGER, head_hash INTEGER,
                path TEXT, offset INTEGER, stdout INTEGER, stderr INTEGER, time INTEGER, updated INTEGER,
                PRIMARY KEY (input, log)
            ) WITHOUT ROWID;
            CREATE INDEX flytail_checkpoints_inode ON flytail_checkpoints (inode, device);
            CREATE TABLE in_tail_files (id INTEGER PRIMARY KEY, name TEXT NOT NULL, offset INTEGER, inode INTEGER,
                created INTEGER, rotated INTEGER DEFAULT 0);
            INSERT INTO flytail_checkpoints VALUES
                ('tail.0', x'00000000000000000000000000000001', 1, 5, 1024, -1, '/var/log/x.log', 20, 20, 27, -5, 1000);
            INSERT INTO in_tail_files (name, offset, inode) VALUES ('/var/log/x.log', 20, 5), ('/var/log/y.log', 7, 6);",
        )
        .unwrap();
    let old = Saved { length: 20, real: "/var/log/x.log".into(), ..row(1, 5, 20) };
    for _ in 0..2 {
        let database = state.open();
        assert_eq!(database.of_log(LogId(1)), Some(old.clone()));
        assert_eq!(database.unfinished(), [], "how long the file was is not known");
        // What version 0 mirrored is not taken for Fluent Bit's.
        let foreign: Vec<_> = database.foreign().into_iter().map(|row| row.inode).collect();
        assert_eq!(foreign, [6]);
        assert_eq!((database.account().set_aside, schema::version(&state.sql()).unwrap()), (0, schema::VERSION));
    }
    state.open().save(&[row(1, 5, 40)]).unwrap();
    assert_eq!(state.open().of_log(LogId(1)), Some(row(1, 5, 40)));
}

#[test]
fn files_that_are_left_out_are_known_after_a_restart() {
    let state = State::new();
    let left_out = |is_excluded| LeftOut { is_excluded, selection: "app=web".to_owned() };
    let known = |database: &Database| {
        let mut known: Vec<_> = database.left_out().into_iter().collect();
        known.sort_by(|one, other| one.0.cmp(&other.0));
        known
    };
    let mut database = state.open();
    database.leave_out(Path::new("/a"), Some(left_out(true)));
    database.leave_out(Path::new("/b"), Some(left_out(false)));
    database.leave_out(Path::new("/c"), Some(left_out(true)));
    database.leave_out(Path::new("/c"), Some(left_out(false)));
    database.save(&[]).unwrap();
    database.leave_out(Path::new("/b"), None);
    drop(database);
    let expected = [("/a".into(), left_out(true)), ("/c".into(), left_out(false))];
    let mut database = state.open();
    assert_eq!(known(&database), expected);
    assert_eq!(Database::open(&state.path(), "tail.1").left_out(), HashMap::new(), "another input's are not its own");
    fs::remove_file(state.path()).unwrap();
    database.save(&[row(1, 5, 20)]).unwrap();
    assert_eq!(known(&state.open()), expected, "written again where the file was lost");
}

#[test]
fn a_newer_database_that_says_that_it_can_be_used_is_used_and_stays_as_it_is() {
    let state = State::new();
    state.open().save(&[row(1, 5, 20)]).unwrap();
    let newer = "ALTER TABLE flytail_checkpoints ADD COLUMN added TEXT NOT NULL DEFAULT 'new';
        UPDATE flytail_checkpoints SET added = 'kept'; CREATE TABLE flytail_added (x); PRAGMA user_version = 3";
    state.sql().execute_batch(newer).unwrap();
    let mut database = state.open();
    assert_eq!(database.of_log(LogId(1)), Some(row(1, 5, 20)));
    database.save(&[row(1, 5, 40), row(2, 6, 10)]).unwrap();
    drop(database);
    let added = "SELECT group_concat(added, ' ') FROM (SELECT added FROM flytail_checkpoints ORDER BY log)";
    let added: String = state.sql().query_row(added, [], |row| row.get(0)).unwrap();
    assert_eq!((added.as_str(), schema::version(&state.sql()).unwrap()), ("kept new", 3));
    assert_eq!(state.aside(), [""; 0]);
}

#[test]
fn a_newer_database_that_cannot_be_used_is_set_aside_whole() {
    let state = State::new();
    state.open().save(&[row(1, 5, 20)]).unwrap();
    state.sql().execute_batch("PRAGMA user_version = 7; UPDATE flytail_schema SET minimum_reader = 7").unwrap();
    let mut database = state.open();
    assert_eq!((database.of_log(LogId(1)), database.account().set_aside), (None, 1));
    assert!(database.has_lost_rows());
    database.save(&[row(2, 5, 1)]).unwrap();
    let [aside] = state.aside().try_into().unwrap();
    assert!(aside.starts_with("tail.db.version-7-"), "{aside}");
    let aside = Connection::open(state.path().with_file_name(aside)).unwrap();
    let rows: i64 = aside.query_row("SELECT count(*) FROM flytail_checkpoints", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 1);
}

/// What is done to something, and how it is called.
type Spoiling<T> = (&'static str, fn(&mut T));

/// A sound database of several pages.
fn sound(state: &State) -> Vec<u8> {
    let rows: Vec<_> = (0..500).map(|number| row(number, u64::try_from(number).unwrap(), 20)).collect();
    state.open().save(&rows).unwrap();
    fs::read(state.path()).unwrap()
}

#[test]
fn whatever_has_become_of_the_file_it_is_set_aside_and_a_new_one_begun() {
    let foreign = {
        let state = State::new();
        state.sql().execute_batch("CREATE TABLE t (x); PRAGMA user_version = 1").unwrap();
        fs::read(state.path()).unwrap()
    };
    let damage: [Spoiling<Vec<u8>>; 6] = [
        ("no database", |bytes| *bytes = vec![b'x'; 10_000]),
        ("a few bytes", |bytes| bytes.truncate(10)),
        ("truncated", |bytes| bytes.truncate(bytes.len() / 2)),
        ("zeroed", |bytes| bytes.fill(0)),
        ("zeroed behind its header", |bytes| bytes[4096..].fill(0)),
        ("swapped pages", |bytes| {
            let (one, other) = bytes.split_at_mut(8192);
            one[4096..].swap_with_slice(&mut other[..4096]);
        }),
    ];
    for (what, damage) in
        damage.into_iter().map(|(what, damage)| (what, Some(damage))).chain([("another program's", None)])
    {
        let state = State::new();
        let mut bytes = sound(&state);
        match damage {
            Some(damage) => damage(&mut bytes),
            None => bytes.clone_from(&foreign),
        }
        fs::write(state.path(), &bytes).unwrap();
        let mut database = state.open();
        assert_eq!((database.account().set_aside, database.has_lost_rows()), (1, true), "{what}");
        assert_eq!(database.account().trouble, None, "{what}");
        database.save(&[row(1, 5, 20)]).unwrap();
        drop(database);
        assert_eq!(state.open().of_log(LogId(1)), Some(row(1, 5, 20)), "{what}");
        let [aside] = state.aside().try_into().unwrap();
        assert!(fs::read(state.path().with_file_name(aside)).unwrap() == bytes, "{what} was changed");
    }
}

#[test]
fn an_empty_file_is_begun_and_known_to_have_lost_its_rows() {
    let state = State::new();
    sound(&state);
    fs::write(state.path(), "").unwrap();
    let mut database = state.open();
    assert!(database.has_lost_rows());
    database.save(&[row(1, 5, 20)]).unwrap();
}

#[test]
fn a_locked_database_is_read_and_written_when_it_is_free() {
    for mode in ["NORMAL", "EXCLUSIVE"] {
        let state = State::new();
        state.open().save(&[row(1, 5, 20)]).unwrap();
        let other = state.sql();
        other.execute_batch(&format!("PRAGMA locking_mode = {mode}; BEGIN EXCLUSIVE")).unwrap();
        let mut database = state.open();
        assert_eq!(database.of_log(LogId(1)), Some(row(1, 5, 20)), "{mode}");
        let error = database.save(&[row(1, 5, 40), row(2, 6, 0)]).unwrap_err().to_string();
        assert!(error.contains("tail.db") && error.contains("another program has locked it"), "{error}");
        assert_eq!((database.of_log(LogId(1)), database.account().unsaved), (Some(row(1, 5, 40)), 2));
        assert!(database.account().trouble.unwrap().starts_with("checkpoints are not saved: "));
        drop(other);
        save_in_the_end(&mut database);
        assert_eq!(database.account(), CheckpointAccount::default());
        assert_eq!(state.open().of_log(LogId(1)), Some(row(1, 5, 40)));
        assert_eq!(state.aside(), [""; 0]);
    }
}

#[test]
fn where_nothing_can_be_written_it_is_tried_again() {
    let state = State::new();
    let directory = state.path().parent().unwrap().to_owned();
    fs::write(&directory, "no directory").unwrap();
    let mut database = state.open();
    assert!(database.has_lost_rows(), "nobody knows what was there");
    assert!(database.save(&[row(1, 5, 20)]).is_err());
    assert_eq!(database.of_log(LogId(1)), Some(row(1, 5, 20)));
    fs::remove_file(&directory).unwrap();
    save_in_the_end(&mut database);
    assert_eq!(state.open().of_log(LogId(1)), Some(row(1, 5, 20)));
}

#[test]
fn a_directory_in_its_place_stays_there() {
    let state = State::new();
    fs::create_dir_all(state.path().join("content")).unwrap();
    let mut database = state.open();
    let error = database.save(&[row(1, 5, 20)]).unwrap_err().to_string();
    assert!(error.contains("it is a directory: name a file in it as DB"), "{error}");
    assert!(state.path().join("content").exists());
}

#[test]
fn a_file_that_is_lost_while_it_is_used_is_written_anew() {
    let spoil: [Spoiling<PathBuf>; 3] = [
        ("removed", |path| fs::remove_file(path).unwrap()),
        ("replaced", |path| {
            fs::write(path.with_extension("new"), "no database").unwrap();
            fs::rename(path.with_extension("new"), path).unwrap();
        }),
        ("removed with its directory", |path| fs::remove_dir_all(path.parent().unwrap()).unwrap()),
    ];
    for (what, spoil) in spoil {
        let state = State::new();
        let mut database = state.open();
        database.save(&[row(1, 5, 20), row(2, 6, 20)]).unwrap();
        spoil(&mut state.path());
        database.save(&[row(2, 6, 30)]).unwrap();
        drop(database);
        let database = state.open();
        assert_eq!(database.of_log(LogId(1)), Some(row(1, 5, 20)), "{what}");
        assert_eq!(database.of_log(LogId(2)), Some(row(2, 6, 30)), "{what}");
    }
}

#[test]
fn what_was_to_wait_is_written_at_the_end() {
    let state = State::new();
    state.open().save(&[row(1, 5, 20)]).unwrap();
    let mut database = state.open();
    let other = state.sql();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(database.save(&[row(1, 5, 40)]).is_err());
    drop(other);
    drop(database);
    assert_eq!(state.open().of_log(LogId(1)), Some(row(1, 5, 40)));
}
