//! Three nodes, one of which is killed under load.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::arguments::Arguments;
use crate::run::Run;
use crate::support::node::{dated, set_up};
use crate::support::server::{Engine, Server};
use crate::support::shipper::wait_for;

/// Lines that are written at once, and how often.
const STEP: usize = 4_000;
const STEPS: usize = 15;

/// Runs it. The name of what failed.
pub(crate) fn run(arguments: &Arguments) -> Vec<String> {
    let engine = arguments.cluster_engine();
    let started = Instant::now();
    match catch_unwind(AssertUnwindSafe(|| a_node_is_killed(engine))) {
        Ok(()) => {
            println!("{engine}  three nodes, one killed under load: ok after {:.0} s", started.elapsed().as_secs_f32());
            Vec::new()
        }
        Err(_) => vec![format!("{engine}: three nodes, one killed under load")],
    }
}

fn a_node_is_killed(engine: Engine) {
    let mut nodes = Server::start_cluster(engine, 3);
    let client = nodes[0].client();
    client.get("/_cluster/health?wait_for_nodes=3&timeout=60s").ok();
    let index = "flyte-cluster";
    set_up(&nodes[0], index);
    // A part of it on each node, and a copy of each part on a second one: what one acknowledged outlives it.
    let settings = json!({"settings": {"number_of_shards": 3, "number_of_replicas": 1}});
    client.put(&format!("/{}?wait_for_active_shards=all", dated(index)), &settings).ok();
    let hosts: Vec<String> = nodes.iter().map(Server::address).collect();
    let own = format!("Host {}", nodes[0].address().rsplit_once(':').unwrap().0);
    let hosts = format!("Host {}", hosts.join(", "));
    let mut run = Run::start_unprepared(&nodes[0], index, &[(&own, &hosts)]);
    for step in 0..STEPS {
        run.node.write(STEP);
        if step == STEPS / 3 {
            run.wait_for_some(1);
            nodes[2].kill();
        }
        if step == STEPS * 2 / 3 {
            nodes[2].start_again();
            run.node.rotate();
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    run.waits_for_log("a host is left out", 0);
    // A host is only met again where there is something to be sent.
    wait_for(&true, || {
        run.node.write(STEP / 100);
        run.logged("is back") > 0
    });
    run.finish();
}
