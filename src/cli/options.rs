//! `flytail options`: the reference of all options, from the tables that check them.

use std::process::ExitCode;

use crate::config::reference;
use crate::pipeline::Plugins;

pub(super) fn run() -> ExitCode {
    print!("{}", reference(&Plugins::all().registry()));
    ExitCode::SUCCESS
}
