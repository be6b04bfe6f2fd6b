//! Reloading when the files of the configuration change, as a ConfigMap's do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::telemetry::status::{Outcome, Status};

/// Pause between two looks at the files. A change is taken when two looks find the same: whoever
/// writes a file may not be done with it yet.
const PAUSE: Duration = Duration::from_secs(2);

/// What the files say.
pub(super) struct Watched {
    /// Their fingerprint now.
    look: Box<dyn Fn() -> u64 + Send + Sync>,
    /// That of what was loaded last, whether it was taken or refused.
    tried: AtomicU64,
}

impl Watched {
    pub(super) fn new(look: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        Self { look: Box::new(look), tried: AtomicU64::new(0) }
    }

    /// What has this fingerprint was loaded.
    pub(super) fn was_tried(&self, fingerprint: u64) {
        self.tried.store(fingerprint, Ordering::Relaxed);
    }

    /// Asks for a reload whenever the files changed, while reloading is enabled.
    pub(super) async fn reload_on_change(self: Arc<Self>, status: Arc<Status>) {
        let mut last = self.tried.load(Ordering::Relaxed);
        loop {
            tokio::time::sleep(PAUSE).await;
            if !status.reloads.is_enabled() {
                continue;
            }
            let now = (self.look)();
            let is_new = now != self.tried.load(Ordering::Relaxed);
            if is_new && now == last {
                tracing::info!("the configuration's files have changed");
                if status.reloads.ask().await == Outcome::Busy {
                    // Somebody else asked: that reload may have seen the files before the change.
                    continue;
                }
            }
            last = now;
        }
    }
}
