//! The format `regex`: named groups become members.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use bumpalo::Bump;

use super::engine::{Engine, EngineKind, Found, Scratch};
use super::explain::Taken;
use super::time_field::TimeField;
use super::types::{Type, Types};
use super::{Parsed, onigmo};
use crate::record::{Member, Origin, Timestamp, json};

/// A compiled expression.
#[derive(Debug)]
pub(super) struct Expression {
    /// As it is written in the parsers file.
    source: String,
    names: Vec<String>,
    engine: Engine,
    /// Where the groups matched last: kept, so that matching allocates nothing. Never waited for:
    /// who finds it taken uses a scratch of its own.
    scratch: Mutex<Scratch>,
    fields: Vec<Field>,
    skip_empty: bool,
    /// Texts whose search took too long. Clones count for themselves.
    cut_off: AtomicU64,
}

/// A group name. Several groups may have it: the last one that matched something counts.
#[derive(Debug, Clone)]
struct Field {
    key: Vec<u8>,
    groups: Vec<usize>,
    kind: Type,
}

impl Clone for Expression {
    fn clone(&self) -> Self {
        Self {
            source: self.source.clone(),
            names: self.names.clone(),
            engine: self.engine.clone(),
            scratch: Mutex::default(),
            fields: self.fields.clone(),
            skip_empty: self.skip_empty,
            cut_off: AtomicU64::new(0),
        }
    }
}

impl Expression {
    /// Compiles an expression in Onigmo's spelling.
    ///
    /// # Errors
    /// If it is not valid, or asks for what no engine can do.
    pub(super) fn new(text: &str, skip_empty: bool, types: &Types) -> Result<Self, onigmo::Error> {
        let translated = onigmo::translate(text)?;
        let engine = Engine::new(&translated)?;
        let mut fields: Vec<Field> = Vec::new();
        for (group, name) in translated.names().enumerate() {
            let key = json::sound_key(name.as_bytes(), &Bump::new()).to_vec();
            match fields.iter_mut().find(|field| field.key == key) {
                Some(field) => field.groups.push(group),
                None => fields.push(Field { kind: types.of(&key), key, groups: vec![group] }),
            }
        }
        let names = translated.names().map(str::to_owned).collect();
        Ok(Self {
            source: text.to_owned(),
            names,
            engine,
            scratch: Mutex::default(),
            fields,
            skip_empty,
            cut_off: AtomicU64::new(0),
        })
    }

    /// Whether there is a group with a name.
    pub(super) fn has_fields(&self) -> bool {
        !self.fields.is_empty()
    }

    /// The engine, and why it is this one.
    pub(super) fn engine(&self) -> (EngineKind, &str) {
        (self.engine.kind(), self.engine.reason())
    }

    /// The expression as it is written.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// What each group takes of a text.
    pub(super) fn groups(&self, text: &[u8]) -> Vec<Taken> {
        let mut scratch = Scratch::default();
        self.engine.search(text, &mut scratch);
        let span = |group| scratch.group(group).map(|(start, end)| start..end);
        let names = self.names.iter().enumerate();
        names.map(|(group, name)| Taken { name: name.clone(), span: span(group) }).collect()
    }

    /// How many texts were given up because the search took too long.
    pub(super) fn cut_off(&self) -> u64 {
        self.cut_off.load(Ordering::Relaxed)
    }

    /// The same since the last call.
    pub(super) fn take_cut_off(&self) -> u64 {
        self.cut_off.swap(0, Ordering::Relaxed)
    }

    /// Whether [`Expression::parse`] would match.
    pub(super) fn is_match(&self, text: &[u8]) -> bool {
        let search = |scratch: &mut Scratch| match self.engine.search(text, scratch) {
            Found::Matched(_) => true,
            Found::Unmatched => false,
            Found::CutOff => {
                self.cut_off.fetch_add(1, Ordering::Relaxed);
                false
            }
        };
        self.has_fields()
            && self
                .scratch
                .try_lock()
                .map_or_else(|_| search(&mut Scratch::default()), |mut scratch| search(&mut scratch))
    }

    /// Matches `text` and appends a member for each group.
    pub(super) fn parse<'t>(
        &'t self,
        text: &'t [u8],
        time: (Option<&TimeField>, Timestamp),
        arena: &'t Bump,
        members: &mut Vec<Member<'t>>,
    ) -> Parsed {
        if !self.has_fields() {
            return Parsed::Unmatched;
        }
        match self.scratch.try_lock() {
            Ok(mut scratch) => self.parse_with(&mut scratch, text, time, arena, members),
            Err(_) => self.parse_with(&mut Scratch::default(), text, time, arena, members),
        }
    }

    fn parse_with<'t>(
        &'t self,
        scratch: &mut Scratch,
        text: &'t [u8],
        (time, now): (Option<&TimeField>, Timestamp),
        arena: &'t Bump,
        members: &mut Vec<Member<'t>>,
    ) -> Parsed {
        match self.engine.search(text, scratch) {
            Found::Matched(_) => {}
            Found::Unmatched => return Parsed::Unmatched,
            Found::CutOff => {
                self.cut_off.fetch_add(1, Ordering::Relaxed);
                return Parsed::Unmatched;
            }
        }
        let mut found = None;
        for field in &self.fields {
            let captured = field.captured(text, scratch);
            if captured.is_empty() && self.skip_empty {
                continue;
            }
            if let Some(time) = time.filter(|time| time.key == field.key) {
                found = time.read(captured, now);
                if found.is_none() || !time.keep {
                    continue;
                }
            }
            members.push(Member {
                key: &field.key,
                value: field.kind.convert(captured, arena),
                origin: Origin::Application,
            });
        }
        Parsed::Matched { time: found }
    }
}

impl Field {
    fn captured<'t>(&self, text: &'t [u8], scratch: &Scratch) -> &'t [u8] {
        let spans = self.groups.iter().rev().filter_map(|&group| scratch.group(group));
        spans.map(|(start, end)| &text[start..end]).find(|captured| !captured.is_empty()).unwrap_or_default()
    }
}
