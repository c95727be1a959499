//! The options of `simulate` in, what happens to the playbook out: an event, a start by hand or its schedule.

use crate::args::SimulateArgs;
use crate::error::Failure;
use crate::{input, values};
use counterplay_compiler::near;
use counterplay_machine::Program;
use counterplay_machine::ingest::{self, Recognised};
use counterplay_machine::playbook::{Playbook, TriggerKind};
use counterplay_machine::schedule::is_schedule;
use counterplay_runtime::simulate::Cause;
use std::path::Path;
use std::sync::Arc;

/// What happens, as the options say.
///
/// # Errors
/// When they do not fit the playbook.
pub fn cause(
    args: &SimulateArgs,
    program: &Program,
    playbook: &Playbook,
) -> Result<Cause, Failure> {
    if let Some(path) = &args.event {
        return event(path, args.event_name.as_deref(), program, playbook);
    }
    if let Some(hook) = hooks(playbook).first() {
        return Err(Failure::cannot_start(format!(
            "`{}` starts when something is delivered to the webhook `{hook}`; give it a body with --event FILE",
            playbook.id
        )));
    }
    let scheduled = playbook.triggers.iter().any(|t| is_schedule(&t.kind));
    let manual = values::form(playbook);
    if args.with.is_empty() && args.by.is_none() && scheduled {
        return Ok(Cause::Schedule);
    }
    if manual.is_none() && (!args.with.is_empty() || args.by.is_some()) {
        return Err(Failure::cannot_start(format!(
            "`{}` is not started by hand; it starts {}",
            playbook.id,
            starts(playbook)
        )));
    }
    match manual {
        Some(params) => {
            let given = values::read(Some(playbook), &args.with)?;
            let missing = params
                .iter()
                .find(|p| !p.ty.is_optional() && !given.contains_key(&*p.name));
            if let Some(param) = missing {
                return Err(Failure::cannot_start(format!(
                    "`{}` needs a value for `{}`: add --with {}=…{}",
                    playbook.id,
                    param.name,
                    param.name,
                    if param.lookup.is_some() {
                        ", its id"
                    } else {
                        ""
                    }
                )));
            }
            Ok(Cause::Manual {
                values: given.into_iter().collect(),
                by: args.by.clone(),
            })
        }
        None => Err(Failure::cannot_start(format!(
            "`{}` starts {}; give it one with --event FILE",
            playbook.id,
            starts(playbook)
        ))),
    }
}

/// What starts a playbook, for people.
fn starts(playbook: &Playbook) -> String {
    let events = events(playbook);
    if !events.is_empty() {
        return format!("when {} happens", events.join(" or "));
    }
    let hooks = hooks(playbook);
    if !hooks.is_empty() {
        return format!("when a webhook is delivered to ({})", hooks.join(", "));
    }
    match values::form(playbook) {
        Some(_) => "by hand".into(),
        None => "on a schedule".into(),
    }
}

fn hooks(playbook: &Playbook) -> Vec<String> {
    playbook
        .triggers
        .iter()
        .filter_map(|t| match &t.kind {
            TriggerKind::Webhook(webhook) => Some(webhook.name.to_string()),
            _ => None,
        })
        .collect()
}

fn events(playbook: &Playbook) -> Vec<String> {
    playbook
        .triggers
        .iter()
        .filter_map(|t| match &t.kind {
            TriggerKind::Event(name) => Some(name.to_string()),
            _ => None,
        })
        .collect()
}

fn event(
    path: &Path,
    named: Option<&str>,
    program: &Program,
    playbook: &Playbook,
) -> Result<Cause, Failure> {
    let (name, text) = input::text(path)?;
    let mut items = input::items(&name, &text);
    let json = match (items.pop(), items.len()) {
        (Some(item), 0) => item
            .json
            .map_err(|reason| Failure::cannot_start(format!("{}: {reason}", item.name)))?,
        (_, more) => {
            return Err(Failure::cannot_start(format!(
                "{name} holds {} objects, and one is simulated at a time",
                more + 1
            )));
        }
    };
    let wanted = events(playbook);
    // Alternatives are of one kind: a playbook that listens to webhooks waits for no event.
    let hooks = hooks(playbook);
    if !hooks.is_empty() {
        let named = named.map(str::to_owned);
        if let Some(name) = named.as_ref().filter(|n| !hooks.contains(n)) {
            return Err(Failure::cannot_start(format!(
                "`{}` does not listen to `{name}`; it listens to {}",
                playbook.id,
                near::menu(hooks.iter().map(String::as_str))
            )));
        }
        return Ok(Cause::Hook {
            name: named,
            body: json,
        });
    }
    let event = match named {
        Some(name) if program.events.contains_key(name) => name.to_owned(),
        Some(name) => {
            let known = program.events.keys().map(|k| &**k);
            let hint = near::best(name, known.clone()).map_or_else(
                || format!("there are {}", near::menu(known)),
                |n| format!("did you mean `{n}`?"),
            );
            return Err(Failure::cannot_start(format!(
                "there is no event `{name}`; {hint}"
            )));
        }
        None => match ingest::recognise(program, &json) {
            Recognised::Event(event) => event.to_string(),
            Recognised::Ambiguous(names) => {
                let fits: Vec<&Arc<str>> = names
                    .iter()
                    .filter(|n| wanted.iter().any(|w| **w == ***n))
                    .collect();
                match fits.as_slice() {
                    [one] => one.to_string(),
                    _ => {
                        let menu = near::menu(names.iter().map(|n| &**n));
                        return Err(Failure::cannot_start(format!(
                            "{name} may be any of {menu}; say which with --event-name"
                        )));
                    }
                }
            }
            Recognised::Unknown => match wanted.as_slice() {
                // What is wrong with it says more than that it was not recognised.
                [only] => only.clone(),
                _ => {
                    return Err(Failure::cannot_start(format!(
                        "{name} has the fields of no declared event; `{}` starts {}; if it is one of these, say which with --event-name",
                        playbook.id,
                        starts(playbook)
                    )));
                }
            },
        },
    };
    Ok(Cause::Raw { event, json })
}
