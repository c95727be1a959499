//! An empty store in, a week that might have been in it out: runs that really ran, on a clock that makes days pass
//! in milliseconds, against a sandbox of their own.

use super::tour;
use crate::error::Failure;
use crate::lookup::failed;
use crate::sandboxed;
use crate::simulate::start_sandbox;
use counterplay_machine::deployment::Mode;
use counterplay_machine::duration::{DAY_MS, HOUR_MS, MINUTE_MS};
use counterplay_runtime::clock::{Clock, VirtualClock};
use counterplay_runtime::connect::{Connectors, MasterKey};
use counterplay_runtime::engine::{Engine, EngineOptions, Incoming, Until};
use counterplay_runtime::store::Store;
use counterplay_sandbox::{Fault, FaultKind, Ticket};
use counterplay_server::project::Compiled;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How far it goes back.
const SPAN_MS: i64 = 6 * DAY_MS;
/// How often something happens.
const EVERY_MS: i64 = 5 * HOUR_MS + 20 * MINUTE_MS;
/// The start by hand that fails.
const TROUBLE: usize = 13;
/// The start by hand that is open when the history ends.
const OPEN: usize = 28;
/// How long people take to answer.
const ANSWER_MS: i64 = 25 * MINUTE_MS;

/// Writes a week of history; the tickets that are left of it, by number: runs that are open go on with them.
///
/// # Errors
/// When the store cannot be written.
pub async fn write(
    store: &Store,
    compiled: &Compiled,
    now_ms: i64,
) -> Result<BTreeMap<u64, Ticket>, Failure> {
    let sandbox = start_sandbox().await?;
    let (mut deployment, secrets) = sandboxed::deployment(compiled.deployment.clone(), &sandbox);
    sandboxed::close(&mut deployment, &compiled.program, &sandbox);
    // What waits for weeks or for a manager would still be open when the week is over.
    for quiet in [
        "mfa_not_registered",
        "stale_account",
        "device_noncompliance",
    ] {
        deployment.modes.insert(quiet.into(), Mode::Paused);
    }
    let clock = Arc::new(VirtualClock::at(now_ms - SPAN_MS));
    let cannot = |e: &dyn std::fmt::Display| Failure::cannot_start(e.to_string());
    let key = MasterKey::from_bytes([0; counterplay_runtime::connect::KEY_LENGTH]);
    let connectors = Connectors::new(deployment.clone(), Arc::new(secrets), key, clock.clone())
        .map_err(|e| cannot(&e))?;
    let engine = Engine::open(EngineOptions {
        schedules: false,
        answer_wait: Some(Duration::MAX),
        ..EngineOptions::new(
            compiled.program.clone(),
            deployment,
            store.clone(),
            Arc::new(connectors),
            clock.clone(),
        )
    })
    .await
    .map_err(|e| cannot(&e))?;
    let mut index = 0;
    loop {
        let at = clock.now_ms();
        if at + EVERY_MS > now_ms - HOUR_MS {
            break;
        }
        if index == TROUBLE {
            // A day on which the directory refused: runs that fail are a part of life.
            sandbox.inject(
                Fault::new(
                    "/users/",
                    FaultKind::Status {
                        status: 403,
                        code: "Authorization_RequestDenied".into(),
                        message: "Insufficient privileges to complete the operation.".into(),
                    },
                )
                .on("PATCH"),
            );
        }
        happen(&engine, index, at).await;
        pass(&engine, &clock, at + EVERY_MS, index).await?;
        index += 1;
    }
    // One that still waits for somebody.
    clock.skip_to(now_ms - HOUR_MS);
    happen(&engine, OPEN, now_ms - HOUR_MS).await;
    engine
        .run(Until::Settled)
        .await
        .map_err(|e| Failure::cannot_start(e.to_string()))?;
    drop(engine);
    let tickets = sandbox.state().tickets;
    sandbox.stop().await;
    Ok(tickets)
}

/// One thing that happens: events, starts by hand, something that cannot be read.
async fn happen(engine: &Engine, index: usize, at_ms: i64) {
    let refused = if index % 3 == 1 {
        let (id, _, _) = tour::VICTIMS[(index / 3) % tour::VICTIMS.len()];
        let values: Map<String, Json> = [
            ("user".to_owned(), json!(id)),
            (
                "reason".to_owned(),
                json!("called the help desk about mails that they did not send"),
            ),
        ]
        .into_iter()
        .collect();
        let by = Some("finn.murphy@msp.example".to_owned());
        engine
            .start_manual("contain_account", tour::TENANT, values, by)
            .await
            .err()
    } else {
        let mut payload = tour::risk(index, at_ms);
        if index == 5 {
            // A sender that has changed its format.
            payload["riskLevel"] = json!({"value": "high"});
        }
        let incoming = Incoming {
            tenant: tour::TENANT.into(),
            event: None,
            payload,
            source: None,
        };
        engine.accept(incoming).await.err()
    };
    if let Some(refused) = refused {
        tracing::debug!(%refused, "not accepted while the history was written");
    }
}

/// Lets time pass, with people who answer.
async fn pass(
    engine: &Engine,
    clock: &VirtualClock,
    until_ms: i64,
    index: usize,
) -> Result<(), Failure> {
    loop {
        let rest = engine
            .run(Until::Settled)
            .await
            .map_err(|e| Failure::cannot_start(e.to_string()))?;
        let asked = engine.store().approvals().await.map_err(failed)?;
        if let Some(asked) = asked.first()
            && clock.now_ms() + ANSWER_MS <= until_ms
        {
            clock.skip_to(clock.now_ms() + ANSWER_MS);
            let may = |who: &&String| !asked.open.excluded.contains(who);
            let Some(who) = asked
                .open
                .eligible
                .iter()
                .filter(may)
                .nth(asked.open.votes.len())
            else {
                return Ok(());
            };
            let approve = index % 5 != 4;
            let comment = match approve {
                true => "I called them; it was not them.",
                false => "They were travelling; it was them.",
            };
            let voted = engine
                .vote(&asked.id, who, approve, Some(comment.to_owned()))
                .await;
            if let Err(refused) = voted {
                tracing::debug!(%refused, "not counted while the history was written");
                return Ok(());
            }
            continue;
        }
        match rest.next_ms {
            Some(next) if next <= until_ms => clock.skip_to(next),
            _ => {
                clock.skip_to(until_ms);
                return Ok(());
            }
        }
    }
}
