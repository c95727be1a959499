//! `counterplay deploy`: a project's files and the address of a service in; what became of them there out.

mod service;

use crate::address;
use crate::args::{CheckFormat, DeployArgs};
use crate::error::{FOUND, Failure, OK, Outcome};
use crate::out::{self, GOOD, HEAD, NAME, QUIET, WARN, paint};
use crate::project::{self, Project};
use crate::report;
use counterplay_compiler::diagnostic::Severity;
use counterplay_compiler::project::FILE_NAME;
use serde_json::{Value as Json, json};
use service::{Said, Service};
use std::collections::BTreeMap;

/// It waits for a second person.
const WAITS: u8 = 3;
/// The variable that holds the token.
const TOKEN: &str = "COUNTERPLAY_TOKEN";

/// Sends a project's files to a service.
///
/// # Errors
/// When the project cannot be read, or the service cannot be asked.
pub async fn deploy(args: DeployArgs) -> Outcome {
    let Some(address) = address::read(&args.url) else {
        return Err(Failure::cannot_start(
            "--url is an address such as https://counterplay.msp.example, without a path",
        ));
    };
    let base = address.base.clone();
    let service = Service::new(address, &token(&args)?)?;
    let Some(root) = project::root_for(args.project.project.as_deref())? else {
        return Err(Failure::cannot_start(format!(
            "there is no {FILE_NAME} in this folder or above it; name a project with --project DIR"
        )));
    };
    let project = project::load(&root, &[])?;
    checked(&args, &project)?;
    let before = service.deployed().await?;
    if !before.takes {
        return Err(Failure::refused(format!(
            "{base} is served from a folder and is changed there; start it with --accept-deploys to deploy through the API"
        )));
    }
    let changed = difference(&before.files, project.texts(&root));
    if changed.is_empty() {
        return nothing(&args, before.revision);
    }
    let said = service.deploy(&before, &changed, args.summary.as_deref());
    match said.await? {
        Said::Taken(answer) => taken(&args, &base, &answer),
        Said::Refused(why, findings) => {
            out::text(
                findings
                    .iter()
                    .map(|f| report::told(f) + "\n")
                    .collect::<String>(),
            )?;
            Err(Failure::refused(why))
        }
    }
}

/// The token, from its file or its variable.
fn token(args: &DeployArgs) -> Result<String, Failure> {
    let text = match &args.token_file {
        Some(path) => std::fs::read_to_string(path).map_err(|e| project::unreadable(path, &e))?,
        None => std::env::var(TOKEN).unwrap_or_default(),
    };
    match text.trim() {
        "" => Err(Failure::cannot_start(format!(
            "there is no token: set the variable {TOKEN}, or name a file with --token-file; an administrator makes one with `counterplay token create NAME --role author --all-tenants`"
        ))),
        token => Ok(token.to_owned()),
    }
}

/// Shows what `check` shows; a project with errors goes no further.
fn checked(args: &DeployArgs, project: &Project) -> Result<(), Failure> {
    let color = out::is_colored();
    let findings = &project.findings;
    let told = report::findings(project, findings, args.format, color);
    let for_people = matches!(args.format, CheckFormat::Human | CheckFormat::Short);
    // One object is what whoever asks for one reads there.
    if !args.json || project.has_errors() {
        out::text(told)?;
    }
    let errors = report::number(findings, Severity::Error);
    if for_people && !args.json && !findings.is_empty() {
        let warnings = report::number(findings, Severity::Warning);
        out::line(report::summary(errors, warnings, project.files.len()))?;
    }
    match errors {
        0 => Ok(()),
        _ => Err(Failure {
            code: FOUND,
            message: Some("nothing was sent: the project has errors".into()),
        }),
    }
}

/// What differs from what is deployed; what is not there any more is null.
fn difference(
    deployed: &BTreeMap<String, String>,
    here: BTreeMap<String, String>,
) -> BTreeMap<String, Option<String>> {
    let gone = deployed.keys().filter(|path| !here.contains_key(*path));
    let mut changed: BTreeMap<String, Option<String>> =
        gone.map(|path| (path.clone(), None)).collect();
    let others = here
        .into_iter()
        .filter(|(path, text)| deployed.get(path) != Some(text));
    changed.extend(others.map(|(path, text)| (path, Some(text))));
    changed
}

fn nothing(args: &DeployArgs, revision: Option<i64>) -> Outcome {
    if args.json {
        out::line(json!({ "state": "unchanged", "revision": revision }))?;
        return Ok(OK);
    }
    let of = revision.map_or_else(String::new, |n| format!(", revision {n}"));
    out::line(format!("nothing differs from what is deployed{of}"))?;
    Ok(OK)
}

/// Says what became of it.
fn taken(args: &DeployArgs, base: &str, answer: &Json) -> Outcome {
    let waits = answer["state"] == "waiting";
    let code = if waits { WAITS } else { OK };
    if args.json {
        out::line(format!("{answer:#}"))?;
        return Ok(code);
    }
    let revision = &answer["revision"];
    out::line(match waits {
        true => format!(
            "{}: revision {revision} needs a second person",
            paint(WARN, "waits")
        ),
        false => format!("{}: revision {revision} runs", paint(GOOD, "deployed")),
    })?;
    let each = |list: &Json, text: &dyn Fn(&Json) -> Option<String>| -> Vec<String> {
        let items = list.as_array().into_iter().flatten();
        items.filter_map(text).collect()
    };
    let plain = |item: &Json| item.as_str().map(out::harmless);
    let part = |title: &str, lines: Vec<String>| -> std::io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        out::line(paint(HEAD, title))?;
        lines
            .iter()
            .try_for_each(|line| out::line(format!("  {line}")))
    };
    part("What changes", each(&answer["changes"], &plain))?;
    if waits {
        let reason = |item: &Json| plain(&item["text"]);
        part("Why it waits", each(&answer["reasons"], &reason))?;
        out::line(format!(
            "{} {}",
            paint(QUIET, "another author decides at"),
            paint(NAME, format!("{base}/deploys/{revision}"))
        ))?;
    }
    Ok(code)
}

#[cfg(test)]
mod tests {
    use super::difference;
    use std::collections::BTreeMap;

    #[test]
    fn what_is_the_same_is_not_sent_and_what_is_gone_is_removed() {
        let files = |all: &[(&str, &str)]| -> BTreeMap<String, String> {
            let each = all
                .iter()
                .map(|(path, text)| ((*path).into(), (*text).into()));
            each.collect()
        };
        let deployed = files(&[("same.play", "x"), ("gone.play", "y"), ("other.play", "z")]);
        let here = files(&[("same.play", "x"), ("other.play", "w"), ("new.play", "v")]);
        let changed = difference(&deployed, here);
        let told: Vec<(&str, Option<&str>)> = changed
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_deref()))
            .collect();
        assert_eq!(
            told,
            [
                ("gone.play", None),
                ("new.play", Some("v")),
                ("other.play", Some("w"))
            ]
        );
    }
}
