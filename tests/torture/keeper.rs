//! Keeps the shipper: starts and kills it, and removes files knowing what it holds at that moment.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::ground::{LogFile, RESCUE, Removal, open_inodes};
use crate::store::Store;
use crate::support::shipper::Shipper;

/// How long a kill waits at most for a moment that is not just after a removal.
const LONGEST_WAIT: Duration = Duration::from_secs(3);

/// See the module.
pub(crate) struct Keeper {
    configuration: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    shipper: Option<(Shipper, Instant)>,
    kills: Vec<Instant>,
    /// When a file went that was held open and not wholly delivered.
    rescue_since: Option<Instant>,
}

impl Keeper {
    pub(crate) fn new(configuration: PathBuf) -> Self {
        Self { configuration, state: Mutex::default() }
    }

    /// Starts the shipper.
    pub(crate) fn start(&self) {
        self.lock().shipper = Some((Shipper::start(&self.configuration), Instant::now()));
    }

    /// Kills the shipper (SIGKILL), as soon as it had [`RESCUE`] to save what was removed under its hands.
    pub(crate) fn kill(&self) {
        let deadline = Instant::now() + LONGEST_WAIT;
        let mut state = self.lock();
        while state.rescue_since.is_some_and(|since| since.elapsed() < RESCUE) && Instant::now() < deadline {
            drop(state);
            std::thread::sleep(Duration::from_millis(20));
            state = self.lock();
        }
        if let Some((mut shipper, _)) = state.shipper.take() {
            shipper.kill();
            state.kills.push(Instant::now());
        }
    }

    /// Ends the shipper in an orderly way.
    pub(crate) fn terminate(&self) -> Option<ExitStatus> {
        let shipper = self.lock().shipper.take();
        shipper.map(|(mut shipper, _)| shipper.terminate())
    }

    /// The number of the shipper's process, if it is to be running.
    pub(crate) fn process(&self) -> Option<u32> {
        self.lock().shipper.as_ref().map(|(shipper, _)| shipper.id())
    }

    /// For how long the shipper has been running.
    pub(crate) fn up(&self) -> Option<Duration> {
        self.lock().shipper.as_ref().map(|(_, since)| since.elapsed())
    }

    /// How the shipper ended though nobody ended it.
    pub(crate) fn unexpected_end(&self) -> Option<ExitStatus> {
        self.lock().shipper.as_mut().and_then(|(shipper, _)| shipper.ended())
    }

    /// The moments of all kills.
    pub(crate) fn kills(&self) -> Vec<Instant> {
        self.lock().kills.clone()
    }

    /// The shipper holds the file open.
    pub(crate) fn holds(&self, file: &LogFile) -> bool {
        let state = self.lock();
        let open = state.shipper.as_ref().map(|(shipper, _)| open_inodes(shipper.id())).unwrap_or_default();
        file.inodes.iter().any(|inode| open.contains(inode))
    }

    /// Removes a file. Whether the shipper ran and held it is told of that very moment: no kill or start comes between.
    pub(crate) fn remove(&self, file: &mut LogFile, store: &Store) {
        let mut state = self.lock();
        let open = state.shipper.as_ref().map(|(shipper, _)| open_inodes(shipper.id())).unwrap_or_default();
        let up = state.shipper.as_ref().map(|(_, since)| since.elapsed());
        remove(&file.path);
        let held = file.inodes.iter().any(|inode| open.contains(inode));
        file.prune(&store.lock());
        let at = Instant::now();
        if held && !file.lines.is_empty() {
            state.rescue_since = Some(at);
        }
        file.removal = Some(Removal { at, held, up });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remove(path: &Path) {
    fs::remove_file(path).unwrap_or_else(|error| panic!("cannot remove {}: {error}", path.display()));
}
