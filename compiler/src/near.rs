//! A misspelt word and what was possible in, the near one out.

/// The nearest of some words, when it is near enough to be meant.
pub fn best<'a>(word: &str, among: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let limit = match word.chars().count() {
        0..=2 => return None,
        3..=4 => 1,
        5..=8 => 2,
        _ => 3,
    };
    let mut found: Vec<(usize, &str)> = among
        .into_iter()
        .filter(|candidate| *candidate != word)
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase()),
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
