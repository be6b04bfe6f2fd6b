//! Which pods' logs are read: by namespaces, and by label selectors.

use glob::Pattern;

use super::flyte;
use super::selector::{Selector, SelectorError};
use crate::record::{Container, PodMetadata};

/// The word that stands for all pods of Flyte.
const FLYTE: &str = "flyte";

/// See the module. The default is all pods.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    namespaces: Vec<Pattern>,
    /// Pods of Flyte's own parts and of its tasks.
    flyte: bool,
    selectors: Vec<Selector>,
    /// All of these as they were written.
    texts: Vec<String>,
}

impl Selection {
    /// Adds namespaces whose names match a pattern with `*`.
    ///
    /// # Errors
    /// If it is no pattern.
    pub fn add_namespaces(&mut self, pattern: &str) -> Result<(), glob::PatternError> {
        self.namespaces.push(Pattern::new(pattern)?);
        self.texts.push(format!("namespace {pattern}"));
        Ok(())
    }

    /// Adds what selectors, separated by `;`, select; one may be the word `flyte`.
    ///
    /// # Errors
    /// If one of them is no selector.
    pub fn add_pods(&mut self, selectors: &str) -> Result<(), SelectorError> {
        for selector in selectors.split(';').map(str::trim).filter(|selector| !selector.is_empty()) {
            self.texts.push(selector.to_owned());
            if selector.eq_ignore_ascii_case(FLYTE) {
                self.flyte = true;
            } else {
                self.selectors.push(Selector::parse(selector)?);
            }
        }
        Ok(())
    }

    /// What it selects, in words that two selections share only if they are the same.
    #[must_use]
    pub fn text(&self) -> String {
        self.texts.join("; ")
    }

    /// No pod is left out.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.namespaces.is_empty() && !self.needs_labels()
    }

    /// Labels decide.
    #[must_use]
    pub fn needs_labels(&self) -> bool {
        self.flyte || !self.selectors.is_empty()
    }

    /// The namespace is selected.
    #[must_use]
    pub fn takes_namespace(&self, namespace: &str) -> bool {
        self.namespaces.is_empty() || self.namespaces.iter().any(|pattern| pattern.matches(namespace))
    }

    /// The pod is selected by its labels.
    #[must_use]
    pub fn takes_pod(&self, pod: &PodMetadata) -> bool {
        !self.needs_labels()
            || (self.flyte && flyte::is_flyte(pod))
            || self.selectors.iter().any(|selector| selector.matches(pod))
    }

    /// A log whose pod nobody knows is read: what is lost is worse than what is too much. Only pods of
    /// Flyte are told by their names.
    #[must_use]
    pub fn takes_unknown(&self, container: &Container) -> bool {
        !self.flyte || !self.selectors.is_empty() || flyte::is_named_as_flyte(container)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(pods: &[&str], namespaces: &[&str]) -> Selection {
        let mut selection = Selection::default();
        pods.iter().for_each(|text| selection.add_pods(text).unwrap());
        namespaces.iter().for_each(|text| selection.add_namespaces(text).unwrap());
        selection
    }

    fn pod(label: (&str, &str)) -> PodMetadata {
        PodMetadata { labels: vec![(label.0.to_owned(), label.1.to_owned())], ..PodMetadata::default() }
    }

    fn unknown(selection: &Selection, namespace: &str, pod: &str) -> bool {
        let (namespace, pod, name) = (namespace.to_owned(), pod.to_owned(), "main".to_owned());
        selection.takes_unknown(&Container { namespace, pod, name, pod_uid: None, id: None, restart: None })
    }

    #[test]
    fn any_of_several_selectors_is_enough() {
        let several = selection(&["app=web; flyte;", "tier in (a,b)"], &[]);
        for (label, is_selected) in [
            (("app", "web"), true),
            (("execution-id", "a1"), true),
            (("tier", "b"), true),
            (("tier", "c"), false),
            (("app", "other"), false),
        ] {
            assert_eq!(several.takes_pod(&pod(label)), is_selected, "{label:?}");
        }
        assert!(selection(&[], &[]).takes_pod(&pod(("app", "other"))));
        assert!(selection(&["app=web"], &[]).needs_labels() && !selection(&[], &["a"]).needs_labels());
        assert!(selection(&[], &[]).is_everything() && !selection(&[], &["a"]).is_everything());
        assert!(Selection::default().add_pods("flyte; app=a b").is_err());
    }

    #[test]
    fn namespaces_are_told_by_patterns() {
        let some = selection(&[], &["flyte", "*-development"]);
        for (namespace, is_selected) in
            [("flyte", true), ("shop-development", true), ("flyte-system", false), ("shop-production", false)]
        {
            assert_eq!(some.takes_namespace(namespace), is_selected, "{namespace}");
        }
    }

    #[test]
    fn what_nobody_knows_is_read_unless_its_name_tells() {
        assert!(unknown(&selection(&["app=web"], &[]), "shop", "db-0"));
        assert!(unknown(&selection(&["app=web;flyte"], &[]), "shop", "db-0"));
        assert!(!unknown(&selection(&["flyte"], &[]), "shop", "db-0"));
        assert!(unknown(&selection(&["flyte"], &[]), "shop-development", "nightly-n0-0"));
    }
}
