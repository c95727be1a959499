//! The place where the grammar could not go on in, a finding in the author's words out; where it is plain what
//! was meant, also the tokens as they should be, so that the line can be read all the same.

use super::{
    codes, forms,
    head::{Failure, Rule},
    report::Report,
    token::Kind,
    tree::Piece,
    words,
};
use crate::diagnostic::Diagnostic;

/// What is to be said, and how the line reads when the slip is mended.
pub(crate) struct Outcome {
    pub(crate) diagnostic: Diagnostic,
    /// What is to be said instead when the mended line cannot be read either.
    pub(crate) plain: Option<Diagnostic>,
    pub(crate) mended: Option<Vec<Piece>>,
}

/// Explains why a head could not be read. `at` is the index of the token that did not fit.
pub(crate) fn explain(
    report: &Report<'_>,
    rule: Rule,
    pieces: &[Piece],
    at: usize,
    wanted: &[Rule],
) -> Outcome {
    let slip = Slip {
        report,
        rule,
        pieces,
        at,
        wanted,
    };
    slip.assignment()
        .or_else(|| slip.is_something())
        .or_else(|| slip.use_without_dot())
        .or_else(|| slip.foreign_choice())
        .or_else(|| slip.short_day())
        .or_else(|| slip.bare_group())
        .or_else(|| slip.misspelt())
        .or_else(|| slip.missing_comma())
        .or_else(|| slip.missing_colon())
        .or_else(|| slip.bare_choice())
        .or_else(|| slip.reserved())
        .unwrap_or_else(|| Outcome {
            diagnostic: slip.unexpected(),
            plain: None,
            mended: None,
        })
}

/// A failure and its surroundings.
struct Slip<'a, 't> {
    report: &'a Report<'t>,
    rule: Rule,
    pieces: &'a [Piece],
    at: usize,
    wanted: &'a [Rule],
}

impl Slip<'_, '_> {
    fn found(&self) -> Option<&Piece> {
        self.pieces.get(self.at)
    }

    fn word(&self, at: usize) -> &str {
        self.pieces
            .get(at)
            .filter(|piece| piece.kind == Kind::Word)
            .map_or("", |piece| piece.text(self.report.text))
    }

    fn wants(&self, rule: Rule) -> bool {
        self.wanted.contains(&rule)
    }

    /// The tokens with one of them replaced.
    fn with(&self, at: usize, instead: &str, kind: Kind) -> Vec<Piece> {
        let mut pieces = self.pieces.to_vec();
        if let Some(piece) = pieces.get_mut(at) {
            (piece.instead, piece.kind) = (Some(instead.to_owned()), kind);
        }
        pieces
    }

    /// A finding at a token that should read differently.
    fn replacement(
        &self,
        code: &'static str,
        message: String,
        at: usize,
        label: &str,
        instead: &str,
    ) -> Diagnostic {
        let range = self
            .pieces
            .get(at)
            .map_or((0, 0), |piece| (piece.start, piece.end));
        let place = self.report.place(range.0, range.1);
        self.report.error(code, message, range, label).fix(
            format!("replace with `{instead}`"),
            false,
            place,
            instead,
        )
    }

    /// `=` where values are compared, or before a first `let`.
    fn assignment(&self) -> Option<Outcome> {
        let found = self.found().filter(|piece| piece.kind == Kind::Assign)?;
        let in_brackets = self
            .pieces
            .get(..self.at)?
            .iter()
            .any(|piece| piece.kind == Kind::ParenOpen);
        if in_brackets
            && self.at >= 1
            && !self.word(self.at - 1).is_empty()
            && self.starts_argument(self.at - 1)
        {
            let diagnostic = self.replacement(
                codes::FOREIGN,
                "a named argument is written with `:`".to_owned(),
                self.at,
                "`:` belongs here",
                ":",
            );
            return Some(Outcome {
                diagnostic,
                plain: None,
                mended: Some(self.with(self.at, ":", Kind::Colon)),
            });
        }
        if self.rule == Rule::call_line {
            let first = self.pieces.first()?;
            let (start, name) = (first.start, first.text(self.report.text));
            if self.at == 1 && self.has_name(name, start) {
                let diagnostic = self
                    .report
                    .error(
                        codes::FOREIGN,
                        format!("`{name}` has its value already"),
                        (found.start, found.end),
                        "`=` alone gives nothing a name",
                    )
                    .because("a name is given once and never changed")
                    .help("give the new value a name of its own, with `let`; or decide in one go: `let x = (if CONDITION then VALUE else VALUE)`");
                return Some(Outcome {
                    diagnostic,
                    plain: None,
                    mended: None,
                });
            }
            let diagnostic = self
                .report
                .error(
                    codes::FOREIGN,
                    "a value gets its name with `let`",
                    (found.start, found.end),
                    "`=` alone gives nothing a name",
                )
                .help("a name is given once and never changed")
                .fix(
                    "insert `let`",
                    false,
                    self.report.place(start, start),
                    "let ",
                );
            return Some(Outcome {
                diagnostic,
                plain: None,
                mended: None,
            });
        }
        if self.wants(Rule::op_eq) {
            let diagnostic = self.replacement(
                codes::FOREIGN,
                "two values are compared with `==`".to_owned(),
                self.at,
                "a single `=` only gives a name to a value",
                "==",
            );
            return Some(Outcome {
                diagnostic,
                plain: None,
                mended: Some(self.with(self.at, "==", Kind::Eq)),
            });
        }
        if self.wants(Rule::colon) {
            let diagnostic = self.replacement(
                codes::FOREIGN,
                "`:` stands between a name and what it is".to_owned(),
                self.at,
                "`:` belongs here",
                ":",
            );
            return Some(Outcome {
                diagnostic,
                plain: None,
                mended: Some(self.with(self.at, ":", Kind::Colon)),
            });
        }
        None
    }

