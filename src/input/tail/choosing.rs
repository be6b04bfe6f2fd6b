//! Which files are read: those whose pods are selected and do not exclude themselves. The others are
//! not opened and have no checkpoint; they are looked at again whenever something new is known of pods.
//! What was decided once holds while nobody knows the pod, also after a restart.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::checkpoints::LeftOut;
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
    /// What is asked for, in words.
    asked: String,
    /// Files whose pods were known and made them left out, as the store has it: whether they exclude
    /// themselves.
    decided: HashMap<PathBuf, bool>,
    /// What the store has to be told.
    untold: Vec<(PathBuf, Option<LeftOut>)>,
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
    Unselected {
        /// Nobody knew its pod, or had to: its path told.
        by_path: bool,
    },
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
        let excludes = metadata.iter().any(|metadata| metadata.excludes);
        Self {
            asked: format!("{}; excludes: {excludes}", selection.text()),
            selection,
            metadata,
            input,
            aside: HashMap::new(),
            decided: HashMap::new(),
            untold: Vec::new(),
            generation: 0,
            reread_at: None,
            by_path: 0,
            throttle: Throttle::default(),
        }
    }

    /// What an earlier run decided. It holds where the same was asked for.
    pub(super) fn remember(&mut self, left_out: HashMap<PathBuf, LeftOut>) {
        for (path, LeftOut { is_excluded, selection }) in left_out {
            if selection == self.asked {
                self.decided.insert(path, is_excluded);
            } else {
                self.untold.push((path, None));
            }
        }
    }

    /// What changed since the last call of what the next run is to remember.
    pub(super) fn take_untold(&mut self) -> Vec<(PathBuf, Option<LeftOut>)> {
        std::mem::take(&mut self.untold)
    }

    /// The file was found before, and nothing says that it is to be opened now.
    pub(super) fn is_left(&self, path: &Path) -> bool {
        let is_out = |aside: &Aside| matches!(aside.choice, Choice::Unselected { .. } | Choice::Excluded);
        self.aside.get(path).is_some_and(is_out)
    }

    /// What is done with a file that was found and is not followed.
    pub(super) fn admit(&mut self, path: &Path, tag: &str, container: Option<&Container>, now: Instant) -> Admission {
        let Some(container) = container.filter(|_| !self.is_idle()) else {
            return Admission::Follow { from_end: false };
        };
        let since = self.aside.get(path).map_or(now, |aside| aside.since);
        let waited = now.duration_since(since);
        let from_end = self.was_excluded(path);
        let choice = self.judge(path, tag, container, waited);
        let admission = match choice {
            Choice::Chosen { .. } => Admission::Follow { from_end },
            Choice::Undecided if waited >= PATIENCE => Admission::Hold(since),
            _ => Admission::Leave,
        };
        match choice {
            // Until it was opened it stays known that it was excluded.
            Choice::Chosen { .. } if from_end => {}
            Choice::Chosen { .. } => self.opened(path),
            _ => self.leave(path.to_owned(), tag.to_owned(), container.clone(), since, choice),
        }
        self.count(choice);
        admission
    }

    /// It was excluded until now: if it is chosen, it is read from its end.
    pub(super) fn was_excluded(&self, path: &Path) -> bool {
        let aside = self.aside.get(path);
        aside.map_or_else(|| self.decided.get(path) == Some(&true), |aside| aside.was_excluded)
    }

    /// The file is open, so that nothing of what was decided before counts any more.
    pub(super) fn opened(&mut self, path: &Path) {
        self.aside.remove(path);
        self.decide_anew(path, None);
    }

    /// Keeps, for the next run too, why a file is left out.
    fn decide_anew(&mut self, path: &Path, is_excluded: Option<bool>) {
        let before = match is_excluded {
            Some(is_excluded) => self.decided.insert(path.to_owned(), is_excluded),
            None => self.decided.remove(path),
        };
        if before != is_excluded {
            let left_out = is_excluded.map(|is_excluded| LeftOut { is_excluded, selection: self.asked.clone() });
            self.untold.push((path.to_owned(), left_out));
        }
    }

    /// A file that is not opened may have to be.
    pub(super) fn is_undecided(&self) -> bool {
        self.aside.values().any(|file| file.choice == Choice::Undecided)
    }

    /// What becomes of a file that has been held since then.
    pub(super) fn decide(
        &mut self,
        path: &Path,
        tag: &str,
        container: &Container,
        since: Instant,
        now: Instant,
    ) -> Choice {
        let choice = self.judge(path, tag, container, now.duration_since(since));
        self.count(choice);
        choice
    }

    /// A file is not read, or not yet.
    pub(super) fn leave(&mut self, path: PathBuf, tag: String, container: Container, since: Instant, choice: Choice) {
        let was_excluded = choice == Choice::Excluded;
        // What its path told, it will tell again.
        if was_excluded || choice == (Choice::Unselected { by_path: false }) {
            self.decide_anew(&path, Some(was_excluded));
        }
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
            for (path, mut file) in std::mem::take(&mut self.aside) {
                match self.judge(&path, &file.tag, &file.container, now.duration_since(file.since)) {
                    // It is admitted by the next scan.
                    Choice::Chosen { .. } => {
                        file.choice = Choice::Undecided;
                        self.aside.insert(path, file);
                    }
                    choice => self.leave(path, file.tag, file.container, file.since, choice),
                }
            }
        }
        self.is_undecided()
    }

    /// These are all files that are there.
    pub(super) fn keep_only(&mut self, paths: &[PathBuf]) {
        if self.aside.is_empty() && self.decided.is_empty() {
            return;
        }
        let there: HashSet<&PathBuf> = paths.iter().collect();
        self.aside.retain(|path, _| there.contains(path));
        for path in self.decided.keys().filter(|path| !there.contains(path)).cloned().collect::<Vec<_>>() {
            self.decide_anew(&path, None);
        }
    }

    /// Files that are not opened, by the reason. `held` are those that are open and wait: since when,
    /// and how many.
    pub(super) fn account(&self, held: impl Iterator<Item = (Instant, u64)>, now: Instant) -> ChoiceAccount {
        let count = |is_it: fn(Choice) -> bool| self.aside.values().filter(|file| is_it(file.choice)).count() as u64;
        let grace = self.metadata.iter().map(|metadata| metadata.grace).max().unwrap_or_default();
        let mut account = ChoiceAccount {
            unselected: count(|choice| matches!(choice, Choice::Unselected { .. })),
            excluded: count(|choice| choice == Choice::Excluded),
            undecided: count(|choice| choice == Choice::Undecided),
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

    fn judge(&self, path: &Path, tag: &str, container: &Container, waited: Duration) -> Choice {
        if !self.selection.takes_namespace(&container.namespace) {
            return Choice::Unselected { by_path: true };
        }
        let telling = || self.metadata.iter().filter(|metadata| metadata.takes(tag, self.input));
        let Some(pod) = telling().find_map(|metadata| metadata.look_up(container, waited)) else {
            // What was decided when somebody knew it is better than a guess, and than waiting.
            return match self.decided.get(path) {
                Some(true) => Choice::Excluded,
                Some(false) => Choice::Unselected { by_path: false },
                None => self.judge_unknown(container, waited, telling()),
            };
        };
        if !self.selection.takes_pod(&pod) {
            Choice::Unselected { by_path: false }
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
            Choice::Unselected { by_path: true }
        }
    }

    fn count(&mut self, choice: Choice) {
        self.by_path += u64::from(choice == Choice::Chosen { by_path: true });
    }
}

fn is_excluded<'m>(mut telling: impl Iterator<Item = &'m Metadata>, container: &Container, pod: &PodMetadata) -> bool {
    telling.any(|metadata| metadata.excludes) && annotations::excludes(pod, &container.name)
}
