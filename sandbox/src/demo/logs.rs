//! In: the time now, people and devices. Out: what Microsoft's detections said about them.
//!
//! Priya's account was taken over two hours ago: a sign-in from elsewhere, a risk detection, an alert.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{devices, hours_before, people};
use crate::ids;
use crate::odata::time;
use crate::tenant::{ManagedDevice, RiskyUser, User};

/// From the block that is reserved for documentation.
const ATTACKER_IP: &str = "203.0.113.77";

pub(super) fn risky_users(
    now: Timestamp,
    users: &BTreeMap<String, User>,
) -> BTreeMap<String, RiskyUser> {
    let priya = users.get(people::PRIYA).into_iter();
    priya
        .map(|user| RiskyUser {
            id: user.id.clone(),
            is_deleted: false,
            is_processing: false,
            risk_level: "high".to_owned(),
            risk_state: "atRisk".to_owned(),
            risk_detail: "none".to_owned(),
            risk_last_updated_date_time: hours_before(now, 2),
            user_display_name: user.display_name.clone(),
            user_principal_name: user.user_principal_name.clone(),
        })
        .map(|user| (user.id.clone(), user))
        .collect()
}

fn location() -> Value {
    json!({
        "city": "Lagos",
        "state": "Lagos",
        "countryOrRegion": "NG",
        "geoCoordinates": {"latitude": 6.4550, "longitude": 3.3941},
    })
}

fn by_id(items: impl Iterator<Item = Value>) -> BTreeMap<String, Value> {
    items
        .filter_map(|item| Some((item.get("id")?.as_str()?.to_owned(), item.clone())))
        .collect()
}

pub(super) fn risk_detections(
    now: Timestamp,
    users: &BTreeMap<String, User>,
) -> BTreeMap<String, Value> {
    let priya = users.get(people::PRIYA).into_iter();
    by_id(priya.map(|user| {
        json!({
            "id": "e41f7f3a9c0d48b2a1f0",
            "requestId": ids::guid("risky request"),
            "correlationId": ids::guid("risky correlation"),
            "riskEventType": "anonymizedIPAddress",
            "riskState": "atRisk",
            "riskLevel": "high",
            "riskDetail": "none",
            "source": "IdentityProtection",
            "detectionTimingType": "realtime",
            "activity": "signin",
            "tokenIssuerType": "AzureAD",
            "ipAddress": ATTACKER_IP,
            "location": location(),
            "activityDateTime": time(hours_before(now, 2)),
            "detectedDateTime": time(hours_before(now, 2)),
            "lastUpdatedDateTime": time(hours_before(now, 2)),
            "userId": user.id,
            "userDisplayName": user.display_name,
            "userPrincipalName": user.user_principal_name,
            "additionalInfo": "[{\"Key\":\"userAgent\",\"Value\":\"Mozilla/5.0\"}]",
        })
    }))
}

pub(super) fn sign_ins(now: Timestamp, users: &BTreeMap<String, User>) -> BTreeMap<String, Value> {
    let people = [(people::PRIYA, true), (people::MEI, false)].into_iter();
    by_id(people.filter_map(|(id, risky)| {
        let user = users.get(id)?;
        let risk = if risky { "high" } else { "none" };
        Some(json!({
            "id": ids::guid(&format!("sign-in {id}")),
            "createdDateTime": time(hours_before(now, 2)),
            "userDisplayName": user.display_name,
            "userPrincipalName": user.user_principal_name,
            "userId": user.id,
            "appId": ids::guid("office"),
            "appDisplayName": "Office 365 Exchange Online",
            "ipAddress": if risky { ATTACKER_IP } else { "198.51.100.20" },
            "clientAppUsed": "Browser",
            "correlationId": ids::guid(&format!("correlation {id}")),
            "conditionalAccessStatus": "success",
            "isInteractive": true,
            "riskDetail": "none",
            "riskLevelAggregated": risk,
            "riskLevelDuringSignIn": risk,
            "riskState": if risky { "atRisk" } else { "none" },
            "riskEventTypes_v2": if risky { json!(["anonymizedIPAddress"]) } else { json!([]) },
            "resourceDisplayName": "Office 365 Exchange Online",
            "status": {"errorCode": 0, "failureReason": "Other.", "additionalDetails": null},
            "location": if risky { location() } else { json!({"city": "London", "state": "England", "countryOrRegion": "GB"}) },
        }))
    }))
}

pub(super) fn alerts(
    now: Timestamp,
    users: &BTreeMap<String, User>,
    devices: &BTreeMap<String, ManagedDevice>,
) -> BTreeMap<String, Value> {
    let (Some(user), Some(device)) = (users.get(people::PRIYA), devices.get(devices::PRIYA_LAPTOP))
    else {
        return BTreeMap::new();
    };
    let at = time(hours_before(now, 1));
    let evidence = |kind: &str, mut details: Value| {
        if let Some(members) = details.as_object_mut() {
            members.insert(
                "@odata.type".into(),
                format!("#microsoft.graph.security.{kind}").into(),
            );
            members.insert("createdDateTime".into(), at.clone());
            members.insert("verdict".into(), "suspicious".into());
            members.insert("remediationStatus".into(), "none".into());
            members.insert("roles".into(), json!([]));
            members.insert("tags".into(), json!([]));
        }
        details
    };
    by_id(std::iter::once(json!({
        "id": "da638991f0c2a7b4e1_-1478829133",
        "providerAlertId": "638991f0c2a7b4e1_-1478829133",
        "incidentId": "58",
        "status": "new",
        "severity": "high",
        "classification": "unknown",
        "determination": "unknown",
        "serviceSource": "microsoftDefenderForCloudApps",
        "detectionSource": "cloudAppSecurity",
        "detectorId": "MCAS_ALERT_ANUBIS_DETECTION_SUSPICIOUS_INBOX_FORWARDING",
        "tenantId": super::TENANT_ID,
        "title": "Suspicious inbox forwarding rule",
        "description": format!("{} has an inbox rule that forwards mail to an address outside of the organisation.", user.display_name),
        "recommendedActions": "Disable the rule and reset the user's password.",
        "category": "Exfiltration",
        "assignedTo": null,
        "alertWebUrl": "https://security.contoso.example/alerts/da638991f0c2a7b4e1_-1478829133",
        "incidentWebUrl": "https://security.contoso.example/incidents/58",
        "mitreTechniques": ["T1114.003"],
        "createdDateTime": at,
        "lastUpdateDateTime": at,
        "resolvedDateTime": null,
        "firstActivityDateTime": at,
        "lastActivityDateTime": at,
        "comments": [],
        "evidence": [
            evidence("userEvidence", json!({"userAccount": {
                "accountName": user.user_principal_name.split('@').next(),
                "domainName": "contoso.example",
                "userSid": "S-1-12-1-1000000000-1000000001-1000000002-1003",
                "azureAdUserId": user.id,
                "userPrincipalName": user.user_principal_name,
                "displayName": user.display_name,
            }})),
            evidence("ipEvidence", json!({"ipAddress": ATTACKER_IP, "countryLetterCode": "NG"})),
            evidence("deviceEvidence", json!({
                "azureAdDeviceId": device.azure_ad_device_id,
                "mdeDeviceId": "5f0c1d2e3b4a59687786950413223140f5e6d7c8",
                "deviceDnsName": device.device_name.to_lowercase(),
                "osPlatform": "Windows11",
                "healthStatus": "active",
                "riskScore": "medium",
                "onboardingStatus": "onboarded",
            })),
        ],
    })))
}
