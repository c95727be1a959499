//! In: credentials. Out: tokens for one resource, and AADSTS errors.

use counterplay_sandbox::{Options, Sandbox, Service};

use crate::client::{Caller, read};

#[tokio::test]
async fn a_token_opens_one_resource_only() {
    let caller = Caller::new().await;
    let (status, body) = caller.ask_token(&[]).await;
    assert_eq!(status, 200);
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 3599);
    let exchange = caller.token_for("https://outlook.office365.com").await;
    let response = caller
        .send("GET", "/graph/v1.0/domains", &exchange, None)
        .await;
    let (status, body) = read(response.expect("an answer")).await;
    assert_eq!(status, 401);
    assert_eq!(body["error"]["code"], "InvalidAuthenticationToken");
    for inner in ["date", "request-id", "client-request-id"] {
        assert!(body["error"]["innerError"][inner].is_string(), "{inner}");
    }
    let response = caller.send("GET", "/graph/v1.0/domains", "", None).await;
    assert_eq!(read(response.expect("an answer")).await.0, 401);
    assert_eq!(caller.get("/domains").await.0, 200);
}

#[tokio::test]
async fn wrong_credentials_have_numbers() {
    let caller = Caller::new().await;
    for (field, value, status, error, number) in [
        ("client_secret", "wrong", 401, "invalid_client", 7_000_215),
        ("client_id", "nobody", 400, "unauthorized_client", 700_016),
        ("scope", "User.Read", 400, "invalid_scope", 1_002_012),
        (
            "scope",
            "https://x.example/.default",
            400,
            "invalid_resource",
            500_011,
        ),
        (
            "grant_type",
            "password",
            400,
            "unsupported_grant_type",
            70_003,
        ),
        ("client_secret", "", 400, "invalid_request", 900_144),
    ] {
        let (got, body) = caller.ask_token(&[(field, value)]).await;
        assert_eq!(got, status, "{body}");
        assert_eq!(body["error"], error);
        assert_eq!(body["error_codes"][0], number);
        let text = body["error_description"].as_str().unwrap_or_default();
        assert!(text.starts_with(&format!("AADSTS{number}: ")), "{text}");
    }
    let response = caller.send(
        "POST",
        "/login/elsewhere.example/oauth2/v2.0/token",
        "",
        None,
    );
    let (status, body) = read(response.await.expect("an answer")).await;
    assert_eq!((status, &body["error_codes"][0]), (400, &90_002.into()));
}

