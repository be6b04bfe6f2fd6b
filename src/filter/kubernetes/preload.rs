//! Pods from files: `Kube_Meta_Preload_Cache_Dir`.

use std::io;
use std::path::PathBuf;

use crate::kubernetes::pod;
use crate::record::{Container, PodMetadata};

/// Why a file that is there gives no metadata.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// It cannot be read.
    #[error("{file}: {cause}")]
    Read {
        /// The file.
        file: String,
        /// What the system says.
        cause: io::Error,
    },
    /// It is no pod.
    #[error("{file} is not a pod in JSON: {cause}")]
    Malformed {
        /// The file.
        file: String,
        /// What does not fit.
        cause: serde_json::Error,
    },
}

/// A directory of pods.
#[derive(Debug, Clone)]
pub(super) struct Preload {
    directory: PathBuf,
}

impl Preload {
    pub(super) fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// The pod of a container, `None` if there is no file or it is of another pod of that name.
    pub(super) fn look_up(&self, container: &Container) -> Result<Option<PodMetadata>, Error> {
        let path = self.directory.join(format!("{}_{}.meta", container.namespace, container.pod));
        let file = || path.display().to_string();
        let json = match std::fs::read(&path) {
            Ok(json) => json,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(Error::Read { file: file(), cause }),
        };
        let pod = pod::read(&json).map_err(|cause| Error::Malformed { file: file(), cause })?;
        let is_other = container.pod_uid.as_ref().is_some_and(|uid| *uid != pod.uid);
        Ok((!is_other).then_some(pod))
    }
}
