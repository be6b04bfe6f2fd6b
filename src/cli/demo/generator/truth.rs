//! Truth: what must stand in the index for one generated line.

use std::collections::BTreeMap;

use serde_json::Value;

/// How a line was written. One variant for each shape that the Flyte filter has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// flytestdlib's logger, the default JSON (`json`, `level`, `msg`, `ts`).
    FlytestdlibJson,
    /// flytestdlib's logger with `logger.formatter.type: text`.
    FlytestdlibText,
    /// flytestdlib's logger with `logger.formatter.type: gcp`.
    FlytestdlibGcp,
    /// flytekit in a version 1 task pod.
    FlytekitJson,
    /// flyte-sdk in a version 2 task pod, `LOG_FORMAT=console`.
    SdkConsole,
    /// flyte-sdk in a version 2 task pod, `LOG_FORMAT=json`.
    SdkJson,
    /// client-go's klog.
    Klog,
    /// controller-runtime's zap in development mode.
    ZapConsole,
    /// One stack line behind a zap warning or error; a record of its own.
    ZapStack,
    /// Spark's log4j console pattern.
    Spark,
    /// Envoy's default access log.
    EnvoyAccess,
    /// Express' morgan, with colours.
    Morgan,
    /// Plain prints of a user's task.
    Print,
    /// A Python traceback of several physical lines, also chained.
    Traceback,
    /// A Python exception group's traceback.
    ExceptionGroup,
    /// Any application's JSON with a message.
    ApplicationJson,
    /// An application's JSON that has nothing like a message.
    JsonWithoutMessage,
    /// JSON longer than a runtime's physical line: joined from parts.
    LongJson,
    /// Plain text longer than a runtime's physical line: joined from parts.
    LongText,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 19] = [
        Self::FlytestdlibJson,
        Self::FlytestdlibText,
        Self::FlytestdlibGcp,
        Self::FlytekitJson,
        Self::SdkConsole,
        Self::SdkJson,
        Self::Klog,
        Self::ZapConsole,
        Self::ZapStack,
        Self::Spark,
        Self::EnvoyAccess,
        Self::Morgan,
        Self::Print,
        Self::Traceback,
        Self::ExceptionGroup,
        Self::ApplicationJson,
        Self::JsonWithoutMessage,
        Self::LongJson,
        Self::LongText,
    ];
}

/// Top-level fields that a document has only where they are known.
pub const OPTIONAL_FIELDS: [&str; 11] = [
    "level",
    "workflow",
    "task",
    "execution_id",
    "project",
    "domain",
    "node_id",
    "trace_id",
    "span_id",
    "derived_from",
    "truncated",
];

/// What the document of one line must look like.
#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    /// The line's number, counted over all containers; stands in its message as [`marker`].
    pub sequence: u64,
    /// How the line was written.
    pub format: Format,
    /// `@timestamp`: the runtime's time of the first physical line, nanoseconds since the epoch.
    pub time_ns: i64,
    /// Top-level fields with their exact values.
    pub fields: BTreeMap<&'static str, Value>,
    /// Top-level fields that must not exist.
    pub absent: Vec<&'static str>,
    /// Members of the application, expected under `fields`: the path in it (a segment may hold
    /// dots) and the exact value. Other members may stand there too.
    pub application: Vec<(Vec<String>, Value)>,
}

impl Truth {
    /// Whether `level:ERROR and app:flyteadmin` finds the document.
    #[must_use]
    pub fn matches_errors_of_admin(&self) -> bool {
        self.has("level", "ERROR") && self.has("app", "flyteadmin")
    }

    /// Whether `component:propeller and message:*FAILED*` finds the document. On an analysed
    /// field the wildcard meets lower-cased words, so the spelling does not matter.
    #[must_use]
    pub fn matches_propeller_failed(&self) -> bool {
        self.has("component", "propeller") && self.message().to_lowercase().contains("failed")
    }

    /// Whether `app:flyteadmin and message:*latency* and level:WARN` finds the document.
    #[must_use]
    pub fn matches_slow_handlers(&self) -> bool {
        self.has("app", "flyteadmin") && self.has("level", "WARN") && self.message().to_lowercase().contains("latency")
    }

    /// The expected message. For [`Format::JsonWithoutMessage`] that is the whole object.
    #[must_use]
    pub fn message(&self) -> &str {
        self.fields.get("message").and_then(Value::as_str).unwrap_or_default()
    }

