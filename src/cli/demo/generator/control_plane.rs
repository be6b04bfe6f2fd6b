//! The pods that are not tasks: Flyte's own services of both versions, the proxy before them, and
//! a user's service.
//!
//! Labels are those of the charts flyte-core (version 1) and flyte-binary (version 2).

use fastrand::Rng;

use super::cluster::{CONTROL_NAMESPACE, Cluster, ContainerDraft, PodDraft, Role, deployment_pod, fields, pod_uid};

pub(super) fn add(cluster: &mut Cluster, random: &mut Rng) {
    for service in SERVICES {
        add_service(cluster, service, random);
    }
    add_envoy(cluster, random);
    add_model_server(cluster, random);
}

struct Service {
    role: Role,
    pod: &'static str,
    container: &'static str,
    image: &'static str,
    chart: &'static str,
    /// Labels besides those that every chart sets.
    labels: &'static [(&'static str, &'static str)],
    component: &'static str,
    /// `app` and `component` when only the file's name is known.
    from_name: (&'static str, &'static str),
}

const CORE: &str = "flyte-core-v1.16.8";

const SERVICES: [Service; 7] = [
    Service {
        role: Role::Admin,
        pod: "flyteadmin",
        container: "flyteadmin",
        image: "cr.flyte.org/flyteorg/flyteadmin:v1.16.8",
        chart: CORE,
        labels: &[],
        component: "admin",
        from_name: ("flyteadmin", "admin"),
    },
    Service {
        role: Role::Propeller,
        pod: "flytepropeller",
        container: "flytepropeller",
        image: "cr.flyte.org/flyteorg/flytepropeller:v1.16.8",
        chart: CORE,
        labels: &[],
        component: "propeller",
        from_name: ("flytepropeller", "propeller"),
    },
    Service {
        role: Role::DataCatalog,
        pod: "datacatalog",
        container: "datacatalog",
        image: "cr.flyte.org/flyteorg/datacatalog:v1.16.8",
        chart: CORE,
        labels: &[],
        component: "datacatalog",
        from_name: ("datacatalog", "datacatalog"),
    },
    Service {
        role: Role::Scheduler,
        pod: "flytescheduler",
        container: "flytescheduler",
        image: "cr.flyte.org/flyteorg/flytescheduler:v1.16.8",
        chart: CORE,
        labels: &[],
        component: "scheduler",
        from_name: ("flytescheduler", "scheduler"),
    },
    Service {
        role: Role::Console,
        pod: "flyteconsole",
        container: "flyteconsole",
        image: "cr.flyte.org/flyteorg/flyteconsole:v1.19.8",
        chart: CORE,
        labels: &[],
        component: "console",
        from_name: ("flyteconsole", "console"),
    },
    Service {
        role: Role::Webhook,
        pod: "flyte-pod-webhook",
        container: "webhook",
        image: "cr.flyte.org/flyteorg/flytepropeller:v1.16.8",
        chart: CORE,
        // An `app` that is a text beside an `app.kubernetes.io/…`: as unescaped labels these two
        // cannot both be indexed.
        labels: &[("app", "flyte-pod-webhook"), ("app.kubernetes.io/version", "v1.16.8")],
        component: "webhook",
        from_name: ("flyte-pod-webhook", "webhook"),
    },
    Service {
        role: Role::Binary,
        pod: "flyte-binary",
        container: "flyte",
        image: "ghcr.io/flyteorg/flyte-binary-v2:sha-6fadb90",
        chart: "flyte-binary-v2.0.0",
        labels: &[("app.kubernetes.io/component", "flyte-binary"), ("app.kubernetes.io/version", "2.0.0")],
        component: "admin",
        from_name: ("flyte", "flyte"),
    },
];

