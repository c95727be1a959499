//! All items of a project in, who declares what out: modules, names and the declarations behind them.

use crate::diagnostic::Diagnostic;
use crate::span::{Anchor, Name, Place};
use crate::syntax::ast::{Expr, ExprKind, GuardLineKind, Item, PropertyValue, TypeRefKind, Use};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The module whose types need no import.
pub const PRELUDE: &str = "prelude";

/// What a name stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct Def {
    /// The declaration; playbooks are not among these.
    pub item: Arc<Item>,
    /// Where it is declared.
    pub anchor: Anchor,
    /// The declared name.
    pub name: Name,
    /// The module's full path.
    pub module: Arc<str>,
    /// The item's source text.
    pub text: Arc<str>,
}

impl Def {
    /// The place of the declared name.
    pub fn place(&self) -> Place {
        Place {
            anchor: self.anchor.clone(),
            span: self.name.span,
        }
    }

    /// What kind of declaration it is, with its article.
    pub fn kind(&self) -> &'static str {
        match &*self.item {
            Item::Type(_) => "a type",
            Item::Enum(_) => "an enum",
            Item::Connection(_) => "a connection",
            Item::Action(_) => "an action",
            Item::Query(_) => "a query",
            Item::Event(_) => "an event",
            Item::Steps(_) => "steps",
            Item::Define(_) => "a definition",
            Item::Param(_) => "a parameter",
            Item::Playbook(_) => "a playbook",
            Item::Use(_) | Item::Guard(_) | Item::Test(_) | Item::Broken => "an item",
        }
    }
}

/// A module.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Module {
    /// Its declarations by name.
    pub names: BTreeMap<String, Def>,
    /// What it imports: the short name and the module's full path.
    pub uses: BTreeMap<String, Arc<str>>,
    /// Names that a damaged or misspelt import was to bring: nothing is said of them where they are used.
    pub unsure: BTreeSet<String>,
    /// Where its last import ends, or its first item begins.
    imports_at: Option<ImportsAt>,
}

/// Where another import belongs.
#[derive(Clone, Debug, PartialEq)]
enum ImportsAt {
    /// After the last one.
    After(Place),
    /// Before the first item.
    Before(Place),
}

/// The index of a project, standard library included.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Index {
    /// Modules by full path.
    pub modules: BTreeMap<Arc<str>, Module>,
    /// Connections by name; they are known everywhere, as in `counterplay.toml`.
    pub connections: BTreeMap<String, Def>,
    /// Parameters by name; each is known to every tenant of the project file by it.
    pub params: BTreeMap<String, Def>,
    /// Actions that a guard of the project limits, by qualified name.
    pub limited: std::collections::BTreeSet<Arc<str>>,
    /// Playbooks: id and where.
    pub playbooks: BTreeMap<String, Place>,
    /// Names that are declared twice, and imports that lead nowhere.
    pub diagnostics: Vec<Diagnostic>,
}

/// A file's contribution to the index.
#[derive(Clone, Debug, PartialEq)]
pub struct Exports {
    /// The module's full path, `microsoft.entra`.
    pub module: Arc<str>,
    /// The file's path.
    pub file: Arc<str>,
    /// What its items offer, in order.
    pub items: Vec<Export>,
}

/// What an item offers to others.
#[derive(Clone, Debug, PartialEq)]
pub enum Export {
    /// Imports, and where the line is.
    Uses(Place, Use),
    /// A playbook's id and where it stands.
    Playbook(Name, Place),
    /// A declaration.
    Declares(Def),
    /// Actions that a guard limits, by qualified name.
    Limits(Vec<Arc<str>>),
}

/// What the items of a file offer.
pub fn exports(
    module: &Arc<str>,
    file: &Arc<str>,
    text: &str,
    items: &[crate::syntax::ParsedItem],
) -> Exports {
    let items = items.iter().filter_map(|item| {
        let anchor = Anchor {
            file: file.clone(),
            item: item.key.clone(),
        };
        let name = match &*item.item {
            Item::Broken => return None,
            Item::Use(uses) => {
                let span = crate::span::Span::new(0, item.len as usize);
                return Some(Export::Uses(Place { anchor, span }, uses.clone()));
            }
            Item::Playbook(playbook) => {
                let span = playbook.id.span;
                return Some(Export::Playbook(
                    playbook.id.clone(),
                    Place { anchor, span },
                ));
            }
            Item::Guard(guard) => {
                let limits = guard.lines.iter().filter_map(|line| match &line.kind {
                    GuardLineKind::Limit { action, .. } => limited(module, action),
                    _ => None,
                });
                return Some(Export::Limits(limits.collect()));
            }
            other => other.name()?,
        };
        let start = item.offset as usize;
        let end = start + item.len as usize;
        Some(Export::Declares(Def {
            item: item.item.clone(),
            anchor,
            name: name.clone(),
            module: module.clone(),
            text: Arc::from(text.get(start..end).unwrap_or("")),
        }))
    });
    Exports {
        module: module.clone(),
        file: file.clone(),
        items: items.collect(),
    }
}

