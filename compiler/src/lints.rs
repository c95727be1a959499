//! `[lints]` of the project file in, a level for each code out; findings in, the same at their levels out.
//!
//! Only warnings have levels: what does not compile, or destroys without asking, is not a matter of taste.

use crate::codes;
use crate::diagnostic::{Diagnostic, Severity};
use crate::{explain, near};
use std::collections::BTreeMap;
use std::ops::Range;

/// What is made of a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// It is not shown.
    Allow,
    /// It stays a warning.
    Warn,
    /// It is an error: the project does not compile.
    Error,
}

/// The levels as they are written.
const LEVELS: [(&str, Level); 3] = [
    ("allow", Level::Allow),
    ("warn", Level::Warn),
    ("error", Level::Error),
];

/// The levels of a project, by code.
pub type Levels = BTreeMap<String, Level>;

/// Reads `[lints]`. Told by `find`: what is wrong, where, what is to be said of the place, and what to do.
pub(crate) fn read(
    written: BTreeMap<toml::Spanned<String>, toml::Spanned<String>>,
    find: &mut impl FnMut(String, Range<usize>, &str, Option<String>),
) -> Levels {
    let mut levels = Levels::new();
    for (code, level) in written {
        let (at, code) = (code.span(), code.into_inner());
        let (level_at, level) = (level.span(), level.into_inner());
        if !explain::codes().iter().any(|(known, _)| *known == code) {
            let lists = "`counterplay explain` lists all";
            let near = near::best(&code, codes::WARNINGS.iter().copied());
            find(
                format!("there is no finding `{code}`"),
                at,
                "sets nothing",
                Some(match near {
                    Some(near) => format!("did you mean {near}? {lists}"),
                    None => format!("a code is written like P0402; {lists}"),
                }),
            );
            continue;
        }
        let Some((_, level)) = LEVELS.iter().find(|(word, _)| *word == level) else {
            let near = near::best(&level, LEVELS.map(|(word, _)| word));
            find(
                format!("`{level}` is no level of a finding"),
                level_at,
                "expected \"allow\", \"warn\" or \"error\"",
                near.map(|near| format!("did you mean \"{near}\"?")),
            );
            continue;
        };
        if *level != Level::Error && !codes::WARNINGS.contains(&code.as_str()) {
            find(
                format!("{code} is an error and cannot be lowered"),
                at,
                "stays an error",
                Some(format!(
                    "only warnings have levels: {}",
                    near::menu(codes::WARNINGS.iter().copied())
                )),
            );
            continue;
        }
        levels.insert(code, *level);
    }
    levels
}

/// Gives warnings the levels that the project wants. Errors stay what they are.
pub fn apply(levels: &Levels, findings: &mut Vec<Diagnostic>) {
    if levels.is_empty() {
        return;
    }
    findings.retain_mut(|finding| {
        if finding.severity == Severity::Error {
            return true;
        }
        match levels.get(finding.code) {
            Some(Level::Allow) => false,
            Some(Level::Error) => {
                finding.severity = Severity::Error;
                true
            }
            Some(Level::Warn) | None => true,
        }
    });
}
