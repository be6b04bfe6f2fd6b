//! One record on its way to a document: what stands where.

use bumpalo::Bump;

use super::application::{Ids, Picked, is_log_line};
use super::ecs;
use super::fields;
use super::formats::{self, Line};
use crate::record::field_names::{FieldNames, Names, STACK_TRACE};
use crate::record::json::members_of;
use crate::record::{Member, Origin, Record, Value};

/// What is known of the place that a record comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'t> {
    /// See [`Identity`](super::identity::Identity).
    pub(super) rendered: &'t [u8],
    pub(super) rendered_for_executor: Option<&'t [u8]>,
    pub(super) is_task: bool,
}

/// Gives the record the members that a document has. Afterwards no key stands twice.
pub(super) fn shape<'t>(record: &mut Record<'t>, place: Place<'t>, fields: FieldNames, arena: &'t Bump) {
    let names = fields.names();
    let members = &mut record.members;
    let text = line_text(members, arena);
    let was_split = members.iter().any(|member| member.origin == Origin::Application);
    let line = match text {
        _ if was_split => {
            unwrap_single(members);
            Line::default()
        }
        Some((_, text)) => formats::read(text, arena, members),
        None => Line::default(),
    };
    let mut picked = picked(members, &line, place, arena);
    if fields.is_ecs() {
        picked.take_stack_trace(members, &line);
    }
    let message = picked.message.unwrap_or_else(|| Value::Text(whole_line(members, text, arena)));
    let before = members.len();
    let rendered = place.rendered_for_executor.filter(|_| line.is_executor).unwrap_or(place.rendered);
    members.push(Member::members(rendered, Origin::Filter));
    if let Some(level) = picked.level {
        members.push(Member::json(names.level.as_bytes(), level.json(), Origin::Filter));
    }
    members.push(Member { key: b"message", value: message, origin: Origin::Filter });
    push_ids(members, &picked, names);
    let text = text.map(|(index, _)| index);
    let sorting = Sorting { before, line: &line, picked: &picked, text, was_split, fields };
    sort(members, &sorting, arena);
    members.drain(..before);
    record.unique = true;
}

/// The line that the container wrote, where nothing split it: the runtime's `log`, or `message`
/// where the user's parser named it so. With the member's index.
fn line_text<'t>(members: &[Member<'t>], arena: &'t Bump) -> Option<(usize, &'t [u8])> {
    let find = |key: &[u8]| {
        let mut all = members.iter().enumerate().rev().filter(|(_, member)| member.origin == Origin::Runtime);
        let (index, member) = all.find(|(_, member)| member.key == key)?;
        Some((index, member.value.as_text(arena)?))
    };
    let (index, text) = find(b"log").or_else(|| find(b"message"))?;
    Some((index, text.strip_suffix(b"\n").unwrap_or(text)))
}

/// `Merge_Log_Key` puts all of the application's members under one: takes them out again.
fn unwrap_single(members: &mut Vec<Member<'_>>) {
    let mut all = members.iter().enumerate().filter(|(_, member)| member.origin == Origin::Application);
    let (Some((index, single)), None) = (all.next(), all.next()) else { return };
    let Value::Json(object) = single.value else { return };
    if is_log_line(object) {
        members.remove(index);
        let inner = members_of(object).map(|(key, value)| Member::json(key, value, Origin::Application));
        members.extend(inner);
    }
}

fn picked<'t>(members: &[Member<'t>], line: &Line<'t>, place: Place<'t>, arena: &'t Bump) -> Picked<'t> {
    let mut picked = Picked::from(members, line, arena);
    if !place.is_task {
        picked.ids = Ids::from(members, line, arena);
        picked.take_headers(picked.ids.headers);
    }
    picked
}

/// The message of a line that has none: the line as it was written, or if that is gone the object
/// of its members.
fn whole_line<'t>(members: &[Member<'t>], text: Option<(usize, &'t [u8])>, arena: &'t Bump) -> &'t [u8] {
    let own = members.iter().filter(|member| member.origin == Origin::Application);
    match text {
        Some((_, text)) => text,
        None => fields::object(own, arena).unwrap_or_default(),
    }
}

fn push_ids<'t>(members: &mut Vec<Member<'t>>, picked: &Picked<'t>, names: &'static Names) {
    let ids = [
        (names.workflow, picked.ids.workflow),
        (names.execution_id, picked.ids.execution_id),
        (names.node_id, picked.ids.node_id),
        (names.project, picked.ids.project),
        (names.domain, picked.ids.domain),
    ];
    for (key, id) in ids {
        members.extend(id.map(|id| Member::text(key.as_bytes(), id, Origin::Filter)));
    }
    let values =
        [(names.trace_id, picked.trace_id), (names.span_id, picked.span_id), (STACK_TRACE, picked.stack_trace)];
    for (key, value) in values {
        members.extend(value.map(|value| Member { key: key.as_bytes(), value, origin: Origin::Filter }));
    }
}

