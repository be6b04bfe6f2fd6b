//! Opening the database, whatever has become of its file.
//!
//! What is damaged, or of a version that cannot be used, is set aside under another name, and a new
//! database is begun: a crash loop helps nobody. What is sound and cannot be written (locked, on a
//! full or read-only file system, not ours) stays where it is and is read, as far as that goes.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::{fs, io};

use rusqlite::{Connection, OpenFlags};

use super::schema;
use crate::record::Timestamp;

/// How long another program's lock is waited for: at the start, and then while nothing else is done.
pub(super) const LOCKED_AT_START: Duration = Duration::from_secs(2);
pub(super) const LOCKED: Duration = Duration::from_millis(200);

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    /// What it says cannot be relied on.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// Its tables are of another version.
    #[error("version {found} of its tables cannot be used by this program (version {})", schema::VERSION)]
    Version {
        /// The version.
        found: i64,
    },
    /// It can be read only.
    #[error("it can only be read: make it and its file system writable")]
    ReadOnly,
    /// It is a directory.
    #[error("it is a directory: name a file in it as DB")]
    Directory,
    /// It is useless and cannot be moved out of the way.
    #[error("{reason}, and it cannot be set aside: {error}")]
    Stuck {
        /// Why it is useless.
        reason: Box<OpenError>,
        /// Why it cannot be moved.
        error: io::Error,
    },
    /// SQLite says so.
    #[error("{}", explain(.0))]
    Sqlite(rusqlite::Error),
}

/// What SQLite says, and what to do.
pub(super) fn explain(error: &rusqlite::Error) -> String {
    use rusqlite::ErrorCode::{CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, PermissionDenied, ReadOnly};
    let hint = match error.sqlite_error_code() {
        Some(DatabaseBusy | DatabaseLocked) => "another program has locked it: stop that one, or use a DB of its own",
        Some(DiskFull) => "make room on its file system",
        Some(ReadOnly) => "make it and its file system writable",
        Some(CannotOpen | PermissionDenied) => "its directory must exist, or be one that can be made, and be writable",
        _ => return error.to_string(),
    };
    format!("{error}: {hint}")
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        if is_damage(&error) { Self::Damaged(error.to_string()) } else { Self::Sqlite(error) }
    }
}

/// The file is no sound database.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase))
}

/// What opening led to.
pub(super) enum Opened {
    /// All is well.
    Writable(Connection),
    /// It can only be read, if at all, for this reason.
    Unwritable(Option<Connection>, OpenError),
}

/// A database, and whether another one was set aside for it.
pub(super) struct Opening {
    /// The database.
    pub(super) opened: Opened,
    /// Rows may have been lost: something was set aside, or the file was there and empty.
    pub(super) has_lost_rows: bool,
    /// How many databases were set aside.
    pub(super) set_aside: u64,
}

/// Workers open the same database: what one has just begun is not set aside by another.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Opens the database at a path. `patience` is how long a lock of another program is waited for.
pub(super) fn open(path: &Path, patience: Duration) -> Opening {
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(parent) = path.parent() {
        // What is wrong shows when SQLite opens the file.
        drop(fs::create_dir_all(parent));
    }
    let is_empty = fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0);
    let error = match connect(path, patience) {
        Ok(connection) => {
            if is_empty {
                tracing::warn!(path = %path.display(), "the checkpoints' file was empty: files are read from their beginning");
            }
            return Opening { opened: Opened::Writable(connection), has_lost_rows: is_empty, set_aside: 0 };
        }
        Err(error) => error,
    };
    if !matches!(error, OpenError::Damaged(_) | OpenError::Version { .. }) {
        return Opening { opened: Opened::Unwritable(read_only(path), error), has_lost_rows: false, set_aside: 0 };
    }
    if let Err(cause) = set_aside(path, &error) {
        let stuck = OpenError::Stuck { reason: Box::new(error), error: cause };
        return Opening { opened: Opened::Unwritable(None, stuck), has_lost_rows: true, set_aside: 0 };
    }
    let opened = connect(path, patience).map_or_else(|error| Opened::Unwritable(None, error), Opened::Writable);
    Opening { opened, has_lost_rows: true, set_aside: 1 }
}

fn connect(path: &Path, patience: Duration) -> Result<Connection, OpenError> {
    if path.is_dir() {
        // Its content may be anything: it is not moved out of the way.
        return Err(OpenError::Directory);
    }
    let mut connection = Connection::open(path)?;
    // SQLite opens what it may not write for reading, and says so only when it is told to write.
    if connection.is_readonly("main")? {
        return Err(OpenError::ReadOnly);
    }
    connection.busy_timeout(patience)?;
    let answer = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))?;
    if answer != "ok" {
        return Err(OpenError::Damaged(answer));
    }
    schema::prepare(&mut connection)?;
    connection.busy_timeout(LOCKED)?;
    Ok(connection)
}

/// Opens for reading what cannot be written: as one of several programs, or as a file that nobody
/// changes if the others do not let us. What is read then may be older than what is there, which only
/// means that more is read again.
fn read_only(path: &Path) -> Option<Connection> {
    let usable = |connection: Connection| {
        drop(connection.busy_timeout(LOCKED));
        let version = schema::version(&connection).ok().filter(|version| *version >= 0)?;
        let condition = "0 = 1";
        super::rows::select(&connection, super::rows::columns(version), condition, []).ok()?;
        Some(connection)
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let shared = Connection::open_with_flags(path, flags).ok().and_then(usable);
    shared.or_else(|| {
        let uri = immutable(path);
        Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI).ok().and_then(usable)
    })
}

fn immutable(path: &Path) -> PathBuf {
    let mut uri = b"file:".to_vec();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'%' | b'?' | b'#' => uri.extend(format!("%{byte:02X}").bytes()),
            other => uri.push(*other),
        }
    }
    uri.extend(b"?immutable=1");
    PathBuf::from(OsString::from_vec(uri))
}

fn set_aside(path: &Path, reason: &OpenError) -> io::Result<()> {
    let with = |path: &Path, suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let what = match reason {
        OpenError::Version { found } => format!("version-{found}"),
        _ => "corrupt".to_owned(),
    };
    let aside = with(path, &format!(".{what}-{}", Timestamp::now().milliseconds()));
    fs::rename(path, &aside)?;
    for suffix in ["-wal", "-shm"] {
        match fs::rename(with(path, suffix), with(&aside, suffix)) {
            // A log of the old database beside the new one would damage it.
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    tracing::error!(
        path = %path.display(), aside = %aside.display(), %reason,
        "the checkpoints cannot be used: set aside, and all files are read from their beginning; lines of containers \
         that were delivered before are not shown twice"
    );
    Ok(())
}
