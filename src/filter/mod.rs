//! Filters: what changes or drops records between parser and router.
//!
//! A new filter is one file (or folder) here plus one line in [`PLUGINS`].

pub mod flyte;
pub mod kubernetes;

use crate::config::{Options, Plugin, Problems};
use crate::record::{Record, Source, Turn};
use crate::telemetry::accounts::FilterCounter;

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It goes on to the next filter.
    Keep,
    /// It ends here; counted as dropped by this filter.
    Drop,
}

/// One configured filter. Each worker has filters of its own: no locks, no sharing.
pub trait Filter: Send {
    /// Called once per block, before its records: the place to look up and render what all
    /// records of a source share, and to attach metadata to it for the filters behind.
    fn prepare(&mut self, source: &mut Source);

    /// Changes one record. Must not allocate on the common way; what is borrowed comes from the
    /// block, from the turn's arena, or from what `prepare` keeps in the filter.
    fn apply<'t>(&'t self, record: &mut Record<'t>, turn: &Turn<'t>) -> Action;

    /// What it counted since the start, for the metrics.
    fn counters(&self) -> Vec<FilterCounter> {
        Vec::new()
    }
}

/// Builds a filter from its checked options.
pub type Build = fn(&Options<'_>, &mut Problems) -> Option<Box<dyn Filter>>;

/// Every filter that a configuration can name.
pub const PLUGINS: &[(Plugin, Build)] = &[(kubernetes::PLUGIN, kubernetes::build), (flyte::PLUGIN, flyte::build)];
