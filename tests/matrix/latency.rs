//! How long a line takes from its writing to the last byte of its request at the server.
//!
//! Nothing is asserted but that every line came: how long it takes depends on who else uses the machine.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flytail::cli::demo::generator::Runtime;
use flytail::record::Timestamp;
use serde_json::Value;

use crate::support::node::Node;
use crate::support::receiver::receive;
use crate::support::shipper::{Shipper, wait_for};

/// Bytes of container logs a second.
const RATE: u64 = 5_000_000;

const DURATION: Duration = Duration::from_secs(20);

/// Lines that are written at once.
const STEP: usize = 100;

/// Nanoseconds that each document took.
type Latencies = Arc<Mutex<Vec<i64>>>;

/// Measures and prints it.
pub(crate) fn run() -> Vec<String> {
    let latencies = Latencies::default();
    let address = listen(&latencies);
    let mut node = Node::new(42, Runtime::Containerd);
    let database = format!("Mem_Buf_Limit 50MB\n  DB {}/state/tail.db", node.directory.path().display());
    let changes = [("Mem_Buf_Limit 50MB", database.as_str()), ("[SERVICE]", "[SERVICE]\n  Flush 1")];
    let mut shipper = Shipper::start(&node.configure_for(&address, "flyte-latency", &changes));
    let bytes = write(&mut node);
    wait_for(&node.truths.len(), || latencies.lock().unwrap().len());
    assert!(shipper.terminate().success(), "{}", shipper.log());
    let mut latencies = std::mem::take(&mut *latencies.lock().unwrap());
    latencies.sort_unstable();
    let at = |share: f64| latencies[(latencies.len() as f64 * share) as usize] as f64 / 1e9;
    let rate = bytes as f64 / 1e6 / DURATION.as_secs_f64();
    println!(
        "{} lines at {rate:.1} MB/s with Flush 1, from written to received: {:.2} s at p50, {:.2} s at p99, {:.2} s at most",
        latencies.len(),
        at(0.5),
        at(0.99),
        at(1.0 - 1e-9),
    );
    Vec::new()
}

/// Writes lines at an even rate. How many bytes.
fn write(node: &mut Node) -> u64 {
    let (started, mut bytes) = (Instant::now(), 0);
    while started.elapsed() < DURATION {
        node.write(STEP);
        bytes = written(node);
        let due = Duration::from_secs_f64(bytes as f64 / RATE as f64);
        std::thread::sleep(due.saturating_sub(started.elapsed()));
    }
    bytes
}

/// Bytes of all logs.
fn written(node: &Node) -> u64 {
    let containers = 0..node.generator.cluster().containers.len();
    let length =
        |container| std::fs::metadata(node.kubelet.directory(container).join("0.log")).map_or(0, |log| log.len());
    containers.map(length).sum()
}

/// A server that takes everything. Host and port.
fn listen(latencies: &Latencies) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let latencies = Arc::clone(latencies);
    receive(listener, move |body| {
        let received = Timestamp::now().0;
        let taken: Vec<_> = body.lines().skip(1).step_by(2).map(|document| age(document, received)).collect();
        latencies.lock().unwrap().extend(taken);
    });
    address
}

/// How old a document is in nanoseconds; a line's own time is when it was written.
fn age(document: &str, received: i64) -> i64 {
    let document: Value = serde_json::from_str(document).unwrap();
    let time: jiff::Timestamp = document["@timestamp"].as_str().unwrap().parse().unwrap();
    received - i64::try_from(time.as_nanosecond()).unwrap()
}
