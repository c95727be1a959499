//! An audit record in; where it tells of a remediation, the event that says so in the Open Cybersecurity Schema
//! Framework (version 1.3.0, class Remediation Activity, 7001) out. Pure.
//!
//! What each field is, and which records become events, is described in `docs/audit.md`.

use crate::store::AuditRecord;
use serde_json::{Value as Json, json};

/// The version of the schema.
pub const VERSION: &str = "1.3.0";
/// The category Remediation.
const CATEGORY: i64 = 7;
/// The class Remediation Activity.
const CLASS: i64 = 7_001;
/// The severity Informational: an action of ours is no alert.
const INFORMATIONAL: i64 = 1;

/// What an action does, by the tactics of MITRE D3FEND that the class takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Activity {
    Isolate,
    Evict,
    Restore,
    Harden,
    Other,
}

impl Activity {
    fn id(self) -> i64 {
        match self {
            Activity::Isolate => 1,
            Activity::Evict => 2,
            Activity::Restore => 3,
            Activity::Harden => 4,
            Activity::Other => 99,
        }
    }

    fn name(self) -> Option<&'static str> {
        match self {
            Activity::Isolate => Some("Isolate"),
            Activity::Evict => Some("Evict"),
            Activity::Restore => Some("Restore"),
            Activity::Harden => Some("Harden"),
            Activity::Other => None,
        }
    }

    /// What an action of the standard library does; a project's own are `Other`, under their name.
    fn of(action: &str) -> Activity {
        let mut parts = action.rsplit('.');
        let (name, file) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
        match (file, name) {
            ("intune", "remote_lock") => Activity::Isolate,
            ("entra", "block_sign_in" | "disable" | "revoke_sessions")
            | ("entra", "delete_authentication_method" | "unassign_licenses")
            | ("exchange", "disable_inbox_rule" | "disable_rule" | "delete_rule")
            | ("exchange", "evict_message")
            | ("intune", "retire" | "wipe") => Activity::Evict,
            ("entra", "enable" | "unblock_sign_in" | "assign_licenses")
            | ("exchange", "enable_inbox_rule" | "enable_rule" | "create_rule")
            | ("exchange", "restore_message" | "convert_to_regular") => Activity::Restore,
            // A shared mailbox has no sign-in of its own; a device that checks in gets its policies.
            ("entra", "reset_password")
            | ("exchange", "convert_to_shared")
            | ("intune", "sync") => Activity::Harden,
            _ => Activity::Other,
        }
    }
}

