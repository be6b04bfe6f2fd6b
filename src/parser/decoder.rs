//! `Decode_Field` and `Decode_Field_As`: members whose text holds something encoded.
//!
//! The rules of a member run in the order of the file. The first that succeeds is the last, unless
//! it says `do_next`; one that fails is the last, unless it says `try_next` or `do_next`.

use bumpalo::Bump;
use bumpalo::collections::Vec as ArenaVec;

use super::unescape;
use crate::config::{Options, Problems};
use crate::record::{Member, Origin, Value, json};

/// The rules of a parser, by member.
#[derive(Debug, Clone, Default)]
pub(super) struct Decoders(Vec<Field>);

#[derive(Debug, Clone)]
struct Field {
    key: Vec<u8>,
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, Copy)]
struct Rule {
    encoding: Encoding,
    target: Target,
    action: Action,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Json,
    Escaped,
    EscapedUtf8,
    MysqlQuoted,
}

/// Where the decoded value goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    /// Its members go behind all others; the member stays. (`Decode_Field`)
    Record,
    /// It takes the member's place. (`Decode_Field_As`)
    Member,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Stop,
    /// After a failure, go on.
    TryNext,
    /// Go on in any case.
    DoNext,
}

impl Decoders {
    /// Reads the rules of a `[PARSER]` section; what is none is a problem.
    pub(super) fn new(options: &Options<'_>, problems: &mut Problems) -> Self {
        let mut decoders = Self::default();
        for (name, text) in options.in_order(&["Decode_Field", "Decode_Field_As"]) {
            let target = if name == "Decode_Field" { Target::Record } else { Target::Member };
            match rule(text, target) {
                Ok((key, rule)) => decoders.add(key, rule),
                Err(reason) => {
                    let hint = "as in: Decode_Field_As json log try_next; decoders are json, escaped, escaped_utf8, \
                                mysql_quoted; actions are try_next, do_next";
                    problems.push(options.problem(name, format!("{name}: \"{text}\": {reason}")).with_hint(hint));
                }
            }
        }
        decoders
    }

    fn add(&mut self, key: Vec<u8>, rule: Rule) {
        match self.0.iter_mut().find(|field| field.key == key) {
            Some(field) => field.rules.push(rule),
            None => self.0.push(Field { key, rules: vec![rule] }),
        }
    }

    /// Decodes the members from `begin` on.
    #[inline]
    pub(super) fn apply<'t>(&self, arena: &'t Bump, members: &mut Vec<Member<'t>>, begin: usize) {
        for field in &self.0 {
            if let Some(at) = members[begin..].iter().position(|member| member.key == field.key) {
                field.apply(arena, members, begin + at);
            }
        }
    }
}

fn rule(text: &str, target: Target) -> Result<(Vec<u8>, Rule), &'static str> {
    let words: Vec<_> = text.split_ascii_whitespace().collect();
    let (encoding, key, action) = match words[..] {
        [encoding, key] => (encoding, key, Action::Stop),
        [encoding, key, action] if action.eq_ignore_ascii_case("try_next") => (encoding, key, Action::TryNext),
        [encoding, key, action] if action.eq_ignore_ascii_case("do_next") => (encoding, key, Action::DoNext),
        [_, _, _] => return Err("the third word is no action"),
        _ => return Err("it needs a decoder, a member and perhaps an action"),
    };
    let encoding = match encoding.to_ascii_lowercase().as_str() {
        "json" => Encoding::Json,
        "escaped" => Encoding::Escaped,
        "escaped_utf8" => Encoding::EscapedUtf8,
        "mysql_quoted" => Encoding::MysqlQuoted,
        _ => return Err("the first word is no decoder"),
    };
    if target == Target::Record && encoding != Encoding::Json {
        return Err("only json gives members to merge; Decode_Field_As replaces the text");
    }
    let key = json::sound_key(key.as_bytes(), &Bump::new()).to_vec();
    Ok((key, Rule { encoding, target, action }))
}

impl Field {
    fn apply<'t>(&self, arena: &'t Bump, members: &mut Vec<Member<'t>>, at: usize) {
        let mut has_merged = false;
        for rule in &self.rules {
            let Some(text) = members[at].value.as_text(arena) else { return };
            let is_merged = rule.target == Target::Record;
            if is_merged && has_merged {
                continue;
            }
            let decoded = match rule.encoding {
                Encoding::Json => decode_json(text, rule.target, arena, members, at),
                other => {
                    members[at].value = Value::Text(other.decode(text, arena));
                    true
                }
            };
            has_merged |= decoded && is_merged;
            let stops = match rule.action {
                Action::Stop => true,
                Action::TryNext => decoded,
                Action::DoNext => false,
            };
            if stops {
                return;
            }
        }
    }
}

impl Encoding {
    fn decode<'t>(self, text: &'t [u8], arena: &'t Bump) -> &'t [u8] {
        let text = match (self, text) {
            (Self::MysqlQuoted, [quote @ (b'\'' | b'"'), inside @ .., end]) if quote == end => inside,
            (Self::MysqlQuoted, _) => return text,
            _ => text,
        };
        if memchr::memchr(b'\\', text).is_none() {
            return text;
        }
        let mut out = ArenaVec::with_capacity_in(text.len(), arena);
        match self {
            Self::MysqlQuoted => unescape::mysql(text, &mut out),
            Self::EscapedUtf8 => unescape::c_escapes(text, &mut out),
            Self::Escaped | Self::Json => unescape::line_feeds(text, &mut out),
        }
        out.into_bump_slice()
    }
}

/// Splits a text that is one object. Whether it is.
fn decode_json<'t>(text: &'t [u8], target: Target, arena: &'t Bump, members: &mut Vec<Member<'t>>, at: usize) -> bool {
    let begin = members.len();
    if !text.trim_ascii_start().starts_with(b"{") || json::split(text, arena, members, Origin::Application).is_err() {
        return false;
    }
    if target == Target::Member {
        members[at].value = Value::Json(object(&members[begin..], arena));
        members.truncate(begin);
    }
    true
}

/// The members of JSON as one object.
fn object<'t>(members: &[Member<'t>], arena: &'t Bump) -> &'t [u8] {
    let mut out = ArenaVec::new_in(arena);
    out.push(b'{');
    for member in members {
        let Value::Json(json) = member.value else { continue };
        if out.len() > 1 {
            out.push(b',');
        }
        for part in [b"\"", member.key, b"\":", json] {
            out.extend_from_slice(part);
        }
    }
    out.push(b'}');
    out.into_bump_slice()
}
