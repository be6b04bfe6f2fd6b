//! The redact filter: secrets in texts are replaced before they leave.
//!
//! Filters see records when their lines are joined, and before they are in a batch: so nothing that is
//! sent, tried again or kept as a dead letter holds what this one took out. The log files themselves, and
//! the copies of removed ones in the spool, stay as the application wrote them.

mod rules;

use std::cell::Cell;
use std::ops::Range;

use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;
use memchr::{memchr, memchr2};

use super::{Action, Filter};
use crate::config::{Kind, OptionSpec, Options, Plugin, Problems};
use crate::record::escape::write_escaped;
use crate::record::{Member, Origin, Record, Source, Turn, Value, json};
use crate::telemetry::accounts::FilterCounter;
use rules::{NAMED, RuleError, Rules, Search};

/// The filter as configurations see it.
pub const PLUGIN: Plugin = Plugin {
    name: "redact",
    doc: "Replaces secrets in the texts of records, also in those inside of JSON, before anything is sent or kept as a \
          dead letter. It sees lines when they are joined: a secret in a traceback is found, too. What filters added \
          (`kubernetes`) is left alone. Not one of Fluent Bit's.",
    options: &[
        OptionSpec::new(
            "Rules",
            Kind::List,
            "bearer, jwt, cloud_keys, private_keys, url_passwords",
            "What is taken for a secret. `bearer`: tokens behind `Bearer`, passwords behind `Authorization: Basic`; \
             `jwt`: JSON web tokens; `cloud_keys`: access keys of AWS, Google, Azure, tokens of GitHub; \
             `private_keys`: PEM blocks; `url_passwords`: `scheme://user:password@host`. `none`: only `Regex`.",
        ),
        OptionSpec::new(
            "Regex",
            Kind::Text,
            "",
            "Another rule: a regular expression, searched for in each text: the value of a member, each string inside of \
             JSON (also where a line is JSON that nothing split), without its quotes and escapes. `^` and `$` are the \
             ends of such a text. Texts of up to 1 KiB are searched as `\"key\":\"text\"`, too, so that a rule can name \
             the key. If it has a group, what the first one took is replaced, else all that matched.",
        )
        .repeatable(),
        OptionSpec::new("Replacement", Kind::Text, "[REDACTED]", "What stands in the place of a secret."),
    ],
};

/// Builds the filter from its checked options.
pub(super) fn build(options: &Options<'_>, problems: &mut Problems) -> Option<Box<dyn Filter>> {
    let mut names = options.list("Rules");
    names.retain(|name| !name.eq_ignore_ascii_case("none"));
    let own = options.all("Regex");
    if names.is_empty() && own.is_empty() {
        let problem = options.problem("Rules", "the redact filter has neither Rules nor a Regex");
        problems.push(problem.with_hint("take `Rules none` out, or write a Regex"));
        return None;
    }
    match Rules::new(&names, &own) {
        Ok(rules) => {
            let replacement = options.text("Replacement").unwrap_or_default().as_bytes().to_vec();
            Some(Box::new(Redact { rules, replacement, secrets: Cell::new(0) }))
        }
        Err(error) => {
            let key = if matches!(error, RuleError::Unknown(_)) { "Rules" } else { "Regex" };
            let known: Vec<_> = NAMED.iter().map(|(name, _)| *name).collect();
            let hint = match &error {
                RuleError::Unknown(_) => format!("rules are {}", known.join(", ")),
                RuleError::Expression(..) => "groups of two expressions must not have the same name".to_owned(),
                RuleError::Empty(_) => "it has to match at least one character".to_owned(),
            };
            problems.push(options.problem(key, error.to_string()).with_hint(hint));
            None
        }
    }
}

/// Texts up to so many bytes are searched together with their keys: what a key names is short where it is a secret.
const LONGEST_NAMED: usize = 1024;

/// The filter.
struct Redact {
    rules: Rules,
    replacement: Vec<u8>,
    /// Secrets since the start.
    secrets: Cell<u64>,
}

impl Filter for Redact {
    fn prepare(&mut self, _: &mut Source) {}

