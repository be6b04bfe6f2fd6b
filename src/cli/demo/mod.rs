//! `flytail demo`
pub mod generator;
use std::process::ExitCode;
/// x
#[derive(Debug, clap::Args)]
pub struct DemoArguments {}
pub(super) fn run(_: &DemoArguments) -> ExitCode {
    ExitCode::SUCCESS
}
