//! Literal tokens in, values out; the inside of a text is read by a rule of its own.

use pest::iterators::Pair;

use super::{
    ast::{Expr, ExprKind, TextPart},
    codes, expected,
    head::{Builder, Rule, Source, parse_source},
};

/// How many bad places are reported in one text.
const BAD_PLACES_MAX: usize = 8;

impl Builder<'_, '_, '_> {
    /// The value of a literal.
    pub(crate) fn literal(&mut self, pair: &Pair<'_, Rule>) -> ExprKind {
        let written = pair.as_str().trim_end();
        match pair.as_rule() {
            Rule::text => ExprKind::Text(self.text(pair)),
            Rule::raw_text => ExprKind::Raw(
                written
                    .strip_prefix("r\"")
                    .and_then(|rest| rest.strip_suffix('"'))
                    .unwrap_or("")
                    .to_owned(),
            ),
            Rule::bool => ExprKind::Bool(written == "true"),
            Rule::now => ExprKind::Now,
            Rule::int => written
                .parse()
                .map_or_else(|_| self.too_big(pair), ExprKind::Int),
            Rule::number => written
                .parse()
                .map_or_else(|_| self.too_big(pair), ExprKind::Number),
            Rule::duration => {
                duration(written).map_or_else(|| self.too_big(pair), ExprKind::Duration)
            }
            Rule::clock => self.clock(pair, written),
            _ => ExprKind::Missing,
        }
    }

    fn too_big(&mut self, pair: &Pair<'_, Rule>) -> ExprKind {
        let range = self.range(pair);
        let diagnostic = self
            .report
            .error(
                codes::BAD_NUMBER,
                "this number is too big",
                range,
                "does not fit",
            )
            .help("the biggest number is 9223372036854775807, the longest duration 100 years");
        self.report.push(diagnostic);
        ExprKind::Missing
    }

    fn clock(&mut self, pair: &Pair<'_, Rule>, written: &str) -> ExprKind {
        let parts = written.split_once(':').and_then(|(hours, minutes)| {
            Some((hours.parse::<u16>().ok()?, minutes.parse::<u16>().ok()?))
        });
        match parts {
            Some((hours, minutes)) if hours < 24 && minutes < 60 => {
                ExprKind::ClockTime(hours * 60 + minutes)
            }
            _ => {
                let range = self.range(pair);
                let diagnostic = self.report.error(
                    codes::BAD_NUMBER,
                    format!("`{written}` is no time of day"),
                    range,
                    "from `00:00` to `23:59`",
                );
                self.report.push(diagnostic);
                ExprKind::Missing
            }
        }
    }

    /// A text that takes no interpolation: a key, a wire value.
    pub(crate) fn plain_text(&mut self, pair: &Pair<'_, Rule>) -> String {
        let mut plain = String::new();
        for part in self.text(pair) {
            match part {
                TextPart::Literal(literal) => plain.push_str(&literal),
                TextPart::Interpolation(expr) => {
                    let range = self.absolute(expr.span);
                    let diagnostic = self
                        .report
                        .error(
                            codes::BAD_TEXT,
                            "this text takes no `{…}`",
                            range,
                            "its value must be known when the file is read",
                        )
                        .help("for the character itself write `\\{`");
                    self.report.push(diagnostic);
                }
            }
        }
        plain
    }

    /// The parts of a text.
    pub(crate) fn text(&mut self, pair: &Pair<'_, Rule>) -> Vec<TextPart> {
        let written = pair.as_str().trim_end();
        let start = self.range(pair).0;
        let opening = if written.starts_with("\"\"\"") { 3 } else { 1 };
        let inside = written
            .get(opening..written.len().saturating_sub(opening))
            .unwrap_or("");
        let lines = if opening == 3 {
            BlockLines::of(inside)
        } else {
            BlockLines::none()
        };
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest_start = 0;
        let mut bad = 0;
        while rest_start < inside.len() && bad < BAD_PLACES_MAX {
            bad += 1;
            let rest = inside.get(rest_start..).unwrap_or("");
            let source = Source::verbatim(rest, start + opening + rest_start);
            match parse_source(Rule::text_inside, &source) {
                Ok(pairs) => {
                    self.text_parts(
                        pairs,
                        start + opening + rest_start,
                        rest_start,
                        &lines,
                        &mut parts,
                        &mut literal,
                    );
                    break;
                }
                Err(failure) => {
                    // What could be read is kept; the bad character is reported and taken as it stands.
                    let at = failure.at.min(rest.len());
                    let good = Source::verbatim(
                        rest.get(..at).unwrap_or(""),
                        start + opening + rest_start,
                    );
                    if let Ok(pairs) = parse_source(Rule::text_inside, &good) {
                        self.text_parts(
                            pairs,
                            start + opening + rest_start,
                            rest_start,
                            &lines,
                            &mut parts,
                            &mut literal,
                        );
                    }
                    let skipped = self.bad_text(
                        rest.get(at..).unwrap_or(""),
                        start + opening + rest_start + at,
                    );
                    rest_start += at + skipped.max(1);
                    while !inside.is_char_boundary(rest_start) {
                        rest_start += 1;
                    }
                    if skipped == 0 {
                        break;
                    }
                }
            }
        }
        if !literal.is_empty() {
            parts.push(TextPart::Literal(literal));
        }
        parts
    }

    /// Reports what cannot stand in a text; says how many bytes to skip, none to give up.
    fn bad_text(&mut self, rest: &str, at: usize) -> usize {
        let place = self.report.place(at, at + 1);
        if rest.starts_with('{') {
            let diagnostic = self
                .report
                .error(codes::BAD_TEXT, "this `{` is not closed", (at, at + 1), "opens an expression that has no `}`")
                .because("in a text, `{name}` puts a value in; the expression stands on one line and holds no braces of its own")
                .help("close it with `}` behind the value, such as `{user.name}`")
                .fix("write `\\{` for the character itself", false, place, "\\{");
            self.report.push(diagnostic);
            return 0;
        }
        let character = rest.chars().nth(1);
        let shown = character.map_or(String::from("\\"), |character| format!("\\{character}"));
        let end = at + shown.len();
        let diagnostic = self
            .report
            .error(
                codes::BAD_TEXT,
                format!("`{shown}` stands for nothing"),
                (at, end),
                "not an escape",
            )
            .because("the escapes are `\\n`, `\\t`, `\\\"`, `\\\\` and `\\{`")
            .fix(
                "write `\\\\` for the backslash itself",
                false,
                place,
                "\\\\",
            );
        self.report.push(diagnostic);
        shown.len()
    }

    fn text_parts(
        &mut self,
        pairs: Pair<'_, Rule>,
        file_start: usize,
        inside_start: usize,
        lines: &BlockLines,
        parts: &mut Vec<TextPart>,
        literal: &mut String,
    ) {
        for part in pairs.into_inner() {
            let at = part.as_span().start();
            match part.as_rule() {
                Rule::text_plain => lines.push(part.as_str(), inside_start + at, literal),
                Rule::text_escape => literal.push(match part.as_str() {
                    "\\n" => '\n',
                    "\\t" => '\t',
                    "\\\"" => '"',
                    "\\{" => '{',
                    _ => '\\',
                }),
                Rule::text_hole => {
                    let code = part.as_str();
                    let code = code.get(1..code.len().saturating_sub(1)).unwrap_or("");
                    if !literal.is_empty() {
                        parts.push(TextPart::Literal(std::mem::take(literal)));
                    }
                    let value = self.interpolation(code, file_start + at + 1);
                    parts.push(TextPart::Interpolation(value));
                }
                _ => {}
            }
        }
    }

    /// The expression in `{…}`.
    fn interpolation(&mut self, code: &str, start: usize) -> Expr {
        let source = Source::verbatim(code, start);
        let span = super::head::relative(self.base, start, start + code.len());
        match parse_source(Rule::interpolation_line, &source) {
            Ok(pair) => {
                let mut inner = Builder {
                    report: &mut *self.report,
                    base: self.base,
                    source: &source,
                    pieces: &[],
                };
                inner.keywords(&pair);
                match pair
                    .into_inner()
                    .find(|inner| inner.as_rule() == Rule::expr)
                {
                    Some(expr) => inner.expr(expr),
                    None => Expr {
                        kind: ExprKind::Missing,
                        span,
                    },
                }
            }
            Err(failure) => {
                let diagnostic = expected::interpolation(self.report, code, start, &failure);
                self.report.push(diagnostic);
                Expr {
                    kind: ExprKind::Missing,
                    span,
                }
            }
        }
    }
}

