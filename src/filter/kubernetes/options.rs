//! The options of the kubernetes filter.

use crate::config::{Kind, OptionSpec, Plugin};

const API: &str = "For the client of the API server, which is not built yet: metadata comes from the log's path and \
    from `Kube_Meta_Preload_Cache_Dir`. Accepted, so that configurations need no change.";
const TLS: &str = "For TLS with the API server, which is not asked yet.";
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
    text("Merge_Parser", "A parser for the text of `log`. Not supported yet."),
    switch("Labels", "On", "Adds the pod's labels."),
    switch("Annotations", "On", "Adds the pod's annotations."),
    switch("Owner_References", "Off", "Adds the pod's owners as `ownerReferences`."),
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
    text("Regex_Parser", "A parser for the tag. Not supported yet."),
    switch("Use_Tag_For_Meta", "Off", "Adds only what path or tag tell; no metadata is looked up."),
    text("Kube_URL", API),
    text("Kube_CA_File", API),
    text("Kube_CA_Path", API),
    text("Kube_Token_File", API),
    text("Kube_Token_Command", API),
    OptionSpec::new("Kube_Token_TTL", Kind::Time, "10m", API),
    text("Kube_Namespace_File", API),
    OptionSpec::new("Kube_Meta_Namespace_Cache_TTL", Kind::Time, "15m", API),
    OptionSpec::new("Buffer_Size", Kind::Size, "32K", API),
    switch("Use_Kubelet", "Off", API),
    text("Kubelet_Host", API),
    OptionSpec::new("Kubelet_Port", Kind::Port, "10250", API),
    OptionSpec::new("DNS_Retries", Kind::Integer, "6", API),
    OptionSpec::new("DNS_Wait_Time", Kind::Time, "30", API),
    switch("Cache_Use_Docker_Id", "Off", "Metadata is always looked up for each log of its own."),
    OptionSpec::new("tls.debug", Kind::Integer, "0", TLS),
    switch("tls.verify", "On", TLS),
    text("tls.vhost", TLS),
    switch("tls.verify_hostname", "Off", TLS),
    switch("Namespace_Labels", "Off", "Adds the namespace's labels. Not supported yet."),
    switch("Namespace_Annotations", "Off", "Adds the namespace's annotations. Not supported yet."),
    switch("Namespace_Metadata_Only", "Off", "Leaves out the pod's metadata. Not supported yet."),
    switch("K8S-Logging.Parser", "Off", "Lets pods choose their parser by an annotation. Not supported yet."),
    switch("K8S-Logging.Exclude", "Off", "Lets pods exclude their logs by an annotation. Not supported yet."),
    switch("Use_Journal", "Off", "Takes the pod from journald's `CONTAINER_NAME`. Not supported yet."),
    switch("Dummy_Meta", "Off", "Adds invented metadata. Not supported."),
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
