//! The connection of an output to its servers: which host is asked next, what is shown to be let in,
//! and certificates that are read again when they change.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use elasticsearch::http::Method;
use elasticsearch::http::headers::{AUTHORIZATION, HeaderMap};
use elasticsearch::http::transport::Transport;

use super::aws::{Aws, SignedRequest};
use super::credentials::Credentials;
use super::send::{ConnectError, Endpoint, answer, connect, without_credentials};
use super::stamp::Stamp;
use crate::config::{Options, Problems};
use crate::telemetry::Throttle;

/// How long a host that could not be reached is left out while there are others.
const LEFT_OUT: Duration = Duration::from_secs(30);
/// How long a request may take by which a host that was left out is tried, while there are others: one that swallows
/// what is sent to it takes all of it, from a place on the wire that the others could use.
const TRIED: Duration = Duration::from_secs(30);

/// TLS, as the options of every output say it.
#[derive(Debug, Default)]
pub(super) struct Tls {
    pub(super) verify: bool,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) ca_path: Option<PathBuf>,
    /// This client's certificate and its key.
    pub(super) identity: Option<(PathBuf, PathBuf)>,
}

impl Tls {
    pub(super) fn new(options: &Options<'_>, problems: &mut Problems) -> Self {
        for (key, advice) in [
            ("tls.vhost", "Host has to be the name in the server's certificate"),
            ("tls.key_passwd", "decrypt the key (openssl pkey) and guard the file"),
        ] {
            if options.is_set(key) {
                problems.push(options.problem(key, format!("{key} is not supported yet: {advice}")));
            }
        }
        let path = |key: &str| options.text(key).map(PathBuf::from);
        let identity = match (path("tls.crt_file"), path("tls.key_file")) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (certificate, _) => {
                let (key, other) = if certificate.is_some() {
                    ("tls.crt_file", "tls.key_file")
                } else {
                    ("tls.key_file", "tls.crt_file")
                };
                problems.push(options.problem(key, format!("{key} needs {other}, too")));
                None
            }
        };
        let verify = options.boolean("tls.verify");
        Self { verify, ca_file: path("tls.ca_file"), ca_path: path("tls.ca_path"), identity }
    }

    /// Every file that a transport is made of.
    fn files(&self) -> impl Iterator<Item = &Path> {
        let identity = self.identity.iter().flat_map(|(certificate, key)| [certificate, key]);
        self.ca_file.iter().chain(&self.ca_path).chain(identity).map(PathBuf::as_path)
    }

    fn stamps(&self) -> Vec<Option<Stamp>> {
        self.files().map(|file| Stamp::of(file).ok()).collect()
    }
}

/// The servers of one output, or one server that someone named.
#[derive(Debug)]
pub struct Connection {
    urls: Vec<String>,
    tls: Tls,
    /// No proxy stands between, whatever the environment says.
    is_direct: bool,
    credentials: Credentials,
    state: Mutex<State>,
    /// Bounds what is logged of hosts that come and go.
    comings_and_goings: Throttle,
}

#[derive(Debug)]
struct State {
    /// One of each host.
    transports: Vec<Transport>,
    /// The state of the files that they were made of.
    stamps: Vec<Option<Stamp>>,
    /// The hosts that are left out.
    left_out: Vec<Option<LeftOut>>,
    /// The host whose turn it is.
    next: usize,
}

#[derive(Debug, Clone, Copy)]
struct LeftOut {
    until: Instant,
    /// It was logged, so that the end of it is to be logged, too.
    is_told: bool,
}

/// Where a request goes.
struct Chosen {
    host: usize,
    transport: Transport,
    /// How long it may take, unless as long as any.
    timeout: Option<Duration>,
}

impl Connection {
    /// To hosts given by scheme, name and port. Nothing is connected yet.
    ///
    /// # Errors
    /// If an address or the certificates cannot be used.
    pub(super) fn new(
        urls: Vec<String>,
        tls: Tls,
        is_direct: bool,
        credentials: Credentials,
    ) -> Result<Self, ConnectError> {
        let stamps = tls.stamps();
        let transports = transports(&urls, &tls, is_direct)?;
        Ok(Self { is_direct, ..Self::over(urls, transports, tls, credentials, stamps) })
    }

