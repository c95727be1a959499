//! A misspelt word and what was possible in, the near one out.

/// How many words are compared: a file of many mistakes would otherwise be compared with itself.
const COMPARED_MAX: usize = 2_000;

/// The nearest of some words, when it is near enough to be meant.
pub fn best<'a>(word: &str, among: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let limit = match word.chars().count() {
        0..=2 => return None,
        3..=4 => 1,
        5..=8 => 2,
        _ => 3,
    };
    let lower = word.to_lowercase();
    let mut found: Vec<(usize, &str)> = among
        .into_iter()
        .take(COMPARED_MAX)
        .filter(|candidate| *candidate != word)
        // Letters take up to four bytes, and each may be another one.
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= limit * 4)
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, _)| *distance <= limit)
        .collect();
    found.sort();
    found.first().map(|(_, candidate)| (*candidate).to_owned())
}

/// A short menu: `a`, `b` and `c`.
pub fn menu<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.into_iter().map(|w| format!("`{w}`")).collect();
    match words.as_slice() {
        [] => "nothing".into(),
        [one] => one.clone(),
        [init @ .., last] if words.len() <= 12 => format!("{} and {last}", init.join(", ")),
        _ => format!("{} and {} more", words[..11].join(", "), words.len() - 11),
    }
}
