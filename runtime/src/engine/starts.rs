//! What matching found in; within one transaction runs started, repeats ignored and the arrival
//! settled or put off.

use super::Notice;
use super::kit::Kit;
use super::letters::keep;
use super::matching::{Finding, Planned};
use super::record::{Cause, record};
use super::transition::{advance, entries, keep_effects, stepped};
use crate::spans;
use crate::store::{Arrival, ArrivalKind, Fault, NewLetter, NewRunRow, StoredRun, Tx};
use counterplay_machine::deployment::Mode;
use counterplay_machine::duration::{HOUR_MS, SECOND_MS};
use counterplay_machine::ingest;
use counterplay_machine::step::{Context, Input, NewRun, start};

/// How often matching is tried before the arrival is given up: about seven hours in all.
const ATTEMPTS_MAX: i64 = 14;

/// Settles an arrival.
pub(super) fn settle(
    tx: &Tx<'_>,
    kit: &Kit,
    arrival: &Arrival,
    found: &Finding,
    now_ms: i64,
) -> Result<Vec<Notice>, Fault> {
    let _span = spans::matched(arrival).entered();
    let mut notices = Vec::new();
    let mut notes = found.notes.clone();
    let mut started = Vec::new();
    for planned in &found.planned {
        notes.extend(only_simulated(kit, arrival, planned));
        match begin(tx, kit, arrival, planned, now_ms)? {
            Begun::Run(id, told) => {
                started.push(id);
                notices.extend(told);
            }
            Begun::Repeat(run) => {
                notes.push(format!("{}: repeats {run}", planned.playbook));
                notices.push(Notice::Repeated {
                    run,
                    playbook: planned.playbook.clone(),
                    tenant: arrival.what.tenant.clone(),
                    event: arrival.num,
                });
            }
        }
    }
    if let Some((event, record)) = &found.awaited {
        for run in tx.awaiting(&arrival.what.tenant, event)? {
            let input = Input::Event {
                event: event.clone(),
                record: record.clone(),
            };
            notices.extend(advance(tx, kit, run, input, now_ms)?);
        }
    }
    let mut broken = found.broken.clone();
    // Whoever starts a playbook by hand stands there and wants to know at once.
    let by_hand = arrival.what.kind == ArrivalKind::Manual;
    let give_up = by_hand || arrival.attempts + 1 >= ATTEMPTS_MAX;
    if give_up {
        let tries = arrival.attempts + 1;
        broken.extend(found.left.iter().map(|(id, why)| {
            if by_hand {
                format!("{id}: {why}")
            } else {
                format!("{id}: given up after {tries} attempts: {why}")
            }
        }));
    }
    for reason in &broken {
        notes.push(reason.clone());
        notices.push(dead(tx, kit, arrival, reason, now_ms)?);
    }
    if found.left.is_empty() || give_up {
        tx.settle_arrival(
            arrival.num,
            &notes.join("\n"),
            !broken.is_empty() && started.is_empty(),
        )?;
        notices.push(Notice::Matched {
            event: arrival.num,
            tenant: arrival.what.tenant.clone(),
            name: arrival.what.name.clone(),
            started,
            notes,
        });
    } else {
        notices.push(put_off(tx, arrival, found, &notes, now_ms)?);
    }
    Ok(notices)
}

/// The pause after so many attempts: half a minute, doubled each time, an hour at most.
fn pause_ms(attempts: i64) -> i64 {
    ((30 * SECOND_MS) << attempts.clamp(0, 10)).min(HOUR_MS)
}

fn put_off(
    tx: &Tx<'_>,
    arrival: &Arrival,
    found: &Finding,
    notes: &[String],
    now_ms: i64,
) -> Result<Notice, Fault> {
    let until_ms = now_ms.saturating_add(pause_ms(arrival.attempts));
    let left: Vec<String> = found.left.iter().map(|(id, _)| id.to_string()).collect();
    tx.hold_arrival(arrival.num, until_ms, &left, &notes.join("\n"))?;
    let reasons: Vec<String> = found
        .left
        .iter()
        .map(|(id, why)| format!("{id}: {why}"))
        .collect();
    Ok(Notice::Postponed {
        event: arrival.num,
        until_ms,
        reason: reasons.join("; "),
    })
}

fn dead(
    tx: &Tx<'_>,
    kit: &Kit,
    arrival: &Arrival,
    reason: &str,
    now_ms: i64,
) -> Result<Notice, Fault> {
    let what = &arrival.what;
    // What concerns one playbook begins with its id.
    let playbook = reason
        .split_once(": ")
        .map(|(id, _)| id)
        .filter(|id| kit.program.playbooks.contains_key(*id));
    let payload = what.payload.json().unwrap_or_default();
    let letter = NewLetter {
        tenant: &what.tenant,
        name: Some(&what.name),
        event: Some(arrival.num),
        playbook,
        payload: &payload,
        reason,
        behind: &what.behind,
    };
    Ok(keep(tx, &letter, now_ms)?.1)
}

