//! Taking bulk bodies.

use std::borrow::Cow;
use std::io;

use serde::Deserialize;

use super::texts;
use crate::marker::{Marker, Reader};
use crate::store::{Store, Verdict};

/// An action line, as far as it is looked at.
#[derive(Deserialize)]
struct Action<'a> {
    #[serde(borrow)]
    create: Target<'a>,
}

#[derive(Deserialize)]
struct Target<'a> {
    #[serde(borrow, rename = "_index")]
    index: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "_id")]
    id: Cow<'a, str>,
}

/// Takes the items of a body of which `is_busy` lets it; the answer.
pub(super) fn take(
    index: &str,
    body: &[u8],
    store: &Store,
    reader: &Reader,
    is_busy: &mut dyn FnMut() -> bool,
) -> io::Result<String> {
    let mut items = Vec::new();
    let mut markers = Vec::new();
    for (action, document) in items_of(body)? {
        let action: Action<'_> = serde_json::from_slice(action)?;
        reader.read(document, &mut markers);
        items.push((action.create, document, markers.clone()));
    }
    let mut answers = Vec::with_capacity(items.len());
    let mut state = store.lock();
    for (Target { index: own, id }, document, markers) in &items {
        answers.push(if is_busy() {
            texts::BUSY.as_str()
        } else {
            let markers: &[Marker] = markers;
            match state.create(own.as_deref().unwrap_or(index), id.as_bytes(), document, markers) {
                Verdict::Created => texts::CREATED,
                Verdict::Exists => texts::EXISTS.as_str(),
                Verdict::Refused => texts::POISONED.as_str(),
            }
        });
    }
    drop(state);
    let errors = answers.iter().any(|answer| *answer != texts::CREATED);
    Ok(format!(r#"{{"errors":{errors},"items":[{}]}}"#, answers.join(",")))
}

/// Action and document, without their line ends.
fn items_of(body: &[u8]) -> io::Result<Vec<(&[u8], &[u8])>> {
    let body = body.strip_suffix(b"\n").ok_or_else(|| io::Error::other("no line end at the end of a body"))?;
    let mut lines = Vec::new();
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', body).chain([body.len()]) {
        lines.push(&body[start..end]);
        start = end + 1;
    }
    let (pairs, rest) = lines.as_chunks::<2>();
    if rest.is_empty() {
        Ok(pairs.iter().map(|[action, document]| (*action, *document)).collect())
    } else {
        Err(io::Error::other("an action without a document"))
    }
}