/// The qualified name of the action that a budget counts.
fn limited(module: &str, action: &Expr) -> Option<Arc<str>> {
    match &action.kind {
        ExprKind::Name(name) => Some(Index::qualified(module, name)),
        ExprKind::Field { base, field, .. } => match &base.kind {
            ExprKind::Name(module) => Some(Index::qualified(module, &field.text)),
            _ => None,
        },
        _ => None,
    }
}

/// Builds the index.
pub fn build(files: &[&Exports]) -> Index {
    let mut index = Index::default();
    for file in files {
        index.modules.entry(file.module.clone()).or_default();
    }
    same_name(&mut index, files);
    for file in files {
        if let Some(module) = index.modules.get_mut(&file.module) {
            module.imports_at = imports_at(file);
        }
        for item in &file.items {
            match item {
                Export::Uses(place, uses) => import(&mut index, file, uses, &place.anchor),
                Export::Playbook(id, place) => playbook(&mut index, id, place),
                Export::Declares(def) => declare(&mut index, def),
                Export::Limits(actions) => index.limited.extend(actions.iter().cloned()),
            }
        }
    }
    for file in files.iter().filter(|f| &*f.module != PRELUDE) {
        for item in &file.items {
            if let Export::Declares(def) = item {
                known_to_all(&mut index, def);
            }
        }
    }
    index
}

/// A type that is called like one that every file knows would pass for it where people read, and not where
/// guards, approvals and the library look.
fn known_to_all(index: &mut Index, def: &Def) {
    if !matches!(&*def.item, Item::Type(_) | Item::Enum(_)) {
        return;
    }
    let name = def.name.text.as_str();
    let first = index.get(PRELUDE, name).map(Def::place);
    if first.is_none() && !crate::check::types::is_built_in(name) {
        return;
    }
    let mut diagnostic = Diagnostic::error(
        crate::codes::DUPLICATE,
        format!("every playbook knows a `{name}` already"),
        def.place(),
        "another one under the same name",
    )
    .because("guards, approvals and the library mean the one that is always there, and would pass this one over")
    .help("give it a name of its own");
    if let Some(first) = first {
        diagnostic = diagnostic.also(first, "the one that is always there");
    }
    index.diagnostics.push(diagnostic);
}

/// Where another import of a file belongs.
fn imports_at(file: &Exports) -> Option<ImportsAt> {
    let last = file.items.iter().rev().find_map(|item| match item {
        Export::Uses(place, _) => Some(place),
        _ => None,
    });
    let first = file.items.iter().find_map(|item| match item {
        Export::Uses(place, _) | Export::Playbook(_, place) => Some(place.anchor.clone()),
        Export::Declares(def) => Some(def.anchor.clone()),
        Export::Limits(_) => None,
    });
    let end = |place: &Place| Place {
        anchor: place.anchor.clone(),
        span: crate::span::Span {
            start: place.span.end,
            end: place.span.end,
        },
    };
    let start = |anchor| Place {
        anchor,
        span: crate::span::Span::default(),
    };
    match last {
        Some(place) => Some(ImportsAt::After(end(place))),
        None => first.map(|anchor| ImportsAt::Before(start(anchor))),
    }
}

/// Two modules that are called the same after their last dot could not be told apart by what they declare.
fn same_name(index: &mut Index, files: &[&Exports]) {
    let mut seen: BTreeMap<&str, &Exports> = BTreeMap::new();
    for file in files {
        let short = file.module.rsplit('.').next().unwrap_or(&file.module);
        match seen.get(short) {
            Some(other) if other.file != file.file => {
                let place = |file: &Exports| Place {
                    anchor: Anchor {
                        file: file.file.clone(),
                        item: Arc::from(""),
                    },
                    span: crate::span::Span::default(),
                };
                index.diagnostics.push(
                    Diagnostic::error(
                        crate::codes::DUPLICATE,
                        format!("there are two modules called `{short}`"),
                        place(file),
                        format!("this file is the module `{}`", file.module),
                    )
                    .also(place(other), format!("this one is `{}`", other.module))
                    .because("an action is known by its module's name and its own, in the timeline and the audit trail; one must not pass for the other")
                    .help("rename the file"),
                );
            }
            Some(_) => {}
            None => {
                seen.insert(short, file);
            }
        }
    }
}

