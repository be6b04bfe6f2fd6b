//! Telemetry: accounts, metrics, the status server, and the log of this process.

pub mod accounts;
pub mod budget;
pub mod dead_letters;
mod dropped;
mod fluent_bit;
pub mod http;
pub mod limited;
pub mod log;
pub mod metrics;
mod process;
pub mod status;
mod throttle;
pub mod watch;

pub use dropped::{DropReason, Dropped};
pub use throttle::Throttle;
