//! In: HaloPSA calls. Out: tickets, notes and refusals.

use counterplay_sandbox::Tenant;
use serde_json::{Value, json};

use crate::client::{Caller, read};

async fn halo(
    caller: &Caller,
    token: &str,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> (u16, Value) {
    let response = caller
        .send(method, &format!("/halo{path}"), token, body)
        .await;
    read(response.expect("an answer")).await
}

#[tokio::test]
async fn a_ticket_is_made_found_noted_and_changed() {
    let caller = Caller::new().await;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", "counterplay-sandbox"),
        ("client_secret", "sandbox-secret"),
        ("scope", "all"),
    ];
    let url = format!("{}/halo/auth/token", caller.sandbox.base_url());
    let response = caller.http.post(url).form(&form).send().await;
    let (status, body) = read(response.expect("an answer")).await;
    assert_eq!(status, 200);
    let token = body["access_token"].as_str().expect("a token").to_owned();

    let ticket = json!({"summary": "Compromised account: Priya Raman", "details": "run 42",
        "client_id": 12, "tickettype_id": 1, "priority_id": 2, "team": "SOC"});
    let (status, body) = halo(
        &caller,
        &token,
        "POST",
        "/api/tickets",
        Some(ticket.clone()),
    )
    .await;
    assert_eq!(status, 400, "an object is not an array: {body}");
    let list = Some(json!([ticket]));
    assert_eq!(
        halo(&caller, &caller.token, "POST", "/api/tickets", list.clone())
            .await
            .0,
        401
    );
    let (status, made) = halo(&caller, &token, "POST", "/api/tickets", list).await;
    assert_eq!(status, 201);
    assert_eq!((&made["id"], &made["team"]), (&2001.into(), &"SOC".into()));
    assert_eq!(
        (&made["status_id"], &made["agent_id"]),
        (&1.into(), &1.into())
    );

    let (_, found) = halo(&caller, &token, "GET", "/api/tickets?search=run%2042", None).await;
    assert_eq!(
        (&found["record_count"], &found["tickets"][0]["id"]),
        (&1.into(), &2001.into())
    );
    let note = json!([{"ticket_id": 2001, "note": "Sign-in blocked"}]);
    let (status, _) = halo(&caller, &token, "POST", "/api/actions", Some(note)).await;
    assert_eq!(status, 201);
    let change = json!([{"id": 2001, "agent_id": 7, "status_id": 2}]);
    assert_eq!(
        halo(&caller, &token, "POST", "/api/tickets", Some(change))
            .await
            .0,
        201
    );
    let (_, ticket) = halo(&caller, &token, "GET", "/api/tickets/2001", None).await;
    assert_eq!(
        (&ticket["agent_id"], &ticket["priority_id"]),
        (&7.into(), &2.into())
    );
    let state = caller.sandbox.state();
    assert_eq!(state.tickets[&2001].actions[0].note, "Sign-in blocked");
    let text = serde_json::to_value(&state).expect("JSON");
    assert_eq!(serde_json::from_value::<Tenant>(text).ok(), Some(state));
    assert_eq!(
        halo(&caller, &token, "GET", "/api/tickets/9", None).await.0,
        404
    );
    assert_eq!(
        halo(&caller, &token, "GET", "/api/actions", None).await.0,
        405
    );
}
