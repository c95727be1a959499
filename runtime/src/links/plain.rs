//! Text that others wrote in; one line of it that can neither hide, turn round nor link out.

/// Text on one line of at most `max` characters. Controls and line ends become spaces; characters
/// that turn the reading direction or show nothing are left out. An address with a scheme is broken
/// (`https[:]//…`), so that no program makes a link of it beside ours.
pub(super) fn line(text: &str, max: usize) -> String {
    let mut out = String::new();
    for c in text.chars().filter(|c| !is_hidden(*c)) {
        let c = if c.is_whitespace() || c.is_control() {
            ' '
        } else {
            c
        };
        if c != ' ' || !(out.is_empty() || out.ends_with(' ')) {
            out.push(c);
        }
    }
    let out = out.trim_end().replace("://", "[:]//");
    if out.chars().count() <= max {
        return out;
    }
    let kept: String = out.chars().take(max.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// Characters that change the direction of text, join or break it unseen, or carry hidden text.
fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn nothing_hides_turns_round_or_links_out() {
        for (given, shown) in [
            ("  Wipe\r\n\tit?\u{0} ", "Wipe it?"),
            ("exe.\u{202e}fdp\u{2069}\u{200b}", "exe.fdp"),
            (
                "[x](http://evil) <https://evil|click>",
                "[x](http[:]//evil) <https[:]//evil|click>",
            ),
            ("two\u{2028}lines", "two lines"),
            ("ž 漢字 👩\u{200d}💻", "ž 漢字 👩\u{200d}💻"),
        ] {
            assert_eq!(line(given, 80), shown);
        }
        // A hidden character inside the scheme does not save it.
        assert_eq!(line("http:\u{200b}//evil", 80), "http[:]//evil");
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        assert_eq!(line("abcdef", 6), "abcdef");
        assert_eq!(line("abc def", 5), "abc…");
        assert_eq!(line(&"ü".repeat(500), 10).chars().count(), 10);
    }
}
