//! Letting go of files that are settled, and of containers that are gone.

use std::sync::Arc;

use super::file::Followed;
use super::follow::Follower;
use super::group::Group;

impl Follower {
    /// Lets go of groups without files whose container's directory, or path, is gone.
    pub(super) fn forget_gone(&mut self) {
        let disk = Arc::clone(&self.disk);
        let is_gone = |group: &mut Group| {
            group.files.is_empty()
                && match group.is_numbered {
                    true => disk.names(&group.directory).map_or(true, |names| names.is_empty()),
                    false => group.done.iter().all(|done| disk.look(&done.path).is_err()),
                }
        };
        let gone: Vec<Group> = self.groups.extract_if(.., is_gone).collect();
        self.forget_groups(&gone);
    }

    /// These groups are not among the others any more.
    pub(super) fn forget_groups(&mut self, gone: &[Group]) {
        if gone.is_empty() {
            return;
        }
        for group in gone.iter().filter(|group| group.is_numbered) {
            if let Some(watch) = &mut self.watch {
                watch.remove(&group.directory);
            }
        }
        self.places = self.groups.iter().enumerate().map(|(place, group)| (group.key, place)).collect();
    }

    /// Lets go of files that are closed and settled. Those that still lie there are remembered.
    pub(super) fn forget_settled(&mut self) {
        let has_store = self.store.is_some();
        let is_over = |file: &Followed| file.is_settled() && !(has_store && file.is_dirty);
        if !self.groups.iter().any(|group| group.files.iter().any(is_over)) {
            return;
        }
        let mut gone = Vec::new();
        for group in &mut self.groups {
            for file in group.files.extract_if(.., |file| is_over(file)).collect::<Vec<_>>() {
                let open = self.descriptors.if_open(file.id);
                // The inode of one that was removed will be another file's.
                let is_there = open.is_none_or(|open| open.look().is_ok_and(|look| look.links > 0));
                if is_there && file.vanished.is_none() && !file.is_spooled() {
                    file.saved().into_iter().for_each(|saved| group.remember(saved));
                }
                gone.push(file);
            }
        }
        gone.iter().for_each(|file| self.release(file));
    }

    /// Closes a file that is no group's any more, and forgets where it was.
    pub(super) fn release(&mut self, file: &Followed) {
        self.descriptors.close(file.id);
        self.sources.remove(&file.id);
        if self.inodes.get(&file.found.key()) == Some(&file.id) {
            self.inodes.remove(&file.found.key());
        }
        if let (Some(rescue), Some(segment)) = (&mut self.rescue, file.rescued) {
            rescue.remove(segment);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use super::super::disk::RealDisk;
    use super::super::follow::{Kept, Means};
    use super::super::options::Settings;
    use super::*;
    use crate::input::Shard;
    use crate::record::Now;

    #[test]
    fn forgets_containers_that_are_gone() {
        let root = tempfile::tempdir().unwrap();
        let (pod, links) = (root.path().join("pods/flyte_pod_uid"), root.path().join("containers"));
        fs::create_dir_all(pod.join("main")).unwrap();
        fs::create_dir(&links).unwrap();
        fs::write(pod.join("main/0.log"), "").unwrap();
        let link = links.join(format!("pod_flyte_main-{}.log", "a".repeat(64)));
        std::os::unix::fs::symlink(pod.join("main/0.log"), &link).unwrap();
        let settings = Settings::simulated(&format!("{}/*.log", links.display()), 1000, 10);
        let means = Means { disk: Arc::new(RealDisk), watch: None, open: Box::new(Kept::default), metadata: [].into() };
        let start = Now::read();
        let mut follower = Follower::new(0, settings, Shard { worker: 0, workers: 1 }, means, start);
        let mut look_after = |seconds| {
            let now = Now { instant: start.instant + Duration::from_secs(seconds), ..start };
            follower.look_around(now, &mut Vec::new());
            follower.groups.len()
        };
        assert_eq!(look_after(0), 1);
        fs::remove_file(&link).unwrap();
        fs::remove_dir_all(&pod).unwrap();
        // Its path is gone; it is finished; it is closed; and then it is forgotten.
        let groups: Vec<_> = (1..10).map(|round| look_after(round * 10)).collect();
        assert_eq!(groups.last(), Some(&0), "{groups:?}");
    }
}
