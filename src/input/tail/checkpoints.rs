//! Checkpoints in SQLite: a table of our own, which is the truth, and Fluent Bit's
//! `in_tail_files` in the same file as a mirror, so that a node can move back.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::identity::{self, Head};
use crate::record::{Checkpoint, LogId, Timestamp};

/// What is kept of one log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Saved {
    pub(super) log: LogId,
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) head: Head,
    pub(super) path: PathBuf,
    pub(super) checkpoint: Checkpoint,
}

impl Saved {
    /// The file begins as the saved one did.
    pub(super) fn is_of(&self, file: &File) -> bool {
        identity::head(file, Some(self.head.length)).is_ok_and(|head| head == self.head)
    }
}

/// The database of one tail input.
#[derive(Debug)]
pub(super) struct Checkpoints {
    connection: Connection,
    path: PathBuf,
    /// Name of the input: several may keep their checkpoints in one file, even of the same logs.
    input: String,
}

/// Rows of files that were not touched for this long are removed, in seconds. Long enough that no
/// rotated file of it can still lie there.
const FORGET_AFTER: i64 = 30 * 86_400;

/// How long another program's lock is waited for: at the start, and then while nothing else is done.
const LOCKED_AT_START: Duration = Duration::from_secs(5);
const LOCKED: Duration = Duration::from_millis(200);

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS flytail_checkpoints (
        input TEXT, log BLOB, device INTEGER, inode INTEGER, head_length INTEGER, head_hash INTEGER,
        path TEXT, offset INTEGER, stdout INTEGER, stderr INTEGER, time INTEGER, updated INTEGER,
        PRIMARY KEY (input, log)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS flytail_checkpoints_inode ON flytail_checkpoints (inode, device);
    CREATE TABLE IF NOT EXISTS in_tail_files (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL, offset INTEGER, inode INTEGER, created INTEGER,
        rotated INTEGER DEFAULT 0, offset_marker INTEGER DEFAULT 0, offset_marker_size INTEGER DEFAULT 0
    );";

const COLUMNS: &str = "log, device, inode, head_length, head_hash, path, offset, stdout, stderr, time";

impl Checkpoints {
    /// Opens the database. One that is damaged is set aside under another name and a new one is
    /// begun: reading some files again shows no line twice, and a crash loop helps nobody.
    ///
    /// # Errors
    /// If not even a new database can be made, or if one that is not damaged cannot be opened (it is
    /// locked by another program, or not ours to write): setting that aside would lose what it knows.
    pub(super) fn open(path: &Path, input: &str) -> rusqlite::Result<Self> {
        if let Some(parent) = path.parent() {
            // What is wrong shows when SQLite opens the file.
            drop(std::fs::create_dir_all(parent));
        }
        let connection = connect(path).or_else(|error| {
            if !is_damaged(&error) {
                return Err(error);
            }
            let aside = path.with_extension(format!("corrupt-{}", Timestamp::now().milliseconds()));
            tracing::error!(path = %path.display(), aside = %aside.display(), %error, "checkpoints cannot be read: set aside");
            for suffix in ["", "-wal", "-shm"] {
                let with = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
                drop(std::fs::rename(with(path), with(&aside)));
            }
            connect(path)
        })?;
        Ok(Self { connection, path: path.to_owned(), input: input.to_owned() })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The checkpoint of a log.
    pub(super) fn of_log(&self, log: LogId) -> rusqlite::Result<Option<Saved>> {
        let query = format!("SELECT {COLUMNS} FROM flytail_checkpoints WHERE log = ?1 AND input = ?2");
        self.connection.query_row(&query, params![log.0.to_be_bytes(), self.input], saved).optional()
    }

    /// What is known of a file by its inode, the newest first. Whether it is the same file still
    /// is told by its head.
    pub(super) fn of_file(&self, device: u64, inode: u64) -> rusqlite::Result<Vec<Saved>> {
        let query = format!(
            "SELECT {COLUMNS} FROM flytail_checkpoints WHERE inode = ?1 AND device = ?2 AND input = ?3
            ORDER BY updated DESC"
        );
        let mut statement = self.connection.prepare_cached(&query)?;
        let rows = statement.query_map(params![signed(inode), signed(device), self.input], saved)?;
        rows.collect()
    }

    /// Writes checkpoints in one transaction.
    pub(super) fn save<'a>(&mut self, all: impl Iterator<Item = &'a Saved>) -> rusqlite::Result<()> {
        let now = Timestamp::now().milliseconds() / 1000;
        let transaction = self.connection.transaction()?;
        {
            let mut own = transaction.prepare_cached(
                "INSERT OR REPLACE INTO flytail_checkpoints VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )?;
            let mut update = transaction.prepare_cached(
                "UPDATE in_tail_files SET name = ?2, offset = ?3, offset_marker_size = 0 WHERE inode = ?1",
            )?;
            let mut insert = transaction
                .prepare_cached("INSERT INTO in_tail_files (inode, name, offset, created) VALUES (?1, ?2, ?3, ?4)")?;
            for row in all {
                let Checkpoint { offset, streams, time } = row.checkpoint;
                let path = row.path.to_string_lossy();
                own.execute(params![
                    self.input,
                    row.log.0.to_be_bytes(),
                    signed(row.device),
                    signed(row.inode),
                    signed(row.head.length),
                    signed(row.head.hash),
                    path,
                    signed(offset),
                    signed(streams[0]),
                    signed(streams[1]),
                    time.0,
                    now
                ])?;
                if update.execute(params![signed(row.inode), path, signed(offset)])? == 0 {
                    insert.execute(params![signed(row.inode), path, signed(offset), now])?;
                }
            }
        }
        transaction.commit()
    }

    /// Removes what belongs to files that are long gone.
    pub(super) fn forget_old(&self) -> rusqlite::Result<()> {
        let before = Timestamp::now().milliseconds() / 1000 - FORGET_AFTER;
        self.connection.execute("DELETE FROM flytail_checkpoints WHERE updated < ?1", [before])?;
        Ok(())
    }
}

fn is_damaged(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    // InvalidQuery is what a failed check gives.
    matches!(error, rusqlite::Error::InvalidQuery)
        || matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase))
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(LOCKED_AT_START)?;
    connection.execute_batch(SCHEMA)?;
    for column in ["offset_marker", "offset_marker_size"] {
        // Fluent Bit has them since its version 5.
        if !connection.column_exists(None, "in_tail_files", column)? {
            connection.execute_batch(&format!("ALTER TABLE in_tail_files ADD COLUMN {column} INTEGER DEFAULT 0"))?;
        }
    }
    connection
        .query_row("PRAGMA quick_check", [], |row| row.get::<_, String>(0))
        .and_then(|answer| if answer == "ok" { Ok(()) } else { Err(rusqlite::Error::InvalidQuery) })?;
    connection.busy_timeout(LOCKED)?;
    Ok(connection)
}

