//! The fake's answers against those of the real server: the same requests to both, the same statuses and shapes.
//!
//! What cannot be had from a server that is well (503, and what proxies and broken connections do) is not compared.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::marker::Marker;
use crate::server::{Fault, Faults, Server};
use crate::store::Store;
use crate::support::client::{Answer, Client};
use crate::support::server::{self, Engine};

const BULK: &str = "/answers/_bulk?filter_path=errors,items.*.status,items.*.error.type,items.*.error.reason";

/// What does not agree.
pub(crate) fn compare() -> Vec<String> {
    let settings = ["http.max_content_length: 64kb", "indexing_pressure.memory.limit: 30kb"];
    let real = server::Server::start_with(Engine::Elasticsearch8, &settings);
    let faults = Arc::new(Faults::default());
    let fake = Server::start(Arc::new(Store::default()), Arc::clone(&faults));
    let pair = Pair { real: real.client(), fake: Client::new(&format!("http://127.0.0.1:{}", fake.port())), faults };
    let mapping = json!({"mappings": {"dynamic": false, "properties": {"n": {"type": "long"}}}});
    pair.real.put("/answers", &mapping).ok();

    let mut differences = Vec::new();
    let mut check = |what: &str, status: u16, item: Option<u64>, (real, fake): (Answer, Answer)| {
        let of_item = |answer: &Answer| item.and_then(|_| answer.body["items"][1]["create"]["status"].as_u64());
        if real.status != status || of_item(&real) != item {
            differences.push(format!("{what}: the real server was to answer {status}, {item:?}: {real:?}"));
        } else if real.status != fake.status || of_item(&fake) != item || shape(&real.body) != shape(&fake.body) {
            differences
                .push(format!("{what}:\n  real {} {}\n  fake {} {}", real.status, real.body, fake.status, fake.body));
        }
    };
    let poison = document("3", true);
    check("taken", 200, Some(201), pair.send(None, &(document("1", false) + &document("2", false))));
    check("there already", 200, Some(409), pair.send(None, &(document("4", false) + &document("1", false))));
    check("refused for good", 200, Some(400), pair.send(None, &(document("5", false) + &poison)));
    check("too large", 413, None, pair.send(Some(Fault::TooLarge), &large(100)));
    check("too many requests", 429, None, pair.send(Some(Fault::TooManyRequests), &large(50)));
    check(
        "the question of what a name is",
        200,
        None,
        pair.both(|client| client.get("/_resolve/index/none*?filter_path=aliases.name,data_streams.name")),
    );

    // A block on the index is the one way to make a server refuse items for now without loading it.
    let block = |on: bool| {
        pair.real.put("/answers/_settings", &json!({"index.blocks.read_only_allow_delete": on.then_some(true)})).ok()
    };
    block(true);
    let both = document("6", false) + &document("7", false);
    let refused = std::iter::repeat_with(|| pair.send(Some(Fault::TooManyItems), &both));
    // The fake refuses items at random.
    let answers = refused.take(1_000).find(|(_, fake)| fake.body["items"].to_string().matches(":429").count() == 2);
    check("too many items", 200, Some(429), answers.expect("the fake refuses two of two one day"));
    block(false);
    differences
}

struct Pair {
    real: Client,
    fake: Client,
    faults: Arc<Faults>,
}

impl Pair {
    /// Sends a bulk body to both; the fake has the fault meanwhile.
    fn send(&self, fault: Option<Fault>, body: &str) -> (Answer, Answer) {
        self.faults.set(fault);
        let answers = self.both(|client| client.send("POST", BULK, body));
        self.faults.set(None);
        answers
    }

    fn both(&self, ask: impl Fn(&Client) -> Answer) -> (Answer, Answer) {
        (ask(&self.real), ask(&self.fake))
    }
}

/// An action and a document.
fn document(id: &str, is_poison: bool) -> String {
    let mut text = Vec::new();
    let counter = id.parse().expect("a number");
    Marker { log: 0, stream: 0, counter, nth: 0, of: 1, is_poison }.write(&mut text);
    let n = if is_poison { json!("poison") } else { json!(1) };
    let document = json!({"message": String::from_utf8(text).expect("it is ASCII"), "n": n});
    format!("{}\n{document}\n", json!({"create": {"_id": id}}))
}

/// A body of so many KiB, of two documents.
fn large(kibibytes: usize) -> String {
    let padding = "x".repeat(kibibytes * 512);
    ["8", "9"].map(|id| format!("{}\n{}\n", json!({"create": {"_id": id}}), json!({"message": padding}))).concat()
}

/// Keys and types, without values. Of a list, the last element stands for all.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members) => members.iter().map(|(key, value)| (key.clone(), shape(value))).collect(),
        Value::Array(elements) => Value::Array(elements.last().map(shape).into_iter().collect()),
        Value::String(_) => json!("text"),
        Value::Number(_) => json!("number"),
        Value::Bool(_) => json!("boolean"),
        Value::Null => Value::Null,
    }
}
