//! A run that has ended in, what can be taken back of it and a playbook that does so out. Pure: what is kept of the
//! run's actions comes in as rows.

mod facts;
mod leave;
mod plan;
mod program;

pub use facts::{inverse, same, state_query, subject};
pub use leave::{asked, ungrantable};
pub use plan::{Known, Lasting, Plan, Restore, doubt, plan};
pub use program::{Asked, Built, JUDGE, PLAYBOOK, build, team_of};

/// What the judge answers where an action may be taken back without a further question.
pub const AS_LEFT: &str = "as the run left it";
