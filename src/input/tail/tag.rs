//! Tags of files.

use std::path::Path;

/// Puts a file's path in place of the first `*` of a tag, as Fluent Bit does: separators become
/// dots, runs of dots one, and none stands at the end.
pub(super) fn expand(tag: &str, path: &Path) -> String {
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
}
