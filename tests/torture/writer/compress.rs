//! Compresses rotated files as the kubelet does: into `.tmp`, renamed to `.gz`, then the plain file goes.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use flate2::Compression;
use flate2::write::GzEncoder;

/// A thread that compresses. It ends when this is dropped.
#[derive(Clone)]
pub(super) struct Compressor(Sender<(PathBuf, Sender<PathBuf>)>);

/// A compression under way; gives the name of the compressed file.
pub(super) struct Pending(Receiver<PathBuf>);

impl Compressor {
    pub(super) fn start() -> Self {
        let (sender, jobs) = channel::<(PathBuf, Sender<PathBuf>)>();
        thread::spawn(move || {
            for (plain, done) in jobs {
                let gz =
                    compress(&plain).unwrap_or_else(|error| panic!("cannot compress {}: {error}", plain.display()));
                // Nobody waits once the run is over.
                let _ = done.send(gz);
            }
        });
        Self(sender)
    }

    pub(super) fn compress(&self, plain: &Path) -> Pending {
        let (done, pending) = channel();
        self.0.send((plain.to_owned(), done)).expect("the compressor runs");
        Pending(pending)
    }
}

impl Pending {
    pub(super) fn wait(self) -> PathBuf {
        self.0.recv().expect("the compressor runs")
    }
}

fn compress(plain: &Path) -> io::Result<PathBuf> {
    let named = |suffix: &str| PathBuf::from(format!("{}{suffix}", plain.display()));
    let (temporary, gz) = (named(".tmp"), named(".gz"));
    let mut encoder = GzEncoder::new(File::create(&temporary)?, Compression::new(1));
    io::copy(&mut File::open(plain)?, &mut encoder)?;
    encoder.finish()?;
    fs::rename(&temporary, &gz)?;
    fs::remove_file(plain)?;
    Ok(gz)
}
