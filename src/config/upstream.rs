//! Upstreams: the servers of an output, written in a file of their own.
//!
//! Fluent Bit's file has an `[UPSTREAM]` with a `[NODE]` for each server, or in YAML `upstream_servers` with `nodes`.
//! A node's keys are the output's own, and stand in place of what the output itself says. Here they become one
//! `Host` with all servers, which take turns; what else the nodes say has to be the same for all of them.

use std::borrow::Cow;
use std::path::Path;

use super::environment::Environment;
use super::option::Plugin;
use super::problem::{Place, Problem, Problems, Severity};
use super::reader::{Reader, locate};
use super::units;
use super::written::{Entry, Section, SectionKind, Written};

/// The key of an output that names a file or one of the configuration's own upstreams.
pub(super) const UPSTREAM: &str = "Upstream";

/// What a node says of itself and not of the connection.
const OF_A_NODE: [&str; 3] = ["name", "host", "port"];

/// The output's section with its upstream's servers, if it names one.
pub(super) fn applied<'s>(
    section: &'s Section,
    plugin: &Plugin,
    written: &Written,
    environment: &Environment,
    problems: &mut Problems,
) -> Cow<'s, Section> {
    let named = section.entries.iter().rev().find(|entry| is(entry, UPSTREAM));
    let Some(named) = named.filter(|_| plugin.options.iter().any(|option| option.name == UPSTREAM)) else {
        return Cow::Borrowed(section);
    };
    let nodes = nodes(named, written, environment, problems);
    let mut keys = common_keys(&nodes, environment, problems);
    keys.extend(hosts(&nodes, environment, problems));
    let mut section = section.clone();
    section.entries.retain(|entry| !keys.iter().any(|key| is(entry, &key.key)));
    section.entries.extend(keys);
    Cow::Owned(section)
}

fn is(entry: &Entry, key: &str) -> bool {
    entry.key.eq_ignore_ascii_case(key)
}

fn error(place: &Place, message: impl Into<String>) -> Problem {
    Problem::new(Severity::Error, place, message)
}

/// The nodes of the upstream that an output names.
fn nodes(named: &Entry, written: &Written, environment: &Environment, problems: &mut Problems) -> Vec<Section> {
    let name = environment.expand(&named.value).text;
    let place = &named.value_place;
    let mut nodes = nodes_of(&written.sections, Some(&name));
    if nodes.is_empty() {
        let file = locate(Path::new(&name), &written.base);
        let before = problems.len();
        let upstream = Reader::new(&file, &written.base, problems).read(place);
        nodes = nodes_of(&upstream.sections, None);
        if nodes.is_empty() && problems.len() == before {
            problems.push(error(place, format!("{name} has no [NODE]")));
        }
    }
    nodes
}

/// The nodes behind the first upstream, or behind that of a name.
fn nodes_of(sections: &[Section], name: Option<&str>) -> Vec<Section> {
    let is_meant =
        |section: &&Section| section.kind == SectionKind::Upstream && (name.is_none() || section.value("Name") == name);
    let start = sections.iter().position(|section| is_meant(&section)).map_or(sections.len(), |index| index + 1);
    sections[start..].iter().take_while(|section| section.kind == SectionKind::Node).cloned().collect()
}

/// One `Host` with all servers.
fn hosts(nodes: &[Section], environment: &Environment, problems: &mut Problems) -> Option<Entry> {
    let mut hosts = Vec::new();
    for node in nodes {
        match (node.value("Host"), node.value("Port")) {
            (Some(host), Some(port)) if is_bare_v6(&environment.expand(host).text) => {
                hosts.push(format!("[{host}]:{port}"));
            }
            (Some(host), Some(port)) => hosts.push(format!("{host}:{port}")),
            (Some(host), None) => hosts.push(host.to_owned()),
            (None, _) => problems.push(error(&node.place, "this [NODE] has no Host")),
        }
    }
    let first = nodes.first()?.entries.iter().find(|entry| is(entry, "Host"))?;
    Some(Entry { value: hosts.join(", "), key: "Host".to_owned(), ..first.clone() })
}

/// An address of version 6 that stands without brackets.
fn is_bare_v6(host: &str) -> bool {
    host.parse::<std::net::Ipv6Addr>().is_ok()
}

/// What all nodes say alike of the connection.
fn common_keys(nodes: &[Section], environment: &Environment, problems: &mut Problems) -> Vec<Entry> {
    let mut keys: Vec<Entry> = Vec::new();
    let of_connections = |entry: &&Entry| !OF_A_NODE.iter().any(|key| is(entry, key));
    for entry in nodes.iter().flat_map(|node| &node.entries).filter(of_connections) {
        if keys.iter().any(|key| is(key, &entry.key)) {
            continue;
        }
        let wanted = environment.expand(&entry.value).text;
        let agrees = |node: &&Section| {
            let value = node.value(&entry.key).map(|value| environment.expand(value).text);
            value.is_some_and(|value| is_same(&value, &wanted))
        };
        if let Some(other) = nodes.iter().find(|node| !agrees(node)) {
            let message = format!("the nodes of an upstream have to agree on \"{}\"", entry.key);
            let hint = format!("the node at {} says otherwise, or nothing; make an output for each", other.place);
            problems.push(error(&entry.place, message).with_hint(hint));
        }
        keys.push(entry.clone());
    }
    keys
}

