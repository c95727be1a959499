//! The top level: which statements are items, what is said of the others, and bytes into text.

use std::sync::Arc;

use super::{
    ast::Item, codes, reader::Reader, report::Report, token::Kind, tree::Statement, words,
};
use crate::{
    diagnostic::Diagnostic,
    span::{Anchor, Place, Span},
};

/// An item and where it stands.
pub(crate) struct Found {
    pub(crate) key: String,
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) keyword: Option<Span>,
    pub(crate) item: Item,
}

/// Reads the top level's statements.
pub(crate) fn items(report: &mut Report<'_>, statements: &[Statement]) -> Vec<Found> {
    let mut out: Vec<Found> = Vec::new();
    let mut outside = false;
    for statement in statements {
        let meant = if is_item(report.text, statement) {
            None
        } else {
            meant(report, statement)
        };
        let statement = meant.as_ref().unwrap_or(statement);
        if !is_item(report.text, statement) {
            // A row of lines outside of items is one mistake.
            if !std::mem::replace(&mut outside, true) && !statement.reported {
                let diagnostic = not_an_item(report, statement, out.last());
                report.push(diagnostic);
            }
            continue;
        }
        outside = false;
        let (head, end) = (statement.range(), statement.end());
        let doc = statement
            .pieces
            .first()
            .and_then(|piece| piece.doc.as_ref());
        let start = doc.map_or(head.0, |doc| doc.start);
        let mut reader = Reader {
            report,
            base: start,
        };
        let item = reader.item(statement);
        let keyword = statement
            .pieces
            .first()
            .map(|piece| reader.span((piece.start, piece.end)));
        out.push(Found {
            key: key(report.text, statement),
            start,
            end,
            keyword,
            item,
        });
    }
    out
}

fn is_item(text: &str, statement: &Statement) -> bool {
    words::ITEMS.contains(&statement.word(text, 0))
}

/// `playbook x`; for `use` the whole line.
fn key(text: &str, statement: &Statement) -> String {
    let keyword = statement.word(text, 0);
    if keyword == "use" {
        // A comma behind the last element says nothing.
        let pieces = statement.pieces.iter().enumerate().skip(1);
        let meant = pieces.filter(|(at, piece)| {
            piece.kind != Kind::Comma
                || !matches!(statement.kind(at + 1), None | Some(Kind::ParenClose))
        });
        let rest: String = meant.map(|(_, piece)| piece.text(text)).collect();
        return format!("use {rest}");
    }
    match statement.pieces.get(1) {
        Some(piece) if piece.kind == Kind::Word || piece.kind.is_text() => {
            format!("{keyword} {}", piece.text(text))
        }
        _ => keyword.to_owned(),
    }
}

/// A statement that begins with a misspelt or foreign item keyword, as it was meant.
fn meant(report: &mut Report<'_>, statement: &Statement) -> Option<Statement> {
    let word = statement.word(report.text, 0);
    let named = statement
        .pieces
        .get(1)
        .is_some_and(|next| next.kind == Kind::Word || next.kind.is_text());
    if !named || words::PLAYBOOK.contains(&word) || words::STEPS.contains(&word) {
        return None;
    }
    let mut reader = Reader { report, base: 0 };
    match word {
        "import" | "include" => Some(reader.reword(
            statement,
            &["use"],
            codes::FOREIGN,
            &format!("a module is brought in with `use`, not `{word}`"),
            "write `use`",
        )),
        "struct" | "class" | "record" | "interface" if statement.block.is_some() => {
            Some(reader.reword(
                statement,
                &["type"],
                codes::FOREIGN,
                &format!("a record is declared with `type`, not `{word}`"),
                "write `type`",
            ))
        }
        _ => reader.misspelt(statement, words::ITEMS),
    }
}

fn not_an_item(report: &Report<'_>, statement: &Statement, last: Option<&Found>) -> Diagnostic {
    let word = statement.word(report.text, 0);
    let range = statement.range();
    let menu = words::menu(words::ITEMS);
    match word {
        "fn" | "def" | "function" | "func" => {
            return report
                .error(codes::FOREIGN, format!("there is no `{word}`"), range, "not an item")
                .help("write `define name(x: Type) -> Type = …` for a value, or `steps name(x: Type) { … }` for steps");
        }
        "let" | "const" | "var" => {
            return report
                .error(
                    codes::MISPLACED,
                    format!("`{word}` does not stand outside of items"),
                    range,
                    "not inside a stage",
                )
                .help(
                    "write `define name() -> Type = …` for a value that several playbooks share",
                );
        }
        _ => {}
    }
    let inside = words::PLAYBOOK.contains(&word) || words::STEPS.contains(&word);
    match last {
        Some(last) if inside || !matches!(statement.kind(1), Some(Kind::Word)) => report
            .error(
                codes::NOT_AN_ITEM,
                "this line stands outside of every item",
                range,
                "not part of anything",
            )
            .also(
                report.place(last.end.saturating_sub(1), last.end),
                format!("`{}` ends here", last.key),
            )
            .help("perhaps a `}` above is one too many"),
        _ => report
            .error(
                codes::NOT_AN_ITEM,
                "this line begins no item",
                range,
                "not an item",
            )
            .help(format!("at the left margin, a line begins with {menu}")),
    }
}

/// Turns a file's bytes into text, without a byte order mark.
///
/// # Errors
/// The diagnostic names the line of the first byte that is no UTF-8.
pub fn decode<'b>(path: &Arc<str>, bytes: &'b [u8]) -> Result<&'b str, Box<Diagnostic>> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let line = bytes.get(..at).unwrap_or(&[]).iter().filter(|byte| **byte == b'\n').count() + 1;
        let anchor = Anchor { file: path.clone(), item: Arc::from("") };
        let place = Place { anchor, span: Span::new(at, at) };
        let message = format!("this file is not UTF-8 text: byte {at}, on line {line}, cannot be read");
        Box::new(
            Diagnostic::error(codes::NOT_TEXT, message, place, "here")
                .help("save the file as UTF-8; many editors call the other encodings ANSI, Latin-1 or UTF-16"),
        )
    })
}
