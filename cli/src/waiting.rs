//! A run in, what it waits for in words out.

use counterplay_machine::duration::format_time_ms;
use counterplay_machine::state::{Run, Waiting};
use counterplay_machine::step::{HeldCall, held_calls};
use counterplay_runtime::store::RunDetail;

/// What a run waits for, one sentence each; nothing when it has ended. `flags` lead the commands that are named
/// to the same store.
pub fn sentences(detail: &RunDetail, flags: &str) -> Vec<String> {
    let run = &detail.run;
    if run.outcome.is_some() {
        return Vec::new();
    }
    let held = detail
        .program
        .playbooks
        .get(&run.playbook)
        .map_or_else(Vec::new, |playbook| held_calls(playbook, run));
    let mut out = Vec::new();
    for (num, thread) in &run.threads {
        if let Some(call) = held.iter().find(|call| call.thread == *num) {
            out.push(settle(&run.id, call, flags));
            continue;
        }
        out.extend(match &thread.waiting {
            Waiting::Ready => Some("about to take its next step".to_owned()),
            Waiting::Call { .. } => Some("a call is under way".to_owned()),
            Waiting::Timer { at_ms, .. } => Some(format!("waits until {}", format_time_ms(*at_ms))),
            Waiting::Event { until_ms, .. } => Some(format!(
                "waits for an event, at most until {}",
                format_time_ms(*until_ms)
            )),
            Waiting::Held { reason, .. } => Some(format!(
                "held for a person: {reason}; `counterplay resume {} --as EMAIL{flags}` tries the step again",
                run.id
            )),
            Waiting::Approval { id } => run.approvals.get(id).map(|open| {
                let answered = match open.votes.len() {
                    0 => String::new(),
                    given => format!(", {given} of {} given", open.needs),
                };
                let may: Vec<&str> = open
                    .eligible
                    .iter()
                    .filter(|e| !open.excluded.iter().any(|x| x.eq_ignore_ascii_case(e)))
                    .filter(|e| !open.votes.iter().any(|(who, _)| who.eq_ignore_ascii_case(e)))
                    .map(String::as_str)
                    .collect();
                let command = match open.answers.first() {
                    None => "approve".to_owned(),
                    Some(_) => "answer".to_owned(),
                };
                let choice = open
                    .answers
                    .first()
                    .map_or_else(String::new, |a| format!(" \"{a}\""));
                format!(
                    "asks \"{}\" of {} until {}{answered}; `counterplay {command} {}{choice} --as {}{flags}`",
                    open.question,
                    may.join(", "),
                    format_time_ms(open.until_ms),
                    if run.approvals.len() > 1 { id } else { &run.id },
                    may.first().unwrap_or(&"EMAIL"),
                )
            }),
            Waiting::Children { .. } => None,
        });
    }
    out.dedup();
    out
}

/// What is not known of a call, and the commands that say it.
fn settle(run: &str, call: &HeldCall, flags: &str) -> String {
    format!(
        "held for a person at step {}, {}: {}; look there, then say `counterplay settle {run} {} --done --as EMAIL{flags}`, \
         or --not-done in place of --done to send it again",
        call.place, call.action, call.reason, call.place
    )
}

/// The same in a few words, for a table.
pub fn brief(run: &Run) -> String {
    run.threads
        .values()
        .find_map(|thread| match &thread.waiting {
            Waiting::Approval { id } => run
                .approvals
                .get(id)
                .map(|open| format!("asks {}", open.eligible.join(", "))),
            Waiting::Held { reason, .. } => Some(reason.clone()),
            Waiting::Timer { at_ms, .. } => Some(format!("until {}", format_time_ms(*at_ms))),
            _ => None,
        })
        .unwrap_or_default()
}
