//! The `kubernetes` object, rendered once for a source.

use bumpalo::Bump;
use serde::Deserialize;

use super::Settings;
use crate::kubernetes::Namespace;
use crate::record::escape::write_string;
use crate::record::{Container, PodMetadata, json};

/// Renders what path and metadata tell, in Fluent Bit's order of keys. What is not known is left
/// out.
pub(super) fn object(container: &Container, pod: Option<&PodMetadata>, settings: &Settings) -> Vec<u8> {
    let status = pod.and_then(|pod| pod.container(&container.name));
    let uid = pod.map(|pod| pod.uid.as_str()).filter(|uid| !uid.is_empty()).or(container.pod_uid.as_deref());
    let id = container.id.as_deref().or(status.and_then(|status| status.id.as_deref()));
    if settings.fields.is_ecs() {
        return ecs_object(container, pod, uid, settings);
    }
    let mut object = Object { out: vec![b'{'] };
    object.text("pod_name", Some(&container.pod));
    object.text("namespace_name", Some(&container.namespace));
    object.text("pod_id", uid);
    if let Some(pod) = pod {
        object.pairs("labels", &pod.labels, settings.labels, settings.dedot);
        object.pairs("annotations", &pod.annotations, settings.annotations, settings.dedot);
        if let Some(owners) = pod.owner_references.as_ref().filter(|_| settings.owner_references) {
            object.key("ownerReferences");
            object.out.extend_from_slice(owners.as_bytes());
        }
        object.text("host", pod.node.as_deref());
        object.text("pod_ip", pod.ip.as_deref());
    }
    object.text("container_name", Some(&container.name));
    object.text("docker_id", id);
    object.text("container_hash", status.and_then(|status| status.image_hash.as_deref()));
    object.text("container_image", status.and_then(|status| status.image.as_deref()));
    object.out.push(b'}');
    object.out
}

/// The same as Elastic's shippers have it. The container's id and image are fields of ECS itself, which the Flyte filter
/// adds.
fn ecs_object(container: &Container, pod: Option<&PodMetadata>, uid: Option<&str>, settings: &Settings) -> Vec<u8> {
    let mut object = Object { out: vec![b'{'] };
    object.text("namespace", Some(&container.namespace));
    object.begin("pod");
    object.text("name", Some(&container.pod));
    object.text("uid", uid);
    object.text("ip", pod.and_then(|pod| pod.ip.as_deref()));
    object.end();
    object.begin("container");
    object.text("name", Some(&container.name));
    object.end();
    if let Some(pod) = pod {
        if pod.node.is_some() {
            object.begin("node");
            object.text("name", pod.node.as_deref());
            object.end();
        }
        if let Some(owner) = pod.owner_references.as_deref().filter(|_| settings.owner_references).and_then(controller)
        {
            object.begin(&owner.kind.to_ascii_lowercase());
            object.text("name", Some(&owner.name));
            object.end();
        }
        object.pairs("labels", &pod.labels, settings.labels, settings.dedot);
        object.pairs("annotations", &pod.annotations, settings.annotations, settings.dedot);
    }
    object.end();
    object.out
}

/// One of a pod's `ownerReferences`.
#[derive(Deserialize)]
struct Owner {
    kind: String,
    name: String,
    #[serde(default)]
    controller: bool,
}

/// The pod's controller, if it is of a kind that Elastic's shippers have a field for.
fn controller(owners: &str) -> Option<Owner> {
    const KINDS: [&str; 6] = ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob"];
    let owners: Vec<Owner> = serde_json::from_str(owners).ok()?;
    owners.into_iter().find(|owner| owner.controller && KINDS.contains(&owner.kind.as_str()))
}

/// Renders what `Dummy_Meta` makes up: the time as C's `asctime` writes it.
pub(super) fn dummy(now: &jiff::Zoned) -> Vec<u8> {
    let mut object = Object { out: vec![b'{'] };
    object.text("dummy", Some(&now.strftime("%a %b %e %H:%M:%S %Y").to_string()));
    object.out.push(b'}');
    object.out
}

/// Renders what is known of a namespace, in Fluent Bit's order of keys.
pub(super) fn namespace(name: &str, namespace: &Namespace, settings: &Settings) -> Vec<u8> {
    let mut object = Object { out: vec![b'{'] };
    object.text("name", Some(name));
    object.pairs("labels", &namespace.labels, settings.namespace_labels, settings.dedot);
    object.pairs("annotations", &namespace.annotations, settings.namespace_annotations, settings.dedot);
    object.out.push(b'}');
    object.out
}

struct Object {
    out: Vec<u8>,
}

impl Object {
    fn key(&mut self, key: &str) {
        if self.out.last() != Some(&b'{') {
            self.out.push(b',');
        }
        write_string(&mut self.out, key.as_bytes());
        self.out.push(b':');
    }

    fn begin(&mut self, key: &str) {
        self.key(key);
        self.out.push(b'{');
    }

    fn end(&mut self) {
        self.out.push(b'}');
    }

    fn text(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.key(key);
            write_string(&mut self.out, text.as_bytes());
        }
    }

    fn pairs(&mut self, key: &str, pairs: &[(String, String)], wanted: bool, dedot: bool) {
        if !wanted || pairs.is_empty() {
            return;
        }
        self.key(key);
        self.out.push(b'{');
        for (key, (_, text)) in keys(pairs, dedot).iter().zip(pairs) {
            if self.out.last() != Some(&b'{') {
                self.out.push(b',');
            }
            self.out.extend_from_slice(&[b"\"", key.as_slice(), b"\":"].concat());
            write_string(&mut self.out, text.as_bytes());
        }
        self.out.push(b'}');
    }
}

/// The keys of `pairs` as JSON text, no two the same: of those that become the same the later ones
/// get a number.
fn keys(pairs: &[(String, String)], dedot: bool) -> Vec<Vec<u8>> {
    let arena = Bump::new();
    let written = |key: &str| json::sound_key(key.as_bytes(), &arena).to_vec();
    let mut keys: Vec<Vec<u8>> = Vec::with_capacity(pairs.len());
    for (key, _) in pairs {
        let wanted = if dedot { key.replace('.', "_") } else { key.clone() };
        let mut key = written(&wanted);
        let mut number = 2;
        while keys.contains(&key) {
            key = written(&format!("{wanted}_{number}"));
            number += 1;
        }
        keys.push(key);
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_become_the_same_get_numbers() {
        let shown = |names: &[&str], dedot| -> Vec<String> {
            let pairs: Vec<_> = names.iter().map(|name| ((*name).to_owned(), String::new())).collect();
            keys(&pairs, dedot).into_iter().map(|key| String::from_utf8(key).unwrap()).collect()
        };
        assert_eq!(shown(&["a.b", "a_b", "a_b_2", "a.b.c"], true), ["a_b", "a_b_2", "a_b_2_2", "a_b_c"]);
        assert_eq!(shown(&["a.b", "a_b", "a\"b"], false), ["a.b", "a_b", "a\\\"b"]);
    }
}
