//! Amazon's services: requests are signed with keys that are lent for hours and renewed in time.

mod cache;
mod endpoint;
mod error;
mod keys;
mod profile;
mod signature;
mod source;
mod sts;

use elasticsearch::http::headers::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use elasticsearch::http::{Method, Url};
use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

use self::cache::Cache;
use self::endpoint::Signing;
pub(super) use self::error::AwsError;
use self::signature::{Parts, Scope, authorization, hash, query};
use self::source::Source;
use self::sts::{Role, Sts};
use crate::config::{Options, Problems};

/// Signs the requests of an output.
#[derive(Debug)]
pub(super) struct Aws {
    region: String,
    service: String,
    cache: Cache,
}

/// A request as it has to be sent: what is signed is what is on the wire, to the last sign.
pub(super) struct SignedRequest {
    /// Path and query.
    pub(super) target: String,
    /// All headers.
    pub(super) headers: HeaderMap,
}

impl Aws {
    /// As the options and the environment say, if `AWS_Auth` is on.
    pub(super) fn of(options: &Options<'_>, problems: &mut Problems) -> Option<Self> {
        if !options.boolean("AWS_Auth") {
            return None;
        }
        let region = options.text("AWS_Region").map(str::to_owned);
        let region = region.or_else(|| variable("AWS_REGION")).or_else(|| variable("AWS_DEFAULT_REGION"));
        if region.is_none() {
            let message = "AWS_Auth needs an AWS_Region (or the variable AWS_REGION), such as eu-central-1";
            problems.push(options.problem("AWS_Auth", message));
        }
        for key in ["HTTP_User", "HTTP_API_Key", "HTTP_API_Key_File", "HTTP_Bearer_Token", "HTTP_Bearer_Token_File"] {
            if options.is_set(key) {
                problems
                    .push(options.problem(key, format!("{key} does not go with AWS_Auth On: leave one of them out")));
            }
        }
        if !options.boolean("tls") {
            let message = "requests are signed but not encrypted: Amazon's own endpoints need tls On and Port 443";
            problems.push(options.warning("AWS_Auth", message));
        }
        let region = region.unwrap_or_default();
        let sts = Sts::new(&region, options.text("AWS_STS_Endpoint"));
        let source = Source::of(options.text("AWS_Profile"), &sts, &variable);
        let source = match options.text("AWS_Role_ARN") {
            None => source,
            Some(arn) => {
                let external_id = options.text("AWS_External_ID").map(str::to_owned);
                Source::Role(Box::new(source), sts, Role { arn: arn.to_owned(), external_id })
            }
        };
        let service = options.text("AWS_Service_Name").unwrap_or("es").to_owned();
        Some(Self { region, service, cache: Cache::new(source) })
    }

    /// For a region and a service, with the keys that the environment leads to.
    pub(super) fn to(region: &str, service: &str) -> Self {
        let source = Source::of(None, &Sts::new(region, None), &variable);
        Self { region: region.to_owned(), service: service.to_owned(), cache: Cache::new(source) }
    }

    /// The request to a server, signed.
    ///
    /// # Errors
    /// If there are no keys.
    pub(super) async fn sign(
        &self,
        base: &str,
        method: Method,
        path: &str,
        mut headers: HeaderMap,
        pairs: &[(&'static str, String)],
        body: &[u8],
    ) -> Result<SignedRequest, AwsError> {
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let target = if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", query(&pairs)) };
        // As the client makes it: behind a path that the address has.
        let url = Url::parse(&format!("{}/.{target}", base.trim_end_matches('/')));
        let url = url.map_err(|error| AwsError::Url { url: target.clone(), reason: error.to_string() })?;
        let now = Timestamp::now();
        let keys = self.cache.keys(now).await?;
        let scope = Scope { region: &self.region, service: &self.service };
        sign(&mut headers, method, &url, body, Signing { keys: &keys, scope, now })?;
        Ok(SignedRequest { target, headers })
    }

    /// The server did not let a request in: the keys may have been replaced before their time.
    pub(super) async fn refused(&self) {
        self.cache.doubt(Timestamp::now()).await;
    }
}

/// A variable of this process; an empty one counts as not set.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Adds what signs a request to its headers.
fn sign(headers: &mut HeaderMap, method: Method, url: &Url, body: &[u8], signing: Signing<'_>) -> Result<(), AwsError> {
    let Signing { keys, scope, now } = signing;
    let time = strtime::format("%Y%m%dT%H%M%SZ", &now.to_zoned(TimeZone::UTC)).map_err(|_| AwsError::NoHeader)?;
    let host = url.host_str().unwrap_or_default();
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let payload = hash(body);
    let mut signed = vec![("host", host.as_str()), ("x-amz-content-sha256", &payload), ("x-amz-date", &time)];
    signed.extend(keys.token.as_deref().map(|token| ("x-amz-security-token", token)));
    let method = match method {
        Method::Get => "GET",
        Method::Put => "PUT",
        Method::Post => "POST",
        Method::Delete => "DELETE",
        Method::Head => "HEAD",
    };
    let query = url.query().unwrap_or_default();
    let parts = Parts { method, path: url.path(), query, headers: &signed, payload: &payload, time: &time };
    let authorization = authorization(parts, keys, scope);
    // The client sets `Host` by itself, from the same address.
    for (name, value) in signed.iter().skip(1) {
        headers.insert(HeaderName::from_static(name), sensitive(value)?);
    }
    headers.insert(AUTHORIZATION, sensitive(&authorization)?);
    Ok(())
}

fn sensitive(value: &str) -> Result<HeaderValue, AwsError> {
    let mut value = HeaderValue::try_from(value).map_err(|_| AwsError::NoHeader)?;
    value.set_sensitive(true);
    Ok(value)
}
