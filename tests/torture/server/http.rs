//! As much of HTTP/1.1 as the shipper speaks.

use std::borrow::Cow;
use std::io::{self, BufRead, Read as _};

use flate2::read::MultiGzDecoder;

/// The longest body that is read: Elasticsearch's `http.max_content_length` is 100 MiB.
const LONGEST_BODY: usize = 100 * 1024 * 1024;

/// A request.
#[derive(Default)]
pub(super) struct Request {
    pub(super) is_bulk: bool,
    /// From the path.
    pub(super) index: String,
    pub(super) length: usize,
    is_gzip: bool,
    body: Vec<u8>,
}

impl Request {
    /// The head of the next request; `None` if the connection is closed.
    pub(super) fn read_head(reader: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut request = Self::default();
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let path = line.split(' ').nth(1).unwrap_or_default();
        let path = path.split('?').next().unwrap_or_default();
        request.is_bulk = line.starts_with("POST") && path.ends_with("/_bulk");
        request.index = path.trim_end_matches("_bulk").trim_matches('/').to_owned();
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => request.length = value.trim().parse().map_err(io::Error::other)?,
                "content-encoding" => request.is_gzip = value.trim() == "gzip",
                _ => {}
            }
        }
        if request.length > LONGEST_BODY {
            return Err(io::Error::other("a body that is too long"));
        }
        Ok(Some(request))
    }

    pub(super) fn read_body(&mut self, reader: &mut impl BufRead) -> io::Result<()> {
        self.body.resize(self.length, 0);
        reader.read_exact(&mut self.body)
    }

    pub(super) fn inflated(&self) -> io::Result<Cow<'_, [u8]>> {
        if !self.is_gzip {
            return Ok(Cow::Borrowed(&self.body));
        }
        let mut body = Vec::with_capacity(self.body.len() * 8);
        MultiGzDecoder::new(&self.body[..]).read_to_end(&mut body)?;
        Ok(Cow::Owned(body))
    }
}

/// An answer of status 200 with JSON.
pub(super) fn ok(json: &str) -> Vec<u8> {
    answer("200 OK", "application/json", json)
}

/// An answer of status 200 with a page.
pub(super) fn page(html: &str) -> Vec<u8> {
    answer("200 OK", "text/html", html)
}

/// An answer of an error status with JSON.
pub(super) fn error(status: u16, json: &str) -> Vec<u8> {
    answer(&format!("{status} No"), "application/json", json)
}

fn answer(status: &str, kind: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}
