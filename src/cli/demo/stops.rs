//! Signals that ask for an end, counted.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// How often this process was asked to end: once, in order; twice, at once.
#[derive(Debug, Clone)]
pub(super) struct Stops {
    count: watch::Receiver<u32>,
}

impl Stops {
    /// Takes the signals from now on.
    pub(super) fn listen() -> std::io::Result<Self> {
        let (sender, count) = watch::channel(0);
        // A terminal that is closed hangs up; the temporary directory has to go then, too.
        for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::quit(), SignalKind::hangup()] {
            let (mut signals, sender) = (signal(kind)?, sender.clone());
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    sender.send_modify(|count| *count += 1);
                }
            });
        }
        Ok(Self { count })
    }

    /// Waits until it was asked `times` times in all.
    pub(super) async fn asked(&self, times: u32) {
        let mut count = self.count.clone();
        if count.wait_for(|count| *count >= times).await.is_err() {
            // Nobody can ask any more.
            std::future::pending().await
        }
    }
}