/// The event of a record: of an action that changes something and was performed, failed or was skipped. `None` for
/// anything else: what was only simulated, messages, what was erased.
pub fn remediation(record: &AuditRecord, product_version: &str) -> Option<Json> {
    let detail = &record.detail;
    let action = record.object.as_deref()?;
    let (status_id, status) = match record.action.as_str() {
        // Whether it is carried out is not known.
        "action.performed" if detail["accepted"].is_string() => (99, "Accepted"),
        "action.performed" => (1, "Success"),
        "action.failed" => (2, "Failure"),
        "action.skipped" => (99, "Skipped"),
        _ => return None,
    };
    if detail["simulated"] == true || detail["impact"] == "notify" {
        return None;
    }
    let run = record.run.as_deref()?;
    let activity = Activity::of(action);
    let place = &detail["place"];
    let node = place["node"].as_i64().unwrap_or_default();
    let path = place["path"].as_str().unwrap_or_default();
    let mut event = json!({
        "category_uid": CATEGORY,
        "category_name": "Remediation",
        "class_uid": CLASS,
        "class_name": "Remediation Activity",
        "activity_id": activity.id(),
        "activity_name": activity.name().unwrap_or(action),
        "type_uid": CLASS * 100 + activity.id(),
        "type_name": format!("Remediation Activity: {}", activity.name().unwrap_or("Other")),
        "time": record.at_ms,
        "severity_id": INFORMATIONAL,
        "severity": "Informational",
        "status_id": status_id,
        "status": status,
        "command_uid": format!("{run}:{node}{path}"),
        "message": format!("{action}: {}", status.to_lowercase()),
        "metadata": {
            "version": VERSION,
            "product": { "name": "Counterplay", "vendor_name": "Counterplay", "version": product_version },
            "uid": format!("{}/{}", record.tenant, record.seq),
            "correlation_uid": run,
            "tenant_uid": record.tenant,
            "sequence": record.seq,
            "log_name": "audit",
        },
        "unmapped": {
            "action": action,
            "impact": detail["impact"],
            "playbook": detail["playbook"],
            "run": run,
            "digest": record.digest,
            "link": record.link,
        },
    });
    if let Some(said) = detail["reason"].as_str().or(detail["accepted"].as_str()) {
        event["status_detail"] = json!(said);
    }
    if let Some(tactic) = activity.name() {
        event["countermeasures"] = json!([{ "d3f_tactic": { "name": tactic } }]);
    }
    Some(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(action: &str, object: &str, detail: Json) -> AuditRecord {
        AuditRecord {
            num: 9,
            tenant: "contoso".into(),
            seq: 7,
            at_ms: 1_795_672_800_000,
            actor: "engine".into(),
            action: action.into(),
            run: Some("r-20261126-abc".into()),
            object: Some(object.into()),
            detail,
            digest: "d".into(),
            link: "e".into(),
            text: Some("{}".into()),
            salt: Some("00".into()),
        }
    }

    /// What the class demands, as docs/audit.md cites it.
    fn is_complete(event: &Json) {
        for field in [
            "activity_id",
            "category_uid",
            "class_uid",
            "severity_id",
            "time",
            "type_uid",
        ] {
            assert!(event[field].is_i64(), "{field} in {event}");
        }
        assert!(event["command_uid"].as_str().is_some_and(|u| !u.is_empty()));
        assert_eq!(event["class_uid"], 7001);
        assert_eq!(event["category_uid"], 7);
        let kind = event["class_uid"]
            .as_i64()
            .zip(event["activity_id"].as_i64());
        assert_eq!(event["type_uid"].as_i64(), kind.map(|(c, a)| c * 100 + a));
        for text in [
            "/metadata/version",
            "/metadata/product/name",
            "/metadata/product/vendor_name",
        ] {
            assert!(event.pointer(text).is_some_and(Json::is_string), "{text}");
        }
        for (id, allowed) in [
            ("activity_id", &[0, 1, 2, 3, 4, 99][..]),
            ("status_id", &[0, 1, 2, 3, 4, 5, 6, 99]),
            ("severity_id", &[0, 1, 2, 3, 4, 5, 6, 99]),
        ] {
            let id = event[id].as_i64().expect("a number");
            assert!(allowed.contains(&id), "{id}");
        }
        if let Some(countermeasures) = event["countermeasures"].as_array() {
            // At least one of d3f_tactic and d3f_technique.
            assert!(countermeasures.iter().all(|c| c["d3f_tactic"].is_object()));
        }
    }

    #[test]
    fn what_changed_something_is_a_complete_event() {
        let place = json!({ "node": 4, "path": "[2]" });
        let detail = json!({ "impact": "reversible", "playbook": "compromised", "place": place });
        let done = record("action.performed", "entra.revoke_sessions", detail.clone());
        let done = remediation(&done, "0.1.0").expect("an event");
        is_complete(&done);
        assert_eq!(done["type_uid"], 700_102);
        assert_eq!(done["command_uid"], "r-20261126-abc:4[2]");
        assert_eq!(done["countermeasures"][0]["d3f_tactic"]["name"], "Evict");
        let mut failed = detail;
        failed["reason"] = json!("404");
        let failed = record("action.failed", "own.quarantine", failed);
        let failed = remediation(&failed, "0.1.0").expect("an event");
        is_complete(&failed);
        assert_eq!(
            (&failed["activity_id"], &failed["activity_name"]),
            (&json!(99), &json!("own.quarantine"))
        );
        assert_eq!(
            (&failed["status_id"], &failed["status_detail"]),
            (&json!(2), &json!("404"))
        );
        let accepted = json!({ "impact": "destructive", "accepted": "when it checks in" });
        let accepted = record("action.performed", "intune.wipe", accepted);
        let accepted = remediation(&accepted, "0.1.0").expect("an event");
        is_complete(&accepted);
        assert_eq!(
            (&accepted["status_id"], &accepted["status_detail"]),
            (&json!(99), &json!("when it checks in"))
        );
        let skipped = record("action.skipped", "intune.wipe", json!({ "reason": "no" }));
        is_complete(&remediation(&skipped, "0.1.0").expect("an event"));
    }

    #[test]
    fn what_changed_nothing_is_none() {
        for (action, detail) in [
            ("action.intended", json!({ "impact": "destructive" })),
            ("action.performed", json!({ "impact": "notify" })),
            (
                "action.skipped",
                json!({ "impact": "notify", "reason": "no" }),
            ),
            (
                "action.performed",
                json!({ "impact": "reversible", "simulated": true }),
            ),
            ("approval.voted", json!({ "approve": true })),
        ] {
            assert_eq!(
                remediation(&record(action, "entra.disable", detail), "1"),
                None
            );
        }
        let mut erased = record("action.performed", "", Json::Null);
        (erased.object, erased.text) = (None, None);
        assert_eq!(remediation(&erased, "1"), None);
    }
}
