//! A file in, what each of its words is out, for colours: harmful actions stand out.

use super::describe;
use crate::snapshot::{Snapshot, is_library};
use crate::target;
use counterplay_compiler::check::mention::Meaning;
use counterplay_compiler::db::SourceFile;
use counterplay_compiler::syntax::ast::Item;
use counterplay_compiler::syntax::lexical::Class;
use std::collections::BTreeMap;
use std::ops::Range;

/// What a token is; the standard names of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A module.
    Namespace,
    /// A type.
    Type,
    /// An enum.
    Enum,
    /// A member of an enum.
    EnumMember,
    /// An event.
    Event,
    /// An action, a query, steps, a definition or a function.
    Function,
    /// A name of a playbook.
    Variable,
    /// A parameter.
    Parameter,
    /// A field, a setting, a property, a name of an argument.
    Property,
    /// A word of the language.
    Keyword,
    /// A comment.
    Comment,
    /// A text.
    String,
    /// A number, a duration, a time of day.
    Number,
    /// An operator.
    Operator,
}

/// The kinds in the order of their numbers, as the editor is told.
pub const KINDS: &[&str] = &[
    "namespace",
    "type",
    "enum",
    "enumMember",
    "event",
    "function",
    "variable",
    "parameter",
    "property",
    "keyword",
    "comment",
    "string",
    "number",
    "operator",
];

/// The modifiers in the order of their bits.
pub const MODIFIERS: &[&str] = &[
    "declaration",
    "documentation",
    "defaultLibrary",
    "readonly",
    "disruptive",
    "destructive",
];

/// The name gets its meaning here.
pub const DECLARATION: u32 = 1;
/// Documentation.
pub const DOCUMENTATION: u32 = 1 << 1;
/// Of the standard library.
pub const LIBRARY: u32 = 1 << 2;
/// Never changes.
pub const READONLY: u32 = 1 << 3;
/// Does harm that is not simply taken back.
pub const DISRUPTIVE: u32 = 1 << 4;
/// Destroys what cannot be brought back.
pub const DESTRUCTIVE: u32 = 1 << 5;

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its bytes; never more than one line.
    pub range: Range<usize>,
    /// What it is.
    pub kind: Kind,
    /// More about it, as bits.
    pub modifiers: u32,
}

/// The tokens of a file, in its order; none overlaps another.
pub fn tokens(snapshot: &Snapshot, file: SourceFile) -> Vec<Token> {
    let text = snapshot.text(file);
    let names = names(snapshot, file);
    let lexemes = snapshot.lexemes(file);
    let mut out = Vec::new();
    let mut inside: Vec<Token> = Vec::new();
    for (i, lexeme) in lexemes.iter().enumerate() {
        let range = lexeme.start..lexeme.end;
        let token = |kind, modifiers| Token {
            range: range.clone(),
            kind,
            modifiers,
        };
        match lexeme.class {
            Class::Text => {
                // What stands in the interpolations is shown as what it is.
                let keywords = lexemes[i + 1..]
                    .iter()
                    .take_while(|l| l.start < range.end)
                    .map(|l| Token {
                        range: l.start..l.end,
                        kind: Kind::Keyword,
                        modifiers: 0,
                    });
                inside.extend(keywords);
                inside.extend(names.range(range.start..range.end).map(
                    |(start, (end, kind, modifiers))| Token {
                        range: *start..*end,
                        kind: *kind,
                        modifiers: *modifiers,
                    },
                ));
                inside.sort_by_key(|t| t.range.start);
                let mut at = range.start;
                for token in inside.drain(..) {
                    if token.range.start < at {
                        continue;
                    }
                    let end = token.range.end;
                    push(&mut out, text, at..token.range.start, Kind::String, 0);
                    out.push(token);
                    at = end;
                }
                push(&mut out, text, at..range.end, Kind::String, 0);
            }
            Class::Comment => push(&mut out, text, range, Kind::Comment, 0),
            Class::Documentation => push(&mut out, text, range, Kind::Comment, DOCUMENTATION),
            Class::Number => out.push(token(Kind::Number, 0)),
            Class::Operator => out.push(token(Kind::Operator, 0)),
            Class::Keyword | Class::Word => {
                let within_text = out
                    .last()
                    .is_some_and(|t: &Token| range.start < t.range.end);
                if within_text {
                    continue;
                }
                let named = names
                    .get(&range.start)
                    .filter(|(end, _, _)| *end == range.end);
                match named {
                    Some((_, kind, modifiers)) => out.push(token(*kind, *modifiers)),
                    None if lexeme.class == Class::Keyword => out.push(token(Kind::Keyword, 0)),
                    None if text[range.end..].starts_with(':') => {
                        out.push(token(Kind::Property, 0));
                    }
                    None => {}
                }
            }
            Class::Mark => {}
        }
    }
    out.sort_by_key(|t| t.range.start);
    out.dedup_by(|b, a| b.range.start < a.range.end);
    out
}

