//! How many requests an output has on the wire: as many as its server keeps up with.
//!
//! Additive increase, multiplicative decrease, as TCP does it. It begins with one request, so that a
//! fleet of shippers that is restarted at once opens no more than that per node; each round without
//! a refusal adds one, up to the output's ceiling; a refusal halves. Whatever the refusal is (too many
//! requests, a timeout, no connection, credentials), more at once would not help.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::telemetry::accounts::Deliveries;

/// The window of one output.
#[derive(Debug)]
pub struct Window {
    ceiling: usize,
    /// Serves in the order of asking: who waits longest has the oldest lines.
    places: Semaphore,
    state: Mutex<State>,
    counters: Arc<Deliveries>,
}

#[derive(Debug)]
struct State {
    limit: usize,
    /// Places that go when they are left, as they were taken when the window was halved.
    surplus: usize,
    /// Requests that went well since the limit changed.
    well: usize,
    /// Counts the halvings.
    halvings: u64,
}

/// A request's place on the wire.
#[derive(Debug)]
pub(super) struct Place<'w> {
    window: &'w Window,
    permit: SemaphorePermit<'w>,
    halvings: u64,
}

impl Window {
    /// A window that may grow to so many requests.
    #[must_use]
    pub fn new(ceiling: usize, counters: Arc<Deliveries>) -> Self {
        let state = State { limit: 1, surplus: 0, well: 0, halvings: 0 };
        counters.allow_requests(state.limit);
        Self { ceiling: ceiling.max(1), places: Semaphore::new(state.limit), state: Mutex::new(state), counters }
    }

    /// The most requests that there may ever be at once.
    pub(super) fn ceiling(&self) -> usize {
        self.ceiling
    }

    /// Waits for a place. Always `Some`: nobody closes the window.
    pub(super) async fn enter(&self) -> Option<Place<'_>> {
        let permit = self.places.acquire().await.ok()?;
        let halvings = self.state.lock().unwrap_or_else(PoisonError::into_inner).halvings;
        Some(Place { window: self, permit, halvings })
    }
}

impl Place<'_> {
    /// Leaves the wire with the server's word: all went well, or something is to be tried again.
    pub(super) fn leave(self, is_well: bool) {
        let Self { window, permit, halvings } = self;
        let mut state = window.state.lock().unwrap_or_else(PoisonError::into_inner);
        if is_well {
            window.grow(&mut state);
        } else if halvings == state.halvings {
            // Those that were on the wire together say the same thing: it counts once.
            window.halve(&mut state);
        }
        if state.surplus > 0 {
            state.surplus -= 1;
            permit.forget();
        }
        window.counters.allow_requests(state.limit);
    }
}

impl Window {
    fn grow(&self, state: &mut State) {
        state.well += 1;
        if state.well < state.limit || state.limit >= self.ceiling {
            return;
        }
        (state.limit, state.well) = (state.limit + 1, 0);
        if state.surplus > 0 {
            state.surplus -= 1;
        } else {
            self.places.add_permits(1);
        }
    }

    fn halve(&self, state: &mut State) {
        let limit = (state.limit / 2).max(1);
        let gone = state.limit - limit;
        state.surplus += gone - self.places.forget_permits(gone);
        (state.limit, state.well) = (limit, 0);
        state.halvings += 1;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    /// Enters as often as it can.
    fn fill(window: &Window) -> Vec<Place<'_>> {
        std::iter::from_fn(|| window.enter().now_or_never().flatten()).collect()
    }

    fn round(window: &Window) -> usize {
        let places = fill(window);
        let count = places.len();
        places.into_iter().for_each(|place| place.leave(true));
        count
    }

    #[test]
    fn a_round_without_a_refusal_adds_one_up_to_the_ceiling() {
        let window = Window::new(4, Arc::default());
        assert_eq!([(); 6].map(|()| round(&window)), [1, 2, 3, 4, 4, 4]);
    }

    #[test]
    fn a_refusal_halves_once_for_all_that_were_on_the_wire() {
        let counters = Arc::new(Deliveries::default());
        let window = Window::new(8, Arc::clone(&counters));
        while round(&window) < 8 {}
        let mut places = fill(&window);
        let last = places.pop().unwrap();
        places.into_iter().for_each(|place| place.leave(false));
        assert_eq!((counters.allowed_requests(), fill(&window).len()), (4, 3), "one of the four is on the wire still");
        last.leave(true);
        assert_eq!([round(&window), round(&window)], [4, 5]);
        for expected in [3, 1, 1] {
            fill(&window).into_iter().for_each(|place| place.leave(false));
            assert_eq!(fill(&window).len(), expected);
        }
    }

    #[test]
    fn a_place_that_is_given_up_is_free_again() {
        let window = Window::new(2, Arc::default());
        drop(fill(&window));
        assert_eq!(fill(&window).len(), 1);
    }
}
