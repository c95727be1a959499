//! A certificate with its private key in, the proof that we hold it, for one request for a token, out: a client
//! assertion, in the place of a client secret.
//!
//! Sources: RFC 7523, section 2.2; "Microsoft identity platform application authentication certificate credentials".

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::crypto::verify;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, encode};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// What a form says that the assertion is.
pub(super) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How long an assertion is good, in seconds.
const LIFE_S: i64 = 300;
/// How far the clocks may differ, in seconds.
const SKEW_S: i64 = 30;
/// PSS with SHA-256, as the identity platform recommends it.
const ALGORITHM: Algorithm = Algorithm::PS256;

/// What an assertion says.
#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// An assertion that this client asks at this address, or in words why the certificate cannot be used. Nothing of the
/// key is quoted.
pub(super) fn assertion(
    pem: &str,
    client_id: &str,
    audience: &str,
    now_s: i64,
) -> Result<String, String> {
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| {
        "it holds no private key (an encrypted one cannot be read): it has to be PEM with BEGIN PRIVATE KEY and BEGIN CERTIFICATE"
    })?;
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| {
        "it holds no certificate: it has to be PEM with BEGIN PRIVATE KEY and BEGIN CERTIFICATE"
    })?;
    let label = match &key {
        PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
        PrivateKeyDer::Pkcs8(_) => "PRIVATE KEY",
        _ => return Err("its private key is not an RSA key".into()),
    };
    let signing = EncodingKey::from_rsa_pem(framed(label, key.secret_der()).as_bytes())
        .map_err(|_| "its private key is not an RSA key")?;
    let public = DecodingKey::from_rsa_pem(framed("CERTIFICATE", &certificate).as_bytes())
        .map_err(|_| "its certificate is not one for an RSA key")?;
    let mut id = [0_u8; 16];
    getrandom::fill(&mut id).map_err(|_| "the system gives no random numbers")?;
    let claims = Claims {
        aud: audience,
        iss: client_id,
        sub: client_id,
        jti: URL_SAFE_NO_PAD.encode(id),
        iat: now_s,
        nbf: now_s.saturating_sub(SKEW_S),
        exp: now_s.saturating_add(LIFE_S),
    };
    let header = Header {
        x5t_s256: Some(URL_SAFE_NO_PAD.encode(Sha256::digest(&certificate))),
        ..Header::new(ALGORITHM)
    };
    let assertion = encode(&header, &claims, &signing)
        .map_err(|_| "nothing can be signed with its private key; 2,048 bits are the least")?;
    // A key of another certificate would only be found out by the service, in words that are hard to read.
    let fits = assertion.rsplit_once('.').is_some_and(|(said, signature)| {
        verify(signature, said.as_bytes(), &public, ALGORITHM).unwrap_or(false)
    });
    match fits {
        true => Ok(assertion),
        false => Err("its private key does not belong to its certificate".into()),
    }
}

/// DER as PEM.
fn framed(label: &str, der: &[u8]) -> String {
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        STANDARD.encode(der)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};

    type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

    fn rsa() -> Result<(String, String)> {
        let key = KeyPair::generate_for(&PKCS_RSA_SHA256)?;
        let certificate = CertificateParams::default().self_signed(&key)?;
        Ok((key.serialize_pem(), certificate.pem()))
    }

    #[test]
    fn an_assertion_says_who_asks_whom_and_for_how_long() -> Result {
        let (key, certificate) = rsa()?;
        // The order does not matter.
        for pem in [format!("{key}{certificate}"), format!("{certificate}{key}")] {
            let text = assertion(&pem, "the-client", "https://login.example/token", 1_000)?;
            let part = |index: usize| -> Result<serde_json::Value> {
                let part = text.split('.').nth(index).unwrap_or_default();
                Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part)?)?)
            };
            let der = CertificateDer::from_pem_slice(certificate.as_bytes())?;
            assert_eq!(
                part(0)?,
                serde_json::json!({
                    "typ": "JWT",
                    "alg": "PS256",
                    "x5t#S256": URL_SAFE_NO_PAD.encode(Sha256::digest(&der)),
                })
            );
            let claims = part(1)?;
            assert_eq!(claims["aud"], "https://login.example/token");
            assert_eq!(
                (&claims["iss"], &claims["sub"]),
                (&"the-client".into(), &"the-client".into())
            );
            assert_eq!(
                (&claims["nbf"], &claims["exp"]),
                (&970.into(), &1_300.into())
            );
            let again = assertion(&pem, "the-client", "https://login.example/token", 1_000)?;
            assert_ne!(again, text, "each has an id of its own");
        }
        Ok(())
    }

    #[test]
    fn what_is_wrong_with_a_certificate_is_said_without_quoting_it() -> Result {
        let (key, certificate) = rsa()?;
        let (other, _) = rsa()?;
        let curve = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        for (pem, why) in [
            (certificate.clone(), "it holds no private key"),
            (key.clone(), "it holds no certificate"),
            (String::from("planted"), "it holds no private key"),
            (
                format!("{}{certificate}", curve.serialize_pem()),
                "its private key is not an RSA key",
            ),
            (
                format!("{other}{certificate}"),
                "its private key does not belong to its certificate",
            ),
        ] {
            let said = assertion(&pem, "c", "a", 0).expect_err("refused");
            assert!(said.starts_with(why), "{said}");
        }
        Ok(())
    }
}
