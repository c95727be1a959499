//! A head in, its lines out, none wider than need be: where a line is too wide, one more thing on it is broken,
//! from the outside to the inside.

use std::collections::BTreeMap;

use super::super::token::Kind;
use super::head::{Group, Head, Node};
use super::layout::{self, Layout};
use super::{CONTINUED, WIDTH};

/// How often lines that are too wide are looked at again. Brackets lie at most 48 deep in each other, and what
/// stands outside of them is broken in at most six rounds.
const ROUNDS_MAX: usize = 60;

/// Before these words a statement falls into what it does and what it says about that.
const CLAUSES: &[&str] = &["about", "unless", "where", "because"];
/// Before these an approval may go on on the next line.
const FURTHER: &[&str] = &["about", "by", "within"];

/// What can be broken; earlier ones are preferred.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Chance {
    /// Before the first clause.
    Clause(usize),
    /// Before each `or`; before each `and`.
    Or(usize),
    And(usize),
    /// Before each `+`, before each `??`.
    Plus(usize),
    Default(usize),
    /// What stands in brackets: the outermost first, then the widest.
    Group {
        depth: usize,
        narrower: usize,
        group: usize,
    },
    /// Behind each comma and before each further clause.
    Comma(usize),
}

impl Chance {
    /// Before which token the line is broken.
    fn token(&self) -> Option<usize> {
        match self {
            Chance::Clause(token)
            | Chance::Or(token)
            | Chance::And(token)
            | Chance::Plus(token)
            | Chance::Default(token)
            | Chance::Comma(token) => Some(*token),
            Chance::Group { .. } => None,
        }
    }
}

