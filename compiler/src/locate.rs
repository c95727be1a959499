//! A place of a finding in, file, bytes, line and column out.

use crate::render::SourceLookup;
use crate::span::Place;

/// Where something stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// The file as messages name it.
    pub path: String,
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The line of the end.
    pub end_line: usize,
    /// The column of the end.
    pub end_column: usize,
}

/// Finds a place in the files of a project. `unread` gives the bytes of files that are no text.
pub fn locate(
    sources: &dyn SourceLookup,
    place: &Place,
    unread: &dyn Fn(&str) -> Option<Vec<u8>>,
) -> Located {
    let path = place.anchor.file.to_string();
    let offset = sources.offset(&place.anchor).unwrap_or(0) as usize;
    let text = sources.text(&path);
    let other = match text {
        Some(_) => None,
        None => unread(&path),
    };
    let bytes: &[u8] = match (&text, &other) {
        (Some(text), _) => text.as_bytes(),
        (None, Some(bytes)) => bytes,
        (None, None) => &[],
    };
    let start = offset
        .saturating_add(place.span.start as usize)
        .min(bytes.len());
    let end = offset
        .saturating_add(place.span.end as usize)
        .clamp(start, bytes.len());
    let (line, column) = line_and_column(bytes, start);
    let (end_line, end_column) = line_and_column(bytes, end);
    Located {
        path,
        start,
        end,
        line,
        column,
        end_line,
        end_column,
    }
}

/// Line and column of a byte, both from 1; bytes that are no UTF-8 count as one character each run.
fn line_and_column(bytes: &[u8], at: usize) -> (usize, usize) {
    let before = bytes.get(..at).unwrap_or(bytes);
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let line_start = before
        .iter()
        .rposition(|b| *b == b'\n')
        .map_or(0, |p| p + 1);
    let column = String::from_utf8_lossy(&before[line_start..])
        .chars()
        .count()
        + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::line_and_column;

    #[test]
    fn columns_count_characters() {
        let text = "a\nbé c".as_bytes();
        assert_eq!(line_and_column(text, 0), (1, 1));
        assert_eq!(line_and_column(text, 2), (2, 1));
        assert_eq!(line_and_column(text, 6), (2, 4));
        assert_eq!(line_and_column(text, 99), (2, 5));
    }
}
