//! Building the pipeline from a checked configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;

use super::batch::{Limits, Sealed};
use super::budget::Budget;
use super::delivery::Delivery;
use super::emitter::{Emitter, FilterSlot};
use super::halt::Halt;
use super::message::Message;
use super::multiline::{self, Joining};
use super::output_slot::OutputSlot;
use super::pause::Pauses;
use super::reading::{self, Means};
use super::surroundings;
use super::text_parsers;
use super::watchdog::Watchdog;
use super::watches::Watches;
use super::window::Window;
use super::worker::{InputSlot, Worker};
use crate::config::{
    Bound, Class, Config, Environment, Instance, Match, Options, Plugin, Problems, Registry, instance,
};
use crate::filter::{self, Filter};
use crate::input::tail::Memory;
use crate::input::{self, Input};
use crate::kubernetes::Watch;
use crate::output::{self, Built, Surroundings};
use crate::parser::{self, Parsers};
use crate::spool::dead_letters::{DeadLetters, Limits as DeadLetterLimits};
use crate::telemetry::Throttle;
use crate::telemetry::accounts::{Accounts, Snapshot};

/// Bytes of sealed bodies that may be on their way at once.
const BUDGET: usize = 8 * 1024 * 1024;
/// A batch's body before compression, in bytes: what a bulk request should have.
const BATCH_BYTES: usize = 5_000_000;
/// Records of a batch.
const BATCH_ITEMS: usize = 20_000;

/// Every plugin that a configuration can name.
#[derive(Debug)]
pub struct Plugins {
    inputs: Vec<Plugin>,
    filters: Vec<Plugin>,
    outputs: Vec<Plugin>,
}

impl Plugins {
    /// All plugins of this program.
    #[must_use]
    pub fn all() -> Self {
        Self {
            inputs: input::PLUGINS.iter().map(|(plugin, _)| *plugin).collect(),
            filters: filter::PLUGINS.iter().map(|(plugin, _)| *plugin).collect(),
            outputs: output::PLUGINS.iter().map(|(plugin, _)| *plugin).collect(),
        }
    }

    /// As the configuration wants to see them.
    #[must_use]
    pub fn registry(&self) -> Registry<'_> {
        Registry {
            inputs: &self.inputs,
            filters: &self.filters,
            outputs: &self.outputs,
            parser: &parser::PLUGIN,
            multiline_parser: &multiline::PLUGIN,
        }
    }
}

/// A pipeline that is ready to run.
pub struct Pipeline {
    pub(super) workers: Vec<Worker>,
    pub(super) messages: Vec<mpsc::Sender<Message>>,
    pub(super) deliveries: Vec<(Arc<Delivery>, UnboundedReceiver<Sealed>)>,
    pub(super) halt: watch::Sender<bool>,
    pub(super) accounts: Arc<Accounts>,
    pub(super) dead_letters: Arc<DeadLetters>,
    pub(super) watches: Vec<Watch>,
}

impl Pipeline {
    /// Its accounts, for whoever shows them.
    #[must_use]
    pub fn accounts(&self) -> Arc<Accounts> {
        Arc::clone(&self.accounts)
    }

    /// The directory of its dead letters.
    #[must_use]
    pub fn dead_letters(&self) -> &std::path::Path {
        self.dead_letters.directory()
    }
}

