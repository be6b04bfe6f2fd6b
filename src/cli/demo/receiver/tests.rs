use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use super::*;

const TWO: &str = "{\"create\":{\"_id\":\"a\"}}\n{\"x\":1}\n{\"create\":{\"_id\":\"b\"}}\n{\"x\":2}\n";

fn shared(check_ids: bool, on_document: Option<OnDocument>) -> Shared {
    Shared { options: ReceiverOptions { check_ids, on_document }, state: Mutex::default() }
}

fn received(shared: &Shared) -> Received {
    shared.state.lock().unwrap().received
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// The statuses of an answer's items, and whether it tells of errors.
fn statuses(answer: &str) -> (bool, Vec<u64>) {
    let answer: Value = serde_json::from_str(answer).unwrap();
    let items = answer["items"].as_array().unwrap();
    let statuses = items.iter().map(|item| item["create"]["status"].as_u64().unwrap()).collect();
    (answer["errors"].as_bool().unwrap(), statuses)
}

#[test]
fn an_id_that_came_before_is_a_conflict_in_its_index_only() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let to = Arc::clone(&seen);
    let on_document: OnDocument =
        Box::new(move |document| to.lock().unwrap().push(String::from_utf8(document.to_vec()).unwrap()));
    let shared = shared(true, Some(on_document));
    assert_eq!(statuses(&shared.take("one", false, TWO.as_bytes()).unwrap()), (false, vec![201, 201]));
    let again = "{\"create\":{\"_id\":\"b\"}}\n{\"x\":2}\n{\"create\":{\"_id\":\"c\"}}\n{\"x\":3}\n";
    assert_eq!(statuses(&shared.take("one", false, again.as_bytes()).unwrap()), (true, vec![409, 201]));
    assert_eq!(statuses(&shared.take("two", false, again.as_bytes()).unwrap()), (false, vec![201, 201]));
    let received = received(&shared);
    assert_eq!((received.requests, received.documents, received.duplicates), (3, 5, 1));
    assert_eq!(*seen.lock().unwrap(), ["{\"x\":1}", "{\"x\":2}", "{\"x\":3}", "{\"x\":2}", "{\"x\":3}"]);
}

#[test]
fn documents_without_an_id_are_always_new() {
    let shared = shared(true, None);
    let body = "{\"create\":{}}\n{}\n{\"index\":{}}\n{}\n";
    assert_eq!(statuses(&shared.take("one", false, body.as_bytes()).unwrap()), (false, vec![201, 201]));
}

#[test]
fn counting_looks_at_no_id() {
    let shared = shared(false, None);
    let body = gzip(TWO);
    for _ in 0..2 {
        assert_eq!(statuses(&shared.take("one", true, &body).unwrap()), (false, vec![201, 201]));
    }
    let (sent, inflated) = (2 * body.len() as u64, 2 * TWO.len() as u64);
    let expected = Received { requests: 2, documents: 4, sent_bytes: sent, bytes: inflated, ..Received::default() };
    assert_eq!(received(&shared), expected);
}

#[test]
fn a_body_that_is_none_is_refused_as_a_whole() {
    let shared = shared(true, None);
    let broken = format!("{TWO}{{\"create\":\n{{}}\n");
    for body in ["", "{}", "{\"create\":{}}\n", &TWO[..TWO.len() - 1], &broken, "{\"delete\":{}}\n{}\n"] {
        assert!(shared.take("one", false, body.as_bytes()).is_err(), "{body}");
    }
    assert!(shared.take("one", true, TWO.as_bytes()).is_err());
    assert_eq!(received(&shared), Received::default());
}

#[tokio::test]
async fn speaks_as_a_server_does() {
    let receiver = Receiver::start(ReceiverOptions { check_ids: true, on_document: None }).await.unwrap();
    let base = format!("http://{}", receiver.address());
    let asked = tokio::task::spawn_blocking(move || {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().into();
        let mut statuses = Vec::new();
        for path in ["/", "/_resolve/index/flyte-logs*?filter_path=aliases.name", "/nothing/here"] {
            statuses.push(agent.get(format!("{base}{path}")).call().unwrap().status().as_u16());
        }
        let url = format!("{base}/flyte-logs-2026.11.22/_bulk?filter_path=errors");
        let mut answers = Vec::new();
        for body in [gzip(TWO), gzip(TWO), b"nothing".to_vec()] {
            let mut answer = agent.post(&url).header("content-encoding", "gzip").send(&body[..]).unwrap();
            statuses.push(answer.status().as_u16());
            answers.push(answer.body_mut().read_to_string().unwrap());
        }
        (statuses, answers)
    });
    let (asked, answers) = asked.await.unwrap();
    assert_eq!(asked, [200, 200, 404, 200, 200, 400]);
    assert_eq!(statuses(&answers[0]), (false, vec![201, 201]));
    assert_eq!(statuses(&answers[1]), (true, vec![409, 409]));
    let received = receiver.received();
    assert_eq!((received.documents, received.duplicates, received.refused), (2, 2, 1));
}
