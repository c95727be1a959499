//! A name and a new one in, every change that gives it everywhere out; or why it cannot be given.

use crate::snapshot::{Location, Snapshot, is_library};
use crate::target::{self, Target};
use counterplay_compiler::check::mention::Meaning;
use counterplay_compiler::db::SourceFile;
use counterplay_compiler::diagnostic::Severity;
use counterplay_compiler::syntax::ast::Item;
use counterplay_compiler::syntax::lexical::{self, Class};
use counterplay_compiler::workspace::Workspace;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// What can be renamed at a place: its bytes and its name.
///
/// # Errors
/// A sentence that says why nothing there can be renamed.
pub fn prepare(
    snapshot: &Snapshot,
    file: SourceFile,
    offset: usize,
) -> Result<(Range<usize>, String), String> {
    let found = target::at(snapshot, file, offset)
        .ok_or("nothing here has a name that could be changed")?;
    renamable(snapshot, file, &found.target)?;
    let text = snapshot.text(file);
    let name = text.get(found.range.clone()).unwrap_or("").to_owned();
    Ok((found.range, name))
}

fn renamable(snapshot: &Snapshot, file: SourceFile, target: &Target) -> Result<(), String> {
    if is_library(snapshot.path(file)) || target::is_of_library(snapshot, target) {
        let name = target::name(snapshot, target).unwrap_or_default();
        return Err(format!(
            "`{name}` belongs to the standard library, which a project does not change"
        ));
    }
    match target {
        Target::Local(..) => Ok(()),
        Target::Global(meaning) => match meaning {
            Meaning::Declared(..)
            | Meaning::Field(..)
            | Meaning::Member(..)
            | Meaning::Parameter(..)
            | Meaning::Playbook(_)
            | Meaning::Connection(_) => Ok(()),
            Meaning::Module(_) => {
                Err("a module is called like its file: rename the file, and the `use` lines".into())
            }
            Meaning::Team(_) | Meaning::Tenant(_) | Meaning::Group(_) | Meaning::Webhook(_) => Err(
                "this name is given in counterplay.toml, also outside of playbooks: change it there"
                    .into(),
            ),
            Meaning::BuiltInType(_) | Meaning::Function(_) | Meaning::Fact(..) => {
                Err("this name belongs to the language".into())
            }
            Meaning::Local(_) => Ok(()),
        },
    }
}

/// The changes that give what the name at a byte stands for another name.
///
/// # Errors
/// A sentence that says why it cannot be given: it is no name, it is taken, or something would mean something else.
pub fn rename(
    snapshot: &Snapshot,
    file: SourceFile,
    offset: usize,
    new: &str,
) -> Result<Vec<(Location, String)>, String> {
    let (_, old) = prepare(snapshot, file, offset)?;
    let found = target::at(snapshot, file, offset)
        .ok_or("nothing here has a name that could be changed")?;
    is_name(snapshot, &found.target, new)?;
    let mentions = target::mentions(snapshot, &found.target);
    if new == old {
        return Ok(Vec::new());
    }
    if let Some((at, _)) = mentions.iter().find(|(at, _)| is_library(&at.path)) {
        return Err(format!(
            "`{old}` is also used in {}, which a project does not change",
            at.path
        ));
    }
    let mut edits = Vec::new();
    for (at, defines) in &mentions {
        let mut text = new.to_owned();
        // A member without a value of its own on the wire is called there as it was called here.
        if *defines && let Target::Global(Meaning::Member(owner, name)) = &found.target {
            let def = snapshot.index().declared(owner);
            if let Some(Item::Enum(decl)) = def.map(|d| &*d.item)
                && decl
                    .members
                    .iter()
                    .any(|m| m.name.text == **name && m.wire.is_none())
            {
                text = format!("{new} = \"{name}\"");
            }
        }
        edits.push((at.clone(), text));
    }
    holds(snapshot, &mentions, &edits, new)?;
    Ok(edits)
}

