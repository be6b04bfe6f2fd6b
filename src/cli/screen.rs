//! The screen: documents on standard output, everything else on standard error, where the last line is redrawn in
//! place if it is a terminal.

use std::io::{self, IsTerminal, Write};

/// Erases the line that the cursor is in, and begins it anew.
const ERASE: &str = "\r\x1b[2K";
/// The terminal cuts what is longer than its line. (DEC private mode 7, off and on.)
const WRAP_OFF: &str = "\x1b[?7l";
const WRAP_ON: &str = "\x1b[?7h";
/// Erases the rest of the line. Behind a line that was cut, that is the last column, in which all that did not fit was
/// written over each other.
const ERASE_REST: &str = "\x1b[K";

/// What can be done with the two outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Abilities {
    /// Documents may be coloured.
    pub(super) colours: bool,
    /// Documents go to a terminal: one that is longer than its line is cut.
    pub(super) cuts: bool,
    /// The line of counters can be redrawn.
    pub(super) redraws: bool,
}

impl Abilities {
    /// Those of this process.
    pub(super) fn of_process() -> Self {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let is_able = variable("TERM").is_none_or(|terminal| terminal != "dumb");
        let (out, error) = (io::stdout().is_terminal() && is_able, io::stderr().is_terminal() && is_able);
        Self { colours: out && variable("NO_COLOR").is_none(), cuts: out, redraws: error }
    }
}

/// The two outputs.
#[derive(Debug)]
pub(super) struct Screen<O: Write, E: Write> {
    out: O,
    error: E,
    abilities: Abilities,
    /// A line of counters stands there, and the cursor in it.
    has_status: bool,
}

impl<O: Write, E: Write> Screen<O, E> {
    pub(super) fn new(out: O, error: E, abilities: Abilities) -> Self {
        Self { out, error, abilities, has_status: false }
    }

    pub(super) fn abilities(&self) -> Abilities {
        self.abilities
    }

    /// Shows documents, one a line. It fails when nobody reads them any more.
    pub(super) fn documents(&mut self, lines: &[String], cut: bool) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        self.erase();
        let (before, after) =
            if cut && self.abilities.cuts { (WRAP_OFF, [ERASE_REST, WRAP_ON].concat()) } else { ("", String::new()) };
        for line in lines {
            writeln!(self.out, "{before}{line}{after}")?;
        }
        self.out.flush()
    }

    /// Shows the line of counters in place of the last one.
    pub(super) fn status(&mut self, line: &str) {
        // Nobody can be told of an error of standard error.
        let _ = if self.abilities.redraws {
            self.has_status = true;
            write!(self.error, "{ERASE}{WRAP_OFF}{line}{ERASE_REST}{WRAP_ON}").and_then(|()| self.error.flush())
        } else {
            writeln!(self.error, "{line}")
        };
    }

    /// Says something that stays.
    pub(super) fn say(&mut self, text: &str) {
        self.erase();
        let _ = writeln!(self.error, "{text}");
    }

    /// Takes the line of counters away.
    pub(super) fn erase(&mut self) {
        if std::mem::take(&mut self.has_status) {
            let _ = self.error.write_all(ERASE.as_bytes()).and_then(|()| self.error.flush());
        }
    }
}

impl<O: Write, E: Write> Drop for Screen<O, E> {
    fn drop(&mut self) {
        self.erase();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(abilities: Abilities) -> (String, String) {
        let (mut out, mut error) = (Vec::new(), Vec::new());
        let mut screen = Screen::new(&mut out, &mut error, abilities);
        screen.status("one");
        screen.documents(&["document".into()], true).unwrap();
        screen.status("two");
        screen.say("end");
        drop(screen);
        (String::from_utf8(out).unwrap(), String::from_utf8(error).unwrap())
    }

    #[test]
    fn counters_are_lines_of_their_own_without_a_terminal() {
        let (out, error) = shown(Abilities { colours: false, cuts: false, redraws: false });
        assert_eq!((out.as_str(), error.as_str()), ("document\n", "one\ntwo\nend\n"));
    }

    #[test]
    fn counters_are_redrawn_and_make_room_on_a_terminal() {
        let (out, error) = shown(Abilities { colours: true, cuts: true, redraws: true });
        assert_eq!(out, "\x1b[?7ldocument\x1b[K\x1b[?7h\n");
        let line = |text| format!("\r\x1b[2K\x1b[?7l{text}\x1b[K\x1b[?7h");
        assert_eq!(error, format!("{}\r\x1b[2K{}\r\x1b[2Kend\n", line("one"), line("two")));
    }

    #[test]
    fn tells_when_nobody_reads() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let abilities = Abilities { colours: false, cuts: false, redraws: false };
        let mut screen = Screen::new(Closed, Vec::new(), abilities);
        assert!(screen.documents(&["document".into()], true).is_err());
    }
}
