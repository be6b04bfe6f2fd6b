//! Messages that do not fit a runtime's physical line of 16 KiB.

use super::super::Stream;
use super::super::truth::Format;
use super::{Context, Draft, Level, flytestdlib};

/// flytestdlib's JSON with a whole workflow closure in its message.
pub(super) fn json(context: &mut Context<'_>) -> Draft {
    let level = context.one_of(&[Level::Debug, Level::Info, Level::Error]);
    let text = format!("closure of the workflow: {}", words(context));
    flytestdlib::json_of(context, level, &text, Format::LongJson)
}

/// A printed table row.
pub(super) fn text(context: &mut Context<'_>) -> Draft {
    let text = format!("row: {}", words(context));
    let (sequence, message) = context.marked(&text);
    Draft::new(Format::LongText, Stream::Stdout, sequence, message.clone(), message)
}

/// 17 to 100 KiB of words, some of them outside ASCII, so that a cut may fall into a letter.
pub(super) fn words(context: &mut Context<'_>) -> String {
    const WORDS: [&str; 12] = [
        "template",
        "node-id",
        "s3://flyte/metadata",
        "größe",
        "东京",
        "resource_type:TASK",
        "\"quoted\"",
        "🚀",
        "literal{scalar}",
        "0.25",
        "branch",
        "upstream",
    ];
    let length = context.random.usize(17 * 1024..100 * 1024);
    let mut text = String::with_capacity(length + 32);
    while text.len() < length {
        text.push_str(context.one_of(&WORDS));
        text.push(' ');
    }
    text.push_str("end");
    text
}
