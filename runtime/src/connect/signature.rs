//! A secret, a time and a body in, a signature out; and a signed delivery in, whether it is genuine and
//! fresh out. Both directions use one scheme: what this service sends, another one like it can check.

use super::master_key::keyed;
use hmac::Mac;

/// The header with the Unix seconds at which a request was signed.
pub const TIMESTAMP_HEADER: &str = "x-counterplay-timestamp";
/// The header with the signatures: each `sha256=` and the HMAC-SHA256 of `timestamp.body` in hexadecimal,
/// several separated by commas while a sender changes its secret.
pub const SIGNATURE_HEADER: &str = "x-counterplay-signature";
/// How far the time of a signature may be from ours, in either direction, in milliseconds.
pub const WINDOW_MS: i64 = 5 * 60 * 1_000;
/// More signatures than this in one header are not looked at.
const SIGNATURES_MAX: usize = 8;
const SCHEME: &str = "sha256=";

/// A delivery that is what its sender signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The signature that fits, always written alike; a second delivery with it is a repetition.
    pub signature: String,
}

/// Why a delivery is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A header is not there.
    #[error("the header {header} is missing")]
    Missing {
        /// Which.
        header: &'static str,
    },
    /// A header cannot be read.
    #[error("the header {header} cannot be read: expected {expected}")]
    Malformed {
        /// Which.
        header: &'static str,
        /// What it looks like.
        expected: &'static str,
    },
    /// It was signed too long ago, or its sender's clock is ahead.
    #[error(
        "the request was signed {} {}, and at most {} seconds are allowed; sign it when it is sent, and check the clocks",
        count(*.off_s), if *.off_s < 0 { "ahead of our clock" } else { "ago" }, WINDOW_MS / 1_000
    )]
    Expired {
        /// How many seconds ago it was signed; negative when it lies ahead.
        off_s: i64,
    },
    /// No signature fits the secret, the time and the body.
    #[error(
        "no signature fits the body: the secret differs, or time or body were changed on the way"
    )]
    Forged,
}

fn count(off_s: i64) -> String {
    match off_s.unsigned_abs() {
        1 => "1 second".into(),
        n => format!("{n} seconds"),
    }
}

/// Signs a body at a time in Unix seconds: the value of [`SIGNATURE_HEADER`].
pub fn sign(secret: &[u8], timestamp_s: i64, body: &[u8]) -> String {
    let digest = digest(secret, &timestamp_s.to_string(), body)
        .finalize()
        .into_bytes();
    written(&digest)
}

/// Checks a delivery: `timestamp` and `signature` are the values of the two headers, `body` is exactly what
/// was received, `now_ms` the time in milliseconds since the Unix epoch.
///
/// # Errors
/// Why it is not taken. The signatures are compared in constant time. An empty secret fits nothing.
pub fn verify_delivery(
    secret: &[u8],
    timestamp: Option<&str>,
    signature: Option<&str>,
    body: &[u8],
    now_ms: i64,
) -> Result<Verified, SignatureError> {
    let missing = |header| SignatureError::Missing { header };
    let timestamp = timestamp.ok_or(missing(TIMESTAMP_HEADER))?.trim();
    let signature = signature.ok_or(missing(SIGNATURE_HEADER))?;
    let bad_time = SignatureError::Malformed {
        header: TIMESTAMP_HEADER,
        expected: "seconds since 1970-01-01T00:00:00Z, for instance 1763942400",
    };
    let digits =
        (1..=12).contains(&timestamp.len()) && timestamp.bytes().all(|b| b.is_ascii_digit());
    let signed_s: i64 = match timestamp.parse() {
        Ok(seconds) if digits => seconds,
        _ => return Err(bad_time),
    };
    let given: Vec<Vec<u8>> = signature
        .split(',')
        .take(SIGNATURES_MAX)
        .filter_map(|part| unhex(part.trim().strip_prefix(SCHEME)?))
        .collect();
    if given.is_empty() {
        return Err(SignatureError::Malformed {
            header: SIGNATURE_HEADER,
            expected: "sha256= and 64 hexadecimal digits, several separated by commas",
        });
    }
    let off_ms = now_ms.saturating_sub(signed_s.saturating_mul(1_000));
    if off_ms.saturating_abs() > WINDOW_MS {
        return Err(SignatureError::Expired {
            off_s: off_ms / 1_000,
        });
    }
    if secret.is_empty() {
        return Err(SignatureError::Forged);
    }
    let mac = digest(secret, timestamp, body);
    let genuine = given
        .iter()
        .find(|given| mac.clone().verify_slice(given).is_ok());
    genuine
        .map(|digest| Verified {
            signature: written(digest),
        })
        .ok_or(SignatureError::Forged)
}

