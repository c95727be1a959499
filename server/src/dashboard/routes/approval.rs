//! One approval: what it opens for whom, why, on which evidence; and the answers of people.

use super::{Form, Oops, Page, rows};
use crate::api::approvals::{Decision, Said, find, may_answer, vote};
use crate::dashboard::chrome::Area;
use crate::dashboard::pages::ApprovalPage;
use crate::dashboard::pages::approval::{
    Consequences, EvidenceGroup, GatedAction, Standing, Subject, Vote,
};
use crate::dashboard::text;
use crate::http::Path;
use crate::identity::Permission;
use crate::problem::Problem;
use axum::http::StatusCode;
use axum::response::Response;
use counterplay_machine::duration::format_ms;
use counterplay_machine::journal::What;
use counterplay_machine::playbook::{Approve, Edge, NodeKind, Playbook};
use counterplay_machine::state::{OpenApproval, Run};
use counterplay_runtime::store::{ApprovalDetail, ApprovalInfo, DecidedApproval, RunDetail};
use counterplay_runtime::timeline::value_text;
use petgraph::Direction;
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;
use serde::Deserialize;
use serde_json::Value as Json;

/// The most facts of one group.
const FACTS_MAX: usize = 40;
/// How many steps of the run are shown as evidence.
const STEPS_MAX: usize = 12;
/// How far ahead one looks for what follows an answer.
const FOLLOW_MAX: usize = 4;

/// The answer's form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Answer {
    decision: String,
    answer: String,
    comment: String,
}

/// What was typed before, and why it was not taken.
#[derive(Default)]
struct Typed {
    comment: String,
    error: Option<String>,
}

/// `GET /approvals/{id}`. Opening it decides nothing.
///
/// # Errors
/// The page of what went wrong.
pub async fn show(page: Page, Path(id): Path<String>) -> Result<Response, Oops> {
    let made = make(&page, &id, Typed::default()).await;
    let made = page.or_oops(made).await?;
    Ok(page.show(&made))
}

/// `POST /approvals/{id}`.
///
/// # Errors
/// The page of what went wrong.
pub async fn answer(Path(id): Path<String>, form: Form<Answer>) -> Result<Response, Oops> {
    let Form { page, fields } = form;
    let said = match fields.decision.as_str() {
        "approve" => Said::Decision(Decision::Approve),
        "reject" => Said::Decision(Decision::Reject),
        "" if !fields.answer.is_empty() => Said::Answer(fields.answer.clone()),
        _ => {
            return Err(page
                .oops(Problem::bad_request("the form says neither yes nor no"))
                .await);
        }
    };
    let comment = Some(fields.comment.clone());
    match vote(&page.app, &page.auth, &id, said.clone(), comment).await {
        Ok(_) => {
            let word = match said {
                Said::Decision(Decision::Approve) => "You have approved.",
                Said::Decision(Decision::Reject) => "You have rejected.",
                Said::Answer(_) => "You have answered.",
            };
            Ok(page.back(&format!("/approvals/{}", text::segment(&id)), word))
        }
        Err(problem) if matches!(problem.status, 409 | 422) => {
            let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::CONFLICT);
            let typed = Typed {
                comment: fields.comment,
                error: Some(problem.detail),
            };
            let made = make(&page, &id, typed).await;
            let made = page.or_oops(made).await?;
            Ok(super::page::render(status, &made))
        }
        Err(problem) => Err(page.oops(problem).await),
    }
}