/// What tells where each of the first `before` members goes.
struct Sorting<'a, 't> {
    before: usize,
    line: &'a Line<'t>,
    picked: &'a Picked<'t>,
    /// Index of the line's text.
    text: Option<usize>,
    was_split: bool,
    fields: FieldNames,
}

/// Appends, of the first members, those that stay beside ours and the object `fields` of those
/// that go there. Leaves garbage in their place.
fn sort<'t>(members: &mut Vec<Member<'t>>, sorting: &Sorting<'_, 't>, arena: &'t Bump) {
    let mut fields_end = 0;
    for index in 0..sorting.before {
        let mut member = members[index];
        if sorting.text == Some(index) {
            member.key = sorting.fields.names().log.as_bytes();
        }
        match fate(members, index, &member, sorting) {
            Fate::Fields if !contains(&members[..fields_end], member.key) || member.origin == Origin::Application => {
                members[fields_end] = member;
                fields_end += 1;
            }
            Fate::Stays if !contains(&members[sorting.before..], member.key) => {
                members.push(with_static_stream(member))
            }
            _ => {}
        }
    }
    let all = &members[..fields_end];
    let fields = fields::object(all.iter().filter(|member| !fields::is_large(member)), arena);
    let large = fields::object(all.iter().filter(|member| fields::is_large(member)), arena);
    members.extend(fields.map(|object| Member::json(b"fields", object, Origin::Filter)));
    members.extend(large.map(|object| Member::json(b"large_fields", object, Origin::Filter)));
}

/// Where a member goes.
enum Fate {
    Stays,
    Fields,
    Ends,
}

/// Of members with the same key the last one counts, the application's and all others apart.
fn fate(members: &[Member<'_>], index: usize, member: &Member<'_>, sorting: &Sorting<'_, '_>) -> Fate {
    let behind = &members[index + 1..sorting.before];
    let is_application = member.origin == Origin::Application;
    let is_last = |among_application: bool| {
        let mut rivals = behind.iter().filter(|other| (other.origin == Origin::Application) == among_application);
        member.key.is_empty() || rivals.all(|other| other.key != member.key)
    };
    if sorting.text == Some(index) {
        // No other member is given a name that is reserved: the line's own is for the line.
        let is_kept = sorting.was_split && (is_reserved(member.key, sorting.fields) || is_last(false));
        return if is_kept { Fate::Stays } else { Fate::Ends };
    }
    let goes_on = if is_application {
        !sorting.picked.has_taken(index) && (sorting.line.has_unique_keys || is_last(true))
    } else {
        !is_dropped(member) && is_last(false)
    };
    match goes_on {
        false => Fate::Ends,
        true if is_application => Fate::Fields,
        // The application's member of this name stays as it is.
        true if is_reserved(member.key, sorting.fields) => {
            if is_last(true) {
                Fate::Fields
            } else {
                Fate::Ends
            }
        }
        true => Fate::Stays,
    }
}

fn contains(members: &[Member<'_>], key: &[u8]) -> bool {
    !key.is_empty() && members.iter().any(|member| member.key == key)
}

/// What the runtime's line has besides its text: the time is the record's, and the others are how
/// the line was cut into parts.
fn is_dropped(member: &Member<'_>) -> bool {
    member.origin == Origin::Runtime && matches!(member.key, b"time" | b"logtag" | b"_p")
}

/// The names that this filter and the outputs give. `stream` is not among them: the runtime's is
/// the right one.
fn is_reserved(key: &[u8], fields: FieldNames) -> bool {
    if fields.is_ecs() {
        return ecs::is_reserved(key);
    }
    matches!(
        key,
        b"@timestamp"
            | b"message"
            | b"level"
            | b"app"
            | b"component"
            | b"namespace"
            | b"pod"
            | b"container"
            | b"host"
            | b"workflow"
            | b"task"
            | b"execution_id"
            | b"node_id"
            | b"project"
            | b"domain"
            | b"trace_id"
            | b"span_id"
            | b"derived_from"
            | b"fields"
            | b"large_fields"
            | b"truncated"
    )
}

/// Nearly every record has one of these two, which then needs no escaping.
fn with_static_stream(member: Member<'_>) -> Member<'_> {
    match (member.key, member.value) {
        (b"stream", Value::Text(b"stdout")) => Member::json(b"stream", br#""stdout""#, Origin::Runtime),
        (b"stream", Value::Text(b"stderr")) => Member::json(b"stream", br#""stderr""#, Origin::Runtime),
        _ => member,
    }
}
