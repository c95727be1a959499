//! A statement's tokens and the comments among them in, its lines out: what stands in brackets on one line or
//! one element a line, other breaks where the author made them.

use super::super::{
    token::{Kind, Token},
    tree::{Piece, Statement},
};
use super::{CONTINUED, INDENT, WIDTH, space};

/// How often a line that is too wide is looked at again.
const SPREADS_MAX: usize = 200;

/// A part of a head.
enum Node {
    /// A token, by its index.
    Token(usize),
    /// What stands in brackets, by its index among the groups.
    Group(usize),
}

/// What stands in brackets.
struct Group {
    open: usize,
    close: usize,
    elements: Vec<Element>,
    /// Comments after the last element.
    last_comments: Vec<String>,
    /// All its comments, for brackets without commas.
    loose: Vec<Comment>,
    /// Whether one of them stands where an element on a line of its own could not keep it.
    unkept: bool,
    /// Whether a comma stands between or behind its elements.
    has_comma: bool,
    spread: bool,
    depth: usize,
}

/// A comment: before which token, whether it has a line of its own, and what it says.
type Comment = (usize, bool, String);

/// An element of a group.
#[derive(Default)]
struct Element {
    /// Whether the author left a blank line above it.
    apart: bool,
    comments: Vec<String>,
    /// Comments below it, before the bracket closes.
    after: Vec<String>,
    nodes: Vec<Node>,
    trailing: Option<String>,
}

impl Element {
    fn is_new(&self) -> bool {
        self.nodes.is_empty() && self.comments.is_empty()
    }
}

/// A head that is being laid out.
pub(super) struct Head<'t> {
    text: &'t str,
    pieces: &'t [Piece],
    /// Before which tokens the author began a new line.
    breaks: Vec<bool>,
    groups: Vec<Group>,
    root: Vec<Node>,
    /// Comments outside of brackets, and in those without commas; in order.
    comments: Vec<Comment>,
    /// Whether each member has a line of its own.
    one_a_line: bool,
}

/// A group that stands on a line: its index, and how wide it is.
struct Seen {
    line: usize,
    group: usize,
    width: usize,
}

impl<'t> Head<'t> {
    /// Reads a statement's head; nothing when there is a comment where none can be kept in its place.
    pub(super) fn new(text: &'t str, tokens: &[Token], statement: &'t Statement) -> Option<Self> {
        let pieces = statement.pieces.as_slice();
        let mut head = Head {
            text,
            pieces,
            breaks: Vec::with_capacity(pieces.len()),
            groups: Vec::new(),
            root: Vec::new(),
            comments: Vec::new(),
            one_a_line: false,
        };
        let mut open: Vec<usize> = Vec::new();
        let mut elements: Vec<Element> = Vec::new();
        let (start, end) = statement.range();
        let mut at = tokens.partition_point(|token| token.start < start);
        for (index, piece) in pieces.iter().enumerate() {
            // What lies between the token before and this one.
            let mut broken = false;
            let mut newlines = 0;
            while let Some(token) = tokens.get(at).filter(|token| token.start < piece.start) {
                at += 1;
                match token.kind {
                    Kind::Newline => {
                        broken = true;
                        newlines += 1;
                    }
                    Kind::Comment | Kind::Doc | Kind::HashComment => {
                        let comment = token.text(text).trim_end().to_owned();
                        let (Some(&group), Some(element)) = (open.last(), elements.last_mut())
                        else {
                            head.comments.push((index, broken, comment));
                            continue;
                        };
                        let of = head.groups.get_mut(group)?;
                        of.loose.push((index, broken, comment.clone()));
                        of.spread = true;
                        element.apart |= newlines >= 2 && element.is_new();
                        newlines = 0;
                        let trailing = !broken && (!element.nodes.is_empty());
                        let behind_comma = !broken
                            && element.nodes.is_empty()
                            && index > 0
                            && pieces[index - 1].kind == Kind::Comma;
                        if behind_comma {
                            of.elements.last_mut()?.trailing.get_or_insert(comment);
                        } else if trailing {
                            of.unkept |= element.trailing.is_some();
                            element.trailing = Some(comment);
                        } else if element.nodes.is_empty() {
                            element.comments.push(comment);
                        } else {
                            element.after.push(comment);
                        }
                    }
                    _ => {}
                }
            }
            while tokens.get(at).is_some_and(|token| token.start < piece.end) {
                at += 1;
            }
            head.breaks.push(broken);
            let is_angle = piece.instead.is_some();
            match piece.kind {
                Kind::ParenOpen | Kind::SquareOpen | Kind::BraceOpen if !is_angle => {
                    let group = head.groups.len();
                    head.groups.push(Group {
                        open: index,
                        close: index,
                        elements: Vec::new(),
                        last_comments: Vec::new(),
                        loose: Vec::new(),
                        unkept: false,
                        has_comma: false,
                        spread: false,
                        depth: open.len(),
                    });
                    open.push(group);
                    elements.push(Element::default());
                }
                Kind::ParenClose | Kind::SquareClose | Kind::BraceClose => {
                    let group = open.pop()?;
                    let mut element = elements.pop()?;
                    let of = head.groups.get_mut(group)?;
                    if element.nodes.is_empty() {
                        of.last_comments = element.comments;
                    } else {
                        of.last_comments = std::mem::take(&mut element.after);
                        of.elements.push(element);
                    }
                    of.close = index;
                    // JSON and lists take a comma behind their only element, other brackets may not.
                    let takes_comma =
                        of.has_comma || (piece.kind != Kind::ParenClose && !of.elements.is_empty());
                    // Beside commas, a comment is kept where each element has a line of its own.
                    if takes_comma && of.unkept {
                        return None;
                    }
                    if !takes_comma {
                        of.spread = false;
                        head.comments.append(&mut of.loose);
                    }
                    of.spread |= takes_comma && head.breaks.get(of.open + 1) == Some(&true);
                    match elements.last_mut() {
                        Some(outer) => outer.nodes.push(Node::Group(group)),
                        None => head.root.push(Node::Group(group)),
                    }
                }
                Kind::Comma if !open.is_empty() => {
                    let group = *open.last()?;
                    let element = std::mem::take(elements.last_mut()?);
                    if element.nodes.is_empty() || !element.after.is_empty() {
                        return None;
                    }
                    let of = head.groups.get_mut(group)?;
                    of.has_comma = true;
                    of.elements.push(element);
                }
                _ => match elements.last_mut() {
                    Some(element) => {
                        if element.trailing.is_some() || !element.after.is_empty() {
                            let group = *open.last()?;
                            head.groups.get_mut(group)?.unkept = true;
                        }
                        element.apart |= newlines >= 2 && element.is_new();
                        element.nodes.push(Node::Token(index));
                    }
                    None => head.root.push(Node::Token(index)),
                },
            }
        }
        head.comments.sort_by_key(|comment| comment.0);
        (open.is_empty() && end >= start).then_some(head)
    }

