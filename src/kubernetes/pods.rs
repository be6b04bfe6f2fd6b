//! The pods of a node as they are known now.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use super::namespaces::Namespaces;
use crate::record::{Container, PodMetadata, Timestamp};

/// How long a pod that is gone stays known after the last of its logs was let go.
const KEPT: Duration = Duration::from_secs(600);

/// What is known of pods, by UID. Each version of a pod is immutable. Whoever uses it many times asks
/// [`Pods::generation`] first, which costs no lock, and looks again only when that has moved.
#[derive(Debug, Default)]
pub struct Pods {
    generation: AtomicU64,
    entries: RwLock<HashMap<String, Entry>>,
    is_listed: AtomicBool,
    /// What is known of namespaces; it moves the same generation.
    pub namespaces: Namespaces,
}

/// One pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) pod: Arc<PodMetadata>,
    /// When it was found to be gone, or last in use after that.
    pub(super) gone: Option<Milliseconds>,
}

/// Since the epoch.
pub(super) type Milliseconds = i64;

/// The pod of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// Its UID or its container's id is the one that the log's path tells.
    Surely(Arc<PodMetadata>),
    /// The path tells neither, and it is there now under this name.
    Probably(Arc<PodMetadata>),
}

impl Known {
    /// Its metadata.
    #[must_use]
    pub fn into_pod(self) -> Arc<PodMetadata> {
        let (Self::Surely(pod) | Self::Probably(pod)) = self;
        pod
    }
}

impl Pods {
    /// Moves with every change.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The pod that a container belongs to. One of the same name whose UID is another is not it.
    #[must_use]
    pub fn look_up(&self, container: &Container) -> Option<Known> {
        let entries = self.read();
        if let Some(uid) = &container.pod_uid {
            let entry = entries.get(uid).or_else(|| entries.values().find(|entry| entry.pod.has_uid(uid)));
            return entry.map(|entry| Known::Surely(Arc::clone(&entry.pod)));
        }
        let named = || {
            let is_it = |entry: &&Entry| entry.pod.name == container.pod && entry.pod.namespace == container.namespace;
            entries.values().filter(is_it)
        };
        let has_id = |entry: &&Entry| {
            let known = entry.pod.container(&container.name).and_then(|known| known.id.as_ref());
            known.is_some() && known == container.id.as_ref()
        };
        let surely = named().find(has_id).map(|entry| Known::Surely(Arc::clone(&entry.pod)));
        surely.or_else(|| {
            let alive = named().find(|entry| entry.gone.is_none());
            alive.map(|entry| Known::Probably(Arc::clone(&entry.pod)))
        })
    }

    /// Something is known that was not before.
    pub(super) fn moved(&self) {
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// All pods that are there were told once: who is not known is not there.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        self.is_listed.load(Ordering::Acquire)
    }

    /// How many pods are known, those included that are gone.
    #[must_use]
    pub fn count(&self) -> usize {
        self.read().len()
    }

    /// A pod came or changed. Its entry, if that says anything new.
    pub(super) fn put(&self, pod: PodMetadata) -> Option<Entry> {
        let mut entries = self.write();
        let is_known = entries.get(&pod.uid).is_some_and(|entry| entry.gone.is_none() && *entry.pod == pod);
        if is_known || pod.uid.is_empty() {
            return None;
        }
        let entry = Entry { pod: Arc::new(pod), gone: None };
        entries.insert(entry.pod.uid.clone(), entry.clone());
        self.moved();
        Some(entry)
    }

    /// A pod is gone. Its entry, if it was not before.
    pub(super) fn remove(&self, uid: &str, now: Timestamp) -> Option<Entry> {
        let mut entries = self.write();
        let entry = entries.get_mut(uid).filter(|entry| entry.gone.is_none())?;
        entry.gone = Some(now.milliseconds());
        Some(entry.clone())
    }

    /// These are all pods that are there. The entries that say anything new.
    pub(super) fn replace(&self, pods: Vec<PodMetadata>, now: Timestamp) -> Vec<Entry> {
        let there: HashSet<&str> = pods.iter().map(|pod| pod.uid.as_str()).collect();
        let gone: Vec<String> = self.read().keys().filter(|uid| !there.contains(uid.as_str())).cloned().collect();
        let mut changed: Vec<_> = gone.iter().filter_map(|uid| self.remove(uid, now)).collect();
        changed.extend(pods.into_iter().filter_map(|pod| self.put(pod)));
        if !self.is_listed.swap(true, Ordering::AcqRel) {
            self.moved();
        }
        changed
    }

    /// What an earlier process knew. Whether its pods are still there is told by the next list. Those
    /// that are gone are kept as if they had gone now: their logs waited for us meanwhile.
    pub(super) fn restore(&self, kept: HashMap<String, Entry>, now: Timestamp) {
        let mut entries = self.write();
        for (uid, mut entry) in kept {
            entry.gone = entry.gone.map(|_| now.milliseconds());
            entries.entry(uid).or_insert(entry);
        }
        self.moved();
    }

