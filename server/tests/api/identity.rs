//! Sessions, forged requests, tokens and limits over HTTP.

use crate::support::{Given, PASSWORD, Service, tenants};
use counterplay_server::identity::{LoginLimits, Principal, Role, Scope};
use reqwest::Method;
use serde_json::json;

const SESSION: &str = "/api/automation/session";
const TOKENS: &str = "/api/automation/tokens";

#[tokio::test(flavor = "multi_thread")]
async fn sessions_begin_and_end() {
    let service = Service::start().await;
    let ada = service
        .person("ada@msp.example", &[Role::Administrator], Scope::All)
        .await;
    let me = ada.get(SESSION).await;
    assert_eq!(me.ok(200).json["id"], "ada@msp.example");
    let new = json!({"name": "ci", "role": "viewer"});
    ada.without("x-csrf-token")
        .post(TOKENS, new.clone())
        .await
        .problem(403, "forbidden")
        .detail("x-csrf-token");
    ada.with("x-csrf-token", "guess")
        .post(TOKENS, new.clone())
        .await
        .problem(403, "forbidden");
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
    ] {
        ada.with(name, value)
            .post(TOKENS, new.clone())
            .await
            .problem(403, "forbidden");
    }
    ada.without("origin")
        .post(TOKENS, new.clone())
        .await
        .problem(403, "forbidden")
        .detail("Origin");
    ada.post(TOKENS, new).await.ok(201);
    service
        .stranger()
        .with("origin", "https://evil.example")
        .post(
            SESSION,
            json!({"email": "ada@msp.example", "password": PASSWORD}),
        )
        .await
        .problem(403, "forbidden");
    ada.send(Method::DELETE, SESSION, None).await.ok(204);
    ada.get(SESSION).await.problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_are_slowed_down() {
    let service = Service::with(Given {
        limits: LoginLimits::default(),
        ..Given::default()
    })
    .await;
    service
        .account("ada@msp.example", &[Role::Viewer], Scope::All)
        .await;
    let wrong = json!({"email": "ada@msp.example", "password": "not the password"});
    let unknown = json!({"email": "nobody@msp.example", "password": "not the password"});
    let stranger = service.stranger();
    let first = stranger.post(SESSION, wrong.clone()).await;
    first.problem(401, "unauthorized");
    assert_eq!(stranger.post(SESSION, unknown).await.text, first.text);
    let mut last = first;
    for _ in 0..6 {
        last = stranger.post(SESSION, wrong.clone()).await;
    }
    last.problem(429, "too-many");
    assert!(
        last.header("retry-after")
            .parse::<u64>()
            .is_ok_and(|s| s > 0)
    );
    let right = json!({"email": "ada@msp.example", "password": PASSWORD});
    stranger.post(SESSION, right).await.problem(429, "too-many");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_end() {
    let service = Service::start().await;
    let console = Principal::console();
    let viewer = service.token(Role::Viewer, Scope::All).await;
    viewer.get(SESSION).await.ok(200);
    service
        .bearer("cp_nothing")
        .get(SESSION)
        .await
        .problem(401, "unauthorized");
    service
        .stranger()
        .with("authorization", "Basic YTpi")
        .get(SESSION)
        .await
        .problem(401, "unauthorized");
    let other = service.token(Role::Viewer, Scope::All).await;
    let tokens = service.app.identity.tokens(&console).await.expect("tokens");
    let num = tokens.iter().map(|t| t.num).max().expect("one");
    service
        .app
        .identity
        .revoke_token(&console, num)
        .await
        .expect("revoked");
    let refused = other.get(SESSION).await;
    refused.problem(401, "unauthorized");
    assert_eq!(refused.header("www-authenticate"), "Bearer");
    service.clock.by_days(31);
    viewer.get(SESSION).await.problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_of_other_tenants_are_out_of_sight() {
    let service = Service::start().await;
    service
        .account("root@msp.example", &[Role::Administrator], Scope::All)
        .await;
    service
        .account(
            "con@contoso.example",
            &[Role::Viewer],
            tenants(&["contoso"]),
        )
        .await;
    let admin = service
        .person(
            "fab@fabrikam.example",
            &[Role::Administrator],
            tenants(&["fabrikam"]),
        )
        .await;
    let list = admin.get("/api/automation/people").await;
    assert!(!list.ok(200).text.contains("contoso"), "{}", list.text);
    let everybody = service
        .app
        .identity
        .people(&Principal::console())
        .await
        .expect("people");
    for person in everybody.iter().filter(|p| !p.email.starts_with("fab")) {
        let path = format!("/api/automation/people/{}", person.num);
        admin
            .send(Method::PATCH, &path, Some(json!({"disabled": true})))
            .await
            .problem(404, "not-found");
        admin
            .post(&format!("{path}/password"), json!({}))
            .await
            .problem(404, "not-found");
    }
    service.token(Role::Viewer, tenants(&["contoso"])).await;
    let tokens = service
        .app
        .identity
        .tokens(&Principal::console())
        .await
        .expect("tokens");
    let path = format!("{TOKENS}/{}", tokens[0].num);
    admin
        .send(Method::DELETE, &path, None)
        .await
        .problem(404, "not-found");
    let beyond = json!({"name": "x", "role": "viewer", "tenants": ["contoso"]});
    let refused = admin.post(TOKENS, beyond).await;
    assert!([403, 404].contains(&refused.status), "{}", refused.text);
}
