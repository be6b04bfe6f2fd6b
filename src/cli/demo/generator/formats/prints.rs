//! What users print: any text on stdout. The line is the message, and no word in it is a level.

use super::super::Stream;
use super::super::truth::Format;
use super::{Context, Draft};

/// One printed line.
pub(super) fn line(context: &mut Context<'_>) -> Draft {
    let number = context.random.u32(1..90_000);
    let share = f64::from(number) / 100_000.0;
    let text = match context.random.u32(..12) {
        0 => format!("ERROR is only a word in line {number} of this print"),
        1 => format!("step {number}: 3 checks FAILED, latency {share} s, level=warning is not a level"),
        2 => format!("{{'loss': {share}, 'level': 'error', 'epoch': {number}}}"),
        3 => format!("{{\"level\":\"error\",\"message\":\"JSON that was cut at {number}"),
        4 => format!("{:3}%|███████▌  | {number}/90000 [00:03<00:00, 41.25it/s]", number / 900),
        5 => format!("\u{1b}[31mred\u{1b}[0m and \u{1b}[1mbold\u{1b}[0m {number}"),
        6 => format!("größe = {number} µm — 东京, naïve café 🚀"),
        7 => format!("Traceback of order {number}: a word, not an exception"),
        8 => format!("[{number}, 2, 3] \"quoted\" back\\slash\ttab"),
        9 => format!("  indented by two, row {number}"),
        _ => format!("epoch {}/90 loss={share} accuracy={} rows={number}", number % 90, 1.0 - share),
    };
    let (sequence, message) = context.marked(&text);
    Draft::new(Format::Print, Stream::Stdout, sequence, message.clone(), message)
}
