//! A statement's tokens in, tokens that the grammar can read out: what the author meant is put in the place of
//! other languages' notations and broken literals, each with a finding that carries the same change as a fix.

use super::{
    codes, hidden,
    report::Report,
    token::{self, Kind, Token},
    tree::{Piece, Statement},
};
use crate::diagnostic::{Diagnostic, Fix};

/// What stands for something that could not be read; the tree then holds a missing expression.
pub(crate) const MISSING: &str = "__missing__";

/// Mends the tokens of one statement. What hides in it is told for the whole file, and counts as mended.
pub(crate) fn mend(report: &Report<'_>, statement: &mut Statement, found: &mut Vec<Diagnostic>) {
    let before = found.len();
    pieces(report, statement, found);
    let range = statement.range();
    let text = report.text.get(range.0..range.1).unwrap_or("");
    statement.mended = found.len() > before || text.chars().any(hidden::is_hidden);
    statement.pieces.retain(|piece| piece.kind != Kind::Unknown);
}

fn pieces(report: &Report<'_>, statement: &mut Statement, found: &mut Vec<Diagnostic>) {
    text_left_open(report, statement, found);
    join_units(report, statement, found);
    for index in 0..statement.pieces.len() {
        let next = statement
            .pieces
            .get(index + 1)
            .map(|piece| piece.text(report.text).to_owned());
        let Some(piece) = statement.pieces.get_mut(index) else {
            continue;
        };
        let written = report.text.get(piece.start..piece.end).unwrap_or("");
        let range = (piece.start, piece.end);
        match piece.kind {
            Kind::ForeignOperator if written == "=>" && next.is_none() => {
                found.push(arrow_before_block(report, range));
                piece.kind = Kind::Unknown;
            }
            Kind::ForeignOperator => {
                let (instead, kind) = operator(written);
                replace(
                    report,
                    piece,
                    found,
                    instead,
                    kind,
                    &format!("`{written}` is written `{instead}` here"),
                    true,
                );
            }
            Kind::SingleQuoted => {
                let inner = written.trim_matches('\'').replace('"', "\\\"");
                let text = format!("\"{inner}\"");
                replace(
                    report,
                    piece,
                    found,
                    &text,
                    Kind::Text,
                    "a text stands in double quotes",
                    true,
                );
            }
            Kind::SmartQuoted => {
                let inner = written.trim_matches(['“', '”', '„', '«', '»', '"']);
                let text = format!("\"{inner}\"");
                replace(
                    report,
                    piece,
                    found,
                    &text,
                    Kind::Text,
                    "a text stands in straight double quotes",
                    true,
                );
            }
            Kind::OpenText => {
                let text = format!("{written}\"");
                let end = piece.end;
                found.push(
                    report
                        .error(
                            codes::OPEN_TEXT,
                            "this text is not closed on its line",
                            range,
                            "the `\"` that opens it has no partner",
                        )
                        .fix("insert `\"`", false, report.place(end, end), "\""),
                );
                (piece.instead, piece.kind) = (Some(text), Kind::Text);
            }
            Kind::OpenBlock => {
                found.push(
                    report
                        .error(codes::OPEN_TEXT, "this block text is not closed", range, "opened here")
                        .help("`\"\"\"` opens at the end of a line and closes first on a line of its own; a text on one line stands in `\"…\"`"),
                );
                (piece.instead, piece.kind) = (Some("\"\"".to_owned()), Kind::Text);
            }
            Kind::BadNumber => bad_number(report, piece, found, written),
            Kind::ForeignWord => {
                let bare = hidden::bare(written);
                let written = bare.as_str();
                let alike = hidden::look_alike(report, written, range);
                if written.is_ascii() || alike.is_some() {
                    let meant = alike.map_or(bare.clone(), |(meant, told)| {
                        found.push(told);
                        meant
                    });
                    (piece.instead, piece.kind) = (Some(meant), Kind::Word);
                    continue;
                }
                found.push(
                    report
                        .error(
                            codes::BAD_CHARACTER,
                            format!("the name `{written}` has letters other than a–z"),
                            range,
                            "names are written with a–z, 0–9 and `_`",
                        )
                        .because("letters that look alike would make two names look like one"),
                );
                let ascii = written
                    .chars()
                    .map(|letter| if letter.is_ascii() { letter } else { '_' })
                    .collect();
                (piece.instead, piece.kind) = (Some(ascii), Kind::Word);
            }
            Kind::Unknown if written.chars().all(hidden::is_hidden) => {}
            Kind::Unknown => {
                found.push(unknown(report, written, range, next.as_deref()));
                piece.instead = Some(String::new());
            }
            _ => {}
        }
    }
}

