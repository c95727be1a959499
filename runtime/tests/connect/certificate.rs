//! Signing in with a certificate in the place of a client secret, against the sandbox, which checks what is signed.

use crate::support::*;
use counterplay_machine::declare::{Auth, PathPart, Request};
use counterplay_machine::deployment::ConnectionSettings;
use counterplay_runtime::call::CallOutcome;
use counterplay_runtime::clock::{Clock, SystemClock, VirtualClock};
use counterplay_runtime::connect::MemorySecrets;
use counterplay_sandbox::{Options, Sandbox, Service};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use std::sync::Arc;

struct Made {
    certificate: String,
    /// Certificate and key.
    both: String,
}

fn made() -> Made {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).expect("a key");
    let certificate = CertificateParams::default()
        .self_signed(&key)
        .expect("a certificate")
        .pem();
    Made {
        both: format!("{certificate}{}", key.serialize_pem()),
        certificate,
    }
}

/// A query for domains, with this certificate.
fn bench(sandbox: &Sandbox, pem: &str, clock: Arc<dyn Clock>, token_host: &str) -> Bench {
    let base = sandbox.base_url();
    let mut ask = query("ask");
    if let Request::Http { path, .. } = &mut ask.request {
        path[0] = PathPart::Literal(arc("/domains"));
    }
    let auth = Auth::OAuth2 {
        token_url: arc(&format!(
            "{token_host}/login/{{tenant.id}}/oauth2/v2.0/token"
        )),
        scope: arc("https://graph.microsoft.com/.default"),
    };
    let graph = ConnectionSettings {
        client_id: Some("counterplay-sandbox".into()),
        secret: None,
        certificate: Some("graph-certificate".into()),
        ..settings(&format!("{base}/graph/v1.0"))
    };
    let secrets = MemorySecrets::new([("graph-certificate", pem)]);
    Bench::with_secrets(
        connection(auth),
        Some(graph),
        vec![ask],
        clock,
        Arc::new(secrets),
    )
}

#[tokio::test]
async fn a_certificate_takes_the_place_of_a_client_secret() {
    let sandbox = Sandbox::start(Options::default()).await.expect("starts");
    let known = made();
    sandbox.update(|tenant| tenant.app.certificate = Some(known.certificate.clone()));
    let bench = bench(
        &sandbox,
        &known.both,
        Arc::new(SystemClock),
        &sandbox.base_url(),
    );
    for _ in 0..2 {
        let outcome = bench.call("ask").await;
        assert!(matches!(outcome, CallOutcome::Done(_)), "{outcome:?}");
    }
    let tokens: Vec<_> = sandbox
        .requests()
        .into_iter()
        .filter(|r| r.service == Service::Login)
        .collect();
    assert_eq!(tokens.len(), 1, "one token serves both");
    assert_eq!(
        tokens[0].body["client_assertion_type"],
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    );
    assert!(tokens[0].body.get("client_secret").is_none());
}

#[tokio::test]
async fn what_the_token_service_refuses_is_said_in_words_that_help() {
    let sandbox = Sandbox::start(Options::default()).await.expect("starts");
    let (known, other) = (made(), made());
    sandbox.update(|tenant| tenant.app.certificate = Some(known.certificate.clone()));
    let base = sandbox.base_url();
    let now: Arc<dyn Clock> = Arc::new(SystemClock);
    let early: Arc<dyn Clock> = Arc::new(VirtualClock::at(now.now_ms() - 3_600_000));
    let late: Arc<dyn Clock> = Arc::new(VirtualClock::at(now.now_ms() + 3_600_000));
    // The assertion is for the address that was asked, not for the one that the service has.
    let elsewhere = base.replace("127.0.0.1", "localhost");
    let mut said = Vec::new();
    for (pem, clock, host) in [
        (&other.both, now.clone(), &base),
        (&known.certificate, now.clone(), &base),
        (&known.both, early, &base),
        (&known.both, late, &base),
    ] {
        said.push(failure(bench(&sandbox, pem, clock, host).call("ask").await));
    }
    insta::assert_snapshot!(said.join("\n"));
    // Every other address of the same service is fine: it is told its own.
    let outcome = bench(&sandbox, &known.both, now, &elsewhere)
        .call("ask")
        .await;
    assert!(matches!(outcome, CallOutcome::Done(_)), "{outcome:?}");
    let shown = format!("{:?}", sandbox.requests());
    assert!(!shown.contains("eyJ"), "assertions are not in the log");
}
