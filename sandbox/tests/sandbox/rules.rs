//! In: calls on inbox rules. Out: "messageRule"; hidden ones only through Exchange.

use serde_json::json;

use crate::client::{Caller, PRIYA};

#[tokio::test]
async fn a_rule_is_disabled_deleted_and_made_again() {
    let caller = Caller::new().await;
    let base = format!("/users/{PRIYA}/mailFolders/inbox/messageRules");
    let (_, list) = caller.get(&base).await;
    assert_eq!(list["value"].as_array().map(Vec::len), Some(3));
    let rule = list["value"][1].clone();
    let target = &rule["actions"]["forwardTo"][0]["emailAddress"]["address"];
    assert_eq!(target, "a.miller@fastmail-drop.example");
    let path = format!("{base}/{}", rule["id"].as_str().expect("an id"));
    let (status, off) = caller
        .graph("PATCH", &path, Some(json!({"isEnabled": false})))
        .await;
    assert_eq!((status, &off["isEnabled"]), (200, &false.into()));
    assert_eq!(caller.graph("DELETE", &path, None).await.0, 204);
    let (status, body) = caller.get(&path).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (404, &"ErrorItemNotFound".into())
    );
    let (status, again) = caller.graph("POST", &base, Some(rule.clone())).await;
    assert_eq!(status, 201);
    assert_eq!(again["actions"], rule["actions"]);
    assert_ne!(again["id"], rule["id"]);
}

#[tokio::test]
async fn some_rules_cannot_be_changed_or_seen() {
    let caller = Caller::new().await;
    caller.sandbox.update(|tenant| {
        let mailbox = tenant
            .user_mut(PRIYA)
            .and_then(|user| user.mailbox.as_mut());
        let rules = &mut mailbox.expect("a mailbox").message_rules;
        rules[0].is_read_only = true;
        rules[1].hidden = true;
    });
    let base = format!("/users/{PRIYA}/mailFolders/inbox/messageRules");
    let (_, list) = caller.get(&base).await;
    assert_eq!(list["value"].as_array().map(Vec::len), Some(2));
    let id = list["value"][0]["id"].as_str().expect("an id");
    let off = Some(json!({"isEnabled": false}));
    let (status, body) = caller.graph("PATCH", &format!("{base}/{id}"), off).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (403, &"ErrorAccessDenied".into())
    );
    let guest = "/users/elena.petrova@northwind.example/mailFolders/inbox/messageRules";
    let (status, body) = caller.get(guest).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (404, &"MailboxNotEnabledForRESTAPI".into())
    );
}
