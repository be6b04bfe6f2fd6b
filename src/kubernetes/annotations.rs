//! What a pod's annotations wish for its logs: `fluentbit.io/parser` and `fluentbit.io/exclude`.

use crate::record::PodMetadata;

const PREFIX: &str = "fluentbit.io/";
const STREAMS: [&str; 2] = ["stdout", "stderr"];

/// Which wishes are heard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Allowed {
    /// `K8S-Logging.Parser`.
    pub parser: bool,
    /// `K8S-Logging.Exclude`.
    pub exclude: bool,
}

/// No line of a container is wanted.
#[must_use]
pub fn excludes(pod: &PodMetadata, container: &str) -> bool {
    let allowed = Allowed { parser: false, exclude: true };
    Wishes::of(&pod.annotations, container, allowed, |_| None, |_| {}).excludes(None)
}

/// What is wished for a container, by stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wishes {
    exclude: [bool; 2],
    /// Indices into the parsers.
    parser: [Option<usize>; 2],
}

impl Wishes {
    /// The wishes for a container. One that names the container beats one for all of the pod's,
    /// wherever it stands; of those for all the first counts, of those that name it the last. What is
    /// wrong with them is told to `complain`.
    #[must_use]
    pub fn of(
        annotations: &[(String, String)],
        container: &str,
        allowed: Allowed,
        parser_named: impl Fn(&str) -> Option<usize>,
        mut complain: impl FnMut(String),
    ) -> Self {
        let mut exclude = [Slot::Unset; 2];
        let mut parser = [Slot::Unset; 2];
        for (key, value) in annotations {
            let Some(wish) = key.strip_prefix(PREFIX) else { continue };
            let Some((property, streams, only)) = read(wish) else {
                complain(format!("annotation '{key}' is not understood"));
                continue;
            };
            if only.is_some_and(|only| only != container) {
                continue;
            }
            let is_allowed = if property == "parser" { allowed.parser } else { allowed.exclude };
            if !is_allowed {
                complain(format!("annotation '{key}' is not allowed: its K8S-Logging option is off"));
                continue;
            }
            if property == "exclude" {
                let wished = ["true", "on", "yes"].iter().any(|word| value.eq_ignore_ascii_case(word));
                streams.iter().for_each(|stream| exclude[*stream].set(wished, only.is_some()));
            } else if let Some(index) = parser_named(value) {
                streams.iter().for_each(|stream| parser[*stream].set(index, only.is_some()));
            } else {
                complain(format!("annotation '{key}': there is no parser '{value}'"));
            }
        }
        Self { exclude: exclude.map(|slot| slot.value().unwrap_or(false)), parser: parser.map(Slot::value) }
    }

    /// Nothing is wished.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Records of this stream are not wanted; of an unknown one, if none of both is.
    #[must_use]
    pub fn excludes(&self, stream: Option<usize>) -> bool {
        stream.map_or(self.exclude == [true; 2], |stream| self.exclude[stream])
    }

    /// The parser for records of this stream.
    #[must_use]
    pub fn parser(&self, stream: Option<usize>) -> Option<usize> {
        self.parser[stream?]
    }
}

/// The number of a stream.
#[must_use]
pub fn stream(name: &[u8]) -> Option<usize> {
    STREAMS.iter().position(|stream| stream.as_bytes() == name)
}

/// `<property>[_<stream>][-<container>]`: the property, the streams and the container.
fn read(wish: &str) -> Option<(&str, &'static [usize], Option<&str>)> {
    let (what, container) = match wish.split_once('-') {
        Some((what, container)) => (what, Some(container).filter(|name| !name.is_empty())?.into()),
        None => (wish, None),
    };
    let (property, streams): (_, &'static [usize]) = match what.split_once('_') {
        None => (what, &[0, 1]),
        Some((property, "stdout")) => (property, &[0]),
        Some((property, "stderr")) => (property, &[1]),
        Some(_) => return None,
    };
    matches!(property, "parser" | "exclude").then_some((property, streams, container))
}

#[derive(Debug, Clone, Copy)]
enum Slot<T> {
    Unset,
    /// By an annotation for all containers.
    General(T),
    /// By one that names the container.
    Specific(T),
}

impl<T: Copy> Slot<T> {
    fn set(&mut self, value: T, is_specific: bool) {
        match (&self, is_specific) {
            (_, true) => *self = Self::Specific(value),
            (Self::Unset, false) => *self = Self::General(value),
            (Self::General(_) | Self::Specific(_), false) => {}
        }
    }

    fn value(self) -> Option<T> {
        match self {
            Self::Unset => None,
            Self::General(value) | Self::Specific(value) => Some(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes(annotations: &[(&str, &str)], allowed: Allowed) -> (Wishes, usize) {
        let parser_named = |name: &str| ["a", "b"].iter().position(|known| *known == name);
        let annotations: Vec<_> =
            annotations.iter().map(|(key, value)| (format!("fluentbit.io/{key}"), (*value).to_owned())).collect();
        let mut complaints = 0;
        let wishes = Wishes::of(&annotations, "web", allowed, parser_named, |_| complaints += 1);
        (wishes, complaints)
    }

    #[test]
    fn the_container_s_own_wishes_come_first() {
        const ALL: Allowed = Allowed { parser: true, exclude: true };
        for (annotations, exclude, parser, complaints) in [
            (&[][..], [false, false], [None, None], 0),
            (&[("exclude", "true")], [true, true], [None, None], 0),
            (&[("exclude_stderr", "on"), ("exclude", "false")], [false, true], [None, None], 0),
            (&[("exclude-web", "yes"), ("exclude", "no")], [true, true], [None, None], 0),
            (&[("exclude", "yes"), ("exclude_stdout-web", "no")], [false, true], [None, None], 0),
            (&[("exclude-other", "yes")], [false, false], [None, None], 0),
            (&[("parser", "a"), ("parser", "b")], [false, false], [Some(0), Some(0)], 0),
            (&[("parser-web", "a"), ("parser-web", "b")], [false, false], [Some(1), Some(1)], 0),
            (&[("parser_stdout", "b"), ("parser", "a")], [false, false], [Some(1), Some(0)], 0),
            (&[("parser", "missing")], [false, false], [None, None], 1),
            (&[("exclude_stdin", "yes"), ("other", "x"), ("exclude-", "yes")], [false, false], [None, None], 3),
        ] {
            assert_eq!(wishes(annotations, ALL), (Wishes { exclude, parser }, complaints), "{annotations:?}");
        }
        let both = &[("exclude", "true"), ("parser", "a")];
        assert_eq!(wishes(both, Allowed::default()), (Wishes::default(), 2));
    }

    #[test]
    fn a_record_of_no_stream_is_excluded_only_if_both_are() {
        let excluded =
            |exclude, stream: &[u8]| Wishes { exclude, parser: [Some(0); 2] }.excludes(super::stream(stream));
        assert!(excluded([true, false], b"stdout") && !excluded([true, false], b"stderr"));
        assert!(!excluded([true, false], b"") && excluded([true, true], b"other"));
        assert_eq!(Wishes { exclude: [false; 2], parser: [Some(0); 2] }.parser(None), None);
    }
}
