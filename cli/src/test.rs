//! `counterplay test`: a project's tests in, which hold and which do not out. Each also has a snapshot of
//! its whole timeline.

use crate::args::TestArgs;
use crate::error::{FOUND, Failure, OK, Outcome};
use crate::out::{self, BAD, GOOD, NAME, QUIET, WARN, paint};
use crate::project::{self, Project};
use crate::report;
use counterplay_compiler::titles::slug;
use counterplay_machine::testcase::TestCase;
use counterplay_runtime::testing::{self, Miss, Verdict};
use serde_json::{Value as Json, json};
use similar::TextDiff;
use std::path::{Path, PathBuf};

/// How a test went.
struct Told<'c> {
    case: &'c TestCase,
    verdict: Verdict,
    snapshot: Snapshot,
}

/// How a test's timeline compares with the one that was kept.
enum Snapshot {
    /// It is the same.
    Same,
    /// None was kept, or another one; the file and what it says.
    Other { file: PathBuf, kept: Option<String> },
    /// It was written now.
    Accepted,
}

/// Runs tests.
///
/// # Errors
/// When the project cannot be read, has errors, or a snapshot cannot be written.
pub async fn test(args: TestArgs) -> Outcome {
    let path = args.path.clone().unwrap_or_else(|| PathBuf::from("."));
    project::present(&path)?;
    let project = match project::find_root(&path) {
        Some(root) => project::load(&root, &[])?,
        None => project::load_loose(std::slice::from_ref(&path))?,
    };
    if project.has_errors() {
        out::text(report::findings(
            &project,
            &project.findings,
            crate::args::CheckFormat::Human,
            out::is_colored(),
        ))?;
        return Err(Failure::refused(
            "the project has errors; its tests can be run when it has none",
        ));
    }
    let asked = std::path::absolute(&path).unwrap_or(path);
    let here = |case: &&TestCase| {
        let file = std::path::absolute(&*case.origin.file).unwrap_or_default();
        file.starts_with(&asked) || asked.file_name().is_some_and(|n| n == "counterplay.toml")
    };
    let mut cases: Vec<&TestCase> = project.compiled.tests.iter().filter(here).collect();
    if cases.is_empty() {
        return Err(Failure::cannot_start(
            "there are no tests here; one is written `test \"…\" { given … expect … }`",
        ));
    }
    let filter = args.filter.as_deref().unwrap_or("").to_lowercase();
    cases.retain(|case| case.title.to_lowercase().contains(&filter));
    if cases.is_empty() {
        return Err(Failure::cannot_start("no test here has such a title"));
    }
    let mut told = Vec::new();
    for case in cases {
        told.push(one(&project, case, args.accept).await?);
    }
    match args.json {
        true => tell_json(&told)?,
        false => tell(&told, &args)?,
    }
    let good = told
        .iter()
        .all(|t| t.verdict.failures.is_empty() && !t.snapshot.differs());
    Ok(if good { OK } else { FOUND })
}

impl Snapshot {
    /// Whether what was kept says something else.
    fn differs(&self) -> bool {
        matches!(self, Snapshot::Other { kept: Some(_), .. })
    }
}

async fn one<'c>(project: &Project, case: &'c TestCase, accept: bool) -> Result<Told<'c>, Failure> {
    let folder = Path::new(&*case.origin.file)
        .parent()
        .unwrap_or(Path::new(""))
        .to_owned();
    let read = |name: &str| -> Result<Json, String> {
        let path = folder.join(name);
        let text = std::fs::read_to_string(&path)
            .map_err(|e| format!("{} cannot be read: {e}", project::shown(&path)))?;
        serde_json::from_str(&text)
            .map_err(|e| format!("{} is no JSON: {e}", project::shown(&path)))
    };
    let program = project.program();
    let deployment = project.deployment();
    let verdict = match testing::run(case, &program, &deployment, &read).await {
        Ok(verdict) => verdict,
        Err(error) => Verdict {
            timeline: String::new(),
            failures: vec![Miss {
                line: case.origin.line,
                expected: case.title.clone(),
                instead: error.to_string(),
            }],
            unused: Vec::new(),
        },
    };
    let file = folder.join("snapshots").join(format!("{}.txt", slug(case)));
    let kept = std::fs::read_to_string(&file).ok();
    let written = format!("{}\n\n{}", case.title, verdict.timeline);
    let snapshot = if kept.as_deref() == Some(&*written) || verdict.timeline.is_empty() {
        Snapshot::Same
    } else if accept {
        let cannot = |e: std::io::Error| {
            Failure::cannot_start(format!("{} cannot be written: {e}", project::shown(&file)))
        };
        std::fs::create_dir_all(folder.join("snapshots")).map_err(cannot)?;
        std::fs::write(&file, &written).map_err(cannot)?;
        Snapshot::Accepted
    } else {
        Snapshot::Other { file, kept }
    };
    Ok(Told {
        case,
        verdict,
        snapshot,
    })
}

