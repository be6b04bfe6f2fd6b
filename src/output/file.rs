//! A file for each tag, or one for all.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::document;
use super::{Built, Encoder, Encoding, Outcome, Partition, Request, Sender, Sending, Surroundings};
use crate::config::{Kind, OptionSpec, Options, Plugin, Problems};
use crate::record::{Record, Turn};

/// The file output.
pub const PLUGIN: Plugin = Plugin {
    name: "file",
    doc: "Appends records to a file.",
    options: &[
        OptionSpec::new("Path", Kind::Text, ".", "Directory of the file."),
        OptionSpec::new("File", Kind::Text, "", "Name of the file (Fluent Bit: the tag, if none is given)."),
        OptionSpec::new(
            "Format",
            Kind::Choice(&["default", "plain"]),
            "default",
            "default: `tag: [time, {record}]`; plain: the record alone.",
        ),
        OptionSpec::new("Mkdir", Kind::Boolean, "off", "Make the directory if it is not there."),
    ],
};

/// Builds the output.
pub fn build(options: &Options<'_>, _: Surroundings, problems: &mut Problems) -> Option<Built> {
    let Some(name) = options.text("File") else {
        let hint = "a file for each tag is not supported yet";
        problems.push(options.problem("File", "the file output needs a File").with_hint(hint));
        return None;
    };
    let directory = PathBuf::from(options.text("Path").unwrap_or("."));
    let sender = FileSender { path: directory.join(name), make_directory: options.boolean("Mkdir") };
    let plain = options.text("Format") == Some("plain");
    let encoder = move || Box::new(LineEncoder { plain }) as Box<dyn Encoder>;
    Some(Built {
        encoder: Box::new(encoder),
        sender: Arc::new(sender),
        encoding: Encoding::Plain,
        concurrency: 1,
        start_jitter: Duration::ZERO,
    })
}

struct LineEncoder {
    plain: bool,
}

impl Encoder for LineEncoder {
    fn partition(&mut self, _: &Record<'_>, _: &Turn<'_>) -> Partition {
        0
    }

    fn encode(&mut self, record: &Record<'_>, turn: &Turn<'_>, body: &mut Vec<u8>) {
        if !self.plain {
            let (seconds, nanoseconds) =
                (record.time.0.div_euclid(1_000_000_000), record.time.0.rem_euclid(1_000_000_000));
            // Writing into memory cannot fail.
            drop(write!(body, "{}: [{seconds}.{nanoseconds:09}, ", turn.source.tag));
        }
        body.push(b'{');
        document::write_members(body, record, &mut true);
        body.extend_from_slice(if self.plain { b"}\n" } else { b"}]\n" });
    }
}

struct FileSender {
    path: PathBuf,
    make_directory: bool,
}

impl FileSender {
    fn append(&self, body: &[u8]) -> io::Result<()> {
        if self.make_directory
            && let Some(parent) = self.path.parent()
        {
            fs::create_dir_all(parent)?;
        }
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        let length = file.metadata()?.len();
        if is_torn(&self.path, length) {
            // What a kill left of a line stays alone in it.
            file.write_all(b"\n")?;
        }
        // What a full disk cut off must not stand in front of the next try.
        file.write_all(body).inspect_err(|_| drop(file.set_len(length)))
    }
}

/// The file of this length does not end with a line's end. What is no file, or cannot be read, is not torn.
fn is_torn(path: &Path, length: u64) -> bool {
    let Some(last) = length.checked_sub(1) else { return false };
    let mut byte = [b'\n'];
    let read = fs::File::open(path).and_then(|file| file.read_exact_at(&mut byte, last));
    read.is_ok() && byte != *b"\n"
}

impl Sender for FileSender {
    fn send<'a>(&'a self, request: &'a Request) -> Sending<'a> {
        Box::pin(async move {
            match self.append(&request.body) {
                Ok(()) => Outcome::Delivered,
                Err(error) => Outcome::Retry(format!("{}: {error}", self.path.display())),
            }
        })
    }

    fn destination(&self, _: Partition) -> String {
        self.path.display().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_a_kill_tore_does_not_spoil_the_next() {
        let directory = tempfile::tempdir().unwrap();
        let sender = FileSender { path: directory.path().join("out"), make_directory: false };
        sender.append(b"{\"a\":1}\n").unwrap();
        fs::write(&sender.path, b"{\"a\":1}\n{\"a\":").unwrap();
        sender.append(b"{\"a\":2}\n").unwrap();
        sender.append(b"{\"a\":3}\n").unwrap();
        assert_eq!(fs::read(&sender.path).unwrap(), b"{\"a\":1}\n{\"a\":\n{\"a\":2}\n{\"a\":3}\n");
    }
}