    /// The lines of the head, the first without its indentation. `room` is what has to fit behind the last;
    /// `members` are those of an enum or a type, of which each gets a line of its own where they are too many for one.
    pub(super) fn lines(&mut self, indent: usize, members: bool, room: usize) -> String {
        let continued = if members { 0 } else { CONTINUED };
        let mut passed = 0;
        for _ in 0..SPREADS_MAX {
            let mut seen = Vec::new();
            let out = self.render(indent, continued, &mut seen);
            let lines: Vec<&str> = out.split('\n').collect();
            let too_wide = lines.iter().enumerate().skip(passed).find(|(i, line)| {
                let mut width = line.chars().count();
                width += if *i == 0 { indent } else { 0 };
                width += if i + 1 == lines.len() { room } else { 0 };
                width > WIDTH
            });
            let Some((line, _)) = too_wide else {
                return out;
            };
            let candidates = seen.iter().filter(|s| {
                let group = &self.groups[s.group];
                s.line == line && !group.spread && group.has_comma && group.elements.len() > 1
            });
            let widest =
                candidates.min_by_key(|s| (self.groups[s.group].depth, usize::MAX - s.width));
            match widest.map(|s| s.group) {
                Some(group) => self.groups[group].spread = true,
                None if members && !self.one_a_line => {
                    self.one_a_line = true;
                    for (i, piece) in self.pieces.iter().enumerate() {
                        if piece.kind == Kind::Comma
                            && let Some(next) = self.breaks.get_mut(i + 1)
                        {
                            *next = true;
                        }
                    }
                }
                // Nothing can be done about this line.
                None => passed = line + 1,
            }
        }
        self.render(indent, continued, &mut Vec::new())
    }

    fn render(&self, indent: usize, continued: usize, seen: &mut Vec<Seen>) -> String {
        let mut out = Out {
            text: String::new(),
            lines: 0,
            last: None,
            fresh: true,
        };
        self.nodes(&self.root, indent, indent + continued, &mut out, seen);
        out.text
    }

    fn nodes(
        &self,
        nodes: &[Node],
        indent: usize,
        continued: usize,
        out: &mut Out,
        seen: &mut Vec<Seen>,
    ) {
        for node in nodes {
            match node {
                Node::Token(index) => self.token(*index, Some(continued), out),
                Node::Group(index) => self.group(*index, indent, continued, out, seen),
            }
        }
    }

