//! A server that is all of Amazon that the shipper meets: the search service, which checks signatures, and the places
//! that lend keys, for two seconds each.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::signature::check;

/// How long keys are lent.
const LENT: Duration = Duration::from_secs(2);
const REGION: &str = "eu-central-1";

/// Keys that this server knows.
#[derive(Clone)]
pub(crate) struct Keys {
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
    until: Option<Instant>,
}

impl Keys {
    pub(crate) fn is_over(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }
}

/// What it knows and has seen.
#[derive(Default)]
pub(crate) struct State {
    keys: HashMap<String, Keys>,
    /// All that must stay secret.
    pub(crate) secrets: Vec<String>,
    /// The keys that requests to the search service were signed with.
    pub(crate) used: HashSet<String>,
    /// What arrived.
    pub(crate) documents: Vec<Value>,
    /// Why requests were refused.
    pub(crate) refused: Vec<String>,
    /// What the search service was asked for.
    pub(crate) asked: Vec<String>,
    /// What the token service was sent.
    pub(crate) forms: Vec<String>,
    /// What a container has to show.
    pub(crate) container_token: String,
    /// No keys are lent.
    pub(crate) is_denying: bool,
}

/// A request as it arrived.
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// The server, on a port of its own. It ends with the test.
pub(crate) struct Amazon {
    port: u16,
    service: &'static str,
    state: Arc<Mutex<State>>,
}

impl Amazon {
    /// Starts it as this service.
    pub(crate) fn start(service: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let amazon = Self { port, service, state: Arc::clone(&state) };
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let amazon = Self { port, service, state: Arc::clone(&state) };
                std::thread::spawn(move || amazon.serve(connection.unwrap()));
            }
        });
        amazon
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.state.lock().unwrap())
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }

    /// Keys that are good for ever.
    pub(crate) fn knows(&self, (access, secret): (&str, &str), token: Option<&str>) {
        let token = token.map(str::to_owned);
        self.change(|state| {
            state.secrets.extend([secret.to_owned()].into_iter().chain(token.clone()));
            state.keys.insert(access.to_owned(), Keys { secret: secret.to_owned(), token, until: None });
        });
    }

    fn serve(&self, mut connection: TcpStream) {
        let mut reader = BufReader::new(connection.try_clone().unwrap());
        while let Some(request) = receive(&mut reader) {
            let (status, body) = self.answer(&request);
            let length = body.len();
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\ncontent-type: text/plain\r\n\r\n");
            if connection.write_all(head.as_bytes()).and_then(|()| connection.write_all(body.as_bytes())).is_err() {
                return;
            }
        }
    }

    fn answer(&self, request: &Received) -> (u16, String) {
        const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
        let state = &mut *self.state.lock().unwrap();
        let is_shown = |name: &str, value: &str| request.header(name) == Some(value);
        match (request.method.as_str(), request.path.as_str()) {
            (_, path) if state.is_denying && path.starts_with("/latest") => {
                (403, "<Message>not now</Message>".to_owned())
            }
            ("PUT", "/latest/api/token") if request.header("x-aws-ec2-metadata-token-ttl-seconds").is_some() => {
                (200, "instance-token".to_owned())
            }
            ("GET", ROLES) if is_shown("x-aws-ec2-metadata-token", "instance-token") => (200, "node-role\n".to_owned()),
            ("GET", path)
                if path == format!("{ROLES}node-role") && is_shown("x-aws-ec2-metadata-token", "instance-token") =>
            {
                (200, state.lend_as_json())
            }
            ("GET", "/container") if request.query == "v=1" && is_shown("authorization", &state.container_token) => {
                (200, state.lend_as_json())
            }
            ("POST", "/sts") => self.lend_role(state, request),
            ("GET" | "PUT", path) if path.starts_with("/latest") || path == "/container" => (401, String::new()),
            _ => self.search(state, request),
        }
    }

    fn lend_role(&self, state: &mut State, request: &Received) -> (u16, String) {
        let form = String::from_utf8(request.body.clone()).unwrap();
        let is_known = form.contains("WebIdentityToken=web.identity%2Btoken")
            || check(request, |access| state.keys.get(access).cloned(), REGION, "sts").is_ok();
        state.forms.push(form);
        if !is_known {
            state.refused.push("by the token service".to_owned());
            return (403, "<Error><Code>AccessDenied</Code></Error>".to_owned());
        }
        let (access, keys, expires) = state.lend();
        let (secret, token) = (keys.secret, keys.token.unwrap());
        let credentials = format!(
            "<AccessKeyId>{access}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>\
             <SessionToken>{token}</SessionToken><Expiration>{expires}</Expiration>"
        );
        (200, format!("<R><AssumedRoleUser><Arn>a</Arn></AssumedRoleUser><Credentials>{credentials}</Credentials></R>"))
    }

    fn search(&self, state: &mut State, request: &Received) -> (u16, String) {
        match check(request, |access| state.keys.get(access).cloned(), REGION, self.service) {
            Ok(access) => state.used.insert(access),
            Err(reason) => {
                state.refused.push(format!("{} {}: {reason}", request.method, request.path));
                return (403, json!({"message": "The request signature we calculated does not match"}).to_string());
            }
        };
        state.asked.push(format!("{} {}", request.method, request.path));
        if !request.path.ends_with("/_bulk") {
            return (200, "{}".to_owned());
        }
        let mut text = String::new();
        if request.header("content-encoding") == Some("gzip") {
            flate2::read::GzDecoder::new(&request.body[..]).read_to_string(&mut text).unwrap();
        } else {
            text = String::from_utf8(request.body.clone()).unwrap();
        }
        let documents: Vec<Value> =
            text.lines().skip(1).step_by(2).map(|line| serde_json::from_str(line).unwrap()).collect();
        let items: Vec<_> = documents.iter().map(|_| json!({"create": {"status": 201}})).collect();
        state.documents.extend(documents);
        (200, json!({"errors": false, "items": items}).to_string())
    }
}

impl State {
    fn lend(&mut self) -> (String, Keys, jiff::Timestamp) {
        let number = self.keys.len();
        let access = format!("ASIALENT{number}");
        let (secret, token) = (format!("lent/secret+{number}="), format!("lent/token+{number}=="));
        self.secrets.extend([secret.clone(), token.clone()]);
        let keys = Keys { secret, token: Some(token), until: Some(Instant::now() + LENT) };
        self.keys.insert(access.clone(), keys.clone());
        (access, keys, jiff::Timestamp::now() + LENT)
    }

    fn lend_as_json(&mut self) -> String {
        let (access, keys, expires) = self.lend();
        let Keys { secret, token, .. } = keys;
        json!({"Code": "Success", "AccessKeyId": access, "SecretAccessKey": secret, "Token": token, "Expiration": expires})
            .to_string()
    }
}

/// The next request of a connection.
fn receive(reader: &mut BufReader<TcpStream>) -> Option<Received> {
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
        Some(line.trim_end().to_owned())
    };
    let first = line()?;
    let mut parts = first.split(' ');
    let (method, target) = (parts.next()?.to_owned(), parts.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    let mut headers = Vec::new();
    loop {
        let line = line()?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = Received { method, path, query, headers, body: Vec::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    request.body.resize(length, 0);
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}
