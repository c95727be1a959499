//! The pages: a struct of plain data and a template of the same name each.

pub mod account;
pub mod answer;
pub mod approval;
pub mod approvals;
pub mod archived;
pub mod audit;
pub mod deploy;
pub mod deploys;
pub mod error;
pub mod letter;
pub mod letters;
pub mod login;
pub mod overview;
pub mod people;
pub mod playbook;
pub mod playbooks;
pub mod run;
pub mod runs;
pub mod secret;
pub mod simulation;
pub mod sources;

pub use account::AccountPage;
pub use answer::AnswerPage;
pub use approval::ApprovalPage;
pub use approvals::ApprovalsPage;
pub use archived::ArchivedPage;
pub use audit::AuditPage;
pub use deploy::DeployPage;
pub use deploys::DeploysPage;
pub use error::ErrorPage;
pub use letter::LetterPage;
pub use letters::LettersPage;
pub use login::LoginPage;
pub use overview::OverviewPage;
pub use people::PeoplePage;
pub use playbook::PlaybookPage;
pub use playbooks::PlaybooksPage;
pub use run::RunPage;
pub use runs::RunsPage;
pub use secret::SecretPage;
pub use simulation::SimulationPage;
pub use sources::SourcesPage;

use super::text;

/// Where a list goes on, as paths with query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paging {
    /// The first page, where this is not it.
    pub first: Option<String>,
    /// The next page.
    pub next: Option<String>,
}

impl Paging {
    /// The paging of a list at a path: `asked` is its filter, `after` where this page begins, `next` where the next
    /// one does.
    pub fn of(path: &str, asked: &[(&str, &str)], after: Option<i64>, next: Option<i64>) -> Paging {
        let address = |from: Option<i64>| {
            let mut pairs: Vec<String> = asked
                .iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| format!("{name}={}", text::segment(value)))
                .collect();
            pairs.extend(from.map(|n| format!("after={n}")));
            match pairs.is_empty() {
                true => path.to_owned(),
                false => format!("{path}?{}", pairs.join("&")),
            }
        };
        Paging {
            first: after.map(|_| address(None)),
            next: next.map(|n| address(Some(n))),
        }
    }
}

/// A choice of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What the form sends.
    pub value: String,
    /// The words.
    pub label: String,
    /// Whether it is chosen.
    pub chosen: bool,
}

impl Choice {
    /// Choices out of names, the first of them `any` with an empty value.
    pub fn list<S: AsRef<str>>(any: &str, names: &[S], chosen: Option<&str>) -> Vec<Choice> {
        let mut out = vec![Choice {
            value: String::new(),
            label: any.to_owned(),
            chosen: chosen.is_none(),
        }];
        out.extend(names.iter().map(|name| Choice {
            value: name.as_ref().to_owned(),
            label: name.as_ref().to_owned(),
            chosen: chosen == Some(name.as_ref()),
        }));
        out
    }
}
