//! Approvals: who may answer, how answers are counted, and what an approval opens.

use super::{Effect, Stepper};
use crate::expr::{Expr, RunFact};
use crate::journal::What;
use crate::playbook::{Approve, Edge, NodeKind};
use crate::state::{
    Ending, Grant, KnownArg, KnownCall, LetBeyond, OpenApproval, Outcome, Run, Waiting,
};
use crate::value::Value;

/// An answer to an approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vote {
    /// The approval, by effect id.
    pub approval: String,
    /// Who, by e-mail address.
    pub by: String,
    /// Whether in favour.
    pub approve: bool,
    /// What they say.
    pub comment: Option<String>,
    /// The answer, where it is a question and no approval.
    pub answer: Option<String>,
    /// Whether they answer by the link in a mail of theirs and have not logged in.
    pub by_link: bool,
}

/// Who decides.
pub(super) struct Electorate {
    /// The team that is asked, by name.
    pub team: Option<String>,
    /// Who may answer.
    pub eligible: Vec<String>,
    /// Who may not, because they stand behind the run's start or are what it is about.
    pub excluded: Vec<String>,
    /// Those of `eligible` who answer for somebody who is away, and for whom.
    pub stand_ins: Vec<(String, String)>,
}

/// Whether an answer would count, or why not.
pub fn check_vote(run: &Run, vote: &Vote, now_ms: i64) -> Result<(), String> {
    let Some(open) = run.approvals.get(&vote.approval) else {
        return Err("this approval is no longer open".into());
    };
    let is = |who: &String| who.eq_ignore_ascii_case(&vote.by);
    match &vote.answer {
        None if !open.answers.is_empty() => {
            return Err(format!(
                "this is a question, not an approval; the answers are {}",
                quoted(&open.answers)
            ));
        }
        Some(_) if open.answers.is_empty() => {
            return Err("this is an approval, not a question: approve or reject it".into());
        }
        Some(answer) if !open.answers.contains(answer) => {
            return Err(format!(
                "\"{answer}\" is none of the answers, which are {}",
                quoted(&open.answers)
            ));
        }
        _ => {}
    }
    if now_ms > open.until_ms {
        return Err("this approval has expired".into());
    }
    if open.excluded.iter().any(is) {
        return Err(format!(
            "{} may not answer: they or a token of theirs started this run, or it is about them",
            vote.by
        ));
    }
    if !open.eligible.iter().any(is) {
        return Err(format!(
            "{} may not answer; asked are {}",
            vote.by,
            open.eligible.join(", ")
        ));
    }
    if open.votes.iter().any(|(who, _)| is(who)) {
        return Err(format!(
            "{} has already answered; another person has to",
            vote.by
        ));
    }
    Ok(())
}

impl Stepper<'_, '_> {
    pub(super) fn ask_approval(&mut self, thread: u32, approve: &Approve) {
        let asked = self.approval(thread, approve);
        let open = match asked {
            Ok(open) => open,
            Err(reason) => return self.fail_step(thread, reason),
        };
        let id = self.effect_id(thread);
        self.open_approval(thread, id, open);
    }

    /// Asks people, of an approval, a question or what a guard wants to know; the thread waits for them.
    pub(super) fn open_approval(&mut self, thread: u32, id: String, open: OpenApproval) {
        self.record(
            Some(thread),
            What::ApprovalAsked {
                question: open.question.clone(),
                about: open.about.iter().map(|(_, label)| label.clone()).collect(),
                eligible: open.eligible.clone(),
                needs: open.needs,
                until_ms: open.until_ms,
                answers: open.answers.clone(),
            },
        );
        self.out.effects.push(Effect::StartTimer {
            id: id.clone(),
            at_ms: open.until_ms,
        });
        self.out
            .effects
            .push(Effect::AskApproval { id: id.clone() });
        self.run.approvals.insert(id.clone(), open);
        if let Some(t) = self.run.threads.get_mut(&thread) {
            t.waiting = Waiting::Approval { id };
        }
    }

    pub(super) fn approval(&self, thread: u32, approve: &Approve) -> Result<OpenApproval, String> {
        let value = |expr| self.eval(thread, expr).map_err(|e| e.to_string());
        let question = value(&approve.question)?.plain();
        let mut about = Vec::new();
        let mut subjects = Vec::new();
        for expr in &approve.about {
            let entities = match value(expr)? {
                Value::List(items) => items,
                one => vec![one],
            };
            for entity in entities {
                about.push((entity.entity_key(), entity.label()));
                subjects.push(entity);
            }
        }
        let asked = value(&approve.by)?;
        let Electorate {
            team,
            eligible,
            excluded,
            stand_ins,
        } = self.electorate(&asked, Some(&subjects));
        if eligible.len() < approve.needs as usize {
            let allowed = eligible.len();
            return Err(format!(
                "\"{question}\" needs {} and only {allowed} may answer (whoever started the run, or whom it is about, may not)",
                people(approve.needs)
            ));
        }
        let (node, path) = self.place(thread);
        Ok(OpenApproval {
            node,
            path,
            question,
            about,
            actions: approve
                .covers
                .iter()
                .filter_map(|n| self.node(*n))
                .map(|n| n.label.to_string())
                .collect(),
            team,
            eligible,
            excluded,
            needs: approve.needs,
            votes: Vec::new(),
            until_ms: self.now_ms.saturating_add(approve.within_ms),
            valid_ms: approve.valid_ms,
            answers: Vec::new(),
            stand_ins,
            known: approve
                .covers
                .iter()
                .filter_map(|node| self.known(thread, *node))
                .collect(),
            budget: None,
        })
    }