/// Adds a token, a line each.
fn push(out: &mut Vec<Token>, text: &str, range: Range<usize>, kind: Kind, modifiers: u32) {
    let mut start = range.start;
    for line in text.get(range).unwrap_or("").split_inclusive('\n') {
        let length = line.trim_end_matches(['\n', '\r']).len();
        if length > 0 {
            out.push(Token {
                range: start..start + length,
                kind,
                modifiers,
            });
        }
        start += line.len();
    }
}

/// The names of a file: where each begins, where it ends, and what it is.
fn names(snapshot: &Snapshot, file: SourceFile) -> BTreeMap<usize, (usize, Kind, u32)> {
    let mut out = BTreeMap::new();
    for item in snapshot.items(file) {
        for mention in &item.compiled.mentions {
            let range = item.range(mention.span);
            let target = target::target(snapshot, file, &item, &mention.meaning);
            let meaning = match &target {
                target::Target::Local(..) => None,
                target::Target::Global(meaning) => Some(meaning),
            };
            let Some((kind, mut modifiers)) = classify(snapshot, meaning) else {
                continue;
            };
            if mention.defines {
                modifiers |= DECLARATION;
            }
            out.entry(range.start)
                .or_insert((range.end, kind, modifiers));
        }
    }
    out
}

fn classify(snapshot: &Snapshot, meaning: Option<&Meaning>) -> Option<(Kind, u32)> {
    let Some(meaning) = meaning else {
        return Some((Kind::Variable, READONLY));
    };
    let library = match target::definition(snapshot, meaning) {
        Some(def) if is_library(&def.anchor.file) => LIBRARY,
        _ => 0,
    };
    Some(match meaning {
        Meaning::Declared(..) => {
            let def = target::definition(snapshot, meaning)?;
            let kind = match &*def.item {
                Item::Type(_) => Kind::Type,
                Item::Enum(_) => Kind::Enum,
                Item::Event(_) => Kind::Event,
                _ => Kind::Function,
            };
            let harm = match describe::impact(def) {
                Some("disruptive") => DISRUPTIVE,
                Some("destructive") => DESTRUCTIVE,
                _ => 0,
            };
            (kind, library | harm)
        }
        Meaning::Field(..) => (Kind::Property, library),
        Meaning::Member(..) => (Kind::EnumMember, library),
        Meaning::Parameter(..) => (Kind::Parameter, library),
        Meaning::Module(_) => (Kind::Namespace, 0),
        Meaning::Connection(_) => (Kind::Namespace, library),
        Meaning::Playbook(_) => (Kind::Function, 0),
        Meaning::Team(_) => (Kind::Property, READONLY),
        Meaning::BuiltInType(_) => (Kind::Type, LIBRARY),
        Meaning::Function(_) => (Kind::Function, LIBRARY),
        Meaning::Fact(..) => (Kind::Property, READONLY | LIBRARY),
        // These stand in quotes and are shown as texts.
        Meaning::Tenant(_) | Meaning::Group(_) | Meaning::Webhook(_) | Meaning::Local(_) => {
            return None;
        }
    })
}
