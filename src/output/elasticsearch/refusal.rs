//! What a server says when it refuses a request, short and without secrets.
//!
//! A refusal may repeat what it refuses: Amazon's answer to a wrong signature quotes the request that it expected, with
//! its session token, and proxies echo headers. Only the words that say why are kept.

use serde_json::Value;

/// Longest text in characters: the servers' own reasons are shorter.
const LONGEST: usize = 300;

/// What stands before a secret, in lower case, wherever requests are quoted.
const BEFORE_SECRETS: [&str; 10] = [
    "authorization",
    "security-token",
    "api-key",
    "apikey",
    "bearer",
    "credential",
    "password",
    "passwd",
    "signature",
    "cookie",
];

/// What does so only as a key (`token=`, `"token":`, `auth-token:`): parsers speak of tokens, licences are basic.
const KEYS_OF_SECRETS: [&str; 3] = ["token", "secret", "basic"];

/// The schemes of HTTP whose next word is the secret, in lower case.
const SCHEMES: [&str; 3] = ["basic", "bearer", "apikey"];

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
    let mut next = Next::Anything;
    for word in text.split(|sign: char| sign.is_whitespace() || sign.is_control()).filter(|word| !word.is_empty()) {
        if !shown.is_empty() {
            shown.push(' ');
        }
        next = show(word, next, &mut shown);
    }
    shown
}

/// What the next word may be, as far as the one before it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Anything,
    /// `=` and a secret, behind a `password` that stands by itself.
    Assignment,
    Secret,
}

/// Shows a word as far as it may be shown. What the next one may be.
fn show(word: &str, this: Next, shown: &mut String) -> Next {
    let signs = announcements(word);
    let ends = (signs.iter().min(), signs.iter().max());
    let (first, last) = match ends {
        // `Basic`: what it announces is a word of its own.
        _ if is_scheme(word) => (word.len(), word.len()),
        (_, last) if this == Next::Secret => (0, last.copied().unwrap_or_default()),
        _ if this == Next::Assignment && word.starts_with(['=', ':']) => (1, 1),
        (Some(first), Some(last)) => (*first, *last),
        _ => {
            shown.push_str(&without_tokens(word));
            return if is_name(word) { Next::Assignment } else { Next::Anything };
        }
    };
    let (before, secret) = word.split_at(first);
    shown.push_str(&without_tokens(before));
    let is_all_shown = first > 0 && (is_without_letters(secret) || is_scheme(secret));
    shown.push_str(if is_all_shown { secret } else { HIDDEN });
    if goes_on(&word[last..]) { Next::Secret } else { Next::Anything }
}

/// Whether more of a secret follows in the next word. `rest` stands behind the last name that announces one:
/// nothing, the scheme of an `Authorization`, or one of several cookies.
fn goes_on(rest: &str) -> bool {
    is_without_letters(rest) || is_scheme(rest) || rest.ends_with(';')
}

/// Where secrets begin in a word, behind the signs of their names: `x-amz-security-token:`, `"cookie":`. Nothing is
/// announced by a name that only is one of the words of a sentence, or part of an exception's.
fn announcements(word: &str) -> Vec<usize> {
    let lower = word.to_ascii_lowercase();
    let names = BEFORE_SECRETS.iter().map(|name| (*name, false));
    let keys = KEYS_OF_SECRETS.iter().map(|name| (*name, true));
    let found = names.chain(keys).flat_map(|(name, is_key)| lower.match_indices(name).map(move |at| (at, is_key)));
    let behind = found.filter_map(|((at, name), is_key)| {
        let end = at + name.len();
        let sign = end + lower[end..].find([':', '='])?;
        let between = &lower[end..sign];
        let is_announced = if is_key {
            is_key_of_secret(&lower[..at], between, lower[sign..].starts_with('='))
        } else {
            !["exception", "error"].iter().any(|kind| between.contains(kind))
        };
        is_announced.then_some(sign + 1)
    });
    behind.collect()
}

