//! Files of either format to sections: includes, variables, and which section a key belongs to.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::classic::{self, Statement};
use super::option::Class;
use super::problem::{Place, Problem, Problems, Severity, Spot};
use super::suggest::closest;
use super::written::{Entry, Section, SectionKind, Written};

/// Section names in the order in which Fluent Bit tries them: a name stands for the first that
/// begins with it, so that `[IN]` is an input and `[S]` the service.
const SECTIONS: [(&str, SectionKind); 11] = [
    ("SERVICE", SectionKind::Known(Class::Service)),
    ("PARSER", SectionKind::Known(Class::Parser)),
    ("MULTILINE_PARSER", SectionKind::Known(Class::MultilineParser)),
    ("STREAM_PROCESSOR", SectionKind::Unsupported("STREAM_PROCESSOR")),
    ("PLUGINS", SectionKind::Unsupported("PLUGINS")),
    ("UPSTREAM_SERVERS", SectionKind::Upstream),
    ("CUSTOMS", SectionKind::Unsupported("CUSTOM")),
    ("INPUTS", SectionKind::Known(Class::Input)),
    ("FILTERS", SectionKind::Known(Class::Filter)),
    ("OUTPUTS", SectionKind::Known(Class::Output)),
    ("NODE", SectionKind::Node),
];

const COMMANDS: [&str; 2] = ["INCLUDE", "SET"];

/// Reads files into one configuration.
pub(super) struct Reader<'p> {
    pub(super) written: Written,
    /// Files that were read, by their real paths: none is read twice.
    seen: Vec<PathBuf>,
    pub(super) problems: &'p mut Problems,
}

impl<'p> Reader<'p> {
    /// Reads `file`; `base` is the directory of the configuration's main file.
    pub(super) fn new(file: &Path, base: &Path, problems: &'p mut Problems) -> Self {
        let written = Written { file: file.to_owned(), base: base.to_owned(), ..Written::default() };
        Self { written, seen: Vec::new(), problems }
    }

    /// Reads the file and what it includes. `asked_at` is where the file was asked for.
    pub(super) fn read(mut self, asked_at: &Place) -> Written {
        let file = self.written.file.clone();
        self.file(&file, asked_at);
        self.written
    }

    /// Takes this as the file's text.
    pub(super) fn read_text(mut self, text: &str) -> Written {
        let file = Arc::from(self.written.file.as_path());
        self.text(&file, text);
        self.written
    }

    fn file(&mut self, file: &Path, asked_at: &Place) {
        match fs::read(file) {
            Ok(bytes) => {
                self.seen.push(real(file));
                let file = Arc::from(file);
                let text = self.utf8(&file, bytes);
                self.text(&file, &text);
            }
            Err(error) => self.error(asked_at, format!("cannot read {}: {}", file.display(), reason(&error))),
        }
    }

    fn utf8(&mut self, file: &Arc<Path>, bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap_or_else(|error| {
            let good = error.utf8_error().valid_up_to();
            let line = 1 + error.as_bytes()[..good].iter().filter(|byte| **byte == b'\n').count();
            let line = u32::try_from(line).unwrap_or(u32::MAX);
            let place = Place::at(file, Spot { line, ..Spot::default() });
            self.error(&place, "this line is not UTF-8 text");
            String::from_utf8_lossy(error.as_bytes()).into_owned()
        })
    }

    fn text(&mut self, file: &Arc<Path>, text: &str) {
        if is_yaml(file) { self.yaml(file, text) } else { self.classic(file, text) }
    }

    fn classic(&mut self, file: &Arc<Path>, text: &str) {
        let lines = classic::read(text);
        for fault in lines.faults {
            let problem = Problem::new(fault.severity, &Place::at(file, fault.at), fault.message);
            self.problems.push(Problem { hint: fault.hint, ..problem });
        }
        // An included file begins outside of any section, and the including one goes on in its own.
        let mut current = None;
        let mut told = false;
        for (at, statement) in lines.statements {
            let place = Place::at(file, at);
            match statement {
                Statement::Header(name) => {
                    current = Some(self.written.sections.len());
                    self.written.sections.push(Section::new(kind(name), name, place));
                }
                Statement::Command { name, argument } => self.command(name, argument, place),
                Statement::Group(name) => {
                    let message = format!("the group [{name}] is not supported in this format");
                    let problem = Problem::new(Severity::Error, &place, message);
                    self.problems.push(problem.with_hint("processors can be written in a YAML configuration"));
                }
                Statement::Pair { key, value, value_at } => match current {
                    Some(section) => {
                        let value_place = Place::at(file, value_at);
                        let entry = Entry { key: key.to_owned(), value: value.to_owned(), place, value_place };
                        self.written.sections[section].entries.push(entry);
                    }
                    None if told => {}
                    None => {
                        told = true;
                        self.error(&place, "a key before any section");
                    }
                },
            }
        }
    }

