//! The chart over a table of values, those of Fluent Bit's chart among them.

use std::fs;

use crate::manifests::{KUBERNETES, chart, container, documents, find, helm, helm_at, well};
use crate::node::Node;

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
];

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
networkPolicy: {enabled: true}
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
        ("metricsPort: 0", "metricsPort"),
        ("logLevel: loud", "logLevel"),
        ("luaScripts: {a.lua: x}", "luaScripts"),
        ("ingress: {enabled: true}", "ingress"),
        ("rbac: {nodeAccess: true}", "nodeAccess"),
        ("config: {output: x}", "output"),
        ("config: {upstream: {upstream.conf: x}}", "upstream"),
        ("image: {digest: latest}", "digest"),
    ] {
        let output = helm(&["template", "logs", "--kube-version", KUBERNETES], Some(values));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(named), "{values}: {said}");
    }
}
