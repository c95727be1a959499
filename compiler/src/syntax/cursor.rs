//! A text with a mark at the cursor in, where in the file's structure the mark stands out.

use std::sync::Arc;

use super::{
    cut,
    report::Report,
    token::{self, Kind},
    tree::{Block, Statement},
};

/// Where a mark stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The lines whose blocks hold the mark, outermost first, each as its words and marks.
    pub enclosing: Vec<Vec<String>>,
    /// What stands on the mark's own line before it, without what is being written.
    pub before: Vec<String>,
    /// The lines before it in the same block, each by its first words.
    pub siblings: Vec<Vec<String>>,
    /// In what kind of text it stands.
    pub inside: Inside,
    /// Brackets that are open at the mark, as they would be closed, innermost first.
    pub closers: String,
}

/// In what a mark stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inside {
    /// The program.
    Program,
    /// A comment.
    Comment,
    /// A text, or an interpolation in one.
    Text,
}

/// How many tokens of a line before the mark are looked at.
const TOKENS_MAX: usize = 400;

/// Finds a mark in a text.
pub fn find(path: &Arc<str>, text: &str, mark: &str) -> Option<Cursor> {
    let at = text.find(mark)?;
    let tokens = token::tokens(text);
    let token = tokens.iter().find(|t| t.start <= at && at < t.end)?;
    let inside = match token.kind {
        Kind::Comment | Kind::Doc | Kind::HashComment | Kind::StarComment => Inside::Comment,
        kind if kind.is_text() => Inside::Text,
        _ => Inside::Program,
    };
    let mut cursor = Cursor {
        enclosing: Vec::new(),
        before: Vec::new(),
        siblings: Vec::new(),
        inside,
        closers: String::new(),
    };
    if inside == Inside::Comment {
        return Some(cursor);
    }
    let mut report = Report::new(path, text);
    let statements = cut::cut(&mut report, &tokens);
    walk(&mut cursor, text, &statements, at);
    let mut open = Vec::new();
    for word in &cursor.before {
        match word.as_str() {
            "(" => open.push(')'),
            "[" => open.push(']'),
            "{" => open.push('}'),
            ")" | "]" | "}" => {
                open.pop();
            }
            _ => {}
        }
    }
    cursor.closers = open.iter().rev().collect();
    Some(cursor)
}

/// The words and marks of a line.
fn words(text: &str, statement: &Statement, end: usize) -> Vec<String> {
    let pieces = statement.pieces.iter().take_while(|piece| piece.end <= end);
    let words = pieces.map(|piece| piece.text(text).to_owned());
    words.take(TOKENS_MAX).collect()
}

fn walk(cursor: &mut Cursor, text: &str, statements: &[Statement], at: usize) {
    let mut siblings = Vec::new();
    for statement in statements {
        let (start, end) = statement.range();
        if start <= at && at < end {
            cursor.before = words(text, statement, at);
            cursor.siblings = siblings;
            return;
        }
        if let Some(block) = &statement.block
            && holds(block, at)
        {
            cursor.enclosing.push(words(text, statement, usize::MAX));
            return walk(cursor, text, &block.statements, at);
        }
        let mut line = words(text, statement, usize::MAX);
        line.truncate(8);
        siblings.push(line);
    }
    cursor.siblings = siblings;
}

fn holds(block: &Block, at: usize) -> bool {
    block.start < at && at < block.end
}