fn is_name(snapshot: &Snapshot, target: &Target, new: &str) -> Result<(), String> {
    let lexemes = lexical::lexemes(&Arc::from(""), new);
    let one_word = matches!(
        lexemes.as_slice(),
        [only] if matches!(only.class, Class::Word | Class::Keyword)
            && only.end - only.start == new.len()
            && new.is_ascii()
    );
    if !one_word {
        return Err(format!(
            "`{new}` is no name: a name is letters, digits and `_`, and begins with a letter"
        ));
    }
    if lexical::RESERVED.contains(&new) {
        return Err(format!("`{new}` is a word of the language"));
    }
    let of_type = match target {
        Target::Global(meaning @ Meaning::Declared(..)) => target::definition(snapshot, meaning)
            .is_some_and(|d| matches!(&*d.item, Item::Type(_) | Item::Enum(_))),
        _ => false,
    };
    let capital = new.starts_with(|c: char| c.is_ascii_uppercase());
    match (of_type, capital) {
        (true, false) => Err("the name of a type begins with a capital letter".into()),
        (false, true) => Err("only the names of types begin with a capital letter".into()),
        _ => Ok(()),
    }
}

/// Makes the changes on a copy: every mention still has to mean the same, and nothing new may be wrong.
fn holds(
    snapshot: &Snapshot,
    mentions: &[(Location, bool)],
    edits: &[(Location, String)],
    new: &str,
) -> Result<(), String> {
    let touched: BTreeSet<&str> = mentions.iter().map(|(at, _)| at.path.as_str()).collect();
    let changed = apply(snapshot, edits);
    let after = Snapshot { workspace: changed };
    for path in &touched {
        snapshot.workspace.db.stop_if_cancelled();
        let (Some(before), Some(now)) = (snapshot.file(path), after.file(path)) else {
            continue;
        };
        let mut said = messages(snapshot, before);
        for (code, message) in messages(&after, now) {
            // What was wrong before may be wrong still, with the new name in its sentence.
            match said.iter().position(|(c, _)| *c == code) {
                Some(known) => {
                    said.swap_remove(known);
                }
                None => return Err(format!("`{new}` cannot be used here: {message}")),
            }
        }
    }
    // The name has to lead from every place to the same declaration as before.
    let mut shift: BTreeMap<&str, Vec<(&Location, isize)>> = BTreeMap::new();
    for (at, text) in edits {
        let by = text.len() as isize - at.range.len() as isize;
        shift.entry(&at.path).or_default().push((at, by));
    }
    let moved = |at: &Location| -> usize {
        let before = shift.get(at.path.as_str()).into_iter().flatten();
        let by: isize = before
            .filter(|(other, _)| other.range.start < at.range.start)
            .map(|(_, by)| by)
            .sum();
        at.range.start.saturating_add_signed(by)
    };
    let mut meant: Option<Target> = None;
    for (at, _) in mentions {
        snapshot.workspace.db.stop_if_cancelled();
        let Some(file) = after.file(&at.path) else {
            continue;
        };
        let now = target::at(&after, file, moved(at)).map(|found| found.target);
        let Some(now) = now else {
            return Err(format!("`{new}` would mean nothing where it is used"));
        };
        if *meant.get_or_insert_with(|| now.clone()) != now {
            return Err(format!("`{new}` would not mean the same everywhere"));
        }
    }
    if let Some(meant) = meant {
        let now = target::mentions(&after, &meant).len();
        if now > mentions.len() {
            return Err(format!("`{new}` already means something else here"));
        }
    }
    Ok(())
}

fn messages(snapshot: &Snapshot, file: SourceFile) -> Vec<(&'static str, String)> {
    let (database, project) = (&snapshot.workspace.db, snapshot.workspace.project);
    counterplay_compiler::db::file_findings(database, project, file)
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .map(|d| (d.code, d.message.clone()))
        .collect()
}

/// A project of its own with the changes made.
fn apply(snapshot: &Snapshot, edits: &[(Location, String)]) -> Workspace {
    let sources = snapshot.workspace.sources().into_iter().map(|mut source| {
        source.text = edited(&source.text, &source.path, edits);
        source
    });
    let config = snapshot
        .workspace
        .project
        .config(&snapshot.workspace.db)
        .as_ref()
        .map(|(path, text)| (path.to_string(), edited(text, path, edits)));
    Workspace::new(sources.collect(), config)
}

fn edited(text: &str, path: &str, edits: &[(Location, String)]) -> String {
    let mut own: Vec<&(Location, String)> =
        edits.iter().filter(|(at, _)| at.path == *path).collect();
    own.sort_by_key(|(at, _)| std::cmp::Reverse(at.range.start));
    let mut text = text.to_owned();
    for (at, new) in own {
        if text.get(at.range.clone()).is_some() {
            text.replace_range(at.range.clone(), new);
        }
    }
    text
}
