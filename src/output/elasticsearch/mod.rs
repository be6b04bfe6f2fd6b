//! Elasticsearch and OpenSearch: bulk requests of `create` items with ids of our own, so that a
//! document that is sent twice is shown once.

mod body;
mod index;
mod options;
mod resend;
mod response;
mod send;
pub mod setup;

use std::sync::Arc;

use elasticsearch::http::transport::Transport;

pub use options::{OPENSEARCH_PLUGIN, PLUGIN};
pub use resend::Resender;
pub use send::{ConnectError, Endpoint, connect, without_credentials};

use self::body::BulkEncoder;
use self::options::Settings;
use self::send::BulkSender;
use super::{Built, Encoder, Encoding, Surroundings};
use crate::config::{Options, Problems};

/// Builds an Elasticsearch or OpenSearch output.
pub fn build(options: &Options<'_>, surroundings: Surroundings, problems: &mut Problems) -> Option<Built> {
    let settings = Arc::new(Settings::new(options, surroundings, problems)?);
    let transport = transport(&settings, options, problems)?;
    if !settings.verify {
        problems.push(options.warning("tls.verify", "anyone in between can read and change what is sent"));
    }
    let for_encoders = Arc::clone(&settings);
    let encoder = move || Box::new(BulkEncoder::new(Arc::clone(&for_encoders))) as Box<dyn Encoder>;
    Some(Built {
        encoder: Box::new(encoder),
        encoding: settings.gzip.map_or(Encoding::Plain, Encoding::Gzip),
        concurrency: settings.concurrency,
        sender: Arc::new(BulkSender::new(settings, transport)),
    })
}

/// A transport to an output's server.
fn transport(settings: &Settings, options: &Options<'_>, problems: &mut Problems) -> Option<Transport> {
    let user = settings.user.as_ref().map(|(user, password)| (user.as_str(), password.0.as_str()));
    let ca_file = settings.ca_file.as_deref();
    connect(&Endpoint { url: &settings.url, user, verify: settings.verify, ca_file })
        .inspect_err(|error| problems.push(options.problem("Host", error.to_string())))
        .ok()
}
