//! What a server says when it refuses a request, short and without secrets.
//!
//! A refusal may repeat what it refuses: Amazon's answer to a wrong signature quotes the request that it expected, with
//! its session token, and proxies echo headers. Only the words that say why are kept.

use serde_json::Value;

/// Longest text in characters: the servers' own reasons are shorter.
const LONGEST: usize = 300;

/// What stands before a secret, in lower case, wherever requests are quoted.
const BEFORE_SECRETS: [&str; 11] = [
    "authorization",
    "security-token",
    "api-key",
    "apikey",
    "basic",
    "bearer",
    "credential",
    "password",
    "passwd",
    "signature",
    "cookie",
];

/// Shortest run of letters and digits that may be a key or token rather than a word, a name or a number.
const SHORTEST_TOKEN: usize = 24;

const HIDDEN: &str = "(hidden)";

/// The type and the reason of an error of Elasticsearch or OpenSearch, or the beginning of what else was answered.
#[must_use]
pub fn words(body: &[u8]) -> String {
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(answer) => reason(&answer).unwrap_or_else(|| answer.to_string()),
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    };
    shown(&text)
}

/// The same of the error of one item.
pub(super) fn of_error(error: &Value) -> String {
    shown(&reason_of(error).unwrap_or_else(|| error.to_string()))
}

/// A text of a server as it may be shown: on one line, of a bounded length, and without what looks like a credential.
pub(super) fn shown(text: &str) -> String {
    // Nothing that is cut off has to be looked at, but a secret that is cut in two is one.
    let mut shown = without_secrets(&text.chars().take(LONGEST * 4).collect::<String>());
    if let Some((end, _)) = shown.char_indices().nth(LONGEST) {
        shown.truncate(end);
        shown.push('…');
    }
    shown
}

/// `type: reason`. The first cause says which field and why, the error itself only that shards failed. A proxy or
/// Amazon's front has its words in `message` or `error`.
fn reason(answer: &Value) -> Option<String> {
    let error = &answer["error"];
    let all = [error, &error["type"], &answer["message"], &answer["Message"]];
    reason_of(error).or_else(|| all.into_iter().find_map(Value::as_str).map(str::to_owned))
}

fn reason_of(error: &Value) -> Option<String> {
    let cause = [&error["root_cause"][0], error].into_iter().find(|cause| cause["reason"].is_string())?;
    let (kind, reason) = (cause["type"].as_str(), cause["reason"].as_str()?);
    Some(kind.map_or_else(|| reason.to_owned(), |kind| format!("{kind}: {reason}")))
}

/// Words with single blanks between, those that are secrets hidden.
fn without_secrets(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut is_secret_next = false;
    for word in text.split(|sign: char| sign.is_whitespace() || sign.is_control()).filter(|word| !word.is_empty()) {
        if !shown.is_empty() {
            shown.push(' ');
        }
        let (before, rest) = announced(word);
        match (is_secret_next, before) {
            (_, Some(before)) if !rest.is_empty() => {
                shown.push_str(before);
                shown.push_str(HIDDEN);
            }
            (true, None) => shown.push_str(HIDDEN),
            _ => shown.push_str(&without_tokens(word)),
        }
        // `Authorization: Basic c2Vj…`: the word behind the last of these names is the secret.
        is_secret_next = before.is_some() && rest.is_empty();
    }
    shown
}

/// The part of a word that announces a secret, and what stands behind it: `x-amz-security-token:` and `Fwo…`; `Bearer`
/// and nothing. Nothing is announced by a word that only is one of them inside of a sentence.
fn announced(word: &str) -> (Option<&str>, &str) {
    let lower = word.to_ascii_lowercase();
    let found = BEFORE_SECRETS.iter().filter_map(|name| lower.find(name).map(|at| at + name.len())).max();
    let Some(end) = found else { return (None, word) };
    let behind = word.get(end..).unwrap_or_default();
    let sign = behind.find([':', '=']);
    match sign {
        Some(at) => {
            let (before, rest) = word.split_at(end + at + 1);
            (Some(before), rest.trim_matches(['"', '\'']))
        }
        None if ["basic", "bearer", "apikey"].contains(&lower.trim_matches(|sign: char| !sign.is_alphanumeric())) => {
            (Some(word), "")
        }
        None => (None, word),
    }
}