fn playbook(index: &mut Index, id: &Name, place: &Place) {
    let Some(first) = index.playbooks.get(&id.text).cloned() else {
        index.playbooks.insert(id.text.clone(), place.clone());
        return;
    };
    index.diagnostics.push(
        Diagnostic::error(
            crate::codes::DUPLICATE,
            format!("there are two playbooks `{}`", id.text),
            place.clone(),
            "the second",
        )
        .also(first, "the first")
        .because("the API and the audit trail know a playbook by its id, so that it has to be unique in the project"),
    );
}

fn declare(index: &mut Index, def: &Def) {
    let name = &def.name.text;
    let names = if matches!(&*def.item, Item::Connection(_)) {
        Some(&mut index.connections)
    } else {
        index.modules.get_mut(&def.module).map(|m| &mut m.names)
    };
    let Some(names) = names else { return };
    if let Some(earlier) = names.get(name) {
        let first = earlier.place();
        index.diagnostics.push(
            Diagnostic::error(
                crate::codes::DUPLICATE,
                format!("`{name}` is declared twice"),
                def.place(),
                "the second time",
            )
            .also(first, "the first time"),
        );
        return;
    }
    names.insert(name.clone(), def.clone());
    if let Item::Param(_) = &*def.item {
        match index.params.get(name).map(Def::place) {
            None => {
                index.params.insert(name.clone(), def.clone());
            }
            Some(first) => index.diagnostics.push(
                Diagnostic::error(
                    crate::codes::DUPLICATE,
                    format!("there are two parameters `{name}`"),
                    def.place(),
                    "the second",
                )
                .also(first, "the first")
                .because("counterplay.toml sets a parameter by its name alone, so that it has to be unique in the project"),
            ),
        }
    }
}

fn import(index: &mut Index, file: &Exports, uses: &Use, anchor: &Anchor) {
    if let Some(module) = index.modules.get_mut(&file.module) {
        module.unsure.extend(uses.unsure.iter().cloned());
    }
    // Of a folder that is not there, the first module is told.
    let mut missing = None;
    for path in &uses.paths {
        let full = path
            .segments
            .iter()
            .map(|s| s.text.as_str())
            .collect::<Vec<_>>()
            .join(".");
        let (Some(first), Some(last)) = (path.segments.first(), path.segments.last()) else {
            continue;
        };
        let place = Place {
            anchor: anchor.clone(),
            span: first.span.to(last.span),
        };
        if !index.modules.contains_key(full.as_str()) {
            if !uses.unsure.is_empty() {
                continue;
            }
            let (mut meant, mut instead) = (None, None);
            let mut diagnostic = Diagnostic::error(
                crate::codes::UNKNOWN_MODULE,
                format!("there is no module `{full}`"),
                Place {
                    anchor: anchor.clone(),
                    span: last.span,
                },
                "no file of this name in the project or the standard library",
            );
            let by_name: Vec<&Arc<str>> = index
                .modules
                .keys()
                .filter(|m| m.rsplit('.').next() == Some(last.text.as_str()))
                .collect();
            if let [only] = by_name.as_slice() {
                meant = Some((*only).clone());
                diagnostic = diagnostic.help(format!("did you mean `use {only}`?"));
            } else if let Some(near) = crate::near::best(
                &last.text,
                index.modules.keys().filter_map(|m| m.rsplit('.').next()),
            ) {
                diagnostic = diagnostic.fix(
                    format!("use `{near}`"),
                    false,
                    Place {
                        anchor: anchor.clone(),
                        span: last.span,
                    },
                    near.clone(),
                );
                instead = Some(near);
            }
            let folder = full
                .rsplit_once('.')
                .map(|(folder, _)| format!("{folder}."));
            let unknown = folder.is_some_and(|f| !index.modules.keys().any(|m| m.starts_with(&f)));
            let told = unknown && missing == Some(first.span);
            missing = unknown.then_some(first.span);
            if !told {
                index.diagnostics.push(diagnostic);
            }
            if let Some(module) = index.modules.get_mut(&file.module) {
                module.unsure.insert(last.text.clone());
                module.unsure.extend(instead);
                if let Some(meant) = meant {
                    module.uses.entry(last.text.clone()).or_insert(meant);
                }
            }
            continue;
        }
        if let Some(module) = index.modules.get_mut(&file.module) {
            let full: Arc<str> = Arc::from(full);
            match module.uses.get(&last.text) {
                Some(other) if *other != full => {
                    let other = other.clone();
                    index.diagnostics.push(Diagnostic::error(
                        crate::codes::DUPLICATE,
                        format!("`{}` would mean both `{other}` and `{full}`", last.text),
                        place,
                        "imported under a name that is taken",
                    ));
                }
                _ => {
                    module.uses.insert(last.text.clone(), full);
                }
            }
        }
    }
}

