//! Whole configurations: what loads, and every problem with its place and words.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::*;

const fn option(name: &'static str, kind: Kind, default: &'static str) -> OptionSpec {
    OptionSpec::new(name, kind, default, "")
}

const TAIL: Plugin = Plugin {
    name: "tail",
    doc: "",
    options: &[
        option("Path", Kind::List, ""),
        option("Parser", Kind::Text, ""),
        option("Read_from_Head", Kind::Boolean, "On"),
        option("Refresh_Interval", Kind::Time, "60"),
        option("Mem_Buf_Limit", Kind::Size, "5M"),
        option("multiline.parser", Kind::List, "").repeatable(),
    ],
};
const DUMMY: Plugin = Plugin { name: "dummy", doc: "", options: &[option("Rate", Kind::Integer, "1")] };
const KUBERNETES: Plugin = Plugin {
    name: "kubernetes",
    doc: "",
    options: &[
        option("Kube_URL", Kind::Text, "https://kubernetes.default.svc"),
        option("Merge_Log", Kind::Boolean, "Off"),
        option("Keep_Log", Kind::Boolean, "On"),
    ],
};
const ES: Plugin = Plugin {
    name: "es",
    doc: "",
    options: &[
        option("Host", Kind::Text, "127.0.0.1"),
        option("Port", Kind::Port, "9200"),
        option("Index", Kind::Text, "fluent-bit"),
        option("HTTP_User", Kind::Text, ""),
        option("HTTP_Passwd", Kind::Text, ""),
        option("Compress", Kind::Choice(&["gzip", "off"]), "gzip"),
        option("Ratio", Kind::Float, ""),
    ],
};
const STDOUT: Plugin = Plugin { name: "stdout", doc: "", options: &[] };
const PARSER: Plugin = Plugin {
    name: "parser",
    doc: "",
    options: &[option("Format", Kind::Choice(&["json", "regex"]), ""), option("Regex", Kind::Text, "")],
};
pub(super) const REGISTRY: Registry<'_> = Registry {
    inputs: &[TAIL, DUMMY],
    filters: &[KUBERNETES],
    outputs: &[ES, STDOUT],
    parser: &PARSER,
    multiline_parser: &PARSER,
};

/// The configuration of the project's brief, word for word.
const BRIEF: &str = "\
[SERVICE]
  Parsers_File parsers.conf
