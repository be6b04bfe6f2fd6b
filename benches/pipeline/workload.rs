//! The input: logs of every part of a small Flyte cluster, and its pods' metadata.

use std::error::Error;
use std::path::{Path, PathBuf};

use flytail::cli::demo::generator::{Bulk, Generator, Kubelet, KubeletOptions, Runtime};

use crate::support::{enriched, with_labels};
use crate::texts;

const SEED: u64 = 20_260_821;

/// Lines that are rendered and then written again and again with new times and numbers.
const POOL: usize = 20_000;

/// 2026-08-21T12:00:00Z, in nanoseconds since the epoch. Documents of a run fall on one day.
const START: i64 = 1_787_313_600_000_000_000;

/// What a document of a container always has.
const FIELDS: [&str; 10] =
    ["@timestamp", "message", "app", "component", "namespace", "pod", "container", "stream", "host", "kubernetes"];

/// The filter's option without any metadata.
pub(crate) const FROM_PATHS: &str = "Use_Tag_For_Meta On";

/// What is known of the pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pods {
    /// As much as of real ones.
    AsUsual,
    /// The same, with so many labels.
    WithLabels(usize),
    /// What the paths of their logs tell.
    FromPaths,
}

/// What the pods print.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lines {
    /// What the parts of Flyte and its tasks print.
    Flyte,
    /// Plain lines of Python's `logging`.
    Python,
    /// nginx's access log, taken apart by the parser of that name.
    Nginx,
}

/// Logs on disk.
pub(crate) struct Workload {
    /// Where all of it is, with room for the shipper's files.
    pub(crate) directory: PathBuf,
    /// The directory of the log files' links.
    pub(crate) logs: PathBuf,
    /// Where the filter learns of the pods: its option.
    pub(crate) metadata: String,
    /// What is printed.
    pub(crate) lines: Lines,
    /// Threads that read and parse it.
    pub(crate) workers: usize,
    /// Log files.
    pub(crate) files: usize,
    /// Bytes of them.
    pub(crate) bytes: u64,
    /// Documents that they must become.
    pub(crate) records: u64,
    /// The number in the first document's message; the others follow without gaps.
    pub(crate) first_sequence: u64,
}

/// Goes on writing a workload's logs.
pub(crate) struct Writer {
    kubelet: Kubelet,
    bulk: Bulk,
    time: i64,
}

impl Workload {
    /// Writes at least `bytes` bytes.
    pub(crate) fn write(directory: &Path, bytes: u64, pods: Pods, lines: Lines) -> Result<Self, Box<dyn Error>> {
        let (mut workload, mut writer) = Self::prepare(directory, pods, lines)?;
        workload.grow(&mut writer, bytes)?;
        Ok(workload)
    }

    /// Empty logs.
    pub(crate) fn prepare(directory: &Path, pods: Pods, lines: Lines) -> Result<(Self, Writer), Box<dyn Error>> {
        let generator = Generator::new(SEED);
        let cluster = match pods {
            Pods::WithLabels(labels) => with_labels(&enriched(generator.cluster()), labels),
            Pods::AsUsual | Pods::FromPaths => enriched(generator.cluster()),
        };
        let metadata = directory.join("metadata");
        cluster.write_metadata(&metadata)?;
        let options = KubeletOptions { runtime: Runtime::Containerd, ..KubeletOptions::default() };
        let kubelet = Kubelet::new(directory, &cluster, options)?;
        let bulk = match lines {
            Lines::Flyte => Bulk::new(generator, POOL, Runtime::Containerd, START),
            Lines::Python => Bulk::of_texts(generator, POOL, Runtime::Containerd, START, texts::python),
            Lines::Nginx => Bulk::of_texts(generator, POOL, Runtime::Containerd, START, texts::nginx),
        };
        let workload = Self {
            directory: directory.to_owned(),
            logs: Kubelet::log_directory(directory),
            metadata: match pods {
                Pods::FromPaths => FROM_PATHS.to_owned(),
                Pods::AsUsual | Pods::WithLabels(_) => format!("Kube_Meta_Preload_Cache_Dir {}", metadata.display()),
            },
            lines,
            workers: 1,
            files: cluster.containers.len(),
            bytes: 0,
            records: 0,
            first_sequence: 0,
        };
        Ok((workload, Writer { kubelet, bulk, time: START }))
    }

    /// Writes at least `bytes` bytes more.
    pub(crate) fn grow(&mut self, writer: &mut Writer, bytes: u64) -> Result<(), Box<dyn Error>> {
        let written = writer.bulk.write(&mut writer.kubelet, bytes, writer.time)?;
        writer.time = written.last_time_ns + 1_000_000;
        if self.records == 0 {
            self.first_sequence = written.first_sequence;
        }
        self.bytes += written.bytes;
        self.records += written.lines;
        Ok(())
    }

    /// Fields that each of its documents must have.
    pub(crate) fn fields(&self) -> &'static [&'static str] {
        match self.lines {
            Lines::Flyte | Lines::Python => &FIELDS,
            Lines::Nginx => &["@timestamp", "fields", "app", "component", "kubernetes"],
        }
    }
}
