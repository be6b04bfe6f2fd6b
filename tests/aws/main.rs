//! Requests that are signed for Amazon's services, to a server that checks every signature, with keys from all places
//! that hand them out, for a few seconds each.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]

mod amazon;
mod signature;
#[path = "../support/mod.rs"]
mod support;

use std::fs;

use amazon::Amazon;
use support::place::{Place, append, line};
use support::shipper::{Shipper, flytail, wait_for};

/// Keys that stand somewhere and are never replaced.
const STATIC: (&str, &str) = ("AKIASTATIC", "static/secret+key");

/// A shipper of one log to the server, with options of the output and variables of its own.
struct Shipping<'a> {
    place: Place,
    amazon: &'a Amazon,
    shipper: Shipper,
    written: usize,
}

impl<'a> Shipping<'a> {
    fn start(place: Place, amazon: &'a Amazon, options: &str, variables: &[(&str, &str)]) -> Self {
        let output = format!(
            "Name opensearch\n  Host 127.0.0.1\n  Port {}\n  Index signed\n  Pipeline a b*c\n  AWS_Auth On\n  \
             AWS_Region eu-central-1\n  {options}",
            amazon.port()
        );
        let configuration = place.configure("containers/*.log", "", &output);
        // None of the keys of whoever runs the test.
        let home = place.root.path().display().to_string();
        let shipper = Shipper::start_with_variables(&configuration, &[&[("HOME", home.as_str())], variables].concat());
        place.container(1);
        Self { place, amazon, shipper, written: 0 }
    }

    fn write(&mut self) {
        let log = self.place.path("pods/flyte_pod-1_uid-1/main/0.log");
        append(&log, &line(&format!("line {}", self.written)));
        self.written += 1;
    }

    fn arrived(&self) -> usize {
        self.amazon.look(|state| state.documents.len())
    }

    /// Writes lines, one at a time, until the server has seen so many different keys.
    fn write_until_keys_changed(&mut self, times: usize) {
        wait_for(&true, || {
            self.write();
            wait_for(&self.written, || self.arrived());
            self.amazon.look(|state| state.used.len()) > times
        });
    }

    /// Ends it: all has arrived once, nothing was refused, nothing secret was logged.
    fn end(mut self) {
        wait_for(&self.written, || self.arrived());
        assert!(self.shipper.terminate().success(), "{}", self.shipper.log());
        let log = self.shipper.log();
        self.amazon.look(|state| {
            assert_eq!(state.refused, Vec::<String>::new());
            for secret in &state.secrets {
                assert!(!log.contains(secret.as_str()), "{secret} in {log}");
            }
        });
    }
}

#[test]
fn keys_of_the_environment_and_of_a_profile_sign_for_both_services() {
    let amazon = Amazon::start("es");
    amazon.knows(STATIC, None);
    let variables = [("AWS_ACCESS_KEY_ID", STATIC.0), ("AWS_SECRET_ACCESS_KEY", STATIC.1)];
    let mut shipping = Shipping::start(Place::new(), &amazon, "", &variables);
    shipping.write();
    shipping.end();

    let amazon = Amazon::start("aoss");
    amazon.knows(STATIC, Some("static-token"));
    let place = Place::new();
    let credentials = place.path("credentials");
    let keys =
        format!("aws_access_key_id={}\naws_secret_access_key={}\naws_session_token=static-token", STATIC.0, STATIC.1);
    fs::write(&credentials, format!("[logs]\n{keys}\n")).unwrap();
    let file = credentials.display().to_string();
    let variables = [("AWS_SHARED_CREDENTIALS_FILE", file.as_str()), ("AWS_ACCESS_KEY_ID", "not-this-one")];
    let mut shipping =
        Shipping::start(place, &amazon, "AWS_Service_Name aoss\n  AWS_Profile logs\n  Compress off", &variables);
    shipping.write();
    shipping.end();
}

