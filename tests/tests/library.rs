//! Every action and query of the standard library, called for real against the sandbox.

use counterplay_machine::Value;
use counterplay_machine::declare::Impact;
use counterplay_machine::json;
use counterplay_machine::value::SecretSource;
use counterplay_runtime::brake::Gate;
use counterplay_runtime::call::{CallOutcome, CallRequest, Connector, Setbacks};
use counterplay_runtime::room::Room;
use counterplay_sandbox::{MailboxType, Tenant};
use counterplay_tests::Bench;
use serde_json::{Value as Json, json};
use std::sync::Arc;

/// 20 November 2026, 08:00 UTC.
const NOW_MS: i64 = 1_795_161_600_000;

/// An argument by the parameter's name and type, for the people and devices of the sandbox.
fn argument(callable: &str, name: &str) -> Json {
    let mei = json!({ "id": "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1005", "name": "Mei Tanaka", "email": "mei.tanaka@contoso.example", "principal": "mei.tanaka@contoso.example", "kind": "Member" });
    let priya = json!({ "id": "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1003", "name": "Priya Raman", "email": "priya.raman@contoso.example", "principal": "priya.raman@contoso.example", "kind": "Member" });
    match (callable, name) {
        ("entra.user", "id") => json!("mei.tanaka@contoso.example"),
        ("intune.device", "id") => json!("b48d2f60-91c7-4e35-a0d2-6e1f5a7c2003"),
        (
            "exchange.disable_rule"
            | "exchange.enable_rule"
            | "exchange.delete_rule"
            | "exchange.create_rule"
            | "exchange.whole_rule"
            | "exchange.is_rule_on"
            | "exchange.rules"
            | "exchange.inbox_rules"
            | "exchange.disable_inbox_rule"
            | "exchange.enable_inbox_rule"
            | "exchange.messages"
            | "exchange.evict_message"
            | "exchange.restore_message"
            | "exchange.folder_of"
            | "exchange.is_inbox_rule_on",
            "user",
        ) => priya,
        (_, "summary") => json!("summary of a test"),
        (_, "severity") => json!("high"),
        (_, "incident") => json!({ "key": "test:pagerduty.trigger" }),
        ("intune.was_asked", "since") => json!("2026-11-01T00:00:00Z"),
        ("intune.was_asked", "what") => json!("wipe"),
        (_, "user") => mei,
        (_, "device") => {
            json!({ "id": "b48d2f60-91c7-4e35-a0d2-6e1f5a7c2003", "name": "Mei's MacBook Pro", "platform": "macOS" })
        }
        (
            "exchange.disable_inbox_rule"
            | "exchange.enable_inbox_rule"
            | "exchange.is_inbox_rule_on",
            "rule",
        ) => {
            json!({ "id": "AQAAAJ5dZr0=", "name": ".", "enabled": true })
        }
        (_, "internet_id") => json!("<4471.invoice@fastmail-drop.example>"),
        (_, "message") => {
            json!({ "id": "AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0A1", "subject": "Your invoice" })
        }
        ("exchange.create_rule", "rule") => {
            json!({ "name": "To the archive", "sequence": 9, "enabled": true, "conditions": {}, "actions": { "markAsRead": true } })
        }
        (_, "rule") => {
            json!({ "id": "AQAAAJ5dZr0=", "name": ".", "enabled": true, "targets": [], "hides": false })
        }
        (_, "method") => {
            json!({ "id": "3179e48a-750b-4051-897c-87b9720928f7", "collection": "phoneMethods" })
        }
        ("entra.assign_licenses" | "entra.has_licenses", "licenses") => {
            json!([{ "product": "05e9a617-0261-4cee-bb44-138d3ef5d965", "off": [] }])
        }
        (_, "licenses") => json!(["05e9a617-0261-4cee-bb44-138d3ef5d965"]),
        (_, "case") => json!({ "id": "2001", "number": "2001" }),
        (_, "in_run") => json!("r-test"),
        (_, "reference") => json!("test:ticket.create"),
        ("intune.outcome", "what") => json!("wipe"),
        ("intune.outcome", "since") => json!("2026-11-01T00:00:00Z"),
        (_, "since") => json!("90d"),
        (_, "time") => json!("2026-11-01T00:00:00Z"),
        (_, "require_mfa" | "keep_user_data") => json!(true),
        (_, "priority") => json!("high"),
        (_, "technician") => json!(7),
        (_, "to") => json!("soc@msp.example"),
        ("notify.signed_webhook", "name") => json!("siem"),
        (_, "title" | "subject" | "body" | "text" | "details" | "team") => {
            json!(format!("{name} of a test"))
        }
        other => panic!("no argument for {other:?}"),
    }
}

