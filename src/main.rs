//! The `flytail` program: everything is in the library.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Gives memory back that the system's allocator keeps: with it, ten minutes without a server take 14 %
/// more resident memory, with this one nothing.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    flytail::cli::main()
}