/// Builds a pipeline. `None` if one of the problems is an error. `memory` is what the last pipeline of
/// this process leaves to the next.
pub fn build(config: &Config, environment: &Environment, memory: &Memory, problems: &mut Problems) -> Option<Pipeline> {
    let parsers = Parsers::new(&config.parsers, problems);
    let joining = Joining::new(config, &parsers, problems);
    let filters = with_flyte(config, environment);
    let flyte = filters.iter().any(|filter| filter.plugin() == filter::flyte::PLUGIN.name);
    let outputs = build_outputs(config, Surroundings { flyte }, problems);
    let workers = config.service.workers.max(1);
    let names = |instances: &[Instance]| instances.iter().map(|instance| instance.name().to_owned()).collect();
    let watches = Watches::new(config, &filters, environment);
    let mut accounts = Accounts::new(names(&config.inputs), names(&config.outputs), workers);
    accounts.watches.clone_from(&watches.accounts);
    let budget = Budget::new(BUDGET);
    accounts.budget = budget.account();
    let accounts = Arc::new(accounts);
    let limits = DeadLetterLimits::new(config.service.dead_letter_limit);
    let dead_letters = Arc::new(DeadLetters::new(dead_letter_path(config), limits, Arc::clone(&accounts.dead_letters)));
    let (messages, receivers): (Vec<_>, Vec<_>) = (0..workers).map(|_| mpsc::channel()).unzip();
    let (halt, halted) = Halt::new();
    let (channels, deliveries) = build_deliveries(config, &outputs, &messages, &halted, &accounts, &dead_letters);
    let mut built = Vec::new();
    let surroundings = surroundings::of_workers(config, memory, &watches.metadata);
    for (number, (messages, surroundings)) in receivers.into_iter().zip(&surroundings).enumerate() {
        let means = Means { parsers: &parsers, joining: &joining, flyte };
        let inputs = build_inputs(config, means, surroundings, problems);
        let filters = build_filters(&filters, &parsers, &watches, problems);
        let outputs = output_slots(config, &outputs, &channels);
        let emitter = Emitter::new(number, Arc::clone(&budget), filters, outputs);
        let snapshot = Snapshot {
            inputs: vec![Default::default(); config.inputs.len()],
            outputs: vec![Default::default(); config.outputs.len()],
            ..Snapshot::default()
        };
        let (budget, accounts) = (Arc::clone(&budget), Arc::clone(&accounts));
        built.push(Worker {
            number,
            inputs,
            emitter,
            messages,
            budget,
            accounts,
            sources: BTreeMap::new(),
            snapshot,
            watchdog: Watchdog::new(config.service.stalled_after),
            draining: None,
            save_at: None,
        });
        if problems.is_fatal() {
            return None;
        }
    }
    Some(Pipeline { workers: built, messages, deliveries, halt, accounts, dead_letters, watches: watches.all })
}

/// The configured filters, with a Flyte filter for what each kubernetes filter takes, unless it is
/// switched off or stands somewhere itself. It comes last, so that those before it find the members
/// that they find in Fluent Bit; only an output's own filters, which see what goes to it, come later.
#[must_use]
pub fn with_flyte(config: &Config, environment: &Environment) -> Vec<Instance> {
    let flyte = filter::flyte::PLUGIN;
    let is_there = config.filters.iter().any(|filter| filter.plugin() == flyte.name);
    if is_there || !config.service.flyte {
        return config.filters.clone();
    }
    let is_of_output = |filter: &&Instance| matches!(filter.bound(), Some(Bound::Output(_)));
    let (of_outputs, others): (Vec<_>, Vec<_>) = config.filters.iter().partition(is_of_output);
    let mut filters = Vec::new();
    for part in [others, of_outputs] {
        let kubernetes = part.iter().filter(|filter| filter.plugin() == filter::kubernetes::PLUGIN.name);
        let added = kubernetes.map(|filter| {
            let names = filter.options().text("Field_Names").unwrap_or_default().to_owned();
            let names = Some(("Field_Names", names.as_str())).filter(|(_, names)| !names.is_empty());
            let pairs: Vec<_> = names.into_iter().collect();
            instance(Class::Filter, &flyte, &pairs, environment).0.alongside(filter)
        });
        filters.extend(part.iter().copied().cloned().chain(added));
    }
    filters
}

pub(super) fn build_outputs(
    config: &Config,
    surroundings: Surroundings,
    problems: &mut Problems,
) -> Vec<Option<Built>> {
    let build = |instance: &Instance| {
        let (_, build) = output::PLUGINS.iter().find(|(plugin, _)| plugin.name == instance.plugin())?;
        build(&instance.options(), surroundings, problems)
    };
    config.outputs.iter().map(build).collect()
}

pub(super) type Channels = Vec<UnboundedSender<Sealed>>;
type Deliveries = Vec<(Arc<Delivery>, UnboundedReceiver<Sealed>)>;

