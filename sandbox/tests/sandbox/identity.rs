//! In: calls on risk, alerts, sign-ins and domains. Out: the documented lists.

use serde_json::json;

use crate::client::{Caller, OMAR, PRIYA};

#[tokio::test]
async fn risk_is_confirmed_and_dismissed() {
    let caller = Caller::new().await;
    let (_, list) = caller
        .get("/identityProtection/riskDetections?$filter=riskLevel%20eq%20'high'")
        .await;
    assert_eq!(list["value"][0]["userId"], PRIYA);
    let body = Some(json!({"userIds": [OMAR, PRIYA]}));
    let risky = "/identityProtection/riskyUsers";
    let (status, _) = caller
        .graph("POST", &format!("{risky}/confirmCompromised"), body)
        .await;
    assert_eq!(status, 204);
    let (_, user) = caller.get(&format!("{risky}/{OMAR}")).await;
    assert_eq!(user["riskState"], "confirmedCompromised");
    let body = Some(json!({"userIds": [OMAR]}));
    assert_eq!(
        caller
            .graph("POST", &format!("{risky}/dismiss"), body)
            .await
            .0,
        204
    );
    let (_, list) = caller
        .get(&format!("{risky}?$filter=riskState%20eq%20'dismissed'"))
        .await;
    assert_eq!(list["value"][0]["id"], OMAR);
    let empty = Some(json!({"userIds": []}));
    assert_eq!(
        caller
            .graph("POST", &format!("{risky}/dismiss"), empty)
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn alerts_sign_ins_and_domains_are_listed() {
    let caller = Caller::new().await;
    let (_, list) = caller
        .get("/security/alerts_v2?$filter=severity%20eq%20'high'&$top=5")
        .await;
    let alert = &list["value"][0];
    assert_eq!(alert["evidence"].as_array().map(Vec::len), Some(3));
    let path = format!(
        "/security/alerts_v2/{}",
        alert["id"].as_str().expect("an id")
    );
    let (status, alert) = caller
        .graph("PATCH", &path, Some(json!({"status": "inProgress"})))
        .await;
    assert_eq!((status, &alert["status"]), (200, &"inProgress".into()));
    let comment = json!({"comment": "run 7"});
    let (status, list) = caller
        .graph("POST", &format!("{path}/comments"), Some(comment))
        .await;
    assert_eq!(
        (status, &list["value"][0]["comment"]),
        (200, &"run 7".into())
    );
    let (_, list) = caller
        .get(&format!(
            "/auditLogs/signIns?$filter=userId%20eq%20'{PRIYA}'"
        ))
        .await;
    assert_eq!(list["value"][0]["riskLevelDuringSignIn"], "high");
    let (_, list) = caller.get("/domains").await;
    assert_eq!(list["value"][0]["id"], "contoso.example");
    assert_eq!(list["value"][0]["isVerified"], true);
}