async fn make(page: &Page, id: &str, typed: Typed) -> Result<ApprovalPage, Problem> {
    page.auth.needs(Permission::View)?;
    let detail = find(&page.app, &page.auth, id).await?;
    let run_id = match &detail {
        ApprovalDetail::Open(open) => &open.run,
        ApprovalDetail::Over(over) => &over.run,
    };
    let found = crate::api::runs::find(&page.app, &page.auth, run_id).await?;
    let playbook = found.program.playbooks.get(&found.run.playbook);
    let gate = gate(&detail, &found, playbook);
    let (row, standing, votes) = match &detail {
        ApprovalDetail::Open(open) => (
            rows::approval(page, &found.program, open),
            standing(page, open, &found.run),
            open_votes(&found, open),
        ),
        ApprovalDetail::Over(over) => {
            let mut row = rows::decided(&found.program, over);
            row.impact = gate
                .as_ref()
                .and_then(|g| rows::gate_impact(&found.program, &over.playbook, g.node));
            (row, Standing::Over(how_over(over)), over_votes(over))
        }
    };
    let (eligible, excluded, subjects) = match &detail {
        ApprovalDetail::Open(info) => people(&found, &info.open),
        ApprovalDetail::Over(over) => (
            Vec::new(),
            Vec::new(),
            over.about
                .iter()
                .map(|name| Subject {
                    name: name.clone(),
                    key: String::new(),
                })
                .collect(),
        ),
    };
    let event = page
        .app
        .engine
        .store()
        .event_of_run(run_id, page.auth.tenants())
        .await?;
    let mut evidence = Vec::new();
    if let Some(event) = event {
        evidence.push(EvidenceGroup {
            title: format!("What started the run: {}", event.name),
            at_ms: event.received_ms,
            facts: facts(event.payload.get("values").unwrap_or(&event.payload)),
        });
    }
    evidence.extend(steps(&found, row.asked_ms));
    let approve = gate.as_ref().and_then(|g| g.approve(playbook));
    let messages = page.app.engine.store().messages(id).await?;
    let choices = match &detail {
        ApprovalDetail::Open(open) => open.open.answers.clone(),
        ApprovalDetail::Over(over) => over.choices.clone(),
    };
    let area = if choices.is_empty() {
        "Approval"
    } else {
        "Question"
    };
    Ok(ApprovalPage {
        messages,
        choices,
        chrome: page
            .chrome(Area::Approvals, format!("{area}: {}", row.question))
            .await,
        doc: playbook.map(|p| p.doc.to_string()).unwrap_or_default(),
        actions: approve
            .map(|a| actions(&found, a, &detail))
            .unwrap_or_default(),
        consequences: gate
            .as_ref()
            .zip(playbook)
            .map(|(g, p)| consequences(p, g.node, approve))
            .unwrap_or_default(),
        valid_for: approve.map(|a| format_ms(a.valid_ms)).unwrap_or_default(),
        started_by: found.run.started_by.clone(),
        started_ms: found.run.started_ms,
        playbook: found.run.playbook.to_string(),
        comment: typed.comment,
        error: typed.error,
        row,
        subjects,
        evidence,
        votes,
        eligible,
        excluded,
        standing,
    })
}

/// The gate's step.
struct Gate {
    node: u32,
}

impl Gate {
    fn approve<'p>(&self, playbook: Option<&'p Playbook>) -> Option<&'p Approve> {
        match &playbook?
            .graph
            .node_weight(NodeIndex::new(self.node as usize))?
            .kind
        {
            NodeKind::Approve(approve) => Some(approve),
            _ => None,
        }
    }
}

/// Where the question stands in the graph; for one that is over by the journal's entry that asked it.
fn gate(detail: &ApprovalDetail, found: &RunDetail, playbook: Option<&Playbook>) -> Option<Gate> {
    playbook?;
    match detail {
        ApprovalDetail::Open(open) => Some(Gate {
            node: open.open.node,
        }),
        ApprovalDetail::Over(over) => found.journal.iter().find_map(|entry| match &entry.what {
            What::ApprovalAsked { question, .. }
                if *question == over.question && entry.at_ms == over.asked_ms =>
            {
                entry.node.map(|node| Gate { node })
            }
            _ => None,
        }),
    }
}

fn standing(page: &Page, info: &ApprovalInfo, run: &Run) -> Standing {
    let me = &page.who().id;
    let is = |who: &String| who.eq_ignore_ascii_case(me);
    let open = &info.open;
    if open.votes.iter().any(|(by, _)| is(by)) {
        return Standing::Answered;
    }
    if may_answer(&page.auth, info) {
        return Standing::MayAnswer;
    }
    Standing::MayNot(if run.starter.as_ref().is_some_and(is) {
        "You started this run, so you may not answer. Another person has to.".into()
    } else if run.behind.iter().any(is) {
        "You stand behind what started this run: a token of yours, an event that you sent, or a schedule that you fired. Another person has to answer.".into()
    } else if open.excluded.iter().any(is) {
        "It is about you, so you may not answer. Another person has to.".into()
    } else if open.eligible.iter().any(is) {
        "You are asked, and your account has no right to approve in this tenant. An administrator can give you the role approver.".into()
    } else {
        "You are not among those who are asked. You can see everything, and decide nothing.".into()
    })
}

fn how_over(over: &DecidedApproval) -> String {
    let by = |approve: bool| {
        let names: Vec<&str> = over
            .answers
            .iter()
            .filter(|a| a.approve == approve)
            .map(|a| a.by.as_str())
            .collect();
        names.join(", ")
    };
    match over.decision.as_deref() {
        Some(_) if over.answers.iter().any(|a| a.answer.is_some()) => {
            let said = over.answers.iter().filter_map(|a| {
                let answer = a.answer.as_ref()?;
                Some(format!("{} answered “{answer}”.", a.by))
            });
            said.collect::<Vec<_>>().join(" ")
        }
        Some("approved") => format!("Approved by {}.", by(true)),
        Some("rejected") => format!("Rejected by {}.", by(false)),
        Some("unanswered") => "Nobody answered in time.".into(),
        Some(other) => format!("It was {other}."),
        None => "The run ended before it was answered.".into(),
    }
}

