//! An object of a polled list in; what is new in it out: an arrival, a dead letter, or nothing.

use super::Notice;
use super::accept::quiet;
use super::letters::keep;
use super::polling::PollKey;
use crate::store::{ArrivalKind, Fault, NewArrival, NewLetter, Tx};
use counterplay_machine::declare::Event;
use counterplay_machine::duration::parse_time_ms;
use counterplay_machine::ingest::{self, Observation, Scene};
use counterplay_machine::json::canonical;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

/// An object that was read.
pub(super) struct Seen {
    payload: Json,
    /// What identifies it.
    key: String,
    /// Differs when the object has changed.
    version: String,
    /// When the service says that it last changed, in milliseconds since the Unix epoch.
    pub(super) changed_ms: Option<i64>,
    /// What it is, or why it cannot be read.
    what: Result<Observation, String>,
}

/// Looks at an object. `since` is the property that holds when it last changed.
pub(super) fn look(scene: Scene<'_>, event: &Event, since: Option<&str>, payload: Json) -> Seen {
    let digest = || {
        let digest = Sha256::digest(canonical(&payload).as_bytes());
        digest
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect::<String>()
    };
    let changed = since
        .and_then(|path| path.split('/').try_fold(&payload, |at, name| at.get(name)))
        .and_then(Json::as_str);
    let what = match ingest::read(scene, &event.name, &payload) {
        Ok(typed) => Ok(typed.observation),
        Err(rejection) => Err(rejection.to_string()),
    };
    Seen {
        key: match &payload["id"] {
            Json::String(id) => id.clone(),
            Json::Number(id) => id.to_string(),
            _ => digest(),
        },
        version: match changed {
            Some(time) if what.is_ok() => time.to_owned(),
            _ => digest(),
        },
        changed_ms: changed.and_then(parse_time_ms),
        what,
        payload,
    }
}

/// Notes an object and stores what is new in it; in a baseline nothing is.
pub(super) fn take(
    tx: &Tx<'_>,
    key: &PollKey,
    seen: &Seen,
    baseline: bool,
    now_ms: i64,
) -> Result<Option<Notice>, Fault> {
    let (tenant, event) = (key.tenant.as_str(), &*key.event);
    let is_same = |kind: &str| -> Result<bool, Fault> {
        let object = format!("{kind}:{}", seen.key);
        let before = tx.observe(tenant, event, &object, &seen.version)?;
        Ok(before.as_ref() == Some(&seen.version))
    };
    let observation = match &seen.what {
        Ok(observation) => observation,
        Err(reason) => {
            // Once for each state of the object, not at each reading.
            if is_same("unreadable")? || baseline {
                return Ok(None);
            }
            let letter = NewLetter {
                tenant,
                name: Some(event),
                event: None,
                playbook: None,
                payload: &seen.payload,
                reason,
                behind: &[],
            };
            return Ok(Some(keep(tx, &letter, now_ms)?.1));
        }
    };
    // These two say nothing of what was seen before.
    let whole = matches!(observation, Observation::Fires | Observation::Quiet(_));
    if whole && is_same("object")? {
        return Ok(None);
    }
    let is_occurrence = quiet(tx, tenant, event, observation)?.is_none();
    if is_occurrence && !baseline {
        let arrival = NewArrival {
            tenant: tenant.to_owned(),
            kind: ArrivalKind::Event,
            name: event.to_owned(),
            payload: (&seen.payload).into(),
            source: None,
            at_ms: now_ms,
            behind: Vec::new(),
        };
        tx.add_arrival(&arrival, None)?;
    }
    Ok(None)
}
