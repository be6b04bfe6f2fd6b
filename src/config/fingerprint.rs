//! Telling whether the files of a configuration say something else than before.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use super::Environment;
use super::reader::locate;
use super::upstream::UPSTREAM;
use super::written::{Entry, Section, Written};

/// A hash of what a configuration, its parsers files and its upstream files say. Comments and places do not count.
#[must_use]
pub fn fingerprint(written: &Written, environment: &Environment) -> u64 {
    let mut hasher = DefaultHasher::new();
    take(written, &mut hasher);
    for variable in &written.variables {
        if let Some(file) = variable.value.strip_prefix("file://") {
            fs::read(locate(Path::new(file), &written.base)).ok().hash(&mut hasher);
        }
    }
    let entries = written.sections.iter().flat_map(|section| &section.entries);
    let names_file = |key: &str| ["Parsers_File", UPSTREAM].iter().any(|known| key.eq_ignore_ascii_case(known));
    for entry in entries.filter(|entry| names_file(&entry.key)) {
        let name = environment.expand(&entry.value).text;
        take(&Written::read(&locate(Path::new(&name), &written.base)).0, &mut hasher);
    }
    hasher.finish()
}

fn take(written: &Written, hasher: &mut DefaultHasher) {
    // A file that came to be unreadable is a change, too.
    written.is_partial.hash(hasher);
    written.sections.iter().chain(&written.parsers).for_each(|section| take_section(section, hasher));
    written.variables.iter().for_each(|variable| take_entry(variable, hasher));
}

fn take_section(section: &Section, hasher: &mut DefaultHasher) {
    section.name.hash(hasher);
    section.entries.iter().for_each(|entry| take_entry(entry, hasher));
    section.processors.iter().for_each(|processor| take_section(processor, hasher));
    // Where it ends.
    section.entries.len().hash(hasher);
}

fn take_entry(entry: &Entry, hasher: &mut DefaultHasher) {
    (&entry.key, &entry.value).hash(hasher);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_with_what_is_said_in_any_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let write = |name: &str, text: &str| fs::write(path(name), text).unwrap();
        write("main.conf", "[SERVICE]\n  Parsers_File parsers.conf\n@INCLUDE more*.conf\n");
        write("more1.conf", "[INPUT]\n  Name tail\n  Path a\n[OUTPUT]\n  Name es\n  Upstream up.conf\n");
        write("parsers.conf", "[PARSER]\n  Name a\n  Format json\n");
        let look = || fingerprint(&Written::read(&path("main.conf")).0, &Environment::from_pairs([("A", "b")]));
        let mut last = look();
        assert_eq!(look(), last);
        write("main.conf", "# a comment\n[SERVICE]\n    Parsers_File  parsers.conf\n@INCLUDE more*.conf\n");
        assert_eq!(look(), last, "nothing else is said");
        for (name, text) in [
            ("up.conf", "[UPSTREAM]\n[NODE]\n  Host b\n"),
            ("parsers.conf", "[PARSER]\n  Name a\n  Format logfmt\n"),
            ("more1.conf", "[INPUT]\n  Name tail\n  Path b\n"),
            ("more2.conf", "[INPUT]\n  Name dummy\n"),
            ("parsers.conf", "[PARSER]\n  Name a\n"),
            ("main.conf", "[SERVICE]\n  Flush 2\n"),
        ] {
            write(name, text);
            let now = look();
            assert_ne!(now, last, "{name}");
            last = now;
        }
        fs::remove_file(path("main.conf")).unwrap();
        assert_ne!(look(), last);
    }
}
