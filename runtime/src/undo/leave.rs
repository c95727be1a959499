//! The project's settings, the wish and the run in; who is asked for leave to undo it, or why nobody can be, out.

use super::{Asked, Built, PLAYBOOK};
use counterplay_machine::deployment::Deployment;
use counterplay_machine::state::{Outcome, Run};
use counterplay_machine::step::{Context, NewRun, start};
use std::collections::BTreeMap;

/// Who is asked: the team that the project file names, else the one of the wish, else the one that approved in the run,
/// else the only one.
///
/// # Errors
/// Why that is nobody.
pub fn asked(
    deployment: &Deployment,
    wish: Option<String>,
    approved: Option<String>,
) -> Result<Asked, String> {
    let settings = &deployment.undo;
    if let (Some(set), Some(wish)) = (&settings.team, &wish)
        && set != wish
    {
        return Err(format!(
            "counterplay.toml says that `{set}` is asked (`[undo] team`), and not `{wish}`: name no team, or change that"
        ));
    }
    let mut teams = deployment.teams.keys();
    let only = match (teams.next(), teams.next()) {
        (Some(one), None) => Some(one.clone()),
        _ => None,
    };
    let team = settings.team.clone().or(wish).or(approved).or(only);
    let Some(team) = team else {
        return Err(
            "nobody says who is asked: name a team, or add `[undo] team = \"…\"` to counterplay.toml"
                .into(),
        );
    };
    if !deployment.teams.contains_key(&team) {
        let known: Vec<&str> = deployment.teams.keys().map(String::as_str).collect();
        return Err(match known.as_slice() {
            [] => format!("there is no team `{team}`, and no other one"),
            known => format!(
                "there is no team `{team}`; the teams are {}",
                known.join(", ")
            ),
        });
    }
    Ok(Asked {
        team,
        needs: settings.needs,
        first: settings.ask,
    })
}

/// Why nobody could give leave: the undoing would fail at its first question.
pub fn ungrantable(
    built: &Built,
    deployment: &Deployment,
    (of, by, behind): (&Run, &str, Vec<String>),
    now_ms: i64,
) -> Option<String> {
    let context = Context {
        program: &built.program,
        playbook: built.program.playbooks.get(PLAYBOOK)?,
        deployment,
        guards: &[],
        uses: &|_, _, _| 0,
        recalls: None,
    };
    let new = NewRun {
        id: PLAYBOOK.into(),
        tenant: of.tenant.clone(),
        started_by: by.to_owned(),
        starter: Some(by.to_owned()),
        behind,
        slots: BTreeMap::new(),
    };
    match start(context, new, now_ms).0.outcome {
        Some(Outcome::Failed(failure)) => Some(format!(
            "{}; somebody else may ask for it, or a larger team be asked, or `needs` of `[undo]` in counterplay.toml be less",
            failure.reason
        )),
        _ => None,
    }
}
