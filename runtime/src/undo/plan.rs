//! A run's journal and what is kept of its actions in; what cannot be taken back, what need not be, and what will be,
//! newest first, out.

use super::facts::{inverse, same, state_query};
use crate::store::{Deed, DeedState, Reading};
use crate::timeline::value_text;
use counterplay_machine::declare::{Callable, Impact};
use counterplay_machine::deployment::Deployment;
use counterplay_machine::journal::{Entry, What};
use counterplay_machine::playbook::NodeKind;
use counterplay_machine::state::Run;
use counterplay_machine::step::Settled;
use counterplay_machine::{Program, Value};
use petgraph::graph::NodeIndex;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is known of a run that is to be undone.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The program that it started with.
    pub program: &'a Program,
    /// Today's teams.
    pub deployment: &'a Deployment,
    /// Its state.
    pub run: &'a Run,
    /// Its journal.
    pub journal: &'a [Entry],
    /// Its actions that can be taken back, in order.
    pub deeds: &'a [Deed],
    /// The other runs that did something to the same, by the action's number.
    pub others: &'a BTreeMap<i64, Vec<String>>,
    /// The time, in milliseconds since the Unix epoch.
    pub now_ms: i64,
}

/// What undoing a run would do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// What stays as it is although the run did it.
    pub cannot: Vec<Lasting>,
    /// What needs no undoing.
    pub nothing: Vec<Lasting>,
    /// What is taken back, in this order.
    pub steps: Vec<Restore>,
}

/// An action that is not taken back.
#[derive(Clone, Debug, PartialEq)]
pub struct Lasting {
    /// The action, for people: `entra.revoke_sessions(Mei Tanaka)`.
    pub call: String,
    /// Its impact.
    pub impact: Option<Impact>,
    /// When it was done, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Why.
    pub why: String,
}

/// An action that is taken back.
#[derive(Clone, Debug, PartialEq)]
pub struct Restore {
    /// Its number in the store.
    pub deed: i64,
    /// The action, for people.
    pub call: String,
    /// When it was done, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What was there before, for people, where it is known.
    pub before: Option<String>,
    /// What was there after, for people, where it is known.
    pub after: Option<String>,
    /// What takes it back.
    pub undo: Arc<str>,
    /// Its arguments.
    pub args: Vec<Value>,
    /// What takes it back, for people.
    pub undo_call: String,
    /// Its impact.
    pub impact: Impact,
    /// The query that tells how it is now.
    pub state: Option<(Arc<str>, Vec<Value>)>,
    /// Why people are asked again before it is done, as far as that is known already.
    pub doubt: Option<String>,
}

/// What undoing a run would do, seen from what is kept of it.
pub fn plan(known: &Known<'_>) -> Plan {
    let mut out = Plan::default();
    for deed in known.deeds.iter().rev() {
        if matches!(deed.state, DeedState::Failed | DeedState::Reading) {
            continue;
        }
        let Some(callable) = known.program.callables.get(&deed.action) else {
            continue;
        };
        let lasting = |why: String| Lasting {
            call: call_text(&deed.action, &deed.args),
            impact: callable.impact,
            at_ms: deed.at_ms,
            why,
        };
        if let Some(by) = deed.undone_by {
            let why = match by == deed.run {
                true => "the run took it back itself",
                false => "it has been undone already",
            };
            out.nothing.push(lasting(why.into()));
            continue;
        }
        if deed.state == DeedState::Unknown && not_done(known, deed) {
            let why = "a person said that it was not carried out";
            out.nothing.push(lasting(why.into()));
            continue;
        }
        if deed.state == DeedState::Done
            && let (Some(before), Some(after)) = (value(&deed.before), value(&deed.after))
            && same(before, after)
        {
            let is = value_text(&before.redacted_json());
            let why = format!("it changed nothing: it was {is} before");
            out.nothing.push(lasting(why));
            continue;
        }
        match restore(known, deed, callable) {
            Ok(step) => out.steps.push(step),
            Err(why) => out.cannot.push(lasting(why)),
        }
    }
    for (at, entry) in known.journal.iter().enumerate().rev() {
        let Some((action, is_certain)) = acted(known, at) else {
            continue;
        };
        let of =
            |deed: &&Deed| deed.node == entry.node.unwrap_or(u32::MAX) && deed.action == *action;
        if known.deeds.iter().any(|d| of(&d)) {
            continue;
        }
        let callable = known.program.callables.get(action);
        out.cannot.push(Lasting {
            call: written(known, entry, action),
            impact: callable.and_then(|c| c.impact),
            at_ms: entry.at_ms,
            why: match is_certain {
                true => why_lasting(callable),
                false => format!(
                    "it is not known whether it was carried out; if it was: {}",
                    why_lasting(callable)
                ),
            },
        });
    }
    out.cannot.sort_by_key(|l| std::cmp::Reverse(l.at_ms));
    out
}