fn replace(
    report: &Report<'_>,
    piece: &mut Piece,
    found: &mut Vec<Diagnostic>,
    instead: &str,
    kind: Kind,
    message: &str,
    safe: bool,
) {
    let place = report.place(piece.start, piece.end);
    // A word needs a blank where the operator needed none.
    let touches = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let before = report
        .text
        .get(..piece.start)
        .and_then(|t| t.chars().next_back());
    let after = report.text.get(piece.end..).and_then(|t| t.chars().next());
    let is_word = kind == Kind::Word;
    let left = if is_word && touches(before) { " " } else { "" };
    let right = if is_word && touches(after) { " " } else { "" };
    let written = format!("{left}{instead}{right}");
    found.push(
        Diagnostic::error(
            codes::FOREIGN,
            message,
            place.clone(),
            format!("write `{instead}`"),
        )
        .fix(format!("replace with `{instead}`"), safe, place, written),
    );
    piece.instead = Some(instead.to_owned());
    piece.kind = kind;
}

/// `windows => {`: what a case does is its block.
fn arrow_before_block(report: &Report<'_>, (start, end): (usize, usize)) -> Diagnostic {
    let rest = report.text.get(end..).unwrap_or("");
    let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    report
        .error(
            codes::FOREIGN,
            "no `=>` stands before a block",
            (start, end),
            "the `{` follows at once",
        )
        .fix("remove `=>`", true, report.place(start, end + blanks), "")
}

fn operator(written: &str) -> (&'static str, Kind) {
    match written {
        "&&" | "&" => ("and", Kind::Word),
        "||" | "|" => ("or", Kind::Word),
        "===" => ("==", Kind::Eq),
        "!==" => ("!=", Kind::Ne),
        "=>" => ("->", Kind::Arrow),
        _ => ("not", Kind::Word),
    }
}

fn unknown(
    report: &Report<'_>,
    written: &str,
    range: (usize, usize),
    next: Option<&str>,
) -> Diagnostic {
    let place = report.place(range.0, range.1);
    let help = match written {
        "$" => "names are written without `$`; in a text, `{name}` puts a value in",
        "'" | "“" | "”" | "„" | "‘" | "’" | "`" => {
            "a text stands in straight double quotes: `\"…\"`"
        }
        "%" => "a share of a number is written with `*` and `/`",
        "\\" => "a line goes on by itself inside `( )` and `[ ]`, after `,` and after an operator",
        "@" => "events and clock times are written without `@`",
        _ => "",
    };
    let shown = if written.chars().all(char::is_control) {
        "this invisible character".to_owned()
    } else {
        format!("`{written}`")
    };
    let mut diagnostic = Diagnostic::error(
        codes::BAD_CHARACTER,
        format!("{shown} means nothing here"),
        place.clone(),
        "not part of the language",
    );
    if !help.is_empty() {
        diagnostic = diagnostic.help(help);
    }
    if next.is_some() {
        diagnostic.fix("remove it", false, place, "")
    } else {
        diagnostic
    }
}

/// Seconds, minutes and their relatives, as people write them.
fn unit(word: &str) -> Option<&'static str> {
    match word.to_lowercase().as_str() {
        "ms" | "msec" | "msecs" | "millis" | "millisecond" | "milliseconds" => Some("ms"),
        "s" | "sec" | "secs" | "second" | "seconds" => Some("s"),
        "m" | "min" | "mins" | "minute" | "minutes" => Some("m"),
        "h" | "hr" | "hrs" | "hour" | "hours" => Some("h"),
        "d" | "day" | "days" => Some("d"),
        _ => None,
    }
}

/// What a number with letters was meant to be.
fn suggestion(written: &str) -> Option<String> {
    let split = written.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
    let (digits, word) = written.split_at(split);
    let word = word.trim_matches('_');
    if let Some(unit) = unit(word) {
        return match digits.split_once('.') {
            None => Some(format!("{digits}{unit}")),
            Some((whole, part)) => fraction(whole, part, unit),
        };
    }
    if matches!(word.to_lowercase().as_str(), "w" | "wk" | "week" | "weeks") {
        return Some(format!("{}d", digits.parse::<u64>().ok()?.checked_mul(7)?));
    }
    compound(written)
}

