//! `counterplay permissions`: a project in, what each playbook needs at each service out; or what it newly needs
//! since a revision.

use crate::args::{PermissionsArgs, TextOrJson};
use crate::choose;
use crate::error::{FOUND, Failure, OK, Outcome};
use crate::out::{self, BAD, GOOD, HEAD, NAME, QUIET, paint};
use crate::project::{self, Project};
use crate::simulate::no_tenant;
use counterplay_machine::permissions::{self, Permissions};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Permissions by playbook.
type All = BTreeMap<String, Permissions>;

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
    let now = all(&project, args.tenant.as_deref())?;
    let Some(revision) = &args.diff else {
        return show(&now, args.format);
    };
    let root = root.ok_or_else(|| {
        Failure::cannot_start("--diff needs a project of your own: a folder with counterplay.toml")
    })?;
    let folder = at_revision(&root, revision)?;
    let before = choose::without_errors(project::load(folder.path(), &[])?)?;
    // A tenant that is new needs everything anew.
    let before = match args.tenant.as_deref() {
        Some(tenant) if !before.deployment().tenants.contains_key(tenant) => All::new(),
        tenant => all(&before, tenant)?,
    };
    compare(&before, &now, revision, args.format)
}

/// The permissions of every playbook, or of those that are for a tenant.
fn all(project: &Project, tenant: Option<&str>) -> Result<All, Failure> {
    let (program, deployment) = (project.program(), project.deployment());
    let groups = match tenant {
        None => None,
        Some(name) => match deployment.tenants.get(name) {
            Some(tenant) => Some((name, tenant.groups.as_slice())),
            None => return Err(no_tenant(name, &deployment)),
        },
    };
    let wanted = program
        .playbooks
        .values()
        .filter(|p| groups.is_none_or(|(name, groups)| p.tenants.includes(name, groups)));
    Ok(wanted
        .map(|p| (p.id.to_string(), permissions::of(&program, p)))
        .collect())
}

fn show(all: &All, format: TextOrJson) -> Outcome {
    if format == TextOrJson::Json {
        out::line(json!({ "playbooks": all, "together": together(all) }))?;
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
    Ok(OK)
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

/// Every connection and permission of a playbook.
fn pairs(needed: Option<&Permissions>) -> Vec<(String, String)> {
    needed
        .into_iter()
        .flatten()
        .flat_map(|(connection, permissions)| {
            permissions
                .keys()
                .map(|p| (connection.to_string(), p.to_string()))
        })
        .collect()
}

fn compare(before: &All, now: &All, revision: &str, format: TextOrJson) -> Outcome {
    let ids: std::collections::BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let mut changes = Vec::new();
    for id in ids {
        let (old, new) = (pairs(before.get(id)), pairs(now.get(id)));
        let gained: Vec<_> = new.iter().filter(|p| !old.contains(p)).cloned().collect();
        let lost: Vec<_> = old.iter().filter(|p| !new.contains(p)).cloned().collect();
        if !gained.is_empty() || !lost.is_empty() {
            changes.push((id, gained, lost));
        }
    }
    let newly = changes.iter().any(|(_, gained, _)| !gained.is_empty());
    if format == TextOrJson::Json {
        let list = |all: &[(String, String)]| -> Vec<serde_json::Value> {
            all.iter()
                .map(|(c, p)| json!({ "connection": c, "permission": p }))
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
            for (connection, permission) in gained {
                out::line(format!("  {} {connection}: {permission}", paint(BAD, "+")))?;
            }
            for (connection, permission) in lost {
                out::line(format!("  {} {connection}: {permission}", paint(GOOD, "-")))?;
            }
        }
    }
    Ok(if newly { FOUND } else { OK })
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
