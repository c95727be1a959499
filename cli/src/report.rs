//! Findings in, text for people and lines for programs out.

use crate::args::CheckFormat;
use crate::out::{self, BAD, QUIET, WARN, paint};
use crate::project::Project;
use crate::sarif::Document;
use counterplay_compiler::diagnostic::{Diagnostic, Severity};
use counterplay_compiler::excerpt::{Excerpt, excerpts};
use counterplay_compiler::json;
use counterplay_compiler::locate::{self, Located};
use counterplay_compiler::project::FILE_NAME;
use counterplay_compiler::span::Place;
use serde_json::Value as Json;

/// Findings as text in a format; each line ends with a line break. People are shown the first findings of each file and
/// how many there are more, programs are given all of them.
pub fn findings(
    project: &Project,
    findings: &[Diagnostic],
    format: CheckFormat,
    color: bool,
) -> String {
    let each = |write: &dyn Fn(&Diagnostic) -> String| -> String {
        findings.iter().map(|d| write(d) + "\n").collect()
    };
    match format {
        CheckFormat::Human => human(project, findings, color),
        CheckFormat::Short => excerpts(findings)
            .iter()
            .flat_map(|of| of.shown.iter().map(|d| short(project, d)).chain(rest(of)))
            .map(|line| line + "\n")
            .collect(),
        CheckFormat::Json => each(&|d| as_json(project, d).to_string()),
        CheckFormat::Github => each(&|d| github(project, d)),
        CheckFormat::Sarif => {
            let mut document = Document::default();
            document.add(project, findings);
            document.text()
        }
    }
}

/// A finding as data, such as a service gives, in a line.
pub fn told(finding: &Json) -> String {
    let place = &finding["places"][0];
    let text = |key: &str| place[key].to_string();
    format!(
        "{}:{}:{}: {}[{}]: {}",
        out::harmless(place["path"].as_str().unwrap_or(FILE_NAME)),
        text("line"),
        text("column"),
        out::harmless(finding["severity"].as_str().unwrap_or("error")),
        out::harmless(finding["code"].as_str().unwrap_or("")),
        out::harmless(finding["message"].as_str().unwrap_or("")),
    )
}

fn human(project: &Project, findings: &[Diagnostic], color: bool) -> String {
    let mut text = String::new();
    for excerpt in excerpts(findings) {
        text.push_str(&project.workspace.render(&excerpt.shown, color));
        text.push('\n');
        if let Some(rest) = rest(&excerpt) {
            text.push_str(&format!("{rest}\n\n"));
        }
    }
    text
}

/// How many findings of a file are not shown.
fn rest(excerpt: &Excerpt) -> Option<String> {
    Some(paint(QUIET, excerpt.rest()?))
}

/// A finding as a workflow command of GitHub Actions.
///
/// Source: GitHub's documentation, "Workflow commands for GitHub Actions", setting an error message.
fn github(project: &Project, finding: &Diagnostic) -> String {
    // What a command's text may not hold, and what its properties may not.
    let data = |text: &str| {
        let text = out::harmless(text).replace('%', "%25");
        text.replace('\r', "%0D").replace('\n', "%0A")
    };
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let first = finding.labels.first();
    let mut said = vec![finding.message.as_str()];
    said.extend(first.map(|label| label.text.as_str()));
    said.extend(finding.why.iter().chain(&finding.help).map(String::as_str));
    let place = match first {
        None => String::new(),
        Some(label) => {
            let at = locate(project, &label.place);
            format!(
                "file={},line={},col={},endLine={},endColumn={},",
                property(&at.path),
                at.line,
                at.column,
                at.end_line,
                at.end_column
            )
        }
    };
    format!(
        "::{} {place}title={}::{}",
        finding.severity.word(),
        property(finding.code),
        data(&said.join("\n"))
    )
}

fn short(project: &Project, finding: &Diagnostic) -> String {
    let style = match finding.severity {
        Severity::Error => BAD,
        Severity::Warning => WARN,
    };
    let word = paint(
        style,
        format!("{}[{}]", finding.severity.word(), finding.code),
    );
    let message = out::harmless(&finding.message).replace('\n', " ");
    match finding.labels.first() {
        Some(label) => {
            let at = locate(project, &label.place);
            format!("{}:{}:{}: {word}: {message}", at.path, at.line, at.column)
        }
        None => format!("{word}: {message}"),
    }
}

/// A finding as JSON.
pub fn as_json(project: &Project, finding: &Diagnostic) -> Json {
    json::finding(finding, &|place| locate(project, place))
}

/// Finds a place in the project's files, also in those that are no text.
pub fn locate(project: &Project, place: &Place) -> Located {
    locate::locate(&project.workspace, place, &|path| {
        project.unread.get(path).cloned()
    })
}

/// How many findings of a severity there are.
pub fn number(findings: &[Diagnostic], severity: Severity) -> usize {
    findings.iter().filter(|d| d.severity == severity).count()
}

/// Where to read more about the first finding; nothing where there is none.
pub fn more(findings: &[Diagnostic]) -> Option<String> {
    let code = findings.first()?.code;
    let what = match findings.iter().any(|d| d.code != code) {
        true => "a finding, by its code",
        false => code,
    };
    Some(paint(
        QUIET,
        format!("for more about {what}: counterplay explain {code}"),
    ))
}

/// `3 errors, 1 warning in 4 files`.
pub fn summary(errors: usize, warnings: usize, files: usize) -> String {
    let mut parts = Vec::new();
    if errors > 0 {
        parts.push(paint(BAD, out::count(errors, "error")));
    }
    if warnings > 0 {
        parts.push(paint(WARN, out::count(warnings, "warning")));
    }
    if parts.is_empty() {
        parts.push(paint(out::GOOD, "no errors"));
    }
    format!("{} in {}", parts.join(", "), out::count(files, "file"))
}
