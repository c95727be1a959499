//! A project in, what the checker has found on the graphs of its playbooks that no proof may pass over out.
//!
//! `[lints]` decide what people are shown, and never what holds: the findings are taken before they get their levels.

use crate::codes;
use crate::db;
use crate::locate::locate;
use crate::workspace::Workspace;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Findings that say that something does not hold of every run, beside those that [`super::Harm`] says itself.
const CODES: [&str; 2] = [codes::APPROVAL_EXPIRES, codes::ORDER];

/// Something that does not hold of every run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refuted {
    /// The finding's code.
    pub code: &'static str,
    /// What does not hold.
    pub message: String,
    /// A way on which it does not.
    pub way: String,
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

/// What does not hold, by playbook.
pub fn refuted(workspace: &Workspace) -> BTreeMap<Arc<str>, Vec<Refuted>> {
    let (db, project) = (&workspace.db, workspace.project);
    let mut out: BTreeMap<Arc<str>, Vec<Refuted>> = BTreeMap::new();
    for file in project.files(db) {
        for (playbook, findings) in db::playbook_findings(db, project, *file) {
            let of_the_graph = findings.iter().filter(|d| CODES.contains(&d.code));
            let told = of_the_graph.filter_map(|finding| {
                let label = finding.labels.first()?;
                let at = locate(workspace, &label.place, &|_| None);
                Some(Refuted {
                    code: finding.code,
                    message: finding.message.clone(),
                    way: label.text.clone(),
                    file: at.path,
                    line: at.line,
                })
            });
            out.entry(playbook).or_default().extend(told);
        }
    }
    out
}
