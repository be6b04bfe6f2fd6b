//! Bounds how often something is logged.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Lets a burst through, then one every ten seconds.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<Window>);

#[derive(Debug, Default)]
struct Window {
    since: Option<Instant>,
    count: u32,
}

const WINDOW: Duration = Duration::from_secs(10);
const BURST: u32 = 5;

impl Throttle {
    /// Whether one more may be logged now.
    pub fn allows(&self) -> bool {
        self.allows_at(Instant::now())
    }

    fn allows_at(&self, now: Instant) -> bool {
        let mut window = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match window.since {
            Some(since) if now.duration_since(since) < WINDOW => window.count += 1,
            // Only the very first window gives the whole burst.
            Some(_) => (window.since, window.count) = (Some(now), BURST),
            None => (window.since, window.count) = (Some(now), 1),
        }
        window.count <= BURST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lets_a_burst_through_and_then_one_a_window() {
        let throttle = Throttle::default();
        let start = Instant::now();
        let first = (0..100).filter(|_| throttle.allows_at(start)).count();
        let second = (0..100).filter(|_| throttle.allows_at(start + WINDOW)).count();
        assert_eq!((first, second), (5, 1));
    }
}
