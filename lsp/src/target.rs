//! A place in, what the name there stands for out; and where that is declared.

use crate::snapshot::{At, Location, Snapshot, is_library};
use counterplay_compiler::check::mention::{Meaning, Mention};
use counterplay_compiler::db::SourceFile;
use counterplay_compiler::index::Def;
use counterplay_compiler::span::{Name, Place, Span};
use counterplay_compiler::syntax::ast::{Item, PropertyValue};
use std::ops::Range;
use std::sync::Arc;

/// What a name stands for, the same wherever it is mentioned.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A name of one item: the file, the item's key, and where it is bound.
    Local(Arc<str>, Arc<str>, Span),
    /// Anything that has a name in the whole project.
    Global(Meaning),
}

/// A name at a place.
#[derive(Clone, Debug)]
pub struct Found {
    /// What it stands for.
    pub target: Target,
    /// Its bytes in the file.
    pub range: Range<usize>,
    /// How the checker met it.
    pub mention: Mention,
}

/// The name at a byte of a file; between two names the one that begins there.
pub fn at(snapshot: &Snapshot, file: SourceFile, offset: usize) -> Option<Found> {
    let item = snapshot.item_at(file, offset)?;
    let mention = item
        .compiled
        .mentions
        .iter()
        .filter(|m| {
            let range = item.range(m.span);
            range.start <= offset && offset <= range.end && !range.is_empty()
        })
        .min_by_key(|m| {
            let range = item.range(m.span);
            (range.len(), usize::MAX - range.start)
        })?;
    Some(Found {
        target: target(snapshot, file, &item, &mention.meaning),
        range: item.range(mention.span),
        mention: mention.clone(),
    })
}

/// What a mention stands for: the parameters and fields of a declaration are known outside of it, too.
pub fn target(snapshot: &Snapshot, file: SourceFile, item: &At<'_>, meaning: &Meaning) -> Target {
    let Meaning::Local(span) = meaning else {
        return Target::Global(meaning.clone());
    };
    let module = file.module(&snapshot.workspace.db);
    match outer_name(&item.parsed.item, module, *span) {
        Some(meaning) => Target::Global(meaning),
        None => {
            let key = item.parsed.key.clone();
            Target::Local(snapshot.path(file).clone(), key, *span)
        }
    }
}

fn outer_name(item: &Item, module: &Arc<str>, span: Span) -> Option<Meaning> {
    let name = item.name()?;
    let (params, properties) = match item {
        Item::Action(d) | Item::Query(d) => (&d.params, &[][..]),
        Item::Steps(d) => (&d.params, &[][..]),
        Item::Define(d) => (&d.params, &[][..]),
        Item::Event(d) => (&d.params, &d.properties[..]),
        _ => return None,
    };
    if let Some(param) = params.iter().find(|p| p.name.span == span) {
        return Some(Meaning::Parameter(
            module.clone(),
            Arc::from(name.text.as_str()),
            Arc::from(param.name.text.as_str()),
        ));
    }
    let fields = properties.iter().filter_map(|p| match &p.value {
        PropertyValue::Field { name, .. } => Some(name),
        _ => None,
    });
    let field = fields.into_iter().find(|field| field.span == span)?;
    let event = counterplay_compiler::index::Index::qualified(module, &name.text);
    Some(Meaning::Field(event, Arc::from(field.text.as_str())))
}

/// The declaration of what a target is or is part of.
pub fn definition<'s>(snapshot: &'s Snapshot, meaning: &Meaning) -> Option<&'s Def> {
    let index = snapshot.index();
    match meaning {
        Meaning::Declared(module, name) | Meaning::Parameter(module, name, _) => {
            index.get(module, name)
        }
        Meaning::Field(owner, _) | Meaning::Member(owner, _) => index.declared(owner),
        Meaning::Connection(name) => index.connections.get(&**name),
        _ => None,
    }
}

/// Where a target is declared.
pub fn declared_at(snapshot: &Snapshot, target: &Target) -> Option<Location> {
    let meaning = match target {
        Target::Local(file, item, span) => {
            let anchor = counterplay_compiler::span::Anchor {
                file: file.clone(),
                item: item.clone(),
            };
            return snapshot.locate(&Place {
                anchor,
                span: *span,
            });
        }
        Target::Global(meaning) => meaning,
    };
    match meaning {
        Meaning::Module(module) => {
            let files = snapshot.workspace.project.files(&snapshot.workspace.db);
            let file = files
                .iter()
                .find(|f| *f.module(&snapshot.workspace.db) == *module)?;
            return Some(Location {
                path: snapshot.path(*file).to_string(),
                range: 0..0,
            });
        }
        Meaning::Playbook(id) => {
            let place = snapshot.index().playbooks.get(&**id)?;
            return snapshot.locate(place);
        }
        Meaning::Team(name) => return in_project_file(snapshot, &format!("teams.{name}")),
        Meaning::Tenant(name) => return in_project_file(snapshot, &format!("tenants.{name}")),
        Meaning::Webhook(name) => return in_project_file(snapshot, &format!("webhooks.{name}")),
        _ => {}
    }
    let def = definition(snapshot, meaning)?;
    let span = part(def, meaning).map_or(def.name.span, |name| name.span);
    snapshot.locate(&Place {
        anchor: def.anchor.clone(),
        span,
    })
}

