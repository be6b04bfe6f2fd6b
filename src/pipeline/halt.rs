//! Halting: what is on the wire is finished, and nothing else is sent any more.

use std::time::Duration;

use tokio::sync::watch;

/// How long a request that is on the wire may go on. What becomes of it then is not known, and it is
/// read and sent again under the same ids.
pub(super) const LONGEST_REQUEST: Duration = Duration::from_secs(5);

/// Whoever sends asks here whether it may go on.
#[derive(Debug, Clone)]
pub struct Halt(watch::Receiver<bool>);

impl Halt {
    /// One that can be asked for by sending `true`.
    pub(super) fn new() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    /// Nothing more may be sent.
    pub(super) fn is_asked_for(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it is asked for: for ever, if nobody can.
    pub(super) async fn asked_for(&self) {
        if self.0.clone().wait_for(|asked| *asked).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