    /// To one server that someone named on a command line.
    ///
    /// # Errors
    /// If the address or the certificates cannot be used.
    pub fn to(endpoint: &Endpoint<'_>) -> Result<Self, ConnectError> {
        let transports = vec![connect(endpoint)?];
        let aws = endpoint.aws.map(|(region, service)| Credentials::Aws(Box::new(Aws::to(region, service))));
        let urls = vec![endpoint.url.to_owned()];
        Ok(Self::over(urls, transports, Tls::default(), aws.unwrap_or_default(), Vec::new()))
    }

    fn over(
        urls: Vec<String>,
        transports: Vec<Transport>,
        tls: Tls,
        credentials: Credentials,
        stamps: Vec<Option<Stamp>>,
    ) -> Self {
        let left_out = vec![None; urls.len()];
        // Shippers that start together do not all begin with the same host.
        let next = fastrand::usize(..urls.len().max(1));
        let state = Mutex::new(State { transports, stamps, left_out, next });
        Self { urls, tls, is_direct: false, credentials, state, comings_and_goings: Throttle::default() }
    }

    /// How many hosts there are.
    pub(super) fn hosts(&self) -> usize {
        self.urls.len()
    }

    /// Sends a request to the next host, or to those after it as long as none can be reached. The error
    /// says why there is no answer.
    ///
    /// # Errors
    /// If no host can be reached, or there is nothing to be let in with.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        mut headers: HeaderMap,
        query: &[(&'static str, String)],
        body: Option<Bytes>,
    ) -> Result<(u16, Bytes), String> {
        if let Some(value) = self.credentials.header().map_err(|error| error.to_string())? {
            headers.insert(AUTHORIZATION, value);
        }
        let mut reason = String::new();
        for _ in 0..self.urls.len() {
            let Chosen { host, transport, timeout } = self.choose(Instant::now());
            let headers = headers.clone();
            let sent = match self.credentials.signer() {
                None => transport.send(method, path, headers, Some(query), body.clone(), timeout).await,
                Some(aws) => {
                    let bytes = body.as_deref().unwrap_or_default();
                    let signed = aws.sign(&self.urls[host], method, path, headers, query, bytes).await;
                    let SignedRequest { target, headers } = signed.map_err(|error| error.to_string())?;
                    transport.send(method, &target, headers, None::<&()>, body.clone(), timeout).await
                }
            };
            match answer(sent).await {
                Ok((status, body)) => {
                    if let Some(aws) = self.credentials.signer().filter(|_| matches!(status, 401 | 403)) {
                        aws.refused().await;
                    }
                    // One that is busy or has no master is not asked next, where there are others.
                    if matches!(status, 429 | 502..=504) {
                        self.leave_out(host, &format!("status {status}"));
                    } else {
                        self.take_back(host);
                    }
                    return Ok((status, body));
                }
                Err(error) => {
                    self.leave_out(host, &error);
                    reason = if self.urls.len() > 1 { format!("{}: {error}", self.urls[host]) } else { error };
                }
            }
        }
        Err(reason)
    }

    /// The host to ask: the next in turn that is not left out, or else the one that was left out first. One that was
    /// left out is tried by a single request: those that follow would wait for it in vain, too.
    fn choose(&self, now: Instant) -> Chosen {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.renew(&mut state);
        let hosts = state.transports.len();
        let in_turn = (0..hosts).map(|ahead| (state.next + ahead) % hosts);
        let is_left_out =
            |host: &usize| state.left_out[*host].map(|left_out| left_out.until).filter(|until| *until > now);
        let host = in_turn.min_by_key(|host| is_left_out(host)).unwrap_or_default();
        // Where all are busy a request needs its whole time: cut short, it would be sent again to hosts busy with it.
        let is_another_free = (0..hosts).any(|other| other != host && is_left_out(&other).is_none());
        state.next = (host + 1) % hosts;
        let mut timeout = None;
        if let Some(left_out) = state.left_out[host].as_mut() {
            left_out.until = left_out.until.max(now + TRIED);
            timeout = is_another_free.then_some(TRIED);
        }
        Chosen { host, transport: state.transports[host].clone(), timeout }
    }

    /// Leaves a host out for a while. One that was tried again in vain was told of before.
    fn leave_out(&self, host: usize, reason: &str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let until = Instant::now() + LEFT_OUT;
        let is_told = match state.left_out[host] {
            Some(before) => before.is_told,
            None => self.urls.len() > 1 && self.comings_and_goings.allows(),
        };
        if is_told && state.left_out[host].is_none() {
            let host = without_credentials(&self.urls[host]);
            tracing::warn!(host, reason, "a host is left out until it answers");
        }
        state.left_out[host] = Some(LeftOut { until, is_told });
    }

    fn take_back(&self, host: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.left_out[host].take().is_some_and(|left_out| left_out.is_told) {
            tracing::info!(host = without_credentials(&self.urls[host]), "a host that was left out is back");
        }
    }

    /// Makes the transports anew when the certificates have changed. Where they cannot be used, the
    /// old ones stay.
    fn renew(&self, state: &mut State) {
        let stamps = self.tls.stamps();
        if stamps == state.stamps {
            return;
        }
        match transports(&self.urls, &self.tls, self.is_direct) {
            Ok(transports) => {
                state.transports = transports;
                tracing::info!("certificates were read again, as they have changed");
            }
            Err(error) => tracing::error!(%error, "certificates have changed and cannot be used: the old ones stay"),
        }
        state.stamps = stamps;
    }
}

fn transports(urls: &[String], tls: &Tls, is_direct: bool) -> Result<Vec<Transport>, ConnectError> {
    let to = |url: &String| {
        connect(&Endpoint {
            url,
            verify: tls.verify,
            ca_file: tls.ca_file.as_deref(),
            ca_path: tls.ca_path.as_deref(),
            identity: tls.identity.as_ref().map(|(certificate, key)| (certificate.as_path(), key.as_path())),
            is_direct,
            ..Endpoint::default()
        })
    };
    urls.iter().map(to).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(hosts: usize) -> Connection {
        let urls = (1..=hosts).map(|port| format!("http://127.0.0.1:{port}")).collect();
        Connection::new(urls, Tls::default(), true, Credentials::None).unwrap()
    }

    #[test]
    fn hosts_take_turns_and_one_that_fails_is_left_out_for_a_while() {
        let connection = connection(3);
        let now = Instant::now();
        let chosen = |now| connection.choose(now).host;
        let first = chosen(now);
        assert_eq!([chosen(now), chosen(now), chosen(now)].map(|host| (host + 3 - first) % 3), [1, 2, 0]);
        let failed = chosen(now);
        connection.leave_out(failed, "refused");
        let later = now + LEFT_OUT / 2;
        assert!((0..6).all(|_| chosen(later) != failed));
        connection.take_back(failed);
        assert!((0..3).any(|_| chosen(later) == failed), "back at once when it answers");
        connection.leave_out(failed, "refused");
        let after = Instant::now() + LEFT_OUT * 2;
        let (tried, others): (Vec<_>, Vec<_>) =
            (0..6).map(|_| connection.choose(after)).partition(|chosen| chosen.host == failed);
        assert_eq!(tried.len(), 1, "tried again later, by one request");
        assert_eq!((tried[0].timeout, others[0].timeout), (Some(TRIED), None));
    }

    #[test]
    fn the_one_that_failed_first_is_asked_when_all_fail() {
        let connection = connection(2);
        connection.leave_out(1, "refused");
        connection.leave_out(0, "refused");
        assert_eq!(connection.choose(Instant::now()).host, 1);
    }

    #[test]
    fn a_bulk_has_its_whole_time_when_all_hosts_are_left_out() {
        let connection = connection(2);
        connection.leave_out(0, "status 429");
        connection.leave_out(1, "status 429");
        let timeouts = |now: Instant| [(); 4].map(|()| connection.choose(now).timeout);
        assert_eq!(timeouts(Instant::now()), [None; 4]);
        connection.take_back(0);
        assert!(timeouts(Instant::now() + LEFT_OUT * 2).contains(&Some(TRIED)), "one of them is free");
    }
}
