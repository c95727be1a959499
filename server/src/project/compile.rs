//! A project's files in, the program, the deployment and findings as data out. Pure.

use counterplay_compiler::diagnostic::Severity;
use counterplay_compiler::locate::locate;
use counterplay_compiler::workspace::{Source, Workspace};
use counterplay_compiler::{json, library, project};
use counterplay_machine::Program;
use counterplay_machine::deployment::Deployment;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many findings an answer holds; errors first where there are more.
const FINDINGS_MAX: usize = 1_000;

/// The texts of a project's `.play` files by their path relative to the project file, with `/`.
pub type Files = BTreeMap<String, String>;

/// The project file: people, tenants, connections. It stays with whoever runs the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFile {
    /// What findings call it.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Where a playbook stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stand {
    /// The file, `std:/…` for one that ships.
    pub path: String,
    /// The file's text.
    pub text: Arc<str>,
    /// Whether it ships with Counterplay and can be switched but not edited.
    pub shipped: bool,
}

/// A compiled project.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The program; complete only where there are no errors.
    pub program: Arc<Program>,
    /// People, tenants, connections as the project file has them.
    pub deployment: Deployment,
    /// Findings in the form of `counterplay check --format json`.
    pub findings: Vec<Json>,
    /// How many of them are errors.
    pub errors: usize,
    /// Where each playbook stands.
    pub stands: BTreeMap<String, Stand>,
}

impl Compiled {
    /// The ids of the playbooks of a file.
    pub fn playbooks_of(&self, path: &str) -> Vec<String> {
        let of = self.stands.iter().filter(|(_, s)| s.path == path);
        of.map(|(id, _)| id.clone()).collect()
    }
}

/// The folders that the project file names as sources.
pub fn source_folders(config: &ConfigFile) -> Vec<String> {
    let name: Arc<str> = Arc::from(config.name.as_str());
    let (file, _) = project::read(&name, &config.text, &library::responses());
    file.sources
        .iter()
        .map(|folder| folder.trim_matches('/').to_owned())
        .collect()
}

/// Checks and compiles a project.
pub fn compile(config: &ConfigFile, files: &Files) -> Compiled {
    let folders = source_folders(config);
    let sources = files
        .iter()
        .map(|(path, text)| Source {
            path: path.clone(),
            module: module(path, &folders),
            text: text.clone(),
        })
        .collect();
    let workspace = Workspace::new(sources, Some((config.name.clone(), config.text.clone())));
    let compiled = workspace.compile();
    let place = |place: &counterplay_compiler::span::Place| locate(&workspace, place, &|_| None);
    let mut first: Vec<_> = compiled.diagnostics.iter().collect();
    if first.len() > FINDINGS_MAX {
        first.sort_by_key(|finding| finding.severity);
        first.truncate(FINDINGS_MAX);
    }
    let findings = first
        .into_iter()
        .map(|finding| json::finding(finding, &place))
        .collect();
    let errors = compiled
        .diagnostics
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .count();
    let stands = compiled
        .program
        .playbooks
        .iter()
        .filter_map(|(id, playbook)| {
            let path = &playbook.graph.node_weight(playbook.start)?.origin.file;
            let shipped = path.starts_with("std:/");
            let text = match shipped {
                true => library::text(path)?,
                false => files.get(&**path)?.as_str(),
            };
            let stand = Stand {
                path: path.to_string(),
                text: Arc::from(text),
                shipped,
            };
            Some((id.to_string(), stand))
        })
        .collect();
    Compiled {
        deployment: compiled.file.map(|f| f.deployment).unwrap_or_default(),
        program: Arc::new(compiled.program),
        findings,
        errors,
        stands,
    }
}

/// The module of a file: its path within the source folder that it lies in.
fn module(path: &str, folders: &[String]) -> String {
    let inner = folders
        .iter()
        .filter_map(|folder| path.strip_prefix(folder.as_str())?.strip_prefix('/'))
        .min_by_key(|rest| rest.len())
        .unwrap_or(path);
    library::module_of(inner)
}

#[cfg(test)]
mod tests {
    use super::{ConfigFile, Files, compile};

    const CONFIG: &str = "[project]\nname = \"T\"\nsources = [\"playbooks\"]\n[teams.soc]\nmembers = [\"a@x.example\"]\nemail = \"soc@x.example\"\n[tenants.t]\nid = \"t.example\"\n[connections.mail]\nbase = \"smtp://m.example\"\nfrom = \"c@x.example\"\n";
    const GOOD: &str = "use notify\n\nplaybook hello \"Hello\" {\n  when manual(name: Text)\n  then {\n    notify.email(team.soc, subject: \"Hello\", body: \"Hello {name}\")\n  }\n}\n";

    fn config() -> ConfigFile {
        ConfigFile {
            name: "counterplay.toml".into(),
            text: CONFIG.into(),
        }
    }

    #[test]
    fn a_project_knows_where_its_playbooks_stand() {
        let files = Files::from([("playbooks/hello.play".to_owned(), GOOD.to_owned())]);
        let compiled = compile(&config(), &files);
        assert_eq!(compiled.errors, 0, "{:?}", compiled.findings);
        assert_eq!(compiled.stands["hello"].path, "playbooks/hello.play");
        assert_eq!(compiled.playbooks_of("playbooks/hello.play"), ["hello"]);
    }

    #[test]
    fn findings_are_data_with_places() {
        let text = GOOD.replace("notify.email", "notify.emial");
        let files = Files::from([("playbooks/hello.play".to_owned(), text)]);
        let compiled = compile(&config(), &files);
        assert!(compiled.errors > 0);
        let finding = &compiled.findings[0];
        assert_eq!(finding["places"][0]["path"], "playbooks/hello.play");
        assert_eq!(finding["places"][0]["line"], 6);
    }

    #[test]
    fn the_project_file_says_what_is_made_of_warnings() {
        let text = GOOD.replace("{name}", "{name ?? \"\"}");
        let files = Files::from([("playbooks/hello.play".to_owned(), text)]);
        let mut config = config();
        let compiled = compile(&config, &files);
        assert_eq!((compiled.errors, compiled.findings.len()), (0, 1));
        config.text.push_str("[lints]\nP0221 = \"error\"\n");
        assert_eq!(compile(&config, &files).errors, 1);
        config.text = config.text.replace("= \"error\"", "= \"allow\"");
        let allowed = compile(&config, &files);
        assert_eq!((allowed.errors, allowed.findings.len()), (0, 0));
    }

    #[test]
    fn an_answer_holds_so_many_findings() {
        let line = "    notify.emial(team.soc)\n";
        let text = GOOD.replace(
            "    notify.email",
            &format!("{}    notify.email", line.repeat(1_200)),
        );
        let files = Files::from([("playbooks/hello.play".to_owned(), text)]);
        let compiled = compile(&config(), &files);
        assert_eq!(
            (compiled.errors, compiled.findings.len()),
            (1_200, super::FINDINGS_MAX)
        );
    }
}
