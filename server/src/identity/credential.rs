//! A request's headers in, the one credential that it came with out. Pure.

use super::Cookies;
use axum::http::{HeaderMap, header};
use axum_extra::extract::cookie::Cookie;

/// What a request came with. It is not checked yet.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// Nothing.
    None,
    /// An API token.
    Bearer(String),
    /// The value of a session's cookie.
    Cookie(String),
    /// Something that cannot be read or understood in one way only; why, and what to do.
    Malformed(&'static str),
}

impl std::fmt::Debug for Credential {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Credential::None => f.write_str("None"),
            Credential::Bearer(_) => f.write_str("Bearer(…)"),
            Credential::Cookie(_) => f.write_str("Cookie(…)"),
            Credential::Malformed(why) => f.debug_tuple("Malformed").field(why).finish(),
        }
    }
}

/// Finds the credential of a request: an `Authorization` header (RFC 6750) or the session's cookie. A
/// request with both is refused: which one counts must not be a matter of opinion.
pub fn credential(headers: &HeaderMap, cookies: Cookies) -> Credential {
    match (bearer(headers), cookie(headers, cookies.name())) {
        (Err(why), _) | (_, Err(why)) => Credential::Malformed(why),
        (Ok(Some(_)), Ok(Some(_))) => Credential::Malformed(
            "the request has an API token and the cookie of a session; send one of them",
        ),
        (Ok(Some(token)), Ok(None)) => Credential::Bearer(token),
        (Ok(None), Ok(Some(value))) => Credential::Cookie(value),
        (Ok(None), Ok(None)) => Credential::None,
    }
}

fn bearer(headers: &HeaderMap) -> Result<Option<String>, &'static str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err("the request has several Authorization headers; send one");
    }
    let text = value
        .to_str()
        .map_err(|_| "the Authorization header is not plain text")?;
    let (scheme, token) = text.trim().split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err("the Authorization header has to be: Bearer and an API token");
    }
    let token = token.trim_start();
    if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err("the Authorization header has no API token after Bearer");
    }
    Ok(Some(token.to_owned()))
}

fn cookie(headers: &HeaderMap, name: &str) -> Result<Option<String>, &'static str> {
    let mut found = None;
    for value in headers.get_all(header::COOKIE) {
        // Cookies of other programs on the same host are none of our business, readable or not.
        let text = String::from_utf8_lossy(value.as_bytes());
        for cookie in Cookie::split_parse(text.as_ref()).flatten() {
            if cookie.name() != name || cookie.value().is_empty() {
                continue;
            }
            if found.is_some() {
                return Err(
                    "the request has the cookie of a session twice; delete the cookies of this site and log in again",
                );
            }
            found = Some(cookie.value().to_owned());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn of(given: &[(&'static str, &'static str)]) -> Credential {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(*name, HeaderValue::from_static(value));
        }
        credential(&headers, Cookies::of("https://play.msp.example"))
    }

    #[test]
    fn a_token_or_a_cookie_or_nothing() {
        assert_eq!(of(&[]), Credential::None);
        for written in ["Bearer cp_abc", "bearer cp_abc", "BEARER   cp_abc "] {
            let found = of(&[("authorization", written)]);
            assert_eq!(found, Credential::Bearer("cp_abc".into()), "{written}");
        }
        let cookie = of(&[("cookie", "theme=dark; __Host-counterplay=xyz; broken")]);
        assert_eq!(cookie, Credential::Cookie("xyz".into()));
    }

    #[test]
    fn over_tls_a_cookie_without_the_prefix_does_not_count() {
        assert_eq!(of(&[("cookie", "counterplay=xyz")]), Credential::None);
        assert_eq!(of(&[("cookie", "__Host-counterplay=")]), Credential::None);
    }

    #[test]
    fn what_can_be_understood_in_two_ways_is_refused() {
        for given in [
            &[
                ("authorization", "Bearer a"),
                ("cookie", "__Host-counterplay=b"),
            ][..],
            &[("authorization", "Bearer a"), ("authorization", "Bearer b")],
            &[
                ("cookie", "__Host-counterplay=a"),
                ("cookie", "__Host-counterplay=b"),
            ],
            &[("cookie", "__Host-counterplay=a; __Host-counterplay=a")],
            &[("authorization", "Basic YTpi")],
            &[("authorization", "Bearer")],
            &[("authorization", "Bearer a b")],
            &[("authorization", "Bearer  ")],
        ] {
            let found = of(given);
            assert!(
                matches!(found, Credential::Malformed(_)),
                "{given:?}: {found:?}"
            );
        }
    }

    #[test]
    fn secrets_are_not_shown_in_logs() {
        let shown = format!("{:?}", of(&[("authorization", "Bearer cp_abc")]));
        assert!(!shown.contains("cp_abc"), "{shown}");
    }
}
