//! `counterplay doc`: a project or the standard library in, its reference as one page out.

mod html;

use crate::args::{DocArgs, DocFormat};
use crate::choose;
use crate::error::{Failure, OK, Outcome};
use crate::out;
use crate::project;
use counterplay_compiler::reference;
use std::io::ErrorKind;
use std::path::Path;

/// Writes a reference.
///
/// # Errors
/// When the project has errors, or something cannot be read or written.
pub fn doc(args: &DocArgs) -> Outcome {
    let (reference, name) = if args.library {
        let workspace = project::built_in().workspace;
        let of = reference::of_library(&workspace.db, workspace.project);
        (of, "library")
    } else {
        let project = choose::without_errors(project::at(args.project.as_deref())?)?;
        let workspace = &project.workspace;
        let mut of = reference::of_project(&workspace.db, workspace.project);
        // Files that belong to no project are shown alone, without the responses that ship.
        if args.project.is_some() && project.root.is_none() {
            let own = &project.compiled.program.playbooks;
            of.playbooks.retain(|p| {
                own.get(&*p.id).is_some_and(|playbook| {
                    let start = playbook.graph.node_weight(playbook.start);
                    start.is_some_and(|start| !start.origin.file.starts_with("std:/"))
                })
            });
        }
        (of, "reference")
    };
    let markdown = reference::markdown(&reference);
    let (page, ending) = match args.format {
        DocFormat::Markdown => (markdown, "md"),
        DocFormat::Html => (html::page(&reference.title, &markdown), "html"),
    };
    match &args.out {
        None => out::text(out::harmless(&page))?,
        Some(folder) => {
            let file = folder.join(format!("{name}.{ending}"));
            std::fs::create_dir_all(folder).map_err(|e| unwritable(folder, &e))?;
            std::fs::write(&file, page).map_err(|e| unwritable(&file, &e))?;
            out::line(format!("wrote {}", project::shown(&file)))?;
        }
    }
    Ok(OK)
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    let path = project::shown(path);
    Failure::cannot_start(match error.kind() {
        ErrorKind::PermissionDenied => {
            format!("{path} cannot be written: this user has no permission to")
        }
        _ => format!("{path} cannot be written: {error}"),
    })
}
