//! Limits on what one container logs, so that it cannot fill the server, or the way there, alone.
//!
//! `drop` and `sample` go by the times of the lines themselves: what waited while we were away is no
//! more than what was written then. `slow` goes by the clock: the file's turn is skipped, and it is read
//! later.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::config::{self, Options, Problems};
use crate::record::{PodMetadata, Source, Timestamp};
use crate::telemetry::Throttle;
use crate::telemetry::limited::LimitedCounts;

/// What is done with what exceeds a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// It is not sent.
    Drop,
    /// One record of several is sent, and each that states an error.
    Sample,
    /// It is read later.
    Slow,
}

/// Limits of each container; 0 for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Lines a second.
    pub lines: u64,
    /// Bytes a second.
    pub bytes: u64,
    /// What is done with the rest.
    pub policy: Policy,
}

/// The limits of an input's containers, as its options say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateSettings {
    /// Of those whose pods say nothing.
    pub limits: Limits,
    /// One record of so many is sent with [`Policy::Sample`], at least 1.
    pub one_of: u64,
    /// Pods may set their own limits.
    pub annotations: bool,
}

impl RateSettings {
    /// As the options of a tail say.
    #[must_use]
    pub fn new(options: &Options<'_>, problems: &mut Problems) -> Self {
        let limits = Limits {
            lines: number(options, "Rate_Limit_Lines", 0, problems),
            bytes: options.size("Rate_Limit_Bytes").unwrap_or(0),
            policy: options.text("Rate_Limit_Policy").and_then(Policy::named).unwrap_or(Policy::Slow),
        };
        let one_of = number(options, "Rate_Limit_Sample", 1, problems).max(1);
        Self { limits, one_of, annotations: options.boolean("Rate_Limit_Annotations") }
    }
}

/// A number that is not below `least`.
fn number(options: &Options<'_>, key: &str, least: u64, problems: &mut Problems) -> u64 {
    let Some(written) = options.integer(key) else { return 0 };
    u64::try_from(written).ok().filter(|number| *number >= least).unwrap_or_else(|| {
        let problem = options.problem(key, format!("{key} `{written}` is out of range: it is {least} or more"));
        let hint = if least == 0 { "0 stands for no limit" } else { "1 sends every record" };
        problems.push(problem.with_hint(hint));
        0
    })
}

impl Policy {
    fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "drop" => Some(Self::Drop),
            "sample" => Some(Self::Sample),
            "slow" => Some(Self::Slow),
            _ => None,
        }
    }
}

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It goes on.
    Pass,
    /// It goes on only if it states an error.
    Errors,
    /// It does not go on.
    Drop,
}

/// How much of its limits a container has used.
#[derive(Debug)]
pub struct Rate {
    settings: RateSettings,
    limits: Limits,
    /// The pod as it was when its annotations were heard.
    pod: Option<Arc<PodMetadata>>,
    lines: Bucket,
    bytes: Bucket,
    /// When the buckets were filled last: of lines, in their own time, and by the clock.
    filled: Option<Timestamp>,
    filled_at: Option<Instant>,
    /// Records beyond the limits, to know which of them is sent.
    surplus: u64,
    counts: LimitedCounts,
    throttle: Throttle,
}

impl Rate {
    /// Nothing is used yet.
    #[must_use]
    pub fn new(settings: RateSettings) -> Self {
        Self {
            settings,
            limits: settings.limits,
            pod: None,
            lines: Bucket::full(settings.limits.lines),
            bytes: Bucket::full(settings.limits.bytes),
            filled: None,
            filled_at: None,
            surplus: 0,
            counts: LimitedCounts::default(),
            throttle: Throttle::default(),
        }
    }

    /// Hears what the source's pod wishes, if that is new.
    pub fn hear(&mut self, source: &Source) {
        let is_same = match (&self.pod, &source.pod) {
            (Some(known), Some(pod)) => Arc::ptr_eq(known, pod),
            (None, None) => true,
            _ => false,
        };
        if is_same || !self.settings.annotations {
            return;
        }
        self.pod.clone_from(&source.pod);
        let limits = self.pod.as_deref().map_or(self.settings.limits, |pod| self.wished(pod));
        if limits != self.limits {
            self.limits = limits;
            (self.lines, self.bytes) = (Bucket::full(limits.lines), Bucket::full(limits.bytes));
        }
    }

