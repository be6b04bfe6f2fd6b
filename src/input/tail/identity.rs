//! The two identities of a file: which file is this (device, inode and head), and which log is
//! this (the log id, which survives rotation and compression).

use std::path::{Path, PathBuf};

use memchr::{memchr, memmem};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::disk::{Disk, LogFile, read_up_to};
use crate::input::LEAD;
use crate::record::{Container, LogId, Timestamp};

/// How much of a file's head tells it from others, in bytes.
const HEAD: usize = 1024;
/// How far a first line is read to find its time: Docker writes it behind up to 16 KiB of text,
/// each byte of which may be escaped to six.
const LONGEST_FIRST_LINE: usize = 128 * 1024;

/// The first bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    /// How many bytes the hash covers, at most 1 KiB.
    pub(crate) length: u64,
    /// Their hash.
    pub(crate) hash: u64,
}

impl Head {
    /// Of nothing.
    pub(super) const EMPTY: Self = Self { length: 0, hash: 0 };

    /// It will not grow any more.
    pub(super) fn is_whole(self) -> bool {
        self.length >= HEAD as u64
    }
}

/// The head of a file as it is now, or of its first `length` bytes.
pub(super) fn head(file: &mut dyn LogFile, length: Option<u64>) -> std::io::Result<Head> {
    let mut bytes = vec![0; length.and_then(|length| usize::try_from(length).ok()).unwrap_or(HEAD).min(HEAD)];
    let read = read_up_to(file, &mut bytes, 0)?;
    Ok(Head { length: read as u64, hash: xxh3_64(&bytes[..read]) })
}

/// The first bytes of a file.
pub(super) fn lead(file: &mut dyn LogFile) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; LEAD];
    let read = read_up_to(file, &mut bytes, 0)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// The first line of a file, or what is there of it if it is longer than lines can be. `None`
/// while it is unfinished.
pub(super) fn first_line(file: &mut dyn LogFile) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = vec![0; HEAD];
    loop {
        let read = read_up_to(file, &mut bytes, 0)?;
        if let Some(end) = memchr(b'\n', &bytes[..read]) {
            bytes.truncate(end);
            return Ok(Some(bytes));
        }
        if read < bytes.len() {
            return Ok(None);
        }
        if read >= LONGEST_FIRST_LINE {
            return Ok(Some(bytes));
        }
        bytes.resize(LONGEST_FIRST_LINE, 0);
    }
}

/// The log id of a container's log, whatever file holds it: made of the pod's UID and the
/// container (or the container's id), the restart number and the first line. `None` if the first
/// line tells no time: nothing else would make it unique.
pub(super) fn log_id(container: &Container, first_line: &[u8]) -> Option<LogId> {
    let time = time_of(first_line)?;
    let mut hash = Xxh3::new();
    let owner = match (&container.pod_uid, &container.id) {
        (Some(uid), _) => uid,
        (None, Some(id)) => id,
        (None, None) => return None,
    };
    for part in [owner.as_bytes(), container.name.as_bytes(), &container.restart.unwrap_or(0).to_le_bytes()] {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.update(&time.0.to_le_bytes());
    hash.update(&first_line[..first_line.len().min(HEAD)]);
    Some(LogId(hash.digest128()))
}

/// The time in a container runtime's line: at its start (CRI) or in its `time` member (Docker).
pub(super) fn time_of(line: &[u8]) -> Option<Timestamp> {
    if line.first() == Some(&b'{') {
        const KEY: &[u8] = b"\"time\":\"";
        let start = memmem::rfind(line, KEY)? + KEY.len();
        let end = memchr(b'"', &line[start..])?;
        return Timestamp::parse_rfc3339(&line[start..start + end]);
    }
    Timestamp::parse_rfc3339(&line[..memchr(b' ', line)?])
}

/// The container that writes to a path, told by the names along its chain of symbolic links:
/// `/var/log/containers/<pod>_<namespace>_<container>-<id>.log` and
/// `/var/log/pods/<namespace>_<pod>_<uid>/<container>/<restart>.log`.
pub(super) fn container(disk: &dyn Disk, path: &Path) -> Option<Container> {
    let mut found = None;
    for link in links(disk, path) {
        let from_name = container_of_file_name(&link);
        let from_pods = container_of_pods_path(&link);
        found = match (found, from_name, from_pods) {
            (None, Some(named), _) => Some(named),
            (Some(named), _, Some(from_pods)) => Some(Container { id: from_pods.id.or(named.id), ..from_pods }),
            (None, None, from_pods) => from_pods,
            (found, _, None) => found,
        };
        if found.as_ref().is_some_and(|container| container.pod_uid.is_some()) {
            break;
        }
    }
    found
}

/// The path and what it links to, step by step.
fn links(disk: &dyn Disk, path: &Path) -> Vec<PathBuf> {
    const MOST: usize = 8;
    let mut chain = vec![path.to_owned()];
    while chain.len() < MOST {
        let Some(last) = chain.last() else { break };
        let Ok(target) = disk.link(last) else { break };
        let next = last.parent().map_or_else(|| target.clone(), |parent| parent.join(&target));
        chain.push(next);
    }
    chain
}

fn container_of_file_name(path: &Path) -> Option<Container> {
    let name = path.file_name()?.to_str()?.strip_suffix(".log")?;
    let (pod, rest) = name.split_once('_')?;
    let (namespace, rest) = rest.split_once('_')?;
    let (container, id) = rest.rsplit_once('-')?;
    let is_id = id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_id && !pod.is_empty() && !namespace.is_empty() && !container.is_empty()).then(|| Container {
        namespace: namespace.to_owned(),
        pod: pod.to_owned(),
        name: container.to_owned(),
        pod_uid: None,
        id: Some(id.to_owned()),
        restart: None,
    })
}

