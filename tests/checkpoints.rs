//! Checkpoints through the binary: taking over from Fluent Bit and going back, and whatever may become of the
//! database. Everything that is on disk arrives, and the log says what was done.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod support;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rusqlite::Connection;
use serde_json::Value;
use support::shipper::{Shipper, flytail, wait_for};

/// A directory with logs, a configuration and a database.
struct Host {
    root: tempfile::TempDir,
}

impl Host {
    fn new() -> Self {
        let host = Self { root: tempfile::tempdir().unwrap() };
        fs::create_dir(host.path("state")).unwrap();
        host
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn append(&self, name: &str, text: &str) {
        use std::io::Write;
        let file = fs::OpenOptions::new().create(true).append(true).open(self.path(name));
        file.unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn inode(&self, name: &str) -> i64 {
        i64::try_from(fs::metadata(self.path(name)).unwrap().ino()).unwrap()
    }

    fn sql(&self) -> Connection {
        Connection::open(self.path("state/tail.db")).unwrap()
    }

    /// Fluent Bit's row of a log, as its versions before 5 write it.
    fn fluent_bit(&self, name: &str, inode: i64, offset: i64) {
        let sql = self.sql();
        sql.execute_batch(
            "CREATE TABLE IF NOT EXISTS in_tail_files (id INTEGER PRIMARY KEY, name TEXT NOT NULL, offset INTEGER,
            inode INTEGER, created INTEGER, rotated INTEGER DEFAULT 0)",
        )
        .unwrap();
        let name = self.path(name).display().to_string();
        sql.execute("DELETE FROM in_tail_files WHERE inode = ?1", [inode]).unwrap();
        let insert = "INSERT INTO in_tail_files (name, offset, inode, created) VALUES (?1, ?2, ?3, 1)";
        sql.execute(insert, (name, offset, inode)).unwrap();
    }

    fn configure(&self, service: &str, input: &str) -> PathBuf {
        let root = self.root.path().display();
        let text = format!(
            "[SERVICE]\n  Flush 0.1\n  {service}\n[INPUT]\n  Name tail\n  Path {root}/*.log\n  DB {root}/state/tail.db\n  \
             Refresh_Interval 1\n  {input}\n[OUTPUT]\n  Name file\n  Match *\n  Path {root}\n  File out\n  Format plain\n"
        );
        fs::write(self.path("flytail.conf"), text).unwrap();
        self.path("flytail.conf")
    }

    fn start(&self) -> Shipper {
        Shipper::start(&self.configure("", ""))
    }

    /// The lines that have arrived, sorted.
    fn lines(&self) -> Vec<String> {
        let out = fs::read_to_string(self.path("out")).unwrap_or_default();
        let whole = out.rfind('\n').map_or(0, |end| end + 1);
        let documents = out[..whole].lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut lines: Vec<_> = documents.map(|document| document["log"].as_str().unwrap().to_owned()).collect();
        lines.sort();
        lines
    }

    fn wait_for(&self, lines: &[&str]) {
        let mut wanted: Vec<_> = lines.iter().map(|line| (*line).to_owned()).collect();
        wanted.sort();
        wait_for(&wanted, || self.lines());
    }
}

#[test]
fn a_first_start_goes_on_where_fluent_bit_stopped_in_rotated_files_too() {
    let host = Host::new();
    host.append("app.log", "read 1\nread 2\nwritten 1\n");
    host.append("new.log", "written 4\n");
    host.append("all.log", "read 3\n");
    host.fluent_bit("app.log", host.inode("app.log"), 14);
    host.fluent_bit("all.log", host.inode("all.log"), 7);
    // While nobody read.
    fs::rename(host.path("app.log"), host.path("app.log.1")).unwrap();
    host.append("app.log.1", "written 2\n");
    host.append("app.log", "written 3\n");
    for (input, all) in [("", true), ("Read_from_Head Off", false)] {
        let mut shipper = Shipper::start(&host.configure("", input));
        if all {
            host.wait_for(&["written 1", "written 2", "written 3", "written 4"]);
        }
        host.append("all.log", &format!("written {all}\n"));
        wait_for(&true, || host.lines().contains(&format!("written {all}")));
        assert!(shipper.log().contains("goes on where Fluent Bit stopped"), "{}", shipper.log());
        assert!(shipper.terminate().success());
    }
    host.wait_for(&["written 1", "written 2", "written 3", "written 4", "written false", "written true"]);
}

#[test]
fn fluent_bit_goes_on_where_we_stopped_and_we_where_it_did() {
    let host = Host::new();
    host.append("app.log", "one\ntwo\n");
    let mut shipper = host.start();
    host.wait_for(&["one", "two"]);
    assert!(shipper.terminate().success());
    let row = || -> (String, i64, i64) {
        let query = "SELECT name, inode, offset FROM in_tail_files";
        host.sql().query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap()
    };
    assert_eq!(row(), (host.path("app.log").display().to_string(), host.inode("app.log"), 8));
    // Fluent Bit reads two lines, and a part of the next.
    host.append("app.log", "three\nfour\nfive\n");
    host.sql().execute_batch("UPDATE in_tail_files SET offset = 21").unwrap();
    let mut shipper = host.start();
    host.wait_for(&["one", "two", "five"]);
    assert!(shipper.terminate().success());
    assert_eq!(row().2, 24);
    // It also read the file that came after this one was cut.
    fs::write(host.path("app.log"), "six\nseven\n").unwrap();
    host.sql().execute_batch("UPDATE in_tail_files SET offset = 4").unwrap();
    let mut shipper = host.start();
    host.wait_for(&["one", "two", "five", "seven"]);
    assert!(shipper.terminate().success());
}

#[test]
fn a_fluent_bit_beside_us_is_reported() {
    let host = Host::new();
    host.append("app.log", "one\n");
    let mut shipper = host.start();
    host.wait_for(&["one"]);
    wait_for(&1, || host.sql().query_row("SELECT count(*) FROM in_tail_files", [], |row| row.get(0)).unwrap_or(0));
    host.sql().execute_batch("UPDATE in_tail_files SET offset = 1").unwrap();
    host.append("app.log", "two\n");
    wait_for(&true, || shipper.log().contains("another program writes this database"));
    host.wait_for(&["one", "two"]);
    assert!(shipper.terminate().success());
}

#[test]
fn an_undrained_storage_path_is_pointed_out() {
    let host = Host::new();
    fs::create_dir_all(host.path("storage/tail.0")).unwrap();
    fs::write(host.path("storage/tail.0/1-1.flb"), [0; 123]).unwrap();
    host.append("app.log", "one\n");
    let storage = format!("storage.path {}", host.path("storage").display());
    let mut shipper = Shipper::start(&host.configure(&storage, ""));
    host.wait_for(&["one"]);
    assert!(shipper.terminate().success());
    let log = shipper.log();
    let line = log.lines().find(|line| line.contains("start it once more with the same storage.path")).expect(&log);
    assert!(line.contains("[ warn]") && line.contains("files=1 bytes=123"), "{line}");
}

/// What the log says, and what is done to the file.
type Damage = (&'static str, fn(&Path));

#[test]
fn whatever_has_become_of_the_database_all_that_is_on_disk_arrives() {
    let damage: [Damage; 7] = [
        ("corrupt", |path| fs::write(path, vec![b'x'; 10_000]).unwrap()),
        ("corrupt", |path| {
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("corrupt", |path| fs::write(path, vec![0; 10_000]).unwrap()),
        ("version-9", |path| {
            let newer = "PRAGMA user_version = 9; UPDATE flytail_schema SET minimum_reader = 9";
            Connection::open(path).unwrap().execute_batch(newer).unwrap();
        }),
        ("was empty", |path| fs::write(path, "").unwrap()),
        ("is a directory", |path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        }),
        ("checkpoints are not saved", |path| {
            fs::remove_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path.parent().unwrap(), "no directory").unwrap();
        }),
    ];
    for (said, damage) in damage {
        let host = Host::new();
        host.append("app.log", "one\n");
        let mut shipper = host.start();
        host.wait_for(&["one"]);
        assert!(shipper.terminate().success());
        // Two lines that nobody has read yet, and one that nobody knows to have been read any more.
        host.append("app.log", "two\nthree\n");
        damage(&host.path("state/tail.db"));
        let mut shipper = Shipper::start(&host.configure("", "Read_from_Head Off"));
        host.wait_for(&["one", "one", "two", "three"]);
        assert!(shipper.terminate().success());
        assert!(shipper.log().contains(said), "{said}: {}", shipper.log());
    }
}

#[test]
fn a_locked_database_is_read_and_shipping_goes_on() {
    let host = Host::new();
    host.append("app.log", "one\n");
    let mut shipper = host.start();
    host.wait_for(&["one"]);
    assert!(shipper.terminate().success());
    host.append("app.log", "two\n");
    let other = host.sql();
    other.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").unwrap();
    let mut shipper = host.start();
    host.wait_for(&["one", "two"]);
    assert!(shipper.log().contains("another program has locked it"), "{}", shipper.log());
    drop(other);
    wait_for(&true, || shipper.log().contains("checkpoints are saved again"));
    shipper.kill();
    host.append("app.log", "three\n");
    let mut shipper = host.start();
    host.wait_for(&["one", "two", "three"]);
    assert!(shipper.terminate().success());
}

/// Runs a script in a user namespace of its own, where it may mount a small file system on `state`. Its last lines are
/// what arrived. `None` where this machine allows no such namespaces.
fn in_namespace(host: &Host, script: &str) -> Option<()> {
    let may =
        Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "none", "/mnt"]).stderr(Stdio::null()).status();
    may.ok().filter(std::process::ExitStatus::success)?;
    let configuration = host.configure("", "");
    let prelude = r#"
        set -eu
        wait_for() { for _ in $(seq 600); do if grep -q "$1" "$2" 2>/dev/null; then return; fi; sleep 0.1; done
            echo "waited for $1 in $2"; cat log; exit 1; }
        mount -t tmpfs -o size=2m none state
        "$FLYTAIL" -c flytail.conf 2>log & shipper=$!
        trap 'kill -9 $shipper 2>/dev/null || true' EXIT
        echo one >> app.log; wait_for one out
    "#;
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c"]).arg(format!("{prelude}{script}")).env("FLYTAIL", flytail().get_program());
    command.env("TMPDIR", configuration.parent().unwrap()).current_dir(host.root.path());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    Some(())
}

