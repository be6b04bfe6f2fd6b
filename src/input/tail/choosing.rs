//! Which files are read: those whose pods are selected and do not exclude themselves. The others are
//! not opened and have no checkpoint; they are looked at again whenever something new is known of pods.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::kubernetes::{Metadata, Selection, annotations};
use crate::record::{Container, PodMetadata};
use crate::telemetry::Throttle;
use crate::telemetry::accounts::ChoiceAccount;

/// How long a file whose pod nobody knows yet is only looked at. Then it is held open, since a pod that
/// lives for seconds takes its log with it.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often files that tell of pods are read again.
const REREAD: Duration = Duration::from_secs(30);

/// See the module.
#[derive(Debug)]
pub(super) struct Choosing {
    selection: Selection,
    metadata: Arc<[Metadata]>,
    input: usize,
    /// Files that are not opened, by their paths.
    aside: HashMap<PathBuf, Aside>,
    /// What the pods' generations were when all files were looked at.
    generation: u64,
    reread_at: Option<Instant>,
    by_path: u64,
    throttle: Throttle,
}

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// It is read.
    Chosen {
        /// Nobody knew its pod: its path told.
        by_path: bool,
    },
    /// Its pod is not known yet.
    Undecided,
    /// Its pod is not selected.
    Unselected,
    /// Its pod excludes it.
    Excluded,
}

/// What is done with a file that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// It is followed; what it holds by now is passed over if it was excluded until now.
    Follow {
        /// See above.
        from_end: bool,
    },
    /// It is held open until its pod is known; it was found at this time.
    Hold(Instant),
    /// It is not opened.
    Leave,
}

#[derive(Debug)]
struct Aside {
    tag: String,
    container: Container,
    since: Instant,
    choice: Choice,
    was_excluded: bool,
}

impl Choosing {
    pub(super) fn new(selection: Selection, metadata: Arc<[Metadata]>, input: usize) -> Self {
        let (aside, throttle) = (HashMap::new(), Throttle::default());
        Self { selection, metadata, input, aside, generation: 0, reread_at: None, by_path: 0, throttle }
    }

    /// The file was found before, and nothing says that it is to be opened now.
    pub(super) fn is_left(&self, path: &Path) -> bool {
        let is_out = |aside: &Aside| matches!(aside.choice, Choice::Unselected | Choice::Excluded);
        self.aside.get(path).is_some_and(is_out)
    }

    /// What is done with a file that was found and is not followed.
    pub(super) fn admit(&mut self, path: &Path, tag: &str, container: Option<&Container>, now: Instant) -> Admission {
        let Some(container) = container.filter(|_| !self.is_idle()) else {
            return Admission::Follow { from_end: false };
        };
        let known = self.aside.get(path);
        let (since, was_excluded) = known.map_or((now, false), |aside| (aside.since, aside.was_excluded));
        let waited = now.duration_since(since);
        let choice = self.judge(tag, container, waited);
        let admission = match choice {
            Choice::Chosen { .. } => Admission::Follow { from_end: was_excluded },
            Choice::Undecided if waited >= PATIENCE => Admission::Hold(since),
            _ => Admission::Leave,
        };
        if admission == Admission::Leave {
            let was_excluded = choice == Choice::Excluded;
            let aside = Aside { tag: tag.to_owned(), container: container.clone(), since, choice, was_excluded };
            self.aside.insert(path.to_owned(), aside);
        } else {
            self.aside.remove(path);
        }
        self.count(choice);
        admission
    }

    /// Another file of its container was chosen, and so is this one. Whether it was excluded before: it is read from
    /// its end then.
    pub(super) fn is_chosen_with_others(&mut self, path: &Path) -> bool {
        self.aside.remove(path).is_some_and(|aside| aside.was_excluded)
    }

    /// A file that is not opened may have to be.
    pub(super) fn is_undecided(&self) -> bool {
        self.aside.values().any(|file| file.choice == Choice::Undecided)
    }

    /// What becomes of a file that has been held since then.
    pub(super) fn decide(&mut self, tag: &str, container: &Container, since: Instant, now: Instant) -> Choice {
        let choice = self.judge(tag, container, now.duration_since(since));
        self.count(choice);
        choice
    }

    /// A file that was held is not read.
    pub(super) fn leave(&mut self, path: PathBuf, tag: String, container: Container, since: Instant, choice: Choice) {
        let was_excluded = choice == Choice::Excluded;
        self.aside.insert(path, Aside { tag, container, since, choice, was_excluded });
    }