    fn wished(&self, pod: &PodMetadata) -> Limits {
        const PREFIX: &str = "flytail.io/rate-limit-";
        let mut limits = self.settings.limits;
        for (key, value) in &pod.annotations {
            let is_read = match key.strip_prefix(PREFIX) {
                Some("lines") => value.trim().parse().map(|lines| limits.lines = lines).is_ok(),
                Some("bytes") => config::size(value.trim()).map(|bytes| limits.bytes = bytes).is_some(),
                Some("policy") => Policy::named(value.trim()).map(|policy| limits.policy = policy).is_some(),
                _ => true,
            };
            if !is_read && self.throttle.allows() {
                let (namespace, name) = (&pod.namespace, &pod.name);
                tracing::warn!(namespace, pod = name, key, value, "the annotation is not understood: it has no effect");
            }
        }
        limits
    }

    /// What becomes of a record of so many bytes, whose line has this time.
    pub fn admit(&mut self, time: Timestamp, bytes: usize) -> Admission {
        let policy = self.limits.policy;
        if policy == Policy::Slow || (self.limits.lines, self.limits.bytes) == (0, 0) {
            return Admission::Pass;
        }
        let nanoseconds = self.filled.map_or(0, |filled| time.0.saturating_sub(filled.0));
        if nanoseconds > 0 {
            self.fill(nanoseconds as f64 / 1e9);
        }
        // Lines of two streams are a little out of order; a clock that was set back is another matter.
        if !(-OUT_OF_ORDER..=0).contains(&nanoseconds) || self.filled.is_none() {
            self.filled = Some(time);
        }
        if self.lines.has_some() && self.bytes.has_some() {
            self.lines.take(1.0);
            self.bytes.take(bytes as f64);
            return Admission::Pass;
        }
        self.surplus += 1;
        match policy {
            Policy::Sample if self.surplus % self.settings.one_of == 1 % self.settings.one_of => Admission::Pass,
            Policy::Sample => Admission::Errors,
            Policy::Drop | Policy::Slow => Admission::Drop,
        }
    }

    /// A record was left out.
    pub fn left_out(&mut self) {
        match self.limits.policy {
            Policy::Sample => self.counts.sampled += 1,
            Policy::Drop | Policy::Slow => self.counts.dropped += 1,
        }
    }

    /// So much was read of the container's log. Until when it is not read any more.
    pub fn read(&mut self, lines: u64, bytes: u64, now: Instant) -> Option<Instant> {
        if self.limits.policy != Policy::Slow || (self.limits.lines, self.limits.bytes) == (0, 0) {
            return None;
        }
        if let Some(filled) = self.filled_at.replace(now) {
            self.fill(now.duration_since(filled).as_secs_f64());
        }
        self.lines.take(lines as f64);
        self.bytes.take(bytes as f64);
        let wait = self.lines.debt().max(self.bytes.debt());
        if wait <= 0.0 {
            return None;
        }
        self.counts.waits += 1;
        Some(now + Duration::try_from_secs_f64(wait).unwrap_or(Duration::MAX).min(LONGEST_WAIT))
    }

    /// What was counted since the last call.
    pub fn take_counts(&mut self) -> LimitedCounts {
        std::mem::take(&mut self.counts)
    }

    fn fill(&mut self, seconds: f64) {
        self.lines.fill(seconds);
        self.bytes.fill(seconds);
    }
}

/// Lines whose times go back by more than so many nanoseconds are of a clock that was set back.
const OUT_OF_ORDER: i64 = 2_000_000_000;
/// The longest time for which a file is not read at once: limits may change meanwhile.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// A token bucket that holds what may come in a second. Taking may leave a debt.
#[derive(Debug)]
struct Bucket {
    /// Per second; 0 for no limit.
    limit: f64,
    tokens: f64,
}

impl Bucket {
    fn full(limit: u64) -> Self {
        Self { limit: limit as f64, tokens: limit as f64 }
    }

    fn fill(&mut self, seconds: f64) {
        self.tokens = self.limit.min(self.tokens + seconds * self.limit);
    }

    fn has_some(&self) -> bool {
        self.limit == 0.0 || self.tokens >= 1.0
    }

    fn take(&mut self, tokens: f64) {
        self.tokens -= tokens;
    }

