//! A code in, the page about it out: what is wrong, why it matters, an example and the same mended.

use crate::near;
use include_dir::{Dir, include_dir};

static PAGES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../docs/errors");

/// The page about a code, as Markdown. Capital and small letters are the same: `p0401`.
pub fn page(code: &str) -> Option<&'static str> {
    PAGES
        .get_file(format!("{}.md", code.to_ascii_uppercase()))?
        .contents_utf8()
}

/// Every code that has a page, with the page's title, sorted by code.
pub fn codes() -> Vec<(&'static str, &'static str)> {
    let mut codes: Vec<(&str, &str)> = PAGES
        .files()
        .filter_map(|file| {
            let heading = file.contents_utf8()?.lines().next()?;
            heading.strip_prefix("# ")?.split_once(": ")
        })
        .collect();
    codes.sort_unstable();
    codes
}

/// What is said of a code without a page.
pub fn unknown(code: &str) -> String {
    let known: Vec<&str> = codes().into_iter().map(|(code, _)| code).collect();
    let family: Vec<&str> = known
        .iter()
        .copied()
        .filter(|k| code.len() == k.len() && code.get(..3) == k.get(..3))
        .collect();
    let hint = match (family.as_slice(), near::best(code, known)) {
        ([first, .., last], _) => format!("this family goes from {first} to {last}"),
        (_, Some(near)) => format!("did you mean {near}?"),
        _ => "a code is written like P0401".into(),
    };
    format!("there is no finding {code}; {hint} (`counterplay explain` lists all)")
}
