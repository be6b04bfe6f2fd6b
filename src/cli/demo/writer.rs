//! The thread that writes the cluster's logs.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::generator::{Generator, Kubelet, KubeletError, Line};
use super::searches::SEARCHES;
use super::watched::Levels;
use crate::record::Timestamp;

/// How often there is something written: often enough to look steady.
const SLICE: Duration = Duration::from_millis(20);
/// What a slow machine did not get written in this time is not made up for.
const LONGEST_DEBT: f64 = 0.25;

/// Bytes a second that the busiest container writes at one record a second of the whole cluster, roughly: one record
/// in six is its own, of some 240 bytes.
const BUSIEST: u64 = 40;
/// Seconds in which the busiest container fills a file.
const ROTATION: u64 = 5;
/// kubelet's own limit of a file.
const LARGEST_FILE: u64 = 10 * 1024 * 1024;
const SMALLEST_FILE: u64 = 16 * 1024;

/// Bytes after which a log is rotated at this rate: soon enough to be seen in a short demonstration.
pub(super) fn rotate_at(rate: u32) -> u64 {
    (u64::from(rate) * BUSIEST * ROTATION).clamp(SMALLEST_FILE, LARGEST_FILE)
}

/// What was written so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) records: u64,
    /// The records' lines, as the applications wrote them: a traceback has several.
    pub(super) lines: u64,
    pub(super) rotations: u64,
    /// Records by the level that their documents must have.
    pub(super) levels: Levels,
    /// Records that each of the searches must find.
    pub(super) found: [u64; SEARCHES.len()],
}

impl Written {
    fn add(&mut self, line: &Line) {
        self.records += 1;
        self.lines += line.text.len() as u64;
        let level = line.truth.fields.get("level").and_then(|level| level.as_str()).unwrap_or_default();
        match self.levels.get_mut(level) {
            Some(count) => *count += 1,
            None => drop(self.levels.insert(level.to_owned(), 1)),
        }
        for (found, search) in self.found.iter_mut().zip(&SEARCHES) {
            *found += u64::from((search.finds)(&line.truth));
        }
    }
}

/// The writing thread. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<Result<(), KubeletError>>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    written: Mutex<Written>,
}

impl Writer {
    /// Begins to write `rate` records a second. While `is_behind` says so, nothing is written: a demonstration on a
    /// slow machine must not rotate its logs away before they were read.
    pub(super) fn start(
        mut generator: Generator,
        mut kubelet: Kubelet,
        rate: u32,
        is_behind: impl Fn() -> bool + Send + 'static,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let for_thread = Arc::clone(&shared);
        let write = move || {
            let containers = generator.cluster().containers.len();
            let mut rotated = vec![None; containers];
            let (mut debt, mut last, mut time) = (0.0, Instant::now(), 0);
            while !for_thread.stop.load(Ordering::Relaxed) {
                std::thread::sleep(SLICE);
                let now = Instant::now();
                let passed = now.duration_since(last).as_secs_f64().min(LONGEST_DEBT);
                last = now;
                if is_behind() {
                    continue;
                }
                debt += passed * f64::from(rate);
                while debt >= 1.0 {
                    debt -= 1.0;
                    // A clock that was set back must not take the lines with it.
                    time = Timestamp::now().0.max(time + 1);
                    let line = generator.next(time);
                    kubelet.write(&line)?;
                    for_thread.written.lock().unwrap_or_else(PoisonError::into_inner).add(&line);
                }
                kubelet.flush()?;
                let rotations = count_rotations(&kubelet, &mut rotated);
                for_thread.written.lock().unwrap_or_else(PoisonError::into_inner).rotations += rotations;
            }
            kubelet.flush()
        };
        let thread = std::thread::Builder::new().name("cluster".to_owned()).spawn(write)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// It ended by itself, which only an error makes it do.
    pub(super) fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// What was written so far.
    pub(super) fn written(&self) -> Written {
        self.shared.written.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends it; all that was written is in the files then.
    ///
    /// # Errors
    /// If a log could not be written.
    pub(super) fn stop(&mut self) -> Result<Written, KubeletError> {
        self.shared.stop.store(true, Ordering::Relaxed);
        // A thread that panicked has told so itself, and what it wrote is compared anyway.
        if let Some(Ok(ended)) = self.thread.take().map(JoinHandle::join) {
            ended?;
        }
        Ok(self.written())
    }
}

/// How many logs have another file that was rotated last than the time before.
fn count_rotations(kubelet: &Kubelet, last: &mut [Option<PathBuf>]) -> u64 {
    let mut count = 0;
    for (container, last) in last.iter_mut().enumerate() {
        let newest = kubelet.rotated(container).last();
        if newest != last.as_deref() {
            *last = newest.map(Path::to_owned);
            count += 1;
        }
    }
    count
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Whoever wants to know calls `stop`.
        let _ = self.stop();
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::generator::KubeletOptions;
    use super::*;

    #[test]
    fn writes_at_its_rate_and_knows_what() {
        let root = tempfile::tempdir().unwrap();
        let generator = Generator::new(5);
        let kubelet = Kubelet::new(root.path(), generator.cluster(), KubeletOptions::default()).unwrap();
        let links = fs::read_dir(Kubelet::log_directory(root.path())).unwrap();
        let mut writer = Writer::start(generator, kubelet, 1000, || false).unwrap();
        std::thread::sleep(Duration::from_millis(400));
        assert!(!writer.has_ended());
        let written = writer.stop().unwrap();
        // A machine under load may not get to write, but never writes more.
        assert!((1..=600).contains(&written.records), "{}", written.records);
        assert!(written.lines >= written.records);
        assert_eq!(written.levels.values().sum::<u64>(), written.records);
        let logs = links.map(|link| fs::read(link.unwrap().path()).unwrap());
        let physical = logs.map(|log| log.iter().filter(|byte| **byte == b'\n').count()).sum::<usize>();
        assert!(physical as u64 >= written.lines);
        assert!(writer.has_ended());
    }

    #[test]
    fn waits_for_a_reader_that_is_behind() {
        let root = tempfile::tempdir().unwrap();
        let generator = Generator::new(5);
        let kubelet = Kubelet::new(root.path(), generator.cluster(), KubeletOptions::default()).unwrap();
        let mut writer = Writer::start(generator, kubelet, 1000, || true).unwrap();
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(writer.stop().unwrap(), Written::default());
    }

    #[test]
    fn files_are_rotated_the_sooner_the_less_is_written() {
        assert_eq!([1, 200, 100_000].map(rotate_at), [SMALLEST_FILE, 40_000, LARGEST_FILE]);
    }
}
