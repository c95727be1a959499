//! Calls that are about to be sent in; which of them ask the same, so that one asks for all of them, out.
//!
//! Many runs of a playbook look at their goal at the same time, after a restart or since one event started them. Only
//! questions that are sent in the same round are shared: whoever asks later may have acted in between, and is to see
//! what came of it.

use super::Engine;
use super::calls::{Ready, Sent, Way};
use super::drive::{Driver, Job, Report};
use super::kit::Kit;
use crate::call::{CallOutcome, CallRequest};
use crate::store::CallKind;
use std::sync::Arc;
use tokio::sync::oneshot::{self, Receiver, Sender};

/// A call that is made, and those that wait for its answer.
struct Asked {
    kit: Arc<Kit>,
    ready: Ready,
    others: Vec<Sent>,
}

/// Those who wait for a call's answer.
#[derive(Default)]
pub(super) struct Others(Vec<(Sent, Sender<CallOutcome>)>);

impl Others {
    /// The calls that are answered by it.
    pub(super) fn calls(&self) -> impl Iterator<Item = &Sent> {
        self.0.iter().map(|(sent, _)| sent)
    }

    /// Tells them.
    pub(super) fn tell(self, outcome: &CallOutcome) {
        for (_, answer) in self.0 {
            // Who has stopped waiting is told at the next start.
            let _ = answer.send(outcome.clone());
        }
    }
}

impl Engine {
    /// Sends calls that were marked in the same round: what asks the same is asked once.
    pub(super) fn send_together(&self, driver: &mut Driver, ready: Vec<(Arc<Kit>, Ready)>) {
        for Asked { kit, ready, others } in share(ready) {
            let mut waiting = Others::default();
            for sent in others {
                let (answer, answered) = oneshot::channel();
                waiting.0.push((sent.clone(), answer));
                driver.spawn(Job::Call(sent.clone()), async move {
                    Report::Called(sent, wait(answered).await)
                });
            }
            self.send_for(driver, &kit, ready, waiting);
        }
    }
}

/// Puts what asks the same together. Who waits for another's answer needs no room.
fn share(ready: Vec<(Arc<Kit>, Ready)>) -> Vec<Asked> {
    let mut out: Vec<Asked> = Vec::new();
    for (kit, ready) in ready {
        let first = out.iter_mut().find(|asked| same(&asked.ready, &ready));
        match first {
            Some(asked) => asked.others.push(ready.sent),
            None => out.push(Asked {
                kit,
                ready,
                others: Vec::new(),
            }),
        }
    }
    out
}

fn same(one: &Ready, other: &Ready) -> bool {
    let (Way::Connector(first, _), Way::Connector(second, _)) = (&one.way, &other.way) else {
        return false;
    };
    let query = |ready: &Ready| ready.sent.kind == CallKind::Query;
    query(one) && query(other) && alike(first, second)
}

/// Whether two questions have one answer. Who pauses one playbook does not hold up the questions of another one.
fn alike(one: &CallRequest, other: &CallRequest) -> bool {
    one.callable == other.callable
        && Arc::ptr_eq(&one.program, &other.program)
        && one.gate.is_like(&other.gate)
        && one.args == other.args
        && one.tenant == other.tenant
}

async fn wait(answer: Receiver<CallOutcome>) -> CallOutcome {
    answer.await.unwrap_or_else(|_| CallOutcome::Unknown {
        reason: "the question that it was asked with broke off; this is a fault of Counterplay"
            .into(),
    })
}