fn digest(secret: &[u8], timestamp: &str, body: &[u8]) -> hmac::Hmac<sha2::Sha256> {
    let mut mac = keyed(secret);
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac
}

fn written(digest: &[u8]) -> String {
    let hex: String = digest.iter().map(|b| format!("{b:02x}")).collect();
    format!("{SCHEME}{hex}")
}

/// The bytes of a SHA-256 digest.
fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    (0..32)
        .map(|i| u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"between hr and us";
    const BODY: &[u8] = br#"{"user":"u-17"}"#;
    const AT_S: i64 = 1_763_942_400;

    fn verify(
        secret: &[u8],
        signature: &str,
        body: &[u8],
        now_s: i64,
    ) -> Result<Verified, SignatureError> {
        let at = AT_S.to_string();
        verify_delivery(secret, Some(&at), Some(signature), body, now_s * 1_000)
    }

    #[test]
    fn the_scheme_is_hmac_sha256_over_time_and_body() {
        // printf '1763942400.{"user":"u-17"}' | openssl dgst -sha256 -hmac 'between hr and us'
        assert_eq!(
            sign(SECRET, AT_S, BODY),
            "sha256=544c75cc3eacb274a447fb7b69505c508ba6fec51b3da5f823ec36742e07ea67"
        );
    }

    #[test]
    fn what_was_signed_is_taken_within_the_window() {
        let signature = sign(SECRET, AT_S, BODY);
        for now_s in [AT_S, AT_S - 300, AT_S + 300] {
            let verified = verify(SECRET, &signature, BODY, now_s).expect("genuine");
            assert_eq!(verified.signature, signature);
        }
        let old = verify(SECRET, &signature, BODY, AT_S + 301).expect_err("too old");
        assert_eq!(old, SignatureError::Expired { off_s: 301 });
        assert!(old.to_string().contains("301 seconds ago"), "{old}");
        let ahead = verify(SECRET, &signature, BODY, AT_S - 301).expect_err("ahead");
        assert!(ahead.to_string().contains("301 seconds ahead"), "{ahead}");
    }

    #[test]
    fn whatever_was_changed_is_forged() {
        let signature = sign(SECRET, AT_S, BODY);
        assert_eq!(
            verify(b"other", &signature, BODY, AT_S),
            Err(SignatureError::Forged)
        );
        assert_eq!(
            verify(SECRET, &signature, b"{}", AT_S),
            Err(SignatureError::Forged)
        );
        let later = sign(SECRET, AT_S + 1, BODY);
        assert_eq!(
            verify(SECRET, &later, BODY, AT_S),
            Err(SignatureError::Forged)
        );
        let unkeyed = sign(b"", AT_S, BODY);
        assert_eq!(
            verify(b"", &unkeyed, BODY, AT_S),
            Err(SignatureError::Forged)
        );
    }

    #[test]
    fn a_sender_may_sign_with_its_old_and_its_new_secret() {
        let ours = sign(SECRET, AT_S, BODY);
        let both = format!(
            "{}, {}",
            sign(b"new", AT_S, BODY),
            ours.to_uppercase().replace("SHA256", "sha256")
        );
        let verified = verify(SECRET, &both, BODY, AT_S).expect("one fits");
        assert_eq!(verified.signature, ours);
    }

    #[test]
    fn headers_that_cannot_be_read_say_what_is_expected() {
        let signature = sign(SECRET, AT_S, BODY);
        let missing =
            verify_delivery(SECRET, None, Some(&signature), BODY, 0).expect_err("no time");
        assert_eq!(
            missing.to_string(),
            "the header x-counterplay-timestamp is missing"
        );
        let missing = verify_delivery(SECRET, Some("1"), None, BODY, 0).expect_err("no signature");
        assert_eq!(
            missing.to_string(),
            "the header x-counterplay-signature is missing"
        );
        for time in ["", "now", "-5", "+5", "1e9", "99999999999999999999"] {
            let error =
                verify_delivery(SECRET, Some(time), Some(&signature), BODY, 0).expect_err(time);
            assert!(
                matches!(
                    error,
                    SignatureError::Malformed {
                        header: TIMESTAMP_HEADER,
                        ..
                    }
                ),
                "{time}"
            );
        }
        for bad in [
            "",
            "sha256=",
            "sha256=zz",
            "v1=00",
            "sha256=é0",
            &signature[7..],
        ] {
            let error = verify(SECRET, bad, BODY, AT_S).expect_err(bad);
            assert!(
                matches!(
                    error,
                    SignatureError::Malformed {
                        header: SIGNATURE_HEADER,
                        ..
                    }
                ),
                "{bad}"
            );
        }
    }
}
