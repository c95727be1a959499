//! Any bytes in, a panic out where something that must hold does not. The fuzzer runs these, and
//! `compiler/tests/fuzz_corpus.rs` runs them over the corpus.

use counterplay_compiler::{
    diagnostic::Diagnostic,
    format::format,
    syntax::{
        decode,
        lexical::{Class, lexemes},
        parse,
    },
    workspace::{Source, Workspace},
};
use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

/// What the compiler reads of a file's bytes.
fn text(bytes: &[u8]) -> Option<&str> {
    decode(&path(), bytes).ok()
}

fn path() -> Arc<str> {
    Arc::from("case.play")
}

/// Tokens stand in the order of the file, apart from each other, and nothing but blanks stands between them.
pub fn lexer(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let mut end = 0;
    for lexeme in lexemes(&path(), text) {
        let Some(own) = text.get(lexeme.start..lexeme.end) else {
            panic!("{lexeme:?} cuts a character");
        };
        assert!(!own.is_empty(), "{lexeme:?} is nothing");
        if lexeme.start < end {
            // Keywords in a text's interpolations come after the text.
            assert_eq!(lexeme.class, Class::Keyword, "{lexeme:?} overlaps");
            assert!(lexeme.end <= end, "{lexeme:?} reaches out of its text");
            continue;
        }
        let between = &text[end..lexeme.start];
        let is_blank = |c: char| c.is_whitespace() || matches!(c, '\u{200B}' | '\u{FEFF}');
        assert!(between.chars().all(is_blank), "{between:?} is lost");
        end = lexeme.end;
    }
    let is_blank = |c: char| c.is_whitespace() || matches!(c, '\u{200B}' | '\u{FEFF}');
    assert!(text[end..].chars().all(is_blank), "the end is lost");
}

/// Items do not overlap, each has a key of its own, findings lie inside of the file and in what they are about, and
/// applying a fix gives a text that can be read in turn.
pub fn blocks(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let parsed = parse(&path(), text);
    let (mut end, mut keys) = (0, HashSet::new());
    for item in &parsed.items {
        assert!(item.offset >= end, "`{}` overlaps", item.key);
        end = item.offset + item.len;
        assert!(text.get(item.offset as usize..end as usize).is_some());
        assert!(
            keys.insert(item.key.clone()),
            "`{}` is there twice",
            item.key
        );
        let own = item
            .diagnostics
            .iter()
            .flat_map(|found| found.labels.first());
        for label in own {
            assert_eq!(label.place.anchor.item, item.key);
            assert!(label.place.span.start <= label.place.span.end);
        }
    }
    let inside = parsed.items.iter().flat_map(|item| &item.diagnostics);
    for found in parsed.diagnostics.iter().chain(inside) {
        said(found);
        let offset = |item: &str| {
            let item = parsed.items.iter().find(|own| *own.key == *item);
            item.map_or(0, |item| item.offset)
        };
        for fix in found.fixes.iter().take(2) {
            let mut fixed = text.to_owned();
            let mut edits: Vec<_> = fix.edits.iter().collect();
            edits.sort_by_key(|(place, _)| {
                std::cmp::Reverse(place.span.start + offset(&place.anchor.item))
            });
            for (place, new) in edits {
                let from = offset(&place.anchor.item);
                let range = (place.span.start + from) as usize..(place.span.end + from) as usize;
                assert!(
                    fixed.get(range.clone()).is_some(),
                    "{found:?} edits {range:?}"
                );
                fixed.replace_range(range, new);
            }
            parse(&path(), &fixed);
        }
    }
}

/// What a finding says is for people.
fn said(found: &Diagnostic) {
    assert!(
        !found.message.is_empty() && !found.labels.is_empty(),
        "{found:?}"
    );
    for word in ["kw_", "op_", "__missing__", "Some(", "None)"] {
        let message = &found.message;
        // What an author wrote is quoted.
        let quoted = message
            .split('`')
            .step_by(2)
            .any(|part| part.contains(word));
        assert!(!quoted, "{message}");
    }
}

const CONFIG: &str = "[project]\nname = \"Fuzz\"\n\n[teams.soc]\nmembers = [\"ana@example.org\", \"bo@example.org\"]\nemail = \"soc@example.org\"\n\n[tenants.contoso]\nid = \"contoso\"\ngroups = [\"gold\"]\n\n[connections.graph]\n[connections.mail]\n";

/// The project with the library, checked once; each case is another text of its only file.
static PROJECT: LazyLock<std::sync::Mutex<Workspace>> = LazyLock::new(|| {
    let source = source(String::new());
    let config = Some(("counterplay.toml".to_owned(), CONFIG.to_owned()));
    std::sync::Mutex::new(Workspace::new(vec![source], config))
});

fn source(text: String) -> Source {
    Source {
        path: "case.play".to_owned(),
        module: "case".to_owned(),
        text,
    }
}

/// A project of one file with the library is checked, whatever the file holds, and its findings can be shown.
pub fn checker(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let mut project = PROJECT
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    project.set_text(source(text.to_owned()));
    let compiled = project.compile();
    for found in &compiled.diagnostics {
        said(found);
    }
    let shown = project.render(&compiled.diagnostics, false);
    assert_eq!(shown.is_empty(), compiled.diagnostics.is_empty());
}

/// Formatting twice is formatting once, and nothing that was found before is another thing behind it.
pub fn formatter(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let once = format(text);
    assert_eq!(format(&once), once, "{text:?} is not settled");
    assert_eq!(
        codes(text),
        codes(&once),
        "{text:?} means something else as {once:?}"
    );
    let meant = |text: &str| -> Vec<String> {
        let of_layout = |c: char| c.is_whitespace() || matches!(c, ',' | '\u{200B}' | '\u{FEFF}');
        let lexemes = lexemes(&path(), text).into_iter();
        let own = lexemes.filter(|lexeme| {
            !matches!(
                lexeme.class,
                Class::Text | Class::Comment | Class::Documentation
            )
        });
        let words = own.map(|lexeme| text[lexeme.start..lexeme.end].replace(of_layout, ""));
        words.filter(|word| !word.is_empty()).collect()
    };
    assert_eq!(
        meant(text),
        meant(&once),
        "{text:?} is other words as {once:?}"
    );
}

/// The codes of a text's findings and the keys of its items, without the returns at the ends of lines.
fn codes(text: &str) -> (Vec<&'static str>, Vec<String>) {
    let parsed = parse(&path(), text);
    let inside = parsed.items.iter().flat_map(|item| &item.diagnostics);
    let mut codes: Vec<_> = parsed
        .diagnostics
        .iter()
        .chain(inside)
        .map(|found| found.code)
        .collect();
    codes.sort_unstable();
    (
        codes,
        parsed
            .items
            .iter()
            .map(|item| item.key.replace('\r', ""))
            .collect(),
    )
}
