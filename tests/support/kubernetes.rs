//! A real kube-apiserver with its own etcd, built by `tests/servers/kubernetes/install`.
//!
//! No kubelet is there: tests make pods with their node's name, and write their status and logs themselves.

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::Answer;

/// The token of the administrator, as the server's program knows it.
const ADMINISTRATOR: &str = "administrator";

/// An API server on a port of its own, with its data in a temporary directory. It ends with the test.
pub struct ApiServer {
    port: u16,
    directory: TempDir,
    flags: Vec<String>,
    running: Option<Running>,
}

struct Running {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl ApiServer {
    /// Starts one with these flags and the namespace `flyte`. The first one builds it, which takes some minutes.
    pub fn start(flags: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let mut server = Self { port, directory, flags, running: None };
        fs::write(server.path("audit.yaml"), AUDIT).unwrap();
        server.start_again();
        server.post("/api/v1/namespaces", &json!({"metadata": {"name": "flyte", "labels": {"team": "ml"}}})).ok();
        server
    }

    /// Starts it again, with the same data at the same port.
    pub fn start_again(&mut self) {
        let errors = fs::File::options().create(true).append(true).open(self.path("errors")).unwrap();
        let mut process = Command::new(program())
            .arg(self.directory.path())
            .arg(self.port.to_string())
            .arg(format!("--audit-policy-file={}", self.path("audit.yaml").display()))
            .arg(format!("--audit-log-path={}", self.path("audit.log").display()))
            .args(&self.flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .unwrap();
        let (input, output) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        let mut running = Running { process, input, output };
        let answer = running.answer();
        assert_eq!(answer, "ready", "{}", fs::read_to_string(self.path("errors")).unwrap());
        self.running = Some(running);
    }

    /// Ends it at once (SIGKILL).
    pub fn kill(&mut self) {
        let mut running = self.running.take().unwrap();
        running.process.kill().unwrap();
        running.process.wait().unwrap();
    }

    /// Makes it forget everything but what is there now.
    pub fn compact(&mut self) {
        let running = self.running.as_mut().unwrap();
        writeln!(running.input, "compact").unwrap();
        assert_eq!(running.answer(), "compacted");
    }

    /// `https://127.0.0.1:…`.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The certificates that its own is checked by.
    pub fn certificates(&self) -> PathBuf {
        self.path("ca.crt")
    }

    /// Writes the administrator's token to a file.
    pub fn administrator(&self, file: &Path) {
        fs::write(file, ADMINISTRATOR).unwrap();
    }

    /// Makes an object, as the administrator.
    pub fn post(&self, path: &str, object: &Value) -> Answer {
        self.send("POST", path, "application/json", &object.to_string())
    }

    /// Makes an object or changes it, as the administrator, as `kubectl apply --server-side --validate=strict` does.
    /// With `dry_run` all is checked and nothing is kept.
    pub fn apply(&self, path: &str, object: &Value, dry_run: bool) -> Answer {
        let dry_run = if dry_run { "&dryRun=All" } else { "" };
        let path = format!("{path}?fieldManager=tests&force=true&fieldValidation=Strict{dry_run}");
        self.send("PATCH", &path, "application/apply-patch+yaml", &object.to_string())
    }

    /// Reads an object, as the administrator.
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "application/json", "")
    }

