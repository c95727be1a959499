//! `counterplay fmt`: paths in, files in the one canonical style out.

use crate::args::FmtArgs;
use crate::error::{CANNOT, FOUND, Failure, OK, Outcome};
use crate::gather::Gathered;
use crate::out;
use crate::project::{find_root, shown, unreadable};
use counterplay_compiler::format::format;
use counterplay_compiler::project::FILE_NAME;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Formats files, folders, the project around this folder, or standard input.
///
/// # Errors
/// When something cannot be read or written.
pub fn fmt(args: &FmtArgs) -> Outcome {
    if args.paths.iter().any(|path| path.as_os_str() == "-") {
        if args.paths.len() > 1 {
            return Err(Failure::cannot_start(
                "`-` stands for standard input and is given alone",
            ));
        }
        return standard_input(args.check);
    }
    let gathered = gather(&args.paths)?;
    let mut changed = 0;
    for source in &gathered.sources {
        let formatted = format(&source.text);
        if formatted == source.text {
            continue;
        }
        changed += 1;
        if args.check {
            out::line(format!("would change {}", source.path))?;
        } else {
            replace(Path::new(&source.path), &formatted)?;
            out::line(format!("formatted {}", source.path))?;
        }
    }
    let files = gathered.sources.len();
    out::line(match (changed, args.check) {
        (0, _) => format!("{} formatted already", count(files)),
        (n, true) => format!("{} of {} would change", n, count(files)),
        (n, false) => format!("{} of {} changed", n, count(files)),
    })?;
    for finding in &gathered.findings {
        let file = finding.labels.first().map_or("", |l| &l.place.anchor.file);
        out::complain(&format!("{file} is left alone: {}", finding.message));
    }
    Ok(if !gathered.findings.is_empty() {
        CANNOT
    } else if changed > 0 && args.check {
        FOUND
    } else {
        OK
    })
}

fn count(files: usize) -> String {
    match files {
        1 => "1 file".into(),
        n => format!("{n} files"),
    }
}

fn standard_input(check: bool) -> Outcome {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).map_err(|error| {
        Failure::cannot_start(format!("standard input cannot be read: {error}"))
    })?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::cannot_start("standard input is no UTF-8 text"))?;
    let formatted = format(&text);
    if check {
        return Ok(if formatted == text { OK } else { FOUND });
    }
    out::text(formatted)?;
    Ok(OK)
}

/// The files that are meant.
fn gather(paths: &[PathBuf]) -> Result<Gathered, Failure> {
    let mut gathered = Gathered::named(shown);
    if paths.is_empty() {
        let root = find_root(Path::new(".")).ok_or_else(|| {
            Failure::cannot_start(format!(
                "there is no {FILE_NAME} here or above; name the files or folders that are meant"
            ))
        })?;
        return Gathered::project(&root, shown, &[]);
    }
    for path in paths {
        let found = std::fs::metadata(path).map_err(|e| unreadable(path, &e))?;
        if found.is_dir() {
            gathered.folder(path, path, 0)?;
        } else if path.extension().is_some_and(|e| e == "play") {
            gathered.file(path, path.parent().unwrap_or(Path::new("")))?;
        } else {
            return Err(Failure::cannot_start(format!(
                "{} is neither a .play file nor a folder",
                shown(path)
            )));
        }
    }
    Ok(gathered)
}

/// Replaces a file in one step: a crash leaves the old text or the new one, never half of it.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: &std::io::Error| {
        Failure::cannot_start(format!("{} cannot be written: {error}", shown(path)))
    };
    // A link leads to the file that is meant; the link itself stays.
    let target = std::fs::canonicalize(path).map_err(|e| failed(&e))?;
    let folder = target.parent().unwrap_or(Path::new("."));
    let permissions = std::fs::metadata(&target)
        .map_err(|e| failed(&e))?
        .permissions();
    let mut beside = tempfile::NamedTempFile::new_in(folder).map_err(|e| failed(&e))?;
    beside
        .write_all(text.as_bytes())
        .and_then(|()| beside.as_file().sync_all())
        .and_then(|()| beside.as_file().set_permissions(permissions))
        .map_err(|e| failed(&e))?;
    beside.persist(&target).map_err(|e| failed(&e.error))?;
    Ok(())
}