    /// `use microsoft(entra, intune)`.
    fn use_without_dot(&self) -> Option<Outcome> {
        let found = self.found().filter(|piece| piece.kind == Kind::ParenOpen)?;
        if self.rule != Rule::use_head || self.word(self.at.checked_sub(1)?).is_empty() {
            return None;
        }
        let start = found.start;
        let mut pieces = self.pieces.to_vec();
        let dot = Piece {
            kind: Kind::Dot,
            instead: Some(".".to_owned()),
            ..found.clone()
        };
        pieces.insert(self.at, dot);
        let diagnostic = self
            .report
            .error(
                codes::UNEXPECTED,
                "a `.` is missing before `(`",
                (found.start, found.end),
                "what follows is in the module before it",
            )
            .help("several modules are brought in with `use microsoft.(identity, entra)`")
            .fix("insert `.`", false, self.report.place(start, start), ".");
        Some(Outcome {
            diagnostic,
            plain: None,
            mended: Some(pieces),
        })
    }

    /// Whether a name was given before, since the last line at the left margin that closes an item. Not looked at in
    /// a file that is full of mistakes, so that the work stays bounded.
    fn has_name(&self, name: &str, before: usize) -> bool {
        if self.report.found.len() > 100 {
            return false;
        }
        let text = self.report.text.get(..before).unwrap_or("");
        let item = text.rfind("\n}").and_then(|at| text.get(at..));
        let words: Vec<&str> = item
            .unwrap_or(text)
            .split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .filter(|word| !word.is_empty())
            .collect();
        words
            .windows(2)
            .any(|pair| matches!(pair, ["let" | "as" | "each", given] if *given == name))
    }

    fn starts_argument(&self, at: usize) -> bool {
        at.checked_sub(1)
            .and_then(|before| self.pieces.get(before))
            .is_some_and(|before| matches!(before.kind, Kind::ParenOpen | Kind::Comma))
    }

