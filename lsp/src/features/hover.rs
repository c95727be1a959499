//! A place in, what stands there as a page of Markdown out.

use super::{describe, keywords};
use crate::snapshot::Snapshot;
use crate::target::{self, Found, Target};
use counterplay_compiler::check::mention::Meaning;
use counterplay_compiler::db::{self, SourceFile};
use counterplay_compiler::index::Index;
use counterplay_compiler::syntax::ast::Item;
use counterplay_compiler::syntax::lexical::Class;
use counterplay_machine::types::Type;
use std::ops::Range;

/// What is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hover {
    /// What it is about.
    pub range: Range<usize>,
    /// Markdown.
    pub text: String,
}

/// What stands at a byte of a file.
pub fn hover(snapshot: &Snapshot, file: SourceFile, offset: usize) -> Option<Hover> {
    if let Some(found) = target::at(snapshot, file, offset)
        && let Some(text) = describe(snapshot, &found)
    {
        return Some(Hover {
            range: found.range,
            text,
        });
    }
    keyword(snapshot, file, offset)
}

fn keyword(snapshot: &Snapshot, file: SourceFile, offset: usize) -> Option<Hover> {
    let text = snapshot.text(file);
    let lexemes = snapshot.lexemes(file);
    let found = lexemes
        .iter()
        .rev()
        .find(|l| l.start <= offset && offset < l.end && l.class == Class::Keyword)?;
    let start = text[..found.start].rfind('\n').map_or(0, |at| at + 1);
    let line = text[start..].lines().next().unwrap_or("");
    let page = keywords::meaning(&text[found.start..found.end], line)?;
    Some(Hover {
        range: found.start..found.end,
        text: page.to_owned(),
    })
}

fn describe(snapshot: &Snapshot, found: &Found) -> Option<String> {
    let ty = found.mention.ty.as_ref();
    let meaning = match &found.target {
        Target::Local(..) => {
            let name = target::name(snapshot, &found.target)?;
            return Some(match ty? {
                Type::Event(events) => of_event(snapshot, &name, events),
                ty => value(snapshot, &name, ty, ""),
            });
        }
        Target::Global(meaning) => meaning,
    };
    let index = snapshot.index();
    Some(match meaning {
        Meaning::Declared(..) | Meaning::Connection(_) => {
            describe::page(snapshot, target::definition(snapshot, meaning)?)
        }
        Meaning::Field(owner, name) => {
            let shown = ty.map_or(String::new(), |ty| format!(": {ty}"));
            let mut page = format!("```play\n{owner}.{name}{shown}\n```\n");
            let doc = index
                .declared(owner)
                .and_then(|def| describe::field_doc(def, name));
            page.push_str(&doc.map_or(String::new(), |doc| format!("\n{doc}\n")));
            page.push_str(&absence(ty));
            page
        }
        Meaning::Parameter(module, callee, name) => {
            let def = index.get(module, callee)?;
            let param = describe::params(def)
                .iter()
                .find(|p| p.name.text == **name)?;
            format!(
                "```play\n{}\n```\n\nAn argument of\n\n```play\n{}\n```\n",
                describe::param(def, param),
                describe::head(def)
            )
        }
        Meaning::Member(owner, name) => member(snapshot, owner, name)?,
        Meaning::Module(module) => module_page(index, module)?,
        Meaning::Playbook(id) => {
            let place = index.playbooks.get(&**id)?;
            let file = snapshot.file(&place.anchor.file)?;
            let item = snapshot
                .items(file)
                .find(|item| item.parsed.key == place.anchor.item)?;
            let Item::Playbook(playbook) = &*item.parsed.item else {
                return None;
            };
            format!("```play\nplaybook {id}\n```\n\n{}\n", playbook.doc)
        }
        Meaning::Team(name) => team(snapshot, name)?,
        Meaning::Tenant(name) => tenant(snapshot, name)?,
        Meaning::Group(name) => group(snapshot, name)?,
        Meaning::Webhook(name) => webhook(snapshot, name)?,
        Meaning::BuiltInType(name) => built_in(name)?.to_owned(),
        Meaning::Function(name) => function(name)?.to_owned(),
        Meaning::Fact(root, name) => {
            format!(
                "```play\n{root}.{name}: {}\n```\n\n{}\n",
                ty?,
                fact(root, name)
            )
        }
        Meaning::Local(_) => return None,
    })
}

