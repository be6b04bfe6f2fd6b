//! Reloads of the configuration under load. Every fifth new one is not valid.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use ureq::Agent;

use crate::keeper::Keeper;
use crate::plan::Plan;
use crate::support::shipper::PATIENCE;

/// What became of the new configurations, as the shipper tells it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Reloads {
    pub(crate) done: u64,
    pub(crate) refused: u64,
}

/// Replaces the configuration as often as the plan says, evenly over its time, and asks for a reload each time.
pub(crate) fn all(plan: &Plan, configuration: &Path, monitoring: u16, keeper: &Keeper) -> Reloads {
    let valid = fs::read_to_string(configuration).expect("the configuration of the run");
    let started = Instant::now();
    let mut asked = Reloads::default();
    for number in 1..=plan.reloads {
        let moment = started + plan.writing / (plan.reloads + 1) * number;
        thread::sleep(moment.saturating_duration_since(Instant::now()));
        let text = if number % 5 == 0 {
            asked.refused += 1;
            format!("{valid}[OUTPUT]\n  Name nonsense\n")
        } else {
            asked.done += 1;
            valid.replace("Flush 1", if number % 2 == 0 { "Flush 0.5" } else { "Flush 2" })
        };
        let temporary = configuration.with_extension("new");
        fs::write(&temporary, text).expect("a new configuration");
        fs::rename(&temporary, configuration).expect("the new configuration in its place");
        let process = keeper.process().expect("the shipper runs").to_string();
        assert!(Command::new("kill").args(["-HUP", &process]).status().is_ok_and(|status| status.success()));
        wait_for(asked, monitoring);
    }
    asked
}

/// Waits until the shipper says that so many were done and refused.
fn wait_for(asked: Reloads, monitoring: u16) {
    let agent: Agent = Agent::config_builder().proxy(None).build().into();
    let deadline = Instant::now() + PATIENCE;
    let mut seen = Reloads::default();
    while Instant::now() < deadline {
        let answer = agent.get(format!("http://127.0.0.1:{monitoring}/metrics")).call();
        let text = answer.and_then(|mut answer| answer.body_mut().read_to_string()).unwrap_or_default();
        let count = |outcome: &str| {
            let start = format!("flytail_hot_reloads_total{{outcome=\"{outcome}\"}} ");
            text.lines().find_map(|line| line.strip_prefix(&start)?.parse().ok()).unwrap_or(0)
        };
        seen = Reloads { done: count("done"), refused: count("refused") };
        if seen == asked {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("asked for {asked:?}, and there were {seen:?}");
}