fn saved(row: &Row<'_>) -> rusqlite::Result<Saved> {
    Ok(Saved {
        log: LogId(u128::from_be_bytes(row.get(0)?)),
        device: unsigned(row.get(1)?),
        inode: unsigned(row.get(2)?),
        head: Head { length: unsigned(row.get(3)?), hash: unsigned(row.get(4)?) },
        path: PathBuf::from(row.get::<_, String>(5)?),
        checkpoint: Checkpoint {
            offset: unsigned(row.get(6)?),
            streams: [unsigned(row.get(7)?), unsigned(row.get(8)?)],
            time: Timestamp(row.get(9)?),
        },
    })
}

/// SQLite's integers are signed; the bits are the same.
fn signed(number: u64) -> i64 {
    i64::from_ne_bytes(number.to_ne_bytes())
}

fn unsigned(number: i64) -> u64 {
    u64::from_ne_bytes(number.to_ne_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(log: u128, inode: u64, offset: u64) -> Saved {
        let checkpoint = Checkpoint { offset, streams: [offset, offset + 7], time: Timestamp(-5) };
        let head = Head { length: 1024, hash: u64::MAX };
        Saved { log: LogId(log), device: 1, inode, head, path: "/var/log/x.log".into(), checkpoint }
    }

    #[test]
    fn keeps_checkpoints_over_a_restart() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state/tail.db");
        let mut checkpoints = Checkpoints::open(&path, "tail.0").unwrap();
        checkpoints.save([row(u128::MAX, u64::MAX, 10), row(2, 5, 20)].iter()).unwrap();
        checkpoints.save([row(2, 5, 30)].iter()).unwrap();
        drop(checkpoints);
        let checkpoints = Checkpoints::open(&path, "tail.0").unwrap();
        assert_eq!(checkpoints.of_log(LogId(u128::MAX)).unwrap(), Some(row(u128::MAX, u64::MAX, 10)));
        assert_eq!(checkpoints.of_file(1, 5).unwrap(), [row(2, 5, 30)]);
        assert_eq!(checkpoints.of_log(LogId(3)).unwrap(), None);
    }

    #[test]
    fn mirrors_one_row_a_file_in_fluent_bits_table() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tail.db");
        let mut checkpoints = Checkpoints::open(&path, "tail.0").unwrap();
        checkpoints.save([row(1, 5, 20)].iter()).unwrap();
        checkpoints.save([row(1, 5, 40)].iter()).unwrap();
        let mirror: Vec<(String, i64, i64)> = checkpoints
            .connection
            .prepare("SELECT name, offset, inode FROM in_tail_files")
            .unwrap()
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(mirror, [("/var/log/x.log".to_owned(), 40, 5)]);
    }

    #[test]
    fn sets_a_database_aside_that_it_cannot_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tail.db");
        std::fs::write(&path, vec![b'x'; 10_000]).unwrap();
        let mut checkpoints = Checkpoints::open(&path, "tail.0").unwrap();
        checkpoints.save([row(1, 5, 20)].iter()).unwrap();
        let aside = std::fs::read_dir(directory.path())
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains("corrupt"));
        assert_eq!(aside.count(), 1);
    }

    #[test]
    fn leaves_a_locked_database_where_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tail.db");
        Checkpoints::open(&path, "tail.0").unwrap().save([row(1, 5, 20)].iter()).unwrap();
        let other = Connection::open(&path).unwrap();
        other.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").unwrap();
        assert!(Checkpoints::open(&path, "tail.0").is_err());
        drop(other);
        let checkpoints = Checkpoints::open(&path, "tail.0").unwrap();
        assert_eq!(checkpoints.of_log(LogId(1)).unwrap(), Some(row(1, 5, 20)));
    }

    #[test]
    fn takes_the_table_of_an_older_fluent_bit() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tail.db");
        let old = "CREATE TABLE in_tail_files (id INTEGER PRIMARY KEY, name TEXT NOT NULL, offset INTEGER,
            inode INTEGER, created INTEGER, rotated INTEGER DEFAULT 0)";
        Connection::open(&path).unwrap().execute_batch(old).unwrap();
        Checkpoints::open(&path, "tail.0").unwrap().save([row(1, 5, 20)].iter()).unwrap();
    }

    #[test]
    fn keeps_the_checkpoints_of_two_inputs_apart() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tail.db");
        let (mut one, mut other) =
            (Checkpoints::open(&path, "tail.0").unwrap(), Checkpoints::open(&path, "tail.1").unwrap());
        one.save([row(1, 5, 20)].iter()).unwrap();
        other.save([row(1, 5, 40)].iter()).unwrap();
        assert_eq!(one.of_log(LogId(1)).unwrap(), Some(row(1, 5, 20)));
        assert_eq!(other.of_file(1, 5).unwrap(), [row(1, 5, 40)]);
    }
}
