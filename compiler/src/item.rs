//! One item in, its findings, what its names mean, and its compiled form out.

use crate::check::Checker;
use crate::check::mention::{Meaning, Mention};
use crate::check::probe::Captured;
use crate::diagnostic::{Diagnostic, Severity};
use crate::index::Index;
use crate::lower::{self, Lower};
use crate::span::Name;
use crate::syntax::ast::{EnumDecl, EnumMember, Item};
use crate::verify;
use crate::verify::acts::Act;
use counterplay_machine::Program;
use counterplay_machine::declare::{Callable, Connection, Event};
use counterplay_machine::guard::Guard;
use counterplay_machine::playbook::Playbook;
use counterplay_machine::program::Parameter;
use counterplay_machine::testcase::TestCase;
use counterplay_machine::types::{EnumType, RecordType, Type};
use std::sync::Arc;

/// What an item compiles to.
#[derive(Clone, Debug)]
pub struct CompiledItem {
    /// Findings beyond syntax.
    pub diagnostics: Vec<Diagnostic>,
    /// What the names in it mean.
    pub mentions: Vec<Mention>,
    /// What was known at the cursor, where the item was checked for a completion.
    pub captured: Option<Captured>,
    /// What a playbook does outside, for what playbooks have to say to each other.
    pub acts: Vec<Act>,
    /// Its compiled form.
    pub part: Part,
}

/// The compiled form of an item; places in it count from the item's start.
#[derive(Clone, Debug)]
pub enum Part {
    /// It only helps others: `use`, `define`, `steps`, and what could not be read.
    Nothing,
    /// A connection.
    Connection(Connection),
    /// An action or a query.
    Callable(Box<Callable>),
    /// An event.
    Event(Box<Event>),
    /// A record type by its qualified name.
    Record(Arc<str>, RecordType),
    /// An enum by its qualified name.
    Enum(Arc<str>, EnumType),
    /// A parameter by its name.
    Param(Arc<str>, Parameter),
    /// A guard.
    Guard(Guard),
    /// A test; to be run only where no error was found.
    Test(Box<TestCase>),
    /// A playbook; to be used only where no error was found.
    Playbook(Box<Playbook>),
}

/// Checks and compiles one item. `readable` tells that no line of it failed to be read; `environment` is what playbooks
/// call, and is asked for playbooks only: it is made of the other items.
pub fn compile<'p>(
    checker: Checker<'_>,
    item: &Arc<Item>,
    readable: bool,
    environment: &dyn Fn() -> &'p Program,
) -> CompiledItem {
    let mut checker = checker;
    let mut acts = Vec::new();
    let part = part(&mut checker, item, readable, environment, &mut acts);
    CompiledItem {
        diagnostics: checker.diagnostics,
        mentions: checker.mentions,
        captured: checker.captured,
        acts,
        part,
    }
}

fn part<'p>(
    checker: &mut Checker<'_>,
    item: &Arc<Item>,
    readable: bool,
    environment: &dyn Fn() -> &'p Program,
    acts: &mut Vec<Act>,
) -> Part {
    definitions(checker, item);
    let def = |name: &Name, checker: &Checker<'_>| crate::index::Def {
        item: item.clone(),
        anchor: checker.anchor.clone(),
        name: name.clone(),
        module: checker.module.clone(),
        text: checker.text.clone(),
    };
    match &**item {
        Item::Use(_) | Item::Broken => Part::Nothing,
        Item::Type(decl) => {
            let name = Index::qualified(&checker.module, &decl.name.text);
            let mut fields: Vec<(Arc<str>, Type)> = Vec::new();
            for field in &decl.fields {
                let ty = checker.type_of(&field.ty);
                if let Some(first) = decl.fields.iter().find(|f| f.name.text == field.name.text)
                    && first.name.span != field.name.span
                {
                    twice(checker, &decl.name, "fields", &first.name, &field.name);
                    continue;
                }
                fields.push((Arc::from(field.name.text.as_str()), ty));
            }
            if let Some(through) = checker.holds_itself(&name) {
                let through: Vec<&str> = through
                    .iter()
                    .map(|t| t.rsplit('.').next().unwrap_or(t))
                    .collect();
                let place = checker.at(decl.name.span);
                checker.report(
                    Diagnostic::error(
                        crate::codes::CYCLE,
                        format!(
                            "a {} would hold another {} without end",
                            decl.name.text, decl.name.text
                        ),
                        place,
                        match through.as_slice() {
                            [] => "has itself as a field".to_owned(),
                            through => {
                                format!("holds itself through {}", through.join(", "))
                            }
                        },
                    )
                    .help(format!(
                        "let the field be absent where it ends: `{}?`",
                        through.first().unwrap_or(&decl.name.text.as_str())
                    )),
                );
            }
            Part::Record(name, RecordType { fields })
        }
        Item::Enum(decl) => {
            let name = Index::qualified(&checker.module, &decl.name.text);
            for (i, member) in decl.members.iter().enumerate() {
                if let Some(first) = decl
                    .members
                    .iter()
                    .take(i)
                    .find(|m| m.name.text == member.name.text)
                {
                    twice(checker, &decl.name, "members", &first.name, &member.name);
                }
            }
            enum_rules(checker, decl);
            match checker.enumeration(&name) {
                Some(e) => Part::Enum(name, e),
                None => Part::Nothing,
            }
        }
        Item::Connection(decl) => Part::Connection(checker.connection(decl)),
        Item::Action(decl) => {
            let def = def(&decl.name, checker);
            Part::Callable(Box::new(checker.callable(&def, decl, true)))
        }
        Item::Query(decl) => {
            let def = def(&decl.name, checker);
            Part::Callable(Box::new(checker.callable(&def, decl, false)))
        }
        Item::Event(decl) => {
            let def = def(&decl.name, checker);
            Part::Event(Box::new(checker.event(&def, decl)))
        }
        Item::Define(decl) => {
            let ty = checker.type_of(&decl.returns);
            checker.defaults(&decl.params);
            for param in &decl.params {
                let ty = checker.type_of(&param.ty);
                checker.bind(&param.name, &ty);
            }
            let name = Index::qualified(&checker.module, &decl.name.text);
            let place = checker.at(decl.name.span);
            checker.inlining.push((name, place));
            checker.with_queries(crate::check::Queries::Forbidden("in a definition"), |c| {
                c.expect(&decl.value, &ty, None)
            });
            checker.inlining.pop();
            Part::Nothing
        }
        Item::Param(decl) => {
            checker.not_always_there(&decl.name);
            let name = Arc::from(decl.name.text.as_str());
            Part::Param(name, checker.check_parameter(decl))
        }
        Item::Guard(decl) => Part::Guard(checker.guard(decl)),
        Item::Test(decl) => Part::Test(Box::new(lower::case(Lower::new(checker), decl))),
        Item::Steps(decl) => {
            let def = def(&decl.name, checker);
            lower::steps(Lower::new(checker), &def, decl);
            Part::Nothing
        }
        Item::Playbook(written) => {
            let (mut playbook, facts) = lower::playbook(Lower::new(checker), written);
            let errors = !readable
                || checker
                    .diagnostics
                    .iter()
                    .any(|d| d.severity == Severity::Error);
            if !errors {
                let limited = &checker.index.limited;
                let found = verify::verify(&mut playbook, &facts, environment(), limited);
                checker.diagnostics.extend(found);
                *acts = verify::acts::of(&playbook, &facts);
            }
            Part::Playbook(Box::new(playbook))
        }
    }
}

