//! A regular expression and a text in, whether it is found there out.
//!
//! Linear in the text, whatever the pattern: nobody outside can make a condition slow.

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::{Arc, OnceLock};

/// How large a pattern may become when it is compiled, in bytes.
const SIZE_MAX: usize = 256 * 1024;

/// A pattern, compiled on its first use.
#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "Arc<str>", into = "Arc<str>")]
pub struct Pattern {
    source: Arc<str>,
    compiled: OnceLock<Regex>,
}

impl Pattern {
    /// A pattern as it is written, checked.
    ///
    /// # Errors
    /// Why it is none, in words.
    pub fn new(source: &str) -> Result<Pattern, String> {
        let pattern = Pattern::from(Arc::from(source));
        pattern.regex()?;
        Ok(pattern)
    }

    /// Whether it is found somewhere in a text; `^` and `$` pin it to the beginning and the end.
    ///
    /// # Errors
    /// Where it is none.
    pub fn is_in(&self, text: &str) -> Result<bool, String> {
        Ok(self.regex()?.is_match(text))
    }

    fn regex(&self) -> Result<&Regex, String> {
        if let Some(regex) = self.compiled.get() {
            return Ok(regex);
        }
        let regex = RegexBuilder::new(&self.source)
            .size_limit(SIZE_MAX)
            .build()
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => {
                    "the pattern is too large: its repetitions multiply".to_owned()
                }
                // The last line is the reason; the lines before it draw where.
                other => {
                    let text = other.to_string();
                    let reason = text.lines().last().unwrap_or_default();
                    reason.trim_start_matches("error: ").to_owned()
                }
            })?;
        Ok(self.compiled.get_or_init(|| regex))
    }
}

impl From<Arc<str>> for Pattern {
    fn from(source: Arc<str>) -> Pattern {
        Pattern {
            source,
            compiled: OnceLock::new(),
        }
    }
}

impl From<Pattern> for Arc<str> {
    fn from(pattern: Pattern) -> Arc<str> {
        pattern.source
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.source == other.source
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r\"{}\"", self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_found_anywhere_unless_it_is_pinned() {
        let vpn = Pattern::new("VPN-[0-9]+").expect("a pattern");
        assert_eq!(vpn.is_in("user on VPN-7"), Ok(true));
        let whole = Pattern::new("^VPN-[0-9]+$").expect("a pattern");
        assert_eq!(whole.is_in("user on VPN-7"), Ok(false));
        let read: Pattern = serde_json::from_str(r#""^a+$""#).expect("a text");
        assert_eq!(read.is_in("aaa"), Ok(true));
        assert_eq!(serde_json::to_string(&read).expect("JSON"), r#""^a+$""#);
    }

    #[test]
    fn what_is_none_is_told_without_delay() {
        assert_eq!(Pattern::new("a(b"), Err("unclosed group".to_owned()));
        let large = Pattern::new("((a{100}){100}){100}").expect_err("too large");
        assert!(large.contains("too large"), "{large}");
        // What makes others backtrack for ever.
        let nested = Pattern::new("^(a+)+$").expect("a pattern");
        assert_eq!(
            nested.is_in(&format!("{}b", "a".repeat(100_000))),
            Ok(false)
        );
    }
}
