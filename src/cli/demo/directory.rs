//! A directory that goes with the process.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::cli::print::eprint;

/// A new directory among the temporary files, that nobody else can look into. Dropping it removes it with all that is
/// in it.
#[derive(Debug)]
pub(super) struct TemporaryDirectory {
    path: PathBuf,
}

impl TemporaryDirectory {
    /// Makes one. The error comes with the path that could not be made.
    pub(super) fn create() -> Result<Self, (PathBuf, io::Error)> {
        let path = std::env::temp_dir().join(format!("flytail-demo-{}-{:08x}", std::process::id(), fastrand::u32(..)));
        // One that is there already is somebody else's.
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => Ok(Self { path }),
            Err(error) => Err((path, error)),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for TemporaryDirectory {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            eprint(format_args!("{} could not be removed: {error}\n", self.path.display()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_with_all_that_is_in_it() {
        let (one, other) = (TemporaryDirectory::create().unwrap(), TemporaryDirectory::create().unwrap());
        let path = one.path().to_owned();
        assert_ne!(path, other.path());
        fs::create_dir(path.join("a")).unwrap();
        fs::write(path.join("a/b"), "c").unwrap();
        drop(one);
        assert!(!path.exists() && other.path().exists());
    }
}
