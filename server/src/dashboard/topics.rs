//! The topics of the event stream `GET /live?topic=…&topic=…`.
//!
//! A page asks for the topics of its parts. The stream sends, for each change, an event `changed` whose data is the
//! topic, and the page fetches itself and takes the parts over. It says nothing else, so it tells nobody anything:
//! what is shown is decided when the page is made. A topic that the person may not look at is never sent.

/// A run has gone on: `run:ID`.
pub fn run(id: &str) -> String {
    format!("run:{id}")
}

/// An approval got an answer or ended: `approval:ID`.
pub fn approval(id: &str) -> String {
    format!("approval:{id}")
}

/// A playbook's mode or version changed, or a run of it began or ended: `playbook:ID`.
pub fn playbook(id: &str) -> String {
    format!("playbook:{id}")
}

/// Some run began, went on or ended.
pub const RUNS: &str = "runs";
/// Some approval was asked, answered or ended.
pub const APPROVALS: &str = "approvals";
/// Some deploy waits or was decided.
pub const DEPLOYS: &str = "deploys";
/// Some dead letter came, or was settled.
pub const LETTERS: &str = "letters";
/// Some playbook's mode or version changed.
pub const PLAYBOOKS: &str = "playbooks";
/// Something about a source changed.
pub const SOURCES: &str = "sources";
/// Some record was added.
pub const AUDIT: &str = "audit";
/// Any of the numbers in the navigation.
pub const COUNTS: &str = "counts";
