//! What a transition recorded in; the audit trail and the counters brought up to date, in the same
//! transaction, out.

use crate::store::{Counted, Fault, NewAudit, StoredRun, Tx};
use counterplay_machine::Program;
use counterplay_machine::declare::Impact;
use counterplay_machine::journal::{Entry, What};
use counterplay_machine::state::Outcome;
use counterplay_machine::step::{Effect, Input};
use serde_json::{Value as Json, json};
use std::collections::VecDeque;

/// The actor where no person is.
const ENGINE: &str = "engine";

/// What made a run move, as far as the audit trail wants to know.
#[derive(Clone, Debug, Default)]
pub(super) struct Cause {
    /// Who said something.
    by: Option<String>,
    /// The approval that they answered.
    approval: Option<String>,
    /// What they wanted, as an action's name for the case that it does not count.
    refused: Option<&'static str>,
}

impl Cause {
    /// A start, by whom.
    pub(super) fn start(by: Option<String>) -> Cause {
        Cause {
            by,
            ..Cause::default()
        }
    }

    /// What an input says of who gave it.
    pub(super) fn of(input: &Input) -> Cause {
        let (by, approval, refused) = match input {
            Input::Vote(vote) => (
                Some(&vote.by),
                Some(vote.approval.clone()),
                Some("approval.vote_refused"),
            ),
            Input::Resume { by } => (Some(by), None, Some("run.resume_refused")),
            Input::Settle(settlement) => (Some(&settlement.by), None, Some("run.settle_refused")),
            Input::Cancel { by } => (Some(by), None, Some("run.cancel_refused")),
            _ => (None, None, None),
        };
        Cause {
            by: by.cloned(),
            approval,
            refused,
        }
    }
}

/// Records what a transition did.
pub(super) fn record(
    tx: &Tx<'_>,
    program: &Program,
    stored: &StoredRun,
    (journal, effects): (&[Entry], &[Effect]),
    cause: &Cause,
) -> Result<(), Fault> {
    let ids = |pick: fn(&Effect) -> Option<&String>| -> VecDeque<String> {
        effects.iter().filter_map(pick).cloned().collect()
    };
    // Questions stand in the journal in the order of their effects.
    let mut asked = ids(|e| match e {
        Effect::AskApproval { id } => Some(id),
        _ => None,
    });
    let mut closed = ids(|e| match e {
        Effect::CloseApproval { id } => Some(id),
        _ => None,
    });
    let mut lines = Vec::new();
    for entry in journal {
        count(tx, program, stored, entry)?;
        let Some(mut line) = line(program, &entry.what, cause) else {
            continue;
        };
        line.object = match &entry.what {
            What::ApprovalAsked { .. } => asked.pop_front(),
            What::ApprovalDecided { .. } => closed.pop_front(),
            _ => line.object,
        };
        if let Json::Object(detail) = &mut line.detail {
            let place = json!({ "node": entry.node, "path": entry.path });
            if entry.node.is_some() {
                detail.insert("place".into(), place);
            }
        }
        lines.push(audit(stored, line, entry.at_ms));
    }
    tx.add_audits(&lines).map(|_| ())
}

/// Records a word that came after the run's end.
pub(super) fn too_late(
    tx: &Tx<'_>,
    stored: &StoredRun,
    cause: &Cause,
    now_ms: i64,
) -> Result<(), Fault> {
    let Some(action) = cause.refused else {
        return Ok(());
    };
    let line = Line {
        actor: cause.by.clone().unwrap_or_else(|| ENGINE.into()),
        action,
        object: cause.approval.clone(),
        detail: json!({ "reason": "the run has ended" }),
    };
    tx.add_audit(&audit(stored, line, now_ms)).map(|_| ())
}

/// A record before it is tied to its run.
struct Line {
    actor: String,
    action: &'static str,
    object: Option<String>,
    detail: Json,
}

fn audit(stored: &StoredRun, mut line: Line, at_ms: i64) -> NewAudit {
    let run = &stored.run;
    if let Json::Object(detail) = &mut line.detail {
        detail.insert("playbook".into(), json!(run.playbook));
        if stored.simulated {
            detail.insert("simulated".into(), json!(true));
        }
    }
    NewAudit {
        at_ms,
        tenant: run.tenant.name.clone(),
        actor: line.actor,
        action: line.action.to_owned(),
        run: Some(run.id.clone()),
        object: line.object,
        detail: line.detail,
    }
}

