//! Lines of other programs, with the number and the message of the generator's.

use flytail::cli::demo::generator::{Line, marker};

/// `2026-08-21 12:00:00,123 - flytekit.core - INFO - …`, as `logging.basicConfig` is often told.
pub(crate) fn python(line: &Line) -> Vec<Vec<u8>> {
    const LEVELS: [&str; 4] = ["INFO", "DEBUG", "WARNING", "INFO"];
    const LOGGERS: [&str; 3] = ["flytekit.core", "train.data_loader", "urllib3.connectionpool"];
    let sequence = line.truth.sequence;
    let millisecond = line.time_ns / 1_000_000 % 1_000;
    let message = line.truth.message().lines().next().unwrap_or_default();
    let text = format!(
        "2026-08-21 12:00:00,{millisecond:03} - {} - {} - {} {}",
        turn(&LOGGERS, sequence),
        turn(&LEVELS, sequence),
        message.replace("seq=", "number "),
        marker(sequence)
    );
    vec![text.into_bytes()]
}

/// A line of nginx's combined log format.
pub(crate) fn nginx(line: &Line) -> Vec<Vec<u8>> {
    const PAGES: [&str; 4] = ["/console/projects", "/api/v1/executions", "/healthz", "/static/main.4f1c.js"];
    const CODES: [u16; 4] = [200, 200, 304, 404];
    const AGENTS: [&str; 2] = [
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
        "kube-probe/1.31",
    ];
    let sequence = line.truth.sequence;
    let text = format!(
        "10.244.{}.{} - - [21/Aug/2026:12:00:00 +0000] \"GET {}?{} HTTP/1.1\" {} {} \"https://flyte.example.com/\" \"{}\"",
        sequence % 7,
        sequence % 251,
        turn(&PAGES, sequence),
        marker(sequence),
        turn(&CODES, sequence / 3),
        120 + sequence % 40_000,
        turn(&AGENTS, sequence / 2),
    );
    vec![text.into_bytes()]
}

fn turn<T: Copy>(of: &[T], number: u64) -> T {
    of[(number % of.len() as u64) as usize]
}
