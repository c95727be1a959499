//! A heading in, the anchor by which links find it out: as GitHub and its relatives make them.

use std::collections::BTreeSet;

/// The heading of the table of contents.
pub const CONTENTS: &str = "Contents";

/// The anchors of a page, each given out once.
#[derive(Clone, Debug, Default)]
pub struct Slugs {
    taken: BTreeSet<String>,
}

impl Slugs {
    /// The anchor of the page's next heading.
    pub fn next(&mut self, heading: &str) -> String {
        let base: String = heading
            .trim()
            .chars()
            .filter_map(|c| match c {
                ' ' | '-' => Some('-'),
                '_' => Some('_'),
                c if c.is_alphanumeric() => Some(c),
                _ => None,
            })
            .flat_map(char::to_lowercase)
            .collect();
        let mut slug = base.clone();
        let mut number = 0_u32;
        while !self.taken.insert(slug.clone()) {
            number += 1;
            slug = format!("{base}-{number}");
        }
        slug
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_those_of_github_and_given_out_once() {
        let mut slugs = Slugs::default();
        assert_eq!(slugs.next("entra.block_sign_in"), "entrablock_sign_in");
        assert_eq!(slugs.next("The library: actions"), "the-library-actions");
        assert_eq!(slugs.next("Größe"), "größe");
        assert_eq!(slugs.next("größe"), "größe-1");
        assert_eq!(slugs.next("größe-1"), "größe-1-1");
    }
}
