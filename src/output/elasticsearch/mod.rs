//! Elasticsearch and OpenSearch: bulk requests of `create` items with ids of our own, so that a
//! document that is sent twice is shown once.

mod address;
mod aws;
mod body;
mod connection;
mod credentials;
mod data_stream;
mod dots;
mod index;
mod operation;
mod options;
mod prefix;
mod refusal;
mod resend;
mod response;
pub mod search;
mod send;
pub mod setup;
mod shorten;
mod stamp;
mod time_format;

use std::sync::Arc;

pub use connection::Connection;
pub use options::{OPENSEARCH_PLUGIN, PLUGIN, index_pattern};
pub use refusal::words as words_of_refusal;
pub use resend::Resender;
pub use send::{ConnectError, Endpoint, without_credentials};

use self::body::BulkEncoder;
use self::connection::Tls;
use self::credentials::Credentials;
use self::options::Settings;
use self::send::BulkSender;
use super::{Built, Encoder, Encoding, Surroundings};
use crate::config::{Options, Problems};

/// Builds an Elasticsearch or OpenSearch output.
pub fn build(options: &Options<'_>, surroundings: Surroundings, problems: &mut Problems) -> Option<Built> {
    let settings = Arc::new(Settings::new(options, surroundings, problems)?);
    let connection = connection(&settings, options, problems)?;
    if !options.boolean("tls.verify") {
        problems.push(options.warning("tls.verify", "anyone in between can read and change what is sent"));
    }
    let for_encoders = Arc::clone(&settings);
    let encoder = move || Box::new(BulkEncoder::new(Arc::clone(&for_encoders))) as Box<dyn Encoder>;
    Some(Built {
        encoder: Box::new(encoder),
        encoding: settings.gzip.map_or(Encoding::Plain, Encoding::Gzip),
        concurrency: settings.concurrency,
        start_jitter: settings.start_jitter,
        sender: Arc::new(BulkSender::new(settings, connection)),
    })
}

/// The connection to an output's servers.
fn connection(settings: &Settings, options: &Options<'_>, problems: &mut Problems) -> Option<Connection> {
    let (tls, credentials) = (Tls::new(options, problems), Credentials::new(options, problems));
    Connection::new(settings.urls.clone(), tls, options.boolean("net.proxy_env_ignore"), credentials)
        .inspect_err(|error| {
            let key = match error {
                ConnectError::Url { .. } | ConnectError::Client(_) => "Host",
                ConnectError::Certificate { .. } => "tls",
            };
            problems.push(options.problem(key, error.to_string()));
        })
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Class, Environment, instance};
    use crate::output::GzipLevel;

    #[test]
    fn bodies_are_compressed_as_the_options_say() {
        let fast = Encoding::Gzip(GzipLevel::Fast);
        for (key, value, expected) in [
            ("Index", "logs", fast),
            ("Compress", "gzip", fast),
            ("Compress", "Off", Encoding::Plain),
            ("Compress_Level", "Fast", fast),
            ("Compress_Level", "1", Encoding::Gzip(GzipLevel::Zlib(1))),
            ("Compress_Level", "9", Encoding::Gzip(GzipLevel::Zlib(9))),
        ] {
            let environment = Environment::default();
            let (output, mut problems) = instance(Class::Output, &PLUGIN, &[(key, value)], &environment);
            let built = build(&output.options(), Surroundings { flyte: true }, &mut problems).unwrap();
            assert_eq!(built.encoding, expected, "{key} {value}");
        }
        let (_, problems) = instance(Class::Output, &PLUGIN, &[("Compress_Level", "10")], &Environment::default());
        assert!(problems.is_fatal());
    }
}
