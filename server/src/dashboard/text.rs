//! Text of anybody in, text that is safe in a page and hides nothing out.
//!
//! Names, titles and comments come from outside. Characters that steer the direction of text, or that cannot be
//! seen, could make a person approve something else than they read, so each is shown as a mark with its code point.

use askama::filters::{Escaper, Safe};
use std::fmt::{self, Write};

/// A piece of a page that is finished: it is not escaped again.
pub type Markup = Safe<String>;

/// Whether a character is not seen, or changes how others are seen.
pub fn is_hidden(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        // Controls, soft hyphen, combining joiner, fillers, Mongolian selectors.
        c if c.is_control() => true,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' => {
            true
        }
        '\u{180b}'..='\u{180f}' => true,
        // Zero widths, marks and embeddings of direction, line separators, invisible operators, isolates.
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        '\u{2800}' | '\u{3164}' | '\u{ffa0}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' => true,
        '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' => true,
        // Tags and selectors of variants that no font shows.
        '\u{e0000}'..='\u{e0fff}' => true,
        _ => false,
    }
}

/// How a hidden character is called: `U+202E`.
pub fn code_point(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

/// Escapes for elements and attributes alike; hidden characters become `⟦U+202E⟧`. Every template uses it by itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Visible;

impl Escaper for Visible {
    fn write_escaped_str<W: Write>(&self, mut dest: W, string: &str) -> fmt::Result {
        let mut rest = string.chars().peekable();
        while let Some(c) = rest.next() {
            if c == '\r' && rest.peek() == Some(&'\n') {
                continue;
            }
            match escaped(c) {
                Some(entity) => dest.write_str(entity)?,
                None if is_hidden(c) => write!(dest, "⟦{}⟧", code_point(c))?,
                None => dest.write_char(c)?,
            }
        }
        Ok(())
    }
}

fn escaped(c: char) -> Option<&'static str> {
    Some(match c {
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        '"' => "&quot;",
        '\'' => "&#39;",
        _ => return None,
    })
}

/// Text for an element: escaped, hidden characters as badges. Not for attributes.
pub fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    push_safe(&mut out, text);
    out
}

/// Appends what [`safe`] gives.
pub fn push_safe(out: &mut String, text: &str) {
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '\r' && rest.peek() == Some(&'\n') {
            continue;
        }
        match escaped(c) {
            Some(entity) => out.push_str(entity),
            None if is_hidden(c) => {
                let code = code_point(c);
                out.push_str(&format!(
                    "<span class=\"hidden-char\" title=\"a character that cannot be seen\">{code}</span>"
                ));
            }
            None => out.push(c),
        }
    }
}

/// Text for an attribute, or for SVG text, where no elements may stand: see [`Visible`].
pub fn attribute(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    // Writing to a string does not fail.
    let _ = Visible.write_escaped_str(&mut out, text);
    out
}

/// Text of authors, in which what stands between backticks is code.
pub fn prose(text: &str) -> String {
    let mut out = String::new();
    let mut parts = text.split('`');
    push_safe(&mut out, parts.next().unwrap_or_default());
    while let Some(code) = parts.next() {
        match parts.next() {
            Some(after) if !code.is_empty() => {
                out.push_str("<code>");
                push_safe(&mut out, code);
                out.push_str("</code>");
                push_safe(&mut out, after);
            }
            // A backtick that has no partner is one.
            after => {
                out.push('`');
                push_safe(&mut out, code);
                if let Some(after) = after {
                    out.push('`');
                    push_safe(&mut out, after);
                }
            }
        }
    }
    out
}

/// The name of somebody or something, kept apart from the direction of the text around it.
pub fn name(text: &str) -> String {
    format!("<bdi>{}</bdi>", safe(text))
}

/// A part of a path, such as an approval's id: everything but letters, digits, `-`, `_`, `.` is percent-encoded.
pub fn segment(text: &str) -> String {
    const KEPT: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'_')
        .remove(b'.');
    // A segment of dots alone would be a step up.
    if !text.is_empty() && text.bytes().all(|b| b == b'.') {
        return text.replace('.', "%2E");
    }
    percent_encoding::utf8_percent_encode(text, KEPT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_backticks_is_code_and_still_text() {
        assert_eq!(
            prose("with `require_mfa` and `<b>`"),
            "with <code>require_mfa</code> and <code>&lt;b&gt;</code>"
        );
        for (text, expected) in [
            ("", ""),
            ("a ` b", "a ` b"),
            ("`a` b ` c", "<code>a</code> b ` c"),
            ("``", "``"),
            ("`", "`"),
        ] {
            assert_eq!(prose(text), expected, "{text}");
        }
    }

    #[test]
    fn markup_is_shown_as_text() {
        assert_eq!(
            safe("<script>alert(\"1\")</script> & 'x'"),
            "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;"
        );
        assert_eq!(
            attribute("\"><img onerror=x>"),
            "&quot;&gt;&lt;img onerror=x&gt;"
        );
    }

    #[test]
    fn what_cannot_be_seen_is_shown() {
        assert_eq!(attribute("a\u{202e}b"), "a⟦U+202E⟧b");
        assert!(safe("a\u{202e}b").contains(">U+202E</span>b"));
        for c in [
            '\u{200b}',
            '\u{feff}',
            '\u{0}',
            '\u{7f}',
            '\u{e0041}',
            '\u{2067}',
            '\r',
        ] {
            assert!(is_hidden(c), "{}", code_point(c));
            assert!(!safe(&format!("a{c}b")).contains(c));
        }
    }

    #[test]
    fn ordinary_text_stays() {
        for text in ["Ana López\nsecond line\tend", "日本語", "שלום", "naïve 👍"] {
            assert_eq!(safe(text), text);
            assert_eq!(attribute(text), text);
        }
        assert_eq!(safe("a\r\nb"), "a\nb");
    }

    #[test]
    fn ids_are_one_segment() {
        assert_eq!(segment("r-1:4/0[2]#1"), "r-1%3A4%2F0%5B2%5D%231");
        assert_eq!(segment(".."), "%2E%2E");
    }
}
