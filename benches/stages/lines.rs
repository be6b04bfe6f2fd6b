//! Lines to work on.

use flytail::cli::demo::generator::{Format, Generator};
use flytail::record::escape::write_string;

/// What container runtimes write in front of a line; stands for the time of all lines.
const TIME: &str = "2026-08-21T12:00:01.123456789Z";

/// 2026-08-21T12:00:01Z, in nanoseconds since the epoch.
pub(crate) const NOW: i64 = 1_787_313_601_000_000_000;

/// Lines of each kind.
const COUNT: usize = 500;

/// Lines as containers print them, in the real proportions of one of the generator's formats.
pub(crate) fn of_format(format: Format) -> Vec<Vec<u8>> {
    let mut generator = Generator::new(1);
    let lines = std::iter::repeat_with(|| generator.next(NOW));
    let fitting = lines.filter(|line| line.truth.format == format && line.text.len() == 1);
    fitting.take(COUNT).map(|mut line| line.text.swap_remove(0)).collect()
}

/// Lines of flytestdlib's JSON formatter, all of about the same length.
pub(crate) fn json(length: usize) -> Vec<Vec<u8>> {
    let line = |number: usize| {
        let start = format!(
            r#"{{"json":{{"exec_id":"a{number:019}","node":"n{}","ns":"flytesnacks-development","routine":"worker-{}"}},"level":"info","msg":""#,
            number % 7,
            number % 50,
        );
        let end = format!(r#"","ts":"2026-08-21T12:00:01.{:03}Z"}}"#, number % 1000);
        let message = text(length.saturating_sub(start.len() + end.len()), number);
        (start + &message + &end).into_bytes()
    };
    (0..COUNT).map(line).collect()
}

/// Lines of words, all of the same length.
pub(crate) fn plain(length: usize) -> Vec<Vec<u8>> {
    (0..COUNT).map(|number| text(length, number).into_bytes()).collect()
}

/// Access lines as nginx writes them by default.
pub(crate) fn access() -> Vec<Vec<u8>> {
    let line = |number: usize| {
        format!(
            "10.2.{}.{} - - [21/Aug/2026:12:00:{:02} +0000] \"GET /api/v1/executions/{number}?limit=100 HTTP/1.1\" 200 \
             {} \"https://flyte.example.com/console\" \"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101\"",
            number % 8,
            number % 250,
            number % 60,
            number * 37
        )
    };
    (0..COUNT).map(|number| line(number).into_bytes()).collect()
}

/// The lines as containerd writes them, one after the other.
pub(crate) fn cri(texts: &[Vec<u8>]) -> Vec<u8> {
    let start = format!("{TIME} stdout F ");
    texts.iter().flat_map(|text| [start.as_bytes(), text, b"\n"].concat()).collect()
}

/// The lines as Docker's json-file driver writes them.
pub(crate) fn docker(texts: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    for text in texts {
        out.extend_from_slice(b"{\"log\":");
        write_string(&mut out, &[text, &b"\n"[..]].concat());
        out.extend_from_slice(format!(",\"stream\":\"stdout\",\"time\":\"{TIME}\"}}\n").as_bytes());
    }
    out
}

/// Bytes of all lines.
pub(crate) fn bytes(texts: &[Vec<u8>]) -> u64 {
    texts.iter().map(|text| text.len() as u64).sum()
}

fn text(length: usize, number: usize) -> String {
    const WORDS: [&str; 8] = ["node", "queued", "succeeded in", "42ms", "resource", "phase", "evaluated", "branch/3"];
    let words = (0..).flat_map(|step| WORDS[(number + step * 5) % WORDS.len()].chars().chain([' ']));
    words.take(length).collect()
}
