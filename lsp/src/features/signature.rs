//! A place inside of a call in, the call's form with the argument at hand out.

use super::describe;
use crate::snapshot::Snapshot;
use counterplay_compiler::check::probe::MARK;
use counterplay_compiler::db::SourceFile;
use counterplay_compiler::index::Def;
use counterplay_compiler::syntax::cursor::{self, Inside};
use std::ops::Range;

/// The form of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// `entra.reset_password(user: User, require_mfa: Bool = false)`.
    pub label: String,
    /// Where each parameter stands in the label, in bytes.
    pub params: Vec<Range<usize>>,
    /// Which one is being written.
    pub active: Option<usize>,
    /// What it does.
    pub doc: String,
}

/// The call around a byte of a file.
pub fn signature(snapshot: &Snapshot, file: SourceFile, offset: usize) -> Option<Signature> {
    let text = snapshot.text(file);
    let marked = format!("{}{MARK}{}", text.get(..offset)?, text.get(offset..)?);
    let at = cursor::find(snapshot.path(file), &marked, MARK)?;
    if at.inside == Inside::Comment {
        return None;
    }
    // Back to the bracket that is open, counting what stands between.
    let mut depth = 0;
    let mut commas = 0;
    let mut named = None;
    let mut open = None;
    for (i, word) in at.before.iter().enumerate().rev() {
        match word.as_str() {
            ")" | "]" | "}" => depth += 1,
            "(" | "[" | "{" if depth > 0 => depth -= 1,
            "(" => {
                open = Some(i);
                break;
            }
            "[" | "{" => {
                // Inside of a list or of JSON the call around it is meant.
                commas = 0;
                named = None;
            }
            "," if depth == 0 => commas += 1,
            ":" if depth == 0 && commas == 0 && named.is_none() => {
                named = i.checked_sub(1).and_then(|before| at.before.get(before));
            }
            _ => {}
        }
    }
    let open = open?;
    let (name, module) = callee(&at.before[..open]);
    let def = find(snapshot, file, module, name?)?;
    if describe::params(def).is_empty() {
        return None;
    }
    let mut label = format!("{}(", describe::full_name(def));
    let mut params = Vec::new();
    for (i, param) in describe::params(def).iter().enumerate() {
        if i > 0 {
            label.push_str(", ");
        }
        let start = label.len();
        label.push_str(&describe::param(def, param));
        params.push(start..label.len());
    }
    label.push(')');
    let active = match named {
        Some(named) => describe::params(def)
            .iter()
            .position(|p| p.name.text == *named),
        None => Some(commas).filter(|i| *i < params.len()),
    };
    Some(Signature {
        label,
        params,
        active,
        doc: describe::doc(def).to_owned(),
    })
}

/// The name before a bracket, and the module before its dot.
fn callee(before: &[String]) -> (Option<&str>, Option<&str>) {
    match before {
        [.., module, dot, name] if dot == "." => (Some(name), Some(module)),
        [.., name] => (Some(name), None),
        [] => (None, None),
    }
}

/// What a name with or without a module means in a file.
pub fn find<'s>(
    snapshot: &'s Snapshot,
    file: SourceFile,
    module: Option<&str>,
    name: &str,
) -> Option<&'s Def> {
    let index = snapshot.index();
    let own = file.module(&snapshot.workspace.db);
    match module {
        None => index.get(own, name),
        Some(short) => {
            let full = index.modules.get(own)?.uses.get(short);
            index.get(full.unwrap_or(own), name)
        }
    }
}
