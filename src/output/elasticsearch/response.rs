//! Reading bulk answers.

use memchr::memmem;
use serde::Deserialize;
use serde_json::Value;

use super::refusal;
use crate::output::{Outcome, Rejection, Verdict};

/// What is asked of the answer: whether all went well and, by position, what did not.
pub(super) const FILTER_PATH: &str = "errors,items.*.status,items.*.error.type,items.*.error.reason";

#[derive(Deserialize)]
struct Answer {
    errors: bool,
    #[serde(default)]
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(alias = "index", alias = "update")]
    create: ItemResult,
}

#[derive(Deserialize)]
struct ItemResult {
    status: u16,
    #[serde(default)]
    error: Option<Value>,
}

/// What an answer with this status and body says about the `count` items of a request.
pub(super) fn read(status: u16, body: &[u8], count: usize) -> Outcome {
    match status {
        200 | 201 => read_items(body, count),
        413 => Outcome::TooLarge,
        429 => Outcome::Busy(format!("status {status}: {}", refusal::words(body))),
        // A whole request that is refused (no credentials, no master, too many requests) says
        // nothing about its items. 400 would be a body of ours that is broken; it stays, visibly.
        _ => Outcome::Retry(format!("status {status}: {}", refusal::words(body))),
    }
}

fn read_items(body: &[u8], count: usize) -> Outcome {
    if is_all_well(body, count) {
        return Outcome::Delivered;
    }
    if let Some(verdicts) = read_exceptions(body, count) {
        return Outcome::Items(verdicts);
    }
    let answer: Answer = match serde_json::from_slice(body) {
        Ok(answer) => answer,
        Err(error) => {
            return Outcome::Retry(format!("an answer that is no bulk answer ({error}): {}", refusal::words(body)));
        }
    };
    if answer.items.len() != count {
        let reason = format!("an answer about {} items to a request of {count}", answer.items.len());
        return Outcome::Retry(reason);
    }
    if !answer.errors {
        return Outcome::Delivered;
    }
    let mut judge = Judge::default();
    Outcome::Items(answer.items.into_iter().map(|item| judge.verdict(item.create)).collect())
}