#[test]
fn a_full_or_read_only_state_directory_keeps_shipping_and_says_so() {
    let fill = "dd if=/dev/zero of=state/filler bs=1k 2>/dev/null || true";
    // While it is open for writing the kernel refuses.
    let read_only = "kill $shipper; wait $shipper; mount -o remount,ro state
        \"$FLYTAIL\" -c flytail.conf 2>>log & shipper=$!";
    for (spoil, mend, said) in [
        (fill, "rm state/filler", "make room on its file system"),
        (read_only, "mount -o remount,rw state", "make it and its file system writable"),
    ] {
        let host = Host::new();
        // Enough changes that the database has to grow: new files, with a row each.
        let script = format!(
            "{spoil}
            for number in $(seq 200); do echo \"two $number\" > $number.log; done
            wait_for 'two 200' out; wait_for 'checkpoints are not saved' log; wait_for '{said}' log
            {mend}
            wait_for 'checkpoints are saved again' log
            kill $shipper; wait $shipper
            \"$FLYTAIL\" -c flytail.conf 2>>log & shipper=$!
            echo three >> app.log; wait_for three out; kill $shipper; wait $shipper"
        );
        if in_namespace(&host, &script).is_none() {
            eprintln!("not run: no user namespaces here");
            return;
        }
        let lines = host.lines();
        assert_eq!(lines.len(), 202, "{said}: {lines:?}");
        assert_eq!(lines.iter().collect::<std::collections::HashSet<_>>().len(), 202);
    }
}