/// A name with its type, and what that type is.
fn value(snapshot: &Snapshot, name: &str, ty: &Type, note: &str) -> String {
    let mut page = format!("```play\n{name}: {ty}\n```\n{note}");
    page.push_str(&absence(Some(ty)));
    let declared = match ty.present() {
        Type::Record(of) | Type::Enum(of) => Some(of),
        Type::List(inner) => match inner.present() {
            Type::Record(of) | Type::Enum(of) => Some(of),
            _ => None,
        },
        _ => None,
    };
    if let Some(def) = declared.and_then(|of| snapshot.index().declared(of)) {
        page.push_str(&format!("\n{}", describe::page(snapshot, def)));
    }
    page
}

fn of_event(snapshot: &Snapshot, name: &str, events: &[std::sync::Arc<str>]) -> String {
    let mut page = format!(
        "```play\n{name}: {}\n```\n\nWhat has happened. `?` marks what may be absent.\n",
        events.join(" or ")
    );
    for event in events {
        if let Some(def) = snapshot.index().declared(event) {
            page.push_str(&format!("\n{}", describe::page(snapshot, def)));
        }
    }
    page
}

fn absence(ty: Option<&Type>) -> String {
    match ty {
        Some(ty) if ty.is_optional() => {
            "\nMay be absent: ask with `is present` before it is used, or give a value with `??`.\n"
                .into()
        }
        Some(ty) if ty.is_secret() => "\nA secret: it never becomes part of a text.\n".into(),
        _ => String::new(),
    }
}

fn member(snapshot: &Snapshot, owner: &str, name: &str) -> Option<String> {
    let def = snapshot.index().declared(owner)?;
    let Item::Enum(decl) = &*def.item else {
        return None;
    };
    let at = decl.members.iter().position(|m| m.name.text == name)?;
    let mut page = format!("```play\n{owner}.{name}\n```\n");
    if let Some(wire) = &decl.members[at].wire {
        page.push_str(&format!("\nThe service calls it `{wire}`.\n"));
    }
    if decl.ordered {
        let order: Vec<String> = decl
            .members
            .iter()
            .map(|m| {
                if m.name.text == name {
                    format!("**{}**", m.name.text)
                } else {
                    m.name.text.clone()
                }
            })
            .collect();
        page.push_str(&format!("\n{}\n", order.join(" < ")));
    } else {
        let all: Vec<&str> = decl.members.iter().map(|m| m.name.text.as_str()).collect();
        page.push_str(&format!("\nOne of {}.\n", all.join(", ")));
    }
    Some(page)
}

fn module_page(index: &Index, module: &str) -> Option<String> {
    let names = &index.modules.get(module)?.names;
    let mut page = format!("```play\nuse {module}\n```\n");
    for (keyword, title) in [
        ("event", "Events"),
        ("action", "Actions"),
        ("query", "Queries"),
        ("steps", "Steps"),
        ("type", "Types"),
        ("enum", "Enums"),
        ("define", "Definitions"),
        ("param", "Parameters"),
    ] {
        let of: Vec<String> = names
            .values()
            .filter(|def| describe::keyword(def) == keyword)
            .map(|def| format!("`{}`", def.name.text))
            .collect();
        if !of.is_empty() {
            page.push_str(&format!("\n{title}: {}\n", of.join(", ")));
        }
    }
    Some(page)
}

fn deployment(snapshot: &Snapshot) -> Option<&counterplay_machine::deployment::Deployment> {
    let (database, project) = (&snapshot.workspace.db, snapshot.workspace.project);
    db::config(database, project)
        .0
        .as_ref()
        .map(|file| &file.deployment)
}

fn team(snapshot: &Snapshot, name: &str) -> Option<String> {
    let team = deployment(snapshot)?.teams.get(name)?;
    let mut page = format!("```play\nteam.{name}: Team\n```\n");
    page.push_str(&format!("\n- Members: {}\n", team.members.join(", ")));
    if let Some(email) = &team.email {
        page.push_str(&format!("- Mail: {email}\n"));
    }
    for (channel, there) in [
        ("Teams", team.teams_webhook.is_some()),
        ("Slack", team.slack_webhook.is_some()),
    ] {
        if there {
            page.push_str(&format!("- {channel}: has a channel\n"));
        }
    }
    Some(page)
}

fn tenant(snapshot: &Snapshot, name: &str) -> Option<String> {
    let tenant = deployment(snapshot)?.tenants.get(name)?;
    Some(format!(
        "tenant `{name}`\n\n- Id: `{}`\n- Zone: {}\n- Domains: {}\n- Groups: {}\n",
        tenant.id,
        tenant.zone.as_deref().unwrap_or("UTC"),
        listed(&tenant.domains),
        listed(&tenant.groups)
    ))
}

