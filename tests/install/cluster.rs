//! A real API server takes all manifests, and the account may do what it needs and nothing else.

use std::path::Path;

use serde_json::{Value, json};

use crate::configuration::kustomization;
use crate::manifests::{NAMESPACE, chart, container, documents, find, overlay};
use crate::support::kubernetes::ApiServer;
use crate::support::shipper::wait_for;
use crate::support::turn::turn;

/// Where the API server has each kind: group and version, the resource, and whether it is in a namespace.
const KINDS: [(&str, &str, &str, bool); 14] = [
    ("Namespace", "api/v1", "namespaces", false),
    ("ConfigMap", "api/v1", "configmaps", true),
    ("Secret", "api/v1", "secrets", true),
    ("Service", "api/v1", "services", true),
    ("ServiceAccount", "api/v1", "serviceaccounts", true),
    ("DaemonSet", "apis/apps/v1", "daemonsets", true),
    ("Deployment", "apis/apps/v1", "deployments", true),
    ("Job", "apis/batch/v1", "jobs", true),
    ("ClusterRole", "apis/rbac.authorization.k8s.io/v1", "clusterroles", false),
    ("ClusterRoleBinding", "apis/rbac.authorization.k8s.io/v1", "clusterrolebindings", false),
    ("PriorityClass", "apis/scheduling.k8s.io/v1", "priorityclasses", false),
    ("NetworkPolicy", "apis/networking.k8s.io/v1", "networkpolicies", true),
    ("PodMonitor", "apis/monitoring.coreos.com/v1", "podmonitors", true),
    ("ServiceMonitor", "apis/monitoring.coreos.com/v1", "servicemonitors", true),
];

/// Where a manifest goes.
fn place(manifest: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("not whole: {manifest}")).to_owned();
    let kind = text(&manifest["kind"]);
    let known = KINDS.iter().find(|(name, ..)| *name == kind);
    let (_, group, resource, is_namespaced) = known.unwrap_or_else(|| panic!("where is a {kind}?"));
    let version = group.strip_prefix("apis/").or(group.strip_prefix("api/")).unwrap();
    assert_eq!(manifest["apiVersion"], version, "{kind}");
    let name = text(&manifest["metadata"]["name"]);
    if *is_namespaced {
        let namespace = text(&manifest["metadata"]["namespace"]);
        format!("/{group}/namespaces/{namespace}/{resource}/{name}")
    } else {
        format!("/{group}/{resource}/{name}")
    }
}

/// Installs the manifests of these kinds.
pub(crate) fn install(cluster: &ApiServer, manifests: &[Value], kinds: &[&str]) {
    for kind in kinds {
        for manifest in manifests.iter().filter(|manifest| manifest["kind"] == *kind) {
            cluster.apply(&place(manifest), manifest, false).ok();
        }
    }
}

/// Fails on the first manifest that the API server would not take.
fn assert_accepted(cluster: &ApiServer, manifests: &[Value], whence: &str) {
    for manifest in manifests {
        let place = place(manifest);
        let answer = cluster.apply(&place, manifest, true);
        assert!(matches!(answer.status, 200 | 201), "{whence}: {place}: {}", answer.body["message"]);
    }
}

/// What the Prometheus operator brings, as far as it matters whether its kinds are there.
fn install_operator(cluster: &ApiServer) {
    for (kind, plural) in [("PodMonitor", "podmonitors"), ("ServiceMonitor", "servicemonitors")] {
        let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        let definition = json!({
            "metadata": {"name": format!("{plural}.monitoring.coreos.com")},
            "spec": {
                "group": "monitoring.coreos.com", "scope": "Namespaced",
                "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase(), "listKind": format!("{kind}List")},
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}],
            },
        });
        cluster.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &definition).ok();
        let list = format!("/apis/monitoring.coreos.com/v1/namespaces/flyte/{plural}");
        wait_for(&200, || cluster.get(&list).status);
    }
}

#[test]
fn a_cluster_takes_all_manifests() {
    let _turn = turn();
    let cluster = ApiServer::start(&[]);
    install_operator(&cluster);
    let namespaces = overlay("elasticsearch");
    install(&cluster, &namespaces, &["Namespace"]);
    for name in ["elasticsearch", "opensearch", "dev", "dev-opensearch"] {
        assert_accepted(&cluster, &overlay(name), name);
    }
    let directory = tempfile::tempdir().unwrap();
    let components = ["monitoring", "docker", "take-over", "namespace-labels"];
    let all = components.map(|name| format!("components/{name}")).join(", ");
    assert_accepted(&cluster, &kustomization(directory.path(), &format!("components: [{all}]")), "all components");
    for (name, values) in crate::chart::VALUES {
        assert_accepted(&cluster, &chart(values), name);
    }
    security_is_as_told(&cluster);
    rights_are_just_those_needed(&cluster);
}