/// Nearly every answer: no errors, and as many items. Told without parsing, as without errors the
/// statuses are all that was asked for. What looks otherwise is parsed.
fn is_all_well(body: &[u8], count: usize) -> bool {
    let items = body.strip_prefix(br#"{"errors":false,"items":["#).and_then(|items| items.strip_suffix(b"]}"));
    items.is_some_and(|items| memmem::find_iter(items, br#""status":20"#).count() == count)
}

/// An answer in which some items failed: only those are parsed, as there are thousands of others. `None` if it does not
/// look as the servers write it.
fn read_exceptions(body: &[u8], count: usize) -> Option<Vec<Verdict>> {
    let mut rest = body.strip_prefix(br#"{"errors":true,"items":["#)?;
    let (mut verdicts, mut judge) = (Vec::with_capacity(count), Judge::default());
    loop {
        if let Some(behind) = behind_good_item(rest) {
            verdicts.push(Verdict::Delivered);
            rest = behind;
        } else {
            let mut items = serde_json::Deserializer::from_slice(rest).into_iter::<Item>();
            verdicts.push(judge.verdict(items.next()?.ok()?.create));
            rest = rest.get(items.byte_offset()..)?;
        }
        match rest {
            [b',', more @ ..] => rest = more,
            b"]}" => return (verdicts.len() == count).then_some(verdicts),
            _ => return None,
        }
    }
}

/// What stands behind `{"create":{"status":201}}`.
fn behind_good_item(text: &[u8]) -> Option<&[u8]> {
    const OPERATIONS: [&[u8]; 3] =
        [b"{\"create\":{\"status\":20", b"{\"index\":{\"status\":20", b"{\"update\":{\"status\":20"];
    let rest = OPERATIONS.iter().find_map(|operation| text.strip_prefix(*operation))?;
    rest.strip_prefix(b"0}}").or_else(|| rest.strip_prefix(b"1}}"))
}

/// Judges the items of an answer.
#[derive(Default)]
struct Judge {
    /// The reason of an item that is refused for now was told; those of the others are mostly the same.
    has_told: bool,
}

impl Judge {
    /// 409 is our own id: the document is there. 429 and 5xx pass, and so do a block on the index, a
    /// missing one that may not be made, and credentials that an administrator is about to mend:
    /// 401, 403 and 404 are no fault of the document.
    fn verdict(&mut self, result: ItemResult) -> Verdict {
        let text = |key: &str| {
            let error = result.error.as_ref();
            error.and_then(|error| error.get(key)).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        match result.status {
            200..300 | 409 => Verdict::Delivered,
            404 if !is_missing_document(&result) => self.again(&result),
            401 | 403 | 408 | 429 | 500.. => self.again(&result),
            status => {
                let (kind, reason) = (text("type"), text("reason"));
                if is_about_settings(&kind, &reason) {
                    return self.again(&result);
                }
                Verdict::Rejected(Rejection { status, kind, reason })
            }
        }
    }

    fn again(&mut self, result: &ItemResult) -> Verdict {
        if std::mem::replace(&mut self.has_told, true) {
            return Verdict::Retry(None);
        }
        let words = result.error.as_ref().map(refusal::of_error).unwrap_or_default();
        Verdict::Retry(Some(format!("status {}: {words}", result.status)))
    }
}

/// An update of what is not there, which waiting does not bring.
fn is_missing_document(result: &ItemResult) -> bool {
    let kind = result.error.as_ref().and_then(|error| error.get("type"));
    kind.and_then(Value::as_str) == Some("document_missing_exception")
}

/// The server says 400 for its own state and settings, too: no shard left in the cluster, which a
/// new day's index is the first to meet; a closed index; an alias without a write index; a pipeline
/// that is not there. Every document would be refused, and none is at fault.
fn is_about_settings(kind: &str, reason: &str) -> bool {
    ["validation_exception", "index_closed_exception", "invalid_index_name_exception"].contains(&kind)
        || [
            "no write index is defined",
            "pipeline with id [",
            "only write ops with an op_type of create",
            // A serverless collection of a kind that takes no ids.
            "Document ID is not supported",
        ]
        .iter()
        .any(|words| reason.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges_each_item_by_its_position() {
        let body = br#"{"errors":true,"items":[
            {"create":{"status":201}},
            {"create":{"status":409,"error":{"type":"version_conflict_engine_exception","reason":"there"}}},
            {"create":{"status":429,"error":{"type":"es_rejected_execution_exception","reason":"busy"}}},
            {"create":{"status":403,"error":{"type":"cluster_block_exception","reason":"read-only"}}},
            {"create":{"status":400,"error":{"type":"document_parsing_exception","reason":"[1:2] failed"}}}]}"#;
        let rejection =
            Rejection { status: 400, kind: "document_parsing_exception".into(), reason: "[1:2] failed".into() };
        let busy = Verdict::Retry(Some("status 429: es_rejected_execution_exception: busy".to_owned()));
        let expected =
            vec![Verdict::Delivered, Verdict::Delivered, busy, Verdict::Retry(None), Verdict::Rejected(rejection)];
        assert_eq!(read(200, body, 5), Outcome::Items(expected));
    }

    #[test]
    fn an_answer_with_exceptions_is_read_as_if_it_were_parsed_whole() {
        let items = [
            r#"{"create":{"status":201}}"#,
            r#"{"index":{"status":200}}"#,
            r#"{"create":{"status":400,"error":{"type":"document_parsing_exception","reason":"a \"}}\" in [x]"}}}"#,
            r#"{"update":{"status":429,"error":{"type":"es_rejected_execution_exception","reason":"busy"}}}"#,
            r#"{"create":{"status":201}}"#,
        ];
        let compact = format!(r#"{{"errors":true,"items":[{}]}}"#, items.join(","));
        let spaced = format!(r#"{{"errors":true, "items":[{}]}}"#, items.join(" ,"));
        let verdicts = read_exceptions(compact.as_bytes(), items.len()).unwrap();
        assert_eq!(read(200, spaced.as_bytes(), items.len()), Outcome::Items(verdicts));
        let cut = &compact.as_bytes()[..compact.len() - 1];
        for (body, count) in
            [(compact.as_bytes(), items.len() + 1), (cut, items.len()), (spaced.as_bytes(), items.len())]
        {
            assert_eq!(read_exceptions(body, count), None);
        }
        assert!(matches!(read(200, compact.as_bytes(), items.len() + 1), Outcome::Retry(_)));
        assert!(matches!(read(200, cut, items.len()), Outcome::Retry(_)));
    }

    #[test]
    fn waits_for_an_administrator_where_no_document_is_at_fault() {
        let reasons = [
            ("validation_exception", "this action would add [2] shards, but this cluster has [1000]/[1000]"),
            ("index_closed_exception", "closed"),
            ("illegal_argument_exception", "no write index is defined for alias [flyte-logs]"),
            ("illegal_argument_exception", "pipeline with id [x] does not exist"),
            ("illegal_argument_exception", "Document ID is not supported in create/index operation request"),
        ];
        for (kind, reason) in reasons {
            let error = serde_json::json!({"type": kind, "reason": reason});
            let verdict = Judge::default().verdict(ItemResult { status: 400, error: Some(error) });
            assert_eq!(verdict, Verdict::Retry(Some(format!("status 400: {kind}: {reason}"))));
        }
    }

    #[test]
    fn believes_only_an_answer_about_all_items() {
        let body = br#"{"errors":false,"items":[{"create":{"status":201}}]}"#;
        assert_eq!(read(200, body, 1), Outcome::Delivered);
        for (status, body, count) in [(200, &body[..], 2), (200, &body[..20], 1), (200, b"", 1), (200, b"<html>", 1)] {
            assert!(matches!(read(status, body, count), Outcome::Retry(_)), "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn waits_for_whole_requests_that_were_refused() {
        for status in [400, 401, 403, 404, 500, 502, 503, 504] {
            assert!(matches!(read(status, b"no", 1), Outcome::Retry(reason) if reason.contains("no")), "{status}");
        }
        assert!(matches!(read(429, b"no", 1), Outcome::Busy(reason) if reason.contains("no")));
        assert_eq!(read(413, b"", 1), Outcome::TooLarge);
    }
}
