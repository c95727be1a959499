//! What no playbook may do, as data: protected entities, and budgets of actions.

use crate::expr::{Expr, Slot};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The variable of a guard's entity.
pub const ENTITY: Slot = Slot(0);

/// What a blocked action's reason begins with.
pub const BLOCKED: &str = "blocked_by_guard";

/// What a question to people about a call beyond a budget begins with.
pub const BEYOND_BUDGET: &str = "Perform it all the same?";

/// `guard "title" { … }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guard {
    /// What it is for.
    pub title: Arc<str>,
    /// Its lines.
    pub rules: Vec<Rule>,
}

/// A line of a guard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Rule {
    /// Nothing above `notify` acts on such an entity.
    Protect {
        /// The entity's type.
        ty: Arc<str>,
        /// Which are protected; the entity is [`ENTITY`].
        condition: Expr,
    },
    /// An action is performed so often and no oftener, whichever playbooks perform it.
    Limit {
        /// The action.
        action: Arc<str>,
        /// How often.
        count: u32,
        /// In which time, in milliseconds up to now.
        per_ms: i64,
        /// Whether each tenant has its own budget.
        per_tenant: bool,
        /// Who decides beyond it; without, what is beyond is blocked.
        beyond: Option<Beyond>,
    },
}

/// `beyond that approve by team.soc_leads within 1h`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beyond {
    /// A team or a person.
    pub by: Expr,
    /// How long they are waited for, in milliseconds.
    pub within_ms: i64,
}

impl Guard {
    /// Whether a budget of it counts an action.
    pub fn counts(&self, action: &str) -> bool {
        let mut rules = self.rules.iter();
        rules.any(|rule| matches!(rule, Rule::Limit { action: a, .. } if **a == *action))
    }
}