fn container_of_pods_path(path: &Path) -> Option<Container> {
    let restart = restart_number(path.file_name()?.to_str()?)?;
    let directory = path.parent()?;
    let container = directory.file_name()?.to_str()?;
    let mut parts = directory.parent()?.file_name()?.to_str()?.splitn(3, '_');
    let (namespace, pod, uid) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Container {
        namespace: namespace.to_owned(),
        pod: pod.to_owned(),
        name: container.to_owned(),
        pod_uid: Some(uid.to_owned()),
        id: None,
        restart: Some(restart),
    })
}

/// `N` of `N.log` or `N.log.<time of rotation>`.
pub(super) fn restart_number(file_name: &str) -> Option<u32> {
    let (number, rest) = file_name.split_once('.')?;
    (rest == "log" || rest.starts_with("log.")).then(|| number.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::disk::RealDisk;
    use super::*;

    fn file(content: &[u8]) -> std::fs::File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        file
    }

    #[test]
    fn takes_the_first_line_only_when_it_is_finished() {
        assert_eq!(first_line(&mut file(b"")).unwrap(), None);
        assert_eq!(first_line(&mut file(b"abc")).unwrap(), None);
        assert_eq!(first_line(&mut file(b"abc\ndef")).unwrap().unwrap(), b"abc");
        let long = [&[b'x'; 5000][..], b"\n"].concat();
        assert_eq!(first_line(&mut file(&long)).unwrap().unwrap().len(), 5000);
        assert_eq!(first_line(&mut file(&[b'x'; 300_000])).unwrap().unwrap().len(), LONGEST_FIRST_LINE);
    }

    #[test]
    fn heads_differ_by_content_and_length() {
        let (mut one, mut other) = (file(b"abc\n"), file(b"abd\n"));
        assert_ne!(head(&mut one, None).unwrap(), head(&mut other, None).unwrap());
        assert_eq!(head(&mut one, Some(2)).unwrap(), head(&mut other, Some(2)).unwrap());
        assert_eq!(head(&mut file(b""), None).unwrap().length, 0);
    }

    #[test]
    fn finds_the_container_behind_symbolic_links() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("pods/flyte_flyteadmin-5d_0f-uid/flyteadmin");
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::create_dir_all(root.path().join("containers")).unwrap();
        std::fs::write(directory.join("3.log"), "").unwrap();
        let id = "a1".repeat(32);
        let link = root.path().join(format!("containers/flyteadmin-5d_flyte_flyteadmin-{id}.log"));
        std::os::unix::fs::symlink(directory.join("3.log"), &link).unwrap();
        let expected = Container {
            namespace: "flyte".into(),
            pod: "flyteadmin-5d".into(),
            name: "flyteadmin".into(),
            pod_uid: Some("0f-uid".into()),
            id: Some(id),
            restart: Some(3),
        };
        assert_eq!(container(&RealDisk, &link), Some(expected.clone()));
        let rotated = container(&RealDisk, &directory.join("3.log.20261122-101530")).unwrap();
        assert_eq!(rotated, Container { id: None, ..expected });
        assert_eq!(container(&RealDisk, &root.path().join("app.log")), None);
    }

    #[test]
    fn the_log_id_needs_a_time_and_tells_instances_apart() {
        let container = |restart| Container {
            namespace: "n".into(),
            pod: "p".into(),
            name: "c".into(),
            pod_uid: Some("u".into()),
            id: None,
            restart: Some(restart),
        };
        let line = b"2026-08-21T12:00:01.5Z stdout F x";
        assert_eq!(log_id(&container(0), line), log_id(&container(0), line));
        assert_ne!(log_id(&container(0), line), log_id(&container(1), line));
        assert_ne!(log_id(&container(0), line), log_id(&container(0), b"2026-08-21T12:00:01.6Z stdout F x"));
        assert_eq!(log_id(&container(0), b"no time here"), None);
        let docker = br#"{"log":"x\n","stream":"stdout","time":"2026-08-21T12:00:01.5Z"}"#;
        assert!(log_id(&container(0), docker).is_some());
    }
}
