//! Where the servers are.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::config::{Options, Problems};

/// Port of a deployment in Elastic's cloud whose identifier names none.
const CLOUD_PORT: u16 = 443;

/// The address of each server, as scheme, host and port.
pub(super) fn urls(options: &Options<'_>, problems: &mut Problems) -> Vec<String> {
    let scheme = if options.boolean("tls") { "https" } else { "http" };
    if let Some(id) = options.text("Cloud_ID") {
        match cloud(id) {
            Some((host, port)) => return vec![format!("{scheme}://{host}:{port}")],
            None => problems.push(
                options.problem("Cloud_ID", "is none: it has to be name:BASE64, as the cloud's console shows it"),
            ),
        }
    }
    let port = options.port("Port").unwrap_or(9200);
    let hosts: Vec<_> = options.list("Host").into_iter().map(|host| host_and_port(host, port)).collect();
    if hosts.is_empty() {
        problems.push(options.problem("Host", "names no server: write a name, or several with commas between them"));
    }
    hosts.iter().map(|host| format!("{scheme}://{host}")).collect()
}

/// An address of version 6 may stand without brackets, and has no port of its own then.
fn host_and_port(host: &str, port: u16) -> String {
    let has_port = host
        .rsplit_once(':')
        .is_some_and(|(name, number)| (!name.contains(':') || name.ends_with(']')) && number.parse::<u16>().is_ok());
    match (has_port, host.contains(':') && !host.starts_with('[')) {
        (true, _) => host.to_owned(),
        (false, true) => format!("[{host}]:{port}"),
        (false, false) => format!("{host}:{port}"),
    }
}

/// Host and port in an identifier of Elastic's cloud: `name:`, then in Base64 a domain with or without
/// a port, `$`, and the deployment's first label with or without a port of its own.
fn cloud(id: &str) -> Option<(String, u16)> {
    let (_, encoded) = id.rsplit_once(':')?;
    let text = String::from_utf8(BASE64.decode(encoded.trim()).ok()?).ok()?;
    let mut parts = text.split('$');
    let (domain, domain_port) = with_port(parts.next()?)?;
    let (label, label_port) = with_port(parts.next()?)?;
    let is_name = !domain.is_empty() && !label.is_empty();
    is_name.then(|| (format!("{label}.{domain}"), label_port.or(domain_port).unwrap_or(CLOUD_PORT)))
}

fn with_port(text: &str) -> Option<(&str, Option<u16>)> {
    match text.split_once(':') {
        Some((name, port)) => Some((name, Some(port.parse().ok()?))),
        None => Some((text, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Class, Environment, instance};
    use crate::output::elasticsearch::PLUGIN;

    #[test]
    fn a_list_without_a_host_is_an_error() {
        for (host, is_valid) in [("es-1, es-2:9201", true), (",", false)] {
            let environment = Environment::default();
            let (output, mut problems) = instance(Class::Output, &PLUGIN, &[("Host", host)], &environment);
            let urls = urls(&output.options(), &mut problems);
            assert_eq!((problems.is_fatal(), urls.is_empty()), (!is_valid, !is_valid), "{host}");
        }
    }

    #[test]
    fn hosts_may_name_a_port() {
        for (host, expected) in [
            ("es", "es:9200"),
            ("es:9201", "es:9201"),
            ("10.0.0.1", "10.0.0.1:9200"),
            ("::1", "[::1]:9200"),
            ("[::1]", "[::1]:9200"),
            ("[::1]:9201", "[::1]:9201"),
        ] {
            assert_eq!(host_and_port(host, 9200), expected);
        }
    }

    #[test]
    fn the_clouds_identifier_holds_the_host() {
        let id = |text: &str| format!("logs:{}", BASE64.encode(text));
        for (text, host, port) in [
            ("eu-west-1.aws.found.io$abc$def", "abc.eu-west-1.aws.found.io", 443),
            ("example.org:9243$abc$def", "abc.example.org", 9243),
            ("example.org:9243$abc:9244", "abc.example.org", 9244),
        ] {
            assert_eq!(cloud(&id(text)), Some((host.to_owned(), port)), "{text}");
        }
        for broken in ["", "logs", "logs:", "logs:?", &id("example.org"), &id("example.org:x$abc"), &id("$abc")] {
            assert_eq!(cloud(broken), None, "{broken}");
        }
    }
}
