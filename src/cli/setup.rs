//! `flytail setup`: prepares a server for the logs: the index template, and how long indices are kept.

use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::print::{eprint, print};
use super::run::runtime;
use super::{FAILED, INVALID, ended};
use crate::output::elasticsearch::setup::{self, Part, Plan, Server, SetupError, State};
use crate::output::elasticsearch::{Connection, Endpoint, without_credentials};
use crate::record::field_names::FieldNames;

/// Arguments of `flytail setup`.
#[derive(Debug, Args)]
pub(super) struct SetupArguments {
    /// The server, as `http://host:port` or `https://host:port`
    #[arg(long, required_unless_present = "print")]
    url: Option<String>,
    /// User of the basic authentication
    #[arg(long, env = "ES_USER")]
    user: Option<String>,
    /// Its password; better given by the environment
    #[arg(long, env = "ES_PASS", hide_env_values = true)]
    password: Option<String>,
    /// Sign requests for Amazon's OpenSearch services in this region, with the keys that AWS's tools would use
    #[arg(long, value_name = "REGION")]
    aws_region: Option<String>,
    /// Which of Amazon's services it is: `es` or `aoss`
    #[arg(long, value_name = "SERVICE", default_value = "es", requires = "aws_region")]
    aws_service: String,
    /// File of certificates (PEM) to trust besides the public authorities that are built in
    #[arg(long)]
    ca_file: Option<String>,
    /// Index name without its date, or the whole name of the data stream [default: flyte-logs, or logs-flyte-default
    /// with --data-stream]
    #[arg(long)]
    index: Option<String>,
    /// Prepare a data stream (`Data_Stream On` of the output) in place of dated indices
    #[arg(long)]
    data_stream: bool,
    /// What the documents' fields are called, as `Field_Names` of the filters says
    #[arg(long, default_value = "default", value_name = "NAMES")]
    fields: Fields,
    /// Days after which the server deletes an index, as `14d`; `forever` leaves that to you
    #[arg(long, default_value = "14d", value_parser = retention, value_name = "DAYS")]
    retention: Retention,
    /// Print what would be installed, as JSON
    #[arg(long, conflicts_with = "check")]
    dry_run: bool,
    /// Ask no server: print the requests that install all of it, for the console of Kibana or Dashboards
    #[arg(long, value_name = "SERVER", conflicts_with_all = ["url", "check", "dry_run"])]
    print: Option<Kind>,
    /// Install nothing: exit with 2 if something is missing or not as it should be
    #[arg(long)]
    check: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Elasticsearch,
    Opensearch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Fields {
    Default,
    Ecs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Retention {
    days: Option<u32>,
}

fn retention(text: &str) -> Result<Retention, String> {
    if text == "forever" {
        return Ok(Retention { days: None });
    }
    let days = text.strip_suffix('d').and_then(|days| days.parse().ok()).filter(|days| *days > 0);
    days.map(|days| Retention { days: Some(days) }).ok_or_else(|| "write days, as 14d, or forever".to_owned())
}

pub(super) fn run(arguments: &SetupArguments) -> ExitCode {
    if let Some(kind) = arguments.print {
        return ended(print(&requests(kind, arguments)));
    }
    // That one of the two is there is a rule of the command line.
    let Some(url) = &arguments.url else { return ExitCode::from(INVALID) };
    run_at(url, arguments)
}

/// Why not all was done.
#[derive(Debug, thiserror::Error)]
enum FailedSetup {
    #[error("{0}")]
    Setup(#[from] SetupError),
    #[error("cannot print: {0}")]
    Output(#[from] io::Error),
}

/// The requests that install all of it.
fn requests(kind: Kind, arguments: &SetupArguments) -> String {
    let server = match kind {
        Kind::Elasticsearch => Server::Elasticsearch,
        Kind::Opensearch => Server::OpenSearch,
    };
    let mut requests = String::new();
    for part in setup::wanted(server, arguments.plan()) {
        // Writing into a text cannot fail.
        let _ = writeln!(requests, "PUT {}\n{:#}\n", part.path, part.body);
    }
    requests
}

fn run_at(url: &str, arguments: &SetupArguments) -> ExitCode {
    let user = arguments.user.as_deref().map(|user| (user, arguments.password.as_deref().unwrap_or_default()));
    let ca_file = arguments.ca_file.as_deref().map(Path::new);
    let aws = arguments.aws_region.as_deref().map(|region| (region, arguments.aws_service.as_str()));
    let endpoint = Endpoint { url, user, aws, verify: true, ca_file, ..Endpoint::default() };
    let connection = match Connection::to(&endpoint) {
        Ok(connection) => connection,
        Err(error) => {
            eprint(format_args!("{error}\n"));
            return ExitCode::from(INVALID);
        }
    };
    let Ok(runtime) = runtime() else { return ExitCode::from(FAILED) };
    match runtime.block_on(set_up(arguments, &connection)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FAILED),
        Err(error) => {
            eprint(format_args!("{}: {error}\n", without_credentials(url)));
            ExitCode::from(FAILED)
        }
    }
}

impl SetupArguments {
    fn plan(&self) -> Plan<'_> {
        let usual = if self.data_stream { "logs-flyte-default" } else { "flyte-logs" };
        let index = self.index.as_deref().unwrap_or(usual);
        let fields = match self.fields {
            Fields::Default => FieldNames::Default,
            Fields::Ecs => FieldNames::Ecs,
        };
        Plan { index, is_data_stream: self.data_stream, days: self.retention.days, fields }
    }
}

/// Whether all is as it should be.
async fn set_up(arguments: &SetupArguments, connection: &Connection) -> Result<bool, FailedSetup> {
    let parts = setup::look(connection, arguments.plan()).await?;
    if arguments.dry_run {
        for part in parts.iter().filter(|part| part.state != State::Unsupported) {
            print(&format!("{:#}\n", part.body))?;
        }
        return Ok(true);
    }
    let mut is_well = true;
    for part in &parts {
        if arguments.check {
            is_well &= !matches!(part.state, State::Missing | State::Different);
            print(&format!("{part} {}\n", found(part)))?;
        } else {
            setup::install(connection, part).await?;
            print(&format!("{part} {}\n", done(part)))?;
        }
    }
    Ok(is_well)
}

fn found(part: &Part) -> &'static str {
    match part.state {
        State::Missing => "is missing",
        State::Different => "is not as this version would install it",
        State::Current => "is installed",
        State::Unsupported => UNSUPPORTED,
    }
}

fn done(part: &Part) -> &'static str {
    match part.state {
        State::Missing => "is installed",
        State::Different => "is renewed",
        State::Current => "was installed already",
        State::Unsupported => UNSUPPORTED,
    }
}

const UNSUPPORTED: &str = "is nothing that this server knows: delete old indices yourself";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retention_is_in_days_or_forever() {
        assert_eq!(retention("14d"), Ok(Retention { days: Some(14) }));
        assert_eq!(retention("forever"), Ok(Retention { days: None }));
        for wrong in ["", "14", "0d", "-1d", "2w", "d"] {
            assert!(retention(wrong).is_err(), "{wrong}");
        }
    }
}
