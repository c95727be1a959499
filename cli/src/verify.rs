//! `counterplay verify`: a project in, what is certain of every run of its playbooks, and what is not, out.

use crate::args::{TextOrJson, VerifyArgs};
use crate::choose;
use crate::error::{FOUND, Failure, OK, Outcome};
use crate::out::{self, BAD, GOOD, HEAD, NAME, QUIET, WARN, paint};
use crate::project::{self, Project};
use anstyle::Style;
use counterplay_compiler::codes;
use counterplay_compiler::diagnostic::Severity;
use counterplay_compiler::prove::{Held, Kind, Proof, Step, Wait, prove, refuted};
use counterplay_machine::declare::Impact;
use counterplay_machine::deployment::Mode;
use counterplay_machine::duration::format_ms;
use counterplay_machine::ingest;
use serde_json::json;

/// Errors that leave the machine whole: what they say is what is not proved.
const OF_THE_GRAPH: &[&str] = &[
    codes::UNGATED_DESTRUCTIVE,
    codes::APPROVAL_EXPIRES,
    codes::ORDER,
];

/// Says what is proved of each playbook and what is not.
///
/// # Errors
/// When the project cannot be read, has errors other than those of the graph, or has no playbook.
pub fn verify(args: &VerifyArgs) -> Outcome {
    let project = project::at(args.project.as_deref())?;
    let mut errors = project
        .findings
        .iter()
        .filter(|d| d.severity == Severity::Error);
    let of_the_graph = errors.all(|d| OF_THE_GRAPH.contains(&d.code));
    let broken = project.has_errors();
    let project = if of_the_graph {
        project
    } else {
        choose::without_errors(project)?
    };
    let mut proofs = proofs(&project);
    // Files that belong to no project are looked at alone, without the responses that ship.
    if args.project.is_some() && project.root.is_none() {
        proofs.retain(|proof| !proof.file.starts_with("std:/"));
    }
    // A pipeline that verifies nothing must not look as if everything were proved.
    if proofs.is_empty() {
        return Err(Failure::cannot_start(
            "there is no playbook to verify; is the folder of the playbooks among `sources` in counterplay.toml?",
        ));
    }
    match args.format {
        TextOrJson::Text => {
            for proof in &proofs {
                out::text(shown(proof))?;
            }
            out::line(verdict(&proofs, broken))?;
        }
        TextOrJson::Json => {
            let all: Vec<serde_json::Value> = proofs
                .iter()
                .map(|proof| json!({ "holds": proof.holds(), "proof": proof }))
                .collect();
            out::line(json!({ "errors": broken, "playbooks": all }))?;
        }
    }
    let certain = !broken && proofs.iter().all(Proof::holds);
    Ok(if certain { OK } else { FOUND })
}

/// What is certain of each playbook, in the mode in which it runs.
fn proofs(project: &Project) -> Vec<Proof> {
    let program = &project.compiled.program;
    let deployment = project.deployment();
    let mut refuted = refuted(&project.workspace);
    let mut out = Vec::new();
    for (id, playbook) in &program.playbooks {
        let refuted = refuted.remove(id).unwrap_or_default();
        out.push(Proof {
            mode: ingest::mode(&deployment, playbook),
            ..prove(program, &deployment, playbook, refuted)
        });
    }
    out
}

/// A proof for people.
fn shown(proof: &Proof) -> String {
    let mode = match proof.mode {
        Mode::Active => "",
        Mode::Simulate => "  (only simulated)",
        Mode::Paused => "  (paused)",
    };
    let mut text = format!(
        "{}  {}{}\n",
        paint(NAME, &proof.playbook),
        paint(HEAD, &proof.title),
        paint(QUIET, mode)
    );
    text += &ends(proof);
    text += &harm(proof);
    text += &contradicted(proof);
    text += &waits(proof);
    text += &numbers(proof);
    text.push('\n');
    text
}

/// A line with its mark.
fn marked(style: Style, mark: &str, says: &str) -> String {
    format!(
        "  {} {}\n",
        paint(style, format!("{mark:<10}")),
        out::harmless(says)
    )
}

/// A step below a line.
fn step(step: &Step, says: &str) -> String {
    let place = paint(QUIET, format!("{}:{}", step.file, step.line));
    let label = out::harmless(&step.text);
    format!(
        "               {label}  {place}\n                 {}\n",
        out::harmless(says)
    )
}

fn ends(proof: &Proof) -> String {
    if !proof.ends.proved {
        let all: Vec<&str> = proof.ends.cycle.iter().map(|s| &*s.text).collect();
        let says = format!(
            "that every way ends: {} come round without a timer",
            all.join(", ")
        );
        return marked(BAD, "not proved", &says);
    }
    let longest = &proof.longest;
    if longest.is_beyond_counting() {
        let says = "when a run is over at the latest: it is longer than can be counted";
        return marked(BAD, "not proved", says);
    }
    let mut says = if longest.open.is_empty() {
        format!(
            "every way ends, {} after the start at the latest",
            format_ms(longest.ms)
        )
    } else {
        let open: Vec<&str> = longest.open.iter().map(|s| &*s.text).collect();
        format!(
            "every way ends; how long it takes is said by `{}`, and at most {} beside that",
            open.join("`, `"),
            format_ms(longest.ms)
        )
    };
    if !longest.parameters.is_empty() {
        let names: Vec<&str> = longest.parameters.iter().map(String::as_str).collect();
        says += &format!(" (where the tenant leaves {} as it is)", names.join(", "));
    }
    marked(GOOD, "proved", &says)
}