/// Why a run acts on nothing, where that is because nobody has promoted its version.
fn only_simulated(kit: &Kit, arrival: &Arrival, planned: &Planned) -> Option<String> {
    let (id, tenant) = (&planned.playbook, &arrival.what.tenant);
    let version = kit.held_back(id, tenant)?;
    planned.former.is_none().then(|| {
        let group = &version.group;
        format!(
            "{id}: only simulated: its version acts for group `{group}` until somebody promotes it"
        )
    })
}

enum Begun {
    Run(String, Vec<Notice>),
    Repeat(String),
}

fn begin(
    tx: &Tx<'_>,
    kit: &Kit,
    arrival: &Arrival,
    planned: &Planned,
    now_ms: i64,
) -> Result<Begun, Fault> {
    let name = arrival.what.tenant.as_str();
    let former = planned.former.and_then(|number| kit.formers.get(number));
    let (program, program_num) = match former {
        Some(former) => (&former.kit.program, former.kit.program_num),
        None => (&kit.program, kit.program_num),
    };
    let (Some(playbook), Some(tenant)) =
        (program.playbooks.get(&planned.playbook), kit.tenant(name))
    else {
        return Err(Fault::NotFound(format!(
            "there is no playbook `{}` for `{name}`",
            planned.playbook
        )));
    };
    // A former version serves only where it acts. What is simulated beside it counts its repeats for itself: the
    // other's run is none of them.
    let beside = former.is_none() && kit.held_back(&playbook.id, name).is_some();
    let simulated =
        beside || (former.is_none() && ingest::mode(&kit.deployment, playbook) == Mode::Simulate);
    let repeat_key = planned.repeat_key.as_ref().map(|key| match beside {
        true => format!("beside {key}"),
        false => key.clone(),
    });
    if let Some(key) = &repeat_key
        && let Some((num, run)) = tx.repeated_run(name, &playbook.id, key, simulated, now_ms)?
    {
        tx.link(arrival.num, num, false, now_ms)?;
        return Ok(Begun::Repeat(run));
    }
    let id = kit
        .ids
        .run(now_ms, |id| Ok::<_, Fault>(tx.run_num(id)?.is_none()))?;
    let uses = |action: &str, tenant: Option<&str>, since: i64| tx.uses(action, tenant, since);
    let context = Context {
        program,
        playbook,
        deployment: &kit.deployment,
        guards: &kit.program.guards,
        uses: &uses,
        recalls: None,
    };
    let new = NewRun {
        id: id.clone(),
        tenant,
        started_by: planned.started_by.clone(),
        starter: planned.starter.clone(),
        behind: arrival.what.behind.clone(),
        slots: planned.slots.clone(),
    };
    let (run, transition) = start(context, new, now_ms);
    let _span = spans::transition(&run, &Input::Begin).entered();
    tracing::info!(event = arrival.num, "a run has begun");
    let row = NewRunRow {
        program: program_num,
        simulated,
    };
    let num = tx.add_run(row, &run, &transition.journal, now_ms)?;
    let stored = StoredRun {
        num,
        program: program_num,
        simulated,
        entries: transition.journal.len() as i64,
        status: run.status(),
        run,
    };
    tx.link(arrival.num, num, true, now_ms)?;
    // Before the effects: a run that ends at once takes its key with it.
    if let (Some(key), Some(repeats)) = (&repeat_key, &playbook.repeats) {
        let until = repeats.for_ms.map(|ms| now_ms.saturating_add(ms));
        tx.ignore_repeats(name, &playbook.id, key, num, until)?;
    }
    let by = match arrival.what.kind {
        ArrivalKind::Manual => planned.starter.clone(),
        ArrivalKind::Tick => {
            let by_hand = arrival.what.behind.first().cloned();
            by_hand.or_else(|| Some("schedule".to_owned()))
        }
        ArrivalKind::Hook => Some(format!("webhook:{}", arrival.what.name)),
        ArrivalKind::Event => None,
    };
    let done = (&*transition.journal, &*transition.effects);
    record(tx, program, &stored, done, &Cause::start(by))?;
    stepped(&stored, transition.effects.len());
    let mut notices = entries(&stored, transition.journal);
    notices.extend(keep_effects(tx, kit, &stored, transition.effects, now_ms)?);
    Ok(Begun::Run(id, notices))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let pauses: Vec<i64> = (0..ATTEMPTS_MAX - 1).map(pause_ms).collect();
        assert_eq!(pauses[0], 30 * SECOND_MS);
        assert!(pauses.windows(2).all(|w| w[0] <= w[1]));
        assert_eq!(pauses[12], HOUR_MS);
        assert!(pauses.iter().sum::<i64>() < 8 * HOUR_MS);
    }
}
