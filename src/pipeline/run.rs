//! Running the pipeline: its threads, its deliveries, and its orderly end.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::build::Pipeline;
use super::halt::LONGEST_REQUEST;
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

/// How long the other workers may go on delivering when one has failed: the process is to be started
/// again soon.
const FAILED_GRACE: Duration = Duration::from_secs(5);
/// The longest that anything is waited for: what `Grace -1` means.
const FOREVER: Duration = Duration::from_secs(10 * 365 * 86_400);

/// How a pipeline is to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// What was read is delivered, for at most so long.
    Drain(Duration),
    /// What is on the wire is finished, and nothing else is sent: whoever runs next reads the rest
    /// again. Where an input cannot be read again, the same as `Drain`.
    Halt(Duration),
}

impl Pipeline {
    /// Runs until all inputs are exhausted or `stop` is ready. What is not delivered then is read again
    /// at the next start.
    pub async fn run(self, stop: impl Future<Output = Stop>) -> Ending {
        let can_halt = self.workers.iter().flat_map(|worker| &worker.inputs).all(|slot| slot.input.can_read_again());
        let mut deliveries = JoinSet::new();
        for (delivery, batches) in self.deliveries {
            deliveries.spawn(delivery.run(batches));
        }
        let mut watching = JoinSet::new();
        watching.spawn(self.dead_letters.watch());
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
        let (mut is_stopping, mut is_halting) = (false, false);
        while !workers.is_empty() {
            tokio::select! {
                how = &mut stop, if !is_stopping => {
                    is_stopping = true;
                    is_halting = can_halt && matches!(how, Stop::Halt(_));
                    let (Stop::Drain(grace) | Stop::Halt(grace)) = how;
                    drain(&self.messages, if is_halting { FOREVER } else { grace });
                    self.halt.send_replace(is_halting);
                }
                () = finish(&mut deliveries), if is_halting => {
                    is_halting = false;
                    drain(&self.messages, Duration::ZERO);
                }
                Some(ended) = workers.join_next() => {
                    if !matches!(ended, Ok(true)) {
                        has_failed = true;
                        is_stopping = true;
                        drain(&self.messages, FAILED_GRACE);
                    }
                }
            }
        }
        // The workers are done with their deliveries, or gave up on them.
        deliveries.shutdown().await;
        watching.shutdown().await;
        Ending { snapshot: self.accounts.total(), has_failed }
    }
}

/// Waits for what is on the wire, and lets go of what stays there for too long.
async fn finish(deliveries: &mut JoinSet<()>) {
    let all = async { while deliveries.join_next().await.is_some() {} };
    if tokio::time::timeout(LONGEST_REQUEST, all).await.is_err() {
        deliveries.shutdown().await;
    }
}

fn drain(workers: &[std::sync::mpsc::Sender<Message>], grace: Duration) {
    let deadline = Instant::now() + grace.min(FOREVER);
    for worker in workers {
        // One that has ended needs no telling.
        drop(worker.send(Message::Drain(deadline)));
    }
}