fn group(snapshot: &Snapshot, name: &str) -> Option<String> {
    let tenants = &deployment(snapshot)?.tenants;
    let of: Vec<String> = tenants
        .iter()
        .filter(|(_, tenant)| tenant.groups.iter().any(|g| g == name))
        .map(|(tenant, _)| tenant.clone())
        .collect();
    Some(format!("group `{name}`\n\nTenants: {}\n", listed(&of)))
}

fn webhook(snapshot: &Snapshot, name: &str) -> Option<String> {
    let webhook = deployment(snapshot)?.webhooks.get(name)?;
    Some(format!(
        "webhook `{name}`\n\n- Address: `POST /hooks/{name}`\n- Tenant: {}\n- Signed with the secret: `{}`\n",
        webhook.tenant, webhook.secret
    ))
}

fn listed(items: &[String]) -> String {
    if items.is_empty() {
        "none".into()
    } else {
        items.join(", ")
    }
}

fn built_in(name: &str) -> Option<&'static str> {
    Some(match name {
        "Text" => {
            "`Text`: characters, written in double quotes; `{…}` inside of them puts a value in."
        }
        "Int" => "`Int`: a whole number.",
        "Number" => "`Number`: a number with a fraction.",
        "Bool" => "`Bool`: `true` or `false`.",
        "Duration" => "`Duration`: a length of time, `30s`, `15m`, `4h`, `90d`. A day is 24 hours.",
        "Time" => "`Time`: a moment. `now`, `90d ago`, `2h from now`.",
        "ClockTime" => "`ClockTime`: a time of day, `07:00`, in the tenant's zone.",
        "Json" => {
            "`Json`: a service's answer as it came. It takes the type that its place wants, or is rejected with path, expected and found."
        }
        "List" => "`List<T>`: several values of one type.",
        "Secret" => {
            "`Secret<T>`: a value that never becomes text; only a parameter that is declared so takes it."
        }
        "Recipient" => {
            "`Recipient`: everything that a message can be sent to: a user, a team, an address, a list of addresses."
        }
        _ => return None,
    })
}

/// The form of a function of the language, and what it gives.
pub fn function(name: &str) -> Option<&'static str> {
    Some(match name {
        "lower" => "```play\nlower(text: Text) -> Text\n```\n\nThe text in small letters.",
        "upper" => "```play\nupper(text: Text) -> Text\n```\n\nThe text in capitals.",
        "trim" => {
            "```play\ntrim(text: Text) -> Text\n```\n\nThe text without the blanks around it."
        }
        "domain_of" => {
            "```play\ndomain_of(address: Text) -> Text?\n```\n\nWhat stands behind the `@` of an address."
        }
        "join" => {
            "```play\njoin(texts: List<Text>, between: Text) -> Text\n```\n\nThe texts in a row."
        }
        "split" => {
            "```play\nsplit(text: Text, at: Text) -> List<Text>\n```\n\nThe parts of a text."
        }
        "length" => {
            "```play\nlength(of) -> Int\n```\n\nHow many elements a list, or characters a text has."
        }
        "to_int" => {
            "```play\nto_int(text: Text) -> Int\n```\n\nThe whole number that a text writes."
        }
        "time_of_day" => {
            "```play\ntime_of_day(time: Time) -> ClockTime\n```\n\nWhat the clock in the tenant's zone shows at a time."
        }
        "new_password" => {
            "```play\nnew_password() -> Secret<Text>\n```\n\nA new random password. The same when a call is repeated; stored nowhere."
        }
        "secret" => {
            "```play\nsecret(name: Text) -> Secret<Text>\n```\n\nA secret of the deployment."
        }
        _ => return None,
    })
}

/// What a fact of the run or the tenant is.
pub fn fact(root: &str, name: &str) -> &'static str {
    match (root, name) {
        ("tenant", "name") => "The tenant's name in the project file.",
        ("tenant", "id") => "The tenant's id at Microsoft.",
        ("tenant", "zone") => "The tenant's time zone.",
        ("tenant", "domains") => "The tenant's verified domains.",
        ("tenant", "break_glass") => {
            "The ids of the tenant's emergency accounts, from the project file."
        }
        ("tenant", "has") => {
            "`tenant.has(intune)`: whether the tenant has a service, a module or a connection. A tenant that lists no `services` has them all."
        }
        ("run", "id") => "The id of this run.",
        ("run", "started") => "When this run started.",
        ("run", "call") => {
            "In an action or a query: what the call is known by, the same however often it is sent."
        }
        ("run", "sent_again") => "In an action: whether the call may have been sent before.",
        ("run", "steps") => "What this run has done so far, one `StepResult` for each action.",
        _ => "",
    }
}
