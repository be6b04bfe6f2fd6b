//! What must hold for every log, tried on random ones: where lines are cut depends on the bytes
//! alone, and each byte belongs to one line of its stream.

use bumpalo::Bump;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::multiline::{Chain, Definition, Definitions, Ending, Limits};
use super::{Decoder, Line, Settings, Stream};
use crate::config::Problems;
use crate::record::{Checkpoint, Position, Timestamp, escape};

/// One physical line of a log.
#[derive(Debug, Clone)]
struct Physical {
    form: Form,
    stream: Stream,
    partial: bool,
    /// Milliseconds since the line before; `None` breaks the line's time.
    later: Option<i64>,
    text: String,
    /// The reader cut it for its length.
    cut: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    Cri,
    Docker,
    Bare,
}

const TEXTS: &[&str] = &[
    "Traceback (most recent call last):",
    "  File \"a.py\", line 1, in <module>",
    "    1/0",
    "ZeroDivisionError: division by zero",
    "",
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
    "  + Exception Group Traceback (most recent call last):",
    "  | ExceptionGroup: x (2 sub-exceptions)",
    "    +------------------------------------",
    "{\"msg\":\"json\"}",
    "java.lang.Error: x",
    "\tat a.b(C.java:1)",
    "Caused by: java.io.IOException: y",
    "panic: x",
    "goroutine 1 [running]:",
    "main.main()",
    "a.rb:2:in `f': x (E)",
    "\tfrom a.rb:6:in `<main>'",
    "half \\",
];

fn physical() -> impl Strategy<Value = Physical> {
    let form = prop_oneof![12 => Just(Form::Cri), 12 => Just(Form::Docker), 1 => Just(Form::Bare)];
    let later = prop_oneof![12 => (0..900_i64).prop_map(Some), 2 => (1_900..2_100_i64).prop_map(Some), 1 => (4_900..5_100_i64).prop_map(Some), 1 => Just(None)];
    let text = prop_oneof![6 => select(TEXTS).prop_map(str::to_owned), 2 => "[ -~]{0,30}", 1 => "\\PC{0,8}"];
    let stream = select(vec![Stream::Stdout, Stream::Stderr]);
    (form, stream, prop::bool::weighted(0.15), later, text, prop::bool::weighted(0.02))
        .prop_map(|(form, stream, partial, later, text, cut)| Physical { form, stream, partial, later, text, cut })
}

/// A log: most of the time, all its lines are of one form, as in life.
fn log() -> impl Strategy<Value = Vec<Physical>> {
    (vec(physical(), 1..60), prop::option::weighted(0.9, select(vec![Form::Cri, Form::Docker]))).prop_map(
        |(mut lines, form)| {
            for line in &mut lines {
                line.form = form.filter(|_| line.form != Form::Bare).unwrap_or(line.form);
            }
            lines
        },
    )
}

/// One line as it stands in the file.
struct Rendered {
    position: Position,
    /// What it tells; `None` if that is broken.
    time: Option<Timestamp>,
    bytes: Vec<u8>,
}

fn rendered(log: &[Physical]) -> Vec<Rendered> {
    let (mut start, mut time) = (0, 1_787_313_601_000_000_000);
    let lines = log.iter().map(|line| {
        time += line.later.unwrap_or(0) * 1_000_000;
        let bytes = render(line, Timestamp(time));
        let position = Position { start, end: start + bytes.len() as u64 + 1 };
        start = position.end;
        Rendered { position, time: line.later.filter(|_| line.form != Form::Bare).map(|_| Timestamp(time)), bytes }
    });
    lines.collect()
}

fn render(line: &Physical, time: Timestamp) -> Vec<u8> {
    let mut stamp = Vec::new();
    match line.later {
        Some(_) => time.write_rfc3339(&mut stamp),
        None => stamp.extend_from_slice(b"never"),
    }
    let (stamp, stream) = (String::from_utf8(stamp).unwrap(), line.stream.name());
    let text = match line.form {
        Form::Cri => format!("{stamp} {stream} {} {}", if line.partial { "P" } else { "F" }, line.text),
        Form::Docker => {
            let mut log = Vec::new();
            let end = if line.partial { "" } else { "\n" };
            escape::write_string(&mut log, format!("{}{end}", line.text).as_bytes());
            format!("{{\"log\":{},\"stream\":\"{stream}\",\"time\":\"{stamp}\"}}", String::from_utf8(log).unwrap())
        }
        Form::Bare => line.text.clone(),
    };
    text.into_bytes()
}

/// A line that outlives its block.
#[derive(Debug, Clone, PartialEq)]
struct Owned {
    position: Position,
    stream: Option<Stream>,
    time: Timestamp,
    text: Vec<u8>,
    truncated: bool,
}