/// Long runs that only machines write are hidden: they have digits and letters of both cases.
fn without_tokens(word: &str) -> String {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'_');
    let (mut shown, mut start) = (String::with_capacity(word.len()), 0);
    let bytes = word.as_bytes();
    while start < bytes.len() {
        let is_run = is_part(bytes[start]);
        let end = start + bytes[start..].iter().take_while(|byte| is_part(**byte) == is_run).count();
        let part = &word[start..end];
        let has = |test: fn(&u8) -> bool| part.as_bytes().iter().any(test);
        let is_token = part.len() >= SHORTEST_TOKEN
            && has(u8::is_ascii_digit)
            && has(u8::is_ascii_uppercase)
            && has(u8::is_ascii_lowercase);
        shown.push_str(if is_token { HIDDEN } else { part });
        start = end;
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_own_words_are_type_and_reason() {
        for (body, expected) in [
            (
                r#"{"error":{"root_cause":[{"type":"parsing","reason":"field [x]"}],"type":"search","reason":"all failed"},"status":400}"#,
                "parsing: field [x]",
            ),
            (
                r#"{"error":{"type":"security_exception","reason":"no permissions"}}"#,
                "security_exception: no permissions",
            ),
            (r#"{"error":"alias [x] missing","status":404}"#, "alias [x] missing"),
            (r#"{"message":"not found"}"#, "not found"),
            ("<html>\n  <b>502</b>\r\n</html>", "<html> <b>502</b> </html>"),
            ("", ""),
        ] {
            assert_eq!(words(body.as_bytes()), expected);
        }
    }

    #[test]
    fn what_was_sent_to_be_let_in_is_never_repeated() {
        let amazon = r#"{"message":"The request signature we calculated does not match. The Canonical String for this request should have been\n'GET\n/_search\n\nhost:x.es.amazonaws.com\nx-amz-date:20261122T101530Z\nx-amz-security-token:FwoGZXIvYXdzEBYaDSECRET\n"}"#;
        let said = words(amazon.as_bytes());
        assert!(said.starts_with("The request signature we calculated does not match."), "{said}");
        assert!(!said.contains("SECRET"), "{said}");
        for text in [
            "you sent Authorization: Basic c2VjcmV0OnNlY3JldA==",
            "you sent Authorization: Bearer secret",
            "headers: authorization=secret, host=x",
            "Authorization: AWS4-HMAC-SHA256 Credential=secret/20261122/eu/es/aws4_request, Signature=secret",
            r#"{"x-api-key":"secret"}"#,
            "ApiKey secret is not known",
            "token Fwosecret0123ABCdefghijklmnop/+= is bad",
            "password: secret",
        ] {
            assert!(!words(text.as_bytes()).to_lowercase().contains("secret"), "{}", words(text.as_bytes()));
        }
    }

    #[test]
    fn names_of_indices_fields_and_shards_stay() {
        let text = "action [indices:data/read/search] is unauthorized for user [amy] on indices [flyte-logs-2026.11.22], \
                    this action is granted by the index privileges [read,all]; missing authentication credentials for \
                    REST request [/_bulk]; java.util.concurrent.RejectedExecutionException";
        assert_eq!(without_secrets(text), text);
    }

    #[test]
    fn a_long_answer_is_cut() {
        let long = "é ".repeat(10_000);
        let said = words(long.as_bytes());
        assert!(said.chars().count() == LONGEST + 1 && said.ends_with('…'), "{said}");
    }
}
