//! Findings in, a SARIF 2.1.0 document for code scanning out.
//!
//! Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0 Plus Errata 01".

use crate::out;
use crate::project::Project;
use crate::report::locate;
use counterplay_compiler::diagnostic::{Diagnostic, Fix};
use counterplay_compiler::explain;
use counterplay_compiler::locate::Located;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value as Json, json};

/// Where the format is defined.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// What is written as `%…` in the path of an address.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A document in the making: the findings of one project after the other.
#[derive(Default)]
pub struct Document {
    /// The codes that were found, each a rule, in the order in which they came.
    codes: Vec<&'static str>,
    results: Vec<Json>,
}

impl Document {
    /// Adds the findings of a project.
    pub fn add(&mut self, project: &Project, findings: &[Diagnostic]) {
        for finding in findings {
            let known = self.codes.iter().position(|code| *code == finding.code);
            let rule = known.unwrap_or_else(|| {
                self.codes.push(finding.code);
                self.codes.len() - 1
            });
            self.results.push(result(project, finding, rule));
        }
    }

    /// The whole document, with a line break at its end.
    pub fn text(self) -> String {
        let rules: Vec<Json> = self.codes.iter().map(|code| rule(code)).collect();
        let log = json!({
            "$schema": SCHEMA,
            "version": "2.1.0",
            "runs": [{
                "tool": {"driver": {
                    "name": "Counterplay",
                    "semanticVersion": env!("CARGO_PKG_VERSION"),
                    "rules": rules,
                }},
                "columnKind": "unicodeCodePoints",
                "results": self.results,
            }],
        });
        format!("{log:#}\n")
    }
}

/// A code as a rule, told by its page.
fn rule(code: &str) -> Json {
    let Some(page) = explain::page(code) else {
        return json!({"id": code});
    };
    let mut paragraphs = page.split("\n\n");
    let heading = paragraphs.next().unwrap_or("");
    let title = heading.split_once(": ").map_or(heading, |(_, title)| title);
    let first = paragraphs.next().unwrap_or("").replace('\n', " ");
    json!({
        "id": code,
        "shortDescription": {"text": title},
        "fullDescription": {"text": first},
        "help": {"text": page, "markdown": page},
    })
}

fn result(project: &Project, finding: &Diagnostic, rule: usize) -> Json {
    let mut said = finding.message.clone();
    let notes = [("why", &finding.why), ("help", &finding.help)];
    for (word, note) in notes {
        if let Some(note) = note {
            said.push_str(&format!("\n{word}: {note}"));
        }
    }
    let mut places = finding.labels.iter().enumerate().map(|(index, label)| {
        let at = locate(project, &label.place);
        let mut place = json!({"physicalLocation": {
            "artifactLocation": {"uri": address(&at.path)},
            "region": region(&at),
        }});
        if index > 0 {
            place["id"] = Json::from(index);
        }
        if !label.text.is_empty() {
            place["message"] = json!({"text": out::harmless(&label.text)});
        }
        place
    });
    let first: Vec<Json> = places.next().into_iter().collect();
    let mut result = json!({
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": finding.severity.word(),
        "message": {"text": out::harmless(&said)},
        "locations": first,
    });
    let related: Vec<Json> = places.collect();
    if !related.is_empty() {
        result["relatedLocations"] = Json::from(related);
    }
    let fixes: Vec<Json> = finding.fixes.iter().map(|f| fix(project, f)).collect();
    if !fixes.is_empty() {
        result["fixes"] = Json::from(fixes);
    }
    result
}

/// A fix: its replacements, file by file.
fn fix(project: &Project, fix: &Fix) -> Json {
    let mut files: Vec<(String, Vec<Json>)> = Vec::new();
    for (place, text) in &fix.edits {
        let at = locate(project, place);
        let replacement = json!({
            "deletedRegion": region(&at),
            "insertedContent": {"text": text},
        });
        let file = address(&at.path);
        match files.iter_mut().find(|(known, _)| *known == file) {
            Some((_, replacements)) => replacements.push(replacement),
            None => files.push((file, vec![replacement])),
        }
    }
    let changes: Vec<Json> = files
        .into_iter()
        .map(|(file, replacements)| {
            json!({"artifactLocation": {"uri": file}, "replacements": replacements})
        })
        .collect();
    json!({
        "description": {"text": fix.title},
        "artifactChanges": changes,
        "properties": {"safe": fix.safe},
    })
}

fn region(at: &Located) -> Json {
    json!({
        "startLine": at.line,
        "startColumn": at.column,
        "endLine": at.end_line,
        "endColumn": at.end_column,
    })
}

/// A file as an address: relative to the folder in which the check ran, where it lies below it.
fn address(path: &str) -> String {
    let encoded = |path: &str| utf8_percent_encode(path, PATH).to_string();
    match path.split_once(":/") {
        Some((scheme @ ("std" | "built-in"), rest)) => format!("{scheme}:/{}", encoded(rest)),
        _ if path.starts_with('/') => format!("file://{}", encoded(path)),
        _ => encoded(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_become_addresses() {
        assert_eq!(address("playbooks/a, b.play"), "playbooks/a%2C%20b.play");
        assert_eq!(address("/tmp/é.play"), "file:///tmp/%C3%A9.play");
        assert_eq!(address("std:/notify.play"), "std:/notify.play");
        assert_eq!(address("../a:/b.play"), "../a%3A/b.play");
    }

    #[test]
    fn every_code_becomes_a_rule_with_its_page() {
        for (code, title) in explain::codes() {
            let rule = rule(code);
            assert_eq!(rule["shortDescription"]["text"], title);
            let full = rule["fullDescription"]["text"].as_str().unwrap_or("");
            assert!(full.len() > 20 && !full.contains('\n'), "{code}: {full}");
            assert_eq!(rule["help"]["markdown"].as_str(), explain::page(code));
        }
    }
}