impl From<Line<'_>> for Owned {
    fn from(line: Line<'_>) -> Self {
        let Line { position, stream, time, text, truncated, .. } = line;
        Self { position, stream, time, text: text.to_vec(), truncated }
    }
}

/// Decodes a log in `blocks` of so many lines, and the rest of it. Behind each, the clock reaches
/// the next line's time; where a block says so, a new decoder goes on at the old one's checkpoint,
/// as after a crash, which may well lie before what was read then.
fn decoded(log: &[Physical], settings: &Settings, blocks: &[(usize, bool)]) -> Vec<Owned> {
    let lines = rendered(log);
    let mut out = Vec::new();
    let mut feed = |decoder: &mut Decoder, from: usize, to: usize| {
        let arena = Bump::new();
        for (rendered, line) in lines.iter().zip(log).take(to).skip(from) {
            let mut complete = |line: Line<'_>| out.push(line.into());
            decoder.push(&rendered.bytes, rendered.position, line.cut, Timestamp(0), &arena, &mut complete);
        }
        if let Some(now) = lines.get(to).map_or(Some(Timestamp(i64::MAX)), |next| next.time) {
            decoder.expire(now, &arena, &mut |line| out.push(line.into()));
        }
    };
    let mut decoder = Decoder::new(settings.clone(), Checkpoint::at(0, Timestamp(0)));
    let mut at = 0;
    for &(length, restart) in blocks {
        let end = lines.len().min(at + length);
        feed(&mut decoder, at, end);
        at = end;
        if restart {
            let checkpoint = decoder.checkpoint(lines[end - 1].position.end);
            decoder = Decoder::new(settings.clone(), checkpoint);
            let starts = lines.iter().map(|line| line.position.start).chain([lines[lines.len() - 1].position.end]);
            at = starts.into_iter().position(|start| start == checkpoint.offset).unwrap();
        }
    }
    feed(&mut decoder, at, lines.len());
    let arena = Bump::new();
    decoder.finish(&arena, &mut |line| out.push(line.into()));
    // The clock decides which of the two streams comes first, and nothing else.
    out.sort_by_key(|line: &Owned| line.position.start);
    out
}

/// Decodes with one of several chains.
fn settings() -> impl Strategy<Value = Settings> {
    let bytes = prop_oneof![Just(1_000_usize), 20..200_usize];
    let lines = prop_oneof![3 => Just(4_000_usize), 1 => 1..6_usize];
    (select(chains()), bytes, lines).prop_map(|(multiline, bytes, lines)| Settings {
        container: true,
        multiline,
        limits: Limits { bytes, lines },
    })
}

fn chains() -> Vec<Chain> {
    let definitions = Definitions::new(
        &[],
        |_| Err(String::new()),
        &mut |options| Err(options.problem("Parser", "there is none")),
        &mut Problems::new(),
    );
    let built_in = |name: &str| definitions.find(name).unwrap().chain.clone();
    let all = ["java", "go", "ruby"].iter().fold(Chain::python(), |all, name| all.followed_by(&built_in(name)));
    let ending = Ending { text: b"\\".to_vec(), is_whole: false, negate: true };
    let ending = Chain::new([Definition::by_ending("ending", 1_000_000_000, ending).into()]);
    vec![Chain::python(), all.clone(), all.followed_by(&ending)]
}

/// The stream that a physical line counts for.
fn stream_of(line: &Physical) -> Stream {
    if line.form == Form::Bare { Stream::Stdout } else { line.stream }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lines_are_the_same_wherever_blocks_end_and_reading_begins_again(
        log in log(),
        settings in settings(),
        blocks in vec((1..20_usize, any::<bool>()), 0..10),
    ) {
        prop_assert_eq!(decoded(&log, &settings, &blocks), decoded(&log, &settings, &[]));
    }

    #[test]
    fn every_byte_belongs_to_one_line_of_its_stream(log in log(), settings in settings()) {
        let lines = decoded(&log, &settings, &[]);
        for (Rendered { position, .. }, physical) in rendered(&log).iter().zip(&log) {
            let stream = Some(stream_of(physical));
            let holders = lines.iter().filter(|line| {
                line.stream == stream && line.position.start <= position.start && position.end <= line.position.end
            });
            prop_assert_eq!(holders.count(), 1, "{:?}", position);
        }
        for stream in [Stream::Stdout, Stream::Stderr] {
            let of_stream: Vec<_> = lines.iter().filter(|line| line.stream == Some(stream)).collect();
            prop_assert!(of_stream.windows(2).all(|pair| pair[0].position.end <= pair[1].position.start));
        }
    }
}
