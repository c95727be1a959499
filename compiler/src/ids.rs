//! What `counterplay.toml` lists and what compares it with ids in, entries that match nobody out: ids that are none, so that
//! whoever they name is not protected, and people in no team, for whom nobody stands in.

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::project::ProjectFile;
use crate::span::Place;
use counterplay_machine::Value;
use counterplay_machine::expr::{Expr, TenantFact};
use counterplay_machine::guard::{Guard, Rule};
use counterplay_machine::playbook::{NodeKind, Playbook};
use counterplay_machine::value::is_guid;

/// The findings. Playbooks are looked at only where an entry might be wrong.
pub fn check<'p>(
    file: &ProjectFile,
    guards: &[Guard],
    playbooks: impl FnOnce() -> Vec<&'p Playbook>,
) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = file.strangers.iter().map(away).collect();
    let accounts = file.break_glass.iter().filter(|(entry, _)| !is_guid(entry));
    let accounts: Vec<_> = accounts.collect();
    let lists: Vec<_> = file
        .parameters
        .iter()
        .filter_map(|(tenant, name, _, place)| {
            let written = file.deployment.tenants.get(tenant)?.parameters.get(name)?;
            Some((name, no_id(written)?, place))
        })
        .collect();
    if accounts.is_empty() && lists.is_empty() {
        return found;
    }
    let playbooks = playbooks();
    let is_compared = |with: &dyn Fn(&Expr) -> bool| {
        let guarded = guards.iter().flat_map(|g| &g.rules).any(|rule| match rule {
            Rule::Protect { condition, .. } => compares(condition, with),
            Rule::Limit { .. } => false,
        });
        guarded || playbooks.iter().any(|p| asks(p, with))
    };
    if is_compared(&|list| matches!(list, Expr::Tenant(TenantFact::BreakGlass))) {
        found.extend(accounts.into_iter().map(|(entry, place)| {
            let finding = Diagnostic::warning(
                codes::NO_ID,
                format!("`{entry}` is not the id of an account, and is compared with ids"),
                place.clone(),
                "matches nobody, so that this account is not protected",
            );
            finding.help(
                "write its object id, such as \"7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1003\"; Entra shows it on the account's page",
            )
        }));
    }
    for (name, entry, place) in lists {
        if is_compared(&|list| matches!(list, Expr::Param(of, _) if **of == **name)) {
            let finding = Diagnostic::warning(
                codes::NO_ID,
                format!("`{entry}` is no id, and `{name}` is compared with ids"),
                place.clone(),
                "that entry matches nobody",
            );
            found.push(finding.help("write the id that the service gives it"));
        }
    }
    found
}

fn away((who, place): &(String, Place)) -> Diagnostic {
    let label = "nobody stands in for them where a team is asked";
    let warning = Diagnostic::warning(
        codes::NO_ID,
        format!("`{who}` is in no team"),
        place.clone(),
        label,
    );
    warning.help("write the address as a team has it; leave it where approvals ask them by name")
}

/// An entry of a list that is no id of any service: one to sign in with, or a name.
fn no_id(list: &Value) -> Option<String> {
    let Value::Json(json) = list else {
        return None;
    };
    let mut entries = json.as_array()?.iter().filter_map(|entry| entry.as_str());
    let strange = entries.find(|e| e.contains('@') || e.contains(char::is_whitespace));
    strange.map(str::to_owned)
}

/// Whether a playbook asks somewhere if an id is in a list.
fn asks(playbook: &Playbook, list: &dyn Fn(&Expr) -> bool) -> bool {
    let heads = playbook.conditions.iter().map(|c| &c.expr);
    let steps = playbook
        .graph
        .node_weights()
        .filter_map(|node| match &node.kind {
            NodeKind::Branch { condition } => Some(condition),
            NodeKind::Bind { value, .. } => Some(value),
            _ => None,
        });
    heads.chain(steps).any(|expr| compares(expr, list))
}

/// Whether an expression asks somewhere if an id is in a list.
fn compares(expr: &Expr, list: &dyn Fn(&Expr) -> bool) -> bool {
    let mut found = false;
    expr.walk(&mut |part| {
        let (of, among) = match part {
            Expr::In(of, among) | Expr::Contains(among, of) => (&**of, &**among),
            _ => return,
        };
        let is_id =
            matches!(of, Expr::Field(_, name) | Expr::OptionalField(_, name) if &**name == "id");
        found |= is_id && list(among);
    });
    found
}
