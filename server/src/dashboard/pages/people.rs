//! People and tokens, for administrators.

use super::Choice;
use crate::dashboard::chrome::Chrome;
use crate::dashboard::{filters, topics};
use askama::Template;

/// `/people`. Posts: `/people` (`name`, `email`, `role`s, `tenant`s), `/people/{num}/disable`, `…/enable`,
/// `…/password`; `/tokens` (`name`, `role`, `tenant`s, `days`), `/tokens/{num}/revoke`.
#[derive(Clone, Debug, Template)]
#[template(path = "people.html")]
pub struct PeoplePage {
    /// Around it.
    pub chrome: Chrome,
    /// The people, by name.
    pub people: Vec<PersonRow>,
    /// The tokens, the latest first.
    pub tokens: Vec<TokenRow>,
    /// The roles that people may have, for the form.
    pub roles: Vec<RoleChoice>,
    /// The roles of tokens.
    pub token_roles: Vec<Choice>,
    /// The tenants, for the forms.
    pub tenants: Vec<String>,
    /// What was typed into the form of a person, when it did not work: name, address.
    pub typed: (String, String),
    /// Why the form of a person did not work.
    pub person_error: Option<String>,
    /// Why the form of a token did not work.
    pub token_error: Option<String>,
}

/// A person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRow {
    /// The number.
    pub num: i64,
    /// The name.
    pub name: String,
    /// The e-mail address.
    pub email: String,
    /// The roles.
    pub roles: Vec<String>,
    /// The tenants; `None` for every tenant.
    pub tenants: Option<Vec<String>>,
    /// Whether they may not log in.
    pub disabled: bool,
    /// Whether it is the viewer.
    pub me: bool,
}

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// The number.
    pub num: i64,
    /// The name.
    pub name: String,
    /// The role.
    pub role: String,
    /// The tenants; `None` for every tenant.
    pub tenants: Option<Vec<String>>,
    /// Who made it.
    pub created_by: String,
    /// When it expires.
    pub expires_ms: i64,
    /// When it was last used.
    pub used_ms: Option<i64>,
    /// What it is worth.
    pub state: TokenState,
}

/// What a token is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenState {
    /// It lets its holder in.
    Valid,
    /// Its time is over.
    Expired,
    /// Somebody has revoked it.
    Revoked,
}

impl TokenState {
    /// Whether it lets its holder in.
    pub fn is_valid(self) -> bool {
        self == TokenState::Valid
    }

    /// The word on the page.
    pub fn name(self) -> &'static str {
        match self {
            TokenState::Valid => "valid",
            TokenState::Expired => "expired",
            TokenState::Revoked => "revoked",
        }
    }
}

/// A role that can be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleChoice {
    /// The name.
    pub name: &'static str,
    /// What it allows.
    pub what: &'static str,
}

/// The roles of people, with what they allow.
pub const ROLES: [RoleChoice; 5] = [
    RoleChoice {
        name: "viewer",
        what: "looks at everything of their tenants and simulates",
    },
    RoleChoice {
        name: "operator",
        what: "starts, cancels and resumes runs, settles held calls, sets modes, pauses and lets go on, tries dead letters again",
    },
    RoleChoice {
        name: "approver",
        what: "answers approvals of the teams that they belong to",
    },
    RoleChoice {
        name: "author",
        what: "deploys playbooks and decides on the deploys of others",
    },
    RoleChoice {
        name: "administrator",
        what: "everything but answering approvals; people and tokens",
    },
];

/// Tenants in words.
pub fn tenants_text(tenants: &Option<Vec<String>>) -> String {
    match tenants {
        None => "every tenant".to_owned(),
        Some(names) if names.is_empty() => "no tenant".to_owned(),
        Some(names) => names.join(", "),
    }
}
