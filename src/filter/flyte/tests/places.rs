//! Where records come from: app, component, place and ids.

use super::*;

/// The document of a plain line, without what every one has.
fn place(source: &Source) -> Json {
    let mut document = document_of(source, vec![Member::text(b"log", b"x", Origin::Runtime)]);
    let object = document.as_object_mut().unwrap();
    assert_eq!(object.remove("message"), Some(json!("x")));
    document
}

#[test]
fn parts_of_version_1() {
    let table = [
        ("flyteadmin", "flyteadmin", "admin"),
        ("flyteadmin", "run-migrations", "admin"),
        ("flytepropeller", "flytepropeller", "propeller"),
        ("flytepropeller-manager", "flytepropeller-manager", "propeller"),
        ("datacatalog", "datacatalog", "datacatalog"),
        ("flytescheduler", "flytescheduler", "scheduler"),
        ("flyteconsole", "flyteconsole", "console"),
    ];
    for (app, container, component) in table {
        let place_of =
            json!({"app": app, "component": component, "namespace": "flyte", "pod": "x-1", "container": container});
        let source = source(("flyte", "x-1", container));
        let mut with = place_of.clone();
        with["host"] = json!("node-7");
        assert_eq!(place(&with_labels(source.clone(), &[("app.kubernetes.io/name", app)])), with);
        if app == container {
            let mut without = place_of;
            without["host"] = json!("node-0");
            assert_eq!(place(&source), without);
        }
    }
}

#[test]
fn the_webhook() {
    let source = source(("flyte", "flyte-pod-webhook-5d-x", "webhook"));
    let expected = |host: &str| {
        json!({"app": "flyte-pod-webhook", "component": "webhook", "namespace": "flyte", "pod": "flyte-pod-webhook-5d-x",
            "container": "webhook", "host": host})
    };
    assert_eq!(place(&source), expected("node-0"));
    let labels = [("app", "flyte-pod-webhook"), ("app.kubernetes.io/name", "flyte-pod-webhook")];
    assert_eq!(place(&with_labels(source.clone(), &labels)), expected("node-7"));
    let other = place(&with_labels(source, &[("app", "cert-manager"), ("component", "cainjector")]));
    assert_eq!((&other["app"], &other["component"]), (&json!("cert-manager"), &json!("cainjector")));
}

#[test]
fn tasks_of_version_1() {
    let pod = "ahx4kq7z2bncv5d8wt9f-n0-0";
    let labels = [
        ("execution-id", "ahx4kq7z2bncv5d8wt9f"),
        ("node-id", "n0"),
        ("task-name", "my-wf-train"),
        ("workflow-name", "my-wf"),
        ("project", "flyte-snacks"),
        ("domain", "development"),
    ];
    let source = with_labels(source(("flyte-snacks-development", pod, pod)), &labels);
    let mut expected = json!({"app": "flyte-task", "component": "task", "namespace": "flyte-snacks-development", "pod": pod,
        "container": pod, "host": "node-7", "execution_id": "ahx4kq7z2bncv5d8wt9f", "node_id": "n0", "task": "my-wf-train",
        "workflow": "my-wf", "project": "flyte-snacks", "domain": "development"});
    assert_eq!(place(&source), expected);

    let environment = [
        ("FLYTE_INTERNAL_EXECUTION_ID", "ahx4kq7z2bncv5d8wt9f"),
        ("FLYTE_INTERNAL_TASK_NAME", "my_wf.train"),
        ("FLYTE_INTERNAL_EXECUTION_WORKFLOW", "flyte-snacks:development:my.Wf:x"),
        ("FLYTE_INTERNAL_EXECUTION_PROJECT", "Flyte-snacks"),
        ("FLYTE_INTERNAL_EXECUTION_DOMAIN", ""),
    ];
    let mut source = with_environment(source, pod, &environment);
    expected["task"] = json!("my_wf.train");
    expected["workflow"] = json!("my.Wf:x");
    expected["project"] = json!("Flyte-snacks");
    assert_eq!(place(&source), expected);

    source.container.as_mut().unwrap().name = "flyte-copilot-uploader".to_owned();
    expected["container"] = json!("flyte-copilot-uploader");
    expected["component"] = json!("copilot");
    assert_eq!(place(&source), expected, "the environment of the pod's other container");
}