/// The units from the longest to the shortest, in milliseconds.
const UNITS: [(&str, u128); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// `1.5h` in the longest unit in which it is a whole number; nothing where there is none.
fn fraction(whole: &str, part: &str, unit: &str) -> Option<String> {
    let scale = 10_u128.checked_pow(u32::try_from(part.len()).ok()?)?;
    let (_, size) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let digits: u128 = format!("{whole}{part}").parse().ok()?;
    let product = digits.checked_mul(*size)?;
    let ms = product / scale;
    let (unit, size) = UNITS.iter().find(|(_, size)| ms % size == 0)?;
    (product % scale == 0).then(|| format!("{}{unit}", ms / size))
}

/// `1h30m` in its smallest unit.
fn compound(written: &str) -> Option<String> {
    let mut rest = written;
    let mut seconds: u64 = 0;
    let mut smallest = ("d", 86_400);
    while !rest.is_empty() {
        let digits = rest
            .find(|letter: char| !letter.is_ascii_digit())
            .filter(|at| *at > 0)?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail
            .find(|letter: char| letter.is_ascii_digit())
            .unwrap_or(tail.len());
        let (word, tail) = tail.split_at(letters);
        let unit = match unit(word)? {
            "d" => ("d", 86_400),
            "h" => ("h", 3_600),
            "m" => ("m", 60),
            "s" => ("s", 1),
            _ => return None,
        };
        seconds = seconds.checked_add(number.parse::<u64>().ok()?.checked_mul(unit.1)?)?;
        if unit.1 < smallest.1 {
            smallest = unit;
        }
        rest = tail;
    }
    Some(format!("{}{}", seconds / smallest.1, smallest.0))
}

fn bad_number(report: &Report<'_>, piece: &mut Piece, found: &mut Vec<Diagnostic>, written: &str) {
    let place = report.place(piece.start, piece.end);
    let clock = written.contains(':');
    let message = if clock {
        format!("`{written}` is no time of day")
    } else {
        format!("`{written}` is no duration and no number")
    };
    let mut diagnostic = Diagnostic::error(
        codes::BAD_NUMBER,
        message,
        place.clone(),
        if clock {
            "times of day are written as `07:00` or `19:30`"
        } else {
            "a duration is a whole number and one of `s`, `m`, `h`, `d`"
        },
    );
    if let Some(time) = twelve_hours(written) {
        let diagnostic = Diagnostic::error(
            codes::BAD_NUMBER,
            "a time of day counts to 24 hours",
            place.clone(),
            format!("write `{time}`"),
        );
        found.push(diagnostic.fix(format!("replace with `{time}`"), true, place, time.clone()));
        (piece.instead, piece.kind) = (Some(time), Kind::Clock);
        return;
    }
    match suggestion(written).filter(|_| !clock) {
        Some(instead) => {
            diagnostic = diagnostic.fix(
                format!("replace with `{instead}`"),
                true,
                place,
                instead.clone(),
            );
            (piece.instead, piece.kind) = (Some(instead), Kind::Duration);
        }
        None => (piece.instead, piece.kind) = (Some(MISSING.to_owned()), Kind::Word),
    }
    found.push(diagnostic);
}

/// `7am` and `7:30pm` as a time of day.
fn twelve_hours(written: &str) -> Option<String> {
    let lower = written.to_lowercase();
    let (digits, noon) = match (lower.strip_suffix("am"), lower.strip_suffix("pm")) {
        (Some(digits), _) => (digits, 0),
        (_, Some(digits)) => (digits, 12),
        _ => return None,
    };
    let (hour, minute) = digits.split_once(':').unwrap_or((digits, "00"));
    let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
    let fits = (1..=12).contains(&hour) && minute < 60;
    fits.then(|| format!("{:02}:{minute:02}", hour % 12 + noon))
}

/// `subject: "x, body: "y"`: the quote that seems to open a second text closes the first. The tokens are cut anew with
/// the missing quote before the first comma of the text that was left open.
fn text_left_open(report: &Report<'_>, statement: &mut Statement, found: &mut Vec<Diagnostic>) {
    let pieces = &statement.pieces;
    let Some(last) = pieces.iter().position(|p| p.kind == Kind::OpenText) else {
        return;
    };
    let end = pieces[last].end;
    let touches = |at: &usize| {
        let (text, next) = (&pieces[*at], &pieces[*at + 1]);
        text.kind == Kind::Text
            && next.start == text.end
            && !matches!(
                next.kind,
                Kind::Comma | Kind::ParenClose | Kind::SquareClose
            )
            && !report
                .text
                .get(text.start..end)
                .unwrap_or("\n")
                .contains('\n')
    };
    let Some(first) = (0..last).find(touches) else {
        return;
    };
    let (start, written) = (pieces[first].start, pieces[first].text(report.text));
    let rest = report.text.get(start..end).unwrap_or("");
    let guess = written.find(',').filter(|comma| *comma > 1).map(|comma| {
        let anew = format!("{}\"{}", &rest[..comma], &rest[comma..]);
        (comma, token::tokens(&anew), anew)
    });
    let whole = |(_, tokens, _): &(usize, Vec<Token>, String)| {
        !tokens.iter().any(|t| t.kind == Kind::OpenText)
    };
    let Some((comma, tokens, anew)) = guess.filter(whole) else {
        found.push(
            report
                .error(
                    codes::OPEN_TEXT,
                    "a text of this line is not closed",
                    (start, end),
                    "one `\"` is missing or one is too many",
                )
                .help("a `\"` inside a text is written `\\\"`"),
        );
        // Nothing more is said of this line.
        statement.reported = true;
        if let Some(open) = statement.pieces.get_mut(last) {
            let text = format!("{}\"", open.text(report.text));
            (open.instead, open.kind) = (Some(text), Kind::Text);
        }
        return;
    };
    let at = start + comma;
    let place = |offset: usize| start + if offset > comma { offset - 1 } else { offset };
    let doc = pieces[first].doc.clone();
    let cut: Vec<Piece> = tokens
        .iter()
        .filter(|token| !token.kind.is_trivia())
        .map(|token| Piece {
            kind: token.kind,
            start: place(token.start),
            end: place(token.end),
            instead: Some(token.text(&anew).to_owned()),
            doc: doc.clone(),
        })
        .collect();
    found.push(
        report
            .error(
                codes::OPEN_TEXT,
                "this text is not closed",
                (start, at),
                "the `\"` that opens it has no partner: the next one is to open another text",
            )
            .fix("insert `\"`", false, report.place(at, at), "\""),
    );
    statement.pieces.splice(first..=last, cut);
}

/// `4 h` and `4 hours` are one duration with a blank in it.
fn join_units(report: &Report<'_>, statement: &mut Statement, found: &mut Vec<Diagnostic>) {
    let mut index = 0;
    while index + 1 < statement.pieces.len() {
        let [number, word] = &statement.pieces[index..index + 2] else {
            break;
        };
        let joined = (number.kind == Kind::Int && word.kind == Kind::Word)
            .then(|| unit(word.text(report.text)))
            .flatten()
            .map(|unit| format!("{}{unit}", number.text(report.text)));
        if let Some(joined) = joined {
            let place = report.place(number.start, word.end);
            let end = word.end;
            found.push(
                Diagnostic::error(
                    codes::BAD_NUMBER,
                    "a duration is written in one piece",
                    place.clone(),
                    format!("write `{joined}`"),
                )
                .fix(
                    format!("replace with `{joined}`"),
                    true,
                    place,
                    joined.clone(),
                ),
            );
            statement.pieces.remove(index + 1);
            if let Some(number) = statement.pieces.get_mut(index) {
                (number.end, number.kind, number.instead) = (end, Kind::Duration, Some(joined));
            }
        }
        index += 1;
    }
}

/// What is wrong throughout a file and said once: hidden characters, `;`, `#` comments and `/* */` comments.
pub(crate) fn file(report: &mut Report<'_>, tokens: &[Token]) {
    hidden::check(report, tokens);
    once(
        report,
        tokens,
        Kind::Semicolon,
        "a line needs no `;` at its end",
        "the new line ends the statement",
        "remove every `;`",
        |_| String::new(),
    );
    once(
        report,
        tokens,
        Kind::HashComment,
        "a comment begins with `//`",
        "not with `#`",
        "write `//`",
        |text| format!("// {}", text.trim_start_matches('#').trim_start()),
    );
    once(
        report,
        tokens,
        Kind::StarComment,
        "a comment begins with `//` and ends with its line",
        "not `/* … */`",
        "write `//`",
        |text| {
            let inner = text.trim_start_matches("/*").trim_end_matches("*/").trim();
            let lines: Vec<String> = inner
                .lines()
                .map(|line| format!("// {}", line.trim().trim_start_matches("* ")))
                .collect();
            lines.join("\n")
        },
    );
}

fn once(
    report: &mut Report<'_>,
    tokens: &[Token],
    kind: Kind,
    message: &str,
    label: &str,
    title: &str,
    instead: impl Fn(&str) -> String,
) {
    let hits: Vec<&Token> = tokens.iter().filter(|token| token.kind == kind).collect();
    let Some(first) = hits.first() else { return };
    let mut diagnostic = report.error(codes::FOREIGN, message, (first.start, first.end), label);
    if hits.len() > 1 {
        diagnostic = diagnostic.help(format!("the file has {} of them", hits.len()));
    }
    diagnostic.fixes.push(Fix {
        title: title.to_owned(),
        safe: kind != Kind::StarComment,
        edits: hits
            .iter()
            .map(|token| {
                (
                    report.place(token.start, token.end),
                    instead(token.text(report.text)),
                )
            })
            .collect(),
    });
    report.push(diagnostic);
}
