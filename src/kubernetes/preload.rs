//! Pods from files: `Kube_Meta_Preload_Cache_Dir`.

use std::io;
use std::path::PathBuf;

use super::namespaces::{self, Namespace};
use super::pod;
use crate::record::{Container, PodMetadata};

/// Why a file that is there gives no metadata.
#[derive(Debug, thiserror::Error)]
pub enum PreloadError {
    /// It cannot be read.
    #[error("{file}: {cause}")]
    Read {
        /// The file.
        file: String,
        /// What the system says.
        cause: io::Error,
    },
    /// It is no such object.
    #[error("{file} is not what the API server gives of a pod or a namespace, in JSON: {cause}")]
    Malformed {
        /// The file.
        file: String,
        /// What does not fit.
        cause: serde_json::Error,
    },
}

/// A directory of pods.
#[derive(Debug, Clone)]
pub struct Preload {
    directory: PathBuf,
}

impl Preload {
    /// The files in this directory.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// The pod of a container, `None` if there is no file or it is of another pod of that name.
    ///
    /// # Errors
    /// If there is one that cannot be read.
    pub fn look_up(&self, container: &Container) -> Result<Option<PodMetadata>, PreloadError> {
        let name = format!("{}_{}.meta", container.namespace, container.pod);
        let pod = self.read(&name, pod::read)?;
        let is_other = |pod: &PodMetadata| container.pod_uid.as_ref().is_some_and(|uid| !pod.has_uid(uid));
        Ok(pod.filter(|pod| !is_other(pod)))
    }

    /// A namespace, `None` if there is no file.
    ///
    /// # Errors
    /// If there is one that cannot be read.
    pub fn namespace(&self, name: &str) -> Result<Option<Namespace>, PreloadError> {
        self.read(&format!("{name}.namespace_meta"), namespaces::read)
    }

    fn read<T>(&self, name: &str, read: impl Fn(&[u8]) -> serde_json::Result<T>) -> Result<Option<T>, PreloadError> {
        let path = self.directory.join(name);
        let file = || path.display().to_string();
        let json = match std::fs::read(&path) {
            Ok(json) => json,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(PreloadError::Read { file: file(), cause }),
        };
        read(&json).map(Some).map_err(|cause| PreloadError::Malformed { file: file(), cause })
    }
}
