//! `counterplay permissions`: a project in, what each playbook needs at each service out; or what it newly needs
//! since a revision.

use crate::args::{PermissionsArgs, TextOrJson};
use crate::choose;
use crate::error::{FOUND, Failure, OK, Outcome};
use crate::out::{self, BAD, GOOD, HEAD, NAME, QUIET, paint};
use crate::project::{self, Project};
use crate::simulate::no_tenant;
use counterplay_machine::declare::Impact;
use counterplay_machine::permissions::{self, Permissions};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

/// Permissions by playbook.
type All = BTreeMap<String, Permissions>;

/// Connection and permission, with the tenants in which they are needed.
type Needs = BTreeMap<(String, String), BTreeSet<String>>;

/// Shows permissions.
///
/// # Errors
/// When the project has errors, the tenant is not there, or git cannot tell of the revision.
pub fn permissions(args: &PermissionsArgs) -> Outcome {
    let root = match &args.project {
        Some(path) => project::root_for(Some(path))?,
        None => project::root_for(None)?,
    };
    let load = |root: &Option<std::path::PathBuf>| match root {
        Some(root) => project::load(root, &[]),
        None => Ok(project::built_in()),
    };
    let project = choose::without_errors(load(&root)?)?;
    let tenant = args.tenant.as_deref();
    let now = all(&project, tenant)?;
    let Some(revision) = &args.diff else {
        return show(&project, &now, args.format);
    };
    let root = root.ok_or_else(|| {
        Failure::cannot_start("--diff needs a project of your own: a folder with counterplay.toml")
    })?;
    let folder = at_revision(&root, revision)?;
    let before = choose::without_errors(project::load(folder.path(), &[])?)?;
    // A tenant that is new needs everything anew: the project did not have it.
    let (before, now) = (needs(&before, tenant), needs(&project, tenant));
    let tenants = project.deployment().tenants.into_keys().collect();
    compare(&before, &now, &tenants, revision, args.format)
}

/// The permissions of every playbook, or of those that are for a tenant.
fn all(project: &Project, tenant: Option<&str>) -> Result<All, Failure> {
    let (program, deployment) = (project.program(), project.deployment());
    if let Some(name) = tenant
        && !deployment.tenants.contains_key(name)
    {
        return Err(no_tenant(name, &deployment));
    }
    let needed = |p| match tenant {
        None => Some(permissions::of(&program, p)),
        Some(name) => permissions::in_tenant(&program, &deployment, p, name),
    };
    let all = program.playbooks.values();
    Ok(all
        .filter_map(|p| Some((p.id.to_string(), needed(p)?)))
        .collect())
}

fn show(project: &Project, all: &All, format: TextOrJson) -> Outcome {
    let applications = applications(project, all);
    if format == TextOrJson::Json {
        let applications: Vec<_> = applications
            .iter()
            .map(|((connection, impact, id), permissions)| {
                json!({ "connection": connection, "for": impact, "client_id": id, "permissions": permissions })
            })
            .collect();
        out::line(
            json!({ "playbooks": all, "together": together(all), "applications": applications }),
        )?;
        return Ok(OK);
    }
    for (id, needed) in all {
        out::line(paint(NAME, id))?;
        if needed.is_empty() {
            out::line(paint(QUIET, "  no permission"))?;
        }
        for (connection, permissions) in needed {
            out::line(format!("  {connection}"))?;
            for (permission, by) in permissions {
                let by: Vec<&str> = by.iter().map(|b| &**b).collect();
                out::line(format!("    {permission}  {}", paint(QUIET, by.join(", "))))?;
            }
        }
    }
    out::line(paint(HEAD, "together"))?;
    for (connection, permissions) in together(all) {
        out::line(format!("  {connection}: {}", permissions.join(", ")))?;
    }
    if applications.is_empty() {
        return Ok(OK);
    }
    out::line(paint(HEAD, "by application"))?;
    for ((connection, impact, id), permissions) in applications {
        let id = id.map(|id| format!(" ({id})")).unwrap_or_default();
        let permissions: Vec<String> = permissions.into_iter().collect();
        let permissions = match permissions.is_empty() {
            true => paint(QUIET, "no permission"),
            false => permissions.join(", "),
        };
        out::line(format!("  {connection}, {impact}{id}: {permissions}"))?;
    }
    Ok(OK)
}

