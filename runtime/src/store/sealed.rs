//! A key and a text in, bytes that only the key opens out, and back. AES-256-GCM; every text has a key of
//! its own, made of the given one and 16 random bytes, so that no nonce is ever used twice.

use crate::connect::{KEY_LENGTH, MasterKey};
use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};

/// A key.
pub(super) type Key = [u8; KEY_LENGTH];

/// How many random bytes stand before what was sealed.
const DRAWN: usize = 16;

/// Seals a text. `about` is not kept and has to be the same when it is opened: what is sealed cannot be put
/// in another place.
pub(super) fn seal(key: &Key, drawn: [u8; DRAWN], about: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    let payload = Payload {
        msg: text,
        aad: about,
    };
    let body = cipher(key, &drawn)?.encrypt(&Nonce::default(), payload);
    let mut out = drawn.to_vec();
    out.extend(body.ok()?);
    Some(out)
}

/// Opens what [`seal`] made; `None` when it was changed, moved or sealed with another key.
pub(super) fn open(key: &Key, about: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (drawn, body) = sealed.split_first_chunk::<DRAWN>()?;
    let payload = Payload {
        msg: body,
        aad: about,
    };
    cipher(key, drawn)?.decrypt(&Nonce::default(), payload).ok()
}

fn cipher(key: &Key, drawn: &[u8; DRAWN]) -> Option<Aes256Gcm> {
    let own = MasterKey::from_bytes(*key).derive("one sealed text", drawn);
    Aes256Gcm::new_from_slice(&own).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_and_the_place_open_it() {
        let key = [1; KEY_LENGTH];
        let sealed = seal(&key, [2; DRAWN], b"acme 1", b"dana.kim").expect("sealed");
        assert_eq!(
            open(&key, b"acme 1", &sealed).as_deref(),
            Some(&b"dana.kim"[..])
        );
        assert_eq!(open(&key, b"acme 2", &sealed), None);
        assert_eq!(open(&[9; KEY_LENGTH], b"acme 1", &sealed), None);
        assert!(!sealed.windows(4).any(|w| w == b"dana"));
        for i in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[i] ^= 1;
            assert_eq!(open(&key, b"acme 1", &changed), None, "byte {i}");
        }
        assert_eq!(open(&key, b"acme 1", &sealed[..10]), None);
    }
}
