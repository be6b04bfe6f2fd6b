//! Record accessors: how a configuration names a text in a record, `log`, `$log` or
//! `$kubernetes['labels']['app']`.

use bumpalo::Bump;

use super::{Member, Value, json};

/// A text in a record: that of a member, or one inside of its object.
#[derive(Debug, Clone)]
pub struct Accessor {
    /// Keys as JSON text between their quotes, from the record inwards.
    path: Vec<Vec<u8>>,
    /// It was written with a `$`.
    has_sigil: bool,
}

/// A text that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found<'t> {
    /// The text, without JSON's escapes.
    pub text: &'t [u8],
    /// The place of the member that holds it, unless that is one of several that were rendered before.
    pub member: Option<usize>,
}

impl Accessor {
    /// Reads `log`, `$log`, `$log['a']["b"]`. `None` if it is none of these.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let sound = |key: &str| json::sound_key(key.as_bytes(), &Bump::new()).to_vec();
        let Some(accessor) = text.strip_prefix('$') else {
            return (!text.is_empty()).then(|| Self { path: vec![sound(text)], has_sigil: false });
        };
        let (first, mut rest) = accessor.split_at(accessor.find('[').unwrap_or(accessor.len()));
        let mut path = vec![sound(first)];
        while !rest.is_empty() {
            let quote = rest.chars().nth(1).filter(|quote| matches!(quote, '\'' | '"'))?;
            let inside = rest.strip_prefix('[')?.strip_prefix(quote)?;
            let (key, behind) = inside.split_once(quote)?;
            path.push(sound(key));
            rest = behind.strip_prefix(']')?;
        }
        (!first.is_empty()).then_some(Self { path, has_sigil: true })
    }

    /// Whether it was written with a `$`.
    #[must_use]
    pub fn has_sigil(&self) -> bool {
        self.has_sigil
    }

    /// The text in a record of these members; the last one counts where a key stands twice.
    #[must_use]
    pub fn find<'t>(&self, members: &[Member<'t>], arena: &'t Bump) -> Option<Found<'t>> {
        let (first, inner) = self.path.split_first()?;
        let (member, mut value) = members.iter().enumerate().rev().find_map(|(at, member)| match member.value {
            Value::Members(rendered) => last(json::members_within(rendered), first).map(|value| (None, value)),
            value => (member.key == first).then_some((Some(at), value)),
        })?;
        for key in inner {
            let Value::Json(object) = value else { return None };
            value = last(json::members_of(object), key)?;
        }
        Some(Found { text: value.as_text(arena)?, member })
    }
}

fn last<'t>(members: json::MembersOf<'t>, key: &[u8]) -> Option<Value<'t>> {
    members.filter(|(name, _)| *name == key).last().map(|(_, value)| Value::Json(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Origin;

    #[test]
    fn finds_texts_in_members_in_their_objects_and_in_what_was_rendered() {
        let members = [
            Member::text(b"log", b"a", Origin::Runtime),
            Member::json(b"o", br#"{"x":{"y.z":"b\n"},"n":1}"#, Origin::Application),
            Member::members(br#""kubernetes":{"namespace_name":"flyte","labels":{"app":"x"}}"#, Origin::Filter),
        ];
        let arena = Bump::new();
        let found = |text: &str| {
            let found = Accessor::read(text).unwrap().find(&members, &arena)?;
            Some((String::from_utf8(found.text.to_vec()).unwrap(), found.member))
        };
        for (text, expected) in [
            ("log", Some(("a", Some(0)))),
            ("$log", Some(("a", Some(0)))),
            ("$o['x'][\"y.z\"]", Some(("b\n", Some(1)))),
            ("$kubernetes['namespace_name']", Some(("flyte", None))),
            ("$kubernetes['labels']['app']", Some(("x", None))),
            ("$o['n']", None),
            ("$o['x']", None),
            ("$kubernetes['pod_name']", None),
            ("$log['a']", None),
            ("other", None),
        ] {
            assert_eq!(found(text), expected.map(|(text, member)| (text.to_owned(), member)), "{text}");
        }
        for broken in ["", "$", "$['a']", "$a[b]", "$a['b", "$a['b']x"] {
            assert!(Accessor::read(broken).is_none(), "{broken}");
        }
    }
}
