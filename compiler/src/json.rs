//! A finding in, JSON for programs out.

use crate::diagnostic::Diagnostic;
use crate::locate::Located;
use crate::span::Place;
use serde_json::{Value as Json, json};

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

/// A finding as JSON: the form of `counterplay check --format json` and of the API.
pub fn finding(finding: &Diagnostic, locate: &dyn Fn(&Place) -> Located) -> Json {
    let places: Vec<Json> = finding
        .labels
        .iter()
        .map(|label| {
            let mut place = range(&locate(&label.place));
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
                    let mut edit = range(&locate(place));
                    edit["text"] = Json::from(text.as_str());
                    edit
                })
                .collect();
            json!({"title": fix.title, "safe": fix.safe, "edits": edits})
        })
        .collect();
    json!({
        "code": finding.code,
        "severity": finding.severity.word(),
        "message": finding.message,
        "places": places,
        "why": finding.why,
        "help": finding.help,
        "fixes": fixes,
    })
}
