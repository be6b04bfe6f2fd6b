//! What can go wrong with the commands.

use std::io;
use std::path::{Path, PathBuf};

use crate::config::Problems;
use crate::output::elasticsearch::ConnectError;

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub(super) enum LettersError {
    /// Nothing says where to.
    #[error("say where to send them: --url URL, or -c FILE for the outputs of a configuration")]
    NoDestination,
    /// The configuration has no output that can take letters.
    #[error("{0}: no output es or opensearch, to which dead letters could be sent again: name a server with --url")]
    NoOutput(PathBuf),
    /// The directory that the command line names is not there.
    #[error(
        "--path {0}: there is no such directory: name the configuration with --config FILE, which knows where they are \
         (the directory is made when the first record is refused)"
    )]
    NoDirectory(PathBuf),
    /// The configuration cannot be used.
    #[error("{0}")]
    Configuration(Problems),
    /// The address cannot be used.
    #[error("--url: {0}")]
    Connect(#[from] ConnectError),
    /// Nobody is there to ask.
    #[error("{0} dead letters would be dropped for good: add --yes to do it")]
    Unconfirmed(u64),
    /// A file or directory cannot be read.
    #[error("{path}: cannot be read: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A segment cannot be changed.
    #[error("{path}: cannot be changed and is as it was: {source}")]
    Change {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What is printed cannot be written.
    #[error("standard output: {0}")]
    Output(#[from] io::Error),
    /// The system gives no threads.
    #[error("no threads can be started: {0}")]
    Runtime(io::Error),
}

impl LettersError {
    /// Makes an error of reading a path.
    pub(super) fn read(path: &Path) -> impl Fn(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Read { path: path.clone(), source }
    }

    /// Makes an error of changing a path.
    pub(super) fn change(path: &Path) -> impl Fn(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Change { path: path.clone(), source }
    }

    /// It is the command line or the configuration that has to be changed.
    pub(super) fn is_usage(&self) -> bool {
        use LettersError::{Change, Output, Read, Runtime};
        !matches!(self, Read { .. } | Change { .. } | Output(_) | Runtime(_))
    }
}
