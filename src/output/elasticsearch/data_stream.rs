//! A data stream as the destination: its name by Elastic's scheme, what its documents say of it, and
//! that it is there before the first of them is sent.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::refusal;
use crate::config::{Options, Problems};

/// The parts of a name, each an option and a member of `data_stream`.
const PARTS: [(&str, &str); 3] =
    [("Data_Stream_Type", "type"), ("Data_Stream_Dataset", "dataset"), ("Data_Stream_Namespace", "namespace")];
/// Longest part in bytes, by Elastic's scheme.
const LONGEST: usize = 100;
/// What no name of an index may hold, and the `-` that stands between the parts.
const NOT_IN_A_PART: &str = "\\/*?\"<>|,#: '`%-";

/// The data stream of an output.
#[derive(Debug)]
pub(super) struct DataStream {
    /// `logs-flyte-default`.
    pub(super) name: String,
    /// `"data_stream":{…}`.
    pub(super) member: Vec<u8>,
    is_there: AtomicBool,
}

impl DataStream {
    /// As the options say, if they ask for one. What cannot go with it is an error.
    pub(super) fn of(options: &Options<'_>, problems: &mut Problems) -> Option<Self> {
        if !options.boolean("Data_Stream") {
            return None;
        }
        let mut refuse = |key, is_wrong: bool, why: &str| {
            if is_wrong {
                problems.push(options.problem(key, format!("{key} does not go with Data_Stream On: {why}")));
            }
        };
        let of_name = "the data stream's name is made of Data_Stream_Type, _Dataset and _Namespace";
        refuse("Index", options.is_set("Index"), of_name);
        refuse("Logstash_Format", options.boolean("Logstash_Format"), of_name);
        refuse("Index_Date", options.boolean("Index_Date"), "its indices have no dates of ours");
        let is_create = options.text("Write_Operation") == Some("create");
        refuse("Write_Operation", !is_create, "documents of a data stream can only be created");
        refuse("Time_Key", options.text("Time_Key") != Some("@timestamp"), "it has to be @timestamp");
        let mut name = Vec::new();
        let mut members = serde_json::Map::new();
        for (key, member) in PARTS {
            let part = options.text(key).unwrap_or_default();
            if let Some(why) = unusable(part) {
                problems
                    .push(options.problem(key, format!("`{part}` cannot be a part of a data stream's name: {why}")));
            }
            name.push(part);
            members.insert(member.to_owned(), part.into());
        }
        let member = format!("\"data_stream\":{}", Value::from(members)).into_bytes();
        Some(Self { name: name.join("-"), member, is_there: AtomicBool::new(false) })
    }

    /// Whether a key is that of what documents say of their stream, or of a part of it.
    pub(super) fn is_member(key: &[u8]) -> bool {
        key.strip_prefix(b"data_stream").is_some_and(|rest| rest.is_empty() || rest[0] == b'.')
    }

    /// The server has it, as far as is known.
    pub(super) fn is_there(&self) -> bool {
        self.is_there.load(Ordering::Relaxed)
    }

    /// It was filled, so it is there.
    pub(super) fn was_found(&self) {
        self.is_there.store(true, Ordering::Relaxed);
    }

    /// What the server's answer to the request to make it means: whether it is there, or `false` where that was not
    /// ours to ask. The error says what has to be done.
    pub(super) fn made(&self, status: u16, body: &[u8]) -> Result<bool, String> {
        let error = serde_json::from_slice::<Value>(body).unwrap_or_default()["error"].take();
        match status {
            200 => tracing::info!(data_stream = self.name, "the data stream was made"),
            400 if error["type"] == "resource_already_exists_exception" => {}
            // Not ours to make, or credentials that are not good yet. If it is not there, the bulk request makes it, or
            // is refused.
            403 => return Ok(false),
            400 => {
                let reason = error["reason"].as_str().unwrap_or_default();
                return Err(format!("{} ({})", self.advice(), refusal::shown(reason)));
            }
            _ => return Err(format!("status {status}: {}", refusal::words(body))),
        }
        self.was_found();
        Ok(true)
    }

    /// The server cannot be asked to make it, but it will, if our template is there.
    pub(super) fn is_foreseen(&self, has_template: bool) -> Result<bool, String> {
        self.is_there.store(has_template, Ordering::Relaxed);
        if has_template { Ok(true) } else { Err(self.advice()) }
    }

