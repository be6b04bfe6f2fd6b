//! The watches of pods that kubernetes filters ask for: one for all that ask the same.

use std::sync::Arc;

use super::surroundings::beside_checkpoints;
use crate::config::{Bound, Config, Environment, Instance};
use crate::filter::kubernetes as filter;
use crate::kubernetes::{Connection, Error, Metadata, Pods, Watch};
use crate::telemetry::watch::WatchAccount;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Watches {
    /// What runs.
    pub(super) all: Vec<Watch>,
    /// How they fare.
    pub(super) accounts: Vec<Arc<WatchAccount>>,
    /// What the filters know of pods, for the inputs.
    pub(super) metadata: Vec<Metadata>,
    /// By the instance name of the filter.
    filters: Vec<(String, Arc<Pods>)>,
}

impl Watches {
    /// The watches for these filters.
    pub(super) fn new(config: &Config, filters: &[Instance], environment: &Environment) -> Self {
        let mut watches = Self::default();
        let mut known: Vec<(Connection, Arc<Pods>)> = Vec::new();
        for instance in filters.iter().filter(|instance| instance.plugin() == filter::PLUGIN.name) {
            let options = instance.options();
            let watch = filter::connection(&options, environment).map(|connection| {
                let same = known.iter().find(|(other, _)| *other == connection).map(|(_, pods)| Arc::clone(pods));
                same.unwrap_or_else(|| {
                    let pods = watches.begin(config, connection.clone(), instance.name());
                    known.push((connection, Arc::clone(&pods)));
                    pods
                })
            });
            watches.filters.extend(watch.iter().map(|pods| (instance.name().to_owned(), Arc::clone(pods))));
            watches.metadata.push(Metadata {
                routing: instance.routing().clone(),
                bound: instance.bound(),
                watch,
                preload: filter::preload(&options),
                grace: filter::grace(&options),
                namespaces: filter::namespaces(&options),
                excludes: filter::excludes(&options) && !matches!(instance.bound(), Some(Bound::Output(_))),
            });
        }
        watches
    }

    /// What a filter is told of pods.
    pub(super) fn of(&self, filter: &str) -> Option<Arc<Pods>> {
        self.filters.iter().find(|(name, _)| name == filter).map(|(_, pods)| Arc::clone(pods))
    }

    fn begin(&mut self, config: &Config, connection: Connection, name: &str) -> Arc<Pods> {
        let pods = Arc::new(Pods::default());
        let account = Arc::new(WatchAccount::new(name.to_owned(), &Error::KINDS));
        let journal = beside_checkpoints(
            config,
            &match self.all.len() {
                0 => "flytail-pods.jsonl".to_owned(),
                number => format!("flytail-pods-{number}.jsonl"),
            },
        );
        self.all.push(Watch::new(connection, Arc::clone(&pods), Arc::clone(&account), journal));
        self.accounts.push(account);
        pods
    }
}