#[tokio::test]
async fn an_assertion_is_checked_as_the_identity_platform_does() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
    use sha2::{Digest, Sha256};

    let caller = Caller::new().await;
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("a key");
    let made = rcgen::CertificateParams::default().self_signed(&key);
    let certificate = made.expect("a certificate");
    let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(certificate.der()));
    let pem = certificate.pem();
    let state = caller.sandbox.state();
    let address = format!(
        "{}/login/{}/oauth2/v2.0/token",
        caller.sandbox.base_url(),
        state.id
    );
    let now = jiff::Timestamp::now().as_second();
    let signed = |alg: Algorithm, thumbprint: &str, change: serde_json::Value| {
        let mut claims = serde_json::json!({
            "aud": address, "iss": "counterplay-sandbox", "sub": "counterplay-sandbox",
            "jti": "1", "iat": now, "nbf": now - 10, "exp": now + 300,
        });
        for (name, value) in change.as_object().expect("claims") {
            claims[name] = value.clone();
        }
        let header = Header {
            x5t_s256: Some(thumbprint.to_owned()),
            ..Header::new(alg)
        };
        let key = EncodingKey::from_rsa_pem(key.serialize_pem().as_bytes()).expect("a key");
        encode(&header, &claims, &key).expect("signed")
    };
    let good = signed(Algorithm::PS256, &thumbprint, serde_json::json!({}));
    let forged = {
        let (said, _) = good.rsplit_once('.').expect("parts");
        format!("{said}.{}", URL_SAFE_NO_PAD.encode([7_u8; 256]))
    };
    let ask = async |assertion: &str| {
        caller
            .ask_token(&[
                ("client_secret", ""),
                (
                    "client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                ),
                ("client_assertion", assertion),
            ])
            .await
    };
    // Nothing is registered yet.
    assert_eq!(ask(&good).await.1["error_codes"][0], 700_027);
    caller
        .sandbox
        .update(|tenant| tenant.app.certificate = Some(pem));
    assert_eq!(ask(&good).await.0, 200);
    assert_eq!(
        ask(&signed(
            Algorithm::RS256,
            &thumbprint,
            serde_json::json!({})
        ))
        .await
        .0,
        200
    );
    for (assertion, status, number) in [
        (forged, 401, 700_027),
        (
            signed(Algorithm::PS256, "AAAA", serde_json::json!({})),
            401,
            700_027,
        ),
        (
            signed(
                Algorithm::PS256,
                &thumbprint,
                serde_json::json!({"aud": "https://x"}),
            ),
            401,
            700_023,
        ),
        (
            signed(
                Algorithm::PS256,
                &thumbprint,
                serde_json::json!({"exp": now - 60}),
            ),
            401,
            700_024,
        ),
        (
            signed(
                Algorithm::PS256,
                &thumbprint,
                serde_json::json!({"nbf": now + 60}),
            ),
            401,
            700_024,
        ),
        (
            signed(
                Algorithm::PS256,
                &thumbprint,
                serde_json::json!({"iss": "another"}),
            ),
            401,
            700_021,
        ),
        (
            signed(Algorithm::RS512, &thumbprint, serde_json::json!({})),
            400,
            50_027,
        ),
        ("no.jwt.at-all".to_owned(), 400, 50_027),
    ] {
        let (got, body) = ask(&assertion).await;
        assert_eq!(
            (got, &body["error_codes"][0]),
            (status, &number.into()),
            "{body}"
        );
        let text = body["error_description"].as_str().unwrap_or_default();
        assert!(text.starts_with(&format!("AADSTS{number}: ")), "{text}");
    }
    let (status, body) = caller.ask_token(&[("client_assertion", &good)]).await;
    assert_eq!((status, &body["error_codes"][0]), (400, &900_144.into()));
}

#[tokio::test]
async fn tokens_expire() {
    let mut options = Options::default();
    options.tenant.token_lifetime_s = 0;
    let caller = Caller {
        sandbox: Sandbox::start(options).await.expect("starts"),
        http: reqwest::Client::new(),
        token: String::new(),
    };
    let token = caller.token_for("https://graph.microsoft.com").await;
    let response = caller
        .send("GET", "/graph/v1.0/domains", &token, None)
        .await;
    let (status, body) = read(response.expect("an answer")).await;
    assert_eq!(status, 401);
    assert!(
        body["error"]["message"]
            .as_str()
            .is_some_and(|text| text.contains("expired"))
    );
}

#[tokio::test]
async fn secrets_are_not_recorded() {
    let caller = Caller::new().await;
    let password = serde_json::json!({"passwordProfile": {"password": "Tr0mbone-Sky-41"}});
    let path = format!("/users/{}", crate::client::PRIYA);
    assert_eq!(caller.graph("PATCH", &path, Some(password)).await.0, 204);
    let requests = caller.sandbox.requests();
    let text = serde_json::to_string(&requests).expect("JSON");
    for secret in ["sandbox-secret", "Tr0mbone", &caller.token] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let kinds: Vec<_> = requests
        .iter()
        .map(|request| (request.service, request.status))
        .collect();
    assert_eq!(
        kinds,
        [(Service::Login, Some(200)), (Service::Graph, Some(204))]
    );
    assert_eq!(requests[0].body["client_id"], "counterplay-sandbox");
    assert_eq!(requests[0].body["client_secret"], "(redacted)");
    let state = serde_json::to_string(&caller.sandbox.state()).expect("JSON");
    assert!(!state.contains("Tr0mbone"));
}
