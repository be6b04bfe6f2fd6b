//! Opening files: when a file's turn has come, and what the pipeline is told of it.

use super::file::Phase;
use super::follow::Follower;
use super::identity;
use crate::input::Event;
use crate::record::{Now, Source};

impl Follower {
    /// Opens files whose first line is there and whose predecessors are finished.
    pub(super) fn open_waiting(&mut self, place: usize, now: Now, events: &mut Vec<Event>) {
        if self.groups[place].held.is_some() {
            return;
        }
        let mut index = 0;
        while index < self.groups[place].files.len() {
            let file = &self.groups[place].files[index];
            if file.phase == Phase::Waiting && file.is_due(now.instant) {
                self.look_at_waiting(place, index, now, events);
            }
            index += 1;
        }
    }

    fn look_at_waiting(&mut self, place: usize, index: usize, now: Now, events: &mut Vec<Event>) {
        let group = &mut self.groups[place];
        let is_next = group.is_next(index);
        let file = &mut group.files[index];
        let looked = self.descriptors.of(file).map_err(|error| error.to_string()).and_then(|open| {
            let look = open.look().map_err(|error| error.to_string())?;
            if !file.is_compressed && look.length > file.head.length {
                // By its head alone it is found again when it was compressed while it was not open.
                file.renew_head(open);
            }
            let wants_line = is_next && !file.is_spooled();
            let line = if wants_line { identity::first_line(open).map_err(|error| error.to_string())? } else { None };
            Ok((look.length, line))
        });
        let line = match looked {
            Ok((length, line)) => {
                file.length = if file.is_compressed { file.length } else { length };
                line
            }
            Err(error) => {
                if self.throttle.allows() {
                    tracing::warn!(path = %file.found.real.display(), error, "cannot be read, trying again");
                }
                file.rest(now.instant);
                return self.find_again(place, index, now, events);
            }
        };
        if !is_next || (line.is_none() && file.rotated.is_none()) {
            return file.rest(now.instant);
        }
        if self.awaits_pod(place, index, now) {
            return self.groups[place].files[index].rest(now.instant);
        }
        self.open(place, index, line.as_deref().unwrap_or_default(), now, events);
    }

    /// Its pod is not known yet and may be soon. Of a pod that lives for seconds, whose log is gone
    /// before that, the file stays open.
    fn awaits_pod(&self, place: usize, index: usize, now: Now) -> bool {
        let file = &self.groups[place].files[index];
        let Some(container) = file.container.as_ref().filter(|_| !self.metadata.is_empty()) else { return false };
        let tag = self.settings.naming.tag(&file.found.path).unwrap_or_default();
        let waited = now.instant.duration_since(file.found_at);
        self.metadata.iter().any(|metadata| metadata.holds_back(&tag, container, waited))
    }

    fn open(&mut self, place: usize, index: usize, line: &[u8], now: Now, events: &mut Vec<Event>) {
        let resumed = self.resume(place, index, line, now);
        let continues = self.groups[place].before(index);
        let file = &mut self.groups[place].files[index];
        file.open(resumed.log, resumed.checkpoint);
        file.began = file.began.or_else(|| identity::time_of(line).filter(|_| file.container.is_some()));
        if resumed.is_done {
            // Nothing of it has to be read, so that nobody has to know of it.
            (file.phase, file.length) = (Phase::Closed, resumed.checkpoint.offset);
            return;
        }
        let source = Source {
            id: file.id,
            input: self.input,
            tag: self.settings.naming.tag(&file.found.path).unwrap_or_default(),
            path: Some(file.found.path.to_string_lossy().into_owned()),
            container: file.container.clone(),
            pod: None,
            log: Some(resumed.log),
            began: file.began,
        };
        tracing::debug!(path = %file.found.real.display(), offset = resumed.checkpoint.offset, "follows");
        let (resume, lead) = (resumed.checkpoint, file.lead.clone());
        events.push(Event::Opened { source: Box::new(source), resume, lead, continues });
        if !resumed.is_derived {
            // A log id that bytes do not tell must be on disk before it is in a document.
            self.save();
        }
    }
}
