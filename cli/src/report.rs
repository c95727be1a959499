//! Findings in, text or JSON for people and programs out.

use crate::args::CheckFormat;
use crate::out::{self, BAD, QUIET, WARN, paint};
use crate::place::{Located, locate};
use crate::project::Project;
use counterplay_compiler::diagnostic::{Diagnostic, Severity};
use serde_json::{Value as Json, json};

/// Findings as text in a format; each line ends with a line break.
pub fn findings(
    project: &Project,
    findings: &[Diagnostic],
    format: CheckFormat,
    color: bool,
) -> String {
    match format {
        CheckFormat::Human if findings.is_empty() => String::new(),
        CheckFormat::Human => format!("{}\n", project.workspace.render(findings, color)),
        CheckFormat::Short => findings.iter().map(|d| short(project, d) + "\n").collect(),
        CheckFormat::Json => findings
            .iter()
            .map(|d| format!("{}\n", as_json(project, d)))
            .collect(),
    }
}

/// The severity as it is written.
pub fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn short(project: &Project, finding: &Diagnostic) -> String {
    let style = match finding.severity {
        Severity::Error => BAD,
        Severity::Warning => WARN,
    };
    let word = paint(
        style,
        format!("{}[{}]", word(finding.severity), finding.code),
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

fn range(at: &Located) -> Json {
    json!({
        "path": at.path,
        "line": at.line,
        "column": at.column,
        "end_line": at.end_line,
        "end_column": at.end_column,
        "start": at.start,
        "end": at.end,
    })
}

/// A finding as JSON.
pub fn as_json(project: &Project, finding: &Diagnostic) -> Json {
    let places: Vec<Json> = finding
        .labels
        .iter()
        .map(|label| {
            let mut place = range(&locate(project, &label.place));
            place["label"] = Json::from(label.text.as_str());
            place
        })
        .collect();
    let fixes: Vec<Json> = finding
        .fixes
        .iter()
        .map(|fix| {
            let edits: Vec<Json> = fix
                .edits
                .iter()
                .map(|(place, text)| {
                    let mut edit = range(&locate(project, place));
                    edit["text"] = Json::from(text.as_str());
                    edit
                })
                .collect();
            json!({"title": fix.title, "safe": fix.safe, "edits": edits})
        })
        .collect();
    json!({
        "code": finding.code,
        "severity": word(finding.severity),
        "message": finding.message,
        "places": places,
        "why": finding.why,
        "help": finding.help,
        "fixes": fixes,
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
