//! Roles and tenants in; whether something is allowed out. Pure.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What someone is trusted with. A person may have several; whoever has any may also look.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks at everything of their tenants and simulates.
    Viewer,
    /// Starts, cancels and resumes runs, settles held calls, sets modes, tries dead letters again.
    Operator,
    /// Answers approvals of the teams that they belong to.
    Approver,
    /// Deploys playbooks and decides on the deploys of others.
    Author,
    /// Everything but answering approvals; people, tokens and teams' set-up.
    Administrator,
    /// Delivers events and nothing else: the role of tokens in other systems, for one tenant.
    Source,
}

/// What a route needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// Look at playbooks, runs, approvals, dead letters.
    View,
    /// Simulate: nothing is performed.
    Simulate,
    /// Start, cancel and resume runs; settle held calls; set modes; try dead letters again.
    Operate,
    /// Answer approvals.
    Approve,
    /// Deploy playbooks, decide on waiting deploys.
    Deploy,
    /// Read, verify and export the audit trail.
    Audit,
    /// People, tokens.
    Administer,
    /// Deliver events.
    Deliver,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 6] = [
        Role::Viewer,
        Role::Operator,
        Role::Approver,
        Role::Author,
        Role::Administrator,
        Role::Source,
    ];

    /// The name in the API, the store and on pages.
    pub fn name(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Approver => "approver",
            Role::Author => "author",
            Role::Administrator => "administrator",
            Role::Source => "source",
        }
    }

    /// The role with this name.
    pub fn named(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|r| r.name() == name)
    }

    /// Whether the role allows it.
    pub fn allows(self, permission: Permission) -> bool {
        use Permission::{Administer, Approve, Audit, Deliver, Deploy, Operate, Simulate, View};
        match self {
            Role::Viewer => matches!(permission, View | Simulate),
            Role::Operator => matches!(permission, View | Simulate | Operate | Audit | Deliver),
            Role::Approver => matches!(permission, View | Simulate | Approve),
            Role::Author => matches!(permission, View | Simulate | Deploy | Audit),
            Role::Administrator => matches!(
                permission,
                View | Simulate | Operate | Deploy | Audit | Administer | Deliver
            ),
            Role::Source => permission == Deliver,
        }
    }
}

/// For which tenants someone may act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every tenant, those of later deploys too.
    All,
    /// These, by name.
    Tenants(BTreeSet<String>),
}

impl Scope {
    /// Whether a tenant is in it.
    pub fn includes(&self, tenant: &str) -> bool {
        match self {
            Scope::All => true,
            Scope::Tenants(names) => names.contains(tenant),
        }
    }

    /// Whether it reaches as far as another one: who gives rights away must have them.
    pub fn covers(&self, other: &Scope) -> bool {
        match (self, other) {
            (Scope::All, _) => true,
            (Scope::Tenants(_), Scope::All) => false,
            (Scope::Tenants(mine), Scope::Tenants(theirs)) => mine.is_superset(theirs),
        }
    }

    /// The scope with these names, `None` for every tenant: the way back from [`Scope::names`].
    pub fn of(names: Option<Vec<String>>) -> Scope {
        names.map_or(Scope::All, |names| {
            Scope::Tenants(names.into_iter().collect())
        })
    }

    /// The one tenant, where there is just one.
    pub fn only(&self) -> Option<&str> {
        match self {
            Scope::Tenants(names) if names.len() == 1 => names.first().map(String::as_str),
            _ => None,
        }
    }

    /// The names, `None` for every tenant: how stores and filters want it.
    pub fn names(&self) -> Option<Vec<String>> {
        match self {
            Scope::All => None,
            Scope::Tenants(names) => Some(names.iter().cloned().collect()),
        }
    }
}

/// How someone came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A person with a session in a browser.
    Person {
        /// The person's number.
        num: i64,
        /// What forms of this session must carry.
        csrf: String,
    },
    /// A program with an API token.
    Token {
        /// The token's number.
        num: i64,
    },
    /// Someone at the command line who can write the store's file, which is beyond every role.
    Console,
}

/// Someone whose credential was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The e-mail address of a person, `token:NAME` for a token, `console` for the command line: the
    /// actor of audit records.
    pub id: String,
    /// The name for people.
    pub name: String,
    /// How they came in.
    pub caller: Caller,
    /// Their roles.
    pub roles: BTreeSet<Role>,
    /// Their tenants.
    pub scope: Scope,
}

impl Principal {
    /// Who works on the store at the command line: an administrator of every tenant.
    pub fn console() -> Principal {
        Principal {
            id: "console".to_owned(),
            name: "the command line".to_owned(),
            caller: Caller::Console,
            roles: BTreeSet::from([Role::Administrator]),
            scope: Scope::All,
        }
    }

    /// Whether they may do it, for some tenant.
    pub fn may(&self, permission: Permission) -> bool {
        self.roles.iter().any(|r| r.allows(permission))
    }

    /// Whether they may do it in a tenant.
    pub fn may_in(&self, permission: Permission, tenant: &str) -> bool {
        self.may(permission) && self.scope.includes(tenant)
    }

    /// Whether it is a person who is logged in: only people answer approvals.
    pub fn is_person(&self) -> bool {
        matches!(self.caller, Caller::Person { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenants(names: &[&str]) -> Scope {
        Scope::of(Some(names.iter().map(|n| (*n).to_owned()).collect()))
    }

    #[test]
    fn nobody_gives_away_tenants_that_they_do_not_have() {
        let (a, b, both) = (tenants(&["a"]), tenants(&["b"]), tenants(&["a", "b"]));
        assert!(Scope::All.covers(&Scope::All) && Scope::All.covers(&both));
        assert!(both.covers(&a) && both.covers(&both));
        assert!(!a.covers(&b) && !a.covers(&both) && !both.covers(&Scope::All));
        assert_eq!(Scope::of(both.names()), both);
        assert_eq!(Scope::of(Scope::All.names()), Scope::All);
    }

    #[test]
    fn roles_are_found_by_their_names_and_only_approvers_approve() {
        for role in Role::ALL {
            assert_eq!(Role::named(role.name()), Some(role));
            assert_eq!(role.allows(Permission::Approve), role == Role::Approver);
            assert_eq!(role.allows(Permission::View), role != Role::Source);
        }
        assert_eq!(Role::named("root"), None);
    }
}
