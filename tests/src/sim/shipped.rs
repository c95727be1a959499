//! A source of chance in, events as the services of Microsoft 365 tell of them out: what starts the responses that ship.

use super::chance::Chance;
use jiff::Timestamp;
use serde_json::{Value as Json, json};

/// People of the sandbox's tenant: ids and names.
const PEOPLE: [(&str, &str); 4] = [
    (
        "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1003",
        "priya.raman@contoso.example",
    ),
    (
        "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1004",
        "jonas.weber@contoso.example",
    ),
    (
        "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1006",
        "lucas.ferreira@contoso.example",
    ),
    (
        "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1007",
        "someone.else@contoso.example",
    ),
];

/// An event that has not been seen before.
pub fn event(chance: &mut Chance, key: &str, now_ms: i64) -> Json {
    let (person, name) = *chance.of(&PEOPLE);
    let at = Timestamp::from_millisecond(now_ms)
        .unwrap_or_default()
        .to_string();
    match chance.below(4) {
        0 => json!({
            "@odata.type": "#microsoft.graph.riskDetection",
            "id": format!("risk-{key}"),
            "riskEventType": "anonymizedIPAddress",
            "riskState": "atRisk",
            "riskLevel": *chance.of(&["low", "medium", "high"]),
            "detectedDateTime": at,
            "lastUpdatedDateTime": at,
            "userId": person,
            "userDisplayName": name,
            "userPrincipalName": name,
        }),
        1 => json!({
            "id": person,
            "userPrincipalName": name,
            "userDisplayName": name,
            "isMfaRegistered": false,
            "userType": "member",
            "lastUpdatedDateTime": at,
        }),
        2 => json!({
            "id": format!("b48d2f60-91c7-4e35-a0d2-6e1f5a7c200{}", chance.between(1, 4)),
            "userId": person,
            "deviceName": "CONTOSO-LT-014",
            "operatingSystem": "Windows",
            "complianceState": "noncompliant",
            "userPrincipalName": name,
            "lastSyncDateTime": at,
        }),
        _ => json!({
            "mailbox": person,
            "id": format!("rule-{key}"),
            "displayName": ".",
            "sequence": 2,
            "isEnabled": true,
            "conditions": { "subjectContains": ["invoice"] },
            "actions": {
                "forwardTo": [{ "emailAddress": { "name": "A", "address": "a@elsewhere.example" } }],
                "stopProcessingRules": true,
            },
        }),
    }
}