    /// What is wrong with a document (its `_source`): one sentence each, empty if nothing is.
    #[must_use]
    pub fn differences(&self, document: &Value) -> Vec<String> {
        let mut differences = Vec::new();
        for (field, expected) in &self.fields {
            compare(field, Some(expected), document.get(*field), &mut differences);
        }
        for field in &self.absent {
            compare(field, None, document.get(*field), &mut differences);
        }
        for (path, expected) in &self.application {
            // What is too long to be searched for stands apart.
            let is_large = expected.to_string().len() > LARGE;
            let members = document.get(if is_large { "large_fields" } else { "fields" });
            let found = path.iter().fold(members, |found, segment| found.and_then(|value| value.get(segment)));
            compare(&format!("fields.{}", path.join(".")), Some(expected), found, &mut differences);
        }
        let time = document.get("@timestamp").and_then(Value::as_str).and_then(|text| text.parse().ok());
        let time = time.map(|time: jiff::Timestamp| time.as_nanosecond());
        if time != Some(i128::from(self.time_ns)) {
            differences.push(format!("@timestamp is {:?}, not {} ns", document.get("@timestamp"), self.time_ns));
        }
        differences
    }

    fn has(&self, field: &str, value: &str) -> bool {
        self.fields.get(field).and_then(Value::as_str) == Some(value)
    }
}

/// Members longer than this may not stand in `fields`, in bytes.
const LARGE: usize = 10_000;

fn compare(field: &str, expected: Option<&Value>, found: Option<&Value>, differences: &mut Vec<String>) {
    if expected == found {
        return;
    }
    let shown =
        |value: Option<&Value>| value.map_or_else(|| "absent".to_owned(), |value| shortened(&value.to_string()));
    differences.push(format!("{field} is {}, not {}", shown(found), shown(expected)));
}

fn shortened(text: &str) -> String {
    const SHOWN: usize = 300;
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    format!("{}… ({} bytes)", text.chars().take(SHOWN).collect::<String>(), text.len())
}

/// Digits of a sequence number in a message.
pub const SEQUENCE_DIGITS: usize = 10;

const MARKER_START: &str = "seq=";

/// What stands in the message of the line with this number: `seq=0000001234`.
#[must_use]
pub fn marker(sequence: u64) -> String {
    format!("{MARKER_START}{sequence:0SEQUENCE_DIGITS$}")
}

/// Reads the first marker in a text.
#[must_use]
pub fn sequence_in(text: &str) -> Option<u64> {
    text.match_indices(MARKER_START).find_map(|(at, _)| {
        let digits = text.get(at + MARKER_START.len()..)?.get(..SEQUENCE_DIGITS)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn truth(fields: &[(&'static str, &str)]) -> Truth {
        Truth {
            sequence: 7,
            format: Format::FlytestdlibJson,
            time_ns: 1_787_313_601_500_000_000,
            fields: fields.iter().map(|(field, value)| (*field, json!(value))).collect(),
            absent: vec!["trace_id"],
            application: vec![(vec!["json".into(), "src".into()], json!("a.go:1"))],
        }
    }

    #[test]
    fn markers_are_read_back() {
        assert_eq!(marker(1234), "seq=0000001234");
        assert_eq!(sequence_in("seq=x seq=12 then seq=0000001234."), Some(1234));
        assert_eq!(sequence_in("no seq=123"), None);
    }

    #[test]
    fn searches_are_judged_as_the_server_judges_them() {
        let error = truth(&[("app", "flyteadmin"), ("level", "ERROR"), ("message", "x")]);
        assert!(error.matches_errors_of_admin());
        let lower = truth(&[("component", "propeller"), ("message", "task failed")]);
        assert!(lower.matches_propeller_failed());
        assert!(!truth(&[("component", "admin"), ("message", "FAILED")]).matches_propeller_failed());
        let slow = truth(&[("app", "flyteadmin"), ("level", "WARN"), ("message", "Latency of 2 s")]);
        assert!(slow.matches_slow_handlers());
        let quick = truth(&[("app", "flyteadmin"), ("level", "INFO"), ("message", "latency")]);
        assert!(!quick.matches_slow_handlers());
    }

    #[test]
    fn differences_name_every_wrong_field() {
        let truth = truth(&[("app", "flyteadmin")]);
        let right = json!({"app": "flyteadmin", "@timestamp": "2026-08-21T12:00:01.500000000Z",
            "fields": {"json": {"src": "a.go:1", "more": 1}}});
        assert_eq!(truth.differences(&right), Vec::<String>::new());
        let wrong = json!({"app": "x", "trace_id": "t", "@timestamp": "2026-08-21T12:00:01Z", "fields": {}});
        let differences = truth.differences(&wrong);
        assert_eq!(differences.len(), 4, "{differences:?}");
        for (difference, field) in differences.iter().zip(["app", "trace_id", "fields.json.src", "@timestamp"]) {
            assert!(difference.starts_with(field), "{difference}");
        }
    }
}
