//! `flytail options`: the reference of all options, from the tables that check them.

use std::process::ExitCode;

use super::ended;
use super::print::print;
use crate::config::reference;
use crate::pipeline::Plugins;

pub(super) fn run() -> ExitCode {
    ended(print(&reference(&Plugins::all().registry())))
}
