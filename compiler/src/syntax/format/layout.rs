//! A head with its breaks in, its lines out: what stands in brackets on one line or one element a line, other
//! breaks where the author or `breaks.rs` put them.

use super::super::token::Kind;
use super::head::{Head, Node};
use super::{CONTINUED, INDENT, space};

/// A laid out head.
pub(super) struct Layout {
    pub(super) text: String,
    /// The groups in their order.
    pub(super) seen: Vec<Seen>,
    /// On which line each token of the root stands: the token, and the line.
    pub(super) root_lines: Vec<(usize, usize)>,
    /// How wide the comments at the ends of lines are: the line, and the width.
    pub(super) comments: Vec<(usize, usize)>,
}

/// A group that stands on a line: its index, and how wide it is.
pub(super) struct Seen {
    pub(super) line: usize,
    pub(super) group: usize,
    pub(super) width: usize,
}

/// Lays a head out, the first line without its indentation. `continued` is how far its further lines are
/// indented more than the first.
pub(super) fn render(head: &Head<'_>, indent: usize, continued: usize) -> Layout {
    let mut out = Out {
        head,
        indent,
        lines: 0,
        last: None,
        fresh: true,
        layout: Layout {
            text: String::new(),
            seen: Vec::new(),
            root_lines: Vec::new(),
            comments: Vec::new(),
        },
    };
    for node in &head.root {
        let (Node::Token(index) | Node::Group(index)) = node;
        if let Node::Token(_) = node {
            out.token(*index, Some(indent + continued));
            out.layout.root_lines.push((*index, out.lines));
        } else {
            out.group(*index, Some(indent + continued), indent + continued);
        }
    }
    out.layout
}

/// What was written so far.
struct Out<'h, 't> {
    head: &'h Head<'t>,
    layout: Layout,
    /// How far the line that is being written is indented.
    indent: usize,
    /// How many line breaks were written.
    lines: usize,
    /// The last token.
    last: Option<usize>,
    /// Whether the next token begins a line, or a blank was written already.
    fresh: bool,
}

impl Out<'_, '_> {
    fn line(&mut self, indent: usize) {
        self.layout.text.push('\n');
        self.layout.text.push_str(&" ".repeat(indent));
        self.lines += 1;
        self.indent = indent;
        self.fresh = true;
    }

    /// A comment at the end of a line.
    fn trailing(&mut self, comment: &str) {
        self.layout.text.push_str("  ");
        self.layout.text.push_str(comment);
        let width = comment.chars().count() + 2;
        self.layout.comments.push((self.lines, width));
    }

    /// A token; on a line of its own with this indentation, where there is a break before it that counts.
    fn token(&mut self, index: usize, broken_at: Option<usize>) {
        let head = self.head;
        let Some(piece) = head.pieces.get(index) else {
            return;
        };
        let broken = head.breaks.get(index) == Some(&true);
        match broken_at {
            Some(indent) if broken && !self.fresh => {
                self.comments_before(index, indent);
                self.line(indent);
            }
            _ => {
                let between = self.last.and_then(|last| head.pieces.get(last));
                // Commas are not printed through here, but a sign behind one is a sign.
                let before = self.last.and_then(|last| last.checked_sub(1));
                let before = before.and_then(|before| head.pieces.get(before));
                let blank = between.is_some_and(|a| space::blank(head.text, before, a, piece));
                if blank && !self.fresh {
                    self.layout.text.push(' ');
                }
            }
        }
        let word = head.text.get(piece.start..piece.end).unwrap_or("");
        self.layout.text.push_str(word);
        // Block texts hold line breaks.
        self.lines += word.matches('\n').count();
        self.fresh = false;
        self.last = Some(index);
    }

    /// The comments before a token.
    fn comments_before(&mut self, index: usize, indent: usize) {
        let head = self.head;
        let first = head.comments.partition_point(|comment| comment.0 < index);
        let comments = head.comments.get(first..).unwrap_or(&[]).iter();
        for (_, own_line, comment) in comments.take_while(|comment| comment.0 == index) {
            if *own_line {
                self.line(indent);
                self.layout.text.push_str(comment);
            } else {
                self.trailing(comment);
            }
        }
    }

    fn group(&mut self, index: usize, broken_at: Option<usize>, continued: usize) {
        let group = &self.head.groups[index];
        self.token(group.open, broken_at);
        // What is inside is indented from the line on which the bracket opens.
        let indent = self.indent;
        let start = self.layout.text.len();
        let at = self.layout.seen.len();
        self.layout.seen.push(Seen {
            line: self.lines,
            group: index,
            width: 0,
        });
        if group.spread {
            for (i, element) in group.elements.iter().enumerate() {
                if element.apart && i > 0 {
                    self.line(0);
                }
                for comment in &element.comments {
                    self.line(indent + INDENT);
                    self.layout.text.push_str(comment);
                }
                // An element begins on a line of its own, whatever the author did.
                self.line(indent + INDENT);
                self.flat(&element.nodes);
                self.layout.text.push(',');
                if let Some(comment) = &element.trailing {
                    self.trailing(comment);
                }
            }
            for comment in &group.last_comments {
                self.line(indent + INDENT);
                self.layout.text.push_str(comment);
            }
            self.line(indent);
            self.token(group.close, None);
        } else if group.has_comma {
            for (i, element) in group.elements.iter().enumerate() {
                if i > 0 {
                    self.layout.text.push_str(", ");
                    self.fresh = true;
                } else if self.head.pieces[group.open].kind == Kind::BraceOpen {
                    self.layout.text.push(' ');
                    self.fresh = true;
                }
                self.flat(&element.nodes);
            }
            self.token(group.close, None);
        } else {
            // No commas: there are no elements to spread, and the breaks stay.
            let opened = self.head.is_open(group);
            let inner = if opened { indent + INDENT } else { continued };
            for node in group.elements.iter().flat_map(|element| &element.nodes) {
                match node {
                    Node::Token(index) => self.token(*index, Some(inner)),
                    Node::Group(index) => self.group(*index, Some(inner), inner),
                }
            }
            let comments = &self.head.comments;
            let commented = comments.binary_search_by_key(&group.close, |comment| comment.0);
            if opened && !group.elements.is_empty() || commented.is_ok() {
                // What was opened is closed on a line of its own.
                self.comments_before(group.close, inner);
                self.line(indent);
            }
            self.token(group.close, None);
        }
        let written = self.layout.text.get(start..).unwrap_or("");
        self.layout.seen[at].width = written.chars().count();
    }

    /// The nodes of an element: without the author's breaks.
    fn flat(&mut self, nodes: &[Node]) {
        for node in nodes {
            match node {
                Node::Token(index) => self.token(*index, None),
                Node::Group(index) => self.group(*index, None, self.indent + CONTINUED),
            }
        }
    }
}