/// The longest duration, a hundred years, in milliseconds.
const DURATION_MS_MAX: i64 = 100 * 366 * 86_400_000;

fn duration(written: &str) -> Option<i64> {
    let split = written.find(|letter: char| !letter.is_ascii_digit())?;
    let (digits, unit) = written.split_at(split);
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    digits
        .parse::<i64>()
        .ok()?
        .checked_mul(unit_ms)
        .filter(|ms| *ms <= DURATION_MS_MAX)
}

/// A block text's lines: the common indentation is removed, and the first and the last newline are no part of it.
struct BlockLines {
    indent: usize,
    /// The content's range inside the quotes.
    content: (usize, usize),
}

impl BlockLines {
    fn none() -> BlockLines {
        BlockLines {
            indent: 0,
            content: (0, usize::MAX),
        }
    }

    fn of(inside: &str) -> BlockLines {
        let start = inside.find('\n').map_or(0, |at| at + 1);
        let end = inside.rfind('\n').unwrap_or(start).max(start);
        let lines = inside
            .get(start..end)
            .unwrap_or("")
            .lines()
            .filter(|line| !line.trim().is_empty());
        let indent = lines
            .map(|line| line.len() - line.trim_start_matches([' ', '\t']).len())
            .min()
            .unwrap_or(0);
        BlockLines {
            indent,
            content: (start, end),
        }
    }

    /// Adds characters that stand at `at` inside the quotes, without the indentation of their lines.
    fn push(&self, plain: &str, at: usize, out: &mut String) {
        if self.content.1 == usize::MAX {
            out.push_str(plain);
            return;
        }
        // In the middle of a line there is no indentation left to remove.
        let mut column = if at > self.content.0 { usize::MAX } else { 0 };
        for (offset, character) in plain.char_indices() {
            let place = at + offset;
            if place < self.content.0 || place >= self.content.1 {
                column = 0;
                continue;
            }
            match character {
                '\r' => {}
                '\n' => {
                    out.push('\n');
                    column = 0;
                }
                ' ' | '\t' if column < self.indent => column += 1,
                _ => {
                    column = usize::MAX;
                    out.push(character);
                }
            }
        }
    }
}