fn open_votes(found: &RunDetail, info: &ApprovalInfo) -> Vec<Vote> {
    let said = |by: &str, yes: bool| {
        found.journal.iter().rev().find_map(|e| match &e.what {
            What::Voted {
                by: who,
                approve,
                instead_of,
                by_link,
                ..
            } if who.eq_ignore_ascii_case(by) && *approve == yes => {
                Some((e.at_ms, how(instead_of.as_deref(), *by_link)))
            }
            _ => None,
        })
    };
    info.open
        .votes
        .iter()
        .map(|(by, comment)| {
            let (at_ms, how) = said(by, true).unwrap_or((info.asked_ms, String::new()));
            Vote {
                by: by.clone(),
                approve: true,
                answer: None,
                comment: comment.clone(),
                how,
                at_ms,
                refused: None,
            }
        })
        .collect()
}

/// For whom somebody answered and how, where there is something to say of it.
fn how(instead_of: Option<&str>, by_link: bool) -> String {
    let mut parts = Vec::new();
    parts.extend(instead_of.map(|who| format!("for {who}, who is away")));
    parts.extend(by_link.then(|| "by personal link".to_owned()));
    parts.join(", ")
}

fn over_votes(over: &DecidedApproval) -> Vec<Vote> {
    let counted = over.answers.iter().map(|a| Vote {
        by: a.by.clone(),
        approve: a.approve,
        answer: a.answer.clone(),
        comment: a.comment.clone(),
        how: how(a.instead_of.as_deref(), a.by_link),
        at_ms: a.at_ms,
        refused: None,
    });
    let refused = over.refused.iter().map(|r| Vote {
        by: r.by.clone(),
        approve: true,
        answer: None,
        comment: None,
        how: String::new(),
        at_ms: r.at_ms,
        refused: Some(r.reason.clone()),
    });
    counted.chain(refused).collect()
}

type People = (Vec<String>, Vec<(String, String)>, Vec<Subject>);

/// Who may still answer, who may not and why, and whom it is about.
fn people(found: &RunDetail, open: &OpenApproval) -> People {
    let is = |list: &[String], who: &str| list.iter().any(|e| e.eq_ignore_ascii_case(who));
    let eligible = open
        .eligible
        .iter()
        .filter(|who| {
            !is(&open.excluded, who)
                && !open
                    .votes
                    .iter()
                    .any(|(by, _)| by.eq_ignore_ascii_case(who))
        })
        .cloned()
        .collect();
    let starter = found.run.starter.as_deref().unwrap_or_default();
    let excluded = open
        .excluded
        .iter()
        .filter(|who| is(&open.eligible, who))
        .map(|who| {
            let why = match who.eq_ignore_ascii_case(starter) {
                true => "started the run",
                false => "the run is about them",
            };
            (who.clone(), why.to_owned())
        })
        .collect();
    let subjects = open
        .about
        .iter()
        .map(|(key, name)| Subject {
            name: name.clone(),
            key: key.clone(),
        })
        .collect();
    (eligible, excluded, subjects)
}

/// The actions that a gate opens, as written, with what the library says of each.
fn actions(found: &RunDetail, approve: &Approve, detail: &ApprovalDetail) -> Vec<GatedAction> {
    let known = match detail {
        ApprovalDetail::Open(info) => info.open.known.as_slice(),
        ApprovalDetail::Over(_) => &[],
    };
    let Some(playbook) = found.program.playbooks.get(&found.run.playbook) else {
        return Vec::new();
    };
    approve
        .covers
        .iter()
        .filter_map(|n| {
            let node = playbook.graph.node_weight(NodeIndex::new(*n as usize))?;
            let NodeKind::Perform(perform) = &node.kind else {
                return None;
            };
            let callable = found.program.callables.get(&perform.action);
            let params = callable.map(|c| c.params.as_slice()).unwrap_or_default();
            let known = known.iter().find(|call| call.node == *n);
            let args = known.map(|call| call.args.as_slice()).unwrap_or_default();
            let given = params.iter().zip(args);
            Some(GatedAction {
                known: given
                    .clone()
                    .filter_map(|(p, arg)| Some((p.name.to_string(), arg.as_ref()?)))
                    .map(|(name, arg)| (name, value_text(&arg.shown)))
                    .collect(),
                call: node.label.to_string(),
                doc: callable.map(|c| c.doc.to_string()).unwrap_or_default(),
                impact: perform.impact,
                undo: callable
                    .and_then(|c| c.undo.as_ref())
                    .map(|(action, _)| action.to_string()),
                later: given
                    // Whom an action acts on is never decided later: it is what the question is about.
                    .filter(|(p, arg)| arg.is_none() && !p.acted_on)
                    .map(|(p, _)| p.name.to_string())
                    .collect(),
            })
        })
        .collect()
}

