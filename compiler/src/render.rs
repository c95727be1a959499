//! Diagnostics in, text for people out, drawn by ariadne. Never panics: odd places are put right first.

use std::{collections::HashMap, fmt, sync::Arc};

use ariadne::{Cache, CharSet, Color, Config, IndexType, LabelAttach, Report, ReportKind, Source};

use crate::{
    diagnostic::{Diagnostic, Fix, Severity},
    span::{Anchor, Place},
    syntax::hidden::is_hidden,
};

/// Where the texts are that places point into.
pub trait SourceLookup {
    /// The file's text.
    fn text(&self, file: &str) -> Option<Arc<str>>;
    /// Where the item begins in its file; 0 for the file itself.
    fn offset(&self, anchor: &Anchor) -> Option<u32>;
}

/// A longer line is not drawn; the message stands alone then.
const LINE_BYTES_MAX: usize = 2_000;

/// A range in a file, as ariadne wants it.
type Range = (Arc<str>, std::ops::Range<usize>);

/// Draws diagnostics one after the other, in the order given.
pub fn render(diagnostics: &[Diagnostic], sources: &dyn SourceLookup, color: bool) -> String {
    let mut files = Files {
        sources,
        read: HashMap::new(),
    };
    let mut out = Vec::new();
    for diagnostic in diagnostics {
        if !out.is_empty() {
            out.push(b'\n');
        }
        if one(diagnostic, &mut files, color, &mut out).is_err() {
            out.extend_from_slice(plain(diagnostic, None).as_bytes());
        }
    }
    String::from_utf8_lossy(&out)
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

fn one(
    diagnostic: &Diagnostic,
    files: &mut Files<'_>,
    color: bool,
    out: &mut Vec<u8>,
) -> std::io::Result<()> {
    let ranges: Vec<Option<Range>> = diagnostic
        .labels
        .iter()
        .map(|label| files.range(&label.place))
        .collect();
    let drawn = ranges.first().cloned().flatten();
    let Some(primary) = drawn.clone().filter(|range| files.can_draw(range)) else {
        let at = drawn.and_then(|range| files.line_and_column(&range));
        out.extend_from_slice(plain(diagnostic, at).as_bytes());
        return Ok(());
    };
    let (word, tint) = match diagnostic.severity {
        Severity::Error => ("error", Color::Red),
        Severity::Warning => ("warning", Color::Yellow),
    };
    let config = Config::default()
        .with_color(color)
        .with_char_set(CharSet::Unicode)
        .with_index_type(IndexType::Char)
        .with_label_attach(LabelAttach::Start)
        .with_compact(false)
        .with_tab_width(4);
    let primary_file = primary.0.clone();
    // The code stands in brackets after the severity; ariadne would put it in front.
    let kind = format!("{word}[{}]", diagnostic.code);
    let mut report = Report::build(ReportKind::Custom(&kind, tint), files.characters(primary))
        .with_config(config)
        .with_message(harmless(&diagnostic.message));
    let file = primary_file;
    let mut labels: Vec<_> = diagnostic.labels.iter().zip(ranges).enumerate().collect();
    // In the order of the file, so that one picture holds them all; the primary file's picture comes first.
    labels.sort_by_key(|(_, (_, range))| {
        range
            .as_ref()
            .map(|(name, range)| (*name != file, range.start))
    });
    for (index, (label, range)) in labels {
        let Some(range) = range.filter(|range| files.can_draw(range)) else {
            continue;
        };
        let color = if index == 0 { tint } else { Color::Blue };
        let text = if label.text.is_empty() {
            "here".to_owned()
        } else {
            harmless(&label.text)
        };
        report.add_label(
            ariadne::Label::new(files.characters(range))
                .with_message(text)
                .with_color(color),
        );
    }
    let mut picture = Vec::new();
    report.finish().write(&mut *files, &mut picture)?;
    let picture = String::from_utf8_lossy(&picture);
    let picture = if color {
        picture.into_owned()
    } else {
        without_colors(&picture)
    };
    out.extend_from_slice(picture.as_bytes());
    for line in notes(diagnostic) {
        out.extend_from_slice(format!("  {line}\n").as_bytes());
    }
    Ok(())
}

/// What stands below the picture.
fn notes(diagnostic: &Diagnostic) -> Vec<String> {
    let why = diagnostic.why.iter().map(|why| format!("why: {why}"));
    let help = diagnostic.help.iter().map(|help| format!("help: {help}"));
    let menu = match diagnostic.fixes.as_slice() {
        [] => None,
        [fix] => Some(format!("help: {}", fix_text(fix))),
        fixes => Some(format!(
            "help: one of these: {}",
            fixes.iter().map(fix_text).collect::<Vec<_>>().join("; ")
        )),
    };
    why.chain(menu)
        .chain(help)
        .map(|note| harmless(&note))
        .collect()
}

fn fix_text(fix: &Fix) -> String {
    fix.title.clone()
}

/// A diagnostic whose source is not at hand or cannot be drawn, with the line and column where they are known.
fn plain(diagnostic: &Diagnostic, at: Option<(usize, usize)>) -> String {
    let word = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let file = diagnostic
        .labels
        .first()
        .map_or("", |label| &label.place.anchor.file);
    let mut out = format!(
        "{word}[{}]: {}\n",
        diagnostic.code,
        harmless(&diagnostic.message)
    );
    if !file.is_empty() {
        match at {
            Some((line, column)) => out.push_str(&format!("  in {file}:{line}:{column}\n")),
            None => out.push_str(&format!("  in {file}\n")),
        }
    }
    for line in notes(diagnostic) {
        out.push_str(&format!("  {line}\n"));
    }
    out
}

/// A text without control characters and what else hides in it, byte for byte as long: a file must not steer the
/// reader's terminal, and a finding has to show what it is about.
fn harmless(text: &str) -> String {
    let safe =
        |character: char| !character.is_ascii_control() || matches!(character, '\n' | '\r' | '\t');
    text.chars()
        .map(|character| match character.len_utf8() {
            1 if !safe(character) => '?',
            2 if is_hidden(character) => '¿',
            3 if is_hidden(character) => char::REPLACEMENT_CHARACTER,
            _ => character,
        })
        .collect()
}

/// ariadne colours its first word even when told not to; every escape in its output is a colour.
fn without_colors(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let mut out = parts.next().unwrap_or("").to_owned();
    for part in parts {
        out.push_str(part.split_once('m').map_or("", |(_, rest)| rest));
    }
    out
}

/// The files that were needed so far.
struct Files<'s> {
    sources: &'s dyn SourceLookup,
    read: HashMap<Arc<str>, Option<Source<String>>>,
}

