//! The shipper's process: started with the users' configuration, watched from outside.

use std::error::Error;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::workload::{Lines, Workload};

/// Ticks of a second in `/proc/<pid>/stat` (`USER_HZ`, the same on every Linux).
const TICKS: f64 = 100.0;

const PROGRAM: &str = env!("CARGO_BIN_EXE_flytail");

/// How long an orderly end may take, also where every instruction is counted.
const END: Duration = Duration::from_secs(60);

/// What a process used since its start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// Seconds of CPU time of all its threads, in user mode and in the kernel.
    pub(crate) cpu: f64,
    /// Peak of its resident memory, in bytes.
    pub(crate) peak: u64,
    /// Its resident memory now, in bytes.
    pub(crate) resident: u64,
}

/// See the module.
pub(crate) struct Shipper {
    child: Child,
    log: PathBuf,
}

impl Shipper {
    /// Starts it on a workload, to send to a port of this machine; under callgrind, if its counts go to a file.
    pub(crate) fn start(workload: &Workload, port: u16, counts: Option<&Path>) -> Result<Self, Box<dyn Error>> {
        let configuration = workload.directory.join("bench.conf");
        fs::write(&configuration, configured(workload, port))?;
        let log = workload.directory.join("shipper.log");
        let mut command = match counts {
            Some(counts) => callgrind(counts),
            None => Command::new(PROGRAM),
        };
        let child = command
            .arg("-c")
            .arg(configuration)
            .env("ES_USER", "elastic")
            .env("ES_PASS", "bench")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()?;
        Ok(Self { child, log })
    }

    /// What it used so far; an error if it has ended.
    pub(crate) fn look(&mut self) -> Result<Usage, Box<dyn Error>> {
        match self.child.try_wait()? {
            Some(status) => Err(format!("the shipper ended: {status}\n{}", self.log()).into()),
            None => usage(&self.child.id().to_string()),
        }
    }

    /// How often its threads were put to sleep and woke up again, so far.
    pub(crate) fn wake_ups(&self) -> Result<u64, Box<dyn Error>> {
        let mut sum = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let status = fs::read_to_string(thread?.path().join("status"))?;
            let switches = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            sum += switches.ok_or("no count of switches")?.trim().parse::<u64>()?;
        }
        Ok(sum)
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(&mut self) -> Result<(), Box<dyn Error>> {
        Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status()?;
        let deadline = Instant::now() + END;
        while Instant::now() < deadline {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(format!("the shipper ended badly: {status}\n{}", self.log()).into()),
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        }
        Err(format!("the shipper does not end\n{}", self.log()).into())
    }

    /// What it logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Shipper {
    fn drop(&mut self) {
        // Of a process that has ended nothing is left to be done.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The program, with every instruction of it counted.
fn callgrind(counts: &Path) -> Command {
    let mut command = Command::new("valgrind");
    command.arg("--tool=callgrind").arg("--quiet").arg(format!("--callgrind-out-file={}", counts.display()));
    command.arg(PROGRAM);
    command
}

/// What a process used, by its directory's name in `/proc`.
pub(crate) fn usage(process: &str) -> Result<Usage, Box<dyn Error>> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The second field is the name, in brackets. User and system time are the 14th and 15th.
    let rest = stat.rsplit_once(')').map(|(_, rest)| rest).ok_or("no stat")?;
    let ticks: u64 = rest.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let bytes = |name: &str| -> Result<u64, Box<dyn Error>> {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("no memory")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
    };
    Ok(Usage { cpu: ticks as f64 / TICKS, peak: bytes("VmHWM:")?, resident: bytes("VmRSS:")? })
}

/// The configuration that Flyte's users have, and checkpoints.
fn configured(workload: &Workload, port: u16) -> String {
    let directory = workload.directory.display();
    let Workload { logs, metadata, workers, .. } = workload;
    let logs = logs.display();
    let parser = match workload.lines {
        Lines::Nginx => PARSER,
        Lines::Flyte | Lines::Python => "",
    };
    format!(
        "[SERVICE]
    HTTP_Server Off
    Workers {workers}
    Parsers_File {PARSERS}
[INPUT]
    Name tail
    Path {logs}/*flyte*.log
    Tag kube.*
    Parser docker
    Mem_Buf_Limit 50MB
    DB {directory}/tail.db
{parser}[FILTER]
    Name kubernetes
    Match kube.*
    Kube_URL https://kubernetes.default.svc:443
    {metadata}
    Merge_Log On
    Keep_Log Off
[OUTPUT]
    Name es
    Match *
    Host 127.0.0.1
    Port {port}
    Index flyte-logs
    HTTP_User ${{ES_USER}}
    HTTP_Passwd ${{ES_PASS}}
"
    )
}

/// flytail's own parsers.
const PARSERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/parsers/parsers.conf");

/// Takes access lines apart.
const PARSER: &str = "[FILTER]
    Name parser
    Match kube.*
    Key_Name log
    Parser nginx
    Reserve_Data On
    Preserve_Key On
";
