//! One moment on both clocks.

use std::time::Instant;

use super::Timestamp;

/// One moment: on the clock that never jumps, by which intervals are measured, and on the clock
/// that people and containers read. Logic is handed it and never asks a clock itself.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// For intervals.
    pub instant: Instant,
    /// For dates.
    pub time: Timestamp,
}

impl Now {
    /// Reads both clocks.
    #[must_use]
    pub fn read() -> Self {
        Self { instant: Instant::now(), time: Timestamp::now() }
    }
}