    fn advice(&self) -> String {
        format!(
            "there is no data stream `{0}` and it cannot be made: run `flytail setup --data-stream --index {0}` (and \
             `--fields ecs` where `Field_Names` is ecs), which installs its template",
            self.name
        )
    }
}

/// The mappings of what documents say of their stream.
pub(super) fn properties(keyword: &Value) -> Value {
    let properties: serde_json::Map<_, _> =
        PARTS.iter().map(|(_, member)| ((*member).to_owned(), keyword.clone())).collect();
    json!({ "properties": properties })
}

/// What is wrong with a part.
fn unusable(part: &str) -> Option<String> {
    let bad = part.chars().find(|char| char.is_control() || char.is_uppercase() || NOT_IN_A_PART.contains(*char));
    match bad {
        Some(char) if char.is_uppercase() => Some("it has to be in lower case".to_owned()),
        Some(char) => Some(format!("it holds a {char:?}")),
        None if part.is_empty() => Some("it is empty".to_owned()),
        None if part.len() > LONGEST => Some(format!("it is longer than {LONGEST} bytes")),
        None if part.starts_with(['_', '+', '.']) => Some("it begins with a sign".to_owned()),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Class, Environment, instance};
    use crate::output::elasticsearch::PLUGIN;

    fn of(pairs: &[(&str, &str)]) -> (Option<DataStream>, String) {
        let pairs = [&[("Data_Stream", "On")], pairs].concat();
        let (output, mut problems) = instance(Class::Output, &PLUGIN, &pairs, &Environment::default());
        let stream = DataStream::of(&output.options(), &mut problems);
        (stream, problems.to_string())
    }

    #[test]
    fn a_name_is_made_of_type_dataset_and_namespace() {
        let (stream, problems) = of(&[]);
        let stream = stream.unwrap();
        assert_eq!((stream.name.as_str(), problems.as_str()), ("logs-flyte-default", ""));
        let member = r#""data_stream":{"dataset":"flyte","namespace":"default","type":"logs"}"#;
        assert_eq!(String::from_utf8(stream.member).unwrap(), member);
        let own = [("Data_Stream_Dataset", "flyte.tasks"), ("Data_Stream_Namespace", "prod")];
        assert_eq!(of(&own).0.unwrap().name, "logs-flyte.tasks-prod");
        assert!(of(&[("Data_Stream", "Off")]).0.is_none());
    }

    #[test]
    fn only_what_is_said_of_the_stream_is_its_member() {
        assert!(["data_stream", "data_stream.dataset"].iter().all(|key| DataStream::is_member(key.as_bytes())));
        assert!(["data_streams", "data", "x.data_stream"].iter().all(|key| !DataStream::is_member(key.as_bytes())));
    }

    #[test]
    fn what_servers_or_the_scheme_refuse_is_an_error() {
        let long = "x".repeat(101);
        for (key, value) in [
            ("Data_Stream_Dataset", "a-b"),
            ("Data_Stream_Namespace", "Prod"),
            ("Data_Stream_Type", "a b"),
            ("Data_Stream_Namespace", &long),
            ("Data_Stream_Type", ".logs"),
            ("Index", "flyte-logs"),
            ("Logstash_Format", "On"),
            ("Index_Date", "On"),
            ("Write_Operation", "index"),
            ("Time_Key", "time"),
        ] {
            let (_, problems) = of(&[(key, value)]);
            assert!(problems.contains("error") && problems.lines().count() == 1, "{key} {value}: {problems}");
        }
    }

    #[test]
    fn nothing_is_sent_before_it_is_there() {
        let stream = of(&[]).0.unwrap();
        let refused = br#"{"error":{"type":"illegal_argument_exception","reason":"no matching index template found"}}"#;
        let reason = stream.made(400, refused).unwrap_err();
        assert!(reason.contains("flytail setup --data-stream --index logs-flyte-default"), "{reason}");
        assert!(reason.contains("`--fields ecs` where `Field_Names` is ecs"), "{reason}");
        assert!(stream.made(503, b"").is_err() && !stream.is_there());
        assert!(
            stream.made(403, b"") == Ok(false) && !stream.is_there(),
            "another answer may come to better credentials"
        );
        let there = br#"{"error":{"type":"resource_already_exists_exception","reason":"data_stream already exists"}}"#;
        assert!(stream.made(400, there).is_ok() && stream.is_there());
    }
}