impl Files<'_> {
    fn source(&mut self, file: &Arc<str>) -> Option<&Source<String>> {
        let sources = self.sources;
        self.read
            .entry(file.clone())
            .or_insert_with(|| sources.text(file).map(|text| Source::from(harmless(&text))))
            .as_ref()
    }

    /// The same range counted in characters: what ariadne names the place of another file by.
    fn characters(&mut self, (file, range): Range) -> Range {
        let Some(text) = self.source(&file).map(Source::text) else {
            return (file, range);
        };
        let start = text[..range.start].chars().count();
        let end = start + text[range].chars().count();
        (file, start..end)
    }

    /// Where a range begins, counted from 1.
    fn line_and_column(&mut self, (file, range): &Range) -> Option<(usize, usize)> {
        let before = self.source(file)?.text().get(..range.start)?;
        let line = before.rfind('\n').map_or(0, |at| at + 1);
        let number = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        Some((number, before.get(line..)?.chars().count() + 1))
    }

    /// Whether the lines around a range are short enough to be drawn.
    fn can_draw(&mut self, (file, range): &Range) -> bool {
        let Some(text) = self.source(file).map(Source::text) else {
            return false;
        };
        let before = text[..range.start]
            .bytes()
            .rev()
            .take_while(|byte| *byte != b'\n')
            .take(LINE_BYTES_MAX + 1);
        let after = text[range.end..]
            .bytes()
            .take_while(|byte| *byte != b'\n')
            .take(LINE_BYTES_MAX + 1);
        before.count() + after.count() + range.len() <= LINE_BYTES_MAX
    }

    /// A place as a range of its file, inside of it and between characters.
    fn range(&mut self, place: &Place) -> Option<Range> {
        let offset = self.sources.offset(&place.anchor).unwrap_or(0) as usize;
        let file = place.anchor.file.clone();
        let text = self.source(&file)?.text();
        let floor = |at: usize| {
            let mut at = at.min(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let mut start = floor(offset.saturating_add(place.span.start as usize));
        let mut end = floor(offset.saturating_add(place.span.end as usize)).max(start);
        if start == end {
            // An empty range is shown by the character before it: that is where something is missing.
            match text[..start].chars().next_back() {
                Some(before) if before != '\n' => start -= before.len_utf8(),
                _ => {
                    end += text[end..]
                        .chars()
                        .next()
                        .filter(|after| *after != '\n')
                        .map_or(0, char::len_utf8)
                }
            }
        }
        Some((file, start..end))
    }
}

impl Cache<Arc<str>> for &mut Files<'_> {
    type Storage = String;

    fn fetch(&mut self, id: &Arc<str>) -> Result<&Source<String>, impl fmt::Debug> {
        self.source(id).ok_or_else(|| format!("no source for {id}"))
    }

    fn display<'a>(&self, id: &'a Arc<str>) -> Option<impl fmt::Display + 'a> {
        Some(id.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::Span;

    struct One(&'static str);

    impl SourceLookup for One {
        fn text(&self, file: &str) -> Option<Arc<str>> {
            (file == "a.play").then(|| Arc::from(self.0))
        }
        fn offset(&self, _: &Anchor) -> Option<u32> {
            Some(1)
        }
    }

    #[test]
    fn control_characters_never_reach_the_terminal() {
        let place = Place {
            anchor: Anchor {
                file: Arc::from("a.play"),
                item: Arc::from("x"),
            },
            span: Span { start: 0, end: 3 },
        };
        let diagnostic = Diagnostic::error("P0199", "x\u{1b}[2J", place, "y\u{1b}[31m");
        let shown = render(&[diagnostic], &One("ab\u{1b}[2Jcd\n"), false);
        assert!(!shown.contains('\u{1b}'), "{shown}");
        assert!(shown.starts_with("error[P0199]: x?[2J"), "{shown}");
    }

    #[test]
    fn odd_places_never_panic() {
        let place = |file: &str, start, end| Place {
            anchor: Anchor {
                file: Arc::from(file),
                item: Arc::from("x"),
            },
            span: Span { start, end },
        };
        for text in ["", "\n", "é", "a\r\nb\u{2028}é", "tab\there\n"] {
            for (start, end) in [
                (0, 0),
                (1, 0),
                (2, 9),
                (u32::MAX, u32::MAX),
                (0, u32::MAX),
                (3, 1),
            ] {
                let diagnostic = Diagnostic::error("P0199", "x", place("a.play", start, end), "y")
                    .also(place("gone.play", 1, 2), "z")
                    .also(place("a.play", end, start), "");
                assert!(
                    !render(
                        &[diagnostic],
                        &One(Box::leak(text.to_owned().into_boxed_str())),
                        true
                    )
                    .is_empty()
                );
            }
        }
    }
}
