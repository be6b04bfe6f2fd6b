//! `flytail query`: the documents that a search in Kibana's language finds, in reading order.

mod error;
mod follow;

use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use self::error::QueryError;
use self::follow::Follow;
use super::figures::grouped;
use super::line::{self, Style};
use super::run::runtime;
use super::screen::Abilities;
use super::since::since;
use super::{FAILED, INVALID};
use crate::cli::print::eprint;
use crate::kql::{Query, parse};
use crate::output::elasticsearch::search::{Found, last};
use crate::output::elasticsearch::{Connection, Endpoint};
use crate::record::Timestamp;
use crate::record::field_names::FieldNames;

const EXAMPLES: &str = "\
Searches, as in Kibana:
  level:ERROR and app:flyteadmin
  component:propeller and message:*FAILED*
  level:(ERROR or FATAL) and not namespace:kube-system
  message:\"connection refused\"             these words in this order
  fields.user:*                            documents that have the field
  order >= 5 and @timestamp > now-15m      ranges; a time with colons is quoted
  timeout                                  in any field

Examples:
  flytail query 'level:ERROR and app:flyteadmin' --url http://127.0.0.1:9200
  flytail query --execution a8xkz9v7q2 --url http://127.0.0.1:9200
                                           what Flyte and its tasks said of one
                                           execution, at any time
  flytail query 'level:ERROR' --since 7d --limit 10000 --json --url ... | jq .
  ES_USER=elastic ES_PASS=... \\
  flytail query timeout --url https://es.example:9200 --ca-file ca.pem

Documents come in reading order, by @timestamp and then by order. If more match
than --limit, the last ones are printed, and standard error says so. Line ends
within a message are shown as a sign; --json has them as they are.
Exit codes: 0 if the server answered, also with nothing; 1 for an error in the
search or the command line; 2 if the server did not answer.";

/// How far back is looked unless `--since` or `--execution` says otherwise.
const USUAL: &str = "1h";

/// Arguments of `flytail query`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct QueryArguments {
    /// What to search for, in Kibana's language; everything without it
    #[arg(value_name = "SEARCH", default_value = "", hide_default_value = true)]
    search: String,
    /// The server, as `http://host:port` or `https://host:port`
    #[arg(long)]
    url: String,
    /// The documents of this execution, of control plane and tasks together
    #[arg(long, value_name = "ID")]
    execution: Option<String>,
    /// Only from this time on: `2026-11-22`, `2026-11-22T10:15:00Z`, or a time ago such as `30m`, `2h`, `7d` [default:
    /// 1h, or any time with --execution]
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Timestamp>,
    /// Only up to this time
    #[arg(long, value_name = "TIME", value_parser = since)]
    until: Option<Timestamp>,
    /// Print the last so many that match
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Names or patterns of indices, with commas between
    #[arg(long, default_value = "flyte-logs-*")]
    index: String,
    /// Go on with what arrives, until interrupted
    #[arg(long, short, conflicts_with = "until")]
    follow: bool,
    /// Print whole documents, one JSON object a line
    #[arg(long)]
    json: bool,
    /// User of the basic authentication
    #[arg(long, env = "ES_USER")]
    user: Option<String>,
    /// Its password; better given by the environment
    #[arg(long, env = "ES_PASS", hide_env_values = true)]
    password: Option<String>,
    /// File with the password
    #[arg(long, value_name = "FILE", conflicts_with = "password")]
    password_file: Option<PathBuf>,
    /// Sign requests for Amazon's OpenSearch services in this region, with the keys that AWS's tools would use
    #[arg(long, value_name = "REGION")]
    aws_region: Option<String>,
    /// Which of Amazon's services it is: `es` or `aoss`
    #[arg(long, value_name = "SERVICE", default_value = "es", requires = "aws_region")]
    aws_service: String,
    /// File of certificates (PEM) to trust besides the public authorities that are built in
    #[arg(long, value_name = "FILE")]
    ca_file: Option<String>,
}

pub(super) fn run(arguments: &QueryArguments) -> ExitCode {
    match arguments.ask() {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads has seen enough.
        Err(QueryError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprint(format_args!("{error}\n"));
            ExitCode::from(if error.is_usage() { INVALID } else { FAILED })
        }
    }
}

impl QueryArguments {
    fn ask(&self) -> Result<(), QueryError> {
        let (query, asking) = (self.query()?, self.asking()?);
        // Before the others are asked for, so that none falls in between.
        let follow = self.follow.then(|| Follow::start(self, &asking)).transpose()?;
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let found = asking.last(self, &query, limit)?;
        self.print(&found)?;
        follow.map_or(Ok(()), |follow| follow.run(self, &asking, found.ids))
    }

    /// Whom to ask.
    fn asking(&self) -> Result<Asking, QueryError> {
        if self.index.is_empty() || self.index.contains(|sign: char| "/?#%\\\"<>| ".contains(sign) || sign.is_control())
        {
            return Err(QueryError::Index(self.index.clone()));
        }
        let password = self.password()?;
        let user = self.user.as_deref().map(|user| (user, password.as_str()));
        let ca_file = self.ca_file.as_deref().map(Path::new);
        let aws = self.aws_region.as_deref().map(|region| (region, self.aws_service.as_str()));
        let endpoint = Endpoint { url: &self.url, user, aws, verify: true, ca_file, ..Endpoint::default() };
        let connection = Connection::to(&endpoint)?;
        Ok(Asking { connection, runtime: runtime().map_err(QueryError::Runtime)? })
    }