    /// `x is high`, `x is not present`, `x is null`.
    fn is_something(&self) -> Option<Outcome> {
        let is = self.at.checked_sub(1).filter(|at| self.word(*at) == "is")?;
        if !self.wants(Rule::kw_present) && !self.wants(Rule::kw_absent) {
            return None;
        }
        let found = self.found()?;
        let word = self.word(self.at);
        if (word.is_empty() && !found.kind.is_text())
            || (word != "not" && words::RESERVED.contains(&word))
        {
            return None;
        }
        let mut pieces = self.pieces.to_vec();
        let (message, end, instead) = match (self.word(self.at), self.word(self.at + 1)) {
            ("not", "present" | "absent") => {
                let opposite = if self.word(self.at + 1) == "present" {
                    "absent"
                } else {
                    "present"
                };
                let end = self.pieces.get(self.at + 1)?.end;
                pieces.get_mut(self.at + 1)?.instead = Some(opposite.to_owned());
                pieces.remove(self.at);
                (
                    format!("the opposite is written `is {opposite}`"),
                    end,
                    format!("is {opposite}"),
                )
            }
            ("null" | "nil" | "None" | "empty" | "missing", _) => {
                pieces.get_mut(self.at)?.instead = Some("absent".to_owned());
                (
                    "a value that is not there is `absent`".to_owned(),
                    found.end,
                    "is absent".to_owned(),
                )
            }
            (word, _) if words::nearest(word, &["present", "absent"]).is_some() => {
                let meant = words::nearest(word, &["present", "absent"])?;
                pieces.get_mut(self.at)?.instead = Some(meant.to_owned());
                (
                    format!("`{word}` is not known here"),
                    found.end,
                    format!("is {meant}"),
                )
            }
            ("not", _) => {
                let end = found.end;
                pieces.get_mut(is)?.instead = Some("!=".to_owned());
                pieces.remove(self.at);
                (
                    "two values are compared with `!=`; `is` only asks for `present` or `absent`"
                        .to_owned(),
                    end,
                    "!=".to_owned(),
                )
            }
            _ => {
                let piece = pieces.get_mut(is)?;
                (piece.instead, piece.kind) = (Some("==".to_owned()), Kind::Eq);
                let end = self.pieces.get(is)?.end;
                (
                    "two values are compared with `==`; `is` only asks for `present` or `absent`"
                        .to_owned(),
                    end,
                    "==".to_owned(),
                )
            }
        };
        let start = self.pieces.get(is)?.start;
        let place = self.report.place(start, end);
        let diagnostic = self
            .report
            .error(
                codes::FOREIGN,
                message,
                (start, end),
                format!("write `{instead}`"),
            )
            .fix(format!("replace with `{instead}`"), false, place, instead);
        Some(Outcome {
            diagnostic,
            plain: None,
            mended: Some(pieces),
        })
    }

    /// A word that is nearly one of those that may stand here.
    fn misspelt(&self) -> Option<Outcome> {
        let word = self.word(self.at);
        if words::RESERVED.contains(&word) {
            return None;
        }
        let keywords: Vec<String> = self
            .wanted
            .iter()
            .filter_map(|rule| keyword(*rule))
            .collect();
        let candidates: Vec<&str> = keywords.iter().map(String::as_str).collect();
        let meant = words::nearest(word, &candidates)?;
        let diagnostic = self.replacement(
            codes::MISSPELT,
            format!("`{word}` is not known here"),
            self.at,
            &format!("did you mean `{meant}`?"),
            meant,
        );
        Some(Outcome {
            diagnostic,
            plain: None,
            mended: Some(self.with(self.at, meant, Kind::Word)),
        })
    }

    /// Something begins where only `,` or an operator may follow.
    fn missing_comma(&self) -> Option<Outcome> {
        let found = self.found()?;
        let word = self.word(self.at);
        let begins = match found.kind {
            Kind::Word => {
                !words::RESERVED.contains(&word) || matches!(word, "true" | "false" | "now" | "not")
            }
            Kind::Int | Kind::Number | Kind::Duration | Kind::Clock => true,
            kind => kind.is_text(),
        };
        let before = self.pieces.get(..self.at)?;
        let depth = before.iter().fold(0_i32, |depth, piece| match piece.kind {
            Kind::ParenOpen | Kind::SquareOpen | Kind::BraceOpen => depth + 1,
            Kind::ParenClose | Kind::SquareClose | Kind::BraceClose => depth - 1,
            _ => depth,
        });
        let listed = matches!(self.rule, Rule::enum_line | Rule::field_line);
        let clause = match self.rule {
            Rule::for_line => word == "refuse" || found.kind == Kind::Int,
            Rule::when_line | Rule::webhook_line => word == "for",
            Rule::retry_line => word == "from",
            _ => false,
        };
        if !self.wants(Rule::comma) || !(clause || begins && (depth > 0 || listed)) {
            return None;
        }
        let end = before.last()?.end;
        let shown = found.text(self.report.text).to_owned();
        let diagnostic = self
            .report
            .error(
                codes::MISSING_COMMA,
                format!("a `,` is missing before {}", forms::quoted(&shown)),
                (found.start, found.end),
                "this begins something new",
            )
            .fix("insert `,`", false, self.report.place(end, end), ",");
        let mut pieces = self.pieces.to_vec();
        pieces.insert(
            self.at,
            Piece {
                kind: Kind::Comma,
                start: end,
                end,
                instead: Some(",".to_owned()),
                doc: None,
            },
        );
        Some(Outcome {
            diagnostic,
            plain: Some(self.unexpected()),
            mended: Some(pieces),
        })
    }

