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
