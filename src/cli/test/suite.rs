//! Files of tests.

use std::path::PathBuf;

use super::expected::Expected;

/// The tests of one file.
#[derive(Debug)]
pub(super) struct Suite {
    pub(super) cases: Vec<Case>,
}

/// One test, with all that holds for it.
#[derive(Debug, Clone, Default)]
pub(super) struct Case {
    pub(super) name: String,
    /// Where it begins in its file.
    pub(super) line: usize,
    /// As it is written: it counts from the file of tests.
    pub(super) config: Option<PathBuf>,
    pub(super) env: Vec<(String, String)>,
    pub(super) input: Option<String>,
    pub(super) output: Option<String>,
    pub(super) path: PathBuf,
    /// All lines, each with its end.
    pub(super) lines: String,
    /// One for each document.
    pub(super) expected: Vec<Expected>,
    says_none: bool,
}

/// A line that cannot be understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    pub(super) line: usize,
    pub(super) message: String,
    pub(super) hint: &'static str,
}

const WORDS: &str = "lines begin with config, env, test, path, input, output, >, {, index, none or #";

impl Suite {
    /// Reads a file of tests.
    ///
    /// # Errors
    /// At the first line that cannot be understood, and where a test expects nothing.
    pub(super) fn read(text: &str) -> Result<Self, Malformed> {
        let mut reader = Reader::default();
        for (index, line) in text.lines().enumerate() {
            reader.read(line).map_err(|(message, hint)| Malformed { line: index + 1, message, hint })?;
            if let Some(case) = reader.cases.last_mut().filter(|case| case.line == 0) {
                case.line = index + 1;
            }
        }
        for case in &reader.cases {
            case.check().map_err(|(message, hint)| Malformed { line: case.line, message, hint })?;
        }
        Ok(Self { cases: reader.cases })
    }
}

/// What is wrong, and what to do.
type Wrong = (String, &'static str);

#[derive(Default)]
struct Reader {
    cases: Vec<Case>,
    /// What holds for the tests to come.
    common: Case,
}

impl Reader {
    fn read(&mut self, line: &str) -> Result<(), Wrong> {
        if let Some(given) = line.strip_prefix('>') {
            let case = self.case()?;
            case.lines += given.strip_prefix(' ').unwrap_or(given);
            case.lines.push('\n');
            return Ok(());
        }
        let line = line.trim();
        let (word, rest) = line.split_once(' ').map_or((line, ""), |(word, rest)| (word, rest.trim()));
        match word {
            "" => {}
            "test" => self.cases.push(Case { name: rest.to_owned(), ..self.common.clone() }),
            "none" => self.case()?.says_none = true,
            "index" => {
                let expected = self.case()?.expected.last_mut();
                let wrong = || ("index stands behind no document".to_owned(), "write the document's members first");
                expected.ok_or_else(wrong)?.index = Some(rest.to_owned());
            }
            _ if word.starts_with('#') => {}
            _ if word.starts_with('{') => {
                let expected = Expected::read(line);
                let expected = expected.map_err(|error| (error, "a document's members stand in one line of JSON"))?;
                self.case()?.expected.push(expected);
            }
            _ => self.set(word, rest)?,
        }
        Ok(())
    }

    /// The test that is being read.
    fn case(&mut self) -> Result<&mut Case, Wrong> {
        let wrong = || ("this stands before any test".to_owned(), "begin with `test NAME`");
        self.cases.last_mut().ok_or_else(wrong)
    }

    /// Sets what holds from here on.
    fn set(&mut self, word: &str, value: &str) -> Result<(), Wrong> {
        if !setting(&mut self.common, word, value) {
            return Err((format!("\"{word}\" is no word of a test"), WORDS));
        }
        if let Some(case) = self.cases.last_mut() {
            if !case.lines.is_empty() {
                return Err((format!("{word} stands behind the lines of a test"), "write it above them"));
            }
            setting(case, word, value);
        }
        Ok(())
    }
}

impl Case {
    /// A test without lines, or that expects nothing, could not fail.
    fn check(&self) -> Result<(), Wrong> {
        if self.lines.is_empty() {
            return Err(("the test has no lines".to_owned(), "lines stand behind `> `"));
        }
        match (self.says_none, self.expected.is_empty()) {
            (true, false) => Err(("the test expects documents, and none".to_owned(), "remove `none` or the documents")),
            (false, true) => {
                Err(("the test expects nothing".to_owned(), "write a document's members as JSON, or `none`"))
            }
            _ => Ok(()),
        }
    }
}

/// Sets what a line says. Whether its word is one that sets something.
fn setting(case: &mut Case, word: &str, value: &str) -> bool {
    match word {
        "config" => case.config = Some(PathBuf::from(value)),
        "path" => case.path = PathBuf::from(value),
        "input" => case.input = Some(value.to_owned()),
        "output" => case.output = Some(value.to_owned()),
        "env" => {
            let (name, value) = value.split_once('=').unwrap_or((value, ""));
            case.env.push((name.trim().to_owned(), value.trim().to_owned()));
        }
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_holds_until_it_is_set_again() {
        let text = "config a.conf\nenv X=1\ntest one\npath /x.log\n> a\n>  b\n{\"a\":1}\nindex i\n# no\n\
                    test two\ninput tail.1\n> c\nnone\n";
        let cases = Suite::read(text).unwrap().cases;
        assert_eq!((cases[0].name.as_str(), cases[0].lines.as_str()), ("one", "a\n b\n"));
        assert_eq!(cases[0].expected[0].index.as_deref(), Some("i"));
        assert_eq!((cases[1].path.to_str(), cases[1].input.as_deref()), (Some("/x.log"), Some("tail.1")));
        assert_eq!((cases[0].input.as_deref(), cases[1].env.len(), cases[1].line), (None, 1, 10));
    }

    #[test]
    fn a_test_that_cannot_fail_is_refused() {
        for (text, line) in [
            ("test a\n> b\n", 1),
            ("test a\nnone\n", 1),
            ("> b\n", 1),
            ("test a\n> b\n{\"x\":\n", 3),
            ("test a\n> b\n{}\nnone\n", 1),
            ("\ntset a\n", 2),
        ] {
            assert_eq!(Suite::read(text).unwrap_err().line, line, "{text}");
        }
    }
}
