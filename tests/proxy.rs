//! The way to a server over TLS leads through the proxy that the environment names, or past it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod support;

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::json;
use support::place::{Place, append, line};
use support::server::{Engine, PASSWORD, Server};
use support::shipper::{Shipper, wait_for};
use support::turn::turn;

/// A proxy that connects to what it is asked for, and remembers it.
struct Proxy {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let remembered = Arc::clone(&asked);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let remembered = Arc::clone(&remembered);
                // A connection that breaks is the shipper's affair.
                std::thread::spawn(move || drop(relay(client.unwrap(), &remembered)));
            }
        });
        Self { port, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn relay(mut client: TcpStream, asked: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let first = String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned();
    asked.lock().unwrap().push(first.clone());
    let target = first.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).unwrap_or_default();
    let mut server = TcpStream::connect(target)?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    std::thread::spawn(move || io::copy(&mut from_client, &mut to_server));
    io::copy(&mut server, &mut client).map(drop)
}

#[test]
fn a_proxy_is_used_as_the_environment_says() {
    let _turn = turn();
    let server = Server::start_secured(Engine::Elasticsearch8, &[]);
    let client = server.client();
    let connect = format!("CONNECT 127.0.0.1:{} HTTP/1.1", server.port());
    for (index, no_proxy, option, is_used) in [
        ("through", "10.0.0.0/8", "", true),
        ("past-network", "10.0.0.0/8,127.0.0.0/8", "", false),
        ("past-option", "", "net.proxy_env_ignore On", false),
    ] {
        let proxy = Proxy::start();
        let place = Place::new();
        let output = format!(
            "Name es\n  Host 127.0.0.1\n  Port {}\n  Index {index}\n  Index_Date Off\n  tls On\n  \
             tls.ca_file {}/ca.crt\n  HTTP_User admin\n  HTTP_Passwd {PASSWORD}\n  {option}",
            server.port(),
            server.certificates().display(),
        );
        let url = format!("http://127.0.0.1:{}", proxy.port);
        let variables = [("HTTPS_PROXY", url.as_str()), ("NO_PROXY", no_proxy)];
        let configuration = place.configure("containers/*.log", "", &output);
        let mut shipper = Shipper::start_with_variables(&configuration, &variables);
        append(&place.container(1), &line("one"));
        wait_for(&1, || {
            client.send("POST", &format!("/{index}/_refresh"), "");
            client.post(&format!("/{index}/_count"), &json!({})).body["count"].as_u64().unwrap_or_default()
        });
        assert!(shipper.terminate().success(), "{}", shipper.log());
        let asked = proxy.asked();
        assert_eq!(!asked.is_empty(), is_used, "{index}: {asked:?}");
        assert!(asked.iter().all(|first| *first == connect), "{index}: {asked:?}");
    }
}
