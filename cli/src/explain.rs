//! `counterplay explain`: a finding's code in, the page about it for a terminal out.

use crate::args::ExplainArgs;
use crate::error::{Failure, OK, Outcome};
use crate::out::{self, BAD, GOOD, HEAD, NAME, QUIET, paint};
use counterplay_compiler::explain;

/// The families of codes by their first two digits.
const FAMILIES: &[(&str, &str)] = &[
    ("P01", "Syntax: how a playbook is written"),
    ("P02", "Names and types: what its words stand for"),
    ("P03", "Effects: what its actions do outside"),
    ("P04", "The graph: the ways through a playbook"),
];

/// Shows the page about a code, or lists all codes.
///
/// # Errors
/// When there is no such code, or the output cannot be written.
pub fn explain(args: &ExplainArgs) -> Outcome {
    match &args.code {
        None => out::text(list())?,
        Some(written) => {
            let code = bare(written);
            let page = explain::page(&code)
                .ok_or_else(|| Failure::cannot_start(explain::unknown(&code)))?;
            out::text(shown(page))?;
        }
    }
    Ok(OK)
}

/// The code in what was typed or copied: `p0401`, `401`, `error[P0401]:`.
fn bare(written: &str) -> String {
    let inside = written.split_once('[').map_or(written, |(_, rest)| rest);
    let code = inside
        .split(']')
        .next()
        .unwrap_or(inside)
        .trim()
        .trim_end_matches(':')
        .to_ascii_uppercase();
    let digits = code.chars().all(|c| c.is_ascii_digit());
    match code.len() {
        3 | 4 if digits => format!("P{code:0>4}"),
        _ => code,
    }
}

/// All codes with their titles, by family.
fn list() -> String {
    let codes = explain::codes();
    let mut text = String::new();
    for (family, title) in FAMILIES {
        text.push_str(&format!("{}\n", paint(HEAD, title)));
        for (code, title) in codes.iter().filter(|(code, _)| code.starts_with(family)) {
            text.push_str(&format!("  {}  {}\n", paint(NAME, code), inline(title)));
        }
        text.push('\n');
    }
    text.push_str(&format!(
        "{}\n",
        paint(
            QUIET,
            "one of them with an example: counterplay explain P0401"
        )
    ));
    text
}

/// A page as it is read on a terminal: headings without signs, code indented, notes to the machine left out.
fn shown(page: &str) -> String {
    let (mut text, mut in_code, mut blank) = (String::new(), false, true);
    for line in page.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
            continue;
        }
        if line.starts_with("<!--") || (line.is_empty() && blank) {
            continue;
        }
        blank = line.is_empty();
        let line = if in_code && !blank {
            format!("    {line}")
        } else if in_code || line.starts_with("    ") {
            line.to_owned()
        } else if let Some(title) = line.strip_prefix("# ") {
            paint(HEAD, title)
        } else if let Some(section) = line.strip_prefix("## ") {
            let style = match section {
                "Wrong" => BAD,
                "Right" => GOOD,
                _ => HEAD,
            };
            paint(style, section)
        } else {
            inline(line)
        };
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// Prose with what stands in backticks painted.
fn inline(line: &str) -> String {
    line.split('`')
        .enumerate()
        .map(|(i, part)| match i % 2 {
            0 => out::harmless(part),
            _ => paint(NAME, format!("`{part}`")),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_taken_as_people_have_them() {
        for written in [
            "P0401",
            "p0401",
            "401",
            "0401",
            "[P0401]",
            "error[P0401]",
            "warning[p0401]: text",
            " P0401:",
        ] {
            assert_eq!(bare(written), "P0401", "{written:?}");
        }
        assert_eq!(bare("approve"), "APPROVE");
    }

    #[test]
    fn every_code_belongs_to_a_family_and_is_listed() {
        let list = list();
        for (code, _) in explain::codes() {
            assert!(list.contains(code), "{code}");
        }
    }

    #[test]
    fn pages_are_read_without_markup() {
        for (code, title) in explain::codes() {
            let text =
                anstream::adapter::strip_str(&shown(explain::page(code).unwrap_or(""))).to_string();
            assert!(text.starts_with(&format!("{code}: {title}\n\n")), "{text}");
            for sign in ["```", "<!--", "\n#", "\n\n\n"] {
                assert!(!text.contains(sign), "{sign:?} in {text}");
            }
        }
    }
}