    /// What the server is asked.
    fn query(&self) -> Result<Value, QueryError> {
        let usual = || since(USUAL).ok().filter(|_| self.execution.is_none());
        self.query_from(self.since.or_else(usual))
    }

    /// The same of documents from a time on.
    fn query_from(&self, from: Option<Timestamp>) -> Result<Value, QueryError> {
        let typed =
            parse(&self.search).map_err(|error| QueryError::Query { excerpt: error.excerpt(&self.search), error })?;
        let story = self.execution.as_deref().map_or(Query::Everything, story);
        let mut range = json!({});
        for (bound, time) in [("gte", from), ("lte", self.until)] {
            if let Some(time) = time {
                range[bound] = rfc3339(time).into();
            }
        }
        Ok(json!({"bool": {"filter": [story.and(typed).to_query(), {"range": {"@timestamp": range}}]}}))
    }

    fn password(&self) -> Result<String, QueryError> {
        let Some(file) = &self.password_file else { return Ok(self.password.clone().unwrap_or_default()) };
        let text = std::fs::read_to_string(file);
        let text = text.map_err(|error| QueryError::Password { file: file.display().to_string(), error })?;
        Ok(text.trim_end_matches(['\r', '\n']).to_owned())
    }

    fn print(&self, found: &Found) -> Result<(), QueryError> {
        if Abilities::of_process().cuts && !self.json && !found.documents.is_empty() {
            writeln!(io::stdout(), "{}", line::header(true))?;
        }
        self.print_documents(found.documents.iter().map(|document| document.get()))?;
        let shown = found.documents.len() as u64;
        if self.follow {
            return Ok(());
        }
        if shown == 0 {
            let is_last_hour = self.since.is_none() && self.execution.is_none();
            let hint = if is_last_hour { " in the last hour: look further back with --since 24h" } else { "" };
            eprint(format_args!("nothing matches{hint}\n"));
        } else if found.total > shown {
            let more = if found.is_at_least { "more than " } else { "" };
            let (total, shown) = (grouped(found.total), grouped(shown));
            eprint(format_args!(
                "{more}{total} documents match; these are the last {shown} (see --limit, --since and --until)\n"
            ));
        }
        Ok(())
    }

    fn print_documents<'d>(&self, documents: impl Iterator<Item = &'d str>) -> Result<(), QueryError> {
        let style = Style { coloured: Abilities::of_process().colours, dated: true, longest: usize::MAX };
        let mut out = BufWriter::new(io::stdout().lock());
        for document in documents {
            if self.json {
                writeln!(out, "{}", one_line(document))?;
            } else {
                writeln!(out, "{}", line::render(document.as_bytes(), style))?;
            }
        }
        out.flush()?;
        Ok(())
    }
}

/// A server that can be asked.
#[derive(Debug)]
struct Asking {
    connection: Connection,
    runtime: Runtime,
}

impl Asking {
    fn last(&self, arguments: &QueryArguments, query: &Value, limit: usize) -> Result<Found, QueryError> {
        let found = self.runtime.block_on(last(&self.connection, &arguments.index, query, limit));
        found.map_err(|error| QueryError::search(&arguments.url, error))
    }
}

/// One execution: what carries its id, and what speaks of it (the names of its pods, for instance).
fn story(id: &str) -> Query {
    let names = [FieldNames::Default, FieldNames::Ecs].map(|fields| fields.names().execution_id);
    Query::Or(names.into_iter().chain(["message"]).map(|field| Query::phrase(field, id)).collect())
}

/// A document on one line. Line ends in JSON stand between its members only.
fn one_line(document: &str) -> String {
    document.lines().collect()
}

fn rfc3339(time: Timestamp) -> String {
    let mut text = Vec::new();
    time.write_rfc3339(&mut text);
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, FromArgMatches, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        arguments: QueryArguments,
    }

    fn arguments(more: &[&str]) -> QueryArguments {
        let all = [&["query", "--url", "http://127.0.0.1:1"], more].concat();
        let matches = Command::command().try_get_matches_from(all).unwrap();
        Command::from_arg_matches(&matches).unwrap().arguments
    }

    #[test]
    fn the_last_hour_is_asked_for_unless_an_execution_is() {
        let query = arguments(&["level:ERROR"]).query().unwrap();
        assert_eq!(query["bool"]["filter"][0], json!({"match": {"level": "ERROR"}}));
        assert!(query["bool"]["filter"][1]["range"]["@timestamp"]["gte"].is_string());
        let query = arguments(&["--execution", "a1", "--until", "2026-11-22"]).query().unwrap();
        assert_eq!(query["bool"]["filter"][1]["range"]["@timestamp"], json!({"lte": "2026-11-22T00:00:00.000000000Z"}));
        let either =
            ["execution_id", "flyte.execution_id", "message"].map(|field| json!({"match_phrase": {field: "a1"}}));
        assert_eq!(query["bool"]["filter"][0], json!({"bool": {"should": either}}));
    }

    #[test]
    fn mistakes_are_found_before_anything_is_sent() {
        let said = |more: &[&str]| arguments(more).ask().unwrap_err();
        let error = said(&["level:ERROR and"]);
        assert!(error.is_usage() && error.to_string().ends_with("  level:ERROR and\n                 ^"), "{error}");
        assert!(said(&["--index", "a/_search?"]).is_usage());
        assert!(said(&["--password-file", "/nowhere", "--user", "x"]).is_usage());
        assert!(!said(&[]).is_usage(), "nobody listens there");
    }
}