    fn apply<'t>(&'t self, record: &mut Record<'t>, turn: &Turn<'t>) -> Action {
        for member in record.members.iter_mut().filter(|member| may_hold_secrets(member)) {
            if let Some(value) = self.redacted(member, turn.arena) {
                member.value = value;
            }
        }
        Action::Keep
    }

    fn counters(&self) -> Vec<FilterCounter> {
        let help = "Secrets that redact filters replaced";
        vec![FilterCounter { name: "redacted_secrets", help, value: self.secrets.get() }]
    }
}

/// What the runtime and the API server tell in words of their own holds none.
fn may_hold_secrets(member: &Member<'_>) -> bool {
    let own: &[&[u8]] = match member.origin {
        Origin::Filter => &[b"kubernetes"],
        Origin::Runtime => &[b"stream", b"time"],
        Origin::Application => &[],
    };
    !own.contains(&member.key)
}

impl Redact {
    /// The value without its secrets, if it has any.
    fn redacted<'t>(&self, member: &Member<'t>, arena: &'t Bump) -> Option<Value<'t>> {
        match member.value {
            Value::Text(text) => self.redacted_text(member.key, text, arena).map(Value::Text),
            Value::Json(json) => self.redacted_json(Some(member.key), json, arena).map(Value::Json),
            Value::Members(members) => self.redacted_json(None, members, arena).map(Value::Members),
        }
    }

    /// The same of a text, which may be JSON that nothing split.
    fn redacted_text<'t>(&self, key: &[u8], text: &'t [u8], arena: &'t Bump) -> Option<&'t [u8]> {
        let mut out = ArenaVec::new_in(arena);
        let replaced: Option<&'t [u8]> = self.replace(Some(key), text, &mut out).then(|| out.into_bump_slice());
        let text = replaced.unwrap_or(text);
        // Rules without anchors found in the whole what they would find in its strings.
        let is_json = self.rules.is_anchored
            && text.first() == Some(&b'{')
            && json::split(text, arena, &mut Vec::new(), Origin::Application).is_ok();
        let inside = if is_json { self.redacted_json(None, text, arena) } else { None };
        inside.or(replaced)
    }

    /// The same of JSON, string by string, so that no quote is ever taken for a part of a secret.
    fn redacted_json<'t>(&self, key: Option<&[u8]>, json: &'t [u8], arena: &'t Bump) -> Option<&'t [u8]> {
        // What has no escapes is searched as a whole: nearly all values end here.
        let is_long = key.is_none_or(|_| json.len() > LONGEST_NAMED);
        if is_long && !self.rules.is_anchored && memchr(b'\\', json).is_none() && !self.rules.all.is_match(json) {
            return None;
        }
        let (mut out, mut copied, mut at, mut key) = (ArenaVec::new_in(arena), 0, 0, key);
        while let Some(quote) = memchr(b'"', json.get(at..)?) {
            let start = at + quote + 1;
            let end = start + string_length(json.get(start..)?);
            let inner = json.get(start..end)?;
            let mut text = ArenaVec::new_in(arena);
            let unescaped = json::unescape(inner, arena);
            let is_key = json[end..].iter().skip(1).find(|byte| !byte.is_ascii_whitespace()) == Some(&b':');
            let named = key.take().filter(|_| !is_key);
            key = is_key.then_some(unescaped);
            if self.replace(named, unescaped, &mut text) {
                out.extend_from_slice_copy(&json[copied..start]);
                let mut written = Vec::with_capacity(text.len());
                write_escaped(&mut written, &text);
                out.extend_from_slice_copy(&written);
                copied = end;
            }
            at = end + 1;
        }
        if copied == 0 {
            return None;
        }
        out.extend_from_slice_copy(&json[copied..]);
        Some(out.into_bump_slice())
    }

    /// Writes the text without its secrets. Whether it has any; if not, nothing is written. What the key says of the
    /// text counts: a short one is searched as a line would have the two, `"key":"text"`.
    fn replace(&self, key: Option<&[u8]>, text: &[u8], out: &mut ArenaVec<'_, u8>) -> bool {
        let Some(key) = key.filter(|_| text.len() <= LONGEST_NAMED) else {
            return self.replace_in(&self.rules.all, text, 0..text.len(), out);
        };
        let arena = out.bump();
        let mut without = ArenaVec::new_in(arena);
        let own = self.rules.own.as_ref();
        // The ends of the text are its own only while nothing stands around it.
        let has_own = own.is_some_and(|own| self.replace_in(own, text, 0..text.len(), &mut without));
        let (text, others) = match (has_own, &self.rules.named) {
            (false, _) => (text, &self.rules.all),
            (true, Some(named)) => (&*without, named),
            (true, None) => {
                out.extend_from_slice_copy(&without);
                return true;
            }
        };
        let mut line = ArenaVec::with_capacity_in(key.len() + 5 + text.len(), arena);
        for part in [b"\"".as_slice(), key, b"\":\"", text] {
            line.extend_from_slice_copy(part);
        }
        let place = line.len() - text.len()..line.len();
        line.push(b'"');
        let has_others = self.replace_in(others, &line, place, out);
        if has_own && !has_others {
            out.extend_from_slice_copy(text);
        }
        has_own || has_others
    }

