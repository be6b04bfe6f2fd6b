//! How long a request that was refused waits before it is sent again.

use std::time::Duration;

use tokio::sync::watch;

/// First pause between tries; it doubles up to [`LONGEST`].
const FIRST: Duration = Duration::from_millis(250);
/// Longest pause between tries: short enough that a server that is back is soon noticed.
const LONGEST: Duration = Duration::from_secs(15);

/// The pauses of one output's requests.
#[derive(Debug, Default)]
pub struct Pauses {
    /// Told whenever a request goes well.
    well: watch::Sender<()>,
}

impl Pauses {
    /// A request went well.
    pub(super) fn went_well(&self) {
        self.well.send_replace(());
    }

    /// Waits after so many refusals in a row, at least one.
    pub(super) async fn wait(&self, refusals: u32) {
        tokio::time::sleep(pause(refusals)).await;
    }

    /// The same for a receiver that is only busy: as soon as it takes another request it may have room for this one,
    /// which then waits no longer than after its first refusal.
    pub(super) async fn wait_for_room(&self, refusals: u32) {
        let mut well = self.well.subscribe();
        let (first, whole) = (pause(1), pause(refusals));
        tokio::time::sleep(first.min(whole)).await;
        tokio::select! {
            () = tokio::time::sleep(whole.saturating_sub(first)) => {}
            // An error would say that this output is gone, which it is not: it waits.
            Ok(()) = well.changed() => {}
        }
    }
}

/// Exponential, with jitter from half of it to all of it, so that shippers that failed together do
/// not come back together.
fn pause(refusals: u32) -> Duration {
    let full = FIRST.saturating_mul(1 << refusals.saturating_sub(1).min(10)).min(LONGEST);
    full.mul_f64(0.5 + fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[test]
    fn pauses_grow_and_stay_bounded() {
        assert!(pause(1) <= FIRST && pause(1) >= FIRST / 2);
        assert!((1..200).all(|refusals| pause(refusals) <= LONGEST));
        assert!(pause(100) >= LONGEST / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn success_of_another_request_ends_the_wait_for_room_alone() {
        let pauses = Pauses::default();
        let took = async |refusals, is_busy| {
            let started = Instant::now();
            let wait =
                async { if is_busy { pauses.wait_for_room(refusals).await } else { pauses.wait(refusals).await } };
            let succeed = async {
                tokio::task::yield_now().await;
                pauses.went_well();
            };
            tokio::join!(wait, succeed);
            started.elapsed()
        };
        assert!(took(100, true).await <= FIRST + Duration::from_millis(2));
        assert!(took(100, true).await >= FIRST / 2, "the first pause is kept");
        assert!(took(100, false).await >= LONGEST / 2);
        let started = Instant::now();
        pauses.wait_for_room(100).await;
        assert!(started.elapsed() >= LONGEST / 2, "what went well before says nothing");
    }
}
