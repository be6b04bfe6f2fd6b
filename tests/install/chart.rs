//! The chart over a table of values, those of Fluent Bit's chart among them.

use std::fs;

use serde_json::json;

use crate::manifests::{KUBERNETES, chart, container, documents, find, helm, helm_at, well};
use crate::node::Node;
use crate::support::server::free_port;
use crate::support::shipper::{Shipper, flytail, wait_for};

/// Values of all kinds, with a name.
pub(crate) const VALUES: &[(&str, &str)] = &[
    ("none", ""),
    ("values of Fluent Bit's chart", FLUENT_BIT),
    ("everything", EVERYTHING),
    ("a configuration from elsewhere", "existingConfigMap: theirs\nhotReload: {enabled: false}\n"),
    (
        "no rights of its own",
        "rbac: {create: false}\nserviceAccount: {create: false, name: theirs}\nsetup: {enabled: false}\n",
    ),
    ("a long name", "fullnameOverride: a-name-that-is-longer-than-any-name-of-a-kubernetes-object-may-be\n"),
    (
        "several servers",
        "elasticsearch: {host: \"es-1, es-2\", port: 9201}\nimage: {tag: null}\nminReadySeconds: null\n",
    ),
    ("Elastic's names in a data stream", ELASTIC),
];

const ELASTIC: &str = "elasticsearch: {index: logs-flyte-default}\nsetup: {fields: ecs, dataStream: true}\n";

