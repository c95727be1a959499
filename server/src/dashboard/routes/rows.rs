//! What the store gives in, lines of the pages' lists out.

use super::Page;
use crate::dashboard::pages::approvals::ApprovalRow;
use crate::dashboard::pages::runs::RunRow;
use counterplay_machine::Program;
use counterplay_machine::declare::Impact;
use counterplay_machine::playbook::NodeKind;
use counterplay_machine::state::Outcome;
use counterplay_runtime::store::{ApprovalInfo, DecidedApproval, RunInfo};

/// A playbook's title, its id where it is gone.
pub fn title(program: &Program, id: &str) -> String {
    program
        .playbooks
        .get(id)
        .map_or_else(|| id.to_owned(), |p| p.title.to_string())
}

/// A run as lists show it: ended ones by their outcome.
pub fn run(program: &Program, info: &RunInfo) -> RunRow {
    let status = match &info.outcome {
        Some(outcome) => outcome.name().to_owned(),
        None => info.status.clone(),
    };
    let why = match &info.outcome {
        Some(Outcome::Failed(failure)) => Some(format!("{}: {}", failure.step, failure.reason)),
        Some(Outcome::Stopped { why }) => why.clone(),
        Some(Outcome::Rejected { question }) => Some(question.clone()),
        _ => None,
    };
    RunRow {
        id: info.id.clone(),
        playbook: info.playbook.clone(),
        title: title(program, &info.playbook),
        tenant: info.tenant.clone(),
        started_by: info.started_by.clone(),
        subject: None,
        status,
        why,
        simulated: info.simulated,
        started_ms: info.started_ms,
        ended_ms: info.ended_ms,
        repeats: u64::try_from(info.repeats).unwrap_or(0),
    }
}

/// The most harm among the actions that a gate opens.
pub fn gate_impact(program: &Program, playbook: &str, node: u32) -> Option<Impact> {
    let playbook = program.playbooks.get(playbook)?;
    let at = |n: u32| {
        playbook
            .graph
            .node_weight(petgraph::graph::NodeIndex::new(n as usize))
    };
    let NodeKind::Approve(approve) = &at(node)?.kind else {
        return None;
    };
    approve
        .covers
        .iter()
        .filter_map(|n| match &at(*n)?.kind {
            NodeKind::Perform(perform) => Some(perform.impact),
            _ => None,
        })
        .max()
}

/// An open approval as lists show it.
pub fn approval(page: &Page, program: &Program, info: &ApprovalInfo) -> ApprovalRow {
    let open = &info.open;
    ApprovalRow {
        id: info.id.clone(),
        question: open.question.clone(),
        about: open.about.iter().map(|(_, name)| name.clone()).collect(),
        title: title(program, &info.playbook),
        tenant: info.tenant.clone(),
        run: info.run.clone(),
        impact: gate_impact(program, &info.playbook, open.node),
        votes: open.votes.len() as u64,
        needs: u64::from(open.needs),
        asked_ms: info.asked_ms,
        until_ms: open.until_ms,
        state: "open".into(),
        question_only: !open.answers.is_empty(),
        voted: open
            .votes
            .iter()
            .any(|(by, _)| by.eq_ignore_ascii_case(&page.who().id)),
        simulated: info.simulated,
    }
}

/// An approval that is over.
pub fn decided(program: &Program, over: &DecidedApproval) -> ApprovalRow {
    let votes = over.answers.iter().filter(|a| a.approve).count();
    ApprovalRow {
        id: over.id.clone(),
        question: over.question.clone(),
        about: over.about.clone(),
        title: title(program, &over.playbook),
        tenant: over.tenant.clone(),
        run: over.run.clone(),
        impact: None,
        votes: votes as u64,
        needs: u64::from(over.needs),
        asked_ms: over.asked_ms,
        until_ms: over.until_ms,
        state: over.state().to_owned(),
        question_only: !over.choices.is_empty(),
        voted: false,
        simulated: over.simulated,
    }
}
