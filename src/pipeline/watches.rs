//! The watches of pods that kubernetes filters ask for: one for all that ask the same.

use std::sync::Arc;

use super::surroundings::beside_checkpoints;
use crate::config::{Config, Environment, Instance};
use crate::filter::kubernetes as filter;
use crate::kubernetes::{Awaited, Connection, Error, Pods, Watch};
use crate::telemetry::watch::WatchAccount;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Watches {
    /// What runs.
    pub(super) all: Vec<Watch>,
    /// How they fare.
    pub(super) accounts: Vec<Arc<WatchAccount>>,
    /// Which logs wait for their pods.
    pub(super) awaited: Vec<Awaited>,
    /// By the instance name of the filter.
    filters: Vec<(String, Arc<Pods>)>,
}

impl Watches {
    /// The watches for these filters.
    pub(super) fn new(config: &Config, filters: &[Instance], environment: &Environment) -> Self {
        let mut watches = Self::default();
        let mut known: Vec<(Connection, Arc<Pods>)> = Vec::new();
        for instance in filters.iter().filter(|instance| instance.plugin() == filter::PLUGIN.name) {
            let Some(connection) = filter::connection(&instance.options(), environment) else { continue };
            let same = known.iter().find(|(other, _)| *other == connection).map(|(_, pods)| Arc::clone(pods));
            let pods = same.unwrap_or_else(|| {
                let pods = watches.begin(config, connection.clone(), instance.name());
                known.push((connection, Arc::clone(&pods)));
                pods
            });
            let grace = filter::grace(&instance.options());
            let namespaces = filter::namespaces(&instance.options());
            let routing = instance.routing().clone();
            watches.awaited.push(Awaited { routing, pods: Arc::clone(&pods), grace, namespaces });
            watches.filters.push((instance.name().to_owned(), pods));
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