    /// A token; where the author broke the line before it, at this indentation.
    fn token(&self, index: usize, continued: Option<usize>, out: &mut Out) {
        let Some(piece) = self.pieces.get(index) else {
            return;
        };
        let broken = self.breaks.get(index) == Some(&true);
        match continued {
            Some(continued) if broken && !out.fresh => {
                self.comments_before(index, continued, out);
                out.line(continued);
            }
            _ => {
                let between = out.last.and_then(|last| self.pieces.get(last));
                // Commas are not printed through here, but a sign behind one is a sign.
                let before = out.last.and_then(|last| last.checked_sub(1));
                let before = before.and_then(|before| self.pieces.get(before));
                let blank = between.is_some_and(|a| space::blank(self.text, before, a, piece));
                if blank && !out.fresh {
                    out.text.push(' ');
                }
            }
        }
        let word = self.text.get(piece.start..piece.end).unwrap_or("");
        out.text.push_str(word);
        // Block texts hold line breaks.
        out.lines += word.matches('\n').count();
        out.fresh = false;
        out.last = Some(index);
    }

    /// The comments before a token.
    fn comments_before(&self, index: usize, indent: usize, out: &mut Out) {
        let first = self.comments.partition_point(|comment| comment.0 < index);
        for (_, own_line, comment) in self.comments[first..].iter().take_while(|c| c.0 == index) {
            if *own_line {
                out.line(indent);
            } else {
                out.text.push_str("  ");
            }
            out.text.push_str(comment);
        }
    }

    fn group(
        &self,
        index: usize,
        indent: usize,
        continued: usize,
        out: &mut Out,
        seen: &mut Vec<Seen>,
    ) {
        let group = &self.groups[index];
        self.token(group.open, (group.depth == 0).then_some(continued), out);
        let (line, start) = (out.lines, out.text.len());
        let at = seen.len();
        seen.push(Seen {
            line,
            group: index,
            width: 0,
        });
        if group.spread {
            for (i, element) in group.elements.iter().enumerate() {
                if element.apart && i > 0 {
                    out.line(0);
                }
                for comment in &element.comments {
                    out.line(indent + INDENT);
                    out.text.push_str(comment);
                }
                out.line(indent + INDENT);
                // An element begins on a line of its own, whatever the author did.
                let inner = indent + INDENT;
                self.flat(&element.nodes, inner, out, seen);
                out.text.push(',');
                if let Some(comment) = &element.trailing {
                    out.text.push_str("  ");
                    out.text.push_str(comment);
                }
            }
            for comment in &group.last_comments {
                out.line(indent + INDENT);
                out.text.push_str(comment);
            }
            out.line(indent);
            self.token(group.close, None, out);
        } else if group.has_comma {
            for (i, element) in group.elements.iter().enumerate() {
                if i > 0 {
                    out.text.push_str(", ");
                    out.fresh = true;
                } else if self.pieces[group.open].kind == Kind::BraceOpen {
                    out.text.push(' ');
                    out.fresh = true;
                }
                self.flat(&element.nodes, indent, out, seen);
            }
            self.token(group.close, None, out);
        } else {
            // No commas: there is nothing to spread, and the author's breaks stay.
            let opened = self.breaks.get(group.open + 1) == Some(&true);
            let inner = if opened { indent + INDENT } else { continued };
            for element in &group.elements {
                self.nodes(&element.nodes, indent, inner, out, seen);
            }
            let opened = opened && !group.elements.is_empty();
            let commented = self.comments.binary_search_by_key(&group.close, |c| c.0);
            if opened || commented.is_ok() {
                // What was opened is closed on a line of its own.
                self.comments_before(group.close, inner, out);
                out.line(indent);
            }
            self.token(group.close, None, out);
        }
        seen[at].width = out.text[start.min(out.text.len())..].chars().count();
    }

    /// The nodes of an element: without the author's breaks.
    fn flat(&self, nodes: &[Node], indent: usize, out: &mut Out, seen: &mut Vec<Seen>) {
        for node in nodes {
            match node {
                Node::Token(index) => self.token(*index, None, out),
                Node::Group(index) => self.group(*index, indent, indent + CONTINUED, out, seen),
            }
        }
    }
}

/// What was written so far.
struct Out {
    text: String,
    /// How many line breaks it holds.
    lines: usize,
    /// The last token.
    last: Option<usize>,
    /// Whether the next token begins a line, or a blank was written already.
    fresh: bool,
}

impl Out {
    fn line(&mut self, indent: usize) {
        self.text.push('\n');
        self.lines += 1;
        self.text.push_str(&" ".repeat(indent));
        self.fresh = true;
    }
}