/// Calls an action or query; teams are those of the deployment.
async fn call(bench: &Bench, name: &str) -> CallOutcome {
    let callable = &bench.program.callables[name];
    let args: Vec<Value> = callable
        .params
        .iter()
        .map(|param| {
            if param.ty.to_string() == "Team" {
                let team = &bench.deployment.teams["soc"];
                let secret = |s: &Option<String>| {
                    Value::Secret(SecretSource::Named(Arc::from(s.as_deref().unwrap_or(""))))
                };
                return Value::record(
                    "Team",
                    [
                        ("name", Value::text("soc")),
                        ("email", Value::text("soc@msp.example")),
                        ("members", Value::List(Vec::new())),
                        ("teams_webhook", secret(&team.teams_webhook)),
                        ("slack_webhook", secret(&team.slack_webhook)),
                    ],
                );
            }
            let raw = argument(name, &param.name);
            if param.ty.to_string() == "Recipient" {
                return Value::text(raw.as_str().unwrap_or(""));
            }
            json::convert(&bench.program.types, &raw, &param.ty, &param.name)
                .unwrap_or_else(|m| panic!("{name}: {m}"))
        })
        .collect();
    bench
        .connector
        .call(CallRequest {
            id: format!("test:{name}"),
            callable: Arc::from(name),
            args,
            tenant: bench.tenant(),
            run: Some(("r-test".into(), NOW_MS)),
            program: bench.program.clone(),
            intended_ms: NOW_MS,
            repeated: false,
            setbacks: Setbacks::default(),
            gate: Gate::default(),
            room: Room::default(),
        })
        .await
}

/// What an action leaves behind, where a reader would look for it.
fn left(tenant: &Tenant, action: &str) -> bool {
    let mei = tenant.user("mei.tanaka@contoso.example").expect("Mei");
    let priya = tenant.user("priya.raman@contoso.example").expect("Priya");
    let mailbox = |kind| mei.mailbox.as_ref().is_some_and(|m| m.kind == kind);
    let rule = |on| {
        priya.mailbox.as_ref().is_some_and(|m| {
            m.message_rules
                .iter()
                .any(|r| r.display_name == "." && r.is_enabled == on)
        })
    };
    let message = |folder: &str| {
        priya
            .mailbox
            .as_ref()
            .is_some_and(|m| m.messages.iter().any(|m| m.parent_folder_id == folder))
    };
    let device = &tenant.devices["b48d2f60-91c7-4e35-a0d2-6e1f5a7c2003"];
    let ordered = |what: &str| {
        device
            .device_action_results
            .iter()
            .any(|r| r.action_name == what)
    };
    match action {
        "entra.block_sign_in" | "entra.disable" => !mei.account_enabled,
        "entra.unblock_sign_in" | "entra.enable" => mei.account_enabled,
        "entra.revoke_sessions" => mei.sign_in_sessions_valid_from_date_time.is_some(),
        "entra.reset_password" => {
            mei.password_changes == 1 && mei.force_change_password_next_sign_in_with_mfa
        }
        "entra.delete_authentication_method" => mei.authentication_methods.len() == 2,
        "entra.unassign_licenses" => mei.assigned_licenses.is_empty(),
        "entra.assign_licenses" => mei
            .license("05e9a617-0261-4cee-bb44-138d3ef5d965")
            .is_some_and(|held| held.disabled_plans.is_empty()),
        "exchange.delete_rule" => !rule(true) && !rule(false),
        "exchange.create_rule" => priya.mailbox.as_ref().is_some_and(|m| {
            m.message_rules
                .iter()
                .any(|r| r.display_name == "To the archive")
        }),
        "exchange.disable_rule" | "exchange.disable_inbox_rule" => rule(false),
        "exchange.enable_rule" | "exchange.enable_inbox_rule" => rule(true),
        "exchange.evict_message" => message("recoverableitemsdeletions"),
        "exchange.restore_message" => message("inbox"),
        "exchange.convert_to_shared" => mailbox(MailboxType::Shared),
        "exchange.convert_to_regular" => mailbox(MailboxType::Regular),
        "intune.sync" => ordered("syncDevice"),
        "intune.remote_lock" => ordered("remoteLock"),
        "intune.wipe" => ordered("wipe"),
        "intune.retire" => ordered("retire"),
        "notify.email" => tenant.mails.iter().any(|m| m.to == ["soc@msp.example"]),
        "notify.teams" | "notify.slack" | "notify.signed_webhook" => tenant.chat.len() == 1,
        "pagerduty.trigger" => tenant.pager.incidents.len() == 1,
        // What is about no open incident is taken and changes nothing; `cli/tests/pagerduty.rs` has one.
        "pagerduty.acknowledge" | "pagerduty.resolve" => tenant.pager.incidents.is_empty(),
        "ticket.create" => tenant.tickets.len() == 2,
        "ticket.assign_team" => tenant.tickets[&2001].team.as_deref() == Some("team of a test"),
        "ticket.assign_technician" => tenant.tickets[&2001].agent_id == 7,
        "ticket.set_priority" => tenant.tickets[&2001].priority_id == Some(2),
        "ticket.note" | "ticket.internal_note" => tenant.tickets[&2001]
            .actions
            .iter()
            .any(|n| n.note.contains("text of a test")),
        other => panic!("nobody says what {other} leaves behind"),
    }
}

