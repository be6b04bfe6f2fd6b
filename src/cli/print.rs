//! Printing what a command has to say on standard output, and telling what else there is on standard error.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

/// Prints a text. A reader that has seen enough (`| head`) is no error, as it is none to other commands.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}

/// Says why nothing, or not all, could be printed.
pub(super) fn complain(error: &io::Error) {
    eprint(format_args!("cannot print: {error}\n"));
}

/// Tells something on standard error. That may be gone: then there is nobody to be told, and the work goes on.
pub(super) fn eprint(text: impl Display) {
    drop(io::stderr().write_all(text.to_string().as_bytes()));
}