    /// Seconds until it has something again.
    fn debt(&self) -> f64 {
        if self.limit == 0.0 { 0.0 } else { -self.tokens / self.limit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(lines: u64, bytes: u64, policy: Policy) -> Rate {
        Rate::new(RateSettings { limits: Limits { lines, bytes, policy }, one_of: 3, annotations: true })
    }

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp(milliseconds * 1_000_000)
    }

    #[test]
    fn what_exceeds_the_limit_in_its_own_time_is_dropped() {
        let mut rate = rate(2, 0, Policy::Drop);
        let admitted: Vec<_> = [0, 0, 0, 100, 600, 700, 100, 9000, 9000, 9000]
            .map(|time| rate.admit(at(time), 10) == Admission::Pass)
            .into();
        assert_eq!(admitted, [true, true, false, false, true, false, false, true, true, false]);
        let mut unlimited = self::rate(0, 0, Policy::Drop);
        assert!((0..1000).all(|_| unlimited.admit(at(0), 1000) == Admission::Pass));
    }

    #[test]
    fn a_clock_that_is_set_back_costs_no_lines() {
        let mut rate = rate(1, 0, Policy::Drop);
        let admitted: Vec<_> = [3_600_000, 0, 1000, 2000].map(|time| rate.admit(at(time), 1) == Admission::Pass).into();
        assert_eq!(admitted, [true, false, true, true]);
    }

    #[test]
    fn bytes_are_limited_too_and_a_long_line_is_paid_back() {
        let mut rate = rate(0, 100, Policy::Drop);
        let admitted: Vec<_> = [0, 0, 1000, 1900, 2100].map(|time| rate.admit(at(time), 250) == Admission::Pass).into();
        assert_eq!(admitted, [true, false, false, true, false]);
    }

    #[test]
    fn of_the_surplus_one_of_several_is_kept() {
        let mut rate = rate(1, 0, Policy::Sample);
        let admitted: Vec<_> = (0..6).map(|_| rate.admit(at(0), 1)).collect();
        use Admission::{Errors, Pass};
        assert_eq!(admitted, [Pass, Pass, Errors, Errors, Pass, Errors]);
    }

    #[test]
    fn numbers_that_make_no_sense_are_told() {
        use crate::config::{Class, Environment, instance};
        for (key, value, expected) in [
            ("Rate_Limit_Lines", "-5", Some("Rate_Limit_Lines `-5` is out of range: it is 0 or more")),
            ("Rate_Limit_Sample", "0", Some("Rate_Limit_Sample `0` is out of range: it is 1 or more")),
            ("Rate_Limit_Lines", "0", None),
            ("Rate_Limit_Sample", "1", None),
        ] {
            let pairs = [("Path", "/x.log"), (key, value)];
            let (built, mut problems) =
                instance(Class::Input, &crate::input::tail::PLUGIN, &pairs, &Environment::default());
            let _ = RateSettings::new(&built.options(), &mut problems);
            assert_eq!(problems.iter().next().map(|problem| problem.message.as_str()), expected, "{key} {value}");
        }
    }

    #[test]
    fn a_slow_file_waits_until_its_debt_is_paid() {
        let start = Instant::now();
        let mut rate = rate(100, 0, Policy::Slow);
        assert_eq!(rate.admit(at(0), 10), Admission::Pass);
        assert_eq!(rate.read(50, 1, start), None);
        assert_eq!(rate.read(250, 1, start), Some(start + Duration::from_secs(2)));
        assert_eq!(rate.read(0, 0, start + Duration::from_secs(3)), None);
        assert_eq!(rate.read(1_000_000, 0, start + Duration::from_secs(4)), Some(start + Duration::from_secs(604)));
        assert_eq!(rate.take_counts(), LimitedCounts { waits: 2, ..LimitedCounts::default() });
    }

    #[test]
    fn a_pod_may_set_its_own_limits() {
        let annotated = |pairs: &[(&str, &str)]| {
            let annotations = pairs
                .iter()
                .map(|(key, value)| (format!("flytail.io/rate-limit-{key}"), (*value).to_owned()))
                .collect();
            let mut source = crate::input::tail::source_of_test();
            source.pod = Some(Arc::new(PodMetadata { annotations, ..PodMetadata::default() }));
            let mut rate = rate(10, 0, Policy::Slow);
            rate.hear(&source);
            rate.limits
        };
        assert_eq!(annotated(&[]), Limits { lines: 10, bytes: 0, policy: Policy::Slow });
        assert_eq!(
            annotated(&[("lines", "0"), ("bytes", "1M"), ("policy", "sample")]),
            Limits { lines: 0, bytes: 1_000_000, policy: Policy::Sample }
        );
        assert_eq!(
            annotated(&[("lines", "many"), ("policy", "x")]),
            Limits { lines: 10, bytes: 0, policy: Policy::Slow }
        );
    }
}