/// The Pod Security Standards: which of them the pods break is told beside the namespace.
fn security_is_as_told(cluster: &ApiServer) {
    let manifests = overlay("elasticsearch");
    let template = |kind, end| find(&manifests, kind, end)["spec"]["template"].clone();
    for (level, kind, end, broken) in [
        ("privileged", "DaemonSet", "flytail", &[][..]),
        ("baseline", "DaemonSet", "flytail", &["non-default capabilities", "hostPath volumes"]),
        ("restricted", "Job", "-setup", &[]),
    ] {
        let namespace = format!("at-{level}");
        let labels = json!({"pod-security.kubernetes.io/enforce": level});
        let made = json!({"metadata": {"name": namespace, "labels": labels}});
        cluster.post("/api/v1/namespaces", &made).ok();
        let mut pod = template(kind, end);
        pod["metadata"]["name"] = "pod".into();
        // The class is not installed here.
        pod["spec"].as_object_mut().unwrap().remove("priorityClassName");
        let answer = cluster.post(&format!("/api/v1/namespaces/{namespace}/pods?dryRun=All"), &pod);
        if broken.is_empty() {
            assert_eq!(answer.status, 201, "{kind} at {level}: {}", answer.body);
            continue;
        }
        let reasons = answer.body["message"].as_str().unwrap().to_owned();
        let (_, reasons) = reasons.split_once("\": ").unwrap();
        assert_eq!(reasons.matches(" (").count(), broken.len(), "{reasons}");
        assert!(broken.iter().all(|rule| reasons.contains(rule)), "{reasons}");
    }
}

fn rights_are_just_those_needed(cluster: &ApiServer) {
    const KINDS: [&str; 3] = ["ServiceAccount", "ClusterRole", "ClusterRoleBinding"];
    install(cluster, &overlay("elasticsearch"), &KINDS);
    install(cluster, &chart("rbac: {namespaces: true}"), &KINDS);
    for (account, reads_namespaces) in [("flytail", false), ("logs-flytail", true)] {
        for (verb, resource, may) in [
            ("get", "pods", true),
            ("list", "pods", true),
            ("watch", "pods", true),
            ("delete", "pods", false),
            ("create", "pods", false),
            ("get", "namespaces", reads_namespaces),
            ("list", "namespaces", false),
            ("get", "secrets", false),
            ("get", "configmaps", false),
            ("get", "nodes", false),
            ("get", "events", false),
        ] {
            // In any namespace: pods of all namespaces are on a node.
            let attributes = json!({"verb": verb, "resource": resource, "version": "v1"});
            let user = format!("system:serviceaccount:{NAMESPACE}:{account}");
            let groups = ["system:serviceaccounts", "system:authenticated"];
            let review = json!({"spec": {"user": user, "groups": groups, "resourceAttributes": attributes}});
            let answer = cluster.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", &review).ok();
            assert_eq!(answer["status"]["allowed"], may, "{account}: {verb} {resource}");
        }
    }
}

/// Seconds after which a request without an answer has failed.
fn request_timeout() -> i64 {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/output/elasticsearch/send.rs");
    let source = std::fs::read_to_string(file).unwrap();
    let (_, rest) = source.split_once("const TIMEOUT: Duration = Duration::from_secs(").unwrap();
    rest.split(')').next().unwrap().parse().unwrap()
}

#[test]
fn a_rollout_leaves_requests_time_and_never_runs_two_on_a_node() {
    let service = std::fs::read_to_string(crate::deploy("config/service.conf")).unwrap();
    let grace = service.lines().find_map(|line| line.trim().strip_prefix("Grace")).unwrap();
    let grace: i64 = grace.trim().parse().unwrap();
    for manifests in [overlay("elasticsearch"), chart("")] {
        let workload = &find(&manifests, "DaemonSet", "flytail")["spec"];
        let pod = &workload["template"]["spec"];
        assert!(pod["terminationGracePeriodSeconds"].as_i64().unwrap() >= grace + 10);
        assert_eq!(workload["updateStrategy"]["rollingUpdate"]["maxSurge"], 0);
        // Who cannot deliver is found not ready before it counts as available, even where requests get no answer.
        let probe = &container(find(&manifests, "DaemonSet", "flytail"))["readinessProbe"];
        let number = |key: &str| probe[key].as_i64().unwrap();
        let found = request_timeout() + number("failureThreshold") * number("periodSeconds") + number("timeoutSeconds");
        assert!(workload["minReadySeconds"].as_i64().unwrap() > found, "{found}");
        let container = container(find(&manifests, "DaemonSet", "flytail"));
        let mounts = container["volumeMounts"].as_array().unwrap();
        let writable: Vec<_> = mounts.iter().filter(|mount| mount["readOnly"] != true).collect();
        assert_eq!(writable.len(), 1, "{writable:?}");
        assert_eq!(writable[0]["mountPath"], "/var/lib/flytail");
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
        assert_eq!(container["securityContext"]["capabilities"], json!({"drop": ["ALL"], "add": ["DAC_READ_SEARCH"]}));
    }
}

