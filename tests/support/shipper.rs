//! The `flytail` program under test, as a process of its own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long anything may take that is only waited for.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A running shipper. It is killed when this is dropped.
pub struct Shipper {
    child: Child,
    log: PathBuf,
}

/// A command of the program under test.
pub fn flytail() -> Command {
    Command::new(env!("CARGO_BIN_EXE_flytail"))
}

impl Shipper {
    /// Runs a configuration file in its directory. What it logs is appended to `log` there.
    pub fn start(configuration: &Path) -> Self {
        Self::run(flytail(), configuration)
    }

    /// The same, with at most so many open files.
    pub fn start_with_files(configuration: &Path, files: u32) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -n \"$0\" && exec \"$@\""]).arg(files.to_string()).arg(flytail().get_program());
        Self::run(command, configuration)
    }

    /// The same, in a user namespace with a limit of its own: a file of `/proc/sys/user` and its value.
    pub fn start_with_limit(configuration: &Path, limit: &str, value: u32) -> Self {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "sh", "-c"]);
        command.arg(format!("echo {value} > /proc/sys/user/{limit} && exec \"$0\" \"$@\""));
        command.arg(flytail().get_program());
        Self::run(command, configuration)
    }

    /// The same, with more variables in its environment.
    pub fn start_with_variables(configuration: &Path, variables: &[(&str, &str)]) -> Self {
        let mut command = flytail();
        command.envs(variables.iter().copied());
        Self::run(command, configuration)
    }

    fn run(mut command: Command, configuration: &Path) -> Self {
        command.arg("-c").arg(configuration);
        Self::spawn(command, configuration.parent().unwrap())
    }

    /// Runs a command of its own in a directory.
    pub fn spawn(mut command: Command, directory: &Path) -> Self {
        let log = directory.join("log");
        let stderr = File::options().create(true).append(true).open(&log).unwrap();
        // Where no database is named, dead letters go among the temporary files.
        command.current_dir(directory).env("TMPDIR", directory);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
        Self { child: command.spawn().unwrap(), log }
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Ends it in an orderly way (SIGTERM).
    pub fn terminate(&mut self) -> ExitStatus {
        let killed = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(killed.success(), "the shipper had ended before: {}", self.log());
        self.child.wait().unwrap()
    }

    /// Ends it at once (SIGKILL).
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Stops it where it is, until [`go_on`](Self::go_on).
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub fn go_on(&self) {
        self.signal("-CONT");
    }

    /// Asks for a reload (SIGHUP).
    pub fn hang_up(&self) {
        self.signal("-HUP");
    }

    fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap().success());
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Fails the test if it has ended.
    pub fn assert_running(&mut self) {
        if let Some(status) = self.child.try_wait().unwrap() {
            panic!("the shipper ended with {status}: {}", self.log());
        }
    }
}

impl Drop for Shipper {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the shipper logged:\n{}", self.log());
        }
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Waits until `look` returns `wanted`. Fails when nothing has changed for [`PATIENCE`].
pub fn wait_for<T: PartialEq + std::fmt::Debug>(wanted: &T, mut look: impl FnMut() -> T) {
    let (mut last, mut since) = (look(), Instant::now());
    while last != *wanted {
        std::thread::sleep(Duration::from_millis(250));
        let now = look();
        if now != last {
            (last, since) = (now, Instant::now());
        }
        assert!(since.elapsed() < PATIENCE, "waited for {wanted:?}, it stays at {last:?}");
    }
}
