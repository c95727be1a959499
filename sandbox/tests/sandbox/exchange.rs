//! In: Exchange cmdlets. Out: mailboxes and rules, hidden ones too.

use counterplay_sandbox::MailboxType;
use serde_json::{Value, json};

use crate::client::{Caller, HANNAH, PRIYA, read};

async fn invoke(
    caller: &Caller,
    token: &str,
    anchor: bool,
    name: &str,
    parameters: Value,
) -> (u16, Value) {
    let base = caller.sandbox.base_url();
    let tenant = caller.sandbox.state().id;
    let url = format!("{base}/exchange/adminapi/beta/{tenant}/InvokeCommand");
    let mut request = caller.http.post(url).bearer_auth(token);
    if anchor {
        request = request.header(
            "X-AnchorMailbox",
            "UPN:SystemMailbox@contoso.onmicrosoft.com",
        );
    }
    let body = json!({"CmdletInput": {"CmdletName": name, "Parameters": parameters}});
    read(request.json(&body).send().await.expect("an answer")).await
}

#[tokio::test]
async fn a_mailbox_becomes_shared_and_back() {
    let caller = Caller::new().await;
    let token = caller.token_for("https://outlook.office365.com").await;
    let shared = json!({"Identity": HANNAH, "Type": "Shared"});
    assert_eq!(
        invoke(&caller, &caller.token, true, "Set-Mailbox", shared.clone())
            .await
            .0,
        401
    );
    assert_eq!(
        invoke(&caller, &token, false, "Set-Mailbox", shared.clone())
            .await
            .0,
        400
    );
    assert_eq!(
        invoke(&caller, &token, true, "Set-Mailbox", shared).await.0,
        200
    );
    let (_, body) = invoke(
        &caller,
        &token,
        true,
        "Get-Mailbox",
        json!({"Identity": HANNAH}),
    )
    .await;
    assert_eq!(body["value"][0]["RecipientTypeDetails"], "SharedMailbox");
    let regular = json!({"Identity": "hannah.cole@contoso.example", "Type": "Regular"});
    assert_eq!(
        invoke(&caller, &token, true, "Set-Mailbox", regular)
            .await
            .0,
        200
    );
    let state = caller.sandbox.state();
    let mailbox = state.user(HANNAH).and_then(|user| user.mailbox.as_ref());
    assert_eq!(
        mailbox.map(|mailbox| mailbox.kind),
        Some(MailboxType::Regular)
    );
    assert_eq!(
        invoke(
            &caller,
            &token,
            true,
            "Get-Mailbox",
            json!({"Identity": "x"})
        )
        .await
        .0,
        404
    );
    assert_eq!(
        invoke(&caller, &token, true, "Remove-Mailbox", json!({}))
            .await
            .0,
        400
    );
}

#[tokio::test]
async fn hidden_rules_are_seen_and_disabled() {
    let caller = Caller::new().await;
    caller.sandbox.update(|tenant| {
        let mailbox = tenant
            .user_mut(PRIYA)
            .and_then(|user| user.mailbox.as_mut());
        mailbox.expect("a mailbox").message_rules[1].hidden = true;
    });
    let token = caller.token_for("https://outlook.office365.com").await;
    let (_, body) = invoke(
        &caller,
        &token,
        true,
        "Get-InboxRule",
        json!({"Mailbox": PRIYA}),
    )
    .await;
    assert_eq!(body["value"].as_array().map(Vec::len), Some(2));
    let all = json!({"Mailbox": PRIYA, "IncludeHidden": true});
    let (_, body) = invoke(&caller, &token, true, "Get-InboxRule", all).await;
    let rule = &body["value"][1];
    assert_eq!(rule["ForwardTo"], json!(["a.miller@fastmail-drop.example"]));
    let identity = json!({"Identity": rule["Identity"]});
    assert_eq!(
        invoke(&caller, &token, true, "Disable-InboxRule", identity)
            .await
            .0,
        200
    );
    let state = caller.sandbox.state();
    let mailbox = state.user(PRIYA).and_then(|user| user.mailbox.as_ref());
    assert!(!mailbox.expect("a mailbox").message_rules[1].is_enabled);
}