    /// Removes an object at once, as the administrator.
    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", &format!("{path}?gracePeriodSeconds=0"), "application/json", "")
    }

    /// Makes a service account and writes a token of it to a file. It may do nothing yet.
    pub fn account(&self, name: &str, file: &Path) {
        let account = json!({"metadata": {"name": name}});
        self.post("/api/v1/namespaces/flyte/serviceaccounts", &account).ok();
        self.token("flyte", name, file);
    }

    /// Writes a token of a service account to a file.
    pub fn token(&self, namespace: &str, name: &str, file: &Path) {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token");
        let token = self.post(&path, &json!({"spec": {"expirationSeconds": 600}})).ok();
        fs::write(file, token["status"]["token"].as_str().unwrap()).unwrap();
    }

    /// Removes a service account, whose tokens are worth nothing from then on.
    pub fn forget_account(&self, name: &str) {
        self.delete(&format!("/api/v1/namespaces/flyte/serviceaccounts/{name}")).ok();
    }

    /// Lets a service account do what the shipper needs, and nothing else.
    pub fn allow(&self, name: &str) {
        const RIGHTS: &str = "/apis/rbac.authorization.k8s.io/v1";
        let rules =
            json!([{"apiGroups": [""], "resources": ["pods", "namespaces"], "verbs": ["get", "list", "watch"]}]);
        let role = json!({"metadata": {"name": name}, "rules": rules});
        // It may be there from before.
        self.post(&format!("{RIGHTS}/clusterroles"), &role);
        let binding = json!({
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": "flyte"}],
        });
        self.post(&format!("{RIGHTS}/clusterrolebindings"), &binding).ok();
    }

    /// Takes it back.
    pub fn disallow(&self, name: &str) {
        self.delete(&format!("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/{name}")).ok();
    }

    /// Makes a pod on the node `node-a` with one container `main` in the namespace `flyte`, and tells its UID.
    pub fn pod(&self, name: &str, labels: &Value) -> String {
        self.pod_in("flyte", name, labels, &[("FLYTE_INTERNAL_EXECUTION_ID", &format!("exec-{name}"))])
    }

    /// The same in any namespace, which is made if need be, with these variables.
    pub fn pod_in(&self, namespace: &str, name: &str, labels: &Value, environment: &[(&str, &str)]) -> String {
        // It may be there.
        self.post("/api/v1/namespaces", &json!({"metadata": {"name": namespace}}));
        let mut variables = vec![json!({"name": "SECRET", "value": "not to be seen"})];
        variables.extend(environment.iter().map(|(name, value)| json!({"name": name, "value": value})));
        let pod = json!({
            "metadata": {"name": name, "labels": labels, "annotations": {"note": "a b"}},
            "spec": {
                "nodeName": "node-a",
                "containers": [{
                    "name": "main",
                    "image": "registry/task:1",
                    "env": variables,
                }],
            },
        });
        self.post(&format!("/api/v1/namespaces/{namespace}/pods"), &pod).ok()["metadata"]["uid"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Sets an annotation of a pod.
    pub fn annotate(&self, name: &str, key: &str, value: &str) {
        self.change("flyte", name, &json!({"annotations": {key: value}}));
    }

    /// Changes a pod's metadata.
    pub fn change(&self, namespace: &str, name: &str, metadata: &Value) {
        let path = format!("/api/v1/namespaces/{namespace}/pods/{name}");
        let change = json!({"metadata": metadata});
        self.send("PATCH", &path, "application/merge-patch+json", &change.to_string()).ok();
    }

    /// Tells what a kubelet tells of a pod that runs.
    pub fn runs(&self, name: &str, container_id: &str) {
        let status = json!({"status": {"phase": "Running", "podIP": "10.1.0.5", "podIPs": [{"ip": "10.1.0.5"}], "containerStatuses": [{
            "name": "main", "image": "registry/task:1", "imageID": "registry/task@sha256:ab", "ready": true,
            "restartCount": 0, "containerID": format!("containerd://{container_id}"), "state": {"running": {}},
        }]}});
        let path = format!("/api/v1/namespaces/flyte/pods/{name}/status");
        self.send("PATCH", &path, "application/strategic-merge-patch+json", &status.to_string()).ok();
    }

    /// Requests so far as the audit log tells: the verb and the resource, by user.
    pub fn requests(&self, user: &str) -> Vec<String> {
        let log = fs::read_to_string(self.path("audit.log")).unwrap_or_default();
        let events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        // A watch is noted twice, when it begins and when it ends.
        let mut seen = HashSet::new();
        let of_user =
            events.filter(|event| event["user"]["username"] == user && seen.insert(event["auditID"].to_string()));
        of_user
            .map(|event| {
                format!("{} {}", event["verb"].as_str().unwrap(), event["objectRef"]["resource"].as_str().unwrap_or(""))
            })
            .collect()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn send(&self, method: &str, path: &str, kind: &str, body: &str) -> Answer {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--noproxy", "*", "-X", method, "-w", "\n%{http_code}", "--cacert"]).arg(self.certificates());
        curl.args(["-H", &format!("Authorization: Bearer {ADMINISTRATOR}"), "-H", &format!("Content-Type: {kind}")]);
        if !body.is_empty() {
            curl.args(["-d", body]);
        }
        let output = curl.arg(format!("{}{path}", self.url())).output().expect("curl is installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let (body, status) = text.rsplit_once('\n').unwrap();
        Answer { status: status.parse().unwrap(), body: serde_json::from_str(body).unwrap_or_default() }
    }
}

impl Running {
    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// What is noted of each request.
const AUDIT: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
";

fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let install = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers/kubernetes/install");
        let output = Command::new(install).stderr(Stdio::inherit()).output().unwrap();
        assert!(output.status.success(), "the API server is not there");
        PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end())
    })
}
