//! Hints from the file system: something was created, moved or removed in a watched directory.
//! They only make the next scan come sooner; the scan is the truth.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use notify::event::EventKindMask;
use notify::{Config, RecommendedWatcher, RecursiveMode, Watcher};

/// Watches directories.
pub(super) struct Watch {
    /// Made for the first directory, not before: the log is not open while inputs are built. `None`
    /// without the kernel's help (no instances left): there are no hints then.
    watcher: OnceCell<Option<RecommendedWatcher>>,
    hint: Arc<AtomicBool>,
    directories: HashSet<PathBuf>,
    /// A directory could not be watched, which was said.
    has_failed: bool,
}

impl Watch {
    /// A watch of nothing yet.
    pub(super) fn new() -> Self {
        let (watcher, hint) = (OnceCell::new(), Arc::default());
        Self { watcher, hint, directories: HashSet::new(), has_failed: false }
    }

    /// Watches a directory from now on.
    pub(super) fn add(&mut self, directory: &Path) {
        self.watcher.get_or_init(|| watcher(&self.hint));
        let Some(Some(watcher)) = self.watcher.get_mut() else { return };
        if self.directories.contains(directory) {
            return;
        }
        match watcher.watch(directory, RecursiveMode::NonRecursive) {
            Ok(()) => {
                self.directories.insert(directory.to_owned());
            }
            Err(error) => {
                if !std::mem::replace(&mut self.has_failed, true) {
                    let directory = directory.display();
                    tracing::warn!(%directory, %error, "some directories are not watched: what happens in them is found by the periodic scan alone");
                }
            }
        }
    }

    /// The directory is gone.
    pub(super) fn remove(&mut self, directory: &Path) {
        if let Some(Some(watcher)) = self.watcher.get_mut()
            && self.directories.remove(directory)
        {
            // The kernel forgot it together with the directory.
            let _ = watcher.unwatch(directory);
        }
    }

    /// Something happened since the last call.
    pub(super) fn take_hint(&self) -> bool {
        self.hint.swap(false, Ordering::Relaxed)
    }
}

fn watcher(hint: &Arc<AtomicBool>) -> Option<RecommendedWatcher> {
    let hint = Arc::clone(hint);
    // Writes are found by looking at the file's size: the kernel is not to tell of each.
    let kinds = EventKindMask::CREATE | EventKindMask::REMOVE | EventKindMask::MODIFY_NAME;
    let told = move |_: notify::Result<notify::Event>| hint.store(true, Ordering::Relaxed);
    let made = RecommendedWatcher::new(told, Config::default().with_event_kinds(kinds));
    let tell = |error: &notify::Error| tracing::warn!(%error, "no file events: new files are found by the periodic scan alone");
    made.inspect_err(tell).ok()
}
