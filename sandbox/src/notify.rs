//! In: accounts that change. Out: notifications to whoever has subscribed, and tokens to be given back.
//!
//! Pages: "Receive change notifications through webhooks", "changeNotification resource type".

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::graph::subscriptions::Subscription;
use crate::ids;
use crate::odata;
use crate::sandbox::wait_for_stop;
use crate::tenant::User;
use crate::world::Shared;

/// How often is looked for what has changed.
const EVERY: Duration = Duration::from_millis(200);
/// How long an address has for its answer ("the client must respond within 10 seconds").
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer that is read of an address.
const ANSWER_MAX: usize = 4096;

/// Asks an address to give back a token. The error says what was wrong.
pub(crate) async fn validate(client: &reqwest::Client, address: &str) -> Result<(), String> {
    let token = format!(
        "Validation: Testing client application reachability {}",
        ids::guid(address)
    );
    let mut url: reqwest::Url = address
        .parse()
        .map_err(|_| "The notification URL is not a web address.".to_owned())?;
    url.query_pairs_mut().append_pair("validationToken", &token);
    let answer = client
        .post(url)
        .header("content-type", "text/plain; charset=utf-8")
        .timeout(PATIENCE)
        .send()
        .await
        .map_err(|_| "The notification endpoint could not be reached.".to_owned())?;
    let (status, kind) = (
        answer.status().as_u16(),
        answer.headers().get("content-type"),
    );
    let is_plain = kind
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("text/plain"));
    if status != 200 {
        return Err(format!("The notification endpoint answered {status}."));
    }
    let body = answer.text().await.unwrap_or_default();
    if !is_plain || body.len() > ANSWER_MAX || body != token {
        return Err("The notification endpoint did not return the validation token.".into());
    }
    Ok(())
}

/// Tells of what changes until the sandbox stops.
pub(crate) async fn serve(world: Shared, client: reqwest::Client, stopped: watch::Receiver<bool>) {
    let mut before = world.lock().tenant.users.clone();
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = wait_for_stop(stopped.clone()) => return,
        }
        let (told, after) = {
            let mut world = world.lock();
            let now = Timestamp::now();
            world.subscriptions.retain(|s| s.expires > now);
            let after = world.tenant.users.clone();
            let tenant = world.tenant.id.clone();
            (
                notifications(&world.subscriptions, &tenant, &before, &after),
                after,
            )
        };
        before = after;
        for (address, value) in told {
            let sent = client.post(address).json(&json!({ "value": value }));
            // Whoever does not answer is not told again here; the real service tries for hours.
            let _ = sent.timeout(PATIENCE).send().await;
        }
    }
}

/// What is to be told to which address.
fn notifications(
    subscriptions: &[Subscription],
    tenant: &str,
    before: &BTreeMap<String, User>,
    after: &BTreeMap<String, User>,
) -> Vec<(String, Vec<Value>)> {
    let changed = |id: &String, user: &User| match before.get(id) {
        None => Some("created"),
        Some(old) if old != user => Some("updated"),
        Some(_) => None,
    };
    let gone = before.keys().filter(|id| !after.contains_key(*id));
    let changes: Vec<(&String, &str)> = after
        .iter()
        .filter_map(|(id, user)| Some((id, changed(id, user)?)))
        .chain(gone.map(|id| (id, "deleted")))
        .collect();
    let mut told = Vec::new();
    for subscription in subscriptions {
        let value: Vec<Value> = changes
            .iter()
            .filter(|(_, kind)| subscription.changes.iter().any(|c| c == kind))
            .map(|(id, kind)| {
                json!({
                    "changeType": kind,
                    "clientState": subscription.client_state,
                    "resource": format!("Users/{id}"),
                    "resourceData": {
                        "@odata.type": "#Microsoft.Graph.User",
                        "@odata.id": format!("Users/{id}"),
                        "id": id,
                        "organizationId": tenant,
                    },
                    "subscriptionExpirationDateTime": odata::time(subscription.expires),
                    "subscriptionId": subscription.id,
                    "tenantId": tenant,
                })
            })
            .collect();
        if !value.is_empty() {
            told.push((subscription.notification_url.clone(), value));
        }
    }
    told
}
