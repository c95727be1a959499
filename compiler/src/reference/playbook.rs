//! A playbook's tree in, its head and its stages for readers out.

use super::{Playbook, Text};
use crate::syntax::ast::{Block, ExprKind, Playbook as Written, PlaybookLineKind, TextPart};

pub fn of(text: Text<'_>, written: &Written) -> Playbook {
    let title = match written.title.as_ref().map(|t| &t.kind) {
        Some(ExprKind::Text(parts)) => parts
            .iter()
            .filter_map(|part| match part {
                TextPart::Literal(text) => Some(text.as_str()),
                TextPart::Interpolation(_) => None,
            })
            .collect(),
        _ => written.id.text.clone(),
    };
    let mut playbook = Playbook {
        id: written.id.text.clone(),
        title,
        doc: written.doc.clone(),
        head: Vec::new(),
        stages: Vec::new(),
    };
    for line in &written.lines {
        let source = text.at(line.span);
        match &line.kind {
            PlaybookLineKind::Then(block)
            | PlaybookLineKind::OnFailure(block)
            | PlaybookLineKind::Escalate { body: block, .. } => {
                playbook.stages.push((source, steps(text, block)));
            }
            PlaybookLineKind::Wait(_) | PlaybookLineKind::WaitTill(_) => {
                playbook.stages.push((source, Vec::new()));
            }
            PlaybookLineKind::Broken => {}
            _ => playbook.head.push(source),
        }
    }
    playbook
}

/// The heads of a block's steps.
fn steps(text: Text<'_>, block: &Block) -> Vec<String> {
    block.steps.iter().map(|step| text.at(step.span)).collect()
}