/// As a team has them that runs Fluent Bit, with the parts of its chart that they left as they were.
const FLUENT_BIT: &str = r#"
kind: DaemonSet
replicaCount: 1
image: {repository: registry.example.com/flytail, pullPolicy: Always, tag: "1"}
testFramework: {enabled: true, namespace: null, image: {repository: busybox, pullPolicy: Always, tag: latest}}
serviceAccount: {create: true, annotations: {}, name: null}
rbac: {create: true, nodeAccess: false, eventsAccess: false}
podSecurityPolicy: {create: false, annotations: {}}
openShift: {enabled: false}
service: {type: ClusterIP, port: 2020, labels: {}, annotations: {prometheus.io/path: /api/v2/metrics/prometheus}}
serviceMonitor: {enabled: true, interval: 10s, scrapeTimeout: 10s, selector: {prometheus: main}}
prometheusRule: {enabled: false}
dashboards: {enabled: false}
ingress: {enabled: false}
autoscaling: {enabled: false, vpa: {enabled: false}}
podDisruptionBudget: {enabled: false, annotations: {}, maxUnavailable: "30%"}
networkPolicy: {enabled: false}
luaScripts: {}
logLevel: warn
flush: 5
metricsPort: 2021
hotReload: {enabled: true, image: {repository: ghcr.io/jimmidyson/configmap-reload, tag: v0.15.0}, resources: {}}
env:
- {name: ES_USER, value: shipper}
- {name: ES_PASS, value: secret}
tolerations: [{key: node-role.kubernetes.io/control-plane, operator: Exists, effect: NoSchedule}]
daemonSetVolumes:
- {name: varlog, hostPath: {path: /var/log}}
- {name: varlibdockercontainers, hostPath: {path: /var/lib/docker/containers}}
- {name: etcmachineid, hostPath: {path: /etc/machine-id, type: File}}
daemonSetVolumeMounts:
- {name: varlog, mountPath: /var/log}
- {name: varlibdockercontainers, mountPath: /var/lib/docker/containers, readOnly: true}
- {name: etcmachineid, mountPath: /etc/machine-id, readOnly: true}
config:
  service: |
    [SERVICE]
        Daemon Off
        Flush {{ .Values.flush }}
        Log_Level {{ .Values.logLevel }}
        Parsers_File /fluent-bit/etc/conf/custom_parsers.conf
        HTTP_Server On
        HTTP_Listen 0.0.0.0
        HTTP_Port {{ .Values.metricsPort }}
        Health_Check On
  inputs: |
    [INPUT]
        Name tail
        Path /var/log/containers/*.log
        multiline.parser docker, cri
        Tag kube.*
        Mem_Buf_Limit 5MB
        Skip_Long_Lines On
        DB /var/lib/flytail/tail.db
  filters: |
    [FILTER]
        Name kubernetes
        Match kube.*
        Merge_Log On
        Keep_Log Off
        K8S-Logging.Parser On
        K8S-Logging.Exclude On
  outputs: |
    [OUTPUT]
        Name es
        Match kube.*
        Host elasticsearch-master
        Logstash_Format On
        Retry_Limit False
        HTTP_User ${ES_USER}
        HTTP_Passwd ${ES_PASS}
  upstream: {}
  customParsers: |
    [PARSER]
        Name docker_no_time
        Format json
        Time_Keep Off
        Time_Key time
        Time_Format %Y-%m-%dT%H:%M:%S.%L
  extraFiles: {}
"#;

const EVERYTHING: &str = r##"
image: {digest: "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}
imagePullSecrets: [{name: registry}]
elasticsearch: {host: es.logging.svc, tls: true, credentialsSecret: elasticsearch, caFromSecret: true}
takeOver: {enabled: true, database: /var/log/flb.db}
config: {extraFiles: {more.conf: "# of {{ .Release.Name }}"}}
hotReload: {enabled: false}
serviceAccount: {annotations: {team: ml}}
rbac: {namespaces: true}
service: {labels: {a: b}, annotations: {c: d}}
serviceMonitor: {enabled: true, relabelings: [{targetLabel: a, replacement: b}], metricRelabelings: [{regex: go_.*, action: drop, sourceLabels: [__name__]}]}
podMonitor: {enabled: true, labels: {prometheus: main}}
networkPolicy: {enabled: true, egress: {dns: [53], apiServer: [8443], elasticsearch: [9243, 8443]}}
priorityClass: {create: true}
lifecycle: {preStop: {sleep: {seconds: 1}}}
env: [{name: A, value: b}]
envWithTpl: [{name: RELEASE, value: "{{ .Release.Name }}"}]
envFrom: [{configMapRef: {name: more, optional: true}}]
extraContainers: [{name: beside, image: busybox}]
initContainers: [{name: before, image: busybox}]
extraPorts: [{name: more, containerPort: 2022}]
extraVolumes: [{name: docker, hostPath: {path: /var/lib/docker/containers}}]
extraVolumeMounts: [{name: docker, mountPath: /var/lib/docker/containers, readOnly: true}]
labels: {team: ml}
annotations: {note: a}
podLabels: {tier: logs}
podAnnotations: {note: b}
affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Exists}]}]}}}
hostNetwork: true
dnsPolicy: ClusterFirstWithHostNet
dnsConfig: {options: [{name: ndots, value: "1"}]}
hostAliases: [{ip: 127.0.0.2, hostnames: [es]}]
minReadySeconds: 5
"##;

#[test]
fn lint_finds_nothing() {
    for (name, values) in VALUES {
        let said = well(&helm(&["lint", "--strict"], Some(values)));
        assert!(said.contains("0 chart(s) failed") && !said.contains("[WARNING]"), "{name}: {said}");
    }
}

#[test]
fn a_configuration_that_moved_here_is_checked_and_runs_as_it_is() {
    let node = Node::new(&chart(FLUENT_BIT));
    node.check();
    assert!(node.configuration().ends_with("flytail.conf"));
    let environment = node.environment();
    let has = |name: &str, value: &str| environment.contains(&(name.to_owned(), value.to_owned()));
    assert!(has("NODE_NAME", "node-a") && has("ES_USER", "shipper"), "{environment:?}");
    let everything = chart(EVERYTHING);
    let container = container(find(&everything, "DaemonSet", "flytail"));
    let variable = |name: &str| container["env"].as_array().unwrap().iter().find(|found| found["name"] == name);
    assert_eq!(variable("RELEASE").unwrap()["value"], "logs");
    assert_eq!(variable("ES_TLS").unwrap()["value"], "On");
    assert_eq!(find(&everything, "ConfigMap", "-config")["data"]["more.conf"], "# of logs\n");
}

/// What Fluent Bit's chart comes with: no place for anything is named, and all but the state is read-only.
#[test]
fn without_a_database_dead_letters_are_kept_all_the_same() {
    let mut values = FLUENT_BIT.to_owned();
    for (text, instead) in [
        ("        DB /var/lib/flytail/tail.db\n", ""),
        ("HTTP_Listen 0.0.0.0", "HTTP_Listen 127.0.0.1"),
        ("metricsPort: 2021", &format!("metricsPort: {}", free_port())),
        ("logLevel: warn", "logLevel: info"),
    ] {
        assert!(values.contains(text), "{text}");
        values = values.replace(text, instead);
    }
    let node = Node::new(&chart(&values));
    let command = node.command();
    let mut shipper = Shipper::spawn(command, &node.path("/var/lib/flytail"));
    let kept = format!("dead_letters={}/flytail-dead-letters", node.path("/var/lib/flytail").display());
    wait_for(&true, || shipper.log().contains(&kept));
    assert!(shipper.terminate().success());
}

/// Each way in which a pod may be told to reload is off: the option, and the one of the command line.
#[test]
fn a_reload_is_switched_off_by_its_value() {
    for (values, is_enabled) in [("", true), ("hotReload: {enabled: false}", false)] {
        let node = Node::new(&chart(values));
        let mut command = node.command();
        let port = free_port();
        command.env("HTTP_LISTEN", "127.0.0.1").env("HTTP_PORT", port.to_string());
        let mut shipper = Shipper::spawn(command, &node.path("/var/lib/flytail"));
        wait_for(&true, || shipper.log().contains("started"));
        let mut answer = ureq::post(format!("http://127.0.0.1:{port}/api/v2/reload")).send_empty().unwrap();
        let said = answer.body_mut().read_to_string().unwrap();
        assert_eq!(said.contains("not enabled"), !is_enabled, "{said}");
        assert!(shipper.terminate().success());
        let annotations =
            find(&chart(values), "DaemonSet", "flytail")["spec"]["template"]["metadata"]["annotations"].clone();
        assert_eq!(annotations["checksum/config"].is_string(), !is_enabled, "new pods come in its place");
    }
}

/// The command line of the job that prepares the server.
fn setup(values: &str) -> Vec<String> {
    let manifests = chart(values);
    let arguments = container(find(&manifests, "Job", "-setup"))["args"].as_array().unwrap().iter();
    arguments.map(|argument| argument.as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_job_asks_the_first_server_as_the_output_finds_it() {
    for (server, url) in [
        ("host: es", "http://es:9200"),
        ("host: \"es-1, es-2\", port: 9201", "http://es-1:9201"),
        ("host: \"es-1:9201, es-2:9202\"", "http://es-1:9201"),
        ("host: \"es-1, es-2:9202\", tls: true", "https://es-1:9200"),
        ("host: \"10.0.0.1:9201\"", "http://10.0.0.1:9201"),
        ("host: \"::1\"", "http://[::1]:9200"),
        ("host: \"[::1]\"", "http://[::1]:9200"),
        ("host: \"[::1]:9201\"", "http://[::1]:9201"),
    ] {
        let arguments = setup(&format!("elasticsearch: {{{server}}}"));
        assert_eq!(arguments[1], format!("--url={url}"), "{server}");
    }
}

/// It is a hook of each upgrade: it would put another template back than the one that the documents need.
#[test]
fn the_job_installs_the_template_of_the_values() {
    let installed = |values: &str| {
        let arguments = setup(values).into_iter().filter(|argument| !argument.starts_with("--url="));
        well(&flytail().args(arguments).args(["--print", "elasticsearch"]).output().unwrap())
    };
    let (usual, elastic) = (installed(""), installed(ELASTIC));
    assert!(usual.contains("\"execution_id\"") && !usual.contains("\"data_stream\""), "{usual}");
    assert!(elastic.contains("\"orchestrator\"") && elastic.contains("\"data_stream\""), "{elastic}");
    assert!(elastic.contains("\"logs-flyte-default\""), "{elastic}");
}

#[test]
fn alerts_know_the_job_whatever_the_release_is_called() {
    let everything = chart(EVERYTHING);
    for (kind, endpoints) in [("ServiceMonitor", "endpoints"), ("PodMonitor", "podMetricsEndpoints")] {
        let endpoint = &find(&everything, kind, "flytail")["spec"][endpoints][0];
        assert_eq!(endpoint["relabelings"][0], json!({"targetLabel": "job", "replacement": "flytail"}), "{kind}");
    }
    // They find the port by its name.
    let port = container(find(&chart("metricsPort: 2021"), "DaemonSet", "flytail"))["ports"][0].clone();
    assert_eq!((&port["name"], &port["containerPort"]), (&json!("http"), &json!(2021)));
}

#[test]
fn a_policy_lets_out_what_is_named_and_nothing_else() {
    let out = |values: &str| {
        let rules = find(&chart(values), "NetworkPolicy", "flytail")["spec"].clone();
        assert_eq!(rules["policyTypes"], json!(["Ingress", "Egress"]));
        let ports =
            rules["egress"].as_array().unwrap().iter().flat_map(|rule| rule["ports"].as_array().unwrap().clone());
        ports.map(|port| format!("{}/{}", port["protocol"].as_str().unwrap(), port["port"])).collect::<Vec<_>>()
    };
    let usual = out("networkPolicy: {enabled: true}");
    assert_eq!(usual, ["UDP/53", "TCP/53", "UDP/5353", "TCP/5353", "TCP/443", "TCP/6443", "TCP/9200"]);
    assert_eq!(out(EVERYTHING), ["UDP/53", "TCP/53", "TCP/8443", "TCP/9243", "TCP/9200"]);
}

/// The chart's configuration is a link that leads out of it.
#[test]
fn the_package_holds_the_configuration() {
    let directory = tempfile::tempdir().unwrap();
    well(&helm(&["package", "--destination", &directory.path().display().to_string()], None));
    let package = fs::read_dir(directory.path()).unwrap().next().unwrap().unwrap().path();
    let whole = helm_at(&package, &["template", "logs", "--kube-version", KUBERNETES], Some(""));
    assert_eq!(documents(&well(&whole)), chart(""));
}

#[test]
fn values_that_mean_nothing_are_refused_by_their_names() {
    for (values, named) in [
        ("elasticsarch: {host: a}", "elasticsarch"),
        ("elasticsearch: {hosts: a}", "hosts"),
        ("elasticsearch: {index: Flyte}", "index"),
        ("elasticsearch: {caFromSecret: true}", "elasticsearch"),
        ("kind: Deployment", "kind"),
        ("setup: {retention: 2w}", "retention"),
        ("setup: {fields: elastic}", "fields"),
        ("metricsPort: 0", "metricsPort"),
        ("logLevel: loud", "logLevel"),
        ("luaScripts: {a.lua: x}", "luaScripts"),
        ("ingress: {enabled: true}", "ingress"),
        ("rbac: {nodeAccess: true}", "nodeAccess"),
        ("config: {output: x}", "output"),
        ("config: {upstream: {upstream.conf: x}}", "upstream"),
        ("image: {digest: latest}", "digest"),
        ("networkPolicy: {egress: {dns: []}}", "dns"),
    ] {
        let output = helm(&["template", "logs", "--kube-version", KUBERNETES], Some(values));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(named), "{values}: {said}");
    }
}