/// Remembers the names that an item defines at its outside: its own, its fields' and members'.
fn definitions(checker: &mut Checker<'_>, item: &Item) {
    if let Item::Use(uses) = item {
        for path in &uses.paths {
            let full: Vec<&str> = path.segments.iter().map(|s| s.text.as_str()).collect();
            let full = full.join(".");
            if let Some(last) = path.segments.last()
                && let Some((module, _)) = checker.index.modules.get_key_value(full.as_str())
            {
                let meaning = Meaning::Module(module.clone());
                checker.mention(last.span, meaning, false, None);
            }
        }
        return;
    }
    let Some(name) = item.name() else { return };
    let text: Arc<str> = Arc::from(name.text.as_str());
    let meaning = match item {
        Item::Playbook(_) => Meaning::Playbook(text),
        Item::Connection(_) => Meaning::Connection(text),
        _ => Meaning::Declared(checker.module.clone(), text),
    };
    checker.mention(name.span, meaning, true, None);
    let owner = Index::qualified(&checker.module, &name.text);
    match item {
        Item::Type(decl) => {
            for field in &decl.fields {
                let ty = checker.quietly(|c| c.type_of(&field.ty));
                let meaning = Meaning::Field(owner.clone(), Arc::from(field.name.text.as_str()));
                checker.mention(field.name.span, meaning, true, Some(ty));
            }
        }
        Item::Enum(decl) => {
            for member in &decl.members {
                let meaning = Meaning::Member(owner.clone(), Arc::from(member.name.text.as_str()));
                checker.mention(member.name.span, meaning, true, None);
            }
        }
        _ => {}
    }
}

/// A declaration has two `parts` of one name.
fn twice(checker: &mut Checker<'_>, owner: &Name, parts: &str, first: &Name, second: &Name) {
    let (place, before) = (checker.at(second.span), checker.at(first.span));
    let message = format!("{} has two {parts} `{}`", owner.text, second.text);
    checker.report(
        Diagnostic::error(crate::codes::DUPLICATE, message, place, "the second")
            .also(before, "the first"),
    );
}

/// What wire values need: they are matched without regard to case, and an unlisted one is the lowest.
fn enum_rules(checker: &mut Checker<'_>, decl: &EnumDecl) {
    let wire = |m: &EnumMember| {
        m.wire
            .clone()
            .unwrap_or_else(|| m.name.text.clone())
            .to_lowercase()
    };
    for (i, member) in decl.members.iter().enumerate() {
        if let Some(first) = decl
            .members
            .iter()
            .take(i)
            .find(|m| m.name.text != member.name.text && wire(m) == wire(member))
        {
            let (place, before) = (checker.at(member.name.span), checker.at(first.name.span));
            checker.report(
                Diagnostic::error(
                    crate::codes::DUPLICATE,
                    format!("`{}` and `{}` have the same value on the wire", first.name.text, member.name.text),
                    place,
                    "never met",
                )
                .also(before, "met first")
                .because("values on the wire are compared without regard to case: services disagree with themselves"),
            );
        }
    }
    let unknown = decl.members.iter().position(|m| m.name.text == "unknown");
    if let (true, Some(at @ 1..)) = (decl.ordered, unknown) {
        let place = checker.at(decl.members[at].name.span);
        checker.report(
            Diagnostic::error(
                crate::codes::BAD_PROPERTY,
                "in an ordered enum `unknown` comes first",
                place,
                "an unlisted value would count as more than others",
            )
            .because("a value that nobody has heard of must not pass for a high one"),
        );
    }
}
