//! Nothing in; the people, events and bustle of a made-up system that a newcomer looks at out.

use super::ready::Login;
use crate::built_in;
use counterplay_runtime::engine::Incoming;
use counterplay_sandbox::Sandbox;
use counterplay_server::app::{App, Sample, SandboxSettings};
use counterplay_server::identity::Role;
use serde_json::{Value as Json, json};
use std::time::Duration;

/// The tenant of the tour.
pub const TENANT: &str = "contoso";
/// How often something happens by itself.
const PAUSE: Duration = Duration::from_secs(45);
/// How often at most: a service that is forgotten over night does not fill the disk.
const TIMES_MAX: usize = 400;

/// People of Contoso in the order in which things happen to them.
pub const VICTIMS: [(&str, &str, &str); 5] = [
    (
        "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1003",
        "Priya Raman",
        "priya.raman",
    ),
    (
        "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1005",
        "Mei Tanaka",
        "mei.tanaka",
    ),
    (
        "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1004",
        "Jonas Weber",
        "jonas.weber",
    ),
    (
        "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1002",
        "Omar Haddad",
        "omar.haddad",
    ),
    (
        "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1006",
        "Lucas Ferreira",
        "lucas.ferreira",
    ),
];

/// Somebody who can log in.
pub struct Player {
    /// The e-mail address; teams of the tour's project have it.
    pub email: &'static str,
    /// The name.
    pub name: &'static str,
    /// What they are trusted with.
    pub roles: &'static [Role],
    /// That, in words.
    pub may: &'static str,
}

/// Who can log in: one who starts, two who approve.
pub fn people() -> [Player; 3] {
    [
        Player {
            email: "finn.murphy@msp.example",
            name: "Finn Murphy",
            roles: &[Role::Operator, Role::Author, Role::Administrator],
            may: "starts playbooks, deploys, administers",
        },
        Player {
            email: "ana.ortiz@msp.example",
            name: "Ana Ortiz",
            roles: &[Role::Approver, Role::Operator],
            may: "approves for the SOC and the leads",
        },
        Player {
            email: "dana.kim@msp.example",
            name: "Dana Kim",
            roles: &[Role::Approver, Role::Author],
            may: "approves for the leads, decides on deploys",
        },
    ]
}

/// What the dashboard offers to newcomers.
pub fn settings(sandbox: &Sandbox, people: &[Login], now_ms: i64) -> SandboxSettings {
    SandboxSettings {
        samples: samples(),
        since_ms: now_ms,
        entities: [
            ("User", VICTIMS[0].0, VICTIMS[0].1),
            (
                "Device",
                "b48d2f60-91c7-4e35-a0d2-6e1f5a7c2004",
                "the phone of one of them",
            ),
        ]
        .map(|(ty, id, who)| (ty.to_owned(), (id.to_owned(), who.to_owned())))
        .into(),
        outside_url: sandbox.base_url(),
        people: people
            .iter()
            .map(|p| (p.email.clone(), p.password.clone(), p.may.clone()))
            .collect(),
    }
}

fn samples() -> Vec<Sample> {
    let sample = |name: &str, title: &str, event: &str, file: &str| {
        let payload = serde_json::from_str(built_in::event(file)?).ok()?;
        Some(Sample {
            name: name.into(),
            title: title.into(),
            event: event.into(),
            payload,
            fresh_id: name == "risky-sign-in",
        })
    };
    [
        sample(
            "risky-sign-in",
            "Somebody signs in from an anonymous address",
            "identity.risk_detected",
            "risk-detection.json",
        ),
        sample(
            "forwarding-rule",
            "A mail rule sends invoices out of the house",
            "exchange.rule_found",
            "forwarding-rule.json",
        ),
        sample(
            "noncompliant-device",
            "A laptop falls out of compliance",
            "intune.noncompliant",
            "noncompliant-device.json",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A risk detection about one of the people, with an id that no other has.
pub fn risk(index: usize, at_ms: i64) -> Json {
    let (id, name, mail) = VICTIMS[index % VICTIMS.len()];
    let kinds = [
        "anonymizedIPAddress",
        "leakedCredentials",
        "unfamiliarFeatures",
        "maliciousIPAddress",
    ];
    let levels = ["high", "low", "high", "medium", "high"];
    let at = counterplay_machine::duration::format_time_ms(at_ms);
    json!({
        "@odata.type": "#microsoft.graph.riskDetection",
        "id": format!("tour-{at_ms:x}-{index}"),
        "riskEventType": kinds[index % kinds.len()],
        "riskState": "atRisk",
        "riskLevel": levels[index % levels.len()],
        "riskDetail": "none",
        "source": "IdentityProtection",
        "detectionTimingType": "realtime",
        "activity": "signin",
        "tokenIssuerType": "AzureAD",
        "ipAddress": format!("198.51.100.{}", 10 + index % 200),
        "activityDateTime": at,
        "detectedDateTime": at,
        "lastUpdatedDateTime": at,
        "userId": id,
        "userDisplayName": name,
        "userPrincipalName": format!("{mail}@contoso.example"),
    })
}

/// Lets something happen now and then.
pub async fn keep_lively(app: App) {
    for index in 0..TIMES_MAX {
        tokio::time::sleep(PAUSE).await;
        let incoming = Incoming {
            tenant: TENANT.into(),
            event: None,
            payload: risk(index, app.clock.now_ms()),
            source: None,
        };
        if let Err(refusal) = app.engine.accept(incoming).await {
            tracing::debug!(%refusal, "an event of the tour was not accepted");
        }
    }
}