    /// `impact reversible`.
    fn missing_colon(&self) -> Option<Outcome> {
        let found = self.found()?;
        let begins = found.kind == Kind::Word || found.kind == Kind::Int || found.kind.is_text();
        if !begins || self.wanted != [Rule::colon] {
            return None;
        }
        let end = self.pieces.get(self.at.checked_sub(1)?)?.end;
        let shown = forms::quoted(found.text(self.report.text));
        let diagnostic = self
            .report
            .error(
                codes::UNEXPECTED,
                format!("a `:` is missing before {shown}"),
                (found.start, found.end),
                "this should follow a `:`",
            )
            .fix("insert `:`", false, self.report.place(end, end), ":");
        let mut pieces = self.pieces.to_vec();
        let instead = Some(":".to_owned());
        pieces.insert(
            self.at,
            Piece {
                kind: Kind::Colon,
                start: end,
                end,
                instead,
                doc: None,
            },
        );
        Some(Outcome {
            diagnostic,
            plain: Some(self.unexpected()),
            mended: Some(pieces),
        })
    }

    /// `let x = if a then b else c`.
    fn bare_choice(&self) -> Option<Outcome> {
        let found = self.found().filter(|_| self.word(self.at) == "if")?;
        if !self
            .wanted
            .iter()
            .any(|rule| matches!(forms::noun(*rule), forms::Noun::Value))
        {
            return None;
        }
        let diagnostic = self
            .report
            .error(
                codes::UNEXPECTED,
                "a choice between two values stands in parentheses",
                (found.start, found.end),
                "not in parentheses",
            )
            .help("write `(if CONDITION then VALUE else VALUE)`");
        Some(Outcome {
            diagnostic,
            plain: None,
            mended: None,
        })
    }

    /// `a ? 1 : 2` and `1 if a else 2`.
    fn foreign_choice(&self) -> Option<Outcome> {
        let found = self.found()?;
        let rest = self.pieces.get(self.at..)?;
        let has = |text: &str| rest.iter().any(|p| p.text(self.report.text) == text);
        let is_choice = match self.word(self.at) {
            "if" => self.at > 0 && has("else") && !has("then"),
            _ => found.kind == Kind::Question && has(":"),
        };
        if !is_choice || !self.wants(Rule::op_and) {
            return None;
        }
        let diagnostic = self
            .report
            .error(
                codes::FOREIGN,
                "a choice between two values is written `(if CONDITION then VALUE else VALUE)`",
                (found.start, found.end),
                "not written so here",
            )
            .help("the parentheses are part of it");
        Some(Outcome {
            diagnostic,
            plain: None,
            mended: None,
        })
    }

    /// `every mon at 09:00`.
    fn short_day(&self) -> Option<Outcome> {
        let at = self.at.checked_sub(1)?;
        let word = self.word(at).to_lowercase();
        let after_every = at.checked_sub(1).is_some_and(|e| self.word(e) == "every");
        if !after_every || word.len() < 2 {
            return None;
        }
        let day = counterplay_machine::schedule::DAYS
            .iter()
            .find(|day| day.starts_with(&word))?;
        let diagnostic = self.replacement(
            codes::UNEXPECTED,
            "the days of the week are written out".to_owned(),
            at,
            "not a day",
            day,
        );
        Some(Outcome {
            diagnostic,
            plain: None,
            mended: Some(self.with(at, day, Kind::Word)),
        })
    }

    /// `tenants: group gold`.
    fn bare_group(&self) -> Option<Outcome> {
        let before = self.at.checked_sub(1)?;
        let word = self.word(self.at);
        if word.is_empty() || self.word(before) != "group" || !self.wants(Rule::text) {
            return None;
        }
        let quoted = format!("\"{word}\"");
        let diagnostic = self.replacement(
            codes::UNEXPECTED,
            format!("the name of a group is a text: {quoted}"),
            self.at,
            "not in quotes",
            &quoted,
        );
        Some(Outcome {
            diagnostic,
            plain: None,
            mended: Some(self.with(self.at, &quoted, Kind::Text)),
        })
    }

    /// `let in = 5`.
    fn reserved(&self) -> Option<Outcome> {
        let found = self.found()?;
        let word = self.word(self.at);
        if !words::RESERVED.contains(&word) || !self.wants(Rule::name) {
            return None;
        }
        let diagnostic = self
            .report
            .error(
                codes::RESERVED,
                format!("`{word}` is a word of the language and names nothing"),
                (found.start, found.end),
                "a name is needed here",
            )
            .help(format!(
                "reserved are {}",
                words::menu(words::RESERVED).replace(" or `now`", " and `now`")
            ));
        let spare = format!("{word}_");
        Some(Outcome {
            diagnostic,
            plain: None,
            mended: Some(self.with(self.at, &spare, Kind::Word)),
        })
    }