#[test]
fn tasks_of_version_2() {
    let pod = "rbxk4kq7z2bncv5d8wt9-a0-0";
    let expected = json!({"app": "flyte-task", "component": "task", "namespace": "flyte", "pod": pod, "container": "x7f2",
        "host": "node-7", "execution_id": "rbxk4kq7z2bncv5d8wt9", "node_id": "a0", "task": "a.B_c", "project": "p", "domain": "d"});
    let short =
        [("run", "rbxk4kq7z2bncv5d8wt9"), ("action", "a0"), ("task-name", "a.B_c"), ("project", "p"), ("domain", "d")];
    let long = [
        ("flyte.org/run", "rbxk4kq7z2bncv5d8wt9"),
        ("flyte.org/action", "a0"),
        ("task-name", "a.B_c"),
        ("flyte.org/project", "p"),
        ("flyte.org/domain", "d"),
    ];
    for labels in [short, long] {
        assert_eq!(place(&with_labels(source(("flyte", pod, "x7f2")), &labels)), expected);
    }
    let environment =
        [("RUN_NAME", "rbxk4kq7z2bncv5d8wt9"), ("ACTION_NAME", "a0"), ("FLYTE_INTERNAL_TASK_NAME", "a.B_c")];
    let labels = [("project", "p"), ("domain", "d")];
    assert_eq!(
        place(&with_environment(with_labels(source(("flyte", pod, "x7f2")), &labels), "x7f2", &environment)),
        expected
    );
}

#[test]
fn what_only_resembles_a_task() {
    let nginx = source(("default", "nginx", "nginx"));
    let labelled = with_labels(nginx.clone(), &[("run", "nginx"), ("project", "p"), ("node-id", "n0")]);
    let expected = json!({"app": "nginx", "component": "nginx", "namespace": "default", "pod": "nginx", "container": "nginx", "host": "node-7"});
    assert_eq!(place(&labelled), expected);
    assert_eq!(place(&with_environment(with_labels(nginx, &[]), "nginx", &[("RUN_NAME", "x")])), expected);
    // With metadata a name proves nothing.
    let named = with_labels(source(("default", "my-db-n0-0", "db")), &[("app", "db")]);
    assert_eq!(place(&named).get("execution_id"), None);
}

#[test]
fn ids_from_the_name_are_marked() {
    let pod = "ahx4kq7z2bncv5d8wt9f-n1-0-driver";
    let expected = json!({"app": "flyte-task", "component": "task", "namespace": "p-d", "pod": pod,
        "container": "spark-kubernetes-driver", "host": "node-0", "execution_id": "ahx4kq7z2bncv5d8wt9f", "node_id": "n1",
        "derived_from": "pod_name"});
    assert_eq!(place(&source(("p-d", pod, "spark-kubernetes-driver"))), expected);
    let claims = r#"{"json":{"exec_id":"other"},"msg":"x","ts":"t","level":"info"}"#;
    let document = document_of(&source(("p-d", pod, "spark-kubernetes-driver")), line(claims));
    assert_eq!(document["execution_id"], "ahx4kq7z2bncv5d8wt9f");
}

#[test]
fn the_single_binary() {
    let expected = |app: &str, component: &str, container: &str, host: &str| json!({"app": app, "component": component, "namespace": "flyte", "pod": "b-0", "container": container, "host": host});
    let flyte = || source(("flyte", "b-0", "flyte"));
    let by_app = with_labels(flyte(), &[("app.kubernetes.io/name", "flyte-binary")]);
    assert_eq!(place(&by_app), expected("flyte-binary", "admin", "flyte", "node-7"));
    assert_eq!(place(&flyte()), expected("flyte", "flyte", "flyte", "node-0"));
    let executor = document_of(&flyte(), line("2026-08-21T12:00:01Z\tINFO\tx"));
    assert_eq!(executor["component"], "propeller");
    let console = with_labels(source(("flyte", "b-0", "console")), &[("app.kubernetes.io/component", "console")]);
    assert_eq!(place(&console), expected("console", "console", "console", "node-7"));
}

#[test]
fn files_of_no_container() {
    assert_eq!(place(&file()), json!({"app": "app.log", "component": "app.log", "host": "node-0"}));
}