fn line(program: &Program, what: &What, cause: &Cause) -> Option<Line> {
    let person = || cause.by.clone().unwrap_or_else(|| ENGINE.to_owned());
    let engine = || ENGINE.to_owned();
    let impact = |action: &str| impact(program, action).map(|i| i.to_string());
    let (actor, action, object, detail) = match what {
        What::Started { by } => (person(), "run.started", None, json!({ "by": by })),
        What::Intended {
            action,
            args,
            impact,
            authority,
        } => (
            engine(),
            "action.intended",
            Some(action.to_string()),
            json!({ "impact": impact, "args": args, "authority": authority }),
        ),
        What::Performed {
            action,
            value,
            accepted,
        } => {
            let mut detail = json!({ "impact": impact(action), "value": value });
            if let Some(what) = accepted {
                detail["accepted"] = json!(what);
            }
            let action = Some(action.to_string());
            (engine(), "action.performed", action, detail)
        }
        What::ActionFailed {
            action,
            reason,
            handled,
            ..
        } => (
            engine(),
            "action.failed",
            Some(action.to_string()),
            json!({ "impact": impact(action), "reason": reason, "handled": handled }),
        ),
        What::Skipped { action, reason } => (
            engine(),
            "action.skipped",
            Some(action.to_string()),
            json!({ "impact": impact(action), "reason": reason }),
        ),
        What::ApprovalAsked {
            question,
            about,
            eligible,
            needs,
            until_ms,
            answers,
        } => {
            let mut detail = json!({
                "question": question, "about": about, "eligible": eligible, "needs": needs, "until_ms": until_ms
            });
            if let (Json::Object(detail), false) = (&mut detail, answers.is_empty()) {
                detail.insert("answers".into(), json!(answers));
            }
            (engine(), "approval.asked", None, detail)
        }
        What::Voted {
            by,
            approve,
            comment,
            answer,
            instead_of,
            by_link,
        } => {
            let mut detail = match answer {
                None => json!({ "approve": approve, "comment": comment }),
                Some(answer) => json!({ "answer": answer, "comment": comment }),
            };
            if let Some(who) = instead_of {
                detail["instead_of"] = json!(who);
            }
            if *by_link {
                detail["by"] = json!("personal link");
            }
            (by.clone(), "approval.voted", cause.approval.clone(), detail)
        }
        What::Emitted { event, fields } => (
            engine(),
            "event.emitted",
            Some(event.to_string()),
            json!({ "fields": fields }),
        ),
        What::VoteRefused { by, reason } => (
            by.clone(),
            "approval.vote_refused",
            cause.approval.clone(),
            json!({ "reason": reason }),
        ),
        What::ApprovalDecided { decision } => (
            engine(),
            "approval.decided",
            None,
            json!({ "decision": decision }),
        ),
        What::Held { reason } => (engine(), "run.held", None, json!({ "reason": reason })),
        What::Resumed => (person(), "run.resumed", None, json!({})),
        What::Settled {
            by,
            action,
            settled,
            comment,
        } => (
            by.clone(),
            "run.settled",
            Some(action.to_string()),
            json!({ "settled": settled, "comment": comment }),
        ),
        What::SettleRefused { by, reason } => (
            by.clone(),
            "run.settle_refused",
            None,
            json!({ "reason": reason }),
        ),
        What::Ended {
            outcome: outcome @ Outcome::Cancelled { by },
        } => (by.clone(), "run.cancelled", None, json!(outcome)),
        What::Ended { outcome } => (engine(), "run.ended", None, json!(outcome)),
        _ => return None,
    };
    Some(Line {
        actor,
        action,
        object,
        detail,
    })
}

fn count(tx: &Tx<'_>, program: &Program, stored: &StoredRun, entry: &Entry) -> Result<(), Fault> {
    let counted = match &entry.what {
        What::Started { .. } => Some(Counted::Started),
        What::Ended { outcome } => Some(Counted::Ended(outcome)),
        What::Performed { action, .. } => impact(program, action).map(Counted::Performed),
        What::ActionFailed { action, .. } => impact(program, action).map(Counted::Failed),
        _ => None,
    };
    let Some(counted) = counted else {
        return Ok(());
    };
    let run = &stored.run;
    tx.count(
        &run.tenant.name,
        &run.playbook,
        stored.simulated,
        counted,
        entry.at_ms,
    )
}

fn impact(program: &Program, action: &str) -> Option<Impact> {
    program.callables.get(action)?.impact
}
