//! All definitions of a configuration, by name.

use std::sync::Arc;

use super::rules::Matches;
use super::{Chain, Cutting, built_in, section};
use crate::config::{Instance, Options, Problem, Problems, Severity};

/// Compiles an expression as parsers files spell it. The error says why it cannot be.
pub type Compile = fn(&str) -> Result<Arc<dyn Matches>, String>;

/// Makes what cuts the lines of a section that has a `Parser`. The error says why it cannot be.
pub type CuttingOf<'c> = &'c mut dyn FnMut(&Options<'_>) -> Result<Cutting, Problem>;

/// What names of multi-line parsers stand for.
#[derive(Debug, Clone, Default)]
pub struct Chosen {
    /// The lines are those of a container runtime.
    pub container: bool,
    /// How the texts are joined.
    pub chain: Chain,
    /// Key of the texts, if one of the definitions says.
    pub text_key: Option<Vec<u8>>,
}

/// All definitions, by name; case does not matter.
#[derive(Debug, Clone, Default)]
pub struct Definitions {
    known: Vec<(String, Chosen)>,
    /// Sections that cannot be used, and why.
    unusable: Vec<(String, Problem)>,
}

impl Definitions {
    /// Builds what the `[MULTILINE_PARSER]` sections define, and what is built in.
    #[must_use]
    pub fn new(sections: &[Instance], compile: Compile, cutting_of: CuttingOf<'_>, problems: &mut Problems) -> Self {
        let mut definitions = Self::default();
        for section in sections {
            let options = section.options();
            let Some(name) = options.text("Name") else { continue };
            match section::build(name, &options, (compile, &mut *cutting_of), problems) {
                Ok(Some(chosen)) => definitions.known.push((name.to_owned(), chosen)),
                // Its mistakes were reported: to whoever names it there is no more to say.
                Ok(None) => definitions.known.push((name.to_owned(), Chosen::default())),
                Err(unusable) => {
                    problems.push(Problem { severity: Severity::Warning, ..unusable.clone() });
                    definitions.unusable.push((name.to_owned(), unusable));
                }
            }
        }
        let runtimes = ["docker", "cri"].map(|name| (name.to_owned(), Chosen { container: true, ..Chosen::default() }));
        let groups = built_in::all().into_iter().map(|definition| {
            let name = definition.name().to_owned();
            (name, Chosen { chain: Chain::new([Arc::new(definition)]), ..Chosen::default() })
        });
        for (name, chosen) in runtimes.into_iter().chain(groups) {
            if definitions.find(&name).is_none() && definitions.reason(&name).is_none() {
                definitions.known.push((name, chosen));
            }
        }
        definitions
    }

    /// The definition of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Chosen> {
        self.known.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, chosen)| chosen)
    }

    /// The names, for suggestions.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.known.iter().map(|(name, _)| name.as_str())
    }

    /// What the option `key` names, as one chain. A name that stands for nothing usable is a problem.
    pub fn named_by(&self, options: &Options<'_>, key: &str, problems: &mut Problems) -> Chosen {
        let mut all = Chosen::default();
        for name in options.list(key) {
            let Some(chosen) = self.find(name) else {
                problems.push(self.unknown(name, options, key));
                continue;
            };
            if all.chain.takes_all() && !chosen.chain.is_empty() {
                let message = format!("multiline parser \"{name}\" is never asked: the one before it takes every line");
                problems.push(options.warning(key, message).with_hint("name it first"));
            }
            all.container |= chosen.container;
            all.text_key = all.text_key.or_else(|| chosen.text_key.clone());
            all.chain = all.chain.followed_by(&chosen.chain);
        }
        all
    }

    fn unknown(&self, name: &str, options: &Options<'_>, key: &str) -> Problem {
        if let Some(reason) = self.reason(name) {
            let message = format!("multiline parser \"{name}\" cannot be used: {}", reason.message);
            return options.problem(key, message).with_hint(format!("see {}:{}", reason.file.display(), reason.line));
        }
        let names: Vec<_> = self.names().collect();
        let hint = format!("multiline parsers are: {}", names.join(", "));
        options.problem(key, format!("there is no multiline parser \"{name}\"")).with_hint(hint)
    }

    fn reason(&self, name: &str) -> Option<&Problem> {
        self.unusable.iter().find(|(unusable, _)| unusable.eq_ignore_ascii_case(name)).map(|(_, reason)| reason)
    }
}