fn harm(proof: &Proof) -> String {
    let mut text = String::new();
    if proof.harm.is_empty() {
        return marked(GOOD, "proved", "no step is disruptive or destructive");
    }
    for impact in [Impact::Destructive, Impact::Disruptive] {
        let of = |held: &dyn Fn(&Held) -> bool| -> Vec<_> {
            let all = proof.harm.iter();
            all.filter(|h| h.impact == impact && held(&h.held))
                .collect()
        };
        let approved = of(&|held| matches!(held, Held::Approved(_)));
        let accepted = of(&|held| matches!(held, Held::Accepted(_)));
        let open = of(&|held| *held == Held::Open);
        if approved.is_empty() && accepted.is_empty() && open.is_empty() {
            let says = format!("no step is {impact}");
            text += &marked(GOOD, "proved", &says);
        }
        let steps = |number: usize| out::count(number, &format!("{impact} step"));
        if !approved.is_empty() {
            let says = format!("{}, approved by people on every way", steps(approved.len()));
            text += &marked(GOOD, "proved", &says);
            for harm in approved {
                let Held::Approved(gates) = &harm.held else {
                    continue;
                };
                let lines: Vec<String> = gates.iter().map(|g| g.line.to_string()).collect();
                let word = if lines.len() == 1 { "line" } else { "lines" };
                text += &step(
                    &harm.step,
                    &format!("approved at {word} {}", lines.join(", ")),
                );
            }
        }
        if !accepted.is_empty() {
            let says = format!(
                "{}, accepted without anybody's approval",
                steps(accepted.len())
            );
            text += &marked(WARN, "accepted", &says);
            for harm in accepted {
                let Held::Accepted(because) = &harm.held else {
                    continue;
                };
                text += &step(&harm.step, &format!("because \"{because}\""));
            }
        }
        if !open.is_empty() {
            let says = format!("that people approve {}", steps(open.len()));
            text += &marked(BAD, "not proved", &says);
            for harm in open {
                text += &step(&harm.step, &format!("reached by: {}", harm.way));
            }
        }
    }
    text
}

/// What the checker has found not to hold.
fn contradicted(proof: &Proof) -> String {
    let mut text = String::new();
    for refuted in &proof.refuted {
        text += &marked(
            BAD,
            "not proved",
            &format!("{}: {}", refuted.code, refuted.message),
        );
        let place = paint(QUIET, format!("{}:{}", refuted.file, refuted.line));
        text += &format!("               {}  {place}\n", out::harmless(&refuted.way));
    }
    text
}

fn waits(proof: &Proof) -> String {
    let open: Vec<&Wait> = proof.waits.iter().filter(|w| !w.decided).collect();
    let mut text = if proof.waits.is_empty() {
        marked(GOOD, "proved", "nothing is waited for")
    } else if open.is_empty() {
        marked(
            GOOD,
            "proved",
            "everything that is waited for has a limit and a decided outcome",
        )
    } else {
        marked(
            BAD,
            "not proved",
            "that everything that is waited for has a limit and a decided outcome",
        )
    };
    for wait in &proof.waits {
        let limit = match wait.within_ms {
            Some(ms) => format_ms(ms),
            None => "as long as its value says".into(),
        };
        let says = match (wait.kind, wait.needs) {
            (Kind::Time, _) => match wait.decided {
                true => continue,
                false => "leads nowhere".to_owned(),
            },
            (Kind::Approval, Some(needs @ 2..)) => {
                format!("within {limit}, needs {needs} people; then {}", wait.then)
            }
            (Kind::Approval, _) => format!("within {limit}, needs 1 person; then {}", wait.then),
            (Kind::Question, _) => format!("within {limit}; then {}", wait.then),
            (Kind::Condition | Kind::Event, _) => format!("at most {limit}; then {}", wait.then),
        };
        text += &step(&wait.step, &says);
    }
    let few = proof
        .waits
        .iter()
        .filter_map(|wait| Some((&wait.step, wait.too_few.as_ref()?)));
    let few: Vec<_> = few.collect();
    if !few.is_empty() {
        text += &marked(
            BAD,
            "not proved",
            "that enough people may approve, whoever starts the run",
        );
        for (at, says) in few {
            text += &step(at, says);
        }
    }
    text
}

fn numbers(proof: &Proof) -> String {
    let actions = &proof.actions;
    let parts: Vec<String> = [
        (actions.notify, Impact::Notify),
        (actions.reversible, Impact::Reversible),
        (actions.disruptive, Impact::Disruptive),
        (actions.destructive, Impact::Destructive),
    ]
    .iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, impact)| format!("{} {impact}", amount(*number)))
    .collect();
    let mut says = match parts.is_empty() {
        true => "a run takes no action".to_owned(),
        false => {
            let actions = if actions.all() == 1 {
                "action"
            } else {
                "actions"
            };
            format!("a run takes at most {} {actions}", parts.join(", "))
        }
    };
    if actions.is_beyond_counting() {
        let says = format!("how many actions a run takes at most: {}", parts.join(", "));
        return marked(BAD, "not proved", &says);
    }
    if proof.run_for_each {
        says += "; a run is started for each element of a list, however many there are";
    }
    marked(GOOD, "proved", &says)
}

fn amount(number: u64) -> String {
    match number {
        u64::MAX => "more than can be counted".into(),
        _ => number.to_string(),
    }
}

/// The last line.
fn verdict(proofs: &[Proof], broken: bool) -> String {
    let open = proofs.iter().filter(|p| !p.holds()).count();
    let all = out::count(proofs.len(), "playbook");
    if broken {
        format!(
            "the project has errors; `counterplay check` shows them ({open} of {all} not proved)"
        )
    } else if open == 0 {
        format!("{all}, everything is proved")
    } else {
        format!("{open} of {all} not proved")
    }
}
