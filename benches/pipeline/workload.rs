//! The input: logs of every part of a small Flyte cluster, and its pods' metadata.

use std::error::Error;
use std::path::{Path, PathBuf};

use flytail::cli::demo::generator::{Bulk, Generator, Kubelet, KubeletOptions, Runtime};

use crate::support::{enriched, with_labels};

const SEED: u64 = 20_260_821;

/// Lines that are rendered and then written again and again with new times and numbers.
const POOL: usize = 20_000;

/// 2026-08-21T12:00:00Z, in nanoseconds since the epoch. Documents of a run fall on one day.
const START: i64 = 1_787_313_600_000_000_000;

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

/// Logs on disk.
pub(crate) struct Workload {
    /// Where all of it is, with room for the shipper's files.
    pub(crate) directory: PathBuf,
    /// The directory of the log files' links.
    pub(crate) logs: PathBuf,
    /// Where the filter learns of the pods: its option.
    pub(crate) metadata: String,
    /// Log files.
    pub(crate) files: usize,
    /// Bytes of them.
    pub(crate) bytes: u64,
    /// Documents that they must become.
    pub(crate) records: u64,
    /// The number in the first document's message; the others follow without gaps.
    pub(crate) first_sequence: u64,
}

impl Workload {
    /// Writes at least `bytes` bytes.
    pub(crate) fn write(directory: &Path, bytes: u64, pods: Pods) -> Result<Self, Box<dyn Error>> {
        let generator = Generator::new(SEED);
        let cluster = match pods {
            Pods::WithLabels(labels) => with_labels(&enriched(generator.cluster()), labels),
            Pods::AsUsual | Pods::FromPaths => enriched(generator.cluster()),
        };
        let metadata = directory.join("metadata");
        cluster.write_metadata(&metadata)?;
        let options = KubeletOptions { runtime: Runtime::Containerd, ..KubeletOptions::default() };
        let mut kubelet = Kubelet::new(directory, &cluster, options)?;
        let mut bulk = Bulk::new(generator, POOL, Runtime::Containerd, START);
        let written = bulk.write(&mut kubelet, bytes, START)?;
        Ok(Self {
            directory: directory.to_owned(),
            logs: Kubelet::log_directory(directory),
            metadata: match pods {
                Pods::FromPaths => "Use_Tag_For_Meta On".to_owned(),
                Pods::AsUsual | Pods::WithLabels(_) => format!("Kube_Meta_Preload_Cache_Dir {}", metadata.display()),
            },
            files: cluster.containers.len(),
            bytes: written.bytes,
            records: written.lines,
            first_sequence: written.first_sequence,
        })
    }
}
