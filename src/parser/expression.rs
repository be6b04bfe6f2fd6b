//! The format `regex`: named groups become members.

use std::sync::Mutex;

use bumpalo::Bump;
use regex::bytes::{CaptureLocations, Regex, RegexBuilder};

use super::time_field::TimeField;
use super::types::Type;
use super::{Parsed, onigmo};
use crate::record::{Member, Origin, Timestamp, json};

/// A compiled expression.
#[derive(Debug)]
pub(super) struct Expression {
    regex: Regex,
    /// Where the groups matched last: kept, so that matching allocates nothing. Never waited for:
    /// who finds it taken uses locations of its own.
    locations: Mutex<CaptureLocations>,
    fields: Vec<Field>,
    skip_empty: bool,
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
        let locations = Mutex::new(self.regex.capture_locations());
        Self { regex: self.regex.clone(), locations, fields: self.fields.clone(), skip_empty: self.skip_empty }
    }
}

impl Expression {
    /// Compiles an expression in Onigmo's spelling.
    ///
    /// # Errors
    /// If it is not valid, or asks for what the engine cannot do.
    pub(super) fn new(text: &str, skip_empty: bool, types: &[(&str, Type)]) -> Result<Self, onigmo::Error> {
        let translated = onigmo::translate(text)?;
        let regex = RegexBuilder::new(&translated.pattern).multi_line(true).unicode(false).build();
        let regex = regex.map_err(|error| {
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            onigmo::Error::Invalid(reason.to_owned())
        })?;
        let mut fields: Vec<Field> = Vec::new();
        for (name, group) in translated.names.iter().zip(1..) {
            let key = json::sound_key(name.as_bytes(), &Bump::new()).to_vec();
            match fields.iter_mut().find(|field| field.key == key) {
                Some(field) => field.groups.push(group),
                None => {
                    let kind = types.iter().find(|(typed, _)| typed == name).map_or(Type::Text, |(_, kind)| *kind);
                    fields.push(Field { key, groups: vec![group], kind });
                }
            }
        }
        let locations = Mutex::new(regex.capture_locations());
        Ok(Self { regex, locations, fields, skip_empty })
    }

    /// Whether there is a group with a name.
    pub(super) fn has_fields(&self) -> bool {
        !self.fields.is_empty()
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
        match self.locations.try_lock() {
            Ok(mut locations) => self.parse_with(&mut locations, text, time, arena, members),
            Err(_) => self.parse_with(&mut self.regex.capture_locations(), text, time, arena, members),
        }
    }

    fn parse_with<'t>(
        &'t self,
        locations: &mut CaptureLocations,
        text: &'t [u8],
        (time, now): (Option<&TimeField>, Timestamp),
        arena: &'t Bump,
        members: &mut Vec<Member<'t>>,
    ) -> Parsed {
        if self.regex.captures_read(locations, text).is_none() {
            return Parsed::Unmatched;
        }
        let mut found = None;
        for field in &self.fields {
            let captured = field.captured(text, locations);
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
    fn captured<'t>(&self, text: &'t [u8], locations: &CaptureLocations) -> &'t [u8] {
        let spans = self.groups.iter().rev().filter_map(|&group| locations.get(group));
        spans.map(|(start, end)| &text[start..end]).find(|captured| !captured.is_empty()).unwrap_or_default()
    }
}
