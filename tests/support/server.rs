//! Real Elasticsearch and OpenSearch servers, started by `tests/servers/start`.

use std::fmt;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread::{self, JoinHandle};

use tempfile::TempDir;

use super::client::Client;

/// Which server; the exact version is the launcher's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The last line of Elasticsearch that still takes mapping types.
    Elasticsearch7,
    /// The one that most clusters run.
    Elasticsearch8,
    /// The newest one; needs Java 21.
    Elasticsearch9,
    /// The one that most clusters run.
    OpenSearch2,
    /// The newest one; needs Java 21.
    OpenSearch3,
}

impl Engine {
    /// Every engine, in the order of the variants.
    pub const ALL: [Self; 5] =
        [Self::Elasticsearch7, Self::Elasticsearch8, Self::Elasticsearch9, Self::OpenSearch2, Self::OpenSearch3];

    /// The launcher's word for it.
    pub fn name(self) -> &'static str {
        ["es7", "es8", "es9", "os2", "os3"][self as usize]
    }

    /// Downloads it, the first time. Why it cannot run here, if there is no Java for it.
    pub fn install(self) -> Result<(), String> {
        let install = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers/install");
        let output = Command::new(install).arg(self.name()).output().expect("the script is there");
        match output.status.code() {
            Some(3) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            // What else is wrong is told by the start.
            _ => Ok(()),
        }
    }

    /// Whether it is an OpenSearch, where some mapping types have other names.
    pub fn is_opensearch(self) -> bool {
        matches!(self, Self::OpenSearch2 | Self::OpenSearch3)
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// The password of the user `admin` of a server that asks for one.
pub const PASSWORD: &str = "first-Passw0rd";

/// A server on a port of its own on 127.0.0.1, with its data in a temporary directory.
///
/// It ends when this is dropped, and also when the test program ends in whatever way: the launcher stays beside it and
/// reads from a pipe that the system closes then.
pub struct Server {
    engine: Engine,
    port: u16,
    settings: Vec<String>,
    is_secured: bool,
    /// The ports of all nodes of its cluster, with commas between them, if there are others.
    cluster: Option<String>,
    running: Option<Running>,
    directory: TempDir,
}

/// The launcher, and the number of the server's own process.
struct Running {
    launcher: Child,
    process: u32,
}

impl Server {
    /// Starts one; fails the test when that is not possible. The first one of an engine downloads it.
    pub fn start(engine: Engine) -> Self {
        Self::start_with(engine, &[])
    }

    /// Starts one with more lines for its configuration, such as `indexing_pressure.memory.limit: 30kb`.
    pub fn start_with(engine: Engine, settings: &[&str]) -> Self {
        Self::start_as(engine, settings, false)
    }

    /// Starts one that speaks TLS and lets in the user `admin` with [`PASSWORD`] only.
    pub fn start_secured(engine: Engine, settings: &[&str]) -> Self {
        Self::start_as(engine, settings, true)
    }

    fn start_as(engine: Engine, settings: &[&str], is_secured: bool) -> Self {
        let mut server = Self::stopped(engine, free_port());
        server.is_secured = is_secured;
        server.start_again_with(settings);
        server
    }

    /// Starts several nodes of one cluster, each on its own port and data.
    pub fn start_cluster(engine: Engine, nodes: usize) -> Vec<Self> {
        let ports: Vec<u16> = std::iter::repeat_with(free_port).take(nodes).collect();
        let cluster = ports.iter().map(u16::to_string).collect::<Vec<_>>().join(",");
        // All at once: none can be used without the others.
        let start = |port: &u16| {
            let mut server = Self::stopped(engine, *port);
            server.cluster = Some(cluster.clone());
            thread::spawn(move || {
                server.start_again();
                server
            })
        };
        let starting: Vec<_> = ports.iter().map(start).collect();
        starting.into_iter().map(|server| server.join().expect("it starts")).collect()
    }

    fn stopped(engine: Engine, port: u16) -> Self {
        let directory = tempfile::Builder::new().prefix("flytail-server-").tempdir().expect("a temporary directory");
        Self { engine, port, settings: Vec::new(), is_secured: false, cluster: None, running: None, directory }
    }

    /// The one server of an engine that all tests of this program share; each uses indices with a prefix of its own.
    pub fn shared(engine: Engine) -> &'static Self {
        static SHARED: [OnceLock<Server>; Engine::ALL.len()] = [const { OnceLock::new() }; Engine::ALL.len()];
        SHARED[engine as usize].get_or_init(|| Self::start(engine))
    }

    /// What was asked for.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// Whether it speaks TLS and asks for credentials.
    pub fn is_secured(&self) -> bool {
        self.is_secured
    }

    /// Where it listens; stays the same over stops and starts.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.is_secured { "https" } else { "http" }, self.address())
    }

    /// Host and port of [`Self::url`].
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The port of [`Self::url`].
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where its data is; gone when the server was dropped.
    pub fn data_directory(&self) -> PathBuf {
        self.directory.path().to_owned()
    }

    /// Where the certificates of a secured one are: `ca.crt`, `client.crt`, `client.key`.
    pub fn certificates(&self) -> PathBuf {
        self.directory.path().join("certificates")
    }

    /// A client for it.
    pub fn client(&self) -> Client {
        match self.is_secured {
            true => Client::secured(&self.url(), &self.certificates(), ("admin", PASSWORD)),
            false => Client::new(&self.url()),
        }
    }

    /// Ends it as an administrator does (SIGTERM) and waits until it is gone. The data stays.
    pub fn stop(&mut self) {
        let Some(mut running) = self.running.take() else { return };
        let mut launcher = running.launcher.stdin.take().expect("the pipe was asked for");
        launcher.write_all(b"stop\n").expect("the launcher listens");
        let status = running.launcher.wait().expect("our own child");
        assert!(status.success(), "{} did not stop in an orderly way: {status}", self.engine);
        drop(launcher);
    }

    /// Ends it at once (SIGKILL). The data stays, as after a power cut.
    pub fn kill(&mut self) {
        let Some(mut running) = self.running.take() else { return };
        let process = running.process.to_string();
        let killed = Command::new("kill").args(["-KILL", &process]).status().expect("kill is there");
        assert!(killed.success(), "{} had ended before it was to be killed", self.engine);
        // Keeps its end of the pipe until the launcher has seen that the server is gone, as it removes the data else.
        let pipe = running.launcher.stdin.take();
        running.launcher.wait().expect("our own child");
        drop(pipe);
    }

    /// Starts it once more on the same port and data, after a [`Self::stop`] or [`Self::kill`].
    pub fn start_again(&mut self) {
        assert!(self.running.is_none(), "{} runs already", self.engine);
        let running = self.launch();
        self.running = Some(running.unwrap_or_else(|reason| panic!("cannot start {}:\n{reason}", self.engine)));
    }

    /// [`Self::start_again`] with other lines for its configuration.
    pub fn start_again_with(&mut self, settings: &[&str]) {
        self.settings = settings.iter().map(|line| line.to_string()).collect();
        self.start_again();
    }

    /// Runs the launcher until it says that the server can be used, or why not.
    fn launch(&self) -> Result<Running, String> {
        let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/servers/start"));
        command.args(["--attached", "--temporary"]);
        if self.is_secured {
            command.arg("--secured");
        }
        if let Some(ports) = &self.cluster {
            command.args(["--cluster", ports]);
        }
        for line in &self.settings {
            command.args(["--setting", line]);
        }
        command.args([self.engine.name(), &self.port.to_string()]).arg(self.data_directory());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Not in the terminal's foreground, where Ctrl-C would end it before it can tidy up.
        command.process_group(0);
        let mut launcher = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
        let complaints = read_all(launcher.stderr.take().expect("the pipe was asked for"));
        let mut line = String::new();
        let mut output = BufReader::new(launcher.stdout.take().expect("the pipe was asked for"));
        output.read_line(&mut line).map_err(|error| error.to_string())?;
        match process_number(&line) {
            Some(process) => Ok(Running { launcher, process }),
            None => {
                drop(launcher.stdin.take());
                let _ = launcher.wait();
                Err(complaints.join().unwrap_or_default())
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut running) = self.running.take() {
            drop(running.launcher.stdin.take());
            let _ = running.launcher.wait();
        }
    }
}

/// The number in the launcher's `pid=123 url=…`.
fn process_number(line: &str) -> Option<u32> {
    line.strip_prefix("pid=")?.split_whitespace().next()?.parse().ok()
}

/// Reads in a thread of its own, so that a talkative launcher never waits for us.
fn read_all(mut source: impl std::io::Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut text = Vec::new();
        let _ = source.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    })
}

/// A port that nobody listens on.
///
/// Below 32768, where Linux begins to give ports to outgoing connections: while a server is stopped, a client that
/// tries to reach it again and again would else be given that very port one day and talk to itself.
pub fn free_port() -> u16 {
    let mut ports = std::iter::repeat_with(|| fastrand::u16(20_000..32_000)).take(1_000);
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a free port")
}