/// The action that an entry of the journal says was carried out, or may have been, and whether that is certain.
fn acted<'a>(known: &Known<'a>, at: usize) -> Option<(&'a Arc<str>, bool)> {
    let entry = known.journal.get(at)?;
    match &entry.what {
        What::Performed { action, .. } => Some((action, true)),
        What::ActionFailed {
            action,
            may_be_done: true,
            ..
        } => Some((action, false)),
        // The run ended before anybody had said what became of it.
        What::Held { .. } => {
            let playbook = known.program.playbooks.get(&known.run.playbook)?;
            let node = playbook
                .graph
                .node_weight(NodeIndex::new(entry.node? as usize))?;
            let NodeKind::Perform(perform) = &node.kind else {
                return None;
            };
            let later = known.journal.get(at + 1..).unwrap_or_default();
            let is_told = later.iter().any(|later| {
                later.node == entry.node
                    && later.path == entry.path
                    && matches!(
                        later.what,
                        What::Settled { .. }
                            | What::Resumed
                            | What::Performed { .. }
                            | What::ActionFailed { .. }
                    )
            });
            (!is_told).then_some((&perform.action, false))
        }
        _ => None,
    }
}

/// Whether a person has settled that an action was not carried out.
fn not_done(known: &Known<'_>, deed: &Deed) -> bool {
    let place = |of: &Deed| {
        let rest = of.id.strip_prefix(known.run.id.as_str())?;
        let end = rest.find(['~', '#']).unwrap_or(rest.len());
        rest.get(..end).map(str::to_owned)
    };
    // What was settled at a place, in order, is about the calls from there whose outcome was not known.
    let here = place(deed);
    let unknown = known
        .deeds
        .iter()
        .filter(|d| d.state == DeedState::Unknown && place(d) == here);
    let rank = unknown.take_while(|d| d.num < deed.num).count();
    let mut settled = known.journal.iter().filter_map(|entry| match &entry.what {
        What::Settled { settled, .. } => {
            let at = format!(":{}{}", entry.node?, entry.path);
            (Some(at) == here).then_some(*settled)
        }
        _ => None,
    });
    settled
        .nth(rank)
        .is_some_and(|settled| settled != Settled::Done)
}

fn value(reading: &Option<Reading>) -> Option<&Value> {
    reading.as_ref().and_then(Reading::value)
}

fn restore(known: &Known<'_>, deed: &Deed, callable: &Callable) -> Result<Restore, String> {
    let at = (known.run, known.now_ms);
    let (program, deployment) = (known.program, known.deployment);
    let before = value(&deed.before);
    let (undo, args) = inverse(program, deployment, at, callable, (&deed.args, before))
        .unwrap_or_else(|| Err("it names no action that takes it back".into()))?;
    let state = state_query(program, deployment, at, callable, &deed.args).transpose()?;
    let impact = program
        .callables
        .get(&undo)
        .and_then(|c| c.impact)
        .ok_or_else(|| format!("there is no action `{undo}`"))?;
    let shown = |reading| value(reading).map(|v| value_text(&v.redacted_json()));
    let others = known.others.get(&deed.num).map_or(&[][..], Vec::as_slice);
    Ok(Restore {
        deed: deed.num,
        call: call_text(&deed.action, &deed.args),
        at_ms: deed.at_ms,
        before: shown(&deed.before),
        after: shown(&deed.after),
        undo_call: call_text(&undo, &args),
        undo,
        args,
        impact,
        state,
        doubt: doubt(deed, others, None),
    })
}

