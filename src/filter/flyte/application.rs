//! What an application's members tell: message, level, trace and span, and the ids that Flyte's
//! own lines carry.

use bumpalo::Bump;

use super::ecs;
use super::formats::Line;
use super::level::Level;
use super::trace::{Found, Header};
use crate::record::json::members_of;
use crate::record::{Member, Origin, Value};

/// What the document takes over from the members.
#[derive(Debug, Default)]
pub(super) struct Picked<'t> {
    pub(super) message: Option<Value<'t>>,
    pub(super) level: Option<Level>,
    pub(super) trace_id: Option<Value<'t>>,
    pub(super) span_id: Option<Value<'t>>,
    pub(super) ids: Ids<'t>,
    /// Only where it is asked for.
    pub(super) stack_trace: Option<Value<'t>>,
    /// Indices of the members that stand above and need not be repeated.
    taken: [Option<usize>; 7],
}

impl<'t> Picked<'t> {
    /// Looks at the members of [`Origin::Application`]. What the line's shape told comes first.
    pub(super) fn from(members: &[Member<'t>], line: &Line<'t>, arena: &'t Bump) -> Self {
        let mut headers = Found::default();
        let [mut message, mut level, mut trace, mut span] = [Best::default(); 4];
        let from_shape = line.message.is_some();
        for (index, member) in members.iter().enumerate().filter(|(_, member)| member.origin == Origin::Application) {
            match rank(member.key) {
                Some((Kind::Message, rank)) if !from_shape && is_text(member.value) => message.offer(rank, index),
                Some((Kind::Level, rank)) if !from_shape && level_of(member).is_some() => level.offer(rank, index),
                Some((Kind::Trace, rank)) if is_id(member.value) => trace.offer(rank, index),
                Some((Kind::Span, rank)) if is_id(member.value) => span.offer(rank, index),
                Some((Kind::Header(header), _)) => headers.offer(header, member.value, Some(index), arena),
                _ => {}
            }
        }
        let value = |best: Best| best.index.map(|index| members[index].value);
        let mut picked = Self {
            message: line.message.map(Value::Text).or(value(message)),
            level: line.level.or(level.index.and_then(|index| level_of(&members[index]))),
            trace_id: value(trace),
            span_id: value(span),
            ids: Ids::default(),
            stack_trace: None,
            taken: [message.index, level.index, trace.index, span.index, None, None, None],
        };
        picked.take_headers(headers);
        picked
    }

    /// Takes the ids of headers, if the line does not name its trace itself.
    pub(super) fn take_headers(&mut self, headers: Found<'t>) {
        if self.trace_id.is_some() {
            return;
        }
        // One whose span is not taken stays to be seen.
        if self.span_id.is_none() {
            [self.taken[4], self.taken[5]] = headers.indices;
        }
        self.trace_id = headers.trace.map(Value::Text);
        self.span_id = self.span_id.or(headers.span.map(Value::Text));
    }

    /// Takes the stack trace: the line itself, or the last member of the application that is one.
    pub(super) fn take_stack_trace(&mut self, members: &[Member<'t>], line: &Line<'t>) {
        if line.is_traceback {
            self.stack_trace = line.message.map(Value::Text);
            return;
        }
        let is_trace = |member: &Member<'_>| {
            member.origin == Origin::Application && ecs::is_stack_trace(member.key) && is_id(member.value)
        };
        self.taken[6] = members.iter().rposition(is_trace);
        self.stack_trace = self.taken[6].map(|index| members[index].value);
    }

    pub(super) fn has_taken(&self, index: usize) -> bool {
        self.taken.contains(&Some(index))
    }
}

/// Whether an object looks like a line of a logger: it has a message or a level.
pub(super) fn is_log_line(object: &[u8]) -> bool {
    members_of(object).any(|(key, value)| {
        let member = Member::json(key, value, Origin::Application);
        match rank(key) {
            Some((Kind::Message, _)) => is_text(member.value),
            Some((Kind::Level, _)) => level_of(&member).is_some(),
            _ => false,
        }
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Message,
    Level,
    Trace,
    Span,
    Header(Header),
}

/// What a key may mean, and its place among those that mean the same: the lowest wins.
fn rank(key: &[u8]) -> Option<(Kind, u8)> {
    Some(match key {
        b"message" => (Kind::Message, 0),
        b"msg" => (Kind::Message, 1),
        b"log" => (Kind::Message, 2),
        b"level" => (Kind::Level, 0),
        b"severity" => (Kind::Level, 1),
        b"levelname" => (Kind::Level, 2),
        b"log.level" => (Kind::Level, 3),
        b"lvl" => (Kind::Level, 4),
        b"levelno" => (Kind::Level, 5),
        b"trace_id" => (Kind::Trace, 0),
        b"traceId" => (Kind::Trace, 1),
        b"span_id" => (Kind::Span, 0),
        b"spanId" => (Kind::Span, 1),
        _ => (Kind::Header(Header::of_key(key)?), 0),
    })
}

/// The best member of its kind so far.
#[derive(Debug, Default, Clone, Copy)]
struct Best {
    rank: u8,
    index: Option<usize>,
}

impl Best {
    /// Of equal keys the last one wins.
    fn offer(&mut self, rank: u8, index: usize) {
        if self.index.is_none() || rank <= self.rank {
            *self = Self { rank, index: Some(index) };
        }
    }
}

fn is_text(value: Value<'_>) -> bool {
    matches!(value, Value::Text(_) | Value::Json([b'"', ..]))
}

fn is_id(value: Value<'_>) -> bool {
    is_text(value) && !matches!(value, Value::Text(b"") | Value::Json(b"\"\""))
}

fn level_of(member: &Member<'_>) -> Option<Level> {
    match (member.key, member.value) {
        (b"levelno", Value::Json(number) | Value::Text(number)) => Level::of_python_number(number),
        (_, Value::Json([b'"', word @ .., b'"']) | Value::Text(word)) => Level::of_word(word),
        (b"level", Value::Json(number)) => Level::of_pino_number(number),
        _ => None,
    }
}

/// Ids that a line tells. They count for pods without ids of their own.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ids<'t> {
    pub(super) execution_id: Option<&'t [u8]>,
    pub(super) node_id: Option<&'t [u8]>,
    pub(super) workflow: Option<&'t [u8]>,
    pub(super) project: Option<&'t [u8]>,
    pub(super) domain: Option<&'t [u8]>,
    /// Trace and span of the headers among them.
    pub(super) headers: Found<'t>,
}

impl<'t> Ids<'t> {
    /// The ids in the places where Flyte's own loggers put them.
    pub(super) fn from(members: &[Member<'t>], line: &Line<'t>, arena: &'t Bump) -> Self {
        let mut ids = Self::default();
        let find = |key: &[u8]| {
            let mut all = members.iter().rev().filter(|member| member.origin == Origin::Application);
            all.find(|member| member.key == key).map(|member| member.value)
        };
        let text = |key: &[u8]| find(key).and_then(|value| value.as_text(arena));
        // flytestdlib's JSON formatter and its gcp formatter, told by the keys beside the data.
        let data = match find(b"json") {
            Some(data) if find(b"msg").is_some() && find(b"ts").is_some() => Some(data),
            _ => find(b"data").filter(|_| find(b"severity").is_some() && find(b"timestamp").is_some()),
        };
        if let Some(Value::Json(data)) = data {
            members_of(data).for_each(|(key, value)| ids.take(key, Value::Json(value), arena));
        }
        if line.has_flat_ids {
            let flat = members.iter().filter(|member| member.origin == Origin::Application);
            flat.for_each(|member| ids.take(member.key, member.value, arena));
        }
        let run = line.run.or_else(|| Some((text(b"run_name")?, text(b"action_name")?)));
        if let Some((run, action)) = run {
            (ids.execution_id, ids.node_id) = (Some(run), Some(action));
        } else if let Some(Value::Json(action)) = find(b"TaskAction") {
            ids.take_action(action, arena);
        }
        ids
    }

    /// A member of the data that flytestdlib's context adds to a line.
    fn take(&mut self, key: &[u8], value: Value<'t>, arena: &'t Bump) {
        let text = || value.as_text(arena).filter(|text| !text.is_empty());
        match key {
            b"exec_id" => self.execution_id = text(),
            b"node" => self.node_id = text(),
            b"project" if self.project.is_none() => self.project = text(),
            b"domain" if self.domain.is_none() => self.domain = text(),
            b"wf" => self.take_workflow(text()),
            _ => {
                if let Some(header) = Header::of_key(key) {
                    self.headers.offer(header, value, None, arena);
                }
            }
        }
    }

    /// `project:domain:workflow`
    fn take_workflow(&mut self, id: Option<&'t [u8]>) {
        let mut parts = id.unwrap_or_default().splitn(3, |&byte| byte == b':');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(project), Some(domain), Some(workflow)) => {
                (self.project, self.domain, self.workflow) = (Some(project), Some(domain), Some(workflow));
            }
            _ => self.workflow = id,
        }
    }

    /// A TaskAction of version 2, whose name is `<run>-<action>`.
    fn take_action(&mut self, action: &'t [u8], arena: &'t Bump) {
        let name = members_of(action).find(|(key, _)| *key == b"name");
        let Some(name) = name.and_then(|(_, name)| Value::Json(name).as_text(arena)) else { return };
        if let Some(at) = memchr::memrchr(b'-', name) {
            (self.execution_id, self.node_id) = (Some(&name[..at]), Some(&name[at + 1..]));
        }
    }
}
