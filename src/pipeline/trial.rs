//! Trying lines: what a configuration makes of them. The way is that of a run, but for its ends: the
//! lines are given, and what would be sent comes back.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, mpsc};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::batch::{self, Sealed};
use super::budget::Budget;
use super::build::{build_filters, build_outputs, output_slots, with_flyte};
use super::emitter::Emitter;
use super::multiline::Joining;
use super::reading::{self, Means};
use super::watchdog::Watchdog;
use super::watches::Watches;
use super::worker::{InputSlot, Scratch, Step, Worker};
use crate::config::{Config, Environment, Instance, Problems};
use crate::filter;
use crate::input::given::Given;
use crate::input::tail;
use crate::output::{Built, Surroundings};
use crate::parser::Parsers;
use crate::record::Now;
use crate::telemetry::accounts::{Accounts, InputAccount, OutputAccount, Snapshot};

/// What an output would be given for one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// The output's instance name.
    pub output: String,
    /// Where it would go: an index, a file.
    pub destination: String,
    /// The item of the request or file, without its line end: of a bulk request the document alone.
    pub item: Vec<u8>,
}

/// Runs lines through a configuration as if the input read them from a file at `path`. What it gives
/// stands in the order of the outputs. `None` if one of the problems is an error. To be called within
/// the async runtime, which outputs are built in.
pub fn try_lines(
    config: &Config,
    environment: &Environment,
    (input, path): (&Instance, &Path),
    lines: Vec<u8>,
    problems: &mut Problems,
) -> Option<Vec<Tried>> {
    let parsers = Parsers::new(&config.parsers, problems);
    let joining = Joining::new(config, &parsers, problems);
    let filters = with_flyte(config, environment);
    let flyte = filters.iter().any(|filter| filter.plugin() == filter::flyte::PLUGIN.name);
    let outputs = build_outputs(config, Surroundings { flyte }, problems);
    let (channels, receivers): (Vec<_>, Vec<_>) = outputs.iter().map(|_| unbounded_channel()).unzip();
    let means = Means { parsers: &parsers, joining: &joining, flyte };
    let reading = Arc::new(reading::of_input(input, config, means, problems));
    let given = Given::new(tail::source_of(&input.options(), path), lines, tail::BLOCK_SIZE.max(reading.longest_line));
    let slot = InputSlot { name: input.name().to_owned(), input: Box::new(given), reading, unsettled: 0 };
    let filters = build_filters(&filters, &parsers, &Watches::default(), problems);
    let budget = Budget::new(usize::MAX);
    let emitter = Emitter::new(0, Arc::clone(&budget), filters, output_slots(config, &outputs, &channels));
    if problems.is_fatal() {
        return None;
    }
    run(worker(slot, emitter, budget, config));
    let all = config.outputs.iter().zip(&outputs).zip(receivers);
    let given = all.filter_map(|((instance, built), receiver)| Some(tried(instance, built.as_ref()?, receiver)));
    Some(given.flatten().collect())
}

/// Reads everything and seals what is open.
fn run(mut worker: Worker) {
    let mut scratch = Scratch::default();
    while worker.draining.is_none() {
        if worker.step(Now::read(), &mut scratch) == Step::Drained {
            return;
        }
    }
}

fn worker(slot: InputSlot, emitter: Emitter, budget: Arc<Budget>, config: &Config) -> Worker {
    let outputs: Vec<_> = config.outputs.iter().map(|output| output.name().to_owned()).collect();
    let snapshot = Snapshot {
        inputs: vec![InputAccount::default()],
        outputs: vec![OutputAccount::default(); outputs.len()],
        ..Snapshot::default()
    };
    Worker {
        number: 0,
        emitter,
        // Nobody tells it anything.
        messages: mpsc::channel().1,
        budget,
        accounts: Arc::new(Accounts::new(vec![slot.name.clone()], outputs, 1)),
        inputs: vec![slot],
        sources: BTreeMap::new(),
        snapshot,
        watchdog: Watchdog::new(config.service.stalled_after),
        draining: None,
        save_at: None,
    }
}