    /// What was expected, and what was found instead.
    fn unexpected(&self) -> Diagnostic {
        let before = self.at.checked_sub(1).map_or("", |at| self.word(at));
        let wanted = nouns(self.wanted, before);
        let menu = words::alternatives(&wanted);
        let (name, form) = forms::of(self.rule);
        let end = self.pieces.last().map_or(0, |piece| piece.end);
        let diagnostic = match self.found() {
            None => self.report.error(
                codes::UNEXPECTED,
                if menu.is_empty() {
                    format!("{name} is not complete")
                } else {
                    format!("{name} is not complete: expected {menu}")
                },
                (end, end),
                "something is missing here",
            ),
            Some(found) => {
                let shown = found.text(self.report.text);
                let message = match menu.as_str() {
                    "" => format!("{} cannot stand here", forms::quoted(shown)),
                    "the end of the line" => {
                        format!("{} does not belong to {name}", forms::quoted(shown))
                    }
                    _ => format!("expected {menu}, found {}", forms::quoted(shown)),
                };
                let label = if menu == "the end of the line" {
                    "the line should end before this"
                } else {
                    "this does not fit"
                };
                self.report
                    .error(codes::UNEXPECTED, message, (found.start, found.end), label)
            }
        };
        diagnostic.help(format!("{name} is written {form}"))
    }
}

/// The expression in a text's braces could not be read.
pub(crate) fn interpolation(
    report: &Report<'_>,
    code: &str,
    start: usize,
    failure: &Failure,
) -> Diagnostic {
    let braces = (start.saturating_sub(1), start + code.len() + 1);
    let escape = report.place(braces.0, braces.0 + 1);
    if code.trim().is_empty() {
        return report
            .error(
                codes::BAD_TEXT,
                "the `{}` in this text is empty",
                braces,
                "no value stands in it",
            )
            .help("for the character itself write `\\{`")
            .fix("write `\\{`", false, escape, "\\{");
    }
    let rest = code.get(failure.at..).unwrap_or("");
    let blanks = rest.len() - rest.trim_start().len();
    let at = start + failure.at + blanks;
    let found: String = rest
        .trim_start()
        .chars()
        .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
        .collect();
    let found = if found.is_empty() {
        rest.trim_start().chars().take(1).collect()
    } else {
        found
    };
    let message = if found.is_empty() {
        "the value in this text's `{…}` is not complete".to_owned()
    } else {
        format!(
            "expected {}, found `{found}`",
            words::alternatives(&nouns(&failure.wanted, "")).replace("the end of the line", "`}`")
        )
    };
    report
        .error(codes::BAD_TEXT, message, (at, at + found.len()), "in the `{…}` of this text")
        .help("`{…}` in a text holds one expression, such as `{user.name}`; for the character itself write `\\{`")
}

/// The word of a keyword's rule.
fn keyword(rule: Rule) -> Option<String> {
    let named = match rule {
        Rule::op_and => "and",
        Rule::op_or => "or",
        Rule::op_in => "in",
        Rule::op_contains => "contains",
        Rule::op_matches => "matches",
        Rule::op_starts_with => "starts",
        Rule::op_ends_with => "ends",
        Rule::is_present | Rule::is_absent => "is",
        Rule::ago => "ago",
        _ => return format!("{rule:?}").strip_prefix("kw_").map(str::to_owned),
    };
    Some(named.to_owned())
}

/// What the author may write, without repetition, the likeliest first.
fn nouns(wanted: &[Rule], before: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    // After a value, much may stand: it is summed up as "an operator".
    let mut operator = false;
    let after_value = wanted.contains(&Rule::op_and) || wanted.contains(&Rule::op_eq);
    for rule in wanted {
        if after_value && forms::GOES_ON.contains(rule) {
            continue;
        }
        let noun = match forms::noun(*rule) {
            forms::Noun::Operator => {
                operator = true;
                continue;
            }
            forms::Noun::Value if forms::DURATION_AFTER.contains(&before) => {
                "a duration such as `30s`".to_owned()
            }
            forms::Noun::Value => "a value".to_owned(),
            forms::Noun::Is(noun) => noun.to_owned(),
            forms::Noun::Keyword => match keyword(*rule) {
                Some(word) => format!("`{word}`"),
                None => continue,
            },
        };
        if !out.contains(&noun) {
            out.push(noun);
        }
    }
    // The end of the line comes last; operators are only worth a word when nothing else may stand here.
    if let Some(end) = out.iter().position(|noun| noun == "the end of the line")
        && out.len() > 1
    {
        let end = out.remove(end);
        out.push(end);
    }
    if out.is_empty() && operator {
        out.push("an operator such as `and`".to_owned());
    }
    out
}
