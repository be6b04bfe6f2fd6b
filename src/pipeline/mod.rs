//! The pipeline: the one place that knows all stages.
//!
//! [`build()`] makes it from a configuration, [`Pipeline::run`] runs it until it is told to stop or
//! all inputs are exhausted. The way of a block to a body is [`worker`], read from the top.

pub mod batch;
mod body;
pub mod budget;
mod build;
pub mod cutting;
pub mod delivery;
mod emit;
mod emitter;
pub mod grouped;
pub mod gzip;
pub mod halt;
pub mod ledger;
pub mod message;
pub mod multiline;
mod output_slot;
mod pause;
pub mod rate;
pub mod reading;
mod router;
mod run;
pub mod samples;
#[cfg(test)]
mod simulation;
mod source;
mod surroundings;
mod text_parsers;
pub mod trial;
pub mod watchdog;
mod watches;
pub mod window;
pub mod worker;

pub use crate::input::tail::Memory;
pub use build::{Pipeline, Plugins, build, dead_letter_path, with_flyte};
pub use run::{Ending, Stop};