    /// Looks again at all files that are not opened, if something new is known. Whether some of them
    /// may have to be opened.
    pub(super) fn look_again(&mut self, now: Instant) -> bool {
        if self.aside.is_empty() {
            return false;
        }
        let generation = self.metadata.iter().map(Metadata::generation).sum();
        let is_time = self.metadata.iter().any(Metadata::is_in_files) && self.reread_at.is_none_or(|at| now >= at);
        if std::mem::replace(&mut self.generation, generation) != generation || is_time {
            self.reread_at = Some(now + REREAD);
            let mut aside = std::mem::take(&mut self.aside);
            for file in aside.values_mut() {
                file.choice = match self.judge(&file.tag, &file.container, now.duration_since(file.since)) {
                    // It is admitted by the next scan.
                    Choice::Chosen { .. } => Choice::Undecided,
                    choice => {
                        file.was_excluded = choice == Choice::Excluded;
                        choice
                    }
                };
            }
            self.aside = aside;
        }
        self.is_undecided()
    }

    /// These are all files that are there.
    pub(super) fn keep_only(&mut self, paths: &[PathBuf]) {
        if !self.aside.is_empty() {
            let there: HashSet<&PathBuf> = paths.iter().collect();
            self.aside.retain(|path, _| there.contains(path));
        }
    }

    /// Files that are not opened, by the reason. `held` are those that are open and wait: since when,
    /// and how many.
    pub(super) fn account(&self, held: impl Iterator<Item = (Instant, u64)>, now: Instant) -> ChoiceAccount {
        let count = |choice: Choice| self.aside.values().filter(|file| file.choice == choice).count() as u64;
        let grace = self.metadata.iter().map(|metadata| metadata.grace).max().unwrap_or_default();
        let mut account = ChoiceAccount {
            unselected: count(Choice::Unselected),
            excluded: count(Choice::Excluded),
            undecided: count(Choice::Undecided),
            overdue: 0,
            by_path: self.by_path,
        };
        for (since, files) in held {
            account.undecided += files;
            account.overdue += if now.duration_since(since) > grace { files } else { 0 };
        }
        if account.overdue > 0 && self.throttle.allows() {
            tracing::warn!(
                files = account.overdue,
                "wait to be read or left out: which pods there are is not known yet"
            );
        }
        account
    }

    /// Nothing is ever left out.
    fn is_idle(&self) -> bool {
        self.selection.is_everything() && !self.metadata.iter().any(|metadata| metadata.excludes)
    }

    fn judge(&self, tag: &str, container: &Container, waited: Duration) -> Choice {
        if !self.selection.takes_namespace(&container.namespace) {
            return Choice::Unselected;
        }
        let telling = || self.metadata.iter().filter(|metadata| metadata.takes(tag, self.input));
        let Some(pod) = telling().find_map(|metadata| metadata.look_up(container, waited)) else {
            return self.judge_unknown(container, waited, telling());
        };
        if !self.selection.takes_pod(&pod) {
            Choice::Unselected
        } else if is_excluded(telling(), container, &pod) {
            Choice::Excluded
        } else {
            Choice::Chosen { by_path: false }
        }
    }

    fn judge_unknown<'m>(
        &self,
        container: &Container,
        waited: Duration,
        mut telling: impl Iterator<Item = &'m Metadata>,
    ) -> Choice {
        let needs_labels = self.selection.needs_labels();
        let may_come = |metadata: &Metadata| {
            let is_asked = needs_labels || (metadata.excludes && metadata.watch.is_some());
            (needs_labels && metadata.awaits_list()) || (is_asked && waited < metadata.grace)
        };
        if telling.any(may_come) {
            Choice::Undecided
        } else if self.selection.takes_unknown(container) {
            Choice::Chosen { by_path: needs_labels }
        } else {
            Choice::Unselected
        }
    }

    fn count(&mut self, choice: Choice) {
        self.by_path += u64::from(choice == Choice::Chosen { by_path: true });
    }
}

fn is_excluded<'m>(mut telling: impl Iterator<Item = &'m Metadata>, container: &Container, pod: &PodMetadata) -> bool {
    telling.any(|metadata| metadata.excludes) && annotations::excludes(pod, &container.name)
}
