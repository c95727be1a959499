//! An editor's positions in, bytes of a text out, and back; and edits applied to a text.

use line_index::{LineCol, LineIndex, TextSize, WideEncoding, WideLineCol};
use std::ops::Range;

/// How an editor counts the characters of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// In bytes.
    Utf8,
    /// In UTF-16 units: an emoji counts as two. What every editor can do.
    #[default]
    Utf16,
}

/// A place in a text as an editor names it; both count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The character of the line, counted as agreed.
    pub character: u32,
}

/// An edit: the range is replaced; without one the whole text.
#[derive(Clone, Debug)]
pub struct Edit {
    /// What is replaced.
    pub range: Option<(Position, Position)>,
    /// What comes instead.
    pub text: String,
}

/// The lines of a text.
pub struct Lines<'t> {
    text: &'t str,
    index: LineIndex,
    encoding: Encoding,
}

impl<'t> Lines<'t> {
    /// Finds the lines of a text.
    pub fn new(text: &'t str, encoding: Encoding) -> Lines<'t> {
        Lines {
            text,
            index: LineIndex::new(text),
            encoding,
        }
    }

    /// The byte of a position. What lies behind the end of a line is the line's end, what lies behind the
    /// last line the text's, and the middle of a character its beginning.
    pub fn offset(&self, position: Position) -> usize {
        let Some(line) = self.index.line(position.line) else {
            return self.text.len();
        };
        let line: Range<usize> = line.start().into()..line.end().into();
        let content = self.text.get(line.clone()).unwrap_or("");
        let end = line.start + content.trim_end_matches(['\n', '\r']).len();
        let column = match self.encoding {
            Encoding::Utf8 => Some(position.character),
            Encoding::Utf16 => {
                let wide = WideLineCol {
                    line: position.line,
                    col: position.character,
                };
                self.index.to_utf8(WideEncoding::Utf16, wide).map(|c| c.col)
            }
        };
        let wanted = line.start.saturating_add(column.unwrap_or(0) as usize);
        self.text.floor_char_boundary(wanted.min(end))
    }

    /// The position of a byte.
    pub fn position(&self, offset: usize) -> Position {
        let offset = self.text.floor_char_boundary(offset.min(self.text.len()));
        let at = self.index.line_col(TextSize::new(offset as u32));
        let character = match self.encoding {
            Encoding::Utf8 => at.col,
            Encoding::Utf16 => self
                .index
                .to_wide(
                    WideEncoding::Utf16,
                    LineCol {
                        line: at.line,
                        col: at.col,
                    },
                )
                .map_or(at.col, |wide| wide.col),
        };
        Position {
            line: at.line,
            character,
        }
    }
}

/// Applies edits in their order; each counts in the text that the ones before it made.
pub fn apply(text: &str, edits: &[Edit], encoding: Encoding) -> String {
    let mut text = text.to_owned();
    for edit in edits {
        match edit.range {
            None => text.clone_from(&edit.text),
            Some((start, end)) => {
                let lines = Lines::new(&text, encoding);
                let (a, b) = (lines.offset(start), lines.offset(end));
                text.replace_range(a.min(b)..b.max(a), &edit.text);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32, character: u32) -> Position {
        Position { line, character }
    }

    #[test]
    fn an_emoji_counts_as_two_units_or_as_four_bytes() {
        let text = "a😀b\nc";
        let wide = Lines::new(text, Encoding::Utf16);
        assert_eq!(wide.offset(at(0, 3)), 5);
        assert_eq!(wide.position(5), at(0, 3));
        // The middle of a character is its beginning.
        assert_eq!(wide.offset(at(0, 2)), 1);
        let bytes = Lines::new(text, Encoding::Utf8);
        assert_eq!(bytes.offset(at(0, 5)), 5);
        assert_eq!(bytes.position(5), at(0, 5));
        assert_eq!(bytes.offset(at(0, 3)), 1);
    }

    #[test]
    fn combining_marks_are_characters_of_their_own() {
        let text = "e\u{301}x";
        assert_eq!(Lines::new(text, Encoding::Utf16).offset(at(0, 2)), 3);
        assert_eq!(Lines::new(text, Encoding::Utf16).position(3), at(0, 2));
    }

    #[test]
    fn what_lies_outside_is_the_nearest_place_inside() {
        let text = "ab\r\ncd";
        let lines = Lines::new(text, Encoding::Utf16);
        assert_eq!(lines.offset(at(0, 99)), 2);
        assert_eq!(lines.offset(at(1, 99)), 6);
        assert_eq!(lines.offset(at(9, 0)), 6);
        assert_eq!(lines.position(99), at(1, 2));
    }

    #[test]
    fn edits_count_in_the_text_that_those_before_them_made() {
        let edits = [
            Edit {
                range: Some((at(0, 0), at(0, 1))),
                text: "😀😀".into(),
            },
            Edit {
                range: Some((at(0, 4), at(0, 4))),
                text: "!".into(),
            },
        ];
        assert_eq!(apply("ab", &edits, Encoding::Utf16), "😀😀!b");
    }
}
