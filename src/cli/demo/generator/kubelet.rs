//! What the kubelet and the container runtime do on a node's disk: one directory for each
//! container, a symlink to its log, physical lines, rotation.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::clock;
use super::cluster::{Cluster, Container};
use super::runtime::{Encoder, Runtime};
use super::{Line, Stream};

/// Bytes that are kept for a file before they are written.
const BUFFER: usize = 64 * 1024;

/// Why a log could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{}: {error}", path.display())]
pub struct KubeletError {
    path: PathBuf,
    #[source]
    error: io::Error,
}

impl KubeletError {
    pub(super) fn new(path: &Path, error: io::Error) -> Self {
        Self { path: path.to_owned(), error }
    }
}

/// How logs are written.
#[derive(Debug, Clone)]
pub struct KubeletOptions {
    /// The form of physical lines.
    pub runtime: Runtime,
    /// Bytes after which a file is rotated by itself (kubelet's `containerLogMaxSize`), if at all.
    pub rotate_at: Option<u64>,
    /// Whether a rotation by size may fall between the physical lines of one record, as it does
    /// on a node, where the kubelet knows nothing of records.
    pub rotate_within_records: bool,
    /// Rotated files that are kept for each container (kubelet's `containerLogMaxFiles`, less the
    /// one being written).
    pub keep_rotated: usize,
    /// Whether a line of the other stream may come between the physical lines of one record, as
    /// it does on a node, where each stream has its own writer.
    pub interleave_streams: bool,
}

impl Default for KubeletOptions {
    fn default() -> Self {
        Self {
            runtime: Runtime::default(),
            rotate_at: None,
            rotate_within_records: false,
            keep_rotated: 4,
            interleave_streams: false,
        }
    }
}

/// The writer of a node's container logs.
///
/// Lines are buffered; [`Kubelet::flush`] writes them. Dropping it flushes too, without telling
/// errors.
#[derive(Debug)]
pub struct Kubelet {
    logs: Vec<Log>,
    encoder: Encoder,
    options: KubeletOptions,
}

/// One container's log.
#[derive(Debug)]
struct Log {
    directory: PathBuf,
    link: PathBuf,
    file: File,
    buffer: Vec<u8>,
    /// Bytes in the file and the buffer.
    length: u64,
    /// Physical lines of a record that wait for a line of the other stream to come between.
    held: Option<(Stream, Vec<Vec<u8>>)>,
    /// Rotate between the parts of the next line that has several.
    rotate_in_parts: bool,
    last_time_ns: i64,
    last_rotation: i64,
    rotated: VecDeque<PathBuf>,
}

impl Kubelet {
    /// Lays out `var/log/pods` and `var/log/containers` for a cluster under a root directory.
    /// Logs that exist are continued.
    pub fn new(root: &Path, cluster: &Cluster, options: KubeletOptions) -> Result<Self, KubeletError> {
        let links = Self::log_directory(root);
        fs::create_dir_all(&links).map_err(|error| KubeletError::new(&links, error))?;
        let logs = cluster.containers.iter().map(|container| Log::open(root, &links, cluster, container));
        let logs = logs.collect::<Result<_, _>>()?;
        Ok(Self { logs, encoder: Encoder::new(options.runtime), options })
    }

    /// `<root>/var/log/containers`: the directory that log shippers are pointed to.
    #[must_use]
    pub fn log_directory(root: &Path) -> PathBuf {
        root.join("var/log/containers")
    }

    /// The symlink of a container (an index of [`Cluster::containers`]).
    #[must_use]
    pub fn link(&self, container: usize) -> &Path {
        &self.logs[container].link
    }

    /// The directory of a container's `0.log` and its rotated files.
    #[must_use]
    pub fn directory(&self, container: usize) -> &Path {
        &self.logs[container].directory
    }

    /// The rotated files of a container that still exist, oldest first.
    pub fn rotated(&self, container: usize) -> impl Iterator<Item = &Path> {
        self.logs[container].rotated.iter().map(PathBuf::as_path)
    }

    /// Appends the physical lines of a record.
    pub fn write(&mut self, line: &Line) -> Result<(), KubeletError> {
        self.encoder.encode(line);
        self.logs[line.container].write_record(&self.encoder, line.stream, line.time_ns, &self.options)
    }

    /// Appends one application line, cut into parts if it is long. It must not hold a line feed.
    pub fn write_text(
        &mut self,
        container: usize,
        stream: Stream,
        time_ns: i64,
        text: &[u8],
    ) -> Result<(), KubeletError> {
        self.encoder.encode_text(stream, time_ns, text);
        self.logs[container].write_record(&self.encoder, stream, time_ns, &self.options)
    }

    /// Appends a physical line (or whole physical lines) as it is, and a line feed.
    pub fn write_raw(&mut self, container: usize, physical: &[u8]) -> Result<(), KubeletError> {
        let log = &mut self.logs[container];
        log.release()?;
        log.append(physical)?;
        log.append(b"\n")
    }

    /// Appends whole physical lines that were encoded before.
    pub(super) fn write_encoded(
        &mut self,
        container: usize,
        time_ns: i64,
        physical: &[u8],
    ) -> Result<(), KubeletError> {
        let log = &mut self.logs[container];
        log.last_time_ns = log.last_time_ns.max(time_ns);
        log.append(physical)?;
        log.rotate_by_size(&self.options)
    }

    /// Renames a container's `0.log` to `0.log.YYYYMMDD-HHMMSS` and begins a new one. Never falls
    /// into a physical line.
    pub fn rotate(&mut self, container: usize) -> Result<(), KubeletError> {
        self.logs[container].rotate(self.options.keep_rotated)
    }