/// A connection, what one of its applications is for, and its id.
type Application = (String, &'static str, Option<String>);

/// What each application needs, for the connections that have several.
fn applications(project: &Project, all: &All) -> BTreeMap<Application, BTreeSet<String>> {
    let (program, deployment) = (project.program(), project.deployment());
    let mut out: BTreeMap<Application, BTreeSet<String>> = BTreeMap::new();
    for (name, settings) in &deployment.connections {
        if settings.disruptive.is_none() && settings.destructive.is_none() {
            continue;
        }
        let place = |impact: Option<Impact>| {
            let words = match impact {
                Some(Impact::Destructive) if settings.destructive.is_some() => {
                    "for destructive actions"
                }
                Some(Impact::Destructive | Impact::Disruptive) if settings.disruptive.is_some() => {
                    match settings.destructive {
                        Some(_) => "for disruptive actions",
                        None => "for disruptive and destructive actions",
                    }
                }
                _ => "for everything else",
            };
            (name.clone(), words, settings.credentials(impact).client_id)
        };
        for impact in [None, Some(Impact::Disruptive), Some(Impact::Destructive)] {
            out.entry(place(impact)).or_default();
        }
        let needed = all.values().filter_map(|needed| needed.get(name.as_str()));
        for (permission, by) in needed.flatten() {
            for callable in by {
                // What an event's source needs is read.
                let impact = program.callables.get(callable).and_then(|c| c.impact);
                out.entry(place(impact))
                    .or_default()
                    .insert(permission.to_string());
            }
        }
    }
    out
}

/// What one application registration would need for all of them.
fn together(all: &All) -> BTreeMap<String, Vec<String>> {
    let mut out: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (connection, permissions) in all.values().flatten() {
        let of = out.entry(connection.to_string()).or_default();
        of.extend(permissions.keys().map(ToString::to_string));
    }
    for of in out.values_mut() {
        of.sort();
        of.dedup();
    }
    out
}

/// What every playbook needs, and where: in one tenant or in each of the project's.
fn needs(project: &Project, tenant: Option<&str>) -> BTreeMap<String, Needs> {
    let (program, deployment) = (project.program(), project.deployment());
    let mut out = BTreeMap::new();
    for playbook in program.playbooks.values() {
        let mut needs = Needs::new();
        // One that is for no tenant yet needs it all the same.
        if tenant.is_none() {
            for pair in pairs(&permissions::of(&program, playbook)) {
                needs.entry(pair).or_default();
            }
        }
        let tenants = deployment.tenants.keys().map(String::as_str);
        for name in tenants.filter(|name| tenant.is_none_or(|wanted| wanted == *name)) {
            let here = permissions::in_tenant(&program, &deployment, playbook, name);
            for pair in here.iter().flat_map(pairs) {
                needs.entry(pair).or_default().insert(name.to_owned());
            }
        }
        out.insert(playbook.id.to_string(), needs);
    }
    out
}

/// Every connection and permission.
fn pairs(needed: &Permissions) -> impl Iterator<Item = (String, String)> {
    needed.iter().flat_map(|(connection, permissions)| {
        permissions
            .keys()
            .map(|p| (connection.to_string(), p.to_string()))
    })
}

/// What the first needs that the second does not: at all, or in a tenant.
fn beyond(these: Option<&Needs>, those: Option<&Needs>) -> Needs {
    let mut out = Needs::new();
    for (pair, tenants) in these.into_iter().flatten() {
        let known = those.and_then(|needs| needs.get(pair));
        let more: BTreeSet<String> = match known {
            Some(known) => tenants.difference(known).cloned().collect(),
            None => tenants.clone(),
        };
        if known.is_none() || !more.is_empty() {
            out.insert(pair.clone(), more);
        }
    }
    out
}

fn compare(
    before: &BTreeMap<String, Needs>,
    now: &BTreeMap<String, Needs>,
    all: &BTreeSet<String>,
    revision: &str,
    format: TextOrJson,
) -> Outcome {
    let ids: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let mut changes = Vec::new();
    for id in ids {
        let gained = beyond(now.get(id), before.get(id));
        let lost = beyond(before.get(id), now.get(id));
        if !gained.is_empty() || !lost.is_empty() {
            changes.push((id, gained, lost));
        }
    }
    let newly = changes.iter().any(|(_, gained, _)| !gained.is_empty());
    if format == TextOrJson::Json {
        let list = |needs: &Needs| -> Vec<serde_json::Value> {
            needs
                .iter()
                .map(|((c, p), tenants)| json!({ "connection": c, "permission": p, "tenants": tenants }))
                .collect()
        };
        let told: Vec<_> = changes
            .iter()
            .map(|(id, gained, lost)| {
                json!({ "playbook": id, "needed": list(gained), "no_longer_needed": list(lost) })
            })
            .collect();
        out::line(json!({ "since": revision, "changes": told }))?;
    } else if changes.is_empty() {
        out::line(format!(
            "no playbook needs other permissions than at {revision}"
        ))?;
    } else {
        for (id, gained, lost) in &changes {
            out::line(paint(NAME, id))?;
            for (mark, needs) in [(paint(BAD, "+"), gained), (paint(GOOD, "-"), lost)] {
                for ((connection, permission), tenants) in needs {
                    let place = places(tenants, all).map(|p| format!("  {}", paint(QUIET, p)));
                    let place = place.unwrap_or_default();
                    out::line(format!("  {mark} {connection}: {permission}{place}"))?;
                }
            }
        }
    }
    Ok(if newly { FOUND } else { OK })
}

/// Where something is needed; nothing for a project that names no tenants.
fn places(tenants: &BTreeSet<String>, all: &BTreeSet<String>) -> Option<String> {
    let named: Vec<&str> = tenants.iter().map(String::as_str).collect();
    match (named.len(), all.len()) {
        (0, 0) => None,
        (0, _) => Some("for no tenant".to_owned()),
        (_, 2..) if tenants == all => Some("for every tenant".to_owned()),
        _ => Some(format!("for {}", named.join(", "))),
    }
}

/// The project as it was at a revision, in a folder of its own that goes when it is no longer held.
fn at_revision(root: &Path, revision: &str) -> Result<tempfile::TempDir, Failure> {
    let git = |args: &[&str]| -> Result<Vec<u8>, Failure> {
        let output = Command::new("git")
            .arg("-C")
            .arg(root)
            .args(args)
            .output()
            .map_err(|e| Failure::cannot_start(format!("git cannot be started: {e}")))?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(Failure::cannot_start(format!(
            "git cannot tell of {revision}: {}",
            said.lines().next().unwrap_or("").trim()
        )))
    };
    if revision.starts_with('-') {
        return Err(Failure::cannot_start(format!(
            "`{revision}` is no revision; one is a branch, a tag or a commit"
        )));
    }
    let failed = |e: std::io::Error| {
        Failure::cannot_start(format!("a folder for {revision} cannot be written: {e}"))
    };
    let folder = tempfile::tempdir().map_err(failed)?;
    let listed = git(&["ls-tree", "-r", "-z", "--name-only", revision, "--", "."])?;
    let listed = String::from_utf8_lossy(&listed).into_owned();
    let files = listed.split('\0').filter(|name| {
        let path = Path::new(name);
        path.extension().is_some_and(|e| e == "play" || e == "toml")
            && path
                .components()
                .all(|c| matches!(c, std::path::Component::Normal(_)))
    });
    let mut any = false;
    for name in files {
        let text = git(&["show", &format!("{revision}:./{name}")])?;
        let path = folder.path().join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        std::fs::write(&path, text).map_err(failed)?;
        any = true;
    }
    if !any {
        return Err(Failure::cannot_start(format!(
            "there is no project in this folder at {revision}"
        )));
    }
    Ok(folder)
}
