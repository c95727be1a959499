//! A message and where it goes in, the call that carries it out.
//!
//! The connections have the names of the standard library's, so that the settings, credentials and
//! rates of the project hold for them. They try once: a message is repeated from the store, where a
//! restart does not lose it.

use super::{Notice, mail, slack, teams};
use crate::brake::Gate;
use crate::call::{CallRequest, Setbacks};
use crate::room::Room;
use crate::store::Channel;
use counterplay_machine::declare::{
    Auth, Base, Callable, Connection, Impact, Param, Rate, Request, Retry,
};
use counterplay_machine::eval::TenantFacts;
use counterplay_machine::expr::{Expr, Slot};
use counterplay_machine::program::FORMAT;
use counterplay_machine::types::Type;
use counterplay_machine::value::SecretSource;
use counterplay_machine::{Program, Value};
use std::sync::{Arc, LazyLock};

/// Where a message goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// To an e-mail address.
    Mail(String),
    /// To the Teams webhook whose address this secret holds.
    Teams(String),
    /// To the Slack webhook whose address this secret holds.
    Slack(String),
}

const TO: Slot = Slot(0);
const SUBJECT: Slot = Slot(1);
const CONTENT: Slot = Slot(2);

/// The three declarations.
static PROGRAM: LazyLock<Arc<Program>> = LazyLock::new(|| {
    let mut program = Program {
        format: FORMAT,
        ..Program::default()
    };
    for channel in [Channel::Mail, Channel::Teams, Channel::Slack] {
        let (connection, callable) = (connection(channel), callable(channel));
        program
            .connections
            .insert(connection.name.clone(), connection);
        program.callables.insert(callable.name.clone(), callable);
    }
    Arc::new(program)
});

/// The call that carries a message. `id` is the same for every repetition; `repeated` says that an
/// earlier attempt was begun and its end is not known.
pub(crate) fn request(
    notice: &Notice,
    address: Address,
    id: String,
    tenant: TenantFacts,
    run: (String, i64),
    repeated: bool,
) -> CallRequest {
    let secret = |name: String| Value::Secret(SecretSource::Named(Arc::from(name)));
    let json = |json| Value::Json(Arc::new(json));
    let (channel, to, content) = match address {
        Address::Mail(to) => (
            Channel::Mail,
            Value::text(to),
            Value::text(mail::body(notice)),
        ),
        Address::Teams(name) => (Channel::Teams, secret(name), json(teams::message(notice))),
        Address::Slack(name) => (Channel::Slack, secret(name), json(slack::message(notice))),
    };
    CallRequest {
        id,
        callable: name(channel),
        args: vec![to, Value::text(&notice.subject), content],
        tenant,
        run: Some(run),
        program: PROGRAM.clone(),
        // For how long a message is worth sending again is decided where it is kept.
        intended_ms: i64::MAX,
        repeated,
        setbacks: Setbacks::default(),
        gate: Gate::default(),
        room: Room::default(),
    }
}

fn name(channel: Channel) -> Arc<str> {
    Arc::from(format!("approval.{}", channel.name()))
}

fn connection(channel: Channel) -> Connection {
    let (base, count, timeout_ms) = match channel {
        Channel::Mail | Channel::Reminder => (Base::Smtp, None, 30_000),
        Channel::Teams => (Base::FromSecret, Some(4), 20_000),
        Channel::Slack => (Base::FromSecret, Some(1), 20_000),
    };
    let rate = |count| Rate {
        count,
        per_ms: 1_000,
        per_tenant: false,
    };
    Connection {
        name: Arc::from(channel.name()),
        base: Some(base),
        auth: Auth::None,
        rates: count.map(rate).into_iter().collect(),
        retry: Retry {
            within_ms: 0,
            from_ms: 0,
            up_to_ms: 0,
        },
        timeout_ms,
        batch: None,
        floors: Vec::new(),
    }
}

fn callable(channel: Channel) -> Callable {
    let connection = Arc::from(channel.name());
    let (request, expect) = match channel {
        Channel::Mail | Channel::Reminder => {
            let request = Request::Mail {
                connection,
                to: Expr::Slot(TO),
                subject: Expr::Slot(SUBJECT),
                body: Expr::Slot(CONTENT),
            };
            (request, Vec::new())
        }
        Channel::Teams | Channel::Slack => {
            let request = Request::Http {
                connection,
                method: Arc::from("POST"),
                path: Vec::new(),
                address: Some(Expr::Slot(TO)),
                query: Vec::new(),
                headers: Vec::new(),
                json: Some(Expr::Slot(CONTENT)),
                paged: false,
            };
            (request, vec![200, 202])
        }
    };
    let param = |name: &str, ty, slot| Param {
        name: Arc::from(name),
        ty,
        slot,
        acted_on: false,
    };
    Callable {
        name: name(channel),
        impact: Some(Impact::Notify),
        idempotent: false,
        params: vec![
            param("to", Type::Unknown, TO),
            param("subject", Type::Text, SUBJECT),
            param("content", Type::Unknown, CONTENT),
        ],
        permissions: Vec::new(),
        request,
        expect,
        on_status: Vec::new(),
        body: Slot(3),
        returns: None,
        returns_ty: Type::Nothing,
        confirm: None,
        check: None,
        undo: None,
        before: None,
        lasting: None,
        accepted: None,
        doc: Arc::from("Tells people where an approval waits."),
    }
}
