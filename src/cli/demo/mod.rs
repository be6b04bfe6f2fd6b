//! `flytail demo`: a small Flyte cluster's logs, and what becomes of them.
//!
//! ```text
//! generator ─writer─▶ log files ─▶ the pipeline, with the brief's configuration ─▶ receiver ─watched─▶ screen
//!                                                                              └─▶ the user's server, if any
//! ```
//! [`session`] is the order of events; [`generator`] and [`receiver`] are also used by tests and benchmarks.

mod configuration;
mod directory;
pub mod generator;
pub mod receiver;
mod searches;
mod server;
mod session;
mod show;
mod status;
mod stops;
mod totals;
mod watched;
mod writer;

use std::process::ExitCode;
use std::time::Duration;

use elasticsearch::http::Url;

use super::FAILED;
use super::run::runtime;
use crate::cli::print::eprint;

const EXAMPLES: &str = "\
What it does:
  Pods of Flyte's services and tasks write logs in their own formats to a
  temporary directory that looks like a node's /var/log/containers, and the
  logs are rotated. flytail tails them as it would in a cluster, and what it
  would index is shown: time (UTC), level, app/component, execution_id,
  message. The last line, on standard error, counts:
    lines/s, bytes/s   what is read
    acked              documents that have arrived
    behind             bytes that are written and not read yet
    errors             requests that were repeated, documents that were refused
  At the end the writing stops, flytail catches up, and what was written is
  compared with what arrived.

Examples:
  flytail demo --for 10s                     ends by itself
  flytail demo --json --show 1000 | jq .     whole documents
  flytail demo --rate 20000 --for 1m         a busy node
  flytail demo --elasticsearch http://127.0.0.1:9200
                                             also index them, and search them
  ES_USER=elastic ES_PASS=... \\
  flytail demo --elasticsearch https://es.example:9200 --ca-file ca.pem

Ctrl-C ends it in order; a second Ctrl-C waits for nothing. NO_COLOR=1
switches colours off.
Exit codes: 0 if every record that was written arrived once, 1 for an error in
the command line, 2 otherwise.";

/// Arguments of `flytail demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct DemoArguments {
    /// End by itself after this time, as 10s, 5m or 1h; without it, at Ctrl-C
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    end_after: Option<Duration>,
    /// Log records to write in a second
    #[arg(long, value_name = "RECORDS", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rate: u32,
    /// Documents to show in a second at most, picked at random; all are counted
    #[arg(long, value_name = "DOCUMENTS", default_value_t = 10)]
    show: usize,
    /// Show whole documents, as JSON, one a line
    #[arg(long)]
    json: bool,
    /// Send the documents to this server, too, as http://host:port: installs the index template there first, and ends
    /// with searches
    #[arg(long, value_name = "URL", value_parser = address)]
    elasticsearch: Option<Url>,
    /// User of the server
    #[arg(long, env = "ES_USER")]
    user: Option<String>,
    /// The user's password; better given by the environment
    #[arg(long, env = "ES_PASS", hide_env_values = true)]
    password: Option<String>,
    /// File of certificates (PEM) to trust besides the public authorities that are built in
    #[arg(long, value_name = "FILE")]
    ca_file: Option<String>,
}

pub(super) fn run(arguments: &DemoArguments) -> ExitCode {
    let Ok(runtime) = runtime() else {
        eprint("no threads can be started\n");
        return ExitCode::from(FAILED);
    };
    let outcome = runtime.block_on(session::run(arguments));
    // Nothing that still waits for a server may keep the process.
    runtime.shutdown_background();
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FAILED),
        Err(error) => {
            eprint(format_args!("{error}\n"));
            ExitCode::from(FAILED)
        }
    }
}

/// A time above zero: whole seconds, minutes or hours.
fn duration(text: &str) -> Result<Duration, String> {
    let form = || "a number with its unit is needed: 10s, 5m or 1h".to_owned();
    let (number, unit) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len()));
    let seconds = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(form()),
    };
    let number: u32 = number.parse().map_err(|_| form())?;
    if number == 0 { Err(form()) } else { Ok(Duration::from_secs(u64::from(number) * seconds)) }
}

/// The address of a server.
fn address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err("an address is needed that begins with http:// or https://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("user and password do not belong here: give them as ES_USER and ES_PASS".to_owned());
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit() {
        for (text, seconds) in [("10s", 10), ("5m", 300), ("1h", 3600), ("90", 90)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "0s", "s", "1.5s", "-1s", "10 s", "10d", "99999999999s", "1é"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_says_how_to_speak_and_holds_no_secret() {
        assert!(address("http://127.0.0.1:9200").is_ok());
        assert!(address("https://es.example/prefix").is_ok());
        for text in ["127.0.0.1:9200", "localhost:9200", "ftp://a", "", "http://user:secret@a:9200"] {
            assert!(address(text).is_err(), "{text}");
        }
    }
}
