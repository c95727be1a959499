//! In: the time now. Out: the small tenant "Contoso" that the demo and the tests use.

mod devices;
mod logs;
mod people;
mod products;
mod rules;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::ids;
use crate::tenant::{AppRegistration, Domain, Pager, SecretStores, Tenant};

/// The tenant's id.
const TENANT_ID: &str = "3f1c0a52-8d1e-4b67-9c0a-5e2d7b41f6a8";

/// The small tenant "Contoso", as if looked at now: see [`demo_tenant_at`].
pub fn demo_tenant() -> Tenant {
    demo_tenant_at(Timestamp::now())
}

/// The small tenant "Contoso" with ten people and five devices, as if looked at at this time. All times in it
/// lie before; everything else is always the same. Names and ids are made up.
pub fn demo_tenant_at(now: Timestamp) -> Tenant {
    let now = ids::whole(now);
    let users = people::all(now);
    let devices = devices::all(now, &users);
    Tenant {
        id: TENANT_ID.to_owned(),
        display_name: "Contoso".to_owned(),
        domains: BTreeMap::from([
            ("contoso.example".to_owned(), domain(true, false)),
            ("contoso.onmicrosoft.com".to_owned(), domain(false, true)),
        ]),
        app: AppRegistration {
            client_id: "counterplay-sandbox".to_owned(),
            client_secret: "sandbox-secret".to_owned(),
            certificate: None,
        },
        token_lifetime_s: 3599,
        skus: products::all(),
        intune: true,
        device_action_reads: 0,
        risky_users: logs::risky_users(now, &users),
        risk_detections: logs::risk_detections(now, &users),
        alerts: logs::alerts(now, &users, &devices),
        sign_ins: logs::sign_ins(now, &users),
        users,
        devices,
        tickets: BTreeMap::new(),
        teams_webhooks: ["soc", "soc_leads", "it", "security"]
            .map(|team| (team.to_owned(), "sandbox-teams-key".to_owned()))
            .into(),
        slack_webhooks: BTreeMap::from([(
            "T0CONTOSO/B0SOC/sandbox-slack-key".to_owned(),
            "soc".to_owned(),
        )]),
        webhook_secret: "sandbox-webhook-secret".to_owned(),
        pager: Pager {
            routing_key: "sandbox-pagerduty-routing-key-01".to_owned(),
            incidents: Vec::new(),
        },
        stores: SecretStores::empty(),
        chat: Vec::new(),
        mails: Vec::new(),
    }
}

fn domain(is_default: bool, is_initial: bool) -> Domain {
    Domain {
        is_default,
        is_initial,
        is_verified: true,
    }
}

/// This many days before a time.
fn days_before(now: Timestamp, days: i64) -> Timestamp {
    hours_before(now, days * 24)
}

/// This many hours before a time.
fn hours_before(now: Timestamp, hours: i64) -> Timestamp {
    now.checked_sub(SignedDuration::from_hours(hours))
        .unwrap_or(Timestamp::UNIX_EPOCH)
}
