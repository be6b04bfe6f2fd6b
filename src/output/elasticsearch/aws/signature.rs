//! Signature Version 4: what proves to AWS who sent a request and that nobody changed it.
//!
//! Of our own, over `ring`, which TLS brings along: it is four short steps with published vectors,
//! where `aws-config` and its kin add dozens of crates and a second HTTP client.

use ring::{digest, hmac};

use super::keys::Keys;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What a signature is for and good in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    /// `eu-central-1`
    pub(super) region: &'a str,
    /// `es`, `aoss`, `sts`
    pub(super) service: &'a str,
}

/// What is signed of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts<'a> {
    /// In capitals.
    pub(super) method: &'a str,
    /// As it is sent.
    pub(super) path: &'a str,
    /// As [`query`] makes it, and as it is sent.
    pub(super) query: &'a str,
    /// Names in lower case and in order, with trimmed values.
    pub(super) headers: &'a [(&'a str, &'a str)],
    /// [`hash`] of the body.
    pub(super) payload: &'a str,
    /// `20150830T123600Z`, the same as in the header `x-amz-date`.
    pub(super) time: &'a str,
}

/// The value of the header `Authorization`.
pub(super) fn authorization(parts: Parts<'_>, keys: &Keys, scope: Scope<'_>) -> String {
    let day = parts.time.get(..8).unwrap_or_default();
    let scope_text = format!("{day}/{}/{}/aws4_request", scope.region, scope.service);
    let names: Vec<_> = parts.headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let to_sign = format!("{ALGORITHM}\n{}\n{scope_text}\n{}", parts.time, hash(canonical(parts, &names).as_bytes()));
    let mut key = format!("AWS4{}", keys.secret).into_bytes();
    for part in [day, scope.region, scope.service, "aws4_request", &to_sign] {
        key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), part.as_bytes()).as_ref().to_vec();
    }
    format!("{ALGORITHM} Credential={}/{scope_text}, SignedHeaders={names}, Signature={}", keys.access, hex(&key))
}

/// The request in the one form that both sides hash.
fn canonical(parts: Parts<'_>, names: &str) -> String {
    let mut headers = String::new();
    for (name, value) in parts.headers {
        headers.extend([*name, ":", *value, "\n"]);
    }
    // Every service but S3 wants the path, which is encoded once as it is sent, encoded once more.
    let path = encoded(parts.path, b"/");
    format!("{}\n{path}\n{}\n{headers}\n{names}\n{}", parts.method, parts.query, parts.payload)
}

/// The query of a request: encoded, and in the order of its names.
pub(super) fn query(pairs: &[(&str, &str)]) -> String {
    let mut pairs: Vec<_> =
        pairs.iter().map(|(name, value)| (encoded(name.as_bytes(), b""), encoded(value.as_bytes(), b""))).collect();
    pairs.sort();
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// The SHA-256 of some bytes, as text.
pub(super) fn hash(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// Encodes all but the letters, digits and signs that RFC 3986 reserves for nothing, and `kept`.
fn encoded(text: impl AsRef<[u8]>, kept: &[u8]) -> String {
    let mut encoded = String::new();
    for &byte in text.as_ref() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || kept.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys, the scope and the time of AWS's published test suite, and what it says of a token.
    fn keys() -> Keys {
        Keys {
            access: "AKIDEXAMPLE".to_owned(),
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
            token: None,
            expires: None,
        }
    }
    const SCOPE: Scope<'static> = Scope { region: "us-east-1", service: "service" };
    const TIME: &str = "20150830T123600Z";
    const HOST: (&str, &str) = ("host", "example.amazonaws.com");
    const DATE: (&str, &str) = ("x-amz-date", TIME);
    const TOKEN: &str = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeo\
                         IYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5V\
                         SXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yj\
                         c8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

    fn signature(method: &str, path: &str, query: &str, headers: &[(&str, &str)], body: &[u8]) -> String {
        let parts = Parts { method, path, query, headers, payload: &hash(body), time: TIME };
        let text = authorization(parts, &keys(), SCOPE);
        let (before, signature) = text.split_once("Signature=").unwrap();
        let scope = "20150830/us-east-1/service/aws4_request";
        assert!(before.starts_with(&format!("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, SignedHeaders=")));
        signature.to_owned()
    }

    #[test]
    fn signs_as_the_published_vectors() {
        let plain = [HOST, DATE];
        let unreserved = "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let ordered = query(&[("Param2", "value2"), ("Param1", "value1")]);
        for (name, method, path, query, expected) in [
            ("get-vanilla", "GET", "/", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            ("post-vanilla", "POST", "/", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
            (
                "get-unreserved",
                "GET",
                unreserved,
                "",
                "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
            ),
            (
                "get-vanilla-query-order-key-case",
                "GET",
                "/",
                ordered.as_str(),
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
        ] {
            assert_eq!(signature(method, path, query, &plain, b""), expected, "{name}");
        }
        let body = b"Param1=value1";
        let sum = hash(body);
        let with_body = [
            ("content-length", "13"),
            ("content-type", "application/x-www-form-urlencoded"),
            HOST,
            ("x-amz-content-sha256", &sum),
            DATE,
        ];
        let expected = "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b";
        assert_eq!(signature("POST", "/", "", &with_body, body), expected, "post-x-www-form-urlencoded");
        let with_token = [HOST, DATE, ("x-amz-security-token", TOKEN)];
        let expected = "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead";
        assert_eq!(signature("POST", "/", "", &with_token, b""), expected, "post-sts-header-before");
    }

    #[test]
    fn what_a_query_holds_is_encoded_to_the_last_sign() {
        assert_eq!(query(&[("b", "items.*.status"), ("a", "x y,ä")]), "a=x%20y%2C%C3%A4&b=items.%2A.status");
        assert_eq!(encoded("/a b/%2A*", b"/"), "/a%20b/%252A%2A");
    }
}
