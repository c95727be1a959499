//! The end of a chain in; a line that says where the chain stood, signed with Ed25519, out, and back. Pure.
//!
//! Whoever can write the store and has its master key can write another chain, but not one that ends in what was
//! signed and taken elsewhere before.

use super::codec;
use crate::connect::MasterKey;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is signed begins with this, so that a signature is good for nothing else.
const PURPOSE: &str = "counterplay audit checkpoint 1\n";

/// A signed end of a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The tenant; `""` for what concerns the whole installation.
    pub tenant: String,
    /// The number of the last record.
    pub seq: i64,
    /// Its link, in hexadecimal.
    pub link: String,
    /// When it was signed, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The signature, in hexadecimal.
    pub signature: String,
}

/// The key that signs, made of the master key.
pub struct Signatory(SigningKey);

/// The key that signatures are verified with. It prints as 64 hexadecimal digits and is read from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl Checkpoint {
    /// As a line of JSON, without its end.
    pub fn line(&self) -> String {
        codec::canonical(&serde_json::json!(self))
    }

    /// Reads a line.
    pub fn read(line: &str) -> Option<Checkpoint> {
        serde_json::from_str(line).ok()
    }

    /// Whether it is as it was signed, with the key that belongs to this one.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let signature = codec::unhex(&self.signature).and_then(|s| Signature::from_slice(&s).ok());
        signature.is_some_and(|s| key.0.verify_strict(&self.message(), &s).is_ok())
    }

    fn message(&self) -> Vec<u8> {
        let text = codec::canonical(&serde_json::json!({
            "tenant": self.tenant,
            "seq": self.seq,
            "link": self.link,
            "at_ms": self.at_ms,
        }));
        [PURPOSE.as_bytes(), text.as_bytes()].concat()
    }
}

impl Signatory {
    /// The one of a deployment.
    pub fn of(master: &MasterKey) -> Signatory {
        Signatory(SigningKey::from_bytes(
            &master.derive("signatures of audit checkpoints", b""),
        ))
    }

    /// The key that its signatures are verified with.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs the end of a chain.
    pub fn sign(&self, tenant: &str, seq: i64, link: &str, at_ms: i64) -> Checkpoint {
        let mut checkpoint = Checkpoint {
            tenant: tenant.to_owned(),
            seq,
            link: link.to_owned(),
            at_ms,
            signature: String::new(),
        };
        let signature = self.0.sign(&checkpoint.message());
        checkpoint.signature = codec::hex(&signature.to_bytes());
        checkpoint
    }
}

impl PublicKey {
    /// Reads what one prints as.
    pub fn read(text: &str) -> Option<PublicKey> {
        let bytes = <[u8; 32]>::try_from(codec::unhex(text.trim())?).ok()?;
        VerifyingKey::from_bytes(&bytes).ok().map(PublicKey)
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&codec::hex(self.0.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_good_for_exactly_what_was_signed() {
        let signatory = Signatory::of(&MasterKey::from_bytes([3; 32]));
        let key = signatory.public_key();
        let signed = signatory.sign("acme", 7, "ab01", 5);
        let read = Checkpoint::read(&signed.line()).expect("readable");
        assert_eq!(read, signed);
        assert!(read.is_signed_by(&key));
        assert_eq!(PublicKey::read(&format!(" {key}\n")), Some(key.clone()));
        assert_eq!(PublicKey::read("ab"), None);
        let other = Signatory::of(&MasterKey::from_bytes([4; 32])).public_key();
        assert!(!signed.is_signed_by(&other));
        let changes: [fn(&mut Checkpoint); 6] = [
            |c| c.tenant = "birch".into(),
            |c| c.seq = 6,
            |c| c.link = "ab02".into(),
            |c| c.at_ms = 6,
            |c| c.signature = "00".repeat(64),
            |c| c.signature = "no".into(),
        ];
        for change in changes {
            let mut changed = signed.clone();
            change(&mut changed);
            assert!(!changed.is_signed_by(&key), "{changed:?}");
        }
    }
}