    /// What is known now of an action that is performed later. What depends on the time or on what the run has
    /// done by then is decided later, and so is what is not bound yet.
    fn known(&self, thread: u32, node: u32) -> Option<KnownCall> {
        let Some(NodeKind::Perform(perform)) = self.node(node).map(|n| &n.kind) else {
            return None;
        };
        let args = perform.args.iter().map(|arg| {
            let mut moves = false;
            arg.walk(&mut |part| {
                moves |= matches!(part, Expr::Now | Expr::Run(RunFact::Steps));
            });
            match self.eval(thread, arg) {
                Ok(value) if !moves => Some(KnownArg {
                    digest: value.digest(),
                    shown: value.redacted_json(),
                }),
                _ => None,
            }
        });
        Some(KnownCall {
            node,
            args: args.collect(),
        })
    }

    fn approval_thread(&self, id: &str) -> Option<u32> {
        self.run
            .threads
            .iter()
            .find(|(_, t)| matches!(&t.waiting, Waiting::Approval { id: i } if i == id))
            .map(|(n, _)| *n)
    }

    pub(super) fn vote(&mut self, vote: Vote) {
        let thread = self.approval_thread(&vote.approval);
        if let Err(reason) = check_vote(self.run, &vote, self.now_ms) {
            return self.record(
                thread,
                What::VoteRefused {
                    by: vote.by,
                    reason,
                },
            );
        }
        let Some(thread) = thread else { return };
        self.record(
            Some(thread),
            What::Voted {
                by: vote.by.clone(),
                approve: vote.approve,
                comment: vote.comment.clone(),
                answer: vote.answer.clone(),
                instead_of: self
                    .run
                    .approvals
                    .get(&vote.approval)
                    .and_then(|open| open.instead_of(&vote.by))
                    .map(str::to_owned),
                by_link: vote.by_link,
            },
        );
        if let Some(answer) = &vote.answer {
            let node = self.run.approvals.get(&vote.approval).map_or(0, |a| a.node);
            let edge = self.arm_of(node, answer).unwrap_or(Edge::Unanswered);
            return self.decide(thread, &vote.approval, &edge, &format!("\"{answer}\""));
        }
        if !vote.approve {
            return self.decide(thread, &vote.approval, &Edge::Rejected, "rejected");
        }
        let Some(open) = self.run.approvals.get_mut(&vote.approval) else {
            return;
        };
        open.votes.push((vote.by, vote.comment));
        if open.votes.len() < open.needs as usize {
            return;
        }
        let open = open.clone();
        let by: Vec<String> = open.votes.iter().map(|(who, _)| who.clone()).collect();
        let comments: Vec<String> = open.votes.iter().filter_map(|(_, c)| c.clone()).collect();
        let record = Value::record(
            "Approval",
            [
                ("by", Value::text(by.join(", "))),
                ("at", Value::Time(self.now_ms)),
                (
                    "comment",
                    if comments.is_empty() {
                        Value::Absent
                    } else {
                        Value::text(comments.join("; "))
                    },
                ),
            ],
        );
        if let Some(NodeKind::Approve(approve)) = self.node(open.node).map(|n| &n.kind) {
            self.run.bind(thread, approve.slot, record);
        }
        if let Some(NodeKind::Perform(_)) = self.node(open.node).map(|n| &n.kind) {
            // A guard asked: the call may go beyond that budget, and nothing else is opened.
            let call = self.effect_id(thread);
            self.run.let_beyond.push(LetBeyond {
                call,
                budget: open.budget,
            });
            return self.decide(thread, &vote.approval, &Edge::Approved, "approved");
        }
        self.run.grants.push(Grant {
            node: open.node,
            path: open.path,
            about: open.about.into_iter().map(|(key, _)| key).collect(),
            by,
            until_ms: self.now_ms.saturating_add(open.valid_ms),
            known: open.known,
        });
        self.decide(thread, &vote.approval, &Edge::Approved, "approved");
    }