#[tokio::test]
async fn every_action_works() {
    let program = counterplay_tests::library();
    let actions: Vec<Arc<str>> = program
        .callables
        .values()
        .filter(|c| c.impact.is_some())
        .map(|c| c.name.clone())
        .collect();
    assert!(actions.len() >= 25, "{actions:?}");
    for action in actions {
        // Signatures are judged by the sandbox's own clock, so that the time is today's here.
        let now_ms = jiff::Timestamp::now().as_millisecond();
        // A tenant for each, so that one does not stand in another's way; it holds one ticket.
        let bench = Bench::new("shipped-responses", now_ms).await;
        let CallOutcome::Done(ticket) = call(&bench, "ticket.create").await else {
            panic!("no ticket")
        };
        assert_eq!(ticket.get("number"), Some(Value::text("2001")));
        let outcome = call(&bench, &action).await;
        assert!(
            matches!(outcome, CallOutcome::Done(_)),
            "{action}: {outcome:?}"
        );
        let state = bench.sandbox.state();
        assert!(left(&state, &action), "{action} left nothing behind");
    }
}

#[tokio::test]
async fn every_query_is_answered() {
    let bench = Bench::new("shipped-responses", NOW_MS).await;
    let CallOutcome::Done(_) = call(&bench, "ticket.create").await else {
        panic!("no ticket")
    };
    let mut report = String::new();
    for query in bench
        .program
        .callables
        .values()
        .filter(|c| c.impact.is_none())
    {
        match call(&bench, &query.name).await {
            CallOutcome::Done(value) => {
                report.push_str(&format!("{}: {}\n", query.name, value.redacted_json()))
            }
            other => panic!("{}: {other:?}", query.name),
        }
    }
    insta::assert_snapshot!(report);
}

/// What a library's action says of itself: what it can do, whether it can be taken back, and what it needs.
#[test]
fn actions_say_what_they_can_do() {
    let program = counterplay_tests::library();
    let mut report = String::new();
    for action in program.callables.values() {
        let Some(impact) = action.impact else {
            continue;
        };
        assert!(
            !action.doc.is_empty(),
            "{} has no documentation",
            action.name
        );
        let undo = action
            .undo
            .as_ref()
            .map_or("none".into(), |(name, _)| name.to_string());
        report.push_str(&format!(
            "{:<38} {:<12} undo: {:<26} {}\n",
            action.name,
            impact.to_string(),
            undo,
            action.permissions.join(", ")
        ));
        if impact > Impact::Notify {
            assert!(
                !action.permissions.is_empty(),
                "{} names no permission",
                action.name
            );
        }
    }
    insta::assert_snapshot!(report);
}
