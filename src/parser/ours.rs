//! The parsers files of this project, which stand in `parsers/`.

use std::path::Path;

use super::{PLUGIN, Parsers};
use crate::config::{Class, Environment, Problems, SectionKind, Written, instance};

/// The files: their names and texts.
pub const FILES: [(&str, &str); 3] = [
    ("parsers.conf", include_str!("../../parsers/parsers.conf")),
    ("parsers_flyte.conf", include_str!("../../parsers/parsers_flyte.conf")),
    ("parsers_extra.conf", include_str!("../../parsers/parsers_extra.conf")),
];

impl Parsers {
    /// All parsers that this project defines.
    pub fn ours(problems: &mut Problems) -> Self {
        let environment = Environment::from_pairs::<&str, &str>([]);
        let mut definitions = Vec::new();
        for (name, text) in FILES {
            let (written, more) = Written::from_text(Path::new(name), text);
            problems.extend(more);
            for section in written.sections.iter().filter(|section| section.kind == SectionKind::Known(Class::Parser)) {
                let pairs: Vec<_> =
                    section.entries.iter().map(|entry| (entry.key.as_str(), entry.value.as_str())).collect();
                let (definition, more) = instance(Class::Parser, &PLUGIN, &pairs, &environment);
                problems.extend(more);
                definitions.push(definition);
            }
        }
        Self::new(&definitions, problems)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::PathBuf;

    use super::*;
    use crate::parser::golden;
    use crate::record::Timestamp;

    const NOW: Timestamp = Timestamp(1_795_341_600_000_000_000); // 2026-11-22T10:00:00Z

    fn golden_file(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("parsers/golden").join(format!("{name}.txt"))
    }

    #[test]
    fn each_parser_does_what_its_golden_lines_say() {
        let mut problems = Problems::new();
        let parsers = Parsers::ours(&mut problems);
        assert!(problems.is_empty(), "{problems}");
        let mut wrong = Vec::new();
        for name in parsers.names() {
            let file = golden_file(name);
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            let cases = golden::read(&text, NOW).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            let (matching, others) = cases.iter().partition::<Vec<_>, _>(|case| case.expected.is_some());
            if matching.is_empty() || others.is_empty() {
                wrong.push(format!("{name}: needs a line that matches and one that does not"));
            }
            let parser = parsers.find(name).unwrap();
            let differences = cases.iter().filter_map(|case| Some((case.line, case.difference(parser)?)));
            wrong.extend(differences.map(|(line, difference)| format!("{name}.txt:{line}: {difference}")));
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn golden_lines_are_those_of_a_parser() {
        let parsers = Parsers::ours(&mut Problems::new());
        let files = std::fs::read_dir(golden_file("x").parent().unwrap()).unwrap();
        let names = files.map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned());
        let unknown: BTreeSet<_> = names.filter(|name| parsers.find(name).is_none()).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }

    #[test]
    fn every_name_that_fluent_bit_ships_is_there() {
        let parsers = Parsers::ours(&mut Problems::new());
        for name in NAMES.split_ascii_whitespace() {
            assert!(parsers.find(name).is_some(), "{name}");
        }
    }

    const NAMES: &str = "apache apache2 apache_error nginx k8s-nginx-ingress json logfmt docker docker-daemon \
        syslog-rfc5424 syslog-rfc3164-local syslog-rfc3164 mongodb envoy istio-envoy-proxy cri kube-custom \
        kmsg-netfilter-log ambassador ceph crowbar chefclient mysql_error mysql_slow pacemaker rabbitmq http_statement \
        universal uuid iptables couchbase_json_log_nanoseconds couchbase_rebalance_report couchbase_simple_log \
        couchbase_simple_log_space_separated couchbase_simple_log_utc couchbase_simple_log_mixed \
        couchbase_erlang_multiline couchbase_java_multiline couchbase_http java_multiline confluent-schema-registry \
        confluent-schema-registry-prefixed mult_first mult_1 mult_2 mult_3 mult_4 cinder glance heat keystone neutron \
        nova neo4j external-dns flyte-json flyte-text flyte-gcp flytekit-json flyte-sdk-console flyte-sdk-json klog \
        zap-console spark contour-envoy morgan-combined";
}
