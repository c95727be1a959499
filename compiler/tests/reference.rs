//! The reference of a small project, and of the whole library: everything is documented, shown, and its examples compile.

use counterplay_compiler::db;
use counterplay_compiler::reference::{self, Entry, Kind, Module, Reference};
use counterplay_compiler::syntax::ast::Item;
use counterplay_compiler::workspace::{Source, Workspace};
use std::collections::BTreeSet;

const SMALL: &str = r##"use microsoft.(graph, entra)
use notify

/// How sure we are.
enum Trust ordered { unknown, low = "Low|1", high }

/// A badge of the office.
///
/// # Not a heading
/// <script>alert(1)</script> and a `List<Badge>` | pipe
type Badge {
  id: Text
  /// Who wears it, `<nobody>` when it lies in the drawer.
  holder: User?
}

/// Somebody came in.
event came_in {
  source: push
  known_by: "badge", "door"
  fires: once per (raw.badge, raw.at)
  /// The badge at the door.
  field badge: Text = raw.badge
  field user_id: Text = raw.user
  fetched user: User = entra.user(user_id)
}

/// The badge of a person.
query badge_of(user: User, day: Time) -> Badge? {
  permission: "Badge.Read"
  request: graph.get("/users/{user.id}/badge")
  on 404: absent
  returns: Badge(id: body.id, holder: user)
}

/// Take a badge away.
///
/// ```play
/// doors.lock_badge(badge, why: "left behind")
/// ```
action lock_badge(badge: Badge, why: Text, days: Int = 3) {
  impact: reversible
  idempotent: true
  undo: unlock_badge(badge)
  permission: "Badge.Write", "Badge.Read"
  request: graph.post("/identityProtection/riskyUsers/confirmCompromised", json: { id: badge.id, why: why, days: days })
  expect: 200, 204
  on 404: "there is no badge {badge.id}"
}

/// Give it back.
action unlock_badge(badge: Badge) {
  impact: reversible
  request: graph.post("/identityProtection/riskyUsers/dismiss", json: { id: badge.id })
}

/// Whether a badge is worn.
define is_worn(badge: Badge) -> Bool = badge.holder is present

/// Lock what somebody wears.
steps lock_all(user: User) -> Badge? {
  let badge = badge_of(user, now)
  match badge {
    present { lock_badge(badge, why: "all") }
    absent { }
  }
  return badge
}

/// How long a door waits.
param grace: Duration = 4h

/// Nobody is shut out.
guard "not *too* many" {
  limit lock_badge to 20 per 1h per tenant
}

/// Lock the badge of whoever comes in at night.
playbook night "Night <shift> & co" {
  tags: ["doors"]

  when came_in as entry
  if entry.user.kind != guest
  ignore repeats of entry.user for 1h

  then {
    let badge = badge_of(entry.user, now)
    match badge {
      present { lock_badge(badge, why: "night") }
      absent { notify.email(entry.user, subject: "Badge", body: "You came in without one.") }
    }
  }

  wait 1h

  escalate after grace {
    notify.email(entry.user, subject: "Badge", body: "It is locked.")
  }
}
"##;

const CONFIG: &str = "[project]\nname = \"Doors\"\n\n[connections.graph]\n[connections.mail]\n";

fn workspace(text: &str) -> Workspace {
    Workspace::new(
        vec![Source {
            path: "doors.play".into(),
            module: "doors".into(),
            text: text.into(),
        }],
        Some(("counterplay.toml".into(), CONFIG.into())),
    )
}

#[test]
fn a_small_project_on_one_page() {
    let workspace = workspace(SMALL);
    let compiled = workspace.compile();
    assert!(
        !compiled.has_errors(),
        "{}",
        workspace.render(&compiled.diagnostics, false)
    );
    let reference = reference::of_project(&workspace.db, workspace.project);
    let page = reference::markdown(&reference);
    assert_eq!(page, reference::markdown(&reference));
    insta::assert_snapshot!(page);
}

#[test]
fn an_empty_project_has_a_page() {
    let workspace = Workspace::new(Vec::new(), Some(("counterplay.toml".into(), CONFIG.into())));
    let reference = reference::of_project(&workspace.db, workspace.project);
    assert_eq!(
        reference::markdown(&reference),
        "# Reference of Doors\n\n## Contents\n\nNothing is declared.\n"
    );
}

fn library() -> (Workspace, Reference) {
    let workspace = Workspace::new(Vec::new(), None);
    let reference = reference::of_library(&workspace.db, workspace.project);
    (workspace, reference)
}

