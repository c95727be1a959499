//! Source text in, lines of markup with coloured words out. Everything is escaped; what cannot be seen is shown.

use super::text;
use counterplay_compiler::syntax::lexical::{Class, Lexeme, lexemes};
use counterplay_machine::Program;
use counterplay_machine::declare::Impact;
use std::sync::Arc;

/// A line of source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceLine {
    /// From 1.
    pub number: usize,
    /// The line in colours.
    pub html: String,
}

/// Colours a file. Actions of the program that do harm stand out.
pub fn highlight(path: &str, source: &str, program: Option<&Program>) -> Vec<SourceLine> {
    let path: Arc<str> = Arc::from(path);
    let mut pieces: Vec<(usize, usize, &str)> = Vec::new();
    let lexemes = lexemes(&path, source);
    let mut index = 0;
    while let Some(lexeme) = lexemes.get(index) {
        index += 1;
        if pieces.last().is_some_and(|(_, end, _)| lexeme.start < *end) {
            // A keyword inside of a text: the text is split around it.
            if let Some((start, end, class)) = pieces.pop() {
                pieces.push((start, lexeme.start, class));
                pieces.push((lexeme.start, lexeme.end, "keyword"));
                pieces.push((lexeme.end, end, class));
            }
            continue;
        }
        let mut end = lexeme.end;
        let class = match lexeme.class {
            Class::Keyword => "keyword",
            Class::Comment => "comment",
            Class::Documentation => "doc",
            Class::Text => "text",
            Class::Number => "number",
            Class::Operator => "operator",
            Class::Mark => "mark",
            Class::Word => {
                let (last, name) = dotted(source, &lexemes, index - 1);
                let class = word_class(source, lexeme, name, last, program);
                if class != "word" && last != index - 1 && class.starts_with("call") {
                    end = lexemes[last].end;
                    index = last + 1;
                }
                class
            }
        };
        pieces.push((lexeme.start, end, class));
    }
    paint(source, &pieces)
}

/// The name that begins with a word: `entra.block_sign_in`, and its last token.
fn dotted<'a>(source: &'a str, lexemes: &[Lexeme], first: usize) -> (usize, &'a str) {
    let mut last = first;
    while let (Some(dot), Some(word)) = (lexemes.get(last + 1), lexemes.get(last + 2)) {
        let joined = dot.start == lexemes[last].end
            && word.start == dot.end
            && source.get(dot.start..dot.end) == Some(".")
            && matches!(word.class, Class::Word | Class::Keyword);
        if !joined {
            break;
        }
        last += 2;
    }
    let name = source
        .get(lexemes[first].start..lexemes[last].end)
        .unwrap_or_default();
    (last, name)
}

fn word_class(
    source: &str,
    lexeme: &Lexeme,
    name: &str,
    _last: usize,
    program: Option<&Program>,
) -> &'static str {
    let end = lexeme.start + name.len();
    if source.get(end..).is_some_and(|rest| rest.starts_with('(')) {
        return match program.and_then(|p| impact(p, name)) {
            Some(Impact::Destructive) => "call destructive",
            Some(Impact::Disruptive) => "call disruptive",
            _ => "call",
        };
    }
    let word = source.get(lexeme.start..lexeme.end).unwrap_or_default();
    let rest = source.get(lexeme.end..).unwrap_or_default();
    if rest.starts_with(':') {
        "property"
    } else if word.starts_with(|c: char| c.is_ascii_uppercase()) {
        "type"
    } else {
        "word"
    }
}

/// The impact of an action as it is called in a file: with its module, or a part of it.
fn impact(program: &Program, name: &str) -> Option<Impact> {
    if let Some(callable) = program.callables.get(name) {
        return callable.impact;
    }
    program
        .callables
        .iter()
        .filter(|(full, _)| {
            full.strip_suffix(name)
                .is_some_and(|before| before.ends_with('.'))
        })
        .filter_map(|(_, callable)| callable.impact)
        .max()
}

/// Cuts the pieces at line breaks and gives each line its markup.
fn paint(source: &str, pieces: &[(usize, usize, &str)]) -> Vec<SourceLine> {
    let mut lines = vec![String::new()];
    let mut put = |range: Option<&str>, class: Option<&str>| {
        for (index, part) in range.unwrap_or_default().split('\n').enumerate() {
            if index > 0 {
                lines.push(String::new());
            }
            let part = part.strip_suffix('\r').unwrap_or(part);
            if let (Some(line), false) = (lines.last_mut(), part.is_empty()) {
                match class {
                    Some(class) => {
                        line.push_str(&format!("<span class=\"t-{class}\">"));
                        text::push_safe(line, part);
                        line.push_str("</span>");
                    }
                    None => text::push_safe(line, part),
                }
            }
        }
    };
    let mut at = 0;
    for (start, end, class) in pieces {
        if *start < at || start >= end {
            continue;
        }
        put(source.get(at..*start), None);
        let class = (*class != "word").then_some(*class);
        put(source.get(*start..*end), class);
        at = *end;
    }
    put(source.get(at..), None);
    if lines.len() > 1 && lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
        .into_iter()
        .enumerate()
        .map(|(index, html)| SourceLine {
            number: index + 1,
            html,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(source: &str) -> Vec<String> {
        highlight("x.play", source, None)
            .into_iter()
            .map(|line| line.html)
            .collect()
    }

    #[test]
    fn every_line_of_the_library_keeps_its_text() {
        for (path, source) in counterplay_compiler::library::files() {
            let shown = highlight(&path, source, None);
            assert_eq!(shown.len(), source.lines().count(), "{path}");
            for (line, original) in shown.iter().zip(source.lines()) {
                assert_eq!(plain(&line.html), original, "{path}:{}", line.number);
            }
        }
    }

    fn plain(html: &str) -> String {
        let mut out = String::new();
        let mut inside = false;
        for c in html.chars() {
            match c {
                '<' => inside = true,
                '>' => inside = false,
                c if !inside => out.push(c),
                _ => {}
            }
        }
        out.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&amp;", "&")
    }

    #[test]
    fn words_get_their_colours() {
        let shown = lines("playbook x \"A title\" {\n  // why\n  entra.block_sign_in(user)\n}\n");
        assert_eq!(
            shown[0],
            "<span class=\"t-keyword\">playbook</span> x <span class=\"t-text\">&quot;A title&quot;</span> <span class=\"t-mark\">{</span>"
        );
        assert_eq!(shown[1], "  <span class=\"t-comment\">// why</span>");
        assert!(
            shown[2].contains("<span class=\"t-call\">entra.block_sign_in</span>"),
            "{}",
            shown[2]
        );
    }

    #[test]
    fn nothing_gets_out_of_the_source() {
        let shown = lines(
            "// </span><script>x</script> \u{202e}txet\n\"\"\"\n<img onerror=x>\n\"\"\" & \u{0}",
        )
        .join("\n");
        assert!(
            !shown.contains("<script") && !shown.contains("<img"),
            "{shown}"
        );
        assert!(!shown.contains('\u{202e}') && !shown.contains('\u{0}'));
        assert!(shown.contains("U+202E"));
    }
}
