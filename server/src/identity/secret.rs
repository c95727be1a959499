//! The operating system's randomness in, secrets and their digests out: the only place that makes any.

use super::IdentityError;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// What API tokens begin with, so that scanners of repositories and logs recognise them.
pub const TOKEN_PREFIX: &str = "cp_";

/// Bytes of randomness in a session's or a token's secret.
const BYTES: usize = 32;

/// Lower-case letters that are not mistaken for one another: no `i`, `l`, `o`.
const LETTERS: &[u8; 23] = b"abcdefghjkmnpqrstuvwxyz";
/// Groups of letters in a generated password.
const GROUPS: usize = 5;
/// Letters in a group.
const GROUP: usize = 4;

/// Random bytes, for salts and the like.
///
/// # Errors
/// When the operating system has none to give.
pub fn bytes<const N: usize>() -> Result<[u8; N], IdentityError> {
    let mut out = [0; N];
    getrandom::fill(&mut out).map_err(|e| IdentityError::NoRandomness(e.to_string()))?;
    Ok(out)
}

/// The secret of a session: 256 bits, as 43 characters that need no quoting in a cookie.
///
/// # Errors
/// As [`bytes`].
pub fn session() -> Result<String, IdentityError> {
    Ok(URL_SAFE_NO_PAD.encode(bytes::<BYTES>()?))
}

/// An API token: `cp_` and 256 bits.
///
/// # Errors
/// As [`bytes`].
pub fn token() -> Result<String, IdentityError> {
    Ok(format!("{TOKEN_PREFIX}{}", session()?))
}

/// A password that a person can read off a screen and type, such as `kzqe-mhau-…`: five groups of four
/// letters, 20 × log2(23) ≈ 90.5 bits.
///
/// # Errors
/// As [`bytes`].
pub fn password() -> Result<String, IdentityError> {
    // Bytes from the largest multiple of 23 on are thrown away: they would favour the first letters.
    let fair = 256 - 256 % LETTERS.len();
    let mut letters = String::new();
    let mut drawn = 0;
    while drawn < GROUPS * GROUP {
        for byte in bytes::<BYTES>()? {
            let byte = usize::from(byte);
            if byte >= fair || drawn == GROUPS * GROUP {
                continue;
            }
            if drawn > 0 && drawn % GROUP == 0 {
                letters.push('-');
            }
            letters.push(char::from(LETTERS[byte % LETTERS.len()]));
            drawn += 1;
        }
    }
    Ok(letters)
}

/// What the store keeps of a secret. The secrets have 256 bits, so that a plain, fast hash suffices; it
/// must not be used for passwords.
pub fn digest(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(secret.as_bytes()))
}

/// The token that forms of a session must carry. It follows from the cookie's value, so that it is
/// stored nowhere; the value does not follow from it.
pub fn csrf(cookie: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(b"counterplay csrf\0");
    hash.update(cookie.as_bytes());
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn tokens_are_long_recognisable_and_each_another() {
        let made: BTreeSet<String> = (0..100).map(|_| token().expect("random")).collect();
        assert_eq!(made.len(), 100);
        for token in made {
            assert!(token.starts_with("cp_"), "{token}");
            assert_eq!(token.len(), 3 + 43);
        }
    }

    #[test]
    fn passwords_are_groups_of_letters_that_cannot_be_mistaken() {
        let mut seen = BTreeSet::new();
        for _ in 0..200 {
            let password = password().expect("random");
            let groups: Vec<&str> = password.split('-').collect();
            assert_eq!(groups.len(), 5, "{password}");
            assert!(groups.iter().all(|g| g.len() == 4), "{password}");
            seen.extend(password.bytes().filter(|b| *b != b'-'));
        }
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), LETTERS.to_vec());
        assert!((LETTERS.len() as f64).log2() * (GROUPS * GROUP) as f64 >= 90.0);
    }

    #[test]
    fn digests_are_sha_256() {
        // FIPS 180-2, appendix B.1: the digest of "abc".
        assert_eq!(digest("abc"), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
        assert_ne!(csrf("abc"), digest("abc"));
    }
}