    fn command(&mut self, name: &str, argument: &str, place: Place) {
        if name.eq_ignore_ascii_case("INCLUDE") {
            let base = self.written.base.clone();
            self.include(argument, &base, &place);
        } else if name.eq_ignore_ascii_case("SET") {
            match argument.split_once('=') {
                Some((variable, value)) => self.written.variables.push(Entry::new(variable, value, place)),
                None => self.error(&place, "@SET needs the form @SET name=value"),
            }
        } else {
            let problem = Problem::new(Severity::Warning, &place, format!("unknown command @{name} is ignored"));
            let meant = closest(name, COMMANDS).map(|command| format!("did you mean @{command}?"));
            self.problems.push(Problem { hint: meant, ..problem });
        }
    }

    /// Reads the files of a name or pattern; relative ones are looked for in `base`, a name also in
    /// the working directory before.
    pub(super) fn include(&mut self, pattern: &str, base: &Path, place: &Place) {
        let files = if pattern.contains('*') {
            self.glob(pattern, base, place)
        } else {
            vec![locate(Path::new(pattern), base)]
        };
        for file in files {
            self.include_file(&file, place);
        }
    }

    /// Reads one file, unless it was read before.
    pub(super) fn include_file(&mut self, file: &Path, place: &Place) {
        if self.seen.contains(&real(file)) {
            self.error(place, format!("{} is included a second time", file.display()));
        } else {
            self.file(file, place);
        }
    }

    /// The files of a pattern, sorted, so that every start reads the same configuration.
    fn glob(&mut self, pattern: &str, base: &Path, place: &Place) -> Vec<PathBuf> {
        let base = glob::Pattern::escape(&base.to_string_lossy());
        let full =
            if Path::new(pattern).is_absolute() { PathBuf::from(pattern) } else { Path::new(&base).join(pattern) };
        // As the C library does: hidden files are named, not found, and `*` stays in its directory.
        let options = glob::MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: true,
        };
        let files: Vec<PathBuf> = match glob::glob_with(&full.to_string_lossy(), options) {
            Ok(paths) => paths.flatten().filter(|path| path.is_file()).collect(),
            Err(error) => {
                self.error(place, format!("{pattern} is not a file pattern: {}", error.msg));
                return Vec::new();
            }
        };
        if files.is_empty() {
            self.error(place, format!("no file matches {pattern}"));
        }
        files
    }

    pub(super) fn error(&mut self, place: &Place, message: impl Into<String>) {
        self.problems.push(Problem::new(Severity::Error, place, message));
    }
}

/// A file that a configuration names: as it stands, else beside the main file.
pub(super) fn locate(file: &Path, base: &Path) -> PathBuf {
    if file.is_absolute() || file.exists() { file.to_owned() } else { base.join(file) }
}

/// The path behind all links; a file under two names is one file.
pub(super) fn real(file: &Path) -> PathBuf {
    file.canonicalize().unwrap_or_else(|_| file.to_owned())
}

/// The names of sections, for suggestions.
pub(super) fn section_names() -> impl Iterator<Item = &'static str> {
    SECTIONS.iter().map(|(name, kind)| match kind {
        SectionKind::Known(Class::Input | Class::Filter | Class::Output) => name.trim_end_matches('S'),
        _ => *name,
    })
}

fn kind(name: &str) -> SectionKind {
    let is_prefix = |full: &str| full.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    SECTIONS
        .iter()
        .find(|(full, _)| !name.is_empty() && is_prefix(full))
        .map_or(SectionKind::Unknown, |(_, kind)| *kind)
}

fn is_yaml(file: &Path) -> bool {
    file.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("yaml") || extension.eq_ignore_ascii_case("yml"))
}

