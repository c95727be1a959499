//! `canary` of `[project]` and of `[playbooks.ID]` as written in, for whom new versions act first out.

use crate::near;
use counterplay_machine::deployment::{Canary, Tenant};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use toml::Spanned;

/// Reads what is written: a tenant group, or `false`.
pub(super) fn read<'w>(
    project: Option<&Spanned<toml::Value>>,
    playbooks: impl Iterator<Item = (&'w str, &'w Spanned<toml::Value>)>,
    tenants: &BTreeMap<String, Tenant>,
    find: &mut impl FnMut(String, Range<usize>, &str, Option<String>),
) -> Canary {
    let groups: BTreeSet<&str> = tenants
        .values()
        .flat_map(|tenant| tenant.groups.iter().map(String::as_str))
        .collect();
    let mut group = |written: &Spanned<toml::Value>, everywhere: &str| match written.get_ref() {
        toml::Value::Boolean(false) => None,
        toml::Value::String(group) => {
            if !groups.contains(group.as_str()) {
                find(
                    format!("no tenant is in a group `{group}`"),
                    written.span(),
                    "new versions would act for nobody until they are promoted",
                    Some(instead_of(group, &groups)),
                );
            }
            Some(group.clone())
        }
        _ => {
            find(
                "`canary` names a tenant group".into(),
                written.span(),
                "this is none",
                Some(format!(
                    "write a group in quotes, or `false` where new versions of {everywhere} act everywhere at once"
                )),
            );
            None
        }
    };
    Canary {
        group: project.and_then(|written| group(written, "playbooks")),
        playbooks: playbooks
            .map(|(id, written)| (id.to_owned(), group(written, "this playbook")))
            .collect(),
    }
}

fn instead_of(group: &str, groups: &BTreeSet<&str>) -> String {
    match near::best(group, groups.iter().copied()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None if groups.is_empty() => {
            format!(
                "add `groups = [\"{group}\"]` to the tenants that are to try new versions first"
            )
        }
        None => format!("the groups are {}", near::menu(groups.iter().copied())),
    }
}
