//! A statement's tokens and the comments among them in, its brackets with their elements out.

use super::super::{
    token::{Kind, Token},
    tree::{Piece, Statement},
};

/// A part of a head.
pub(super) enum Node {
    /// A token, by its index.
    Token(usize),
    /// What stands in brackets, by its index among the groups.
    Group(usize),
}

/// What stands in brackets.
pub(super) struct Group {
    pub(super) open: usize,
    pub(super) close: usize,
    pub(super) elements: Vec<Element>,
    /// Comments after the last element.
    pub(super) last_comments: Vec<String>,
    /// All its comments, for brackets without commas.
    loose: Vec<Comment>,
    /// Whether one of them stands where an element on a line of its own could not keep it.
    unkept: bool,
    /// Whether a comma stands between or behind its elements.
    pub(super) has_comma: bool,
    pub(super) spread: bool,
    pub(super) depth: usize,
}

/// A comment: before which token, whether it has a line of its own, and what it says.
pub(super) type Comment = (usize, bool, String);

/// An element of a group.
#[derive(Default)]
pub(super) struct Element {
    /// Whether the author left a blank line above it.
    pub(super) apart: bool,
    pub(super) comments: Vec<String>,
    /// Comments below it, before the bracket closes.
    pub(super) after: Vec<String>,
    pub(super) nodes: Vec<Node>,
    pub(super) trailing: Option<String>,
}

impl Element {
    fn is_new(&self) -> bool {
        self.nodes.is_empty() && self.comments.is_empty()
    }
}

/// A head that is being laid out.
pub(super) struct Head<'t> {
    pub(super) text: &'t str,
    pub(super) pieces: &'t [Piece],
    /// Before which tokens the author began a new line.
    pub(super) breaks: Vec<bool>,
    pub(super) groups: Vec<Group>,
    pub(super) root: Vec<Node>,
    /// Comments outside of brackets, and in those without commas; in order.
    pub(super) comments: Vec<Comment>,
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
}
