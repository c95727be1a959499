//! Text that somebody wrote in, text that can do no more to a page than be read out.
//!
//! A comment is Markdown: emphasis, lists, links and fenced blocks stay. Headings, raw HTML and a fence that is left
//! open would change the page around it, so that they become text, or are closed.

/// A `///` comment as a part of a page.
pub fn prose(doc: &str) -> String {
    let mut out = String::new();
    let mut fence: Option<String> = None;
    let mut code = false;
    for line in doc.lines() {
        let marker = fence_of(line);
        match (&fence, marker) {
            (Some(open), Some(marker))
                if marker.starts_with(open.as_str()) && line.trim() == marker =>
            {
                fence = None;
                out.push_str(line);
            }
            (Some(_), _) => out.push_str(line),
            (None, Some(marker)) => {
                fence = Some(marker);
                out.push_str(line.trim_start());
            }
            (None, None) => {
                // A span of code does not reach beyond its paragraph.
                if line.trim().is_empty() {
                    code = false;
                }
                let line = line.trim_start_matches(' ');
                let underline = line.starts_with(['=', '-'])
                    && line.trim_end().trim_start_matches(['=', '-']).is_empty();
                let target = |at: usize, mark: &str| {
                    let rest = line.get(at..).and_then(|rest| rest.strip_prefix(mark));
                    rest.is_some_and(|rest| !leads_somewhere(rest))
                };
                // What a link by reference leads to.
                let defines =
                    line.starts_with('[') && line.find(']').is_some_and(|at| target(at, "]:"));
                if line.starts_with('#') || underline || defines {
                    out.push('\\');
                }
                for (at, c) in line.char_indices() {
                    code ^= c == '`';
                    match c {
                        '<' if !code => out.push_str("&lt;"),
                        ']' if !code && target(at, "](") => out.push_str("\\]"),
                        _ => out.push(c),
                    }
                }
            }
        }
        out.push('\n');
    }
    if let Some(open) = fence {
        out.push_str(&open);
        out.push('\n');
    }
    out.trim_end().to_owned()
}

/// Whether a link may be followed: within the page, to a page, to a mailbox.
pub fn leads_somewhere(address: &str) -> bool {
    let address = address.trim().to_ascii_lowercase();
    ["#", "https://", "http://", "mailto:"]
        .iter()
        .any(|start| address.starts_with(start))
}

/// The signs that open or close a fenced block.
fn fence_of(line: &str) -> Option<String> {
    let line = line.trim_start();
    let sign = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let signs: String = line.chars().take_while(|c| *c == sign).collect();
    (signs.len() >= 3).then_some(signs)
}

/// Whether a comment shows an example of its own.
pub fn has_example(doc: &str) -> bool {
    doc.lines()
        .any(|line| fence_of(line).is_some() && line.trim().trim_matches(['`', '~']) == "play")
}

/// A text without any sign that Markdown knows.
pub fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let inside = before.is_alphanumeric() && chars.peek().is_some_and(|n| n.is_alphanumeric());
        before = c;
        match c {
            '\n' | '\r' => out.push(' '),
            // Within a word it marks nothing.
            '_' if inside => out.push('_'),
            '<' => out.push_str("&lt;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '|' | '!' | '~' | '&' | '>' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

/// A piece of source in a line.
pub fn code(source: &str) -> String {
    let source = source.replace(['\n', '\r'], " ");
    if source.trim().is_empty() {
        return String::new();
    }
    let mut longest = 0;
    let mut run = 0;
    for c in source.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    let pad = if source.starts_with('`') || source.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{source}{pad}{fence}")
}

/// Something in a cell of a table.
pub fn cell(text: &str) -> String {
    text.replace(['\n', '\r'], " ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_cannot_change_the_page_around_it() {
        assert_eq!(
            prose("# Loud\n<script>x</script> and `List<T>`"),
            "\\# Loud\n&lt;script>x&lt;/script> and `List<T>`"
        );
        assert_eq!(prose("Title\n====="), "Title\n\\=====");
        assert_eq!(
            prose("[a](javascript:alert) [b](https://x.example) [c](#d) `[e](f)`"),
            "[a\\](javascript:alert) [b](https://x.example) [c](#d) `[e](f)`"
        );
        assert_eq!(prose("[a][b]\n\n[b]: data:x"), "[a][b]\n\n\\[b]: data:x");
        assert_eq!(prose("```play\nlet x = 1"), "```play\nlet x = 1\n```");
        assert_eq!(prose("~~~~\n```\n~~~~\n<b>"), "~~~~\n```\n~~~~\n&lt;b>");
        assert_eq!(prose("an open ` sign\n\n<i>"), "an open ` sign\n\n&lt;i>");
    }

    #[test]
    fn source_keeps_its_signs() {
        assert_eq!(code("a < b"), "`a < b`");
        assert_eq!(code("a `b` c"), "``a `b` c``");
        assert_eq!(code("`b`"), "`` `b` ``");
        assert_eq!(code(" "), "");
        assert_eq!(cell("a|b"), "a\\|b");
        assert_eq!(plain("a_b _c_ <i>"), "a_b \\_c\\_ &lt;i\\>");
    }

    #[test]
    fn examples_are_found() {
        assert!(has_example("Text.\n```play\nx\n```"));
        assert!(!has_example("Text.\n```json\nx\n```"));
        assert!(!has_example("play"));
    }
}
