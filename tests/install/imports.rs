//! The saved objects are of a form that Kibana 8.9 and OpenSearch Dashboards 2 import, and lead to other programs only
//! where somebody said where those are.
//!
//! Neither program can be had from a package registry, so that no import was run: these are the attributes, versions and
//! references that the programs' sources ask for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::deploy;
use crate::manifests::well;

/// The attributes that a type may have; another one is refused on import. What only Kibana knows stands behind `|`.
const ATTRIBUTES: [(&str, &str); 4] = [
    ("index-pattern", "title timeFieldName fields fieldFormatMap | name runtimeFieldMap"),
    ("search", "title description columns sort hits version kibanaSavedObjectMeta |"),
    ("visualization", "title description visState uiStateJSON version kibanaSavedObjectMeta |"),
    (
        "dashboard",
        "title description hits version panelsJSON optionsJSON timeRestore timeFrom timeTo refreshInterval \
         kibanaSavedObjectMeta |",
    ),
];

/// The last version of each type that Kibana 8.9 and OpenSearch Dashboards 2.0 know: they refuse what is newer.
const VERSIONS: [(&str, &str, &str); 4] = [
    ("index-pattern", "8.0.0", "7.6.0"),
    ("search", "8.0.0", "7.9.3"),
    ("visualization", "8.5.0", "7.10.0"),
    ("dashboard", "8.9.0", "7.9.3"),
];

/// How wide a dashboard is.
const COLUMNS: u64 = 48;

fn generate(arguments: &[&str], directory: &Path) -> Output {
    let generator = deploy("kibana/generate.py");
    Command::new("python3").arg(generator).args(arguments).arg("--out").arg(directory).output().unwrap()
}

fn objects(directory: &Path, program: &str) -> Vec<Value> {
    let text = fs::read_to_string(directory.join(format!("{program}.ndjson"))).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn inner(object: &Value, key: &str) -> Value {
    serde_json::from_str(object[key].as_str().unwrap_or_else(|| panic!("no {key}: {object}"))).unwrap()
}

#[test]
fn types_versions_and_attributes_are_known_to_the_programs() {
    for (program, is_kibana) in [("kibana", true), ("opensearch-dashboards", false)] {
        for object in objects(&deploy("kibana"), program) {
            let kind = object["type"].as_str().unwrap();
            let (_, known) = ATTRIBUTES.iter().find(|(name, _)| *name == kind).unwrap();
            let (everywhere, in_kibana) = known.split_once('|').unwrap();
            let known: BTreeSet<_> =
                everywhere.split_whitespace().chain(in_kibana.split_whitespace().filter(|_| is_kibana)).collect();
            let has: BTreeSet<_> = object["attributes"].as_object().unwrap().keys().map(String::as_str).collect();
            assert!(has.is_subset(&known), "{program}: {}: {:?}", object["id"], has.difference(&known));
            let (_, kibana, dashboards) = VERSIONS.iter().find(|(name, ..)| *name == kind).unwrap();
            if is_kibana {
                assert_eq!(object["typeMigrationVersion"], *kibana, "{}", object["id"]);
                assert_eq!(object["coreMigrationVersion"], "8.8.0", "{}", object["id"]);
            } else {
                assert_eq!(object["migrationVersion"][kind], *dashboards, "{}", object["id"]);
            }
        }
    }
}

/// What stands in an object's texts by name is found among its references by that name.
#[test]
fn each_name_of_a_reference_is_resolved() {
    for program in ["kibana", "opensearch-dashboards"] {
        for object in objects(&deploy("kibana"), program) {
            let references = object["references"].as_array().unwrap().iter();
            let by_name: BTreeMap<_, _> =
                references.map(|reference| (reference["name"].as_str().unwrap(), &reference["type"])).collect();
            let attributes = &object["attributes"];
            if object["type"] == "search" || object["type"] == "visualization" {
                let source = inner(&attributes["kibanaSavedObjectMeta"], "searchSourceJSON");
                assert_eq!(by_name[source["indexRefName"].as_str().unwrap()], "index-pattern", "{}", object["id"]);
            }
            if object["type"] == "visualization" {
                let state = inner(attributes, "visState");
                assert_eq!(state["title"], attributes["title"]);
                inner(attributes, "uiStateJSON");
            }
            if object["type"] == "dashboard" {
                panels_are_resolved_and_apart(program, &inner(attributes, "panelsJSON"), &by_name);
                inner(attributes, "optionsJSON");
            }
        }
    }
}

fn panels_are_resolved_and_apart(program: &str, panels: &Value, by_name: &BTreeMap<&str, &Value>) {
    let mut taken = BTreeSet::new();
    for panel in panels.as_array().unwrap() {
        let (index, name) = (panel["panelIndex"].as_str().unwrap(), panel["panelRefName"].as_str().unwrap());
        let name = if program == "kibana" { format!("{index}:{name}") } else { name.to_owned() };
        assert_eq!(by_name[name.as_str()], &panel["type"], "{program}: {panel}");
        let place = &panel["gridData"];
        assert_eq!(place["i"], index, "{program}: {panel}");
        let at = |key: &str| place[key].as_u64().unwrap();
        assert!(at("x") + at("w") <= COLUMNS, "{program}: {panel}");
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(taken.insert((x, y)), "{program}: {panel} lies on another");
            }
        }
    }
}

/// The formats of the data view: field and where its values lead to.
fn links(directory: &Path, program: &str) -> BTreeMap<String, String> {
    let view = objects(directory, program).remove(0);
    let formats = inner(&view["attributes"], "fieldFormatMap");
    let url = |format: &Value| format["params"]["urlTemplate"].as_str().unwrap().to_owned();
    formats.as_object().unwrap().iter().map(|(field, format)| (field.clone(), url(format))).collect()
}

#[test]
fn links_to_other_programs_are_there_once_it_is_said_where_those_are() {
    let directory = tempfile::tempdir().unwrap();
    for program in ["kibana", "opensearch-dashboards"] {
        let story = links(&deploy("kibana"), program);
        assert_eq!(story.keys().collect::<Vec<_>>(), ["execution_id"], "{program}: {story:?}");
        // Below the base path and the space, whatever they are.
        assert!(story["execution_id"].starts_with("../app/discover#/"), "{program}: {story:?}");
        assert!(!objects(&deploy("kibana"), program)[0].to_string().contains("flyte_console"), "{program}");

        well(&generate(&["--console", "https://flyte/", "--jaeger", "http://jaeger:16686"], directory.path()));
        let links = links(directory.path(), program);
        assert_eq!(links["trace_id"], "http://jaeger:16686/trace/{{value}}", "{program}");
        assert_eq!(links["flyte_console"], "https://flyte/console/{{rawValue}}", "{program}");
        assert!(objects(directory.path(), program)[0].to_string().contains("doc['execution_id'].value"), "{program}");
    }
    let refused = generate(&["--jaeger", "jaeger:16686"], directory.path());
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("'jaeger:16686' is no address"), "{said}");
}