[INPUT]
  Name tail
  Path /var/log/containers/*flyte*.log
  Tag kube.*
  Parser docker
  Mem_Buf_Limit 50MB
[FILTER]
  Name kubernetes
  Match kube.*
  Kube_URL https://kubernetes.default.svc:443
  Merge_Log On
  Keep_Log Off
[OUTPUT]
  Name es
  Match *
  Host elasticsearch
  Port 9200
  Index flyte-logs
  HTTP_User ${ES_USER}
  HTTP_Passwd ${ES_PASS}
";

/// One input and one output that are in order: what is beside them in a test is what is looked at.
const FRAME: &str = "[INPUT]\n  Name dummy\n[OUTPUT]\n  Name stdout\n";

fn environment() -> Environment {
    Environment::from_pairs([("ES_USER", "elastic"), ("ES_PASS", "hunter2")])
}

fn text(text: &str) -> (Config, Problems) {
    load_text(Path::new("flytail.conf"), text, &REGISTRY, &environment())
}

fn problems(configuration: &str) -> Vec<String> {
    text(configuration).1.iter().map(ToString::to_string).collect()
}

fn written(directory: &Path, name: &str, text: &str) {
    fs::write(directory.join(name), text).unwrap();
}

#[test]
fn the_brief_loads_word_for_word() {
    let directory = tempfile::tempdir().unwrap();
    written(directory.path(), "fluent-bit.conf", BRIEF);
    written(directory.path(), "parsers.conf", "[PARSER]\n    Name   docker\n    Format json\n");
    let (config, problems) = load(&directory.path().join("fluent-bit.conf"), &REGISTRY, &environment());
    assert_eq!(problems.to_string(), "");

    let tail = &config.inputs[0];
    assert_eq!((tail.plugin(), tail.options().name(), tail.tag()), ("tail", "tail.0", Some("kube.*")));
    assert_eq!(tail.options().list("path"), ["/var/log/containers/*flyte*.log"]);
    assert_eq!(tail.options().size("Mem_Buf_Limit"), Some(50_000_000));
    assert!(tail.options().boolean("Read_from_Head") && !tail.options().is_set("Read_from_Head"));
    let kubernetes = &config.filters[0];
    assert!(kubernetes.routing().matches("kube.var.log") && !kubernetes.routing().matches("host.x"));
    assert!(kubernetes.options().boolean("Merge_Log") && !kubernetes.options().boolean("Keep_Log"));
    let es = &config.outputs[0];
    assert_eq!((es.options().text("Host"), es.options().port("Port")), (Some("elasticsearch"), Some(9200)));
    assert_eq!(es.options().text("HTTP_User"), Some("elastic"));
    assert_eq!(es.options().text("HTTP_Passwd"), Some("hunter2"));
    assert_eq!(es.retry_limit(), None);
    assert!(es.routing().matches("anything"));
    assert_eq!(config.parsers[0].options().name(), "docker");
    assert!(config.service.flyte);
}

#[test]
fn the_brief_without_its_variables_warns_and_counts_them_as_not_given() {
    let without_parsers = BRIEF.replace("  Parsers_File parsers.conf\n", "  Flush 1\n");
    let (config, problems) = load_text(Path::new("flytail.conf"), &without_parsers, &REGISTRY, &Environment::default());
    assert_eq!(
        problems.to_string(),
        "flytail.conf:21: warning: variable ${ES_USER} is used but not set\n  \
         hint: HTTP_User counts as not given\n\
         flytail.conf:22: warning: variable ${ES_PASS} is used but not set\n  \
         hint: HTTP_Passwd counts as not given\n"
    );
    assert!(!config.outputs[0].options().is_set("HTTP_User"));
}

#[test]
fn all_problems_come_at_once_in_the_order_of_the_lines() {
    let configuration = "\
[SERVICE]
  Flush 0
  Grcae 5
  Daemon On
  Coro_Stack_Size 24576
[INPUT]
  Name tail
  Pth /a
  Mem_Buf_Limit 50XB
[INPTU]
  Name tail
[FILTER]
  Name lua
  Match *
[FILTER]
  Match *
[OUTPUT]
  Name elastic
[OUTPUT]
  Name es
  Match *
  Port
  Compress gzp
[MULTILINE_PARSER]
  name x
[PARSER]
  Name docker
";
    let spec = "allowed keys: Path, Parser, Read_from_Head, Refresh_Interval, Mem_Buf_Limit, multiline.parser, Name, \
                Alias, Tag";
    let service = "allowed keys: Flush, Grace, Log_Level, Log_File, Parsers_File, HTTP_Server, HTTP_Listen, \
                   HTTP_Port, Health_Check, HC_Errors_Count, HC_Retry_Failure_Count, HC_Period, \
                    Multiline_Buffer_Limit, Multiline_Line_Limit, Flyte, Hot_Reload, Workers, Dead_Letter_Path, Dead_Letter_Limit, \
                    Spool_Path, \
                   Spool_Limit, Stalled_After, Spool_Age, storage.path";
    let expected = [
        "2: error: Flush must be above 0".to_owned(),
        format!("3: warning: unknown key \"Grcae\" of [SERVICE]\n  hint: did you mean \"Grace\"? {service}"),
        "4: notice: Daemon, Coro_Stack_Size of [SERVICE] have no meaning here\n  hint: The process stays in the \
         foreground; its supervisor puts it into the background. There are no coroutines."
            .to_owned(),
        format!("8: error: unknown key \"Pth\" of input \"tail\"\n  hint: did you mean \"Path\"? {spec}"),
        "9: error: Mem_Buf_Limit: \"50XB\" is not a size (a number, then nothing, K, M or G: 50M)".to_owned(),
        "10: error: unknown section [INPTU]\n  hint: did you mean [INPUT]?".to_owned(),
        "13: error: filter \"lua\" of Fluent Bit is not supported yet\n  hint: filters: kubernetes".to_owned(),
        "15: error: this [FILTER] has no Name\n  hint: filters: kubernetes".to_owned(),
        "18: error: unknown output \"elastic\"\n  hint: outputs: es, stdout".to_owned(),
        "22: error: \"Port\" has no value\n  hint: remove the line or give a value".to_owned(),
        "23: error: Compress: \"gzp\" is not one of gzip, off\n  hint: did you mean \"gzip\"?".to_owned(),
        "24: error: [MULTILINE_PARSER] is allowed only in a parsers file\n  hint: move it to a file and name that with \
         Parsers_File in [SERVICE]"
            .to_owned(),
        "26: error: [PARSER] is allowed only in a parsers file\n  hint: move it to a file and name that with \
         Parsers_File in [SERVICE]"
            .to_owned(),
    ];
    let expected: Vec<_> = expected.iter().map(|problem| format!("flytail.conf:{problem}")).collect();
    assert_eq!(problems(configuration), expected);
}

#[test]
fn sections_and_keys_that_are_refused() {
    for (configuration, expected) in [
        (
            "[OUTPUT]\n  Name stdot\n",
            "2: error: unknown output \"stdot\"\n  hint: did you mean \"stdout\"? outputs: es, stdout",
        ),
        (
            "[OUTPUT]\n  Name opensearch\n",
            "2: error: output \"opensearch\" of Fluent Bit is not supported yet\n  hint: outputs: es, stdout",
        ),
        (
            "[INPUT]\n  Name systemd\n",
            "2: error: input \"systemd\" of Fluent Bit is not supported yet\n  hint: inputs: tail, dummy",
        ),
        ("[CUSTOM]\n  Name calyptia\n", "1: error: [CUSTOM] sections are not supported yet"),
        (
            "[XYZ]\n  Name x\n",
            "1: error: unknown section [XYZ]\n  hint: known are SERVICE, INPUT, FILTER, OUTPUT and, \
             in parsers files, PARSER and MULTILINE_PARSER",
        ),
        (
            "[]\n  Name x\n",
            "1: error: unknown section []\n  hint: known are SERVICE, INPUT, FILTER, OUTPUT and, in \
             parsers files, PARSER and MULTILINE_PARSER",
        ),
        ("  Name x\n", "1: error: a key before any section"),
        ("[SERVICE]\n  Streams_File x\n", "2: error: key \"Streams_File\" of [SERVICE] is not supported yet"),
        ("[SERVICE]\n  HTTP_Server 1\n", "2: error: HTTP_Server: \"1\" is not On or Off"),
        ("[SERVICE]\n  HTTP_Port 70000\n", "2: error: HTTP_Port: \"70000\" is not a port (1 to 65535)"),
        ("[SERVICE]\n  Workers 0\n", "2: error: Workers must be 1 or more"),
        (
            "[SERVICE]\n  Log_Level loud\n",
            "2: error: Log_Level: \"loud\" is not one of off, error, warn, warning, info, debug, trace",
        ),
        ("[SERVICE]\n  Parsers_File none.conf\n", "2: error: cannot read none.conf: there is no such file"),
        ("[INPUT]\n  Name dummy\n  Rate 1\n  Rate 2\n", "4: error: Rate is set 2 times in input \"dummy\""),
        ("[INPUT]\n  Name dummy\n  Rate fast\n", "3: error: Rate: \"fast\" is not a whole number"),
        (
            "[INPUT]\n  Name dummy\n  [PROCESSORS] \n    Name x\n",
            "3: error: the group [PROCESSORS] is not supported in this format\n  hint: processors can be written in a YAML \
             configuration",
        ),
        (
            "[OUTPUT]\n  Name stdout\n  Match_Regex (\n",
            "3: error: Match_Regex is not a regular expression that works here\n  hint: unclosed group",
        ),
        ("@INCLUDE none.conf\n", "1: error: cannot read none.conf: there is no such file"),
        ("@INCLUDE none/*.conf\n", "1: error: no file matches none/*.conf"),
        ("@INCLUDE x.yaml\n", "1: error: cannot read x.yaml: there is no such file"),
        ("@SET x\n", "1: error: @SET needs the form @SET name=value"),
        ("@SET x=file:///none\n", "1: error: cannot read /none: there is no such file"),
    ] {
        let found: Vec<_> =
            problems(configuration).into_iter().filter(|problem| !problem.contains("warning: there is no [")).collect();
        assert_eq!(found, [format!("flytail.conf:{expected}")], "{configuration}");
        assert!(text(configuration).1.is_fatal());
    }
}

#[test]
fn what_may_run_but_is_worth_a_word() {
    for (configuration, expected) in [
        ("@INCLUDES x\n", "1: warning: unknown command @INCLUDES is ignored\n  hint: did you mean @INCLUDE?"),
        (
            "[FILTER]\n  Name kubernetes\n",
            "1: warning: filter \"kubernetes\" has no Match: no record gets to it\n  hint: Match * takes all",
        ),
        (
            "[SERVICE]\n  Flush 1\n  Flush 2\n",
            "3: warning: Flush is set 2 times in [SERVICE]\n  hint: the last one counts",
        ),
        (
            "[FILTER]\n  Name kubernetes\n  Match a\n  Match b\n",
            "4: warning: Match is set 2 times in filter \"kubernetes\"\n  hint: the last one counts",
        ),
        (
            "[FILTER]\n  Name kubernetes\n  Match *\n  Log_Level debug\n",
            "4: notice: Log_Level of filter \"kubernetes\" has no meaning here\n  hint: The log \
             level is that of `[SERVICE]`.",
        ),
        (
            "[SERVICE]\nFlush 1\n",
            "2: warning: a key that is not indented\n  hint: indent the keys of a section: Fluent \
             Bit would drop the first letter of this one",
        ),
        (
            "[SERVICE]\n  Log_File a${X}b\n",
            "2: warning: variable ${X} is used but not set\n  hint: nothing stands in its place in Log_File",
        ),
    ] {
        let (config, problems) = text(&format!("{configuration}{}", FRAME.replace("  ", indent(configuration))));
        let found: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(found, [format!("flytail.conf:{expected}")], "{configuration}");
        assert!(!problems.is_fatal());
        assert_eq!((config.inputs.len(), config.outputs.len()), (1, 1));
    }
    assert_eq!(
        problems(""),
        ["flytail.conf: warning: there is no [INPUT]", "flytail.conf: warning: there is no [OUTPUT]"]
    );
}

/// A file has one way of indenting.
fn indent(configuration: &str) -> &'static str {
    if configuration.contains("\nFlush") { "" } else { "  " }
}

#[test]
fn section_names_may_be_cut_short_and_services_are_merged() {
    let (config, problems) =
        text("[s]\n  Flush 5s\n[IN]\n  Name DUMMY\n[outputs]\n  Name Stdout\n[SERV]\n  Grace -1\n");
    assert_eq!(problems.to_string(), "");
    assert_eq!((config.service.flush, config.service.grace), (Duration::from_secs(5), Duration::MAX));
    assert_eq!((config.inputs[0].plugin(), config.outputs[0].plugin()), ("dummy", "stdout"));
}

#[test]
fn the_service_has_defaults_and_values() {
    let service = text(FRAME).0.service;
    assert_eq!((service.flush, service.grace), (Duration::from_secs(1), Duration::from_secs(5)));
    assert_eq!((service.http_server, service.http_listen.as_str(), service.http_port), (false, "0.0.0.0", 2020));
    assert_eq!((service.log_level, service.log_file), (LogLevel::Info, None));
    assert_eq!((service.health_check, service.hc_errors_count, service.hc_retry_failure_count), (false, 5, 5));
    assert_eq!((service.hc_period, service.multiline_buffer_limit), (Duration::from_secs(60), 2 << 20));
    assert_eq!((service.flyte, service.workers), (true, 1));

    let configuration = "[SERVICE]\n  Flush 0.5\n  Log_Level Warning\n  Flyte off\n  Workers 3\n  HTTP_Server on\n  \
                         HTTP_Port 2021\n  Log_File /x.log\n  Multiline_Buffer_Limit 1KiB\n";
    let service = text(configuration).0.service;
    assert_eq!((service.flush, service.log_level), (Duration::from_millis(500), LogLevel::Warn));
    assert_eq!((service.flyte, service.workers, service.http_server, service.http_port), (false, 3, true, 2021));
    assert_eq!((service.log_file.as_deref(), service.multiline_buffer_limit), (Some(Path::new("/x.log")), 1024));
}

#[test]
fn the_environment_overrules_the_log_level() {
    let environment = Environment::from_pairs([("FLB_LOG_LEVEL", "trace")]);
    let (config, _) = load_text(Path::new("a.conf"), "[SERVICE]\n  Log_Level off\n", &REGISTRY, &environment);
    assert_eq!(config.service.log_level, LogLevel::Trace);
    let environment = Environment::from_pairs([("FLB_LOG_LEVEL", "loud")]);
    let (_, problems) = load_text(Path::new("a.conf"), "[SERVICE]\n  Log_Level off\n", &REGISTRY, &environment);
    assert!(problems.is_fatal());
}

#[test]
fn instances_have_names_tags_and_typed_options() {
    let (config, problems) = text(
        "[INPUT]\n  Name tail\n  Path /a, /b,,\n  multiline.parser docker, cri\n  multiline.parser go\n\
         [INPUT]\n  Name tail\n  Alias main\n  Refresh_Interval 1.5m\n\
         [OUTPUT]\n  Name es\n  Match a*\n  Compress GZIP\n  Retry_Limit 3\n  Ratio 0.5\n\
         [OUTPUT]\n  Name es\n  Match_Regex b\n  Retry_Limit no_retries\n\
         [OUTPUT]\n  Name stdout\n  Match *\n  Retry_Limit False\n  tls On\n",
    );
    assert_eq!(problems.to_string(), "");
    let names: Vec<_> = config.inputs.iter().chain(&config.outputs).map(Instance::name).collect();
    assert_eq!(names, ["tail.0", "main", "es.0", "es.1", "stdout.0"]);
    assert_eq!((config.inputs[0].tag(), config.inputs[1].tag()), (Some("tail.0"), Some("tail.1")));
    let tail = config.inputs[0].options();
    assert_eq!((tail.list("Path"), tail.list("MULTILINE.PARSER")), (vec!["/a", "/b"], vec!["docker", "cri", "go"]));
    assert_eq!(tail.all("multiline.parser"), ["docker, cri", "go"]);
    assert_eq!((tail.text("Parser"), tail.duration("Refresh_Interval")), (None, Some(Duration::from_secs(60))));
    assert_eq!(config.inputs[1].options().duration("Refresh_Interval"), Some(Duration::from_secs(90)));
    let es = config.outputs[0].options();
    assert_eq!((es.text("Compress"), es.float("Ratio"), es.integer("Port")), (Some("gzip"), Some(0.5), Some(9200)));
    let retries: Vec<_> = config.outputs.iter().map(Instance::retry_limit).collect();
    assert_eq!(retries, [Some(3), Some(0), None]);
    assert!(config.outputs[2].options().boolean("tls") && config.outputs[2].options().boolean("tls.verify"));
    assert!(config.outputs[1].routing().matches("bcd") && !config.outputs[1].routing().matches("abc"));
}

#[test]
fn a_match_is_only_dispensable_between_one_input_and_one_output() {
    let (config, problems) = text(FRAME);
    assert_eq!(problems.to_string(), "");
    assert!(config.outputs[0].routing().matches("dummy.0"));
    let (config, problems) = text(&format!("{FRAME}[OUTPUT]\n  Name es\n  Match *\n"));
    assert_eq!(problems.len(), 1);
    assert!(!config.outputs[0].routing().matches("dummy.0"));
}

#[test]
fn a_retry_limit_that_is_none_warns_and_is_no_limit() {
    let (config, problems) = text(&format!("{FRAME}  Retry_Limit many\n"));
    assert_eq!(
        problems.to_string(),
        "flytail.conf:5: warning: Retry_Limit: \"many\" is not a number above 0, no_limits or no_retries\n  \
         hint: there is no limit then\n"
    );
    assert_eq!(config.outputs[0].retry_limit(), None);
}

#[test]
fn two_of_a_name_are_noticed() {
    let found =
        problems("[INPUT]\n  Name dummy\n  Alias a\n[INPUT]\n  Name tail\n  Alias a\n[OUTPUT]\n  Name es\n  Match *\n");
    assert_eq!(
        found,
        ["flytail.conf:6: warning: two inputs are called \"a\"\n  hint: the other is at flytail.conf:1; logs and \
          metrics cannot tell them apart"]
    );
}

#[test]
fn problems_stand_at_the_key_or_at_the_value() {
    let (_, problems) = text("[INPUT]\n  Name  dummy\n  Rate\tx 1\n  Rote 1\n[OUTPUT]\n  Name   es2\n  Match  *\n");
    let places: Vec<_> = problems.iter().map(|problem| (problem.line, problem.column, problem.width)).collect();
    assert_eq!(places, [(3, 3, 4), (3, 8, 3), (4, 3, 4), (6, 10, 3)], "{problems}");
}

#[test]
fn a_yaml_configuration_gives_the_same_as_a_classic_one() {
    let yaml = "\
env: {FILE: /a, CITY: Oslo}
service: {flush: 2}
parsers:
  - {name: mine, format: regex, regex: x}
pipeline:
  inputs:
    - name: tail
      path: ${FILE}
      multiline.parser: [docker, cri]
      processors: {logs: [{name: kubernetes, merge_log: on}, {name: kubernetes, active: false}]}
  filters:
    - {name: kubernetes, match: 'kube.*'}
  outputs:
    - {name: es, match: '*', port: 9201, processors: {logs: [{name: kubernetes, alias: last}]}}
";
    let (config, problems) = load_text(Path::new("a.yaml"), yaml, &REGISTRY, &environment());
    assert_eq!(problems.to_string(), "");
    assert_eq!(config.service.flush, Duration::from_secs(2));
    assert_eq!(config.inputs[0].options().list("Path"), ["/a"]);
    assert_eq!(config.inputs[0].options().list("multiline.parser"), ["docker", "cri"]);
    assert_eq!(config.outputs[0].options().port("Port"), Some(9201));
    assert_eq!(config.parsers[0].name(), "mine");
    let filters: Vec<_> = config.filters.iter().map(|filter| (filter.name(), filter.bound())).collect();
    assert_eq!(
        filters,
        [("tail.0/kubernetes.0", Some(Bound::Input(0))), ("kubernetes.0", None), ("last", Some(Bound::Output(0)))]
    );
    assert!(config.filters[0].routing().matches("any"));
}

#[test]
fn a_yaml_file_may_include_classic_ones_and_name_parsers_files_of_either_format() {
    let directory = tempfile::tempdir().unwrap();
    written(directory.path(), "main.yaml", "service: {parsers_file: [p.conf, q.yaml]}\nincludes: ['parts/*']\n");
    written(directory.path(), "p.conf", "[PARSER]\n  Name one\n  Format json\n");
    written(directory.path(), "q.yaml", "parsers:\n  - {name: two, format: json}\n");
    fs::create_dir(directory.path().join("parts")).unwrap();
    written(directory.path(), "parts/1.conf", "[INPUT]\n  Name dummy\n");
    written(directory.path(), "parts/2.yaml", "includes: [../last.yml]\n");
    written(directory.path(), "last.yml", "pipeline: {outputs: [{name: stdout}]}\n");
    let (config, problems) = load(&directory.path().join("main.yaml"), &REGISTRY, &environment());
    assert_eq!(problems.to_string(), "");
    assert_eq!((config.inputs.len(), config.outputs.len(), config.parsers.len()), (1, 1, 2));
}

#[test]
fn secrets_stand_in_no_problem_and_no_debug_output() {
    let configuration = "\
[INPUT]
  Name dummy
[OUTPUT]
  Name es
  Match *
  HTTP_Passwd hunter2
  HTTP_Paswd hunter2
  HTTP_Passwd=hunter2
  HTTP_Passwd\thunter2 x
  Cloud_Auth hunter2
  tls.key_passwd hunter2
  Port ${ES_PASS}
@SET ES_PASShunter2
@CLOUD hunter2
";
    let (config, problems) = text(configuration);
    assert!(problems.len() >= 6, "{problems}");
    assert!(!problems.to_string().contains("hunter2"), "{problems}");
    let (written, _) = Written::from_text(Path::new("a.conf"), configuration);
    for shown in [format!("{config:?}"), format!("{written:?}"), format!("{:?}", config.outputs[0].options())] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    assert_eq!(config.outputs[0].options().text("tls.key_passwd"), Some("hunter2"));
}
