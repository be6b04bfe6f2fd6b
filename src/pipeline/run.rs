//! Running the pipeline: its threads, its deliveries, and its orderly end.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::build::Pipeline;
use super::message::Message;
use crate::telemetry::accounts::Snapshot;

/// How a run ended.
#[derive(Debug)]
pub struct Ending {
    /// The accounts at the end.
    pub snapshot: Snapshot,
    /// A worker ended by a panic: what it held is read again at the next start.
    pub has_failed: bool,
}

/// The longest that anything is waited for: what `Grace -1` means.
const FOREVER: Duration = Duration::from_secs(10 * 365 * 86_400);

impl Pipeline {
    /// Runs until all inputs are exhausted or `stop` is ready; then what was read is delivered,
    /// for at most `grace`. What is not is read again at the next start.
    pub async fn run(self, stop: impl Future<Output = ()>, grace: Duration) -> Ending {
        let mut deliveries = JoinSet::new();
        for (delivery, batches) in self.deliveries {
            deliveries.spawn(delivery.run(batches));
        }
        deliveries.spawn(self.dead_letters.watch());
        let mut workers = JoinSet::new();
        for worker in self.workers {
            let (done, ended) = oneshot::channel();
            let spawned = std::thread::Builder::new().name(format!("worker-{}", worker.number)).spawn(move || {
                worker.run();
                // Nobody waits any more if the process is ending.
                let _ = done.send(());
            });
            workers.spawn(async move { spawned.is_ok() && ended.await.is_ok() });
        }
        let mut has_failed = false;
        tokio::pin!(stop);
        let mut is_stopping = false;
        while !workers.is_empty() {
            tokio::select! {
                () = &mut stop, if !is_stopping => {
                    is_stopping = true;
                    drain(&self.messages, grace);
                }
                Some(ended) = workers.join_next() => {
                    if !matches!(ended, Ok(true)) {
                        has_failed = true;
                        is_stopping = true;
                        drain(&self.messages, grace);
                    }
                }
            }
        }
        // The workers are done with their deliveries, or gave up on them.
        deliveries.shutdown().await;
        Ending { snapshot: self.accounts.total(), has_failed }
    }
}

fn drain(workers: &[std::sync::mpsc::Sender<Message>], grace: Duration) {
    let deadline = Instant::now() + grace.min(FOREVER);
    for worker in workers {
        // One that has ended needs no telling.
        drop(worker.send(Message::Drain(deadline)));
    }
}