/// The part of a declaration that a meaning names: a parameter, a field or a member.
fn part<'d>(def: &'d Def, meaning: &Meaning) -> Option<&'d Name> {
    match (meaning, &*def.item) {
        (Meaning::Parameter(_, _, name), item) => {
            let params = match item {
                Item::Action(d) | Item::Query(d) => &d.params,
                Item::Steps(d) => &d.params,
                Item::Define(d) => &d.params,
                _ => return None,
            };
            params.iter().map(|p| &p.name).find(|n| n.text == **name)
        }
        (Meaning::Field(_, name), Item::Type(d)) => {
            let fields = d.fields.iter().map(|f| &f.name);
            fields.into_iter().find(|n| n.text == **name)
        }
        (Meaning::Field(_, name), Item::Event(d)) => {
            d.properties.iter().find_map(|p| match &p.value {
                PropertyValue::Field { name: field, .. } if field.text == **name => Some(field),
                _ => None,
            })
        }
        (Meaning::Member(_, name), Item::Enum(d)) => {
            let members = d.members.iter().map(|m| &m.name);
            members.into_iter().find(|n| n.text == **name)
        }
        _ => None,
    }
}

/// A section of the project file.
fn in_project_file(snapshot: &Snapshot, section: &str) -> Option<Location> {
    let (path, text) = snapshot
        .workspace
        .project
        .config(&snapshot.workspace.db)
        .as_ref()?;
    let header = format!("[{section}]");
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if line.trim() == header {
            return Some(Location {
                path: path.to_string(),
                range: start..start + line.trim_end().len(),
            });
        }
        start += line.len();
    }
    None
}

/// The text of a target's name.
pub fn name(snapshot: &Snapshot, target: &Target) -> Option<String> {
    let meaning = match target {
        Target::Local(..) => {
            let at = declared_at(snapshot, target)?;
            let text = snapshot.text_of(&at.path)?;
            return text.get(at.range).map(str::to_owned);
        }
        Target::Global(meaning) => meaning,
    };
    Some(match meaning {
        Meaning::Declared(_, name)
        | Meaning::Field(_, name)
        | Meaning::Member(_, name)
        | Meaning::Parameter(_, _, name)
        | Meaning::Module(name)
        | Meaning::Connection(name)
        | Meaning::Playbook(name)
        | Meaning::Team(name)
        | Meaning::Tenant(name)
        | Meaning::Group(name)
        | Meaning::Webhook(name)
        | Meaning::BuiltInType(name)
        | Meaning::Function(name)
        | Meaning::Fact(_, name) => name.to_string(),
        Meaning::Local(_) => return None,
    })
}

/// Every place that mentions a target, its declaration included; `defines` tells which those are.
pub fn mentions(snapshot: &Snapshot, target: &Target) -> Vec<(Location, bool)> {
    let mut found = Vec::new();
    let word = name(snapshot, target).unwrap_or_default();
    let of_file = |file: SourceFile, found: &mut Vec<(Location, bool)>| {
        for item in snapshot.items(file) {
            for mention in &item.compiled.mentions {
                if self::target(snapshot, file, &item, &mention.meaning) == *target {
                    let at = Location {
                        path: snapshot.path(file).to_string(),
                        range: item.range(mention.span),
                    };
                    found.push((at, mention.defines));
                }
            }
        }
    };
    match target {
        Target::Local(path, _, _) => {
            if let Some(file) = snapshot.file(path) {
                of_file(file, &mut found);
            }
        }
        Target::Global(meaning) => {
            let short = match meaning {
                Meaning::Module(full) => full.rsplit('.').next().unwrap_or(full).to_owned(),
                _ => word,
            };
            for file in snapshot.files() {
                // Checking a file that does not even hold the word would be for nothing.
                if snapshot.text(file).contains(&short) {
                    of_file(file, &mut found);
                }
            }
            if let Meaning::Team(_) | Meaning::Tenant(_) | Meaning::Webhook(_) = meaning {
                found.extend(declared_at(snapshot, target).map(|at| (at, true)));
            }
            if let Meaning::Playbook(id) = meaning {
                found.extend(in_settings(snapshot, id).map(|at| (at, false)));
            }
        }
    }
    found.sort_by(|(a, x), (b, y)| {
        let key = |at: &Location| (at.path.clone(), at.range.start, at.range.end);
        key(a).cmp(&key(b)).then(y.cmp(x))
    });
    found.dedup_by(|(b, _), (a, _)| a == b);
    found
}

/// Where the project file sets something for a playbook.
fn in_settings(snapshot: &Snapshot, id: &str) -> Option<Location> {
    let config =
        counterplay_compiler::db::config(&snapshot.workspace.db, snapshot.workspace.project);
    let playbooks = &config.0.as_ref()?.playbooks;
    let (_, place) = playbooks.iter().find(|(name, _)| name == id)?;
    snapshot.locate(place)
}

/// Whether a target is declared in the library, which nobody changes from here.
pub fn is_of_library(snapshot: &Snapshot, target: &Target) -> bool {
    declared_at(snapshot, target).is_some_and(|at| is_library(&at.path))
}
