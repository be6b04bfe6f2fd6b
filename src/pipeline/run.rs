//! Running the pipeline: its threads, its deliveries, and its orderly end.

use std::any::Any;
use std::future::Future;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::build::Pipeline;
use super::halt::LONGEST_REQUEST;
use super::message::Message;
use super::worker::Worker;
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
        let can_read_again =
            self.workers.iter().flat_map(|worker| &worker.inputs).all(|slot| slot.input.can_read_again());
        let mut deliveries = JoinSet::new();
        for (delivery, batches) in self.deliveries {
            deliveries.spawn(delivery.run(batches, can_read_again));
        }
        let mut watching = JoinSet::new();
        watching.spawn(self.dead_letters.watch());
        for mut watch in self.watches {
            // Before any log is read: what an earlier process knew must be there by then.
            watch.restore();
            watching.spawn(watch.run());
        }
        let mut workers = JoinSet::new();
        for worker in self.workers {
            workers.spawn(start(worker));
        }
        let mut has_failed = false;
        tokio::pin!(stop);
        let (mut is_stopping, mut is_halting) = (false, false);
        while !workers.is_empty() {
            tokio::select! {
                how = &mut stop, if !is_stopping => {
                    is_stopping = true;
                    is_halting = can_read_again && matches!(how, Stop::Halt(_));
                    let (Stop::Drain(grace) | Stop::Halt(grace)) = how;
                    drain(&self.messages, if is_halting { FOREVER } else { grace });
                    self.halt.send_replace(is_halting);
                }
                () = finish(&mut deliveries), if is_halting => {
                    is_halting = false;
                    drain(&self.messages, Duration::ZERO);
                }
                Some(ended) = workers.join_next() => {
                    if let Err(reason) = ended.unwrap_or_else(|error| Err(error.to_string())) {
                        tracing::error!(%reason, "a worker failed: the process ends, what it held is read again at the next start");
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

/// Runs a worker in a thread of its own, and tells how that ended.
fn start(worker: Worker) -> impl Future<Output = Result<(), String>> {
    let (done, ended) = oneshot::channel();
    let spawned = std::thread::Builder::new().name(format!("worker-{}", worker.number)).spawn(move || {
        worker.run();
        // Nobody waits any more if the process is ending.
        let _ = done.send(());
    });
    async move {
        let thread = spawned.map_err(|error| error.to_string())?;
        match ended.await {
            Ok(()) => Ok(()),
            Err(_) => thread.join().map_err(|payload| said(payload.as_ref())),
        }
    }
}

/// What a panic said.
fn said(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without words").to_owned()
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::{Environment, load_text};
    use crate::input::{Block, Event, Input, State};
    use crate::pipeline::{Memory, Plugins, build};
    use crate::record::{Checkpoint, Now};
    use crate::telemetry::accounts::InputAccount;

    /// An input with a bug.
    struct Faulty;

    impl Input for Faulty {
        fn discover(&mut self, _: Now, _: &mut Vec<Event>) {
            panic!("a bug");
        }
        fn protect(&mut self, _: Now) {}
        fn next_block<'b>(&mut self, _: &'b mut Vec<u8>, _: Now) -> Option<Block<'b>> {
            None
        }
        fn consumed(&mut self, _: u64, _: usize) {}
        fn committed(&mut self, _: u64, _: Checkpoint) {}
        fn save(&mut self) {}
        fn is_caught_up(&mut self, _: u64) -> bool {
            true
        }
        fn account(&self, _: Now, _: &mut InputAccount) {}
        fn state(&self) -> State {
            State::Open
        }
    }

    #[tokio::test]
    async fn a_panic_of_a_worker_ends_the_run_as_failed_and_the_other_workers_deliver() {
        let text =
            "[SERVICE]\n Flush 0.1\n Workers 2\n[INPUT]\n Name dummy\n Samples 1\n[OUTPUT]\n Name null\n Match *\n";
        let environment = Environment::from_pairs([("A", "b")]);
        let (config, mut problems) = load_text(Path::new("test.conf"), text, &Plugins::all().registry(), &environment);
        let mut pipeline = build(&config, &environment, &Memory::default(), &mut problems).unwrap();
        pipeline.workers[1].inputs[0].input = Box::new(Faulty);
        let ending = pipeline.run(std::future::pending()).await;
        assert!(ending.has_failed);
        let account = &ending.snapshot.outputs[0];
        assert_eq!((account.routed, account.acked), (1, 1), "{account:?}");
    }
}
