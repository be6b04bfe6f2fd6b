//! `flytail setup`: installs the index template on a server.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use super::run::runtime;
use super::{FAILED, INVALID};
use crate::output::elasticsearch::{Endpoint, connect, setup, without_credentials};

/// Arguments of `flytail setup`.
#[derive(Debug, Args)]
pub(super) struct SetupArguments {
    /// The server, as `http://host:port` or `https://host:port`
    #[arg(long)]
    url: String,
    /// User of the basic authentication
    #[arg(long, env = "ES_USER")]
    user: Option<String>,
    /// Its password; better given by the environment
    #[arg(long, env = "ES_PASS", hide_env_values = true)]
    password: Option<String>,
    /// File of certificates (PEM) to trust besides the system's
    #[arg(long)]
    ca_file: Option<String>,
    /// Index name without its date
    #[arg(long, default_value = "flyte-logs")]
    index: String,
    /// Print the template for this server instead of installing it
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(arguments: &SetupArguments) -> ExitCode {
    let user = arguments.user.as_deref().map(|user| (user, arguments.password.as_deref().unwrap_or_default()));
    let ca_file = arguments.ca_file.as_deref().map(Path::new);
    let endpoint = Endpoint { url: &arguments.url, user, verify: true, ca_file, ..Endpoint::default() };
    let transport = match connect(&endpoint) {
        Ok(transport) => transport,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(INVALID);
        }
    };
    let Ok(runtime) = runtime() else { return ExitCode::from(FAILED) };
    match runtime.block_on(setup::install(&transport, &arguments.index, arguments.dry_run)) {
        Ok(done) => {
            println!("{done}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}: {error}", without_credentials(&arguments.url));
            ExitCode::from(FAILED)
        }
    }
}