impl Head<'_> {
    /// The lines of the head, the first without its indentation. `room` is what has to fit behind the last;
    /// `members` are those of an enum or a type, of which each gets a line of its own where they are too many
    /// for one.
    pub(super) fn lines(&mut self, indent: usize, members: bool, room: usize) -> String {
        let continued = if members { 0 } else { CONTINUED };
        let mut layout = layout::render(self, indent, continued);
        for _ in 0..ROUNDS_MAX {
            let wide = wide(&layout, indent, room);
            if wide.is_empty() || !self.relieve(&layout, &wide, members) {
                break;
            }
            layout = layout::render(self, indent, continued);
        }
        layout.text
    }

    /// Breaks what can be broken on the lines that are too wide; whether there was anything.
    fn relieve(&mut self, layout: &Layout, wide: &[usize], members: bool) -> bool {
        let is_wide = |line: &usize| wide.binary_search(line).is_ok();
        let mut of_lines: BTreeMap<usize, Vec<Chance>> = BTreeMap::new();
        for seen in layout.seen.iter().filter(|seen| is_wide(&seen.line)) {
            let group = &self.groups[seen.group];
            if self.can_be_spread(group) || !self.joints(group).is_empty() {
                of_lines.entry(seen.line).or_default().push(Chance::Group {
                    depth: group.depth,
                    narrower: usize::MAX - seen.width,
                    group: seen.group,
                });
            }
        }
        let mut clauses = 0;
        for (token, line) in &layout.root_lines {
            let chance = self.chance(*token, &mut clauses);
            let Some(chance) = chance.filter(|_| is_wide(line)) else {
                continue;
            };
            // Members are told apart by commas and nothing else.
            if !members || matches!(chance, Chance::Comma(_)) {
                of_lines.entry(*line).or_default().push(chance);
            }
        }
        let mut changed = false;
        for chances in of_lines.values() {
            let Some(best) = chances.iter().min() else {
                continue;
            };
            changed = true;
            match best {
                Chance::Group { group, .. } => self.open(*group),
                Chance::Comma(_) if members => {
                    for index in 1..self.pieces.len() {
                        self.breaks[index] |= self.pieces[index - 1].kind == Kind::Comma;
                    }
                }
                _ => {
                    let alike = |chance: &&Chance| {
                        std::mem::discriminant(*chance) == std::mem::discriminant(best)
                    };
                    for chance in chances.iter().filter(alike) {
                        if let Some(token) = chance.token() {
                            self.breaks[token] = true;
                        }
                    }
                }
            }
        }
        changed
    }

    /// Whether a break before this token of the root may help, and does not end the statement there.
    fn chance(&self, index: usize, clauses: &mut usize) -> Option<Chance> {
        let before = index.checked_sub(1).and_then(|at| self.pieces.get(at))?;
        let broken = self.breaks.get(index) != Some(&false);
        let kind = self.pieces.get(index)?.kind;
        let word = self.word(index);
        let is_clause = CLAUSES.contains(&word);
        *clauses += usize::from(is_clause);
        if broken {
            return None;
        }
        match word {
            _ if is_clause && *clauses == 1 => Some(Chance::Clause(index)),
            "or" => Some(Chance::Or(index)),
            "and" => Some(Chance::And(index)),
            _ if kind == Kind::Plus => Some(Chance::Plus(index)),
            _ if kind == Kind::QuestionQuestion => Some(Chance::Default(index)),
            _ if before.kind == Kind::Comma || FURTHER.contains(&word) => {
                Some(Chance::Comma(index))
            }
            _ => None,
        }
    }

    /// The word at a position, where it is not the name of a field or an argument.
    fn word(&self, index: usize) -> &str {
        let kind = |at: Option<usize>| at.and_then(|at| self.pieces.get(at)).map(|p| p.kind);
        let is_name = matches!(
            kind(index.checked_sub(1)),
            Some(Kind::Dot | Kind::QuestionDot)
        ) || kind(Some(index + 1)) == Some(Kind::Colon);
        match self.pieces.get(index) {
            Some(piece) if piece.kind == Kind::Word && !is_name => piece.text(self.text),
            _ => "",
        }
    }

    /// Whether what stands in brackets begins on a line of its own.
    pub(super) fn is_open(&self, group: &Group) -> bool {
        self.breaks.get(group.open + 1) == Some(&true)
    }

    fn can_be_spread(&self, group: &Group) -> bool {
        !group.spread && group.has_comma && group.elements.len() > 1
    }

    /// Where a comprehension, a choice or a condition in brackets falls into parts.
    fn joints(&self, group: &Group) -> Vec<usize> {
        let [element] = group.elements.as_slice() else {
            return Vec::new();
        };
        if group.has_comma || self.is_open(group) {
            return Vec::new();
        }
        let tokens = element.nodes.iter().filter_map(|node| match node {
            Node::Token(index) => Some(*index),
            Node::Group(_) => None,
        });
        let tokens: Vec<usize> = tokens.filter(|token| *token > group.open + 1).collect();
        let those = |words: &[&str]| -> Vec<usize> {
            let tokens = tokens.iter().copied();
            tokens
                .filter(|token| words.contains(&self.word(*token)))
                .collect()
        };
        let rows: &[&[&str]] = match self.word(group.open + 1) {
            "if" => &[&["else"]],
            _ => &[&["for", "where"], &["or"], &["and"]],
        };
        let found = rows.iter().map(|words| those(words));
        let mut found = found.filter(|joints| !joints.is_empty());
        found.next().unwrap_or_default()
    }

    /// Gives each element, or each part, a line of its own.
    fn open(&mut self, group: usize) {
        if self.can_be_spread(&self.groups[group]) {
            self.groups[group].spread = true;
            return;
        }
        let (open, close) = (self.groups[group].open, self.groups[group].close);
        for index in self.joints(&self.groups[group]) {
            self.breaks[index] = true;
        }
        self.breaks[open + 1] = true;
        self.breaks[close] = true;
    }
}

/// The lines that are too wide, comments behind them not counted.
fn wide(layout: &Layout, indent: usize, room: usize) -> Vec<usize> {
    let mut comments = layout.comments.iter().peekable();
    let last = layout.text.matches('\n').count();
    let widths = layout.text.split('\n').enumerate().map(|(line, text)| {
        let mut width = text.chars().count();
        while let Some((at, comment)) = comments.peek()
            && *at <= line
        {
            width -= if *at == line { *comment } else { 0 };
            comments.next();
        }
        width += if line == 0 { indent } else { 0 };
        width += if line == last { room } else { 0 };
        (line, width)
    });
    let wide = widths.filter(|(_, width)| *width > WIDTH);
    wide.map(|(line, _)| line).collect()
}
