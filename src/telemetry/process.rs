//! What the process needs of the machine, under the names that Prometheus' client libraries use.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// The unit of times in `/proc/<pid>/stat` (`USER_HZ`): Linux keeps it at this on all of its
/// architectures that are in use (proc_pid_stat(5), time(7)).
const TICKS_PER_SECOND: f64 = 100.0;

/// Reads the metrics when they are asked for. What the system does not tell (no `/proc`) is left out.
#[derive(Debug)]
pub(super) struct ProcessCollector;

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        if let Some(seconds) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(cpu_seconds) {
            let (help, metric) = ("User and system CPU time", ConstCounter::new(seconds));
            let unit = Some(&Unit::Seconds);
            metric.encode(encoder.encode_descriptor("process_cpu", help, unit, metric.metric_type())?)?;
        }
        if let Some(bytes) = fs::read_to_string("/proc/self/status").ok().as_deref().and_then(resident_bytes) {
            let (help, metric) = ("Resident memory", ConstGauge::new(bytes));
            let unit = Some(&Unit::Bytes);
            metric.encode(encoder.encode_descriptor("process_resident_memory", help, unit, metric.metric_type())?)?;
        }
        if let Ok(descriptors) = fs::read_dir("/proc/self/fd") {
            let metric = ConstGauge::new(i64::try_from(descriptors.count()).unwrap_or(i64::MAX));
            let help = "Open file descriptors";
            metric.encode(encoder.encode_descriptor("process_open_fds", help, None, metric.metric_type())?)?;
        }
        Ok(())
    }
}

/// Fields 14 and 15 of `/proc/<pid>/stat`. The name of the program, in parentheses, may have spaces.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(") ")?;
    let mut times = after_name.split(' ').skip(11).map(str::parse::<u32>);
    let (user, system) = (times.next()?.ok()?, times.next()?.ok()?);
    Some((f64::from(user) + f64::from(system)) / TICKS_PER_SECOND)
}

/// `VmRSS` of `/proc/<pid>/status`, which is in KiB.
fn resident_bytes(status: &str) -> Option<i64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<i64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_kernel_writes() {
        let stat = "77 (a ) name) S 1 77 77 0 -1 4194560 5 0 0 0 1250 50 0 0 20 0 9 0 99 1 2\n";
        assert_eq!(cpu_seconds(stat), Some(13.0));
        assert_eq!(cpu_seconds("77 (cut) S 1"), None);
        assert_eq!(resident_bytes("VmSize:\t  900 kB\nVmRSS:\t    12 kB\n"), Some(12_288));
        assert_eq!(resident_bytes("VmSize:\t  900 kB\n"), None);
    }
}
