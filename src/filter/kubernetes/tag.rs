//! The container that a tag tells.

use bumpalo::Bump;

use crate::filter::TextParser;
use crate::record::{Container, Timestamp};

/// Digits of a container id at the end of a log's file name.
const ID_LENGTH: usize = 64;

/// Reads `<prefix><pod>_<namespace>_<container>-<id>.log`, as the tail input makes tags of the
/// files in `/var/log/containers`. The prefix is cut off by its length alone; what stands before
/// the pod's name behind it is passed over.
pub(super) fn container(tag: &str, prefix_length: usize) -> Option<Container> {
    let name = tag.get(prefix_length..)?.strip_suffix(".log")?;
    let (name, id) = name.split_at_checked(name.len().checked_sub(ID_LENGTH)?)?;
    let is_id = id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let mut parts = name.strip_suffix('-').filter(|_| is_id)?.splitn(3, '_');
    let (pod, namespace, container) = (parts.next()?, parts.next()?, parts.next()?);
    let pod = pod.char_indices().map(|(at, _)| &pod[at..]).find(|pod| is_pod_name(pod))?;
    // Names become parts of paths.
    let is_name = |name: &str| !name.is_empty() && !name.contains('/');
    (is_name(namespace) && is_name(container)).then(|| Container {
        namespace: namespace.to_owned(),
        pod: pod.to_owned(),
        name: container.to_owned(),
        pod_uid: None,
        id: Some(id.to_owned()),
        restart: None,
    })
}

/// Reads the tag behind its prefix with the user's parser, whose groups `pod_name`, `namespace_name`,
/// `container_name` and `docker_id` count. The path tells more of the same pod.
pub(super) fn parsed(
    tag: &str,
    prefix_length: usize,
    parser: &dyn TextParser,
    of_path: Option<&Container>,
) -> Option<Container> {
    let arena = Bump::new();
    let mut members = Vec::new();
    parser.parse(tag.get(prefix_length..)?.as_bytes(), &arena, Timestamp::now(), &mut members)?;
    let told = |key: &str| {
        let member = members.iter().find(|member| member.key == key.as_bytes())?;
        let text = std::str::from_utf8(member.value.as_text(&arena)?).ok()?;
        // Names become parts of paths.
        (!text.is_empty() && !text.contains('/')).then(|| text.to_owned())
    };
    let (namespace, pod) = (told("namespace_name")?, told("pod_name")?);
    let same = of_path.filter(|container| container.namespace == namespace && container.pod == pod);
    Some(Container {
        name: told("container_name").or_else(|| same.map(|same| same.name.clone())).unwrap_or_default(),
        id: told("docker_id").or_else(|| same?.id.clone()),
        pod_uid: same.and_then(|same| same.pod_uid.clone()),
        restart: same.and_then(|same| same.restart),
        namespace,
        pod,
    })
}

/// A DNS subdomain (RFC 1123), as Kubernetes wants pod names to be.
fn is_pod_name(name: &str) -> bool {
    name.split('.').all(|label| {
        let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && label.bytes().all(is_inner)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREFIX: usize = "kube.var.log.containers.".len();

    fn told(tag: &str) -> Option<String> {
        let container = container(&tag.replace("<id>", &"0a".repeat(32)), PREFIX)?;
        assert_eq!(container.id.as_deref(), Some("0a".repeat(32).as_str()));
        Some(format!("{} {} {}", container.namespace, container.pod, container.name))
    }

    #[test]
    fn tags_of_container_logs() {
        for (tag, expected) in [
            ("kube.var.log.containers.web-0_shop_nginx-<id>.log", Some("shop web-0 nginx")),
            ("kube.var.log.containers.a.b-c_flyte_my-app-<id>.log", Some("flyte a.b-c my-app")),
            ("kube.var.log.containers..x.web_shop_c_d-<id>.log", Some("shop x.web c_d")),
            ("kube.xxx.log.containers.Xweb_shop_c-<id>.log", Some("shop web c")),
            ("kube.var.log.containers.web_shop_c-<id>", None),
            ("kube.var.log.containers.web_shop-<id>.log", None),
            ("kube.var.log.containers.WEB_shop_c-<id>.log", None),
            ("kube.var.log.containers.web_.._/c-<id>.log", None),
            ("kube.var.log.containers.web_shop_c-<id>f.log", None),
            ("kube.var.log.containers.", None),
            ("kube.short", None),
        ] {
            assert_eq!(told(tag).as_deref(), expected, "{tag}");
        }
    }
}
