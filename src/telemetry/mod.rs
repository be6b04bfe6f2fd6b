//! Telemetry: accounts, metrics, the status server, and the log of this process.

pub mod accounts;
pub mod http;
pub mod log;
pub mod metrics;
mod throttle;

pub use throttle::Throttle;