    pub(super) fn approval_expired(&mut self, id: &str) {
        let Some(thread) = self.approval_thread(id) else {
            return;
        };
        let node = self
            .run
            .threads
            .get(&thread)
            .and_then(|t| self.node(t.node));
        let by_default =
            matches!(node.map(|n| &n.kind), Some(NodeKind::Approve(a)) if a.default_approve);
        if by_default {
            // Silence opens the way but grants nothing: steps that need people stay closed.
            let record = Value::record(
                "Approval",
                [
                    ("by", Value::text("nobody")),
                    ("at", Value::Time(self.now_ms)),
                    ("comment", Value::Absent),
                ],
            );
            if let Some(NodeKind::Approve(approve)) = node.map(|n| &n.kind) {
                self.run.bind(thread, approve.slot, record);
            }
            return self.decide(thread, id, &Edge::Approved, "approved by default");
        }
        self.decide(thread, id, &Edge::Unanswered, "unanswered");
    }

    fn decide(&mut self, thread: u32, id: &str, edge: &Edge, decision: &str) {
        self.record(
            Some(thread),
            What::ApprovalDecided {
                decision: decision.into(),
            },
        );
        let question = self
            .run
            .approvals
            .remove(id)
            .map_or(String::new(), |a| a.question);
        self.out
            .effects
            .push(Effect::CancelTimer { id: id.to_owned() });
        self.out
            .effects
            .push(Effect::CloseApproval { id: id.to_owned() });
        let node = self
            .run
            .threads
            .get(&thread)
            .and_then(|t| self.node(t.node))
            .map(|n| &n.kind);
        match node {
            Some(NodeKind::Perform(_)) if *edge == Edge::Approved => {
                if let Some(t) = self.run.threads.get_mut(&thread) {
                    t.waiting = Waiting::Ready;
                }
            }
            Some(NodeKind::Perform(_)) => {
                if self.refused_anew(thread, id, &question, decision) {
                    return;
                }
                let reason = format!("{}: {decision}: \"{question}\"", crate::guard::BLOCKED);
                self.action_failed(thread, reason);
            }
            // Nobody answered a question and nothing is said of that: the run goes on.
            Some(NodeKind::Ask(_)) => {
                if !self.go(thread, edge) {
                    self.end(thread, None);
                }
            }
            _ => {
                if !self.go(thread, edge) {
                    self.end(thread, Some(Ending::End(Outcome::Rejected { question })));
                }
            }
        }
    }

    /// Who may answer, of a team or a person. A question to a person has no `subjects`: it excludes nobody, and
    /// nobody can answer it for another.
    pub(super) fn electorate(&self, asked: &Value, subjects: Option<&[Value]>) -> Electorate {
        let is_in =
            |list: &[String], who: &str| list.iter().any(|other| other.eq_ignore_ascii_case(who));
        let mut excluded: Vec<String> = Vec::new();
        if let Some(subjects) = subjects {
            for who in self.run.starter.iter().chain(&self.run.behind) {
                if !is_in(&excluded, who) {
                    excluded.push(who.clone());
                }
            }
            excluded.extend(subjects.iter().flat_map(addresses));
        }
        let mut team = None;
        let asked: Vec<String> = match asked {
            Value::Record(record) if &*record.ty == "Team" => {
                team = record.fields.get("name").map(Value::plain);
                match record.fields.get("members") {
                    Some(Value::List(members)) => members.iter().map(Value::plain).collect(),
                    _ => Vec::new(),
                }
            }
            // A person has one voice: the mailbox's address, else the name that they sign in with.
            person => addresses(person).into_iter().take(1).collect(),
        };
        // One person counts once, however often an address of theirs is listed.
        let mut eligible: Vec<String> = Vec::new();
        let mut stand_ins = Vec::new();
        for address in &asked {
            if is_in(&excluded, address) || is_in(&eligible, address) {
                continue;
            }
            // Whoever is asked already, or may not answer, stands in for nobody: each voice is another person's.
            let delegate = subjects
                .and_then(|_| self.context.deployment.delegate(address, self.now_ms))
                .filter(|d| !is_in(&excluded, d) && !is_in(&eligible, d) && !is_in(&asked, d));
            match delegate {
                Some(delegate) => {
                    stand_ins.push((delegate.to_owned(), address.clone()));
                    eligible.push(delegate.to_owned());
                }
                None => eligible.push(address.clone()),
            }
        }
        Electorate {
            team,
            eligible,
            excluded,
            stand_ins,
        }
    }
}

fn quoted(answers: &[String]) -> String {
    let quoted: Vec<String> = answers.iter().map(|a| format!("\"{a}\"")).collect();
    quoted.join(", ")
}

/// The addresses by which a person is known.
fn addresses(person: &Value) -> Vec<String> {
    match person {
        Value::Record(record) => ["email", "principal"]
            .iter()
            .filter_map(|f| record.fields.get(*f))
            .filter_map(Value::as_text)
            .map(str::to_owned)
            .collect(),
        Value::Text(address) => vec![address.to_string()],
        _ => Vec::new(),
    }
}

fn people(count: u32) -> String {
    if count == 1 {
        "one person".into()
    } else {
        format!("{count} people")
    }
}