/// What follows each answer, read from the machine.
fn consequences(playbook: &Playbook, node: u32, approve: Option<&Approve>) -> Consequences {
    let at = NodeIndex::new(node as usize);
    let after = |edge: Edge| follow(playbook, playbook.follow(at, &edge));
    let ends = || "the run ends here, rejected; nothing behind the question is done".to_owned();
    let rejected = after(Edge::Rejected).unwrap_or_else(ends);
    let silent = match approve {
        Some(a) if a.default_approve => {
            "silence counts as yes, and grants nothing: steps that need people stay closed".into()
        }
        _ => after(Edge::Unanswered).unwrap_or_else(ends),
    };
    Consequences {
        approved: after(Edge::Approved).unwrap_or_else(|| "the run goes on".into()),
        rejected,
        unanswered: silent,
    }
}

/// The next steps from a node on, as written; nothing where there is no such way.
fn follow(playbook: &Playbook, from: Option<NodeIndex>) -> Option<String> {
    let mut at = from?;
    let mut out = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    while seen.insert(at) && out.len() < FOLLOW_MAX {
        let node = playbook.graph.node_weight(at)?;
        match &node.kind {
            NodeKind::Perform(_)
            | NodeKind::Approve(_)
            | NodeKind::Ask(_)
            | NodeKind::WaitEvent(_)
            | NodeKind::Emit { .. }
            | NodeKind::Wait { .. }
            | NodeKind::WaitClock { .. }
            | NodeKind::WaitTime { .. } => {
                out.push(node.label.to_string());
            }
            NodeKind::End { .. } => {
                out.push("the run ends".into());
                break;
            }
            _ => {}
        }
        let mut ways = playbook
            .graph
            .edges_directed(at, Direction::Outgoing)
            .filter(|e| matches!(e.weight(), Edge::Done));
        match (ways.next(), ways.next()) {
            (Some(way), None) => at = way.target(),
            _ => break,
        }
    }
    Some(match out.is_empty() {
        true => "the run goes on".into(),
        false => out.join(" · then "),
    })
}

/// What the run has found out and done until it asked.
fn steps(found: &RunDetail, asked_ms: i64) -> Vec<EvidenceGroup> {
    let before = found.journal.iter().filter(|e| e.at_ms <= asked_ms);
    let told = before.filter_map(|entry| {
        let (title, facts) = match &entry.what {
            What::Answered { query, value } => (format!("{query} answered"), facts(value)),
            What::Performed {
                action,
                value,
                accepted: Some(what),
            } => (format!("{action} was accepted: {what}"), facts(value)),
            What::Performed { action, value, .. } => {
                (format!("{action} was performed"), facts(value))
            }
            What::ActionFailed { action, reason, .. } => (
                format!("{action} failed"),
                vec![("reason".to_owned(), reason.clone())],
            ),
            _ => return None,
        };
        Some(EvidenceGroup {
            title,
            at_ms: entry.at_ms,
            facts,
        })
    });
    let all: Vec<EvidenceGroup> = told.collect();
    let from = all.len().saturating_sub(STEPS_MAX);
    all.into_iter().skip(from).collect()
}

/// JSON as facts: paths and values.
fn facts(value: &Json) -> Vec<(String, String)> {
    let mut out = Vec::new();
    collect(value, "", &mut out);
    out.truncate(FACTS_MAX);
    out
}

fn collect(value: &Json, path: &str, out: &mut Vec<(String, String)>) {
    if out.len() >= FACTS_MAX {
        return;
    }
    match value {
        Json::Object(fields) => {
            for (name, value) in fields {
                let path = match path.is_empty() {
                    true => name.clone(),
                    false => format!("{path}.{name}"),
                };
                collect(value, &path, out);
            }
        }
        Json::Null => {}
        other => {
            let name = if path.is_empty() { "value" } else { path };
            let text = match other {
                Json::String(text) => text.clone(),
                other => value_text(other),
            };
            out.push((name.to_owned(), text));
        }
    }
}
