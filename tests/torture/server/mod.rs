//! A fast `_bulk` server on this machine that answers as Elasticsearch does, and fails on demand.
//!
//! That its answers are those of the real server, faults included, is checked by [`crate::answers`].

use std::io::{self, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use socket2::SockRef;

use crate::marker::Reader;
use crate::store::Store;
use crate::support::server::free_port;

mod bulk;
mod fault;
mod http;
mod texts;

pub(crate) use fault::{Fault, Faults};
use http::Request;

/// Pause between two looks at whether the server should listen.
const POLL: Duration = Duration::from_millis(5);

/// Bodies above so many bytes, inflated, are too large when bodies can be: a single document always fits.
const TOO_LARGE: usize = 80_000;

/// How long a request without an answer keeps its connection.
const HANG: Duration = Duration::from_secs(4);

/// A server. It stops to listen when this is dropped.
pub(crate) struct Server {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    faults: Arc<Faults>,
    store: Arc<Store>,
    reader: Reader,
    connections: Mutex<Vec<TcpStream>>,
    requests: AtomicU64,
    body_bytes: AtomicU64,
}

impl Server {
    /// Listens.
    pub(crate) fn start(store: Arc<Store>, faults: Arc<Faults>) -> Self {
        let port = free_port();
        let shared = Arc::new(Shared {
            faults,
            store,
            reader: Reader::new(),
            connections: Mutex::default(),
            requests: AtomicU64::new(0),
            body_bytes: AtomicU64::new(0),
        });
        let listening = Arc::downgrade(&shared);
        let mut listener = Some(listen(port).expect("the port was free"));
        thread::spawn(move || {
            while let Some(shared) = listening.upgrade() {
                if shared.faults.current() == Some(Fault::Refused) {
                    shared.disconnect();
                    listener = None;
                } else if listener.is_none() {
                    listener = listen(port).ok();
                }
                while let Some(stream) = listener.as_ref().and_then(|listener| listener.accept().ok()) {
                    shared.connect(stream.0);
                }
                drop(shared);
                thread::sleep(POLL);
            }
        });
        Self { port, shared }
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Bulk requests that it was sent, and the bytes of those that it read, inflated.
    pub(crate) fn load(&self) -> (u64, u64) {
        (self.shared.requests.load(Ordering::Relaxed), self.shared.body_bytes.load(Ordering::Relaxed))
    }
}

fn listen(port: u16) -> io::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// What becomes of a connection after a request.
enum Next {
    Answer(Vec<u8>),
    /// Closed, with what was sent of an answer.
    Close(Vec<u8>),
    /// Reset.
    Reset,
}

impl Shared {
    fn connect(self: &Arc<Self>, stream: TcpStream) {
        let Ok(clone) = stream.set_nonblocking(false).and_then(|()| stream.try_clone()) else { return };
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        connections.retain(|connection| connection.peer_addr().is_ok());
        connections.push(clone);
        let shared = Arc::clone(self);
        thread::spawn(move || {
            // Whoever is killed leaves a broken connection behind.
            let _ = shared.serve(&stream);
            let _ = stream.shutdown(Shutdown::Both);
        });
    }

    fn disconnect(&self) {
        for connection in self.connections.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // It may be gone.
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// Answers the requests of one connection until it is closed.
    fn serve(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let (mut reader, mut writer) = (BufReader::with_capacity(64 * 1024, stream), stream);
        let mut rng = Rng::new();
        while let Some(mut request) = Request::read_head(&mut reader)? {
            let fault = if request.is_bulk { self.faults.meet() } else { None };
            self.requests.fetch_add(u64::from(request.is_bulk), Ordering::Relaxed);
            if fault == Some(Fault::ResetInBody) {
                io::copy(&mut reader.by_ref().take(request.length as u64 / 2), &mut io::sink())?;
                return reset(stream);
            }
            request.read_body(&mut reader)?;
            let next =
                if request.is_bulk { self.bulk(&request, fault, &mut rng)? } else { Next::Answer(http::ok("{}")) };
            match next {
                Next::Answer(answer) => writer.write_all(&answer)?,
                Next::Close(part) => return writer.write_all(&part),
                Next::Reset => return reset(stream),
            }
        }
        Ok(())
    }

    fn bulk(&self, request: &Request, fault: Option<Fault>, rng: &mut Rng) -> io::Result<Next> {
        let body = request.inflated()?;
        self.body_bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
        let take = |busy: &mut dyn FnMut() -> bool| bulk::take(&request.index, &body, &self.store, &self.reader, busy);
        let all = &mut || false;
        Ok(match fault {
            None => Next::Answer(http::ok(&take(all)?)),
            Some(Fault::Refused | Fault::ResetInBody) => Next::Reset,
            Some(Fault::AnswerLost) => {
                take(all)?;
                Next::Reset
            }
            Some(Fault::AnswerTorn) => Next::Close(half(http::ok(&take(all)?))),
            Some(Fault::TooManyRequests) => Next::Answer(http::error(429, &texts::TOO_MANY_REQUESTS)),
            Some(Fault::Unavailable) => Next::Answer(http::error(503, &texts::UNAVAILABLE)),
            Some(Fault::TooManyItems) => Next::Answer(http::ok(&take(&mut || rng.u8(..4) == 0)?)),
            Some(Fault::TooLarge) if body.len() > TOO_LARGE => Next::Answer(http::error(413, "")),
            Some(Fault::TooLarge) => Next::Answer(http::ok(&take(all)?)),
            Some(Fault::Hang) => {
                if rng.bool() {
                    take(all)?;
                }
                self.hang();
                Next::Close(Vec::new())
            }
            Some(Fault::WrongPage) => Next::Answer(http::page(texts::PAGE)),
            Some(Fault::WrongJson) => {
                let answer = take(all)?;
                Next::Answer(http::ok(&answer[..answer.len() / 2]))
            }
        })
    }

    fn hang(&self) {
        let end = Instant::now() + HANG;
        while Instant::now() < end && !self.faults.is_over() {
            thread::sleep(POLL);
        }
    }
}

fn half(mut answer: Vec<u8>) -> Vec<u8> {
    answer.truncate(answer.len() / 2);
    answer
}

fn reset(stream: &TcpStream) -> io::Result<()> {
    // With nothing to linger for, the system resets the connection instead of ending it.
    SockRef::from(stream).set_linger(Some(Duration::ZERO))
}
