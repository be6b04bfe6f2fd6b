//! Hints from the file system: something was created, moved or removed in a watched directory.
//! They only make the next scan come sooner; the scan is the truth.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use notify::event::ModifyKind;
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// Watches directories.
pub(super) struct Watch {
    watcher: Option<RecommendedWatcher>,
    hint: Arc<AtomicBool>,
    directories: HashSet<PathBuf>,
    /// A directory could not be watched, which was said.
    has_failed: bool,
}

impl Watch {
    /// A watch of nothing yet. Without the kernel's help (no instances left), there are no hints.
    pub(super) fn new() -> Self {
        let hint = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&hint);
        let made = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Writes are found by looking at the file's size: an event for each would cost more.
            let counts = |kind| match kind {
                EventKind::Create(_) | EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)) => true,
                EventKind::Any | EventKind::Access(_) | EventKind::Modify(_) | EventKind::Other => false,
            };
            if event.map_or(true, |event| counts(event.kind)) {
                flag.store(true, Ordering::Relaxed);
            }
        });
        let watcher = made
            .inspect_err(
                |error| tracing::warn!(%error, "no file events: new files are found by the periodic scan alone"),
            )
            .ok();
        Self { watcher, hint, directories: HashSet::new(), has_failed: false }
    }

    /// Watches a directory from now on.
    pub(super) fn add(&mut self, directory: &Path) {
        let Some(watcher) = &mut self.watcher else { return };
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
        if let Some(watcher) = self.watcher.as_mut().filter(|_| self.directories.remove(directory)) {
            // The kernel forgot it together with the directory.
            let _ = watcher.unwatch(directory);
        }
    }

    /// Something happened since the last call.
    pub(super) fn take_hint(&self) -> bool {
        self.hint.swap(false, Ordering::Relaxed)
    }
}