#[cfg(test)]
mod tests {
    use bumpalo::Bump;
    use regex::bytes::Regex;

    use super::*;
    use crate::config::{Class, Environment, Kind, OptionSpec, Plugin, instance};
    use crate::decode::multiline::{Cut, PLUGIN, Parts};

    const INPUT: Plugin = Plugin {
        name: "tail",
        doc: "",
        options: &[OptionSpec::new("multiline.parser", Kind::List, "", "").repeatable()],
    };

    fn compile(text: &str) -> Result<Arc<dyn Matches>, String> {
        let regex = Regex::new(text).map_err(|_| "it is no expression".to_owned())?;
        Ok(Arc::new(regex))
    }

    /// Cuts nothing.
    #[derive(Debug)]
    struct Words;

    impl Cut for Words {
        fn cut<'t>(&self, _: &'t [u8], _: &'t Bump) -> Option<Parts<'t>> {
            None
        }
    }

    /// What sections define, what `names` stands for then, and all problems.
    fn chosen(sections: &[&[(&str, &str)]], names: &str) -> (Chosen, Vec<String>) {
        let environment = Environment::default();
        let (sections, found): (Vec<_>, Vec<_>) =
            sections.iter().map(|pairs| instance(Class::MultilineParser, &PLUGIN, pairs, &environment)).unzip();
        let mut problems = Problems::new();
        problems.extend(found.into_iter().flatten());
        let mut cutting_of = |options: &Options<'_>| match options.text("Parser") {
            Some("words") => Ok(Cutting { number: 7, cut: Arc::new(Words), has_keys: options.is_set("Key_Group") }),
            _ => Err(options.problem("Parser", "there is no such parser").with_hint("there is words")),
        };
        let definitions = Definitions::new(&sections, compile, &mut cutting_of, &mut problems);
        let (input, _) = instance(Class::Input, &INPUT, &[("multiline.parser", names)], &environment);
        let chosen = definitions.named_by(&input.options(), "multiline.parser", &mut problems);
        (chosen, problems.iter().map(ToString::to_string).collect())
    }

    /// The definitions that are chosen, and all problems.
    fn names(sections: &[&[(&str, &str)]], names: &str) -> (Vec<String>, Vec<String>) {
        let (chosen, problems) = chosen(sections, names);
        (chosen.chain.names().map(str::to_owned).collect(), problems)
    }

    const START: (&str, &str) = ("Rule", r#""start_state" "^\d" "cont""#);
    const CONT: (&str, &str) = ("Rule", r#""cont" "^\s" "cont""#);

    #[test]
    fn names_are_found_in_any_case_and_each_counts_once() {
        let section = [("Name", "Mine"), ("Type", "regex"), ("Flush_Timeout", "1000"), START, CONT];
        assert_eq!(names(&[&section], "GO, mine,go"), (vec!["go".to_owned(), "Mine".to_owned()], vec![]));
        let (chosen, problems) = chosen(&[], "docker, cri, java");
        assert!(chosen.container && chosen.chain.names().eq(["java"]) && problems.is_empty());
    }

    #[test]
    fn a_section_takes_the_place_of_what_is_built_in() {
        let section = [("Name", "java"), ("Type", "equal"), ("Match_String", "end"), ("Key_Content", "text")];
        let (chosen, problems) = chosen(&[&section], "java");
        assert!(chosen.chain.takes_all() && problems.is_empty());
        assert_eq!(chosen.text_key.as_deref(), Some(&b"text"[..]));
    }

    #[test]
    fn a_section_may_describe_a_runtime() {
        let (name, parser) = (("Name", "mine"), ("Parser", "cri"));
        let keys = [("Key_Content", "log"), ("Key_Group", "stream"), ("Key_Pattern", "_p")];
        let section = [&[name, parser, ("Type", "equal"), ("Match_String", "F")][..], &keys].concat();
        let (chosen, problems) = chosen(&[&section], "mine");
        assert!(chosen.container && chosen.chain.is_empty() && problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn problems_say_what_to_do() {
        let name = ("Name", "m");
        let regex = ("Type", "regex");
        for (section, names_, expected) in [
            (
                vec![name],
                "m",
                "multiline parser: error: multiline parser \"m\" has no Type\n  hint: types are: regex, endswith, equal",
            ),
            (
                vec![name, regex, CONT],
                "m",
                "multiline parser: error: no rule of the multiline parser \"m\" is of start_state\n  hint: a rule that begins a \
                 group: Rule \"start_state\" \"/^\\d{4}-/\" \"cont\"",
            ),
            (
                vec![name, regex, START],
                "m",
                "multiline parser: warning: no rule is of the state \"cont\": a group ends with this line\n  hint: states are: \
                 start_state (Fluent Bit does not start with such a rule)",
            ),
            (
                vec![name, regex, START, CONT, ("Rule", r#""other" "x" "cont""#)],
                "m",
                "multiline parser: warning: no rule leads to the state \"other\"\n  hint: the rule has no effect there",
            ),
            (
                vec![name, regex, ("Rule", "\"start_state\" \"(\" \"cont\"")],
                "m",
                "multiline parser: error: the expression of this rule is not valid: it is no expression",
            ),
            (
                vec![name, regex, ("Rule", "\"start_state\" \"x\"")],
                "m",
                "multiline parser: error: a rule has three parts, this one has 2\n  hint: write Rule \"state\" \"regular \
                 expression\" \"next state\"",
            ),
            (
                vec![name, ("Type", "endswith")],
                "m",
                "multiline parser: error: multiline parser \"m\" has no Match_String\n  hint: with the type endswith it says how \
                 the last line of a group looks",
            ),
            (
                vec![name, ("Type", "endswith"), ("Match_String", ";")],
                "m, go",
                "input: warning: multiline parser \"go\" is never asked: the one before it takes every line\n  hint: name it first",
            ),
            (
                vec![],
                "perl",
                "input: error: there is no multiline parser \"perl\"\n  hint: multiline parsers are: docker, cri, python, java, \
                 go, ruby",
            ),
        ] {
            let sections = [section.as_slice()];
            let sections = if section.is_empty() { &sections[..0] } else { &sections };
            assert_eq!(names(sections, names_).1, [expected]);
        }
    }

    #[test]
    fn what_cannot_be_used_is_an_error_only_where_it_is() {
        let section = [("Name", "m"), ("Type", "regex"), START, CONT, ("Parser", "json")];
        let warning = "multiline parser: warning: there is no such parser\n  hint: there is words";
        assert_eq!(names(&[&section], "go").1, [warning]);
        let error = "input: error: multiline parser \"m\" cannot be used: there is no such parser\n  hint: see \
                     multiline parser:0";
        assert_eq!(names(&[&section], "m").1, [warning, error]);
    }

    #[test]
    fn a_parser_cuts_the_lines_of_a_section_first() {
        let section = [("Name", "m"), ("Type", "regex"), START, CONT, ("Parser", "words"), ("Key_Content", "text")];
        let (chosen, problems) = chosen(&[&section], "m");
        assert!(!chosen.container && !chosen.chain.has_keys() && problems.is_empty(), "{problems:?}");
        assert_eq!(chosen.chain.key_of(b"1", &Bump::new()), None);
        let keys = [&section[..], &[("Key_Group", "thread"), ("Key_Pattern", "end")]].concat();
        let (chosen, problems) = self::chosen(&[&keys], "m");
        assert!(chosen.chain.has_keys() && problems.is_empty(), "{problems:?}");
        let without = [("Name", "m"), ("Type", "regex"), START, CONT, ("Key_Group", "thread")];
        let warning = "multiline parser: warning: Key_Group thread has no effect without a Parser that cuts the lines\n  \
                       hint: name the parser whose member it is";
        assert_eq!(names(&[&without], "m"), (vec!["m".to_owned()], vec![warning.to_owned()]));
    }
}