#[test]
fn commands_sign_as_the_output_does() {
    let amazon = Amazon::start("aoss");
    amazon.knows(STATIC, None);
    let url = amazon.url();
    for command in [&["setup", "--index", "signed", "--retention", "7d"][..], &["query", "level:ERROR"]] {
        let signing = ["--url", &url, "--aws-region", "eu-central-1", "--aws-service", "aoss"];
        let keys = [("AWS_ACCESS_KEY_ID", STATIC.0), ("AWS_SECRET_ACCESS_KEY", STATIC.1)];
        let output = flytail().args(command).args(signing).envs(keys).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!said.contains("status 403") && !said.contains(STATIC.1), "{said}");
    }
    amazon.look(|state| {
        assert_eq!(state.refused, Vec::<String>::new());
        for wanted in ["GET /", "PUT /_index_template/flytail-signed", "POST /flyte-logs-*/_search"] {
            assert!(state.asked.iter().any(|asked| asked == wanted), "{wanted}: {:?}", state.asked);
        }
    });
}

#[test]
fn a_service_account_is_lent_keys_that_are_renewed_in_time() {
    let amazon = Amazon::start("es");
    let place = Place::new();
    let token = place.path("web-identity");
    fs::write(&token, "web.identity+token\n").unwrap();
    let file = token.display().to_string();
    let variables = [("AWS_WEB_IDENTITY_TOKEN_FILE", file.as_str()), ("AWS_ROLE_ARN", "arn:aws:iam::1:role/logs")];
    let mut shipping = Shipping::start(place, &amazon, &format!("AWS_STS_Endpoint {}/sts", amazon.url()), &variables);
    shipping.write_until_keys_changed(3);
    let forms = amazon.look(|state| state.forms.clone());
    assert!(forms[0].contains("Action=AssumeRoleWithWebIdentity&"), "{forms:?}");
    assert!(forms[0].contains("RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Flogs&"), "{forms:?}");
    shipping.end();
}

#[test]
fn a_container_is_lent_keys_for_a_token_that_is_renewed() {
    let amazon = Amazon::start("es");
    let place = Place::new();
    let token = place.path("pod-identity");
    fs::write(&token, "pod-token-1\n").unwrap();
    amazon.change(|state| state.container_token = "pod-token-1".to_owned());
    let (url, file) = (format!("{}/container?v=1", amazon.url()), token.display().to_string());
    let variables = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file.as_str()),
    ];
    let mut shipping = Shipping::start(place, &amazon, "", &variables);
    shipping.write_until_keys_changed(1);
    // First the file, then the server: in between both are taken.
    fs::write(&token, "pod-token-2\n").unwrap();
    amazon.change(|state| state.container_token = "pod-token-2".to_owned());
    let seen = amazon.look(|state| state.used.len());
    shipping.write_until_keys_changed(seen + 1);
    shipping.end();
}

#[test]
fn an_instance_is_lent_keys_and_takes_on_a_role_with_them() {
    let amazon = Amazon::start("es");
    let url = amazon.url();
    let variables = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.as_str())];
    let mut shipping = Shipping::start(Place::new(), &amazon, "", &variables);
    shipping.write_until_keys_changed(2);
    shipping.end();

    let amazon = Amazon::start("es");
    let url = amazon.url();
    let options =
        format!("AWS_STS_Endpoint {url}/sts\n  AWS_Role_ARN arn:aws:iam::2:role/other\n  AWS_External_ID ours");
    let variables = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.as_str())];
    let mut shipping = Shipping::start(Place::new(), &amazon, &options, &variables);
    shipping.write_until_keys_changed(2);
    let forms = amazon.look(|state| state.forms.clone());
    assert!(forms.iter().all(|form| form.contains("Action=AssumeRole&ExternalId=ours&")), "{forms:?}");
    shipping.end();
}

#[test]
fn without_keys_nothing_is_lost_and_the_reason_is_told() {
    let amazon = Amazon::start("es");
    amazon.change(|state| state.is_denying = true);
    let url = amazon.url();
    let variables = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", url.as_str())];
    let mut shipping = Shipping::start(Place::new(), &amazon, "", &variables);
    shipping.write();
    wait_for(&true, || shipping.shipper.log().contains("the instance's endpoint hands out no keys: status 403"));
    amazon.change(|state| state.is_denying = false);
    shipping.write();
    shipping.end();
}
