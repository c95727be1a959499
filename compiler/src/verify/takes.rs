//! A program in, the longest that its calls can take out, and how long its guards may hold an action up.
//!
//! Counted as the runtime carries calls out: see `runtime/src/connect/exchange.rs` and `confirm.rs`.

use counterplay_machine::Program;
use counterplay_machine::declare::{Auth, Callable, Impact, Request};
use counterplay_machine::duration::{MINUTE_MS, SECOND_MS};
use counterplay_machine::expr::Expr;
use counterplay_machine::guard::Rule;
use counterplay_machine::playbook::{Edge, NodeKind, Playbook};
use petgraph::graph::NodeIndex;
use std::collections::BTreeMap;
use std::sync::Arc;

/// For how long a service is asked whether it carried something out, beyond the time for which it is tried.
const ASKING_MS: i64 = MINUTE_MS;
/// How long saying good-bye to a mail server may take.
const GOODBYE_MS: i64 = SECOND_MS;

/// The longest that a call may take: the attempt that meets the first trouble, the time for which it is tried again, an
/// attempt that begins just before the end of that, and its confirmation.
///
/// Not counted are waiting for a turn (`rate:`, a sign-in that another call is at) and a list's further pages.
pub fn call_ms(program: &Program, name: &str) -> i64 {
    let Some(callable) = program.callables.get(name) else {
        return 0;
    };
    let attempt = attempt_ms(program, callable);
    let connection = program.connections.get(callable.request.connection());
    // Whatever was certainly not carried out is tried again, also what must not be carried out twice.
    let again = match connection.map_or(0, |c| c.retry.within_ms) {
        ..=0 => 0,
        retry => retry.saturating_add(attempt),
    };
    attempt
        .saturating_add(again)
        .saturating_add(confirm_ms(program, callable))
        .saturating_add(check_ms(program, callable))
}

/// The longest that finding out takes whether a call was carried out: the pause that a slow service is given, the time for
/// which it is asked, and an attempt that begins just before the end of that. See `runtime/src/connect/doubt.rs`.
fn check_ms(program: &Program, callable: &Callable) -> i64 {
    let Some(check) = &callable.check else {
        return 0;
    };
    let connection = program.connections.get(callable.request.connection());
    let pause_ms = connection.map_or(0, |c| c.timeout_ms.max(c.retry.from_ms));
    let asked = check.queries.iter();
    asked
        .filter_map(|(_, query, _)| program.callables.get(query))
        .map(|query| attempt_ms(program, query))
        .fold(ASKING_MS.saturating_add(pause_ms), i64::saturating_add)
}

/// The longest that reading the state back may take. A look may begin just before the end; its queries are not
/// repeated beyond that.
fn confirm_ms(program: &Program, callable: &Callable) -> i64 {
    let Some(confirm) = &callable.confirm else {
        return 0;
    };
    let asked = confirm.queries.iter();
    asked
        .filter_map(|(_, query, _)| program.callables.get(query))
        .map(|query| attempt_ms(program, query))
        .fold(confirm.within_ms.max(0), i64::saturating_add)
}

/// The longest that one attempt may take.
fn attempt_ms(program: &Program, callable: &Callable) -> i64 {
    let Some(connection) = program.connections.get(callable.request.connection()) else {
        return 0;
    };
    let timeout = connection.timeout_ms.max(1);
    match (&callable.request, &connection.auth) {
        // Everything before the text, the text, and the good-bye.
        (Request::Mail { .. }, _) => timeout.saturating_mul(2).saturating_add(GOODBYE_MS),
        // A token and the request; both once more where the service refuses the token.
        (Request::Http { .. }, Auth::OAuth2 { .. }) => timeout.saturating_mul(4),
        (Request::Http { .. }, _) => timeout,
    }
}

/// The guards that may hold an action up, and for how long each: until people have decided about what is beyond its
/// budget. They are asked for one budget after the other.
pub fn held<'p>(
    program: &'p Program,
    action: &'p str,
    impact: Impact,
) -> impl Iterator<Item = (&'p Arc<str>, i64)> {
    let rules = program
        .guards
        .iter()
        .flat_map(|guard| guard.rules.iter().map(move |rule| (&guard.title, rule)));
    rules.filter_map(move |(title, rule)| match rule {
        // Guards let messages pass.
        Rule::Limit {
            action: limited,
            beyond: Some(beyond),
            ..
        } if **limited == *action && impact > Impact::Notify => Some((title, beyond.within_ms)),
        _ => None,
    })
}

/// For how long guards may hold an action up at most.
pub fn held_ms(program: &Program, action: &str, impact: Impact) -> i64 {
    held(program, action, impact)
        .map(|(_, within_ms)| within_ms)
        .fold(0, i64::saturating_add)
}

/// The longest that the last look at a condition takes that a timer comes back through: it may begin just before the
/// wait's end.
pub fn last_look_ms(
    playbook: &Playbook,
    cycles: &BTreeMap<NodeIndex, Vec<NodeIndex>>,
    timer: NodeIndex,
    program: &Program,
) -> i64 {
    if playbook.follow(timer, &Edge::Tick).is_none() {
        return 0;
    }
    let looks = cycles.get(&timer).into_iter().flatten();
    looks
        .filter_map(|n| match &playbook.graph.node_weight(*n)?.kind {
            NodeKind::Query { query, .. } => Some(call_ms(program, query)),
            _ => None,
        })
        .fold(0, i64::saturating_add)
}

/// How often a loop's body may run one after the other. A list that is written down has the length that it has.
pub fn rounds(list: &Expr, limit: u32, at_a_time: u32) -> i64 {
    let most = match list {
        Expr::List(items) => u32::try_from(items.len()).unwrap_or(u32::MAX).min(limit),
        _ => limit,
    };
    i64::from(most.div_ceil(at_a_time.max(1)))
}
