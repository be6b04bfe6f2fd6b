//! The `flytail` program: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    flytail::cli::main()
}