/// The items of all that was sealed for an output.
fn tried(instance: &Instance, built: &Built, mut sealed: UnboundedReceiver<Sealed>) -> Vec<Tried> {
    let mut all = Vec::new();
    while let Ok(Sealed { request, .. }) = sealed.try_recv() {
        let destination = built.sender.destination(request.partition);
        // It was encoded just now.
        let body = batch::decoded(&request).unwrap_or_default();
        for index in 0..request.items.len() {
            let item = batch::item(&request, &body, index).trim_ascii_end();
            // In a bulk request the action stands in a line before the document.
            let actions: [&[u8]; 3] = [b"{\"create\":", b"{\"index\":", b"{\"update\":"];
            let is_bulk = actions.iter().any(|action| item.starts_with(action));
            let document = item.splitn(2, |byte| *byte == b'\n').last().filter(|_| is_bulk).unwrap_or(item);
            let (output, destination) = (instance.name().to_owned(), destination.clone());
            all.push(Tried { output, destination, item: document.to_vec() });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load_text;
    use crate::pipeline::Plugins;

    fn documents(text: &str, path: &str, lines: &str) -> Vec<serde_json::Value> {
        let environment = Environment::from_pairs([("A", "b")]);
        let (config, mut problems) = load_text(Path::new("test.conf"), text, &Plugins::all().registry(), &environment);
        let input = config.inputs[0].clone();
        let lines = lines.as_bytes().to_vec();
        let tried = try_lines(&config, &environment, (&input, Path::new(path)), lines, &mut problems);
        let tried = tried.unwrap_or_else(|| panic!("{problems}"));
        tried.iter().map(|tried| serde_json::from_slice(&tried.item).unwrap()).collect()
    }

    #[tokio::test]
    async fn filters_find_the_members_that_they_find_in_fluent_bit() {
        let directory = tempfile::tempdir().unwrap();
        let parsers = directory.path().join("parsers.conf");
        std::fs::write(&parsers, "[PARSER]\n Name mine\n Format regex\n Regex ^(?<word>\\w+) \\d+$\n").unwrap();
        let text = format!(
            "[SERVICE]\n Parsers_File {}\n[INPUT]\n Name tail\n Path /var/log/containers/*.log\n Tag kube.*\n\
             [FILTER]\n Name kubernetes\n Match kube.*\n Merge_Log On\n\
             [FILTER]\n Name parser\n Match kube.*\n Key_Name log\n Parser mine\n Reserve_Data On\n\
             [OUTPUT]\n Name es\n Match kube.*\n",
            parsers.display()
        );
        let path = format!("/var/log/containers/a-1_b_c-{}.log", "a".repeat(64));
        let documents = documents(&text, &path, "2026-11-22T10:00:00.000000001Z stdout F one 2\n");
        assert_eq!(documents[0]["fields"]["word"], "one", "{documents:#?}");
    }

    #[tokio::test]
    async fn gives_what_would_be_sent() {
        let text = "[INPUT]\n Name tail\n Path /var/log/containers/*.log\n Tag kube.*\n\
                    [FILTER]\n Name kubernetes\n Match kube.*\n Merge_Log On\n\
                    [OUTPUT]\n Name es\n Match kube.*\n Index flyte-logs\n";
        let path = format!("/var/log/containers/flyteadmin-1_flyte_flyteadmin-{}.log", "a".repeat(64));
        let lines = "2026-11-22T10:00:00.000000001Z stderr F Traceback (most recent call last):\n\
                     2026-11-22T10:00:00.000000002Z stderr F   File \"a.py\", line 1, in f\n\
                     2026-11-22T10:00:00.000000003Z stderr F ValueError: 1\n\
                     2026-11-22T10:00:00.000000004Z stdout F without an end";
        let documents = documents(text, &path, lines);
        let messages: Vec<_> = documents.iter().map(|document| document["message"].as_str().unwrap()).collect();
        assert_eq!(messages.len(), 2, "{documents:#?}");
        assert!(messages.contains(&"without an end"));
        assert!(messages.iter().any(|message| message.ends_with("ValueError: 1")));
        assert!(documents.iter().all(|document| document["pod"] == "flyteadmin-1"));
    }

    #[tokio::test]
    async fn joins_lines_as_a_run_does() {
        let text = "[INPUT]\n Name tail\n Path /var/log/*.log\n Tag app\n multiline.parser go\n\
                    [FILTER]\n Name multiline\n Match app\n multiline.parser java\n[OUTPUT]\n Name stdout\n Match *\n";
        let traces = ["java.lang.Error: x\n\tat a.b(C.java:1)", "panic: y\n\ngoroutine 1 [running]:"];
        let documents = documents(text, "/var/log/a.log", &format!("{}\none\n{}\n", traces[0], traces[1]));
        let texts: Vec<_> = documents.iter().map(|document| document["log"].as_str().unwrap()).collect();
        assert_eq!(texts, [traces[0], "one", traces[1]]);
    }

    #[tokio::test]
    async fn a_parser_cuts_the_lines_that_are_joined() {
        let directory = tempfile::tempdir().unwrap();
        let parsers = directory.path().join("parsers.conf");
        let sections = "[PARSER]\n Name thread\n Format regex\n Regex ^(?<thread>\\w+) (?<level>[A-Z]+) (?<text>.*)$\n\
                        [MULTILINE_PARSER]\n Name threads\n Type regex\n Parser thread\n Key_Content text\n Key_Group thread\n \
                        Rule \"start_state\" \"/^\\[/\" \"more\"\n Rule \"more\" \"/^\\s/\" \"more\"\n\
                        [MULTILINE_PARSER]\n Name split\n Type equal\n Parser json\n Key_Content log\n Key_Pattern more\n \
                        Match_String false\n";
        std::fs::write(&parsers, sections).unwrap();
        let text = |name: &str| {
            format!(
                "[SERVICE]\n Parsers_File {}\n[INPUT]\n Name tail\n Path /var/log/*.log\n Tag app\n multiline.parser {name}\n\
                 [OUTPUT]\n Name stdout\n Match *\n",
                parsers.display()
            )
        };
        let lines = "a INFO [1\nb WARN [2\na ERROR  x\nb WARN  y\nnone\n";
        let mut given = documents(&text("threads"), "/var/log/a.log", lines);
        let member = |document: &serde_json::Value, key: &str| document[key].as_str().unwrap_or_default().to_owned();
        given.sort_by_key(|document| member(document, "thread"));
        let shown: Vec<_> = given
            .iter()
            .map(|document| ["thread", "level", "text"].map(|key| member(document, key)).join("|"))
            .collect();
        assert_eq!(shown, ["||none", "a|INFO|[1\n x", "b|WARN|[2\n y"], "{given:?}");
        let lines = "{\"log\":\"one \",\"more\":true,\"n\":1}\n{\"log\":\"line\",\"more\":false,\"n\":2}\n\
                     {\"log\":\"two\",\"more\":false,\"n\":3}\n";
        let given = documents(&text("split"), "/var/log/a.log", lines);
        let shown: Vec<_> = given.iter().map(|document| (member(document, "log"), document["n"].clone())).collect();
        assert_eq!(shown, [("one line".to_owned(), 1.into()), ("two".to_owned(), 3.into())], "{given:?}");
    }
}