/// `On` is `true`.
fn is_same(one: &str, other: &str) -> bool {
    one == other || units::boolean(one).is_some_and(|one| units::boolean(other) == Some(one))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::{Environment, Kind, OptionSpec, Registry, load};

    const OPTIONS: &[OptionSpec] = &[
        OptionSpec::new("Host", Kind::List, "127.0.0.1", ""),
        OptionSpec::new("Upstream", Kind::Text, "", ""),
        OptionSpec::new("tls", Kind::Boolean, "off", ""),
        OptionSpec::new("Pipeline", Kind::Text, "", ""),
    ];
    const ES: Plugin = Plugin { name: "es", doc: "", options: OPTIONS };
    const DUMMY: Plugin = Plugin { name: "dummy", doc: "", options: &[] };
    const REGISTRY: Registry<'_> =
        Registry { inputs: &[DUMMY], filters: &[], outputs: &[ES], parser: &DUMMY, multiline_parser: &DUMMY };

    /// The output's hosts, its `tls` and `Pipeline`, and all problems; the first file is the main one.
    fn loaded(files: &[(&str, &str)]) -> (String, Option<String>, Vec<String>) {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(directory.path().join(name), text).unwrap();
        }
        let environment = Environment::from_pairs([("SIX", "::1"), ("FILE", "up.conf")]);
        let (config, problems) = load(&directory.path().join(files[0].0), &REGISTRY, &environment);
        let prefix = format!("{}/", directory.path().display());
        let problems = problems.iter().map(|problem| problem.to_string().replace(&prefix, "")).collect();
        let options = config.outputs[0].options();
        let shown = format!("{} tls={}", options.list("Host").join(" "), options.boolean("tls"));
        (shown, options.text("Pipeline").map(str::to_owned), problems)
    }

    const MAIN: &str = "[INPUT]\n  Name dummy\n[OUTPUT]\n  Name es\n  Host other\n  Pipeline own\n  Upstream ${FILE}\n";

    #[test]
    fn the_nodes_of_a_file_are_the_outputs_servers() {
        let nodes = "[UPSTREAM]\n  Name cluster\n[NODE]\n  Name a\n  Host ${NONE:-es-1}\n  Port 9200\n  tls On\n\
                     [NODE]\n  Name b\n  Host ${SIX}\n  Port 9201\n  tls on\n[NODE]\n  Name c\n  Host es-3\n  TLS On\n";
        let (shown, pipeline, problems) = loaded(&[("main.conf", MAIN), ("up.conf", nodes)]);
        assert_eq!((shown.as_str(), pipeline.as_deref()), ("es-1:9200 [::1]:9201 es-3 tls=true", Some("own")));
        assert_eq!(problems, [""; 0]);
    }

    #[test]
    fn yaml_has_them_in_the_configuration_or_in_a_file() {
        let servers = "upstream_servers:\n  - name: other\n    nodes:\n      - {name: x, host: h, port: 1}\n  - name: \
                       cluster\n    nodes:\n      - name: a\n        host: es-1\n        port: 9200\n      - name: b\n        \
                       host: es-2\n        port: 9201\n";
        let pipeline = |name: &str| {
            format!(
                "pipeline:\n  inputs:\n    - name: dummy\n  outputs:\n    - name: es\n      match: '*'\n      \
                     upstream: {name}\n"
            )
        };
        let main = format!("{servers}{}", pipeline("cluster"));
        assert_eq!(loaded(&[("main.yaml", &main)]), ("es-1:9200 es-2:9201 tls=false".to_owned(), None, vec![]));
        let main = pipeline("up.yaml");
        let (shown, _, problems) = loaded(&[("main.yaml", &main), ("up.yaml", servers)]);
        assert_eq!((shown.as_str(), problems.as_slice()), ("h:1 tls=false", [].as_slice()), "the file's first one");
    }

    #[test]
    fn what_is_wrong_with_one_is_told_where_it_stands() {
        let (_, _, problems) = loaded(&[("main.conf", MAIN)]);
        assert_eq!(problems, ["main.conf:7: error: cannot read up.conf: there is no such file"]);
        let (_, _, problems) = loaded(&[("main.conf", MAIN), ("up.conf", "[UPSTREAM]\n  Name x\n")]);
        assert_eq!(problems, ["main.conf:7: error: up.conf has no [NODE]"]);
        let nodes = "[UPSTREAM]\n  Name x\n[NODE]\n  Host a\n  Pipeline p\n[NODE]\n  Name b\n  Pipeline q\n";
        let (_, _, problems) = loaded(&[("main.conf", MAIN), ("up.conf", nodes)]);
        assert_eq!(
            problems,
            [
                "up.conf:5: error: the nodes of an upstream have to agree on \"Pipeline\"\n  hint: the node at \
                 up.conf:6 says otherwise, or nothing; make an output for each",
                "up.conf:6: error: this [NODE] has no Host",
            ]
        );
    }
}
