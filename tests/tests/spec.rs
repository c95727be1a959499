//! The language's specification, `tests/spec/*.md`: prose with code, and beneath the code what the checker, the
//! machine and a simulation make of it. `SPEC_UPDATE=1` writes what they make of it now; read it before you keep it.

use counterplay_compiler::span::Place;
use counterplay_compiler::workspace::{Source, Workspace};
use counterplay_compiler::{format, json, locate};
use counterplay_machine::draw;
use counterplay_runtime::testing;
use counterplay_tests::root;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// The project that examples stand in where they show none of their own.
const PROJECT: &str = r#"[project]
name = "Example"

[teams.soc]
members = ["ana@example.org", "bo@example.org"]
email = "soc@example.org"
teams_webhook = "soc-teams"

[teams.it]
members = ["cem@example.org", "dana@example.org"]
email = "it@example.org"

[tenants.contoso]
id = "contoso"
zone = "Europe/London"
domains = ["example.org"]
groups = ["gold"]

[tenants.tailspin]
id = "tailspin"

[connections.graph]
[connections.identity_protection]
[connections.exchange]
[connections.halopsa]
[connections.mail]
[connections.teams]
[connections.slack]

[webhooks.offboarding]
secret = "hook-offboarding"
tenant = "contoso"
"#;

/// What stands around the steps of an example that shows steps alone.
const HEAD: &str = "use microsoft.(defender, entra, exchange, identity, intune)\nuse notify, ticket\n\nplaybook example \"Example\" {\n";
const STARTED: &str = "  when manual(user: User, device: Device)\n";

/// What is given where an example is played that shows steps alone.
const GIVEN: &str = r#"  given manual example(user: "u-1", device: "d-1")
  given entra.user returns User(id: "u-1", name: "Ana", email: "ana.lopez@example.org", kind: member)
  given intune.device returns Device(id: "d-1", name: "LT-1", platform: windows)
"#;

/// A fenced block of a page.
struct Block {
    /// What stands behind the fence, `play steps`.
    info: String,
    text: String,
    /// Where the text begins and ends in the page.
    range: std::ops::Range<usize>,
    line: usize,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut out = Vec::new();
    let mut open: Option<(String, usize, usize)> = None;
    let mut at = 0;
    for (number, line) in page.split_inclusive('\n').enumerate() {
        let start = at;
        at += line.len();
        match (line.trim_end().strip_prefix("```"), open.take()) {
            (Some(info), None) => open = Some((info.to_owned(), at, number + 1)),
            (Some(_), Some((info, begin, line))) => out.push(Block {
                info,
                text: page[begin..start].to_owned(),
                range: begin..start,
                line,
            }),
            (None, still) => open = still,
        }
    }
    assert!(open.is_none(), "a block is left open");
    out
}

/// What examples are made of, as far as a page has come.
#[derive(Default)]
struct Example {
    config: Option<String>,
    source: String,
    files: BTreeMap<String, String>,
    given: String,
    /// Whether only steps or lines are shown, so that a start is made up.
    bare: bool,
}

impl Example {
    fn source(&mut self, info: &str, text: &str) {
        self.given.clear();
        self.bare = info != "play";
        let indented = |by: &str| -> String {
            text.lines()
                .map(|l| match l.is_empty() {
                    true => "\n".to_owned(),
                    false => format!("{by}{l}\n"),
                })
                .collect()
        };
        self.source = match info {
            "play steps" => format!("{HEAD}{STARTED}\n  then {{\n{}  }}\n}}\n", indented("    ")),
            "play lines" => format!("{HEAD}{}}}\n", indented("  ")),
            "play stages" => format!("{HEAD}{STARTED}\n{}}}\n", indented("  ")),
            _ => text.to_owned(),
        };
    }

    fn workspace(&self, more: &str) -> Workspace {
        let source = Source {
            path: "example.play".into(),
            module: "example".into(),
            text: format!("{}{more}", self.source),
        };
        let config = self.config.clone().unwrap_or_else(|| PROJECT.to_owned());
        Workspace::new(vec![source], Some(("counterplay.toml".into(), config)))
    }

    /// What the checker says.
    fn findings(&self) -> String {
        let workspace = self.workspace("");
        let compiled = workspace.compile();
        workspace
            .render(&compiled.diagnostics, false)
            .lines()
            .map(|line| format!("{}\n", line.trim_end()))
            .collect::<String>()
            .trim_end()
            .to_owned()
            + "\n"
    }

    /// What the checker says, as programs read it: a finding a line.
    fn records(&self) -> String {
        let workspace = self.workspace("");
        let compiled = workspace.compile();
        let locate = |place: &Place| locate::locate(&workspace, place, &|_| None);
        let found = compiled.diagnostics.iter();
        found
            .map(|finding| format!("{}\n", json::finding(finding, &locate)))
            .collect()
    }

