//! A server that takes everything, for tests in which only what is sent, and when, matters.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use flate2::read::GzDecoder;

/// Answers every request on a listener until the test ends. `take` is given each bulk body as it was before it was
/// compressed, in the order of arrival on each connection, and is waited for before the answer.
pub fn receive(listener: TcpListener, take: impl Fn(&str) + Send + Sync + 'static) {
    let take = Arc::new(take);
    thread::spawn(move || {
        for stream in listener.incoming().map(Result::unwrap) {
            let take = Arc::clone(&take);
            thread::spawn(move || serve(&stream, &*take).unwrap());
        }
    });
}

fn serve(stream: &TcpStream, take: &dyn Fn(&str)) -> Result<(), Box<dyn Error>> {
    let (mut reader, mut writer) = (BufReader::new(stream), stream);
    while let Some(body) = request(&mut reader)? {
        let mut text = String::new();
        if !body.is_empty() {
            GzDecoder::new(&body[..]).read_to_string(&mut text)?;
            take(&text);
        }
        let items = vec![r#"{"create":{"status":201}}"#; text.lines().count() / 2].join(",");
        let answer = format!(r#"{{"errors":false,"items":[{items}]}}"#);
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length:";
        write!(writer, "{head} {}\r\n\r\n{answer}", answer.len())?;
    }
    Ok(())
}

/// The body of the next request; `None` at the end of the connection.
fn request(reader: &mut impl BufRead) -> Result<Option<Vec<u8>>, Box<dyn Error>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let line = line.trim_ascii_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        } else if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(body))
}