/// An I/O error without its number.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        kind => kind.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sections as `INPUT Name=tail Path=/a`, then problems.
    fn read(directory: &Path, main: &str) -> (Vec<String>, Vec<String>) {
        let (written, problems) = Written::read(&directory.join(main));
        let sections = written.sections.iter().map(|section| {
            let keys: String = section.entries.iter().map(|entry| format!(" {}={}", entry.key, entry.value)).collect();
            format!("{}{keys}", section.name)
        });
        let prefix = format!("{}/", directory.display());
        let problems = problems.iter().map(|problem| problem.to_string().replace(&prefix, ""));
        (sections.collect(), problems.collect())
    }

    fn files(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = directory.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        directory
    }

    #[test]
    fn an_include_has_its_own_sections_and_the_includer_goes_on_in_its_own() {
        let directory = files(&[
            ("main.conf", "[INPUT]\r\n  Name a\r\n@include parts/one.conf\r\n  Tag x\r\n"),
            ("parts/one.conf", "[OUTPUT]\n\tName b\n@INCLUDE parts/two.conf\n\tMatch *\n"),
            ("parts/two.conf", "    Name lost\n    Tag lost\n[FILTER]\n    Name c\n"),
        ]);
        let (sections, problems) = read(directory.path(), "main.conf");
        assert_eq!(sections, ["INPUT Name=a Tag=x", "OUTPUT Name=b Match=*", "FILTER Name=c"]);
        assert_eq!(problems, ["parts/two.conf:1: error: a key before any section"]);
    }

    #[test]
    fn a_pattern_includes_files_in_order_and_none_that_is_hidden() {
        let directory = files(&[
            ("main.conf", "@INCLUDE conf.d/*.conf\n"),
            ("conf.d/20.conf", "[FILTER]\n  Name b\n"),
            ("conf.d/10.conf", "[FILTER]\n  Name a\n"),
            ("conf.d/.hidden.conf", "[FILTER]\n  Name h\n"),
            ("conf.d/deep/30.conf", "[FILTER]\n  Name d\n"),
            ("conf.d/folder.conf/x", ""),
        ]);
        assert_eq!(
            read(directory.path(), "main.conf"),
            (vec!["FILTER Name=a".to_owned(), "FILTER Name=b".to_owned()], vec![])
        );
    }

    #[test]
    fn no_file_is_read_twice() {
        let directory = files(&[
            ("main.conf", "@INCLUDE a.conf\n@INCLUDE link.conf\n"),
            ("a.conf", "[FILTER]\n  Name a\n@INCLUDE main.conf\n"),
        ]);
        std::os::unix::fs::symlink("a.conf", directory.path().join("link.conf")).unwrap();
        let (sections, problems) = read(directory.path(), "main.conf");
        assert_eq!(sections, ["FILTER Name=a"]);
        assert_eq!(
            problems,
            [
                "a.conf:3: error: main.conf is included a second time",
                "main.conf:2: error: link.conf is included a second time"
            ]
        );
    }

    #[test]
    fn variables_are_collected_with_their_spaces() {
        let (written, problems) = Written::from_text(Path::new("x"), "@SET a=1\n[S]\n  K v\n@set b= x=y \n");
        let variables: Vec<_> = written.variables.iter().map(|one| (one.key.as_str(), one.value.as_str())).collect();
        assert_eq!((variables, problems.len()), (vec![("a", "1"), ("b", " x=y")], 0));
    }

    #[test]
    fn files_that_cannot_be_read() {
        let directory = files(&[("bad.conf", "")]);
        fs::write(directory.path().join("bad.conf"), b"[INPUT]\n  Name a\n  Tag \xff\n").unwrap();
        let (sections, problems) = read(directory.path(), "bad.conf");
        assert_eq!(sections, ["INPUT Name=a Tag=\u{fffd}"]);
        assert_eq!(problems, ["bad.conf:3: error: this line is not UTF-8 text"]);
        let (_, problems) = read(directory.path(), "none.conf");
        assert_eq!(problems, ["none.conf: error: cannot read none.conf: there is no such file"]);
        let (_, problems) = Written::read(directory.path());
        assert!(problems.is_fatal());
    }

    #[test]
    fn the_shortest_name_means_what_fluent_bit_takes_it_for() {
        for (name, expected) in [
            ("S", SectionKind::Known(Class::Service)),
            ("p", SectionKind::Known(Class::Parser)),
            ("PL", SectionKind::Unsupported("PLUGINS")),
            ("multi", SectionKind::Known(Class::MultilineParser)),
            ("st", SectionKind::Unsupported("STREAM_PROCESSOR")),
            ("Input", SectionKind::Known(Class::Input)),
            ("inputs", SectionKind::Known(Class::Input)),
            ("F", SectionKind::Known(Class::Filter)),
            ("out", SectionKind::Known(Class::Output)),
            ("CUSTOM", SectionKind::Unsupported("CUSTOM")),
            ("INPUT ", SectionKind::Unknown),
            ("NODE", SectionKind::Node),
            ("UPSTREAM", SectionKind::Upstream),
            ("Größe", SectionKind::Unknown),
            ("", SectionKind::Unknown),
        ] {
            assert_eq!(kind(name), expected, "{name}");
        }
    }
}
