//! A file's tokens in, findings out about characters that hide what is written: what people read would be something
//! else than what is run. Also letters that look like others.

use super::{
    codes,
    report::Report,
    token::{Kind, Token},
};
use crate::diagnostic::{Diagnostic, Fix};

/// How a character hides something.
#[derive(Clone, Copy)]
enum Hides {
    /// It changes the order in which what follows is shown.
    Order(&'static str),
    /// It has no width.
    Width(&'static str),
    /// It steers a terminal and is no part of a text.
    Control,
}

fn hides(c: char) -> Option<Hides> {
    Some(match c {
        '\u{200E}' => Hides::Order("left-to-right mark"),
        '\u{200F}' => Hides::Order("right-to-left mark"),
        '\u{202A}' => Hides::Order("left-to-right embedding"),
        '\u{202B}' => Hides::Order("right-to-left embedding"),
        '\u{202C}' => Hides::Order("end of an embedding or override"),
        '\u{202D}' => Hides::Order("left-to-right override"),
        '\u{202E}' => Hides::Order("right-to-left override"),
        '\u{2066}' => Hides::Order("left-to-right isolate"),
        '\u{2067}' => Hides::Order("right-to-left isolate"),
        '\u{2068}' => Hides::Order("first strong isolate"),
        '\u{2069}' => Hides::Order("end of an isolate"),
        '\u{200B}' => Hides::Width("zero-width space"),
        '\u{200C}' => Hides::Width("zero-width non-joiner"),
        '\u{200D}' => Hides::Width("zero-width joiner"),
        '\u{FEFF}' => Hides::Width("byte order mark"),
        '\t' | '\n' | '\r' | '\u{B}' | '\u{C}' | '\u{85}' => return None,
        c if c.is_control() => Hides::Control,
        _ => return None,
    })
}

/// A hidden character and where it stands.
type Hit = (char, (usize, usize));

/// Whether a character is one that hides what is written.
pub(crate) fn is_hidden(c: char) -> bool {
    hides(c).is_some()
}

/// A word without what hides in it.
pub(super) fn bare(word: &str) -> String {
    word.chars().filter(|c| !is_hidden(*c)).collect()
}

/// Reports each way of hiding once, at the first place.
pub(super) fn check(report: &mut Report<'_>, tokens: &[Token]) {
    let mut found: Vec<(Hides, Vec<Hit>)> = Vec::new();
    for token in tokens {
        let text = token.text(report.text);
        // Joiners are part of how letters of some scripts and composed emoji are written.
        let written = matches!(token.kind, Kind::Comment | Kind::Doc) || token.kind.is_text();
        let mut before = None;
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let previous = before.replace(c);
            if c.is_ascii_graphic() || c == ' ' || !is_hidden(c) {
                continue;
            }
            let start = token.start + at;
            let next = chars.peek().map(|(_, c)| *c);
            let joins = matches!(c, '\u{200C}' | '\u{200D}')
                && [previous, next]
                    .iter()
                    .all(|c| c.is_some_and(|c| !c.is_ascii() && !is_hidden(c)));
            if (written && joins) || (c == '\u{FEFF}' && start == 0) {
                continue;
            }
            let range = (start, start + c.len_utf8());
            let Some(way) = hides(c) else { continue };
            let same =
                |known: &Hides| std::mem::discriminant(known) == std::mem::discriminant(&way);
            match found.iter_mut().find(|(known, _)| same(known)) {
                Some((_, all)) => all.push((c, range)),
                None => found.push((way, vec![(c, range)])),
            }
        }
    }
    for (way, all) in found {
        if let Some(diagnostic) = finding(report, way, &all) {
            report.push(diagnostic);
        }
    }
}

fn finding(report: &Report<'_>, way: Hides, all: &[Hit]) -> Option<Diagnostic> {
    let (c, first) = *all.first()?;
    let point = |c: char| format!("U+{:04X}", c as u32);
    let code = point(c);
    let (name, label) = match way {
        Hides::Order(name) => (
            format!("{code} ({name})"),
            "what follows is shown in another order than it is read",
        ),
        Hides::Width(name) => (
            format!("{code} ({name})"),
            "it stands here, and nobody sees it",
        ),
        Hides::Control => (
            format!("{code} (a control character)"),
            "it stands here, and most editors do not show it",
        ),
    };
    let mut diagnostic = report
        .error(
            codes::HIDDEN,
            format!("the character {name} hides what is written"),
            first,
            label,
        )
        .because("people would approve something else than what is run");
    if all.len() > 1 {
        let mut others: Vec<char> = all.iter().map(|(c, _)| *c).filter(|o| *o != c).collect();
        others.sort_unstable();
        others.dedup();
        let others: Vec<String> = others.into_iter().map(point).collect();
        diagnostic = diagnostic.help(match others.as_slice() {
            [] => format!("the file has {} of them", all.len()),
            others => format!(
                "the file has {} such characters, also {}",
                all.len(),
                others.join(", ")
            ),
        });
    }
    diagnostic.fixes.push(Fix {
        title: match all.len() {
            1 => "remove it".to_owned(),
            _ => "remove every one".to_owned(),
        },
        safe: false,
        edits: all
            .iter()
            .map(|(_, (start, end))| (report.place(*start, *end), String::new()))
            .collect(),
    });
    Some(diagnostic)
}

/// The letter a–z, digit or `_` that a letter of another script looks like.
fn looks_like(c: char) -> Option<char> {
    Some(match c {
        // Cyrillic.
        'а' => 'a',
        'А' => 'A',
        'В' => 'B',
        'с' => 'c',
        'С' => 'C',
        'ԁ' => 'd',
        'е' => 'e',
        'Е' => 'E',
        'Ғ' => 'F',
        'һ' => 'h',
        'Н' => 'H',
        'і' => 'i',
        'І' => 'I',
        'ј' => 'j',
        'Ј' => 'J',
        'К' => 'K',
        'ӏ' => 'l',
        'М' => 'M',
        'о' => 'o',
        'О' => 'O',
        'р' => 'p',
        'Р' => 'P',
        'ԛ' => 'q',
        'ѕ' => 's',
        'Ѕ' => 'S',
        'Т' => 'T',
        'ѵ' => 'v',
        'ԝ' => 'w',
        'х' => 'x',
        'Х' => 'X',
        'у' => 'y',
        'У' => 'Y',
        // Greek.
        'α' => 'a',
        'Α' => 'A',
        'Β' => 'B',
        'Ε' => 'E',
        'Ζ' => 'Z',
        'Η' => 'H',
        'ι' => 'i',
        'Ι' => 'I',
        'Κ' => 'K',
        'Μ' => 'M',
        'ν' => 'v',
        'Ν' => 'N',
        'ο' => 'o',
        'Ο' => 'O',
        'ρ' => 'p',
        'Ρ' => 'P',
        'Τ' => 'T',
        'υ' => 'u',
        'Υ' => 'Y',
        'Χ' => 'X',
        // Latin letters of other alphabets.
        'ı' => 'i',
        'ɑ' => 'a',
        'ɡ' => 'g',
        // Wide forms.
        '\u{FF10}'..='\u{FF19}' | '\u{FF21}'..='\u{FF3A}' | '\u{FF41}'..='\u{FF5A}' => {
            char::from_u32(c as u32 - 0xFEE0)?
        }
        _ => return None,
    })
}

fn script(c: char) -> &'static str {
    match c as u32 {
        0x0400..=0x052F => "Cyrillic ",
        0x0370..=0x03FF => "Greek ",
        0xFF00..=0xFFEF => "wide ",
        _ => "",
    }
}

/// A word whose foreign letters all look like a–z: the word that it looks like, and what is said of it.
pub(super) fn look_alike(
    report: &Report<'_>,
    word: &str,
    range: (usize, usize),
) -> Option<(String, Diagnostic)> {
    let meant: String = word
        .chars()
        .map(|c| if c.is_ascii() { Some(c) } else { looks_like(c) })
        .collect::<Option<_>>()?;
    let first = word.chars().find(|c| !c.is_ascii())?;
    let twin = looks_like(first)?;
    let diagnostic = report
        .error(
            codes::HIDDEN,
            format!("`{word}` is not `{meant}`: its `{first}` only looks like `{twin}`"),
            range,
            format!(
                "the {}letter U+{:04X}, not `{twin}`",
                script(first),
                first as u32
            ),
        )
        .because("two names that look the same would be two different things")
        .fix(
            format!("write `{meant}` with the letters a–z"),
            false,
            report.place(range.0, range.1),
            meant.clone(),
        );
    Some((meant, diagnostic))
}
