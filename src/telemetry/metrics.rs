//! The metrics, in Prometheus' text format.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use super::accounts::{Accounts, Deliveries, FilterCounter, InputAccount, OutputAccount};
use super::budget::BudgetAccount;
use super::dead_letters::DeadLetterAccount;
use super::dropped::DropReason;
use super::limited::Limited;
use super::process::ProcessCollector;
use super::status::Status;
use super::watch::WatchAccount;

/// Content type of [`render`]'s text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics as they are now. Both accounts are exported from one snapshot.
#[must_use]
pub fn render(status: &Status) -> String {
    let mut registry = Registry::default();
    let reloads = [(status.reloads.done(), "done"), (status.reloads.refused(), "refused")];
    let own = registry.sub_registry_with_prefix("flytail");
    own.register_collector(Box::new(AccountsCollector(status.accounts(), reloads)));
    registry.register_collector(Box::new(ProcessCollector));
    let mut out = String::new();
    // Writing into a string cannot fail.
    let _ = text::encode(&mut out, &registry);
    out
}

#[derive(Debug)]
struct AccountsCollector(Arc<Accounts>, [(u64, &'static str); 2]);

type Field<A> = (&'static str, &'static str, Option<Unit>, fn(&A) -> u64);

const INPUT_COUNTERS: [Field<InputAccount>; 11] = [
    ("input_read", "Bytes taken from sources", Some(Unit::Bytes), |a| a.read),
    ("input_finished", "Bytes whose records are all settled", Some(Unit::Bytes), |a| a.finished),
    ("input_lines", "Log lines", None, |a| a.lines),
    ("input_malformed_lines", "Lines in none of the expected formats, shipped as text", None, |a| a.malformed),
    ("input_truncated_lines", "Lines cut at a size limit", None, |a| a.truncated),
    ("input_skipped_lines", "Lines skipped because they are too long", None, |a| a.skipped),
    (
        "input_parser_cut_off",
        "Texts that an input's parser or multi-line rules gave up because the search took too long",
        None,
        |a| a.cut_off,
    ),
    ("input_damaged_files", "Compressed files whose end could not be inflated", None, |a| a.damaged_files),
    (
        "input_truncated_files",
        "Files that were truncated without a copy: what was written to them after the last look is not known",
        None,
        |a| a.truncated_files,
    ),
    ("checkpoints_set_aside", "Databases of checkpoints that could not be used", None, |a| a.checkpoints.set_aside),
    ("input_files_selected_by_path", "Files read though nobody knew whether their pods are selected", None, |a| {
        a.choice.by_path
    }),
];

const INPUT_GAUGES: [Field<InputAccount>; 10] = [
    ("input_held", "Bytes read of which a record is not settled", Some(Unit::Bytes), |a| a.held),
    ("input_behind", "Bytes that are there and were not read yet", Some(Unit::Bytes), |a| a.behind),
    ("input_slowed", "Bytes that wait because their containers log more than they may", Some(Unit::Bytes), |a| {
        a.slowed
    }),
    ("input_sources", "Open sources", None, |a| a.sources),
    ("input_stalled", "1 while there is something to read and nothing goes on", None, |a| {
        u64::from(a.stalled.is_some())
    }),
    ("input_spooled", "Bytes of removed files that the spool keeps until they are delivered", Some(Unit::Bytes), |a| {
        a.spooled
    }),
    ("checkpoints_unsaved", "Checkpoints that could not be written yet", None, |a| a.checkpoints.unsaved),
    ("input_unselected_files", "Files that are not read because their pods are not selected", None, |a| {
        a.choice.unselected
    }),
    ("input_excluded_files", "Files that are not read because their pods exclude them", None, |a| a.choice.excluded),
    ("input_undecided_files", "Files that wait until it is known whether their pods are selected", None, |a| {
        a.choice.undecided
    }),
];

const OUTPUT_COUNTERS: [Field<OutputAccount>; 3] = [
    ("output_routed_records", "Records given to the output", None, |a| a.routed),
    ("output_acked_records", "Records delivered", None, |a| a.acked),
    ("output_dead_lettered_records", "Records refused for good", None, |a| a.dead_lettered),
];

const OUTPUT_GAUGES: [Field<OutputAccount>; 1] =
    [("output_in_flight_records", "Records in open and sealed batches", None, |a| a.in_flight)];

const ALLOWED_REQUESTS: Field<Arc<Deliveries>> = (
    "output_allowed_requests",
    "Requests that may be on the wire at once: fewer when the server refuses some, up to Workers again when it does not",
    None,
    |counters| counters.allowed_requests(),
);

const WATCH_COUNTERS: [Field<Arc<WatchAccount>>; 2] = [
    ("kubernetes_lists", "Lists of all pods: one, and one more whenever the server forgot where we were", None, |a| {
        a.lists()
    }),
    ("kubernetes_watches", "Watches of pods that were begun or went on", None, |a| a.watches()),
];

const WATCH_GAUGES: [Field<Arc<WatchAccount>>; 3] = [
    ("kubernetes_connected", "1 while pods are watched", None, |a| u64::from(a.is_connected())),
    ("kubernetes_state", "How long pods have been watched, or not been", Some(Unit::Seconds), |a| a.lasts().as_secs()),
    ("kubernetes_pods", "Pods that are known, those included that are gone and still needed", None, |a| a.pods()),
];

/// What senders count.
const DELIVERY_COUNTERS: [Field<Arc<Deliveries>>; 2] = [
    ("output_retries", "Requests that had to be tried again", None, |counters| counters.retries()),
    (
        "output_shortened_records",
        "Records whose longest member was cut, as the receiver takes none of their size",
        None,
        |counters| counters.shortened_records(),
    ),
];

impl Collector for AccountsCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let total = self.0.total();
        let inputs = || self.0.inputs.iter().zip(&total.inputs);
        let outputs = || self.0.outputs.iter().zip(&total.outputs);
        for field in INPUT_COUNTERS {
            family(&mut encoder, field, inputs(), ConstCounter::new)?;
        }
        for field in INPUT_GAUGES {
            family(&mut encoder, field, inputs(), gauge)?;
        }
        lost(&mut encoder, inputs())?;
        for field in OUTPUT_COUNTERS {
            family(&mut encoder, field, outputs(), ConstCounter::new)?;
        }
        for field in OUTPUT_GAUGES {
            family(&mut encoder, field, outputs(), gauge)?;
        }
        dropped(&mut encoder, outputs())?;
        limited(&mut encoder, &total.limited)?;
        reloads(&mut encoder, self.1)?;
        dead_letters(&mut encoder, &self.0.dead_letters)?;
        budget(&mut encoder, &self.0.budget)?;
        watches(&mut encoder, &self.0.watches)?;
        let deliveries = || self.0.outputs.iter().zip(&self.0.deliveries);
        for field in DELIVERY_COUNTERS {
            family(&mut encoder, field, deliveries(), ConstCounter::new)?;
        }
        family(&mut encoder, ALLOWED_REQUESTS, deliveries(), gauge)?;
        let dropped =
            FilterCounter { name: "filtered_records", help: "Records dropped by filters", value: total.filtered };
        for counter in total.filters.iter().chain([&dropped]) {
            let metric = ConstCounter::new(counter.value);
            metric.encode(encoder.encode_descriptor(counter.name, counter.help, None, metric.metric_type())?)?;
        }
        Ok(())
    }
}

/// Every reason is there from the start: a series that begins at its first event hides that event
/// from `rate()`.
fn dropped<'a>(
    encoder: &mut DescriptorEncoder<'_>,
    accounts: impl Iterator<Item = (&'a String, &'a OutputAccount)>,
) -> Result<(), fmt::Error> {
    let kind = ConstCounter::new(0_u64).metric_type();
    let help = "Records given up, by reason";
    let mut descriptor = encoder.encode_descriptor("output_dropped_records", help, None, kind)?;
    for (instance, account) in accounts {
        for reason in DropReason::ALL {
            let labels = [("name", instance.as_str()), ("reason", reason.name())];
            ConstCounter::new(account.dropped.of(reason)).encode(descriptor.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

/// Every reason is there from the start, as those of [`dropped`] are.
fn lost<'a>(
    encoder: &mut DescriptorEncoder<'_>,
    accounts: impl Iterator<Item = (&'a String, &'a InputAccount)>,
) -> Result<(), fmt::Error> {
    let kind = ConstCounter::new(0_u64).metric_type();
    let help = "Bytes that were destroyed before they could be read";
    let mut descriptor = encoder.encode_descriptor("input_lost", help, Some(&Unit::Bytes), kind)?;
    for (instance, account) in accounts {
        let lost = account.lost;
        let reasons = [
            ("removed", lost.removed),
            ("spool_bytes", lost.spool_bytes),
            ("spool_age", lost.spool_age),
            ("damaged", lost.damaged),
            ("spool_share", lost.spool_share),
            ("open_files", lost.open_files),
        ];
        for (reason, bytes) in reasons {
            let labels = [("name", instance.as_str()), ("reason", reason)];
            ConstCounter::new(bytes).encode(descriptor.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

/// Containers that logged more than they may.
fn limited(encoder: &mut DescriptorEncoder<'_>, limited: &Limited) -> Result<(), fmt::Error> {
    let kind = ConstCounter::new(0_u64).metric_type();
    let help = "Records that were left out because their containers logged more than they may";
    let mut descriptor = encoder.encode_descriptor("rate_limited_records", help, None, kind)?;
    for (container, counts) in limited.iter() {
        for (policy, records) in [("drop", counts.dropped), ("sample", counts.sampled)] {
            let labels = [("container", container), ("policy", policy)];
            ConstCounter::new(records).encode(descriptor.encode_family(&labels)?)?;
        }
    }
    let help = "How often a container's log had to wait because it logged more than it may";
    let mut descriptor = encoder.encode_descriptor("rate_limited_waits", help, None, kind)?;
    for (container, counts) in limited.iter() {
        ConstCounter::new(counts.waits).encode(descriptor.encode_family(&[("container", container)])?)?;
    }
    let help = "Bytes of a container's log that were given up because it had more than its share of the spool";
    let mut descriptor = encoder.encode_descriptor("rate_limited_given_up", help, Some(&Unit::Bytes), kind)?;
    for (container, counts) in limited.iter() {
        ConstCounter::new(counts.given_up).encode(descriptor.encode_family(&[("container", container)])?)?;
    }
    Ok(())
}

fn reloads(encoder: &mut DescriptorEncoder<'_>, counts: [(u64, &'static str); 2]) -> Result<(), fmt::Error> {
    let kind = ConstCounter::new(0_u64).metric_type();
    let help = "New configurations that were taken, and that were not valid";
    let mut descriptor = encoder.encode_descriptor("hot_reloads", help, None, kind)?;
    for (count, outcome) in counts {
        ConstCounter::new(count).encode(descriptor.encode_family(&[("outcome", outcome)])?)?;
    }
    Ok(())
}

fn dead_letters(encoder: &mut DescriptorEncoder<'_>, account: &DeadLetterAccount) -> Result<(), fmt::Error> {
    let gauges = [
        ("dead_letters_kept_records", "Dead letters on the disk", None, account.records()),
        ("dead_letters_kept", "Bytes of the dead letters on the disk", Some(Unit::Bytes), account.bytes()),
        (
            "dead_letters_unwritable",
            "1 while dead letters cannot be written to the disk",
            None,
            u64::from(account.error().is_some()),
        ),
    ];
    for (name, help, unit, value) in gauges {
        let metric = gauge(value);
        metric.encode(encoder.encode_descriptor(name, help, unit.as_ref(), metric.metric_type())?)?;
    }
    let evicted = ConstCounter::new(account.evicted_records());
    let help = "Dead letters that went because of Dead_Letter_Limit";
    evicted.encode(encoder.encode_descriptor("dead_letters_evicted", help, None, evicted.metric_type())?)
}

fn budget(encoder: &mut DescriptorEncoder<'_>, account: &BudgetAccount) -> Result<(), fmt::Error> {
    let gauges = [
        (
            "budget_used",
            "Bytes of the byte budget that are in use: sealed batches and what else is on its way",
            account.used(),
        ),
        ("budget_limit", "Bytes of the byte budget: from there on reading waits", account.limit()),
    ];
    for (name, help, value) in gauges {
        let metric = gauge(u64::try_from(value).unwrap_or(u64::MAX));
        metric.encode(encoder.encode_descriptor(name, help, Some(&Unit::Bytes), metric.metric_type())?)?;
    }
    Ok(())
}

/// How the watches of pods fare.
fn watches(encoder: &mut DescriptorEncoder<'_>, watches: &[Arc<WatchAccount>]) -> Result<(), fmt::Error> {
    let named = || watches.iter().map(|watch| (&watch.name, watch));
    for field in WATCH_COUNTERS {
        family(encoder, field, named(), ConstCounter::new)?;
    }
    for field in WATCH_GAUGES {
        family(encoder, field, named(), gauge)?;
    }
    let help = "What went wrong between us and the API server, by kind";
    let kind = ConstCounter::new(0_u64).metric_type();
    let mut descriptor = encoder.encode_descriptor("kubernetes_errors", help, None, kind)?;
    for (name, watch) in named() {
        for (kind, count) in watch.errors() {
            ConstCounter::new(count).encode(descriptor.encode_family(&[("name", name.as_str()), ("kind", kind)])?)?;
        }
    }
    Ok(())
}

fn gauge(value: u64) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX))
}

fn family<'a, A: 'a, M: EncodeMetric>(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help, unit, value): Field<A>,
    accounts: impl Iterator<Item = (&'a String, &'a A)>,
    metric: impl Fn(u64) -> M,
) -> Result<(), fmt::Error> {
    let kind = metric(0).metric_type();
    let mut descriptor = encoder.encode_descriptor(name, help, unit.as_ref(), kind)?;
    for (instance, account) in accounts {
        let labels = [("name", instance.as_str())];
        metric(value(account)).encode(descriptor.encode_family(&labels)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::accounts::Snapshot;
    use super::super::dropped::Dropped;
    use super::super::status::Reloads;
    use super::*;

    #[test]
    fn exports_each_account_with_its_name() {
        let mut accounts = Accounts::new(vec!["tail.0".into()], vec!["e\"s".into()], 1);
        accounts.budget = Arc::new(BudgetAccount::new(99));
        accounts.budget.take(7);
        let accounts = Arc::new(accounts);
        let missing = FilterCounter { name: "metadata_missing", help: "Records without", value: 3 };
        let mut snapshot = Snapshot {
            inputs: vec![InputAccount::default()],
            outputs: vec![OutputAccount::default()],
            filtered: 2,
            filters: vec![missing],
            ..Snapshot::default()
        };
        (snapshot.inputs[0].read, snapshot.inputs[0].finished, snapshot.inputs[0].held) = (10, 7, 3);
        snapshot.inputs[0].checkpoints.set_aside = 1;
        snapshot.inputs[0].lost.spool_age = 9;
        snapshot.inputs[0].stalled = Some("away".to_owned());
        (snapshot.outputs[0].routed, snapshot.outputs[0].in_flight) = (4, 4);
        snapshot.outputs[0].dropped = Dropped::new(DropReason::DeadLettersUnwritable, 5);
        accounts.dead_letters.keeps(6, 700);
        accounts.deliveries[0].allow_requests(2);
        accounts.dead_letters.evicted(8);
        accounts.dead_letters.failed("full".to_owned());
        accounts.publish(0, &snapshot);
        let text = render(&Status::new(accounts, Reloads::new().0));
        for line in [
            "flytail_input_read_bytes_total{name=\"tail.0\"} 10",
            "flytail_input_held_bytes{name=\"tail.0\"} 3",
            "flytail_checkpoints_set_aside_total{name=\"tail.0\"} 1",
            "flytail_output_routed_records_total{name=\"e\\\"s\"} 4",
            "flytail_output_in_flight_records{name=\"e\\\"s\"} 4",
            "flytail_input_stalled{name=\"tail.0\"} 1",
            "flytail_input_lost_bytes_total{name=\"tail.0\",reason=\"removed\"} 0",
            "flytail_input_lost_bytes_total{name=\"tail.0\",reason=\"spool_age\"} 9",
            "flytail_output_dropped_records_total{name=\"e\\\"s\",reason=\"retry_limit\"} 0",
            "flytail_output_allowed_requests{name=\"e\\\"s\"} 2",
            "flytail_output_dropped_records_total{name=\"e\\\"s\",reason=\"dead_letters_unwritable\"} 5",
            "flytail_dead_letters_kept_records 6",
            "flytail_dead_letters_kept_bytes 700",
            "flytail_dead_letters_unwritable 1",
            "flytail_dead_letters_evicted_total 8",
            "flytail_filtered_records_total 2",
            "flytail_hot_reloads_total{outcome=\"refused\"} 0",
            "flytail_metadata_missing_total 3",
            "flytail_budget_used_bytes 7",
            "flytail_budget_limit_bytes 99",
            "# TYPE process_cpu_seconds counter",
            "# TYPE process_resident_memory_bytes gauge",
            "# EOF",
        ] {
            assert!(text.lines().any(|found| found == line), "no {line} in\n{text}");
        }
    }
}
