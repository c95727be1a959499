//! A reference in, a page of Markdown with a table of contents out. The same reference gives the same page.

use super::prose::{cell, code, plain, prose};
use super::slug::{CONTENTS, Slugs};
use super::{Entry, Kind, Module, Playbook, Reference, Row};

/// The page.
pub fn markdown(reference: &Reference) -> String {
    let mut slugs = Slugs::default();
    slugs.next(&reference.title);
    slugs.next(CONTENTS);
    let (mut contents, mut body) = (String::new(), String::new());
    for module in &reference.modules {
        let slug = slugs.next(&module.name);
        contents += &format!("- [{}](#{slug})\n", plain(&module.name));
        body += &format!("## {}\n\n", plain(&module.name));
        if *module.name != *crate::index::PRELUDE {
            body += &format!("```play\nuse {}\n```\n\n", module.name);
        }
        contents += &of_module(module, &mut slugs, &mut body);
    }
    if !reference.playbooks.is_empty() {
        let heading = "Playbooks";
        let slug = slugs.next(heading);
        contents += &format!("- [{heading}](#{slug})\n");
        body += &format!("## {heading}\n\n");
        for playbook in &reference.playbooks {
            let slug = slugs.next(&playbook.title);
            contents += &format!("  - [{}](#{slug})\n", plain(&playbook.title));
            body += &of_playbook(playbook);
        }
    }
    if contents.is_empty() {
        contents = "Nothing is declared.\n".into();
    }
    let page = format!(
        "# {}\n\n## {CONTENTS}\n\n{contents}\n{body}",
        plain(&reference.title)
    );
    page.trim_end().to_owned() + "\n"
}

/// Writes a module's entries; its part of the contents comes back, a line for each kind.
fn of_module(module: &Module, slugs: &mut Slugs, body: &mut String) -> String {
    let mut contents = String::new();
    let mut kind: Option<Kind> = None;
    for entry in &module.entries {
        let slug = slugs.next(&entry.called);
        let link = format!("[{}](#{slug})", plain(&entry.name));
        if kind == Some(entry.kind) {
            contents += &format!(", {link}");
        } else {
            if kind.is_some() {
                contents.push('\n');
            }
            contents += &format!("  - {}: {link}", entry.kind.several());
            kind = Some(entry.kind);
        }
        *body += &of_entry(entry);
    }
    contents.push('\n');
    contents
}

fn of_entry(entry: &Entry) -> String {
    let mut out = format!("### {}\n\n", plain(&entry.called));
    out += &format!("*{}*", entry.kind.word());
    if !entry.signature.is_empty() {
        out += &match entry.kind {
            Kind::Enum => format!(", {}", entry.signature),
            _ => format!(" {}", code(&entry.signature)),
        };
    }
    out += "\n\n";
    if !entry.doc.trim().is_empty() {
        out += &format!("{}\n\n", prose(&entry.doc));
    }
    out += &table(entry.kind, &entry.rows);
    for fact in &entry.facts {
        let about = match fact.about.is_empty() {
            true => String::new(),
            false => format!("{}: ", plain(&fact.about)),
        };
        let parts: Vec<String> = [code(&fact.source), plain(&fact.note)]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect();
        out += &format!("- {about}{}\n", parts.join(", "));
    }
    if !entry.facts.is_empty() {
        out.push('\n');
    }
    if let Some(example) = &entry.example {
        out += &format!("```play\n{example}\n```\n\n");
    }
    out
}

/// A column: its heading, and what stands in a row of it.
type Column<'c> = (&'c str, &'c dyn Fn(&Row) -> String);

/// Parameters, fields or members; columns that are empty all the way down are left out.
fn table(kind: Kind, rows: &[Row]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let (name, value) = match kind {
        Kind::Enum => ("member", "on the wire"),
        Kind::Event => ("field", "from"),
        Kind::Type => ("field", ""),
        _ => ("parameter", "default"),
    };
    let columns: [Column<'_>; 4] = [
        (name, &|row| code(&row.name)),
        ("type", &|row| code(&row.ty)),
        (value, &|row| match row.value.strip_prefix("asked once: ") {
            Some(asked) => format!("asked once: {}", code(asked)),
            None => code(&row.value),
        }),
        ("meaning", &|row| prose(&row.doc)),
    ];
    let shown: Vec<_> = columns
        .iter()
        .filter(|(_, of)| rows.iter().any(|row| !of(row).is_empty()))
        .collect();
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut out = line(shown.iter().map(|(head, _)| (*head).to_owned()).collect());
    out += &line(shown.iter().map(|_| "---".to_owned()).collect());
    for row in rows {
        out += &line(shown.iter().map(|(_, of)| cell(&of(row))).collect());
    }
    out.push('\n');
    out
}

fn of_playbook(playbook: &Playbook) -> String {
    let mut out = format!(
        "### {}\n\n*playbook* {}\n\n",
        plain(&playbook.title),
        code(&playbook.id)
    );
    if !playbook.doc.trim().is_empty() {
        out += &format!("{}\n\n", prose(&playbook.doc));
    }
    if !playbook.head.is_empty() {
        out += &format!("```play\n{}\n```\n\n", playbook.head.join("\n"));
    }
    for (number, (stage, steps)) in playbook.stages.iter().enumerate() {
        out += &format!("{}. {}\n", number + 1, code(stage));
        for step in steps {
            out += &format!("   - {}\n", code(step));
        }
    }
    out.push('\n');
    out
}