/// Why an action is not simply taken back: what the run left is not known, is there no longer, or is wanted by others.
/// `now` is how it is now, where that was read.
pub fn doubt(deed: &Deed, others: &[String], now: Option<&Value>) -> Option<String> {
    if deed.state != DeedState::Done {
        return Some("whether it was done is not known".into());
    }
    match (&deed.before, &deed.after) {
        (None, _) => {
            return Some("nothing tells whether it is still as the run left it".into());
        }
        (Some(Reading::Failed(why)), _) => {
            return Some(format!("how it was before could not be read: {why}"));
        }
        (_, Some(Reading::Failed(why))) => {
            return Some(format!("how it was afterwards could not be read: {why}"));
        }
        (_, None) => return Some("how it was afterwards was not kept".into()),
        (_, Some(Reading::Is(after))) => {
            if let Some(now) = now
                && !same(after, now)
            {
                return Some(format!(
                    "it is no longer as the run left it: that was {}, and it is {}",
                    value_text(&after.redacted_json()),
                    value_text(&now.redacted_json())
                ));
            }
        }
    }
    match others {
        [] => None,
        [one] => Some(format!(
            "run {one} did something to the same and may still need it"
        )),
        several => Some(format!(
            "runs {} did something to the same and may still need it",
            several.join(", ")
        )),
    }
}

/// Why nothing takes an action back.
fn why_lasting(callable: Option<&Callable>) -> String {
    let Some(callable) = callable else {
        return "its declaration is gone".into();
    };
    match (&callable.lasting, &callable.undo, callable.impact) {
        (Some(why), ..) => why.to_string(),
        (None, Some(_), _) => {
            "the run was made by an earlier version, which did not keep what undoing needs".into()
        }
        (None, None, Some(Impact::Notify)) => "what people were told stays told".into(),
        (None, None, _) => "it names no action that takes it back".into(),
    }
}

/// A step as it is written in the playbook.
fn written(known: &Known<'_>, entry: &Entry, action: &Arc<str>) -> String {
    let playbook = known.program.playbooks.get(&known.run.playbook);
    let node = entry.node.and_then(|n| {
        playbook?
            .graph
            .node_weight(NodeIndex::new(n as usize))
            .map(|n| n.label.to_string())
    });
    let intended = known.journal.iter().rev().find_map(|e| match &e.what {
        What::Intended {
            action: a, args, ..
        } if a == action && e.node == entry.node && e.path == entry.path => Some(args),
        _ => None,
    });
    let params = known
        .program
        .callables
        .get(action)
        .map_or(&[][..], |c| c.params.as_slice());
    let on = intended.and_then(|args| {
        params
            .iter()
            .find_map(|p| args.get(&*p.name).and_then(name))
    });
    match on {
        Some(on) => format!("{action}({on})"),
        None => node.unwrap_or_else(|| action.to_string()),
    }
}

/// What an argument is called among people, where it is an entity or a text.
fn name(arg: &Json) -> Option<String> {
    match arg {
        Json::Object(_) => Some(value_text(arg)),
        Json::String(text) if !text.is_empty() => Some(value_text(arg)),
        _ => None,
    }
}

/// A call for people: `entra.block_sign_in(Mei Tanaka)`.
pub(super) fn call_text(action: &str, args: &[Value]) -> String {
    let shown: Vec<String> = args.iter().map(arg_text).collect();
    format!("{action}({})", shown.join(", "))
}

fn arg_text(value: &Value) -> String {
    match value {
        Value::Record(_) => value.label(),
        Value::Json(json) if json.get("displayName").is_some_and(|n| n.is_string()) => {
            value_text(&json["displayName"])
        }
        Value::List(items) if items.iter().any(|i| matches!(i, Value::Record(_))) => {
            match items.len() {
                1 => "a list of one".into(),
                n => format!("a list of {n}"),
            }
        }
        other => value_text(&other.redacted_json()),
    }
}
