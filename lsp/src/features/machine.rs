//! A place in a playbook in, its state machine as a drawing out.

use crate::snapshot::Snapshot;
use counterplay_compiler::db::{self, SourceFile};
use counterplay_compiler::diagnostic::Severity;
use counterplay_compiler::item::Part;
use counterplay_machine::draw;

/// A drawing of a state machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// The playbook's title.
    pub title: String,
    /// As a Mermaid flow chart.
    pub mermaid: String,
    /// As a Graphviz graph.
    pub dot: String,
}

/// The machine of the playbook around a byte of a file.
///
/// # Errors
/// A sentence that says why it has none: its mistakes have to be mended first.
pub fn machine(
    snapshot: &Snapshot,
    file: SourceFile,
    offset: usize,
) -> Result<Option<Drawing>, String> {
    let Some(at) = snapshot.item_at(file, offset) else {
        return Ok(None);
    };
    let Part::Playbook(playbook) = &at.compiled.part else {
        return Ok(None);
    };
    let (database, project) = (&snapshot.workspace.db, snapshot.workspace.project);
    let key = &at.parsed.key;
    let broken = db::file_findings(database, project, file).iter().any(|d| {
        d.severity == Severity::Error
            && d.labels
                .first()
                .is_some_and(|l| l.place.anchor.item == *key)
    });
    if broken {
        return Err(format!(
            "`{}` has mistakes; its state machine is drawn when they are mended",
            playbook.id
        ));
    }
    Ok(Some(Drawing {
        title: playbook.title.to_string(),
        mermaid: draw::mermaid(playbook),
        dot: draw::dot(playbook),
    }))
}