    /// Rotates a container's log between two parts of its next line longer than [`PART_LENGTH`].
    ///
    /// [`PART_LENGTH`]: super::PART_LENGTH
    pub fn rotate_in_next_long_line(&mut self, container: usize) {
        self.logs[container].rotate_in_parts = true;
    }

    /// Writes everything that is buffered or held.
    pub fn flush(&mut self) -> Result<(), KubeletError> {
        self.logs.iter_mut().try_for_each(|log| {
            log.release()?;
            log.flush()
        })
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        // There is nobody to tell; whoever wants to know calls `flush`.
        let _ = self.flush();
    }
}

impl Log {
    fn open(root: &Path, links: &Path, cluster: &Cluster, container: &Container) -> Result<Self, KubeletError> {
        let pod = cluster.pod_of(container);
        let pod_directory = format!("{}_{}_{}", pod.namespace, pod.name, pod.uid);
        let directory = root.join("var/log/pods").join(pod_directory).join(&container.name);
        fs::create_dir_all(&directory).map_err(|error| KubeletError::new(&directory, error))?;
        let (file, length) = open_log(&directory)?;
        let link = links.join(cluster.file_name(container));
        match symlink(directory.join("0.log"), &link) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(KubeletError::new(&link, error)),
            _ => {}
        }
        Ok(Self {
            directory,
            link,
            file,
            buffer: Vec::new(),
            length,
            held: None,
            rotate_in_parts: false,
            last_time_ns: 0,
            last_rotation: 0,
            rotated: VecDeque::new(),
        })
    }

    fn write_record(
        &mut self,
        encoder: &Encoder,
        stream: Stream,
        time_ns: i64,
        options: &KubeletOptions,
    ) -> Result<(), KubeletError> {
        self.last_time_ns = self.last_time_ns.max(time_ns);
        let between = self.held.as_ref().is_some_and(|(held, _)| *held != stream);
        if !between {
            self.release()?;
        }
        let hold_from = if options.interleave_streams && self.held.is_none() {
            encoder.parts.len().div_ceil(2)
        } else {
            usize::MAX
        };
        let rotate_before = self.rotation_within(encoder);
        let (mut start, mut held) = (0, Vec::new());
        for (index, part) in encoder.parts.iter().enumerate() {
            let physical = &encoder.bytes[start..part.end];
            start = part.end;
            if index == rotate_before {
                self.rotate(options.keep_rotated)?;
            }
            if index >= hold_from {
                held.push(physical.to_vec());
                continue;
            }
            self.append(physical)?;
            if options.rotate_within_records {
                self.rotate_by_size(options)?;
            }
        }
        if between {
            self.release()?;
        } else if !held.is_empty() {
            self.held = Some((stream, held));
        }
        self.rotate_by_size(options)
    }

    /// The part before which a rotation is due that somebody asked for.
    fn rotation_within(&mut self, encoder: &Encoder) -> usize {
        let long = encoder.parts.len() > 1 && encoder.parts[0].end > super::PART_LENGTH;
        if !self.rotate_in_parts || !long {
            return usize::MAX;
        }
        self.rotate_in_parts = false;
        1
    }

    /// Appends what was held.
    fn release(&mut self) -> Result<(), KubeletError> {
        if let Some((_, held)) = self.held.take() {
            held.iter().try_for_each(|physical| self.append(physical))?;
        }
        Ok(())
    }

    fn append(&mut self, physical: &[u8]) -> Result<(), KubeletError> {
        self.buffer.extend_from_slice(physical);
        self.length += physical.len() as u64;
        if self.buffer.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), KubeletError> {
        let written = self.file.write_all(&self.buffer);
        self.buffer.clear();
        written.map_err(|error| KubeletError::new(&self.directory.join("0.log"), error))
    }

    fn rotate_by_size(&mut self, options: &KubeletOptions) -> Result<(), KubeletError> {
        match options.rotate_at {
            Some(limit) if self.length >= limit => self.rotate(options.keep_rotated),
            _ => Ok(()),
        }
    }

    /// What is held stays held: its record goes on in the new file.
    fn rotate(&mut self, keep: usize) -> Result<(), KubeletError> {
        self.flush()?;
        let current = self.directory.join("0.log");
        // Names have whole seconds: a rotation in the same second takes the next.
        let mut second = self.last_time_ns.div_euclid(1_000_000_000).max(self.last_rotation + 1);
        let mut name = self.rotated_name(second);
        while name.exists() {
            second += 1;
            name = self.rotated_name(second);
        }
        fs::rename(&current, &name).map_err(|error| KubeletError::new(&current, error))?;
        (self.file, self.length) = open_log(&self.directory)?;
        self.last_rotation = second;
        self.rotated.push_back(name);
        while self.rotated.len() > keep {
            if let Some(oldest) = self.rotated.pop_front() {
                fs::remove_file(&oldest).map_err(|error| KubeletError::new(&oldest, error))?;
            }
        }
        Ok(())
    }

    fn rotated_name(&self, second: i64) -> PathBuf {
        self.directory.join(format!("0.log.{}", clock::rotation(second)))
    }
}

fn open_log(directory: &Path) -> Result<(File, u64), KubeletError> {
    let path = directory.join("0.log");
    let opened = OpenOptions::new().create(true).append(true).open(&path);
    let opened = opened.and_then(|file| file.metadata().map(|metadata| (file, metadata.len())));
    opened.map_err(|error| KubeletError::new(&path, error))
}

#[cfg(test)]
mod tests;
