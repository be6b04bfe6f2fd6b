//! A server that takes `_bulk` requests, checks every document and forgets it.
//!
//! Each connection has a thread; a request is answered as Elasticsearch does, item by item.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;

mod documents;

pub(crate) use documents::Received;

/// See the module.
pub(crate) struct Server {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    /// Fields that each document must have.
    fields: &'static [&'static str],
    /// Documents that came, checked.
    documents: AtomicU64,
    received: Mutex<Received>,
    fault: Mutex<Option<String>>,
}

impl Server {
    /// Listens on a free port of this machine, for documents that have these fields.
    pub(crate) fn start(fields: &'static [&'static str]) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            fields,
            documents: AtomicU64::new(0),
            received: Mutex::default(),
            fault: Mutex::default(),
        });
        let for_connections = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().filter_map(Result::ok) {
                let shared = Arc::clone(&for_connections);
                std::thread::spawn(move || {
                    if let Err(error) = serve(&stream, &shared) {
                        *lock(&shared.fault) = Some(error.to_string());
                    }
                });
            }
        });
        Ok(Self { port, shared })
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Waits for so many documents, unless none comes for as long as `standstill`; `look` says whether the
    /// shipper still runs.
    pub(crate) fn wait(
        &self,
        documents: u64,
        standstill: Duration,
        mut look: impl FnMut() -> Result<(), Box<dyn Error>>,
    ) -> Result<(), Box<dyn Error>> {
        let (mut came, mut progress) = (0, Instant::now());
        while came < documents && progress.elapsed() < standstill {
            let now = self.shared.documents.load(Ordering::Acquire);
            if now != came {
                (came, progress) = (now, Instant::now());
            }
            look()?;
            self.fault()?;
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// What was wrong with a request, if one was.
    fn fault(&self) -> Result<(), Box<dyn Error>> {
        match &*lock(&self.shared.fault) {
            Some(fault) => Err(fault.clone().into()),
            None => Ok(()),
        }
    }

    /// Everything that came, if it is each of so many records once, numbered from the first on.
    pub(crate) fn finish(&self, first: u64, records: u64) -> Result<Received, Box<dyn Error>> {
        self.fault()?;
        let mut received = std::mem::take(&mut *lock(&self.shared.received));
        received.check(first, records)?;
        Ok(received)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Answers the requests of one connection until it is closed.
fn serve(stream: &TcpStream, shared: &Shared) -> Result<(), Box<dyn Error>> {
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    let mut decoder = Vec::new();
    while let Some(request) = Request::read(&mut reader)? {
        let answer = if request.is_bulk { take(&request.body, &mut decoder, shared)? } else { "{}".to_owned() };
        let length = answer.len();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
        writer.write_all((head + &answer).as_bytes())?;
    }
    Ok(())
}

/// Takes a bulk body; the answer to it.
fn take(compressed: &[u8], body: &mut Vec<u8>, shared: &Shared) -> Result<String, Box<dyn Error>> {
    body.clear();
    GzDecoder::new(compressed).read_to_end(body)?;
    let read = documents::read(body, shared.fields)?;
    let items = vec![r#"{"create":{"status":201}}"#; read.len()].join(",");
    let count = read.len() as u64;
    lock(&shared.received).add(read, body, compressed.len());
    shared.documents.fetch_add(count, Ordering::AcqRel);
    Ok(format!(r#"{{"errors":false,"items":[{items}]}}"#))
}

struct Request {
    is_bulk: bool,
    body: Vec<u8>,
}

impl Request {
    /// The next request; `None` if the connection is closed.
    fn read(reader: &mut impl BufRead) -> Result<Option<Self>, Box<dyn Error>> {
        let (mut line, mut is_bulk, mut length) = (String::new(), None, 0);
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(None);
            }
            let line = line.trim_ascii_end().to_ascii_lowercase();
            if is_bulk.is_none() {
                is_bulk = Some(line.starts_with("post") && line.contains("/_bulk"));
            } else if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            } else if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        Ok(Some(Self { is_bulk: is_bulk.unwrap_or(false), body }))
    }
}
