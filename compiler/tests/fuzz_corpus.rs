//! The fuzz targets over their corpus: what fuzzing has found once stays mended.

#[path = "../../fuzz/targets.rs"]
mod targets;

use std::{fs, path::Path};

fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fuzz/corpus")
        .join(target);
    let mut count = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        // Shown where the case fails.
        println!("{}", path.display());
        run(&fs::read(&path).unwrap());
        count += 1;
    }
    assert!(count >= 5, "{} holds {count} files", folder.display());
}

#[test]
fn lexer() {
    replay("lexer", targets::lexer);
}

#[test]
fn blocks() {
    replay("blocks", targets::blocks);
}

#[test]
fn checker() {
    replay("checker", targets::checker);
}

#[test]
fn formatter() {
    replay("formatter", targets::formatter);
}