fn tell(told: &[Told<'_>], args: &TestArgs) -> std::io::Result<()> {
    let (mut failed, mut unkept) = (0, 0);
    for t in told {
        let good = t.verdict.failures.is_empty() && !t.snapshot.differs();
        failed += usize::from(!good);
        let word = match good {
            true => paint(GOOD, "ok"),
            false => paint(BAD, "failed"),
        };
        out::line(format!(
            "{word}  {}  {}",
            paint(NAME, &t.case.playbook),
            out::harmless(&t.case.title)
        ))?;
        for miss in &t.verdict.failures {
            out::line(format!(
                "    {}:{}: {}",
                out::harmless(&t.case.origin.file),
                miss.line,
                out::harmless(&miss.expected)
            ))?;
            out::line(format!("      {}", paint(WARN, &miss.instead)))?;
        }
        for note in &t.verdict.unused {
            let note = format!("    not needed: {}", out::harmless(note));
            out::line(paint(QUIET, note))?;
        }
        match &t.snapshot {
            Snapshot::Other {
                file,
                kept: Some(kept),
            } => {
                out::line(format!(
                    "    the timeline differs from {}",
                    project::shown(file)
                ))?;
                let written = format!("{}\n\n{}", t.case.title, t.verdict.timeline);
                let diff = TextDiff::from_lines(kept.as_str(), written.as_str());
                let diff = diff.unified_diff().context_radius(2).to_string();
                for line in diff.lines() {
                    out::line(format!("      {}", out::harmless(line)))?;
                }
            }
            Snapshot::Other { kept: None, .. } => unkept += 1,
            Snapshot::Same | Snapshot::Accepted => {}
        }
        if args.show || !t.verdict.failures.is_empty() {
            for line in t.verdict.timeline.lines() {
                out::line(format!("    {}", paint(QUIET, line)))?;
            }
        }
    }
    let passed = told.len() - failed;
    out::line(match failed {
        0 => format!("{} {}", passed, plural(passed, "test passes", "tests pass")),
        n => format!(
            "{n} of {} {}",
            told.len(),
            plural(told.len(), "test fails", "tests fail")
        ),
    })?;
    if failed > 0 && told.iter().any(|t| t.snapshot.differs()) {
        out::line(paint(QUIET, "--accept keeps the timelines as they are now"))?;
    }
    if unkept > 0 {
        out::line(paint(
            QUIET,
            format!(
                "{unkept} {} not kept yet: --accept keeps them, and from then on a test fails when its own differs",
                plural(unkept, "timeline is", "timelines are")
            ),
        ))?;
    }
    Ok(())
}

fn plural<'a>(n: usize, one: &'a str, many: &'a str) -> &'a str {
    if n == 1 { one } else { many }
}

fn tell_json(told: &[Told<'_>]) -> std::io::Result<()> {
    for t in told {
        let failures: Vec<Json> = t
            .verdict
            .failures
            .iter()
            .map(|m| json!({ "line": m.line, "expected": m.expected, "instead": m.instead }))
            .collect();
        let snapshot = match &t.snapshot {
            Snapshot::Same => "same",
            Snapshot::Accepted => "accepted",
            Snapshot::Other { kept: None, .. } => "none",
            Snapshot::Other { .. } => "differs",
        };
        out::line(json!({
            "title": t.case.title,
            "playbook": t.case.playbook,
            "file": t.case.origin.file,
            "line": t.case.origin.line,
            "passed": t.verdict.failures.is_empty() && !t.snapshot.differs(),
            "failures": failures,
            "unused": t.verdict.unused,
            "snapshot": snapshot,
            "timeline": t.verdict.timeline,
        }))?;
    }
    Ok(())
}
