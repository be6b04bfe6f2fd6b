//! The options of the kubernetes filter.

use crate::config::{Kind, OptionSpec, Plugin};
use crate::record::field_names::FieldNames;

const RETRIED: &str = "The API server is tried again for as long as it takes.";
const ONCE: &str = "Pods are listed once and watched from then on.";
const ASSOCIATION: &str = "For `Use_Pod_Association`, which is not supported yet.";

const fn text(name: &'static str, doc: &'static str) -> OptionSpec {
    OptionSpec::new(name, Kind::Text, "", doc)
}

const fn switch(name: &'static str, default: &'static str, doc: &'static str) -> OptionSpec {
    OptionSpec::new(name, Kind::Boolean, default, doc)
}

/// The kubernetes filter. Names and defaults are Fluent Bit's; where we differ the text says so.
pub const PLUGIN: Plugin = Plugin {
    name: "kubernetes",
    doc: "Adds what is known of the pod that wrote a record, and splits JSON that the application wrote. What the \
          log's path tells is added even where no metadata is found (Fluent Bit then adds nothing).",
    options: OPTIONS,
};

const OPTIONS: &[OptionSpec] = &[
    switch("Merge_Log", "Off", "Splits the text of `log` into members if it is one JSON object."),
    switch("Keep_Log", "On", "Keeps `log` when its text was split."),
    text("Merge_Log_Key", "Puts what `log` was split into under this key, as one object."),
    switch(
        "Merge_Log_Trim",
        "On",
        "Takes line feeds, and `\\n` and `\\r` spelled as two characters, from the end of the strings that `log` was \
         split into.",
    ),
    text(
        "Merge_Parser",
        "A parser for the text of `log`, in place of JSON. What it does not match stays as it is. Where it tells no \
         time the record keeps its own (Fluent Bit takes the present).",
    ),
    switch("Labels", "On", "Adds the pod's labels."),
    OptionSpec::new(
        "Field_Names",
        Kind::Choice(FieldNames::WORDS),
        "default",
        "`ecs` writes `kubernetes` as Elastic's own shippers do (`kubernetes.pod.name`, `.pod.uid`, `.pod.ip`, \
         `.namespace`, `.node.name`, `.container.name`, `.labels`, `.annotations`), and all of the document by Elastic's \
         Common Schema: see `Field_Names` of the filter `flyte`, which also adds the container's id and image, as \
         `container.id` and `container.image.name` (Fluent Bit has no such option).",
    ),
    switch("Annotations", "On", "Adds the pod's annotations."),
    switch(
        "Owner_References",
        "Off",
        "Adds the pod's owners as `ownerReferences`; with `Field_Names ecs` the name of its controller, if that is a \
         ReplicaSet (`kubernetes.replicaset.name`), Deployment, StatefulSet, DaemonSet, Job or CronJob.",
    ),
    switch(
        "Dedot",
        "On",
        "Writes `_` for each dot in the keys of labels and annotations. With dots (as Fluent Bit writes them), \
         Elasticsearch's dynamic mapping refuses a pod that has both labels `app` and `app.kubernetes.io/name`. Where \
         two keys become the same, the later one gets a number at its end (`_2`).",
    ),
    text(
        "Kube_Meta_Preload_Cache_Dir",
        "A directory of files `<namespace>_<pod>.meta`, each holding a pod as the API server gives it in JSON. A file \
         whose `metadata.uid` is not the one in the log's path is of another pod of that name and is not used. A file \
         that appears later is found within five seconds.",
    ),
    OptionSpec::new(
        "Kube_Meta_Cache_TTL",
        Kind::Time,
        "0",
        "How long metadata is good before it is read again; 0 for as long as the log is followed.",
    ),
    OptionSpec::new(
        "Kube_Tag_Prefix",
        Kind::Text,
        "kube.var.log.containers.",
        "What stands in the tag before the log's file name; only its length counts. The tag is looked at only where \
         the path tells no container.",
    ),
    text(
        "Regex_Parser",
        "A parser for the tag behind `Kube_Tag_Prefix`, in place of path and tag. Its groups `pod_name`, \
         `namespace_name`, `container_name` and `docker_id` count.",
    ),
    switch("Use_Tag_For_Meta", "Off", "Adds only what path or tag tell; no metadata is looked up."),
    OptionSpec::new(
        "Kube_URL",
        Kind::Text,
        "https://kubernetes.default.svc",
        "The API server, `http://` or `https://`; the port is 443 if none is given. If it is not set, the address \
         that Kubernetes puts into each container's environment is taken. Pods are watched where `Kube_Token_File` \
         is there (in a pod it is), and where this leads elsewhere than to the cluster that one is in; else \
         metadata comes from the log's path and `Kube_Meta_Preload_Cache_Dir` alone.",
    ),
    text(
        "Kube_Config",
        "A kubeconfig file whose current context leads to the API server, in place of the other options of this kind. \
         Not one of Fluent Bit's.",
    ),
    text(
        "Node_Name",
        "The node whose pods are watched. By default the environment's `NODE_NAME`, else the one that this process's \
         own pod runs on. Not one of Fluent Bit's.",
    ),
    OptionSpec::new(
        "Metadata_Grace",
        Kind::Time,
        "5",
        "How long a new log waits, from when it is found, until its pod is known. Others go on meanwhile. Then it is \
         read with what its path tells; what is known later is added from the next line on. Not one of Fluent Bit's.",
    ),
    OptionSpec::new(
        "Kube_CA_File",
        Kind::Text,
        "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt",
        "The certificates (PEM) that the API server's is checked by; the system's if the default is not there. Read \
         again at each connection.",
    ),
    text("Kube_CA_Path", "A directory of certificates. Not supported: put them into one `Kube_CA_File`."),
    OptionSpec::new(
        "Kube_Token_File",
        Kind::Text,
        "/var/run/secrets/kubernetes.io/serviceaccount/token",
        "The token for the API server. Read again each minute and at each connection.",
    ),
    text("Kube_Token_Command", "A shell command that prints the token, in place of `Kube_Token_File`."),
    OptionSpec::new(
        "Kube_Token_TTL",
        Kind::Time,
        "10m",
        "How long what `Kube_Token_Command` printed is shown before it is run again, at the end of the request that \
         is under way (a watch takes up to five minutes).",
    ),
    OptionSpec::ignored(
        "Kube_Namespace_File",
        "The namespace is only needed to find the own pod, and stands beside the token then.",
    ),
    OptionSpec::new(
        "Kube_Meta_Namespace_Cache_TTL",
        Kind::Time,
        "15m",
        "How long what is known of a namespace is good before it is read again.",
    ),
    OptionSpec::ignored("Buffer_Size", ONCE),
    switch(
        "Use_Kubelet",
        "Off",
        "Asks the node's kubelet for its pods, every two seconds, in place of watching them at the API server (which one \
         watch costs as little). Needs the right to `get` `nodes/proxy`; certificates, token and `tls.` options are \
         those for the API server. Namespaces are still asked of that.",
    ),
    OptionSpec::new("Kubelet_Host", Kind::Text, "127.0.0.1", "The kubelet's host; it needs the host's network."),
    OptionSpec::new("Kubelet_Port", Kind::Port, "10250", "The kubelet's port, for HTTPS."),
    OptionSpec::ignored("DNS_Retries", RETRIED),
    OptionSpec::ignored("DNS_Wait_Time", RETRIED),
    OptionSpec::ignored("Cache_Use_Docker_Id", "Metadata is always looked up for each log of its own."),
    OptionSpec::ignored("tls.debug", "What goes wrong is always told."),
    switch("tls.verify", "On", "Checks the API server's certificate."),
    text("tls.vhost", "The name that the API server's certificate must have, if it is not the one in `Kube_URL`."),
    OptionSpec::ignored("tls.verify_hostname", "The name is always checked where the certificate is."),
    switch(
        "Namespace_Labels",
        "Off",
        "Adds the namespace's labels, as `kubernetes_namespace`. Needs the right to `get` namespaces.",
    ),
    switch("Namespace_Annotations", "Off", "Adds the namespace's annotations, as `kubernetes_namespace`."),
    switch("Namespace_Metadata_Only", "Off", "Adds `kubernetes_namespace`, and not `kubernetes`."),
    switch(
        "K8S-Logging.Parser",
        "Off",
        "Lets pods choose the parser of their `log` (with `Merge_Log`) by the annotation `fluentbit.io/parser[_<stream>][-<container>]`.",
    ),
    switch(
        "K8S-Logging.Exclude",
        "Off",
        "Lets pods exclude their logs by the annotation `fluentbit.io/exclude[_<stream>][-<container>]`. A log that is \
         excluded as a whole when it is found is not opened; when the annotation goes it is read from where it ends \
         then. While nobody knows the pod (any more) it stays excluded; with the tail's `DB` also after a restart.",
    ),
    switch(
        "Use_Journal",
        "Off",
        "Takes the pod from journald's `CONTAINER_NAME`. Not supported: there is no input that reads the journal.",
    ),
    switch(
        "Dummy_Meta",
        "Off",
        "Adds `kubernetes: {dummy: <local time>}` in place of metadata, and asks nobody for any: to try a configuration \
         where there is no cluster.",
    ),
    switch("Use_Pod_Association", "Off", "Adds entities of Amazon EKS. Not supported yet."),
    switch("aws_use_pod_association", "Off", "Another name of `Use_Pod_Association`."),
    text("aws_pod_association_host", ASSOCIATION),
    text("aws_pod_association_endpoint", ASSOCIATION),
    text("aws_pod_association_port", ASSOCIATION),
    text("aws_pod_association_host_server_ca_file", ASSOCIATION),
    text("aws_pod_association_host_client_cert_file", ASSOCIATION),
    text("aws_pod_association_host_client_key_file", ASSOCIATION),
    text("aws_pod_association_host_tls_debug", ASSOCIATION),
    text("aws_pod_association_host_tls_verify", ASSOCIATION),
    text("aws_pod_service_map_ttl", ASSOCIATION),
    text("aws_pod_service_map_refresh_interval", ASSOCIATION),
    text("aws_pod_service_preload_cache_dir", ASSOCIATION),
    text("set_platform", ASSOCIATION),
];
