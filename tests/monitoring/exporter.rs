//! Serves what Flyte and its surroundings export, as `exported.metrics` tells it: each target at a port of its own.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

const EXPORTED: &str = include_str!("exported.metrics");

/// Starts all targets; they end with this process. Returns the port of each.
pub(crate) fn start() -> BTreeMap<String, u16> {
    let began = Instant::now();
    let mut targets: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut target = None;
    for line in EXPORTED.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            Some(name) => target = Some(targets.entry(name.to_owned()).or_default()),
            None => target.as_mut().expect("a target before its series").push(line),
        }
    }
    targets
        .into_iter()
        .map(|(name, series)| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            thread::spawn(move || {
                for connection in listener.incoming().flatten() {
                    let _ = answer(connection, &page(&series, began.elapsed().as_secs_f64()));
                }
            });
            (name, port)
        })
        .collect()
}

/// The series in OpenMetrics' format, `seconds` after the start.
fn page(series: &[&str], seconds: f64) -> String {
    let mut page = String::new();
    for line in series {
        let (before, exemplar) = line.split_once(" # ").map_or((*line, None), |(line, rest)| (line, Some(rest)));
        let (name, value) = before.rsplit_once(' ').expect("a value");
        let value = match value.strip_prefix('+') {
            Some(rate) => rate.parse::<f64>().unwrap() * (seconds + 1.0),
            None => value.parse().unwrap(),
        };
        write!(page, "{name} {value}").unwrap();
        if let Some(exemplar) = exemplar {
            write!(page, " # {exemplar}").unwrap();
        }
        page.push('\n');
    }
    page + "# EOF\n"
}

fn answer(mut connection: TcpStream, page: &str) -> std::io::Result<()> {
    let mut lines = BufReader::new(connection.try_clone()?).lines();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let length = page.len();
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    write!(connection, "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n")?;
    write!(connection, "Connection: close\r\n\r\n{page}")
}
