//! A file in, what can be folded out: items, blocks, and runs of comments.

use crate::snapshot::{Snapshot, range_of};
use counterplay_compiler::db::{self, SourceFile};
use counterplay_compiler::syntax::ast::{Block, Item, PlaybookLineKind, Step, StepKind};
use counterplay_compiler::syntax::lexical::Class;
use std::ops::Range;

/// What is folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A block.
    Block,
    /// Comments.
    Comment,
    /// Imports.
    Imports,
}

/// A region that can be folded; it spans more than one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// From the line that stays to the last one that is hidden.
    pub range: Range<usize>,
    /// What it is.
    pub kind: Kind,
}

/// The regions of a file that can be folded.
pub fn folding(snapshot: &Snapshot, file: SourceFile) -> Vec<Fold> {
    let text = snapshot.text(file);
    let parsed = db::parse(&snapshot.workspace.db, file);
    let mut out: Vec<Fold> = Vec::new();
    let mut imports: Option<Range<usize>> = None;
    for item in &parsed.items {
        let start = item.keyword.map_or(item.offset, |k| item.offset + k.start) as usize;
        let range = start..(item.offset + item.len) as usize;
        if let Item::Use(_) = &*item.item {
            imports = Some(imports.map_or(range.clone(), |all| all.start..range.end));
            continue;
        }
        out.push(Fold {
            range,
            kind: Kind::Block,
        });
        for block in blocks(&item.item) {
            out.push(Fold {
                range: range_of(item, block),
                kind: Kind::Block,
            });
        }
    }
    out.extend(imports.map(|range| Fold {
        range,
        kind: Kind::Imports,
    }));
    let mut comments: Option<Range<usize>> = None;
    for lexeme in snapshot.lexemes(file) {
        let comment = matches!(lexeme.class, Class::Comment | Class::Documentation);
        let joined = |run: &Range<usize>| {
            let between = text.get(run.end..lexeme.start).unwrap_or("x");
            between.trim().is_empty() && between.matches('\n').count() == 1
        };
        match &mut comments {
            Some(run) if comment && joined(run) => run.end = lexeme.end,
            run => {
                out.extend(run.take().map(|range| Fold {
                    range,
                    kind: Kind::Comment,
                }));
                if comment {
                    *run = Some(lexeme.start..lexeme.end);
                }
            }
        }
    }
    out.extend(comments.map(|range| Fold {
        range,
        kind: Kind::Comment,
    }));
    out.retain(|fold| {
        text.get(fold.range.clone())
            .is_some_and(|inside| inside.contains('\n'))
    });
    out.sort_by_key(|fold| (fold.range.start, fold.range.end));
    out.dedup_by(|b, a| a.range == b.range);
    out
}

fn blocks(item: &Item) -> Vec<counterplay_compiler::span::Span> {
    let mut todo: Vec<&Block> = Vec::new();
    match item {
        Item::Steps(decl) => todo.push(&decl.body),
        Item::Playbook(playbook) => {
            for line in &playbook.lines {
                match &line.kind {
                    PlaybookLineKind::Then(block)
                    | PlaybookLineKind::OnFailure(block)
                    | PlaybookLineKind::Escalate { body: block, .. } => todo.push(block),
                    _ => {}
                }
            }
        }
        _ => {}
    }
    let mut out = Vec::new();
    while let Some(block) = todo.pop() {
        out.push(block.span);
        for step in &block.steps {
            todo.extend(inner(step));
        }
    }
    out
}

/// The blocks of a step.
pub fn inner(step: &Step) -> Vec<&Block> {
    let mut out: Vec<&Block> = step.arms.iter().map(|arm| &arm.body).collect();
    match &step.kind {
        StepKind::If {
            branches,
            otherwise,
        } => {
            out.extend(branches.iter().map(|(_, block)| block));
            out.extend(otherwise);
        }
        StepKind::Match { cases, .. } => out.extend(cases.iter().map(|case| &case.body)),
        StepKind::Ask(ask) => {
            out.extend(ask.answers.iter().map(|answer| &answer.body));
            out.extend(&ask.unanswered);
        }
        StepKind::AttemptEach(body)
        | StepKind::InParallel(body)
        | StepKind::Group(body)
        | StepKind::ForEach { body, .. }
        | StepKind::WithoutApproval { body, .. }
        | StepKind::Broken(Some(body)) => out.push(body),
        _ => {}
    }
    out
}
