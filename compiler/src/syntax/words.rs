//! The words that begin things, in one place: for the cutter, for messages and for near names.

/// What begins an item at the left margin.
pub const ITEMS: &[&str] = &[
    "use",
    "type",
    "enum",
    "connection",
    "event",
    "query",
    "action",
    "steps",
    "define",
    "param",
    "guard",
    "playbook",
    "test",
];

/// What begins a line of a playbook.
pub(crate) const PLAYBOOK: &[&str] = &[
    "when", "if", "ignore", "resolved", "then", "wait", "escalate", "on",
];

/// What begins a step.
pub(crate) const STEPS: &[&str] = &[
    "let", "if", "else", "match", "for", "attempt", "wait", "approve", "ask", "without", "in",
    "then", "undo", "emit", "end", "return",
];

/// Settings of a playbook.
pub(crate) const SETTINGS: &[&str] = &["mode", "tenants", "tags"];

/// A line that begins so has a block; used to find a forgotten `{`.
pub(crate) const WITH_BLOCK: &[&str] = &[
    "type",
    "enum",
    "connection",
    "event",
    "query",
    "action",
    "steps",
    "guard",
    "test",
    "playbook",
    "then",
    "escalate",
    "if",
    "else",
    "match",
    "for",
    "without",
];

/// Words that continue the line above when they begin a line.
pub(crate) const CONTINUING: &[&str] = &[
    "and", "or", "about", "by", "within", "unless", "where", "because",
];

/// Infix operators that are one word; after one of them a line goes on. (`starts with` and `ends with` end in `with`.)
pub(crate) const INFIX: &[&str] = &["and", "or", "not", "in", "is", "contains", "matches"];

/// Reserved everywhere but after `.` and before `:`.
pub const RESERVED: &[&str] = &[
    "and", "or", "not", "in", "is", "let", "if", "else", "for", "true", "false", "now",
];

/// The nearest of the candidates, when it is near enough to be a slip of the finger.
pub(crate) fn nearest<'c>(word: &str, candidates: &[&'c str]) -> Option<&'c str> {
    let length = word.chars().count();
    if !(3..=24).contains(&length) {
        return None;
    }
    let lower = word.to_lowercase();
    let limit = if length <= 4 { 1 } else { 2 };
    candidates
        .iter()
        .filter(|candidate| **candidate != word && candidate.len() > 2)
        .map(|candidate| (strsim::damerau_levenshtein(&lower, candidate), *candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `a`, `b` or `c`.
pub(crate) fn alternatives(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [front @ .., last] => format!("{} or {last}", front.join(", ")),
    }
}

/// `a`, `b` or `c`, each in backticks.
pub(crate) fn menu(words: &[&str]) -> String {
    alternatives(
        &words
            .iter()
            .map(|word| format!("`{word}`"))
            .collect::<Vec<_>>(),
    )
}
