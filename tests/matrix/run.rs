//! One run of the shipper: a node's logs, an index of their own, and the check of what arrived.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use flytail::cli::demo::generator::{Runtime, Truth, sequence_in};

use crate::support::client::Client;
use crate::support::node::{Node, count, dated, dead_letters, set_up, verify};
use crate::support::server::Server;
use crate::support::shipper::{Shipper, wait_for};

/// A node, its shipper, and the index that its lines go to.
pub(crate) struct Run {
    // Before the node, whose directory has its log: it is shown when a test fails.
    pub(crate) shipper: Shipper,
    pub(crate) node: Node,
    pub(crate) index: String,
    client: Client,
    configuration: PathBuf,
}

impl Run {
    /// Prepares the index as a user does, and starts a shipper with the brief's configuration. `changes` are pairs of a
    /// line of it and what stands there instead.
    pub(crate) fn start(server: &Server, index: &str, changes: &[(&str, &str)]) -> Self {
        set_up(server, index);
        Self::start_unprepared(server, index, changes)
    }

    /// The same for an index that is prepared already.
    pub(crate) fn start_unprepared(server: &Server, index: &str, changes: &[(&str, &str)]) -> Self {
        let node = Node::new(42, Runtime::Containerd);
        let database = format!("Mem_Buf_Limit 50MB\n  DB {}/state/tail.db", node.directory.path().display());
        let changes = [&[("Mem_Buf_Limit 50MB", database.as_str())], changes].concat();
        let configuration = node.configure(server, index, &changes);
        let shipper = Shipper::start(&configuration);
        Self { shipper, node, index: index.to_owned(), client: server.client(), configuration }
    }

    /// Forgets all that the shipper knows of its files, while none runs, and starts another one.
    pub(crate) fn start_from_scratch(&mut self) {
        std::fs::remove_dir_all(self.node.directory.path().join("state")).unwrap();
        let before = self.logged("started version=");
        self.shipper = Shipper::start(&self.configuration);
        // One that is told to end before it listens for that ends at once.
        self.waits_for_log("started version=", before);
    }

    /// How many documents are in the index.
    pub(crate) fn arrived(&self) -> u64 {
        count(&self.client, &self.index)
    }

    /// Waits until so many documents are there, or more.
    pub(crate) fn wait_for_some(&mut self, some: u64) {
        wait_for(&true, || {
            self.shipper.assert_running();
            self.arrived() >= some
        });
    }

    /// Waits until the shipper has logged this once more than it had.
    pub(crate) fn waits_for_log(&mut self, words: &str, before: usize) {
        wait_for(&true, || {
            self.shipper.assert_running();
            self.logged(words) > before
        });
    }

    /// How often the shipper has logged this.
    pub(crate) fn logged(&self, words: &str) -> usize {
        self.shipper.log().matches(words).count()
    }

    /// Waits until all lines are there, without a dead letter.
    pub(crate) fn wait_for_all(&mut self) {
        self.wait_for_all_but(0);
    }

    fn wait_for_all_but(&mut self, bad: usize) {
        let all = (self.node.truths.len() - bad) as u64;
        wait_for(&(all, bad), || {
            self.shipper.assert_running();
            (self.arrived(), self.dead_sequences().len())
        });
    }

    fn dead_sequences(&self) -> Vec<u64> {
        let letters = dead_letters(&self.node.directory.path().join("state"));
        let message = |letter: &serde_json::Value| letter["document"]["message"].as_str().and_then(sequence_in);
        letters.iter().map(|letter| message(letter).unwrap_or_else(|| panic!("whose is {letter}?"))).collect()
    }

    /// Waits until all lines are there, ends the shipper, and checks every document.
    pub(crate) fn finish(self) -> HashMap<u64, Truth> {
        self.finish_with(|_| false)
    }

    /// The same, where the lines that `is_bad` names have to be dead letters, and nothing else may be one.
    pub(crate) fn finish_with(mut self, is_bad: impl Fn(&Truth) -> bool) -> HashMap<u64, Truth> {
        let bad: HashSet<u64> =
            self.node.truths.values().filter(|truth| is_bad(truth)).map(|truth| truth.sequence).collect();
        self.wait_for_all_but(bad.len());
        assert!(self.shipper.terminate().success(), "{}", self.shipper.log());
        let mut dead = self.dead_sequences();
        dead.sort_unstable();
        let mut expected: Vec<u64> = bad.iter().copied().collect();
        expected.sort_unstable();
        assert_eq!(dead, expected, "the dead letters are not exactly the bad lines");
        self.node.truths.retain(|sequence, _| !bad.contains(sequence));
        verify(&self.client, &self.index, &self.node.truths);
        self.client.delete(&format!("/{}", dated(&self.index)));
        self.node.truths
    }
}
