//! The check of a signature from the bytes that arrived, written from AWS's documentation alone.

use ring::{digest, hmac};

use crate::amazon::{Keys, Received};

/// Who signed a request, if everything about its signature is right; else what is wrong.
pub(crate) fn check(
    request: &Received,
    find: impl Fn(&str) -> Option<Keys>,
    region: &str,
    service: &str,
) -> Result<String, String> {
    let header = |name: &str| request.header(name).ok_or_else(|| format!("no header {name}"));
    let authorization = header("authorization")?;
    let parameters = authorization.strip_prefix("AWS4-HMAC-SHA256 ").ok_or("another algorithm")?;
    let mut values = parameters.split(", ").filter_map(|part| part.split_once('='));
    let mut value = |name: &str| values.next().filter(|(key, _)| *key == name).map(|(_, value)| value).ok_or("parts");
    let (credential, names, signature) = (value("Credential")?, value("SignedHeaders")?, value("Signature")?);
    let [access, day, of_region, of_service, end] =
        credential.split('/').collect::<Vec<_>>().try_into().map_err(|_| "a scope of other parts")?;
    let time = header("x-amz-date")?;
    if (of_region, of_service, end) != (region, service, "aws4_request") || time.get(..8) != Some(day) {
        return Err(format!("the scope is {credential} at {time}"));
    }
    let signed: jiff::Timestamp = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", time)
        .and_then(|time| time.to_zoned(jiff::tz::TimeZone::UTC))
        .map_err(|error| error.to_string())?
        .timestamp();
    if jiff::Timestamp::now().duration_since(signed).as_secs().abs() > 300 {
        return Err(format!("signed at {time}"));
    }
    let keys = find(access).ok_or_else(|| format!("{access} is unknown"))?;
    if keys.is_over() {
        return Err(format!("{access} has expired"));
    }
    let mut needed = vec!["host", "x-amz-content-sha256", "x-amz-date"];
    if let Some(token) = &keys.token {
        needed.push("x-amz-security-token");
        if header("x-amz-security-token")? != token {
            return Err("another token".to_owned());
        }
    }
    if names.split(';').ne(needed) {
        return Err(format!("signed are {names}"));
    }
    let sum = hex(digest::digest(&digest::SHA256, &request.body).as_ref());
    if header("x-amz-content-sha256")? != sum {
        return Err("the body is not the one that was signed".to_owned());
    }
    let mut lines = vec![request.method.clone(), encode(&request.path, true), canonical_query(&request.query)];
    for name in names.split(';') {
        lines.push(format!("{name}:{}", header(name)?));
    }
    lines.extend([String::new(), names.to_owned(), sum]);
    let sum = hex(digest::digest(&digest::SHA256, lines.join("\n").as_bytes()).as_ref());
    let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{day}/{region}/{service}/aws4_request\n{sum}");
    let start = format!("AWS4{}", keys.secret).into_bytes();
    let key = [day, region, service, "aws4_request"].iter().fold(start, |key, part| mac(&key, part));
    if hex(&mac(&key, &to_sign)) != signature {
        return Err(format!("the signature is wrong, of\n{}", lines.join("\n")));
    }
    Ok(access.to_owned())
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

/// Decoded, encoded as AWS does, and sorted.
fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<_> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            format!("{}={}", encode(&decode(name), false), encode(&decode(value), false))
        })
        .collect();
    pairs.sort();
    pairs.join("&")
}

fn decode(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).expect("two hexadecimal digits"));
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).expect("UTF-8")
}

fn encode(text: &str, keeps_slashes: bool) -> String {
    let kept = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (keeps_slashes && byte == b'/');
    let of = |byte| if kept(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(of).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