    /// Forgets pods that are gone and whose logs nobody reads.
    pub(super) fn sweep(&self, now: Timestamp) {
        let kept = i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX);
        self.write().retain(|_, entry| {
            let Some(gone) = &mut entry.gone else { return true };
            if Arc::strong_count(&entry.pod) > 1 {
                // A log of it is still open somewhere.
                *gone = now.milliseconds();
            }
            now.milliseconds() - *gone < kept
        });
    }

    /// All that is known.
    pub(super) fn entries(&self) -> HashMap<String, Entry> {
        self.read().clone()
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<String, Entry>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<String, Entry>> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(uid: &str, id: Option<&str>) -> PodMetadata {
        let container = crate::record::source::ContainerMetadata {
            name: "main".to_owned(),
            id: id.map(str::to_owned),
            ..Default::default()
        };
        PodMetadata {
            uid: uid.to_owned(),
            namespace: "flyte".to_owned(),
            name: "web".to_owned(),
            containers: vec![container],
            ..PodMetadata::default()
        }
    }

    fn container(uid: Option<&str>, id: Option<&str>) -> Container {
        Container {
            namespace: "flyte".to_owned(),
            pod: "web".to_owned(),
            name: "main".to_owned(),
            pod_uid: uid.map(str::to_owned),
            id: id.map(str::to_owned),
            restart: None,
        }
    }

    fn found(pods: &Pods, uid: Option<&str>, id: Option<&str>) -> Option<(bool, String)> {
        let known = pods.look_up(&container(uid, id))?;
        Some((matches!(known, Known::Surely(_)), known.into_pod().uid.clone()))
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp(i64::try_from(seconds).unwrap() * 1_000_000_000)
    }

    #[test]
    fn a_pod_of_the_same_name_lends_nothing() {
        let pods = Pods::default();
        assert!(pods.put(pod("one", Some("id-1"))).is_some());
        pods.remove("one", at(1));
        assert_eq!(found(&pods, Some("two"), None), None);
        assert_eq!(found(&pods, None, None), None, "one that is gone is none that is there");
        pods.put(pod("two", Some("id-2")));
        for (uid, id, expected) in [
            (Some("one"), None, (true, "one")),
            (Some("two"), None, (true, "two")),
            (None, Some("id-1"), (true, "one")),
            (None, Some("id-2"), (true, "two")),
            (None, Some("id-3"), (false, "two")),
            (None, None, (false, "two")),
        ] {
            assert_eq!(found(&pods, uid, id), Some((expected.0, expected.1.to_owned())), "{uid:?} {id:?}");
        }
    }

    #[test]
    fn a_static_pod_s_log_has_the_uid_of_its_file() {
        let pods = Pods::default();
        let annotations = vec![("kubernetes.io/config.hash".to_owned(), "hash".to_owned())];
        pods.put(PodMetadata { annotations, ..pod("mirror", None) });
        assert_eq!(found(&pods, Some("hash"), None), Some((true, "mirror".to_owned())));
        assert_eq!(found(&pods, Some("other"), None), None);
    }

    #[test]
    fn what_an_earlier_process_knew_is_kept_as_if_it_had_gone_now() {
        let pods = Pods::default();
        pods.put(pod("one", None));
        pods.remove("one", at(0));
        let later = Pods::default();
        later.restore(pods.entries(), at(5000));
        later.sweep(at(5000));
        assert_eq!(found(&later, Some("one"), None), Some((true, "one".to_owned())));
    }

    #[test]
    fn only_what_is_new_moves_the_generation() {
        let pods = Pods::default();
        pods.put(pod("one", None));
        let generation = pods.generation();
        assert_eq!(pods.put(pod("one", None)), None);
        assert_eq!(pods.generation(), generation);
        assert!(pods.put(pod("one", Some("id"))).is_some());
        assert!(pods.generation() > generation);
    }

    #[test]
    fn a_list_tells_what_is_gone() {
        let pods = Pods::default();
        pods.put(pod("one", None));
        pods.put(pod("two", None));
        let changed = pods.replace(vec![pod("two", None), pod("three", None)], at(5));
        let changed: Vec<_> = changed.iter().map(|entry| (entry.pod.uid.as_str(), entry.gone)).collect();
        assert_eq!(changed, [("one", Some(5000)), ("three", None)]);
    }

    #[test]
    fn what_is_gone_stays_while_it_is_in_use_and_some_time_longer() {
        let pods = Pods::default();
        pods.put(pod("one", None));
        let used = pods.look_up(&container(Some("one"), None));
        pods.remove("one", at(0));
        pods.sweep(at(5000));
        assert_eq!(pods.count(), 1);
        drop(used);
        pods.sweep(at(5000 + KEPT.as_secs() - 1));
        assert_eq!(pods.count(), 1);
        pods.sweep(at(5000 + KEPT.as_secs()));
        assert_eq!(pods.count(), 0);
    }
}