fn add_service(cluster: &mut Cluster, service: Service, random: &mut Rng) {
    let (name, replica_set, hash) = deployment_pod(service.pod, random);
    let mut labels = vec![
        ("app.kubernetes.io/name", service.pod.to_owned()),
        ("app.kubernetes.io/instance", "flyte".to_owned()),
        ("app.kubernetes.io/managed-by", "Helm".to_owned()),
        ("helm.sh/chart", service.chart.to_owned()),
        ("pod-template-hash", hash),
    ];
    labels.extend(service.labels.iter().map(|(key, value)| (*key, (*value).to_owned())));
    let annotations = vec![
        ("configChecksum", format!("{:063x}", random.u128(..))),
        ("prometheus.io/path", "/metrics".to_owned()),
        ("prometheus.io/port", "10254".to_owned()),
    ];
    let owner = ("ReplicaSet", "apps/v1", replica_set);
    let pod = PodDraft { namespace: CONTROL_NAMESPACE, name, labels, annotations, owner };
    let pod = cluster.add_pod(pod, random);
    let (app, component) = service.from_name;
    let container = ContainerDraft {
        pod,
        name: Some(service.container.to_owned()),
        image: service.image,
        role: service.role,
        environment: vec![("GOMEMLIMIT".to_owned(), "900MiB".to_owned())],
        fields: fields([("app", service.pod), ("component", service.component)]),
        from_name: fields([("app", app), ("component", component)]),
    };
    cluster.add_container(container, random);
}

/// Contour's Envoy as the Bitnami chart names and labels it.
fn add_envoy(cluster: &mut Cluster, random: &mut Rng) {
    let labels = vec![
        ("app.kubernetes.io/name", "contour".to_owned()),
        ("app.kubernetes.io/component", "envoy".to_owned()),
        ("app.kubernetes.io/instance", "flyte".to_owned()),
        ("controller-revision-hash", super::cluster::suffix(random, 10)),
        ("pod-template-generation", "1".to_owned()),
    ];
    let pod = PodDraft {
        namespace: CONTROL_NAMESPACE,
        name: format!("flyte-contour-envoy-{}", super::cluster::suffix(random, 5)),
        labels,
        annotations: vec![("prometheus.io/scrape", "true".to_owned())],
        owner: ("DaemonSet", "apps/v1", "flyte-contour-envoy".to_owned()),
    };
    let pod = cluster.add_pod(pod, random);
    let container = ContainerDraft {
        pod,
        name: Some("envoy".to_owned()),
        image: "docker.io/bitnami/envoy:1.31.5",
        role: Role::Envoy,
        environment: vec![("CONTOUR_NAMESPACE".to_owned(), CONTROL_NAMESPACE.to_owned())],
        fields: fields([("app", "contour"), ("component", "envoy")]),
        from_name: fields([("app", "envoy"), ("component", "envoy")]),
    };
    cluster.add_container(container, random);
}

/// A service of the user's in a task namespace: JSON logs of any kind, and plain labels.
fn add_model_server(cluster: &mut Cluster, random: &mut Rng) {
    let (name, replica_set, hash) = deployment_pod("model-server", random);
    let labels = vec![
        ("app", "model-server".to_owned()),
        ("component", "inference".to_owned()),
        ("example.com/team.name", "ranking".to_owned()),
        ("pod-template-hash", hash),
    ];
    let pod = PodDraft {
        namespace: super::tasks::TASK_NAMESPACE,
        name,
        labels,
        annotations: vec![("example.com/build.id", pod_uid(random))],
        owner: ("ReplicaSet", "apps/v1", replica_set),
    };
    let pod = cluster.add_pod(pod, random);
    let container = ContainerDraft {
        pod,
        name: Some("server".to_owned()),
        image: "registry.example.com/model-server:4.2",
        role: Role::ModelServer,
        environment: vec![("WORKERS".to_owned(), "4".to_owned())],
        fields: fields([("app", "model-server"), ("component", "inference")]),
        from_name: fields([("app", "server"), ("component", "server")]),
    };
    cluster.add_container(container, random);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_webhook_has_both_app_labels() {
        let cluster = Cluster::new(9);
        let webhook = cluster.containers.iter().find(|container| container.role == Role::Webhook).unwrap();
        let labels = &cluster.pod_of(webhook).labels;
        assert_eq!(labels["app"], "flyte-pod-webhook");
        assert_eq!(labels["app.kubernetes.io/name"], "flyte-pod-webhook");
        assert_eq!(webhook.name, "webhook");
        assert_eq!(webhook.fields["component"], "webhook");
        assert_eq!(webhook.fields_from_name["app"], "flyte-pod-webhook");
    }

    #[test]
    fn the_brief_s_apps_and_components_are_there() {
        let cluster = Cluster::new(9);
        let has = |app: &str, component: &str| {
            cluster.containers.iter().any(|known| known.fields["app"] == app && known.fields["component"] == component)
        };
        assert!(has("flyteadmin", "admin"));
        assert!(has("flytepropeller", "propeller"));
        assert!(has("flyte-binary", "admin"));
        assert!(has("contour", "envoy"));
        assert!(has("model-server", "inference"));
    }
}
