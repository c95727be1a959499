//! In: a client assertion, signed with a certificate's key. Out: whether it proves that the application asks, or the
//! AADSTS error.
//!
//! Sources: "Microsoft identity platform application authentication certificate credentials"; "Microsoft Entra
//! authentication and authorization error codes".

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::ids;

/// What the form says that an assertion is.
pub(crate) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
}

/// What is wrong with an assertion: status, error, AADSTS number and message.
pub(crate) type Refusal = (u16, &'static str, u32, String);

/// Checks an assertion of a client that asks at this address. `certificate` is the one that the application has, as PEM.
pub(crate) fn check(
    assertion: &str,
    client_id: &str,
    address: &str,
    certificate: Option<&str>,
) -> Result<(), Refusal> {
    let malformed = || {
        (
            400,
            "invalid_request",
            50_027,
            "JWT token is invalid or malformed.".to_owned(),
        )
    };
    let header = decode_header(assertion).map_err(|_| malformed())?;
    if !matches!(header.alg, Algorithm::PS256 | Algorithm::RS256) {
        return Err(malformed());
    }
    let shown = header.x5t_s256.unwrap_or_default();
    let known = certificate.and_then(|pem| {
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
        let thumbprint = Sha256::digest(&der);
        let key = DecodingKey::from_rsa_pem(pem.as_bytes()).ok()?;
        Some((URL_SAFE_NO_PAD.encode(thumbprint), key))
    });
    let Some((_, key)) = known.filter(|(thumbprint, _)| *thumbprint == shown) else {
        let bytes = URL_SAFE_NO_PAD.decode(&shown).unwrap_or_default();
        return Err((
            401,
            "invalid_client",
            700_027,
            format!(
                "The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found., Thumbprint of key used by client: '{}', Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id '{client_id}'.]",
                ids::hex(&bytes).to_uppercase()
            ),
        ));
    };
    let mut rules = Validation::new(header.alg);
    rules.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
    rules.set_audience(&[address]);
    rules.validate_nbf = true;
    // The real service allows the clocks to differ by five minutes; that much it would hide here.
    rules.leeway = 5;
    let claims = decode::<Claims>(assertion, &key, &rules).map_err(|error| match error.kind() {
        ErrorKind::InvalidSignature => (
            401,
            "invalid_client",
            700_027,
            "Client assertion failed signature validation.".to_owned(),
        ),
        ErrorKind::InvalidAudience => (
            401,
            "invalid_client",
            700_023,
            "Client assertion audience claim does not match Realm issuer.".to_owned(),
        ),
        ErrorKind::ExpiredSignature | ErrorKind::ImmatureSignature => (
            401,
            "invalid_client",
            700_024,
            "Client assertion is not within its valid time range.".to_owned(),
        ),
        _ => malformed(),
    })?;
    let Claims { iss, sub } = claims.claims;
    if iss != client_id || sub != client_id {
        return Err((
            401,
            "invalid_client",
            700_021,
            "Client assertion application identifier doesn't match 'client_id' parameter."
                .to_owned(),
        ));
    }
    Ok(())
}
