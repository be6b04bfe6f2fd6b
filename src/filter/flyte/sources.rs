//! What the filter keeps of each source, so that a record costs no rendering.

use std::collections::HashMap;
use std::sync::Arc;

use super::identity::{Host, Identity};
use crate::record::field_names::FieldNames;
use crate::record::{PodMetadata, Source};

/// Identities of the sources that had records lately.
#[derive(Debug, Default)]
pub(super) struct Sources {
    kept: HashMap<u64, Kept>,
    /// Counts the calls of [`Sources::prepare`].
    clock: u64,
}

#[derive(Debug)]
struct Kept {
    identity: Identity,
    /// The metadata that it was made from. Held, so that no other can stand at its address.
    pod: Option<Arc<PodMetadata>>,
    used: u64,
}

impl Sources {
    /// Sources that are kept: at about a kilobyte each, some megabytes in the worst case.
    const MOST: usize = 4096;

    /// Renders the identity of a source, unless it is there and the pod's metadata is the same.
    pub(super) fn prepare(&mut self, source: &Source, host: &Host, fields: FieldNames) {
        self.clock += 1;
        if let Some(kept) = self.kept.get_mut(&source.id)
            && is_same(kept.pod.as_ref(), source.pod.as_ref())
        {
            kept.used = self.clock;
            return;
        }
        if self.kept.len() >= Self::MOST && !self.kept.contains_key(&source.id) {
            self.forget_the_older_half();
        }
        let identity = Identity::of(source, host, fields);
        let kept = Kept { identity, pod: source.pod.clone(), used: self.clock };
        self.kept.insert(source.id, kept);
    }

    /// The identity of a source as it is now, if it was prepared.
    pub(super) fn find(&self, source: &Source) -> Option<&Identity> {
        let kept = self.kept.get(&source.id)?;
        is_same(kept.pod.as_ref(), source.pod.as_ref()).then_some(&kept.identity)
    }

    /// Half at a time, so that room is made rarely however many sources there are.
    fn forget_the_older_half(&mut self) {
        let mut uses: Vec<u64> = self.kept.values().map(|kept| kept.used).collect();
        let (_, middle, _) = uses.select_nth_unstable(self.kept.len() / 2);
        let middle = *middle;
        self.kept.retain(|_, kept| kept.used > middle);
    }
}

fn is_same(one: Option<&Arc<PodMetadata>>, other: Option<&Arc<PodMetadata>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(id: u64) -> Source {
        Source { id, input: 0, tag: format!("tag{id}"), path: None, container: None, pod: None, log: None, began: None }
    }

    fn host() -> Host {
        Host::Found("node".to_owned())
    }

    #[test]
    fn renders_again_when_the_metadata_changes() {
        let mut sources = Sources::default();
        let mut source = source(7);
        assert!(sources.find(&source).is_none());
        sources.prepare(&source, &host(), FieldNames::Default);
        let without = sources.find(&source).unwrap().clone();
        source.pod = Some(Arc::new(PodMetadata { node: Some("other".to_owned()), ..PodMetadata::default() }));
        assert!(sources.find(&source).is_none(), "not the old one for new metadata");
        sources.prepare(&source, &host(), FieldNames::Default);
        assert_ne!(sources.find(&source).unwrap(), &without);
        assert_eq!(sources.kept.len(), 1);
    }

    #[test]
    fn keeps_a_bounded_number_and_what_is_used() {
        let mut sources = Sources::default();
        let busy = source(0);
        for id in 1..3 * Sources::MOST as u64 {
            sources.prepare(&busy, &host(), FieldNames::Default);
            sources.prepare(&source(id), &host(), FieldNames::Default);
            assert!(sources.kept.len() <= Sources::MOST);
            assert!(sources.find(&busy).is_some());
            assert!(sources.find(&source(id)).is_some());
        }
    }
}