impl Index {
    /// Whether a damaged or misspelt import of a module was to bring this name.
    pub fn is_unsure(&self, module: &str, name: &str) -> bool {
        let module = self.modules.get(module);
        module.is_some_and(|m| m.unsure.contains(name))
    }

    /// A name of a module.
    pub fn get(&self, module: &str, name: &str) -> Option<&Def> {
        self.modules.get(module).and_then(|m| m.names.get(name))
    }

    /// The services that `tenant.has` may ask for: modules that call something, and connections.
    pub fn services(&self) -> std::collections::BTreeSet<&str> {
        let calls = |module: &Module| {
            let mut defs = module.names.values();
            defs.any(|d| matches!(&*d.item, Item::Action(_) | Item::Query(_) | Item::Event(_)))
        };
        let modules = self.modules.iter().filter(|(_, m)| calls(m));
        let short = modules.filter_map(|(name, _)| name.rsplit('.').next());
        short
            .chain(self.connections.keys().map(String::as_str))
            .collect()
    }

    /// A type or enum by the name that a module sees: its own, then the prelude's.
    pub fn type_named(&self, module: &str, name: &str) -> Option<&Def> {
        self.get(module, name)
            .or_else(|| self.get(PRELUDE, name))
            .filter(|d| matches!(&*d.item, Item::Type(_) | Item::Enum(_)))
    }

    /// The change that brings another module into a module: where, and what is written there.
    pub fn import(&self, into: &str, module: &str) -> Option<(Place, String)> {
        match self.modules.get(into)?.imports_at.as_ref()? {
            ImportsAt::After(place) => Some((place.clone(), format!("\nuse {module}"))),
            ImportsAt::Before(place) => Some((place.clone(), format!("use {module}\n\n"))),
        }
    }

    /// The declaration behind a qualified name, the reverse of [`Index::qualified`].
    pub fn declared(&self, qualified: &str) -> Option<&Def> {
        let Some((module, name)) = qualified.rsplit_once('.') else {
            return self.get(PRELUDE, qualified);
        };
        self.modules
            .iter()
            .filter(|(m, _)| m.rsplit('.').next() == Some(module))
            .find_map(|(_, m)| m.names.get(name))
    }

    /// The qualified name: the prelude's are bare, others carry the last part of their module.
    pub fn qualified(module: &str, name: &str) -> Arc<str> {
        if module == PRELUDE {
            Arc::from(name)
        } else {
            Arc::from(format!(
                "{}.{name}",
                module.rsplit('.').next().unwrap_or(module)
            ))
        }
    }

    /// The query that finds an entity of a type by its id: one with `finds: true`.
    pub fn lookup(&self, ty: &str) -> Option<&Def> {
        self.modules.values().flat_map(|m| m.names.values()).find(|def| {
            let Item::Query(query) = &*def.item else { return false };
            let finds = query.properties.iter().any(|p| {
                p.key.text == "finds"
                    && matches!(&p.value, PropertyValue::Exprs(e) if matches!(e.first().map(|e| &e.kind), Some(ExprKind::Bool(true))))
            });
            let Some(TypeRefKind::Name(path)) = query.returns.as_ref().map(|r| &r.kind) else { return false };
            let [name] = path.as_slice() else { return false };
            let returns = self
                .type_named(&def.module, &name.text)
                .map(|d| Index::qualified(&d.module, &d.name.text));
            finds && query.params.len() == 1 && returns.as_deref() == Some(ty)
        })
    }
}