/// Every name that the library declares, by module.
fn declared(workspace: &Workspace) -> BTreeSet<(String, String)> {
    let files = workspace.project.files(&workspace.db);
    files
        .iter()
        .flat_map(|file| {
            let module = file.module(&workspace.db).to_string();
            db::items(&workspace.db, *file)
                .iter()
                .filter_map(move |item| {
                    let item = item.item(&workspace.db);
                    let name = item.name()?.text.clone();
                    Some(match &**item {
                        Item::Playbook(_) => ("".to_owned(), name),
                        _ => (module.clone(), name),
                    })
                })
        })
        .collect()
}

#[test]
fn everything_in_the_library_is_documented_and_shown() {
    let (workspace, reference) = library();
    let page = reference::markdown(&reference);
    let mut shown = BTreeSet::new();
    for module in &reference.modules {
        for entry in &module.entries {
            assert!(
                !entry.doc.trim().is_empty(),
                "{} has no comment",
                entry.called
            );
            assert!(
                page.contains(&format!("\n*{}*", entry.kind.word())),
                "{}",
                entry.called
            );
            shown.insert((module.name.to_string(), entry.name.clone()));
        }
    }
    for playbook in &reference.playbooks {
        assert!(
            !playbook.doc.trim().is_empty(),
            "{} has no comment",
            playbook.id
        );
        assert!(page.contains(&format!("*playbook* `{}`", playbook.id)));
        assert!(!playbook.stages.is_empty(), "{}", playbook.id);
        shown.insert((String::new(), playbook.id.clone()));
    }
    assert_eq!(shown, declared(&workspace));
    // Every link of the contents leads to a heading.
    let mut slugs = reference::Slugs::default();
    let mut fenced = false;
    let anchors: BTreeSet<String> = page
        .lines()
        .filter(|line| {
            fenced ^= line.starts_with("```");
            !fenced && line.starts_with('#')
        })
        .map(|line| slugs.next(&line.trim_start_matches('#').replace('\\', "")))
        .collect();
    let mut links = 0;
    for link in page.split("](#").skip(1) {
        let slug = link.split(')').next().unwrap_or("");
        assert!(anchors.contains(slug), "{slug}");
        links += 1;
    }
    assert!(links >= shown.len(), "{links}");
}

/// A type as another module writes it.
fn qualified(ty: &str, module: &Module, short: &str) -> String {
    let own = |word: &str| {
        let mut types = module.entries.iter();
        types.any(|e| matches!(e.kind, Kind::Type | Kind::Enum) && e.name == word)
    };
    let mut out = String::new();
    let mut word = String::new();
    for c in ty.chars().chain(std::iter::once(' ')) {
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
            continue;
        }
        if own(&word) && short != "prelude" {
            out += &format!("{short}.");
        }
        out += &std::mem::take(&mut word);
        out.push(c);
    }
    out.trim_end().to_owned()
}

/// A playbook's worth of source in which an example stands as it is shown.
fn around(number: usize, entry: &Entry, module: &Module) -> String {
    let short = module.name.rsplit('.').next().unwrap_or("");
    let import = match short {
        "prelude" => String::new(),
        _ => format!("use {}\n\n", module.name),
    };
    let Some(example) = &entry.example else {
        return String::new();
    };
    if entry.kind == Kind::Event {
        return format!(
            "{import}playbook p{number} \"P\" {{\n  {example}\n  then {{ end run }}\n}}\n"
        );
    }
    let params: Vec<String> = entry
        .rows
        .iter()
        .filter(|row| row.ty != "Team")
        .map(|row| {
            let name = if row.name == "team" {
                "team_name"
            } else {
                &row.name
            };
            format!("{name}: {}", qualified(&row.ty, module, short))
        })
        .collect();
    format!(
        "{import}steps s{number}({}) {{\n  {example}\n}}\n",
        params.join(", ")
    )
}

#[test]
fn the_examples_of_the_library_compile() {
    let (_, reference) = library();
    let mut sources = Vec::new();
    for module in &reference.modules {
        for entry in &module.entries {
            let uses = matches!(
                entry.kind,
                Kind::Event | Kind::Action | Kind::Query | Kind::Steps | Kind::Define
            );
            if !uses {
                continue;
            }
            let number = sources.len();
            let text = around(number, entry, module);
            assert!(!text.is_empty(), "{} has no example", entry.called);
            sources.push(Source {
                path: format!("{}.play", entry.called),
                module: format!("example_{number}"),
                text,
            });
        }
    }
    assert!(sources.len() > 40, "{}", sources.len());
    let workspace = Workspace::new(sources, None);
    let compiled = workspace.compile();
    assert!(
        !compiled.has_errors(),
        "{}",
        workspace.render(&compiled.diagnostics, false)
    );
}
