//! What a segment of the spool says of the log that it holds a part of, and the log in it.

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::discover::Found;
use super::disk::{Kind, LogFile, Look};
use super::file::Followed;
use super::group::Group;
use super::identity::Head;
use crate::input::next_source_id;
use crate::record::{Checkpoint, Container, LogId, Now, Timestamp};
use crate::spool::segments::Segment;

/// What stands in a segment's description: all that the path and the first line told of the log.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Description {
    pub(super) input: String,
    pub(super) group: u64,
    pub(super) is_numbered: bool,
    /// Its container logged more than it may.
    #[serde(default)]
    pub(super) has_to_wait: bool,
    pub(super) path: PathBuf,
    pub(super) real: PathBuf,
    container: Option<DescribedContainer>,
    restart: u32,
    log: String,
    began: Option<i64>,
    head: (u64, u64),
    #[serde(default)]
    lead: Vec<u8>,
    /// The segment holds the compressed file as it was.
    #[serde(default)]
    pub(super) is_compressed: bool,
    /// Length of the log.
    #[serde(default)]
    pub(super) length: u64,
    pub(super) offset: u64,
    streams: [u64; 2],
    time: i64,
}

#[derive(Debug, Serialize, Deserialize)]
struct DescribedContainer {
    namespace: String,
    pod: String,
    name: String,
    pod_uid: Option<String>,
    id: Option<String>,
    restart: Option<u32>,
}

impl Description {
    /// Of a file that is followed.
    pub(super) fn of(input: &str, group: &Group, file: &Followed, log: LogId) -> Self {
        let container = file.container.clone().map(|container| {
            let Container { namespace, pod, name, pod_uid, id, restart } = container;
            DescribedContainer { namespace, pod, name, pod_uid, id, restart }
        });
        Self {
            input: input.to_owned(),
            group: group.key,
            is_numbered: group.is_numbered,
            has_to_wait: group.has_to_wait,
            path: file.found.path.clone(),
            real: file.found.real.clone(),
            container,
            restart: file.restart,
            log: format!("{:032x}", log.0),
            began: file.began.map(|began| began.0),
            head: (file.head.length, file.head.hash),
            lead: file.lead.clone(),
            is_compressed: file.is_compressed,
            length: file.length,
            offset: file.committed.offset,
            streams: file.committed.streams,
            time: file.committed.time.0,
        }
    }

    /// The file that is followed in its place.
    pub(super) fn file(self, segment: &Segment, now: Now) -> Followed {
        let container = self.container.map(|container| {
            let DescribedContainer { namespace, pod, name, pod_uid, id, restart } = container;
            Container { namespace, pod, name, pod_uid, id, restart }
        });
        let key = spooled_key(segment.id());
        let found = Found {
            path: self.path,
            real: self.real,
            device: key.0,
            inode: key.1,
            length: segment.end(),
            modified: segment.created().0,
        };
        let mut file = Followed::new(next_source_id(), found, container, now);
        file.is_compressed = self.is_compressed;
        file.go_on_in_spool(segment.id(), key);
        file.restart = self.restart;
        file.log = u128::from_str_radix(&self.log, 16).ok().map(LogId);
        file.began = self.began.map(Timestamp);
        file.head = Head { length: self.head.0, hash: self.head.1 };
        file.lead = self.lead;
        file.committed = Checkpoint { offset: self.offset, streams: self.streams, time: Timestamp(self.time) };
        file.length = if self.is_compressed { self.length } else { segment.end() };
        file
    }
}

/// A log in the spool has no inode of its own: this stands for one that no file system gives.
pub(super) fn spooled_key(segment: u64) -> (u64, u64) {
    (u64::MAX, u64::MAX - segment)
}

/// A log as its segment has it, compressed if it was.
#[derive(Debug)]
pub(super) struct Spooled(pub(super) Segment);

impl LogFile for Spooled {
    fn look(&self) -> io::Result<Look> {
        let (device, inode) = spooled_key(self.0.id());
        let modified = self.0.created().0;
        Ok(Look { device, inode, length: self.0.end(), links: 1, kind: Kind::File, modified })
    }

    fn read_at(&mut self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    fn release(&mut self) {
        self.0.close_handle();
    }
}
