//! A request that came with a cookie in; whether the person meant to send it out. Pure.

use axum::http::HeaderMap;
use subtle::ConstantTimeEq;

/// The header in which pages send a session's token.
pub const HEADER: &str = "x-csrf-token";
/// The field in which forms send it.
pub const FIELD: &str = "csrf";

/// Whether a token that a form or header carries is the session's. The comparison takes the same time
/// wherever they differ.
pub fn matches(expected: &str, given: &str) -> bool {
    !expected.is_empty() && expected.as_bytes().ct_eq(given.as_bytes()).into()
}

/// Whether a request says nothing of where it comes from, which no browser does with an unsafe one.
pub fn says_nothing(headers: &HeaderMap) -> bool {
    !headers.contains_key("sec-fetch-site") && !headers.contains_key("origin")
}

/// Whether an unsafe request comes from a page of this service, as far as the browser says so. To be
/// asked of every unsafe request that came with a cookie, and of logins of browsers; beside the token, not instead.
///
/// `Sec-Fetch-Site` decides where it is sent (browsers leave it out on plain HTTP to other hosts), else
/// `Origin`. Every browser sends one of them with what is unsafe.
///
/// # Errors
/// Why not, and what to do.
pub fn same_origin(headers: &HeaderMap, public_url: &str) -> Result<(), &'static str> {
    const NEITHER: &str = "a request with a session's cookie says where it comes from, with the header `Origin`; programs send an API token instead";
    const OTHER: &str = "the request comes from a page of another site; open Counterplay itself and repeat it there";
    let mut sites = headers.get_all("sec-fetch-site").iter();
    if let Some(site) = sites.next() {
        let own = matches!(site.as_bytes(), b"same-origin" | b"none");
        return if own && sites.next().is_none() {
            Ok(())
        } else {
            Err(OTHER)
        };
    }
    let mut origins = headers.get_all("origin").iter();
    match (origins.next(), origins.next()) {
        (None, _) => Err(NEITHER),
        (Some(given), None) => {
            let given = given.to_str().map_err(|_| OTHER)?;
            if origin(given).is_some() && origin(given) == origin(public_url) {
                Ok(())
            } else {
                Err(OTHER)
            }
        }
        (Some(_), Some(_)) => Err(OTHER),
    }
}

/// Scheme, host and port of a URL (RFC 6454), in lower case, with the port that the scheme implies.
fn origin(url: &str) -> Option<(String, String, u16)> {
    let uri: axum::http::Uri = url.trim().parse().ok()?;
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let implied = match scheme.as_str() {
        "https" => 443,
        "http" => 80,
        _ => return None,
    };
    let host = uri.host()?.to_ascii_lowercase();
    Some((scheme, host, uri.port_u16().unwrap_or(implied)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn check(given: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(*name, HeaderValue::from_static(value));
        }
        same_origin(&headers, "https://play.msp.example/").is_ok()
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        for site in ["cross-site", "same-site", "", "anything"] {
            assert!(!check(&[("sec-fetch-site", site)]), "{site}");
        }
        for origin in [
            "https://evil.example",
            "http://play.msp.example",
            "https://play.msp.example:8443",
            "https://play.msp.example.evil.example",
            "null",
            "",
        ] {
            assert!(!check(&[("origin", origin)]), "{origin}");
        }
        assert!(!check(&[
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://play.msp.example")
        ]));
        assert!(!check(&[
            ("origin", "https://play.msp.example"),
            ("origin", "https://evil.example")
        ]));
    }

    #[test]
    fn own_pages_are_not() {
        assert!(
            !check(&[]),
            "a cookie is a browser's, which says where it comes from"
        );
        assert!(check(&[("sec-fetch-site", "same-origin")]));
        assert!(check(&[("sec-fetch-site", "none")]));
        assert!(check(&[("origin", "https://play.msp.example")]));
        assert!(check(&[("origin", "https://PLAY.msp.example:443")]));
        let localhost = [
            ("sec-fetch-site", "same-origin"),
            ("origin", "http://localhost:8420"),
        ];
        assert!(check(&localhost), "reached by another of its names");
    }

    #[test]
    fn tokens_match_whole_or_not_at_all() {
        assert!(matches("abc", "abc"));
        for given in ["", "ab", "abcd", "abC"] {
            assert!(!matches("abc", given), "{given}");
        }
        assert!(!matches("", ""));
    }
}
