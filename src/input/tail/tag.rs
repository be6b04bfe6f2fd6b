//! Tags of files.

use std::path::Path;

use regex::Regex;

/// How files get their tags.
#[derive(Debug, Clone)]
pub(super) enum Naming {
    /// By their paths, as [`expand`] does.
    Path(String),
    /// By what an expression takes out of their paths (`Tag_Regex`), put in place of `<name>`.
    Groups(String, Regex),
}

impl Naming {
    /// The tag of a file; `None` if it is not to be followed.
    pub(super) fn tag(&self, path: &Path) -> Option<String> {
        match self {
            Self::Path(tag) => Some(expand(tag, path)),
            Self::Groups(tag, expression) => fill(tag, expression, &path.to_string_lossy()),
        }
    }
}

/// Puts groups in place of their names; one that took nothing is `_`.
fn fill(tag: &str, expression: &Regex, path: &str) -> Option<String> {
    let captures = expression.captures(path)?;
    let mut filled = String::with_capacity(tag.len() + path.len());
    let mut rest = tag;
    while let Some((before, behind)) = rest.split_once('<') {
        filled.push_str(before);
        let Some((name, behind)) = behind.split_once('>') else {
            filled.push('<');
            rest = behind;
            continue;
        };
        let taken = captures.name(name).map(|group| group.as_str()).filter(|text| !text.is_empty());
        filled.push_str(taken.unwrap_or("_"));
        rest = behind;
    }
    filled.push_str(rest);
    Some(filled)
}

/// Puts a file's path in place of the first `*` of a tag, as Fluent Bit does: separators become
/// dots, runs of dots one, and none stands at the end.
fn expand(tag: &str, path: &Path) -> String {
    let Some((before, after)) = tag.split_once('*') else { return tag.to_owned() };
    let path = path.to_string_lossy();
    let path = path.strip_prefix(['/', '\\']).unwrap_or(&path);
    let mut expanded = String::with_capacity(tag.len() + path.len());
    for character in [before, path, after].iter().flat_map(|part| part.chars()) {
        match character {
            '/' | '\\' | ':' | '.' if expanded.ends_with('.') => {}
            '/' | '\\' | ':' => expanded.push('.'),
            '*' => {}
            other => expanded.push(other),
        }
    }
    expanded.truncate(expanded.trim_end_matches('.').len());
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expands_as_fluent_bit_does() {
        let table = [
            ("kube.*", "/var/log/containers/a_b_c-1.log", "kube.var.log.containers.a_b_c-1.log"),
            ("plain", "/var/log/x.log", "plain"),
            ("*", "/var//log/x.log", "var.log.x.log"),
            ("a.*.b", "/x/", "a.x.b"),
            ("a.*", "/x.", "a.x"),
        ];
        for (tag, path, expected) in table {
            assert_eq!(expand(tag, Path::new(path)), expected);
        }
    }

    #[test]
    fn groups_of_an_expression_stand_where_their_names_are() {
        let expression = Regex::new(r"(?<pod>[a-z-]+)_(?<ns>[^_]+)_(?<none>x)?").unwrap();
        let naming = Naming::Groups("kube.<ns>.<pod>.<none>.<other>.a<b".to_owned(), expression);
        assert_eq!(naming.tag(Path::new("/logs/web-a_prod_c.log")).as_deref(), Some("kube.prod.web-a._._.a<b"));
        assert_eq!(naming.tag(Path::new("/logs/none")), None);
    }
}
