//! A project in; the secrets that it names, and why some of them cannot be had, out. Values are looked up and thrown
//! away.

use crate::error::{FOUND, OK, Outcome};
use crate::out::{self, BAD, GOOD, HEAD, NAME, QUIET, WARN, paint};
use counterplay_machine::declare::Request;
use counterplay_machine::deployment::{Deployment, SecretsSettings};
use counterplay_machine::expr::Expr;
use counterplay_machine::{Program, hash};
use counterplay_runtime::clock::SystemClock;
use counterplay_runtime::connect::{Secrets, open};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// Secrets by name, with what they are for.
pub type Named = BTreeMap<String, BTreeSet<String>>;

/// A secret that cannot be had.
pub struct Lacking {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub used_for: BTreeSet<String>,
    /// Why, with the name in it.
    pub reason: String,
}

/// The secrets that a deployment names, and the declarations of a program as far as its playbooks use them.
pub fn named(deployment: &Deployment, program: &Program) -> Named {
    let mut named = Named::new();
    let mut add = |secret: &str, what: String| {
        named.entry(secret.to_owned()).or_default().insert(what);
    };
    for (name, connection) in &deployment.connections {
        let own = [&connection.secret, &connection.certificate];
        for secret in own.into_iter().flatten() {
            add(secret, format!("[connections.{name}]"));
        }
        let others = [
            ("disruptive", &connection.disruptive),
            ("destructive", &connection.destructive),
        ];
        for (impact, other) in others {
            if let Some(credentials) = other {
                let both = [&credentials.secret, &credentials.certificate];
                for secret in both.into_iter().flatten() {
                    add(secret, format!("[connections.{name}.{impact}]"));
                }
            }
        }
    }
    for (name, team) in &deployment.teams {
        for secret in team.teams_webhook.iter().chain(&team.slack_webhook) {
            add(secret, format!("[teams.{name}]"));
        }
    }
    for (name, hook) in &deployment.webhooks {
        add(&hook.secret, format!("[webhooks.{name}]"));
    }
    let playbooks = program.playbooks.values();
    let used: BTreeSet<Arc<str>> = playbooks.flat_map(|p| hash::used(program, p)).collect();
    for callable in used.iter().filter_map(|name| program.callables.get(name)) {
        if let Request::Http {
            address,
            query,
            headers,
            json,
            ..
        } = &callable.request
        {
            let pairs = query.iter().chain(headers).map(|(_, value)| value);
            for expr in address.iter().chain(json).chain(pairs) {
                expr.walk(&mut |part| {
                    if let Expr::NamedSecret(secret) = part {
                        add(secret, callable.name.to_string());
                    }
                });
            }
        }
    }
    named
}

/// Those that cannot be had, asked for all at once.
pub async fn lacking(secrets: &Arc<dyn Secrets>, named: &Named) -> Vec<Lacking> {
    let asked: Vec<_> = named
        .iter()
        .map(|(name, used_for)| {
            let (secrets, name) = (secrets.clone(), name.clone());
            let task = tokio::spawn(async move {
                let found = secrets.get(&name).await;
                found.err().map(|error| (name, error.to_string()))
            });
            (used_for.clone(), task)
        })
        .collect();
    let mut out = Vec::new();
    for (used_for, task) in asked {
        if let Ok(Some((name, reason))) = task.await {
            out.push(Lacking {
                name,
                used_for,
                reason,
            });
        }
    }
    out
}

/// `counterplay check --secrets`: says of each secret of a project whether it can be had.
///
/// # Errors
/// When nothing can be written.
pub async fn check(deployment: &Deployment, program: &Program, root: &Path) -> Outcome {
    let named = named(deployment, program);
    let from = keeper(&deployment.secrets);
    if named.is_empty() {
        out::line("the project names no secret")?;
        return Ok(OK);
    }
    let secrets = match open(&deployment.secrets, root, Arc::new(SystemClock)) {
        Ok(secrets) => secrets,
        Err(error) => {
            out::line(format!("{}: {error}", paint(BAD, "no secret can be had")))?;
            return Ok(FOUND);
        }
    };
    let lacking = lacking(&secrets, &named).await;
    let count = out::count(named.len(), "secret");
    out::line(paint(HEAD, format!("{count}, from {from}")))?;
    for (name, used_for) in &named {
        let used_for: Vec<&str> = used_for.iter().map(String::as_str).collect();
        let used_for = paint(QUIET, used_for.join(", "));
        match lacking.iter().find(|one| one.name == *name) {
            None => out::line(format!(
                "  {} {}  {used_for}",
                paint(GOOD, "there"),
                paint(NAME, name)
            ))?,
            Some(one) => out::line(format!(
                "  {} {}  {used_for}\n        {}",
                paint(BAD, "lacks"),
                paint(NAME, name),
                out::harmless(&one.reason)
            ))?,
        }
    }
    Ok(if lacking.is_empty() { OK } else { FOUND })
}

/// Tells whoever starts an engine which secrets it will lack; it starts all the same, since they may come later.
pub async fn tell(secrets: Arc<dyn Secrets>, named: Named) {
    for one in lacking(&secrets, &named).await {
        let used_for: Vec<&str> = one.used_for.iter().map(String::as_str).collect();
        out::note(paint(
            WARN,
            format!("{}; needed for {}", one.reason, used_for.join(", ")),
        ));
    }
}

/// Where secrets come from, in words.
fn keeper(settings: &SecretsSettings) -> String {
    match settings {
        SecretsSettings::Environment { prefix } => format!("environment variables {prefix}…"),
        SecretsSettings::File { path } => path.clone(),
        SecretsSettings::Vault(vault) => format!("Vault at {}", vault.address),
        SecretsSettings::KeyVault(vault) => format!("Azure Key Vault {}", vault.address),
    }
}