    /// The same of what stands in this place of a text; the rest is only looked at.
    fn replace_in(&self, rules: &Search, text: &[u8], place: Range<usize>, out: &mut ArenaVec<'_, u8>) -> bool {
        if !rules.is_match(text) {
            return false;
        }
        let mut end = place.start;
        let before = self.secrets.get();
        for secret in rules.secrets(text).filter(|secret| secret.end > place.start && secret.start < place.end) {
            out.extend_from_slice_copy(&text[end..secret.start.max(place.start)]);
            out.extend_from_slice_copy(&self.replacement);
            end = secret.end.min(place.end);
            self.secrets.set(self.secrets.get() + 1);
        }
        if self.secrets.get() == before {
            return false;
        }
        out.extend_from_slice_copy(&text[end..place.end]);
        true
    }
}

/// Bytes of a valid JSON string up to its closing quote.
fn string_length(rest: &[u8]) -> usize {
    let mut at = 0;
    loop {
        match memchr2(b'"', b'\\', &rest[at.min(rest.len())..]) {
            None => return rest.len(),
            Some(found) if rest[at + found] == b'"' => return at + found,
            Some(found) => at += found + 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Class, Environment, instance};
    use crate::record::{DocumentId, Timestamp};

    fn built(pairs: &[(&str, &str)]) -> (Option<Box<dyn Filter>>, Problems) {
        let pairs: Vec<_> = [("Match", "*")].iter().chain(pairs).copied().collect();
        let (definition, mut problems) = instance(Class::Filter, &PLUGIN, &pairs, &Environment::default());
        let filter = build(&definition.options(), &mut problems);
        (filter, problems)
    }

    /// The members behind the filter, and how many secrets it counted.
    fn filtered(pairs: &[(&str, &str)], members: &[Member<'_>]) -> (Vec<String>, u64) {
        let (filter, problems) = built(pairs);
        let filter = filter.unwrap_or_else(|| panic!("{problems}"));
        let arena = Bump::new();
        let source = Source {
            id: 1,
            input: 0,
            tag: "t".to_owned(),
            path: None,
            container: None,
            pod: None,
            log: None,
            began: None,
        };
        let turn = Turn { arena: &arena, source: &source, now: Timestamp(0) };
        let id = DocumentId::random(Timestamp(0));
        let mut record = Record { time: Timestamp(7), members: members.to_vec(), id, truncated: false, unique: true };
        assert_eq!(filter.apply(&mut record, &turn), Action::Keep);
        let shown = |member: &Member<'_>| {
            let (Value::Json(bytes) | Value::Text(bytes) | Value::Members(bytes)) = member.value;
            String::from_utf8(bytes.to_vec()).unwrap()
        };
        (record.members.iter().map(shown).collect(), filter.counters()[0].value)
    }

    #[test]
    fn texts_and_strings_inside_of_json_lose_their_secrets() {
        let members = [
            Member::text(b"log", b"call with Bearer abcdefgh12345", Origin::Runtime),
            Member::json(
                b"request",
                br#"{"auth":"Bearer abcdefgh","deep":["AKIAIOSFODNN7EXAMPLE",1]}"#,
                Origin::Application,
            ),
            Member::json(b"url", br#""http:\/\/me:pass@host\/\n""#, Origin::Application),
            Member::members(br#""a":"Bearer abcdefgh","b":2"#, Origin::Application),
            Member::json(b"kubernetes", br#"{"annotations":{"a":"Bearer abcdefgh"}}"#, Origin::Filter),
            Member::json(b"plain", br#"{"a":"b\n"}"#, Origin::Application),
            // As the Flyte filter leaves it.
            Member::text(b"message", b"call with Bearer abcdefgh12345", Origin::Filter),
            // What only the key tells.
            Member::json(
                b"headers",
                br#"{"Authorization": "Basic dXNlcjpwYXNz","Accept":"Basic dXNlcjpwYXNz"}"#,
                Origin::Application,
            ),
            Member::json(b"Authorization", br#""Basic dXNlcjpwYXNz""#, Origin::Application),
            Member::text(b"authorization", b"Basic dXNlcjpwYXNz", Origin::Application),
        ];
        let (shown, secrets) = filtered(&[], &members);
        let expected = [
            "call with Bearer [REDACTED]",
            r#"{"auth":"Bearer [REDACTED]","deep":["[REDACTED]",1]}"#,
            r#""http://me:[REDACTED]@host/\n""#,
            r#""a":"Bearer [REDACTED]","b":2"#,
            r#"{"annotations":{"a":"Bearer abcdefgh"}}"#,
            r#"{"a":"b\n"}"#,
            "call with Bearer [REDACTED]",
            r#"{"Authorization": "Basic [REDACTED]","Accept":"Basic dXNlcjpwYXNz"}"#,
            r#""Basic [REDACTED]""#,
            "Basic [REDACTED]",
        ];
        assert_eq!((shown, secrets), (expected.map(str::to_owned).to_vec(), 9));
    }

    #[test]
    fn an_own_rule_cannot_break_json() {
        let member = Member::json(b"m", br#"{"a":"x secret=a\"b\\","c":"d"}"#, Origin::Application);
        let pairs = [("Rules", "none"), ("Regex", "secret=.*"), ("Replacement", "\"gone\"")];
        let (shown, secrets) = filtered(&pairs, &[member]);
        assert_eq!((shown, secrets), (vec![r#"{"a":"x \"gone\"","c":"d"}"#.to_owned()], 1));
    }

    #[test]
    fn anchors_of_an_own_rule_are_the_ends_of_a_value() {
        let members = [
            Member::text(b"log", b"tok_a", Origin::Runtime),
            Member::text(b"log", b"see tok_a", Origin::Runtime),
            Member::json(b"request", br#"{"a":"tok_b","n":{"b":"tok\u005fc"},"c":"x tok_d"}"#, Origin::Application),
            Member::json(b"token", br#""tok_f""#, Origin::Application),
            Member::members(br#""a":"tok_g","b":2"#, Origin::Application),
            // JSON that nobody split.
            Member::text(b"log", br#"{"a":"tok_h","b":["tok_i"],"c":"x tok_j"}"#, Origin::Runtime),
            Member::text(b"log", br#"{"a":"tok_h""#, Origin::Runtime),
        ];
        let (shown, secrets) = filtered(&[("Rules", "none"), ("Regex", r"^tok_\w+$"), ("Replacement", "#")], &members);
        let expected = [
            "#",
            "see tok_a",
            r##"{"a":"#","n":{"b":"#"},"c":"x tok_d"}"##,
            r##""#""##,
            r##""a":"#","b":2"##,
            r##"{"a":"#","b":["#"],"c":"x tok_j"}"##,
            r#"{"a":"tok_h""#,
        ];
        assert_eq!((shown, secrets), (expected.map(str::to_owned).to_vec(), 7));
    }

    #[test]
    fn an_own_rule_may_name_the_key() {
        let member = Member::json(b"m", br#"{"pin":"1234","tin":"1234"}"#, Origin::Application);
        let pairs = [("Rules", "none"), ("Regex", r#""pin":"(\d+)""#), ("Replacement", "#")];
        let (shown, secrets) = filtered(&pairs, &[member]);
        assert_eq!((shown, secrets), (vec![r##"{"pin":"#","tin":"1234"}"##.to_owned()], 1));
    }

    #[test]
    fn what_is_wrong_with_the_rules_is_said() {
        for (pairs, expected) in [
            (&[("Rules", "jwt, jvt")][..], "there is no rule `jvt`"),
            (&[("Rules", "none")], "neither Rules nor a Regex"),
            (&[("Regex", "a(")], "no regular expression"),
            (&[("Regex", "x*")], "matches the empty text"),
        ] {
            let (filter, problems) = built(pairs);
            assert!(filter.is_none() && problems.to_string().contains(expected), "{problems}");
        }
    }
}