/// See [`KEYS_OF_SECRETS`]. What stands before the name, and between it and its sign, which is a `=` or a `:`.
fn is_key_of_secret(before: &str, between: &str, is_assigned: bool) -> bool {
    let is_quoted = !between.is_empty() && between.chars().all(|sign| matches!(sign, '"' | '\'' | '\\'));
    is_quoted || between.is_empty() && (is_assigned || before.ends_with(['-', '_']))
}

fn is_scheme(word: &str) -> bool {
    SCHEMES.contains(&word.trim_matches(|sign: char| !sign.is_alphanumeric()).to_ascii_lowercase().as_str())
}

/// Whether a word ends with a name that announces a secret, its sign being in the next word.
fn is_name(word: &str) -> bool {
    let lower = word.trim_end_matches(['"', '\'']).to_ascii_lowercase();
    BEFORE_SECRETS.iter().chain(&KEYS_OF_SECRETS).any(|name| lower.ends_with(name))
}

fn is_without_letters(text: &str) -> bool {
    !text.contains(char::is_alphanumeric)
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
    fn secrets_are_found_however_requests_are_quoted() {
        for (text, shown) in [
            (r#"{"authorization":"Basic dXNlcjpwYXNz"}"#, r#"{"authorization":"Basic (hidden)"#),
            ("Authorization:Basic dXNlcjpwYXNz, host:x", "Authorization:Basic (hidden) host:x"),
            (r#"{\"authorization\":\"Bearer dXNl\"}"#, r#"{\"authorization\":\"Bearer (hidden)"#),
            (r#"{"authorization": "ApiKey dXNl"}"#, r#"{"authorization": "ApiKey (hidden)"#),
            (
                "GET /?X-Amz-Security-Token=IQoJb3&X-Amz-Signature=ab HTTP/1.1",
                "GET /?X-Amz-Security-Token=(hidden) HTTP/1.1",
            ),
            (r#"{"x-amz-security-token":"IQoJ","cookie":"a=1"}"#, r#"{"x-amz-security-token":(hidden)"#),
            (r#"{"x-api-key":"dXNl","authorization":"Basic cGFz"} x"#, r#"{"x-api-key":(hidden) (hidden) x"#),
            (r#"{"authorization":"Basic dXNl","password": "cGFz"}"#, r#"{"authorization":"Basic (hidden) (hidden)"#),
            ("Cookie: a=1; sid=x", "Cookie: (hidden) (hidden)"),
            ("Cookie:a=1; sid=x; b=2 Host: y", "Cookie:(hidden) (hidden) (hidden) Host: y"),
            ("password = x is wrong", "password = (hidden) is wrong"),
            (r#"{"password" : "x"}"#, r#"{"password" : (hidden)"#),
            ("password =x", "password =(hidden)"),
            ("/_bulk?token=x&a=b is", "/_bulk?token=(hidden) is"),
            (r#"{"access_token":"x","a":1}"#, r#"{"access_token":(hidden)"#),
            ("X-Auth-Token: x", "X-Auth-Token: (hidden)"),
            ("client_secret=x", "client_secret=(hidden)"),
        ] {
            assert_eq!(without_secrets(text), shown, "{text}");
        }
    }

    #[test]
    fn names_of_indices_fields_and_shards_stay() {
        for text in [
            "action [indices:data/read/search] is unauthorized for user [amy] on indices [flyte-logs-2026.11.22], this \
             action is granted by the index privileges [read,all]",
            "missing authentication credentials for REST request [/_bulk]",
            "unable to authenticate user [elastic]",
            "java.util.concurrent.RejectedExecutionException",
            "mapper_parsing_exception: failed to parse field [x] of type [long]",
            "failed to parse field [password] of type [long] in document with id 'a'",
            "index [flyte] blocked by: [FORBIDDEN/12/index read-only / allow delete (api)]",
            "InvalidSignatureException: Signature expired",
            "json_parse_exception: Unrecognized token 'x': was expecting (JSON String, Number or 'null')",
            "expected a token but found unexpected token: [START_OBJECT]",
        ] {
            assert_eq!(without_secrets(text), text);
        }
    }

    #[test]
    fn a_long_answer_is_cut() {
        let long = "é ".repeat(10_000);
        let said = words(long.as_bytes());
        assert!(said.chars().count() == LONGEST + 1 && said.ends_with('…'), "{said}");
    }
}
