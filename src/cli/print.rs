//! Printing what a command has to say on standard output.

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
    // Standard error may be gone as well: then there is nobody to be told.
    drop(writeln!(io::stderr(), "cannot print: {error}"));
}
