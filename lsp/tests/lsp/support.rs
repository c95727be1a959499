//! Projects in memory, with `|` for the cursor.

use counterplay_compiler::db::{Database, SourceFile};
use counterplay_compiler::workspace::Source;
use counterplay_lsp::disk::{Disk, Loaded};
use counterplay_lsp::snapshot::Snapshot;
use counterplay_lsp::world::World;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

pub const CONFIG: &str = r#"[project]
name = "Test"
sources = ["playbooks"]

[teams.soc]
members = ["ana@example.org", "bo@example.org"]
email = "soc@example.org"
teams_webhook = "soc-teams"

[teams.leads]
members = ["dana@example.org", "eli@example.org"]

[tenants.contoso]
id = "contoso"
domains = ["example.org"]
groups = ["gold"]

[webhooks.offboarding]
secret = "hook-offboarding"
tenant = "contoso"

[connections.graph]
[connections.identity_protection]
[connections.exchange]
[connections.halopsa]
[connections.mail]
[connections.teams]
"#;

/// A disk of one project, `/p`.
#[derive(Default)]
pub struct Memory(pub Mutex<BTreeMap<String, String>>);

impl Disk for Memory {
    fn root_of(&self, file: &Path) -> Option<PathBuf> {
        file.starts_with("/p").then(|| PathBuf::from("/p"))
    }

    fn roots_below(&self, _: &Path) -> Vec<PathBuf> {
        vec![PathBuf::from("/p")]
    }

    fn load(&self, _: &Path, _: Option<&str>) -> Loaded {
        let files = self.0.lock().expect("no test panics while it holds this");
        let sources = files
            .iter()
            .filter(|(path, _)| path.ends_with(".play"))
            .map(|(path, text)| Source {
                path: path.clone(),
                module: counterplay_compiler::library::module_of(
                    path.trim_start_matches("/p/playbooks/"),
                ),
                text: text.clone(),
            });
        Loaded {
            sources: sources.collect(),
            config: files
                .get("/p/counterplay.toml")
                .map(|text| ("/p/counterplay.toml".into(), text.clone())),
            folders: vec![PathBuf::from("/p/playbooks")],
            unread: Vec::new(),
        }
    }

    fn read(&self, path: &Path) -> Result<Option<String>, String> {
        let files = self.0.lock().expect("no test panics while it holds this");
        Ok(files.get(&path.display().to_string()).cloned())
    }
}

/// A world with one project of these files; each name is `x.play`.
pub fn world(files: &[(&str, &str)]) -> World {
    world_in(files, Database::default)
}

/// The same in databases of the caller's.
pub fn world_in(files: &[(&str, &str)], make: fn() -> Database) -> World {
    let mut disk: BTreeMap<String, String> = files
        .iter()
        .map(|(name, text)| (format!("/p/playbooks/{name}"), (*text).to_owned()))
        .collect();
    disk.insert("/p/counterplay.toml".into(), CONFIG.into());
    let mut world = World::in_databases(Arc::new(Memory(Mutex::new(disk))), make);
    world.add_folder(Path::new("/p"));
    world
}

/// A cursor in the first file.
pub struct Here {
    pub snapshot: Snapshot,
    pub file: SourceFile,
    pub offset: usize,
    pub text: String,
}

/// A project whose first file holds the cursor `|`.
pub fn at(files: &[(&str, &str)]) -> Here {
    let (name, marked) = files[0];
    let offset = marked.find('|').expect("the source has a cursor");
    let text = marked.replacen('|', "", 1);
    let mut all = files.to_vec();
    all[0] = (name, &text);
    let world = world(&all);
    let path = format!("/p/playbooks/{name}");
    let snapshot = world.snapshot(&path).expect("the project is there");
    Here {
        file: snapshot.file(&path).expect("the file is there"),
        snapshot,
        offset,
        text,
    }
}

/// A playbook about a device that Intune reports, with these lines in its head and its first stage.
pub fn about_device(head: &str, then: &str) -> String {
    format!(
        "use microsoft.(intune, entra)\nuse notify, ticket\n\nplaybook p \"P\" {{\n  when intune.noncompliant as drift\n{head}\n  then {{\n{then}\n  }}\n}}\n"
    )
}

/// What a change makes of a text.
pub fn edited(
    text: &str,
    path: &str,
    edits: &[(counterplay_lsp::snapshot::Location, String)],
) -> String {
    let mut own: Vec<_> = edits.iter().filter(|(at, _)| at.path == path).collect();
    own.sort_by_key(|(at, _)| std::cmp::Reverse(at.range.start));
    let mut text = text.to_owned();
    for (at, new) in own {
        text.replace_range(at.range.clone(), new);
    }
    text
}