/// Who installs by hand runs the job alone first, by its label.
#[test]
fn the_server_is_prepared_before_anything_is_shipped() {
    for name in ["elasticsearch", "opensearch"] {
        let manifests = overlay(name);
        let is_setup = |manifest: &&Value| manifest["metadata"]["labels"]["app.kubernetes.io/component"] == "setup";
        let kinds: Vec<_> = manifests.iter().filter(is_setup).map(|manifest| &manifest["kind"]).collect();
        assert_eq!(kinds, ["Job"], "{name}");
    }
    for name in ["dev", "dev-opensearch"] {
        let pod = find(&overlay(name), "DaemonSet", "flytail")["spec"]["template"]["spec"].clone();
        assert_eq!(pod["initContainers"][0]["args"][0], "setup", "{name}");
        assert_eq!(pod["initContainers"][0]["image"], pod["containers"][0]["image"], "{name}");
        let host = |container: &Value| {
            container["env"].as_array().unwrap().iter().find(|variable| variable["name"] == "ES_HOST").cloned()
        };
        assert_eq!(host(&pod["initContainers"][0]), host(&pod["containers"][0]), "{name}");
    }
    let annotations = find(&chart(""), "Job", "-setup")["metadata"]["annotations"].clone();
    assert_eq!(annotations["helm.sh/hook"], "pre-install,pre-upgrade");
}

/// `kubectl logs job/…` has the reason, which takes a pod that is there; and the job gives up while somebody waits for it:
/// helm for five minutes, by hand for ten.
#[test]
fn a_job_that_fails_leaves_its_log_in_time() {
    for (manifests, patience) in [(chart(""), 300), (overlay("elasticsearch"), 600), (overlay("opensearch"), 600)] {
        let job = &find(&manifests, "Job", "-setup")["spec"];
        assert_eq!(job["template"]["spec"]["restartPolicy"], "Never");
        // Kubernetes waits for 10 s before the second try, and twice as long each time.
        let pauses: u64 = (0..job["backoffLimit"].as_u64().unwrap()).map(|number| 10 << number).sum();
        assert!((60..patience - 60).contains(&pauses), "{pauses} of {patience}");
    }
}

/// The port of the API server is another one on minikube than on kind.
#[test]
fn where_things_are_tried_no_policy_shuts_the_api_server_out() {
    let has_policy = |name| overlay(name).iter().any(|manifest| manifest["kind"] == "NetworkPolicy");
    let found = ["elasticsearch", "opensearch", "dev", "dev-opensearch"].map(has_policy);
    assert_eq!(found, [true, true, false, false]);
}

#[test]
fn the_commands_for_dead_letters_name_the_configuration_that_is_there() {
    let readme = std::fs::read_to_string(crate::deploy("README.md")).unwrap();
    for manifests in [chart(""), chart("existingConfigMap: theirs"), overlay("elasticsearch")] {
        let arguments = container(find(&manifests, "DaemonSet", "flytail"))["args"].as_array().unwrap();
        let file = arguments[0].as_str().unwrap().strip_prefix("--config=").unwrap();
        assert!(readme.contains(file), "{file}");
    }
    for command in ["list", "replay"] {
        let line = format!("flytail dead-letters {command} --config /fluent-bit/etc/conf/flytail.conf\n");
        assert!(readme.contains(&line), "{line}");
    }
}

/// Without its secret a pod waits for it, rather than run without a password.
#[test]
fn no_secret_is_optional() {
    let secured = "elasticsearch: {tls: true, credentialsSecret: a, caFromSecret: true}\nsetup: {credentialsSecret: b}";
    for manifests in [overlay("elasticsearch"), overlay("opensearch"), chart(secured)] {
        assert!(!json!(manifests).to_string().contains("\"optional\":true"));
        let names = |kind, end| {
            let text = find(&manifests, kind, end)["spec"]["template"]["spec"].to_string();
            let parts = text.split("\"secretName\":\"").skip(1);
            parts.map(|part| part.split('"').next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        // The one who prepares the server may more, and nobody else reads its password.
        let (shipper, setup) = (names("DaemonSet", "flytail"), names("Job", "-setup"));
        assert_eq!((shipper.len(), setup.len()), (1, 1));
        assert_ne!(shipper, setup);
    }
}

#[test]
fn the_way_back_is_values_of_fluent_bit_s_chart() {
    let text = std::fs::read_to_string(crate::deploy("kubernetes/components/take-over/roll-back.yaml")).unwrap();
    let values = documents(&text).remove(0);
    let keys: Vec<_> = values.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["extraVolumes", "initContainers"]);
}
