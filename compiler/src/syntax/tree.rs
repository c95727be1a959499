//! The block tree: statements with their tokens, and the blocks behind them. Data only.

use super::token::Kind;

/// A token of a statement, perhaps mended.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) kind: Kind,
    /// Where it stands in the file.
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// What the grammar reads instead of the file's text.
    pub(crate) instead: Option<String>,
    /// The `///` lines above it.
    pub(crate) doc: Option<Doc>,
}

impl Piece {
    /// What the grammar reads.
    pub(crate) fn text<'t>(&'t self, file: &'t str) -> &'t str {
        match &self.instead {
            Some(instead) => instead,
            None => file.get(self.start..self.end).unwrap_or(""),
        }
    }
}

/// Documentation above a token.
#[derive(Clone, Debug)]
pub(crate) struct Doc {
    /// Where its first line begins.
    pub(crate) start: usize,
    /// The lines without their slashes.
    pub(crate) text: String,
}

/// A line of the program: its head and, where it has one, its block.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statement {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) block: Option<Block>,
    /// Something in the head was reported already; what follows from that stays silent.
    pub(crate) reported: bool,
    /// Something in the head was mended and reported; when it cannot be read even so, that is no second mistake.
    pub(crate) mended: bool,
}

impl Statement {
    /// The head's range; the block's opening when there is no head.
    pub(crate) fn range(&self) -> (usize, usize) {
        match (self.pieces.first(), self.pieces.last()) {
            (Some(first), Some(last)) => (first.start, last.end.max(first.start)),
            _ => self
                .block
                .as_ref()
                .map_or((0, 0), |block| (block.start, block.start)),
        }
    }

    /// Where the statement ends, block included.
    pub(crate) fn end(&self) -> usize {
        self.range()
            .1
            .max(self.block.as_ref().map_or(0, |block| block.end))
    }

    /// The word at a position of the head, when a word stands there.
    pub(crate) fn word<'t>(&'t self, file: &'t str, index: usize) -> &'t str {
        match self.pieces.get(index) {
            Some(piece) if piece.kind == Kind::Word => piece.text(file),
            _ => "",
        }
    }

    /// The kind at a position of the head.
    pub(crate) fn kind(&self, index: usize) -> Option<Kind> {
        self.pieces.get(index).map(|piece| piece.kind)
    }

    /// The documentation above the statement.
    pub(crate) fn doc(&self) -> String {
        self.pieces
            .first()
            .and_then(|piece| piece.doc.as_ref())
            .map_or(String::new(), |doc| doc.text.clone())
    }
}

/// What stands between braces.
#[derive(Clone, Debug, Default)]
pub(crate) struct Block {
    /// Where `{` begins.
    pub(crate) start: usize,
    /// Where `}` ends.
    pub(crate) end: usize,
    pub(crate) statements: Vec<Statement>,
}
