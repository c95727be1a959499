//! A label in, lines of a bounded width out. The page's fonts are not known here, so widths are estimated generously.

/// The size of letters in drawings, in pixels.
pub const FONT_PX: f64 = 12.0;

/// A monospaced letter's width in parts of the size of letters; fonts differ by a few hundredths.
const MONO_EM: f64 = 0.61;

/// The width of a text in pixels.
pub fn width(text: &str) -> f64 {
    text.chars().map(cells).sum::<f64>() * MONO_EM * FONT_PX
}

/// How many cells a character takes: letters of East Asian scripts and pictures take two.
fn cells(c: char) -> f64 {
    match u32::from(c) {
        0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff => 2.0,
        0xfe30..=0xfe6f | 0xff00..=0xff60 | 0x1f300..=0x1faff | 0x20000..=0x3fffd => 2.0,
        _ => 1.0,
    }
}

/// Breaks a text at spaces, and inside of words that are too long; what does not fit into the lines is cut.
pub fn wrap(text: &str, width_px: f64, lines_max: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let mut word = word.to_owned();
        loop {
            let joined = if line.is_empty() {
                word.clone()
            } else {
                format!("{line} {word}")
            };
            if width(&joined) <= width_px {
                line = joined;
                break;
            }
            if line.is_empty() {
                let fits = break_at(&word, width_px);
                let rest = word.split_off(fits);
                lines.push(word);
                word = rest;
                if word.is_empty() {
                    break;
                }
            } else {
                lines.push(std::mem::take(&mut line));
            }
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    if lines.len() > lines_max {
        lines.truncate(lines_max);
        if let Some(last) = lines.last_mut() {
            while width(last) > width_px - FONT_PX && last.pop().is_some() {}
            last.push('…');
        }
    }
    lines
}

/// Where to break a word that is too long: after a dot, bracket or comma where there is one, at least one letter.
fn break_at(word: &str, width_px: f64) -> usize {
    let mut used = 0.0;
    let mut best = None;
    for (at, c) in word.char_indices() {
        used += cells(c) * MONO_EM * FONT_PX;
        if used > width_px && at > 0 {
            return best.filter(|best| *best * 2 > at).unwrap_or(at);
        }
        if matches!(c, '.' | '(' | ',' | '/' | '_' | '-' | '@') {
            best = Some(at + c.len_utf8());
        }
    }
    word.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_within_the_width() {
        let text = "entra.delete_authentication_method(risk.user, method) when it is the last one";
        let lines = wrap(text, 180.0, 9);
        assert!(lines.iter().all(|line| width(line) <= 180.0), "{lines:?}");
        assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
        assert_eq!(lines[0], "entra.delete_");
    }

    #[test]
    fn what_is_too_long_is_cut() {
        let lines = wrap(&"x".repeat(5000), 180.0, 3);
        assert_eq!(lines.len(), 3);
        assert!(lines[2].ends_with('…') && width(&lines[2]) <= 180.0);
        assert!(wrap("", 100.0, 3).is_empty());
        assert_eq!(wrap("日", 1.0, 3), ["日"], "one letter at least");
    }
}
