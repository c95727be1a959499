//! A cursor's place in the structure of the file in, what kind of thing may stand there out.

use counterplay_compiler::syntax::cursor::Cursor;
use counterplay_compiler::syntax::lexical;

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockKind {
    /// Items: the file itself.
    Items,
    /// The lines of a playbook.
    Playbook,
    /// Properties of a declaration.
    Properties,
    /// Fields of a type.
    Fields,
    /// Members of an enum.
    Members,
    /// Steps.
    Steps,
    /// Arms of a step.
    Arms,
    /// Cases of a `match`.
    Cases,
    /// Lines of a guard.
    Guard,
    /// Lines of a test.
    Test,
}

/// Where the cursor stands.
#[derive(Clone, Debug)]
pub struct Context {
    /// What the block around it holds.
    pub block: BlockKind,
    /// The words and marks of the line before the word that is being written.
    pub before: Vec<String>,
    /// The lines before it in its block.
    pub siblings: Vec<Vec<String>>,
    /// The line whose block it stands in.
    pub parent: Vec<String>,
    /// What would close the open brackets.
    pub closers: String,
    /// Whether a value ends just before it, so that only an operator or a clause can follow.
    pub after_operand: bool,
    /// Where the word or mark before the cursor's word ends.
    pub ends: usize,
    /// Whether a bracket follows: what is called has its arguments already.
    pub called: bool,
    /// Whether the word begins at the left margin.
    pub at_margin: bool,
}

/// Words after which a value follows.
const BEFORE_VALUES: &[&str] = &[
    "and", "or", "not", "in", "if", "then", "else", "contains", "matches", "with", "where",
    "about", "by", "needs", "within", "valid", "default", "unless", "when", "after", "until",
    "every", "of", "than", "most", "wait", "match", "attempt", "return", "run", "because",
    "checking", "on", "only", "per", "from", "to", "up", "once", "changes", "except", "group",
    "for", "each", "let", "approve", "escalate", "ignore", "repeats", "resolved", "at", "as",
    "end", "without", "refuse", "more", "is", "starts", "ends", "webhook",
];

impl Context {
    /// Works out where a cursor stands; `start` is where its word begins.
    pub fn new(cursor: &Cursor, before: &str, after: &str, start: usize) -> Context {
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Context {
            block: block_kind(&cursor.enclosing),
            before: cursor.before.clone(),
            siblings: cursor.siblings.clone(),
            parent: cursor.enclosing.last().cloned().unwrap_or_default(),
            closers: cursor.closers.clone(),
            after_operand: ends_operand(&cursor.before),
            ends: before[..start].trim_end().len(),
            called: after.starts_with('('),
            at_margin: start == line_start,
        }
    }

    /// Whether a step may begin here.
    pub fn is_step(&self) -> bool {
        self.block == BlockKind::Steps && self.before.is_empty()
    }

    /// Whether a clause may follow: after a value, or after the comma behind one.
    pub fn may_have_clause(&self) -> bool {
        let after_comma = self.last() == ","
            && self.closers.is_empty()
            && matches!(
                self.first(),
                "approve" | "when" | "for" | "wait" | "resolved"
            );
        self.after_operand || after_comma
    }

    /// The first word of the line.
    pub fn first(&self) -> &str {
        self.before.first().map_or("", String::as_str)
    }

    /// The last word or mark before the cursor's word.
    pub fn last(&self) -> &str {
        self.before.last().map_or("", String::as_str)
    }

    /// The same without a module and its dot.
    pub fn line(&self) -> &[String] {
        match self.before.as_slice() {
            [line @ .., _, dot] if dot == "." => line,
            line => line,
        }
    }
}

fn block_kind(enclosing: &[Vec<String>]) -> BlockKind {
    enclosing.iter().fold(BlockKind::Items, |outer, line| {
        let first = line.first().map_or("", String::as_str);
        let second = line.get(1).map_or("", String::as_str);
        match outer {
            BlockKind::Items => match first {
                "playbook" => BlockKind::Playbook,
                "type" => BlockKind::Fields,
                "enum" => BlockKind::Members,
                "steps" => BlockKind::Steps,
                "guard" => BlockKind::Guard,
                "test" => BlockKind::Test,
                _ => BlockKind::Properties,
            },
            BlockKind::Steps => match (first, second) {
                ("match", _) => BlockKind::Cases,
                ("if" | "else" | "for" | "in" | "then" | "without", _) | ("attempt", "each") => {
                    BlockKind::Steps
                }
                _ => BlockKind::Arms,
            },
            other @ (BlockKind::Guard | BlockKind::Test) => other,
            _ => BlockKind::Steps,
        }
    })
}

/// Whether a value ends with the last of these words and marks.
fn ends_operand(before: &[String]) -> bool {
    let Some(last) = before.last() else {
        return false;
    };
    let after_dot = before.len() >= 2 && before[before.len() - 2] == ".";
    match last.chars().next() {
        Some(')' | ']' | '}' | '"') => true,
        Some(c) if c.is_ascii_digit() => true,
        Some(c) if c.is_ascii_alphabetic() || c == '_' => {
            let begins = lexical::ITEM_WORDS.contains(&last.as_str());
            after_dot || !(begins || BEFORE_VALUES.contains(&last.as_str()))
        }
        _ => false,
    }
}
