//! What is done about a run in; the span that it is told of under out. Every one that is about a run carries the run, its
//! step, the tenant and the playbook, and none carries more than names, ids and numbers: no argument, answer or person.
//!
//! Their level is the highest, so that whatever is told at any level says what it is about.

use crate::call::CallRequest;
use crate::store::Arrival;
use counterplay_machine::state::Run;
use counterplay_machine::step::Input;
use tracing::{Span, error_span};

/// The step of what begins a run.
pub(crate) const BEGIN: &str = "begin";
/// The step of what is about the run as a whole.
const WHOLE: &str = "run";

/// What something is about.
#[derive(Clone, Debug)]
pub(crate) struct About {
    run: Option<String>,
    step: String,
    tenant: String,
    playbook: Option<String>,
}

impl About {
    /// A step of a run, by the id of its effect.
    pub(crate) fn step(run: &Run, id: &str) -> About {
        About {
            step: step(&run.id, id).to_owned(),
            run: Some(run.id.clone()),
            tenant: run.tenant.name.clone(),
            playbook: Some(run.playbook.to_string()),
        }
    }

    /// A call; one that no run makes has no run.
    fn call(request: &CallRequest) -> About {
        let run = request.run.as_ref().map(|(id, _)| id.clone());
        About {
            step: step(run.as_deref().unwrap_or_default(), &request.id).to_owned(),
            tenant: request.tenant.name.clone(),
            playbook: request.gate.playbook().map(str::to_owned),
            run,
        }
    }

    /// A message that tells of an approval.
    pub(crate) fn message(request: &CallRequest, approval: &str) -> About {
        let about = About::call(request);
        About {
            step: step(about.run.as_deref().unwrap_or_default(), approval).to_owned(),
            ..about
        }
    }

    /// A call of the run, with whatever is needed for it.
    pub(crate) fn calling(&self, callable: &str) -> Span {
        let About {
            run,
            step,
            tenant,
            playbook,
        } = self;
        error_span!(parent: None, "call", run, step, tenant, playbook, callable)
    }

    /// A message about an approval of the run.
    pub(crate) fn messaging(&self, channel: &str) -> Span {
        let About {
            run,
            step,
            tenant,
            playbook,
        } = self;
        error_span!(parent: None, "message", run, step, tenant, playbook, channel)
    }
}

/// One attempt of a call.
pub(crate) fn attempt(request: &CallRequest, number: u32) -> Span {
    let About {
        run,
        step,
        tenant,
        playbook,
    } = About::call(request);
    let callable = &*request.callable;
    error_span!("attempt", run, step, tenant, playbook, callable, number)
}

/// A run that takes an input in; the answer to an approval is told of under a name of its own.
pub(crate) fn transition(run: &Run, input: &Input) -> Span {
    let (id, input) = match input {
        Input::Begin => (BEGIN, "begin"),
        Input::Done { id, .. } => (id.as_str(), "done"),
        Input::Failed { id, .. } => (id.as_str(), "failed"),
        Input::Unconfirmed { id, .. } => (id.as_str(), "unconfirmed"),
        Input::Unknown { id, .. } => (id.as_str(), "unknown"),
        Input::Unsent { id } => (id.as_str(), "unsent"),
        Input::Timer { id } => (id.as_str(), "timer"),
        Input::Vote(vote) => (vote.approval.as_str(), "vote"),
        Input::Event { .. } => (WHOLE, "event"),
        Input::Resume { .. } => (WHOLE, "resume"),
        Input::Settle(settlement) => (settlement.step.as_deref().unwrap_or(WHOLE), "settle"),
        Input::Cancel { .. } => (WHOLE, "cancel"),
    };
    let About {
        run,
        step,
        tenant,
        playbook,
    } = About::step(run, id);
    match input {
        "vote" => {
            let approval = id;
            error_span!("approval", run, step, tenant, playbook, approval)
        }
        _ => error_span!("transition", run, step, tenant, playbook, input),
    }
}

/// An accepted event, a time or a person's start that is held against the playbooks.
pub(crate) fn matching(arrival: &Arrival) -> Span {
    let (event, tenant, what) = (arrival.num, &arrival.what.tenant, &arrival.what.name);
    error_span!(parent: None, "matching", event, tenant, what)
}

/// What was found for it, taken into the runs.
pub(crate) fn matched(arrival: &Arrival) -> Span {
    let (event, tenant, what) = (arrival.num, &arrival.what.tenant, &arrival.what.name);
    error_span!(parent: None, "matched", event, tenant, what)
}

/// The part of an effect's id that names the step.
fn step<'i>(run: &str, id: &'i str) -> &'i str {
    let rest = id.strip_prefix(run).filter(|_| !run.is_empty());
    rest.and_then(|rest| rest.strip_prefix(':')).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::step;

    #[test]
    fn a_step_is_named_without_its_run() {
        assert_eq!(step("r-1", "r-1:4[2]#1"), "4[2]#1");
        assert_eq!(step("r-1", "r-12:4"), "r-12:4");
        assert_eq!(step("r-1", "m-7"), "m-7");
        assert_eq!(step("", "e-3:user"), "e-3:user");
        assert_eq!(step("", ":"), ":");
    }
}
