//! The redact filter: secrets in texts are replaced before they leave.
//!
//! Filters see records when their lines are joined, and before they are in a batch: so nothing that is
//! sent, tried again or kept as a dead letter holds what this one took out. The log files themselves, and
//! the copies of removed ones in the spool, stay as the application wrote them.

mod rules;
mod scalars;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::ops::Range;

use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;
use serde::de::IgnoredAny;

use super::{Action, Filter};
use crate::config::{Kind, OptionSpec, Options, Plugin, Problems};
use crate::record::escape::write_escaped;
use crate::record::{Member, Origin, Record, Source, Turn, Value, json};
use crate::telemetry::accounts::FilterCounter;
use rules::{NAMED, Rule, RuleError, Rules};
use scalars::{Kind as ScalarKind, has_plain_keys, scalars};

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
             JSON (also where a line is JSON that nothing split), without its quotes and escapes; numbers, too. `^` and \
             `$` are the ends of such a text. Texts of up to 1 KiB are searched as `\"key\":\"text\"`, too (numbers as \
             `\"key\":1`), without blanks, so that a rule can name the key. If it has a group, what the first one took is \
             replaced, else all that matched. A number with a secret becomes a text.",
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

    /// The same of a text. One that is JSON which nothing split is searched as if it were split: its escapes and
    /// blanks would hide secrets, and what is taken out of it must leave it JSON.
    fn redacted_text<'t>(&self, key: &[u8], text: &'t [u8], arena: &'t Bump) -> Option<&'t [u8]> {
        if matches!(text.trim_ascii_start(), [b'{' | b'[', ..]) {
            let is_clean = self.is_clean(text);
            // That it is JSON matters to the own rules alone then, which may name the text's key.
            if is_clean && (self.rules.own().is_empty() || text.len() > LONGEST_NAMED) {
                return None;
            }
            if serde_json::from_slice::<IgnoredAny>(text).is_ok() {
                return if is_clean { None } else { self.replace_scalars(None, text, arena) };
            }
        }
        let key = Key { name: json::unescape(key, arena), quote: b"\"" };
        let secrets = self.secrets(Some(key), text, arena);
        if secrets.is_empty() {
            return None;
        }
        let mut out = ArenaVec::new_in(arena);
        self.write_without(&secrets, text, &mut out);
        Some(out.into_bump_slice())
    }

    /// The same of JSON.
    fn redacted_json<'t>(&self, key: Option<&[u8]>, json: &'t [u8], arena: &'t Bump) -> Option<&'t [u8]> {
        // Nearly all values end here. To what is no object its own key matters, too.
        let is_whole = key.is_none() || json.first() == Some(&b'{');
        if is_whole && self.is_clean(json) {
            return None;
        }
        self.replace_scalars(key, json, arena)
    }

    /// Searching JSON as a whole shows that none of its scalars has a secret. It does so only if each of them, with its
    /// key, stands there as it is searched.
    fn is_clean(&self, json: &[u8]) -> bool {
        !self.rules.is_anchored && has_plain_keys(json, !self.rules.own().is_empty()) && !self.rules.is_match(json)
    }

    /// JSON without the secrets in its scalars, so that no quote is ever taken for a part of a secret.
    fn replace_scalars<'t>(&self, key: Option<&[u8]>, json: &'t [u8], arena: &'t Bump) -> Option<&'t [u8]> {
        let (mut out, mut copied) = (ArenaVec::new_in(arena), 0);
        for scalar in scalars(key, json) {
            let is_number = scalar.kind == ScalarKind::Number;
            // No rule with a name is for numbers.
            if is_number && self.rules.own().is_empty() {
                continue;
            }
            let text = json::unescape(&json[scalar.place.clone()], arena);
            let quote: &[u8] = if is_number { b"" } else { b"\"" };
            let key = scalar.key.map(|key| Key { name: json::unescape(key, arena), quote });
            let secrets = self.secrets(key, text, arena);
            if secrets.is_empty() {
                continue;
            }
            let mut without = ArenaVec::new_in(arena);
            self.write_without(&secrets, text, &mut without);
            let mut written = Vec::with_capacity(without.len());
            write_escaped(&mut written, &without);
            out.extend_from_slice_copy(&json[copied..scalar.place.start]);
            // A text has its quotes already.
            let quote: &[u8] = if is_number { b"\"" } else { b"" };
            for part in [quote, &written, quote] {
                out.extend_from_slice_copy(part);
            }
            copied = scalar.place.end;
        }
        if copied == 0 {
            return None;
        }
        out.extend_from_slice_copy(&json[copied..]);
        Some(out.into_bump_slice())
    }

    /// Where the text has secrets, in order and apart from each other. What the key says of the text counts: a short
    /// one is searched as a line would have the two, `"key":"text"`.
    fn secrets<'t>(&self, key: Option<Key<'_>>, text: &[u8], arena: &'t Bump) -> ArenaVec<'t, Range<usize>> {
        let (rules, mut found) = (&self.rules, ArenaVec::new_in(arena));
        let Some(key) = key.filter(|_| text.len() <= LONGEST_NAMED) else {
            if rules.is_match(text) {
                find(rules.each(), text, 0..text.len(), &mut found);
            }
            return apart(found);
        };
        let mut line = ArenaVec::with_capacity_in(key.name.len() + 5 + text.len(), arena);
        for part in [b"\"", key.name, b"\":", key.quote, text, key.quote] {
            line.extend_from_slice_copy(part);
        }
        let start = key.name.len() + 3 + key.quote.len();
        // What a rule without anchors finds in the text alone, it finds in the line.
        if rules.is_match(&line) || (rules.is_anchored && rules.own().iter().any(|rule| rule.is_match(text))) {
            // The ends of the text are its own only while nothing stands around it.
            find(rules.own(), text, 0..text.len(), &mut found);
            find(rules.each(), &line, start..start + text.len(), &mut found);
        }
        apart(found)
    }

    /// Writes the text with the replacement in these places.
    fn write_without(&self, secrets: &[Range<usize>], text: &[u8], out: &mut ArenaVec<'_, u8>) {
        let mut end = 0;
        for secret in secrets {
            out.extend_from_slice_copy(&text[end..secret.start]);
            out.extend_from_slice_copy(&self.replacement);
            end = secret.end;
        }
        out.extend_from_slice_copy(&text[end..]);
        self.secrets.set(self.secrets.get() + secrets.len() as u64);
    }
}

/// The key of a text or number.
#[derive(Clone, Copy)]
struct Key<'k> {
    /// Without its quotes and escapes.
    name: &'k [u8],
    /// What stands around the value.
    quote: &'static [u8],
}

/// Adds what each of the rules finds in this place of a text, counted from its start; the rest is only looked at.
fn find(rules: &[Rule], text: &[u8], place: Range<usize>, found: &mut ArenaVec<'_, Range<usize>>) {
    for rule in rules {
        let secrets = rule.secrets(text).filter(|secret| secret.end > place.start && secret.start < place.end);
        found.extend(secrets.map(|secret| {
            let (start, end) = (secret.start.max(place.start), secret.end.min(place.end));
            start - place.start..end - place.start
        }));
    }
}

/// The places in order, those that overlap as one.
fn apart(mut places: ArenaVec<'_, Range<usize>>) -> ArenaVec<'_, Range<usize>> {
    places.sort_unstable_by_key(|place| place.start);
    places.dedup_by(|next, last| {
        let is_within = next.start < last.end;
        if is_within {
            last.end = last.end.max(next.end);
        }
        is_within
    });
    places
}