fn build_deliveries(
    config: &Config,
    outputs: &[Option<Built>],
    workers: &[mpsc::Sender<Message>],
    halt: &Halt,
    accounts: &Accounts,
    dead_letters: &Arc<DeadLetters>,
) -> (Channels, Deliveries) {
    let (mut channels, mut deliveries) = (Vec::new(), Vec::new());
    for (number, (instance, built)) in config.outputs.iter().zip(outputs).enumerate() {
        let (sender, receiver) = unbounded_channel();
        channels.push(sender);
        let Some(built) = built else { continue };
        let counters = accounts.deliveries.get(number).cloned().unwrap_or_default();
        let delivery = Delivery {
            output: number,
            name: instance.name().to_owned(),
            sender: Arc::clone(&built.sender),
            retry_limit: instance.retry_limit(),
            pauses: Pauses::default(),
            start_delay: built.start_jitter.mul_f64(fastrand::f64()),
            window: Window::new(built.concurrency, Arc::clone(&counters)),
            dead_letters: Arc::clone(dead_letters),
            counters,
            workers: workers.to_vec(),
            rejections: Throttle::default(),
            retries: Throttle::default(),
            halt: halt.clone(),
        };
        deliveries.push((Arc::new(delivery), receiver));
    }
    (channels, deliveries)
}

fn build_inputs(
    config: &Config,
    means: Means<'_>,
    surroundings: &input::Surroundings,
    problems: &mut Problems,
) -> Vec<InputSlot> {
    let mut slots = Vec::new();
    for (number, instance) in config.inputs.iter().enumerate() {
        let Some((_, build)) = input::PLUGINS.iter().find(|(plugin, _)| plugin.name == instance.plugin()) else {
            continue;
        };
        let reading = Arc::new(reading::of_input(instance, config, means, problems));
        let input: Option<Box<dyn Input>> = build(number, &instance.options(), surroundings, problems);
        slots.extend(input.map(|input| InputSlot { name: instance.name().to_owned(), input, reading, unsettled: 0 }));
    }
    slots
}

pub(super) fn build_filters(
    filters: &[Instance],
    parsers: &Parsers,
    watches: &Watches,
    problems: &mut Problems,
) -> Vec<FilterSlot> {
    let find = |options: &Options<'_>, key: &str, problems: &mut Problems| {
        text_parsers::named(parsers, options, key, problems)
    };
    let every = || text_parsers::every(parsers);
    let mut slots = Vec::new();
    for instance in filters {
        let Some((_, build)) = filter::PLUGINS.iter().find(|(plugin, _)| plugin.name == instance.plugin()) else {
            continue;
        };
        let surroundings =
            filter::Surroundings { parsers: &find, every_parser: &every, pods: watches.of(instance.name()) };
        let filter: Option<Box<dyn Filter>> = build(&instance.options(), &surroundings, problems);
        let (routing, bound) = (instance.routing().clone(), instance.bound());
        slots.extend(filter.map(|filter| FilterSlot { routing, bound, filter }));
    }
    slots
}

pub(super) fn output_slots(config: &Config, outputs: &[Option<Built>], channels: &Channels) -> Vec<OutputSlot> {
    let limits = Limits { bytes: BATCH_BYTES, items: BATCH_ITEMS, age: config.service.flush };
    let slot = |instance: &Instance, built: &Option<Built>, channel: &UnboundedSender<Sealed>| {
        let built = built.as_ref()?;
        let routing: Match = instance.routing().clone();
        Some(OutputSlot::new(routing, (built.encoder)(), built.encoding, limits, channel.clone()))
    };
    let all = config.outputs.iter().zip(outputs).zip(channels);
    all.filter_map(|((instance, built), channel)| slot(instance, built, channel)).collect()
}

/// The directory of the dead letters of a configuration: where it is said, else beside the
/// checkpoints, else among the temporary files.
#[must_use]
pub fn dead_letter_path(config: &Config) -> PathBuf {
    let beside_checkpoints = || {
        let tail = config.inputs.iter().find(|input| input.plugin() == input::tail::PLUGIN.name)?;
        let database = PathBuf::from(tail.options().text("DB")?);
        Some(database.parent()?.to_owned())
    };
    let parent = || beside_checkpoints().unwrap_or_else(std::env::temp_dir);
    config.service.dead_letter_path.clone().unwrap_or_else(|| parent().join("flytail-dead-letters"))
}
