//! What is declared of a call and when it was intended in; what may be done about it once its answer was lost, out. Pure.

use counterplay_machine::Program;
use counterplay_machine::declare::{Callable, Impact};
use counterplay_machine::duration::{DAY_MS, MINUTE_MS, format_ms};

/// How long a message stays worth sending again, in milliseconds.
const MESSAGE_MS_MAX: i64 = DAY_MS;

/// By how much a clock may be corrected without a doubt about what it showed before, in milliseconds.
const SKEW_MS: i64 = MINUTE_MS;

/// What may be done about a call that may have been carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repetition {
    /// It may be sent again: twice is as good as once, or no more than a nuisance.
    Again,
    /// The service can be asked whether it was carried out.
    Check,
    /// A person has to say what became of it; why nothing else does.
    Never(String),
}

/// For how long from its intent on a call may be sent again, in milliseconds: `retry: for` of its connection.
pub fn window_ms(program: &Program, callable: &Callable) -> i64 {
    let connection = program.connections.get(callable.request.connection());
    connection.map_or(DAY_MS, |c| c.retry.within_ms.max(0))
}

/// How long after its intent a call that may have been sent is sent again at most, in milliseconds; nothing limits
/// questions.
pub fn limit_ms(program: &Program, callable: &Callable) -> Option<i64> {
    let window_ms = window_ms(program, callable);
    match (
        callable.impact?,
        callable.idempotent || callable.check.is_some(),
    ) {
        (Impact::Notify, false) => Some(window_ms.max(MESSAGE_MS_MAX)),
        _ => Some(window_ms),
    }
}

/// Why the time for sending again is over.
pub fn over(window_ms: i64) -> String {
    match window_ms {
        0 => "its connection tries nothing again".to_owned(),
        ms => format!("the {} for that are over", format_ms(ms)),
    }
}

/// What may be done about a call that was intended at a time and may have been carried out. The world moves on: what was
/// harmless to repeat within minutes may undo what people have done since.
pub fn repetition(
    program: &Program,
    callable: &Callable,
    intended_ms: i64,
    now_ms: i64,
) -> Repetition {
    let Some(impact) = callable.impact else {
        return Repetition::Again;
    };
    let age_ms = match now_ms.saturating_sub(intended_ms) {
        // Its time is looked after by whoever asks for it, as that of messages about approvals.
        _ if intended_ms == i64::MAX => 0,
        // An intent in the future means that the clock was set back, and nobody knows how old it is.
        future if future < -SKEW_MS => i64::MAX,
        age_ms => age_ms,
    };
    let window_ms = window_ms(program, callable);
    if callable.idempotent && age_ms <= window_ms {
        return Repetition::Again;
    }
    if callable.check.is_some() {
        return Repetition::Check;
    }
    if impact == Impact::Notify && age_ms <= MESSAGE_MS_MAX {
        return Repetition::Again;
    }
    Repetition::Never(match (callable.idempotent, impact) {
        (true, _) => format!("it is not sent again by itself: {}", over(window_ms)),
        (false, Impact::Notify) => "it is too old to be sent again by itself".to_owned(),
        (false, _) => {
            "it is not sent again by itself, because doing it twice may do harm".to_owned()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterplay_machine::Value;
    use counterplay_machine::declare::{Auth, Check, Connection, Request, Retry};
    use counterplay_machine::expr::{Expr, Slot};
    use counterplay_machine::types::Type;
    use std::collections::BTreeMap;
    use std::sync::Arc;

    fn program() -> Program {
        let connection = Connection {
            name: Arc::from("desk"),
            base: None,
            auth: Auth::None,
            rates: Vec::new(),
            retry: Retry {
                within_ms: 10 * MINUTE_MS,
                from_ms: 1_000,
                up_to_ms: 8_000,
            },
            timeout_ms: 1_000,
            floors: Vec::new(),
            batch: None,
        };
        Program {
            connections: BTreeMap::from([(Arc::from("desk"), connection)]),
            ..Program::default()
        }
    }

    fn callable(impact: Option<Impact>, idempotent: bool, check: bool) -> Callable {
        let nothing = || Expr::Const(Value::Absent);
        Callable {
            name: Arc::from("act"),
            impact,
            idempotent,
            params: Vec::new(),
            permissions: Vec::new(),
            request: Request::Mail {
                connection: Arc::from("desk"),
                to: nothing(),
                subject: nothing(),
                body: nothing(),
            },
            expect: Vec::new(),
            on_status: Vec::new(),
            body: Slot(0),
            returns: None,
            returns_ty: Type::Nothing,
            confirm: None,
            check: check.then(|| Check {
                queries: Vec::new(),
                found: nothing(),
            }),
            undo: None,
            before: None,
            lasting: None,
            accepted: None,
            doc: Arc::from(""),
        }
    }

    fn after(ms: i64, impact: Option<Impact>, idempotent: bool, check: bool) -> Repetition {
        repetition(
            &program(),
            &callable(impact, idempotent, check),
            1_000,
            1_000 + ms,
        )
    }

    #[test]
    fn what_is_harmless_is_repeated_within_its_window_and_never_later() {
        let block = Some(Impact::Reversible);
        assert_eq!(after(10 * MINUTE_MS, block, true, false), Repetition::Again);
        let late = after(10 * MINUTE_MS + 1, block, true, false);
        let Repetition::Never(why) = late else {
            panic!("{late:?}");
        };
        assert_eq!(
            why,
            "it is not sent again by itself: the 10m for that are over"
        );
        // A question changes nothing, however old it is.
        assert_eq!(after(9 * DAY_MS, None, true, false), Repetition::Again);
    }

    #[test]
    fn the_service_is_asked_where_it_can_be() {
        for idempotent in [false, true] {
            let wipe = after(11 * MINUTE_MS, Some(Impact::Destructive), idempotent, true);
            assert_eq!(wipe, Repetition::Check);
        }
        assert_eq!(
            after(0, Some(Impact::Notify), false, true),
            Repetition::Check
        );
        assert_eq!(
            after(0, Some(Impact::Reversible), true, true),
            Repetition::Again
        );
    }

    #[test]
    fn messages_are_sent_again_for_a_day_and_anything_else_is_a_persons_matter() {
        assert_eq!(
            after(DAY_MS, Some(Impact::Notify), false, false),
            Repetition::Again
        );
        for (ms, impact) in [
            (DAY_MS + 1, Impact::Notify),
            (0, Impact::Reversible),
            (0, Impact::Destructive),
        ] {
            let found = after(ms, Some(impact), false, false);
            assert!(matches!(found, Repetition::Never(_)), "{impact}: {found:?}");
        }
    }
}