    /// What happens, test by test.
    fn timeline(&self) -> String {
        let made_up = match self.bare {
            true => format!(
                "\ntest \"example\" of example {{\n{GIVEN}{}  expect outcome completed\n}}\n",
                self.given
            ),
            false => String::new(),
        };
        let workspace = self.workspace(&made_up);
        let compiled = workspace.compile();
        assert!(
            !compiled.has_errors(),
            "{}",
            workspace.render(&compiled.diagnostics, false)
        );
        let deployment = compiled.file.map(|f| f.deployment).unwrap_or_default();
        let program = Arc::new(compiled.program);
        let read = |name: &str| {
            let text = self
                .files
                .get(name)
                .ok_or_else(|| format!("this page has no file {name}"))?;
            serde_json::from_str(text).map_err(|e| e.to_string())
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let mut out = String::new();
        for case in &compiled.tests {
            let verdict = runtime
                .block_on(testing::run(case, &program, &deployment, &read))
                .unwrap_or_else(|e| panic!("{}: {e}", case.title));
            if !self.bare {
                out.push_str(&format!("{}\n", case.title));
                for miss in &verdict.failures {
                    out.push_str(&format!("  {}: {}\n", miss.expected, miss.instead));
                }
            }
            out.push_str(&verdict.timeline);
        }
        assert!(
            !out.is_empty(),
            "nothing is played: the example has no test"
        );
        out.lines().map(|l| format!("{}\n", l.trim_end())).collect()
    }

    /// The state machine of the only playbook.
    fn machine(&self) -> String {
        let workspace = self.workspace("");
        let compiled = workspace.compile();
        assert!(
            !compiled.has_errors(),
            "{}",
            workspace.render(&compiled.diagnostics, false)
        );
        let shipped = |id: &str| {
            let index = compiled.file.iter().flat_map(|f| f.responses.iter());
            index.into_iter().any(|r| r == id)
        };
        let mut own = compiled
            .program
            .playbooks
            .values()
            .filter(|p| !shipped(&p.id));
        let playbook = own.next().expect("a playbook");
        draw::mermaid(playbook)
    }
}

fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> = std::fs::read_dir(root().join("tests/spec"))
        .expect("the specification")
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect();
    pages.sort();
    pages
}

#[test]
fn the_specification_says_what_is_so() {
    let update = std::env::var_os("SPEC_UPDATE").is_some();
    let mut wrong = Vec::new();
    for path in pages() {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let page = std::fs::read_to_string(&path).expect("a page");
        let mut example = Example::default();
        let mut told = true;
        let mut last = 0;
        let mut changed = page.clone();
        let mut changes: Vec<(std::ops::Range<usize>, String)> = Vec::new();
        let untold = |example: &Example, line: usize, wrong: &mut Vec<String>| {
            let found = example.findings();
            if !found.trim().is_empty() {
                wrong.push(format!("{name}:{line}: not expected:\n{found}"));
            }
        };
        for block in blocks(&page) {
            let found = match block.info.as_str() {
                "play" | "play steps" | "play lines" | "play stages" => {
                    if !told {
                        untold(&example, last, &mut wrong);
                    }
                    example.source(&block.info, &block.text);
                    (told, last) = (false, block.line);
                    continue;
                }
                "toml" => {
                    if !std::mem::replace(&mut told, true) {
                        untold(&example, last, &mut wrong);
                    }
                    example.config = Some(block.text);
                    continue;
                }
                "given" => {
                    example.given = block.text.lines().map(|l| format!("  {l}\n")).collect();
                    continue;
                }
                info if info.starts_with("json ") => {
                    example.files.insert(info[5..].to_owned(), block.text);
                    continue;
                }
                "findings" => {
                    told = true;
                    example.findings()
                }
                "json" => {
                    told = true;
                    example.records()
                }
                "formatted" => format::format(&example.source),
                "timeline" => example.timeline(),
                "mermaid" => example.machine(),
                "" | "text" | "sh" => continue,
                other => panic!(
                    "{name}:{}: a block `{other}` means nothing here",
                    block.line
                ),
            };
            if found != block.text {
                if !update {
                    wrong.push(format!(
                        "{name}:{}: the page says\n{}\nand it is\n{found}",
                        block.line, block.text
                    ));
                }
                changes.push((block.range, found));
            }
        }
        if !told {
            untold(&example, last, &mut wrong);
        }
        for (range, text) in changes.into_iter().rev() {
            changed.replace_range(range, &text);
        }
        if update && changed != page {
            std::fs::write(&path, changed).expect("the page is written");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_word_of_the_language_stands_in_the_specification() {
    let grammar = std::fs::read_to_string(root().join("grammar/play.pest")).expect("the grammar");
    let words: Vec<&str> = grammar
        .lines()
        .filter(|line| line.starts_with("kw_") || line.starts_with("op_"))
        .filter_map(|line| line.split('"').nth(1))
        .filter(|word| word.chars().all(|c| c.is_ascii_alphabetic() || c == '_'))
        .collect();
    assert!(words.len() > 80, "the grammar has changed its form");
    let mut code = String::new();
    for path in pages() {
        let page = std::fs::read_to_string(&path).expect("a page");
        for block in blocks(&page) {
            if block.info.starts_with("play") || block.info == "given" {
                code.push_str(&block.text);
            }
        }
    }
    let shown: std::collections::BTreeSet<&str> = code
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .collect();
    let missing: Vec<&&str> = words.iter().filter(|w| !shown.contains(**w)).collect();
    assert!(
        missing.is_empty(),
        "the specification never shows {missing:?}"
    );
}

#[test]
fn the_index_names_every_page() {
    let index = std::fs::read_to_string(root().join("docs/language/README.md")).expect("the index");
    for path in pages() {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let link = format!("(../../tests/spec/{name})");
        assert!(
            index.contains(&link),
            "docs/language/README.md does not link {name}"
        );
    }
}
