//! The rest of a file after an opening quote in, the length of the text token out. Linear in the file.

use logos::Lexer;

use super::token::Kind;

/// After `"`: to the closing quote, or to the end of the line.
///
/// An interpolation may hold quotes. One that does not end, or holds a brace, is no interpolation:
/// its `{` is then an ordinary character, and reading the text's inside reports it.
pub(super) fn text(lexer: &mut Lexer<'_, Kind>) -> Kind {
    let rest = lexer.remainder();
    let bytes = rest.as_bytes();
    let mut at = 0;
    loop {
        match bytes.get(at) {
            None | Some(b'\n') => break,
            Some(b'"') => {
                lexer.bump(at + 1);
                return Kind::Text;
            }
            Some(b'\\') => at = after_escape(bytes, at),
            Some(b'{') => at = interpolation(bytes, at).unwrap_or(at + 1),
            Some(_) => at += 1,
        }
    }
    lexer.bump(open_end(rest.get(..at).unwrap_or("")));
    Kind::OpenText
}

/// The byte after `\` and the character that it escapes; a newline is never escaped.
fn after_escape(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at + 1) {
        None | Some(b'\n') => at + 1,
        // The first byte of a longer character is enough: the others are none of those that we look for.
        Some(_) => at + 2,
    }
}

/// The byte after the `}` that ends an interpolation.
fn interpolation(bytes: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    loop {
        match bytes.get(at)? {
            b'\n' | b'{' | b'\\' => return None,
            b'}' => return Some(at + 1),
            b'"' => at = nested(bytes, at)?,
            _ => at += 1,
        }
    }
}

/// The byte after the `"` that ends a text inside an interpolation.
fn nested(bytes: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    loop {
        match bytes.get(at)? {
            b'\n' | b'{' => return None,
            b'"' => return Some(at + 1),
            b'\\' => at = after_escape(bytes, at),
            _ => at += 1,
        }
    }
}

/// Where a text that was left open probably ends: before the brackets and the `{` that end its line.
fn open_end(line: &str) -> usize {
    let line = line.trim_end();
    let line = line.strip_suffix('{').map_or(line, str::trim_end);
    line.trim_end_matches([')', ']', ',', ' ']).len()
}

/// After `"""`: to the `"""` that stands first on a line of its own.
pub(super) fn block(lexer: &mut Lexer<'_, Kind>) -> Kind {
    let rest = lexer.remainder();
    let blank = rest.len() - rest.trim_start_matches([' ', '\t', '\r']).len();
    if !matches!(rest.as_bytes().get(blank), None | Some(b'\n')) {
        // `"""text"""` on one line, or text after the opening: read as one broken token.
        lexer.bump(one_line(rest));
        return Kind::OpenBlock;
    }
    let first_line = blank;
    let mut at = first_line + 1;
    while let Some(line_rest) = rest.get(at..).filter(|line_rest| !line_rest.is_empty()) {
        let line = line_rest.split('\n').next().unwrap_or("");
        let content = line.trim_start();
        if content.starts_with("\"\"\"") {
            lexer.bump(at + (line.len() - content.len()) + 3);
            return Kind::Block;
        }
        if content.trim_end().ends_with("\"\"\"") {
            break;
        }
        at += line.len() + 1;
    }
    Kind::OpenBlock
}

/// To the next `"""` on the same line, or to the end of the line.
fn one_line(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        if *byte == b'\n' {
            return open_end(&rest[..at]);
        }
        if bytes.get(at..at + 3) == Some(b"\"\"\"") {
            return at + 3;
        }
    }
    open_end(rest)
}

/// After `r"`: to the closing quote, or to the end of the line.
pub(super) fn raw(lexer: &mut Lexer<'_, Kind>) -> Kind {
    let rest = lexer.remainder();
    match rest.find(['"', '\n']) {
        Some(at) if rest.as_bytes().get(at) == Some(&b'"') => {
            lexer.bump(at + 1);
            Kind::Raw
        }
        found => {
            lexer.bump(open_end(&rest[..found.unwrap_or(rest.len())]));
            Kind::OpenText
        }
    }
}

/// After `/*`: to `*/`, or to the end of the line.
pub(super) fn slash_star(lexer: &mut Lexer<'_, Kind>) -> Kind {
    let rest = lexer.remainder();
    let line = rest.find('\n').unwrap_or(rest.len());
    let end = if lexer.extras.no_comment_end {
        None
    } else {
        rest.find("*/")
    };
    lexer.extras.no_comment_end = end.is_none();
    lexer.bump(end.map_or(line, |at| at + 2));
    Kind::StarComment
}
