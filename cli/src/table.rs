//! Rows of cells in, aligned columns out.

use crate::out::{HEAD, paint};
use anstyle::Style;

/// A cell: its text and its style.
pub type Cell = (String, Style);

/// A table with a heading; each line ends with a line break.
pub fn table(heading: &[&str], rows: &[Vec<Cell>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let widest = cells
            .map(|(text, _)| text.chars().count())
            .max()
            .unwrap_or(0);
        widest.max(heading.get(column).map_or(0, |h| h.chars().count()))
    };
    let widths: Vec<usize> = (0..heading.len()).map(width).collect();
    let mut out = String::new();
    let head: Vec<Cell> = heading.iter().map(|h| ((*h).to_owned(), HEAD)).collect();
    for row in std::iter::once(&head).chain(rows) {
        let mut line = String::new();
        for (index, (text, style)) in row.iter().enumerate() {
            line.push_str(&paint(*style, text));
            if index + 1 < row.len() {
                let used = text.chars().count();
                let width = widths.get(index).copied().unwrap_or(0);
                line.push_str(&" ".repeat(width.saturating_sub(used) + 2));
            }
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}
