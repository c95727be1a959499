//! An action that would be performed in, why its call could not even be made out.

use counterplay_machine::declare::{Callable, Request};
use counterplay_machine::deployment::Deployment;
use counterplay_machine::eval::{Env, RunFacts};
use counterplay_machine::expr::Slot;
use counterplay_machine::state::Run;
use counterplay_machine::{Program, Value, request};

/// Why a mail could not be made, as when a person has no address; a real run fails there, too.
pub(super) fn unmakeable(
    program: &Program,
    deployment: &Deployment,
    callable: &Callable,
    args: &[Value],
    run: &Run,
    id: &str,
    now_ms: i64,
) -> Option<String> {
    if !matches!(callable.request, Request::Mail { .. }) {
        return None;
    }
    let slots = |slot: Slot| {
        let at = callable.params.iter().position(|p| p.slot == slot)?;
        Some(args.get(at).cloned().unwrap_or(Value::Absent))
    };
    let names = |slot: Slot| {
        let mut params = callable.params.iter();
        params.find(|p| p.slot == slot).map(|p| p.name.clone())
    };
    let env = Env {
        types: &program.types,
        deployment,
        tenant: &run.tenant,
        now_ms,
        run: Some(RunFacts {
            id: &run.id,
            started_ms: run.started_ms,
            steps: &[],
            sent_again: false,
        }),
        call: Some(id),
        slots: &slots,
        names: &names,
    };
    request::build(callable, &env)
        .err()
        .map(|error| format!("the request cannot be made: {error}"))
}
