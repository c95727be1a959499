//! The service's public address in, the session's cookie out.

use super::sessions::ABSOLUTE_MS;

/// The cookie that carries a session.
///
/// `SameSite=Lax` and not `Strict`: a link in a mail has to arrive logged in. What changes something is
/// protected by the origin and by the session's token, see `csrf`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cookies {
    secure: bool,
}

impl Cookies {
    /// For a service that browsers reach at this URL. Where it begins with `https`, the cookie is bound
    /// to TLS and to the very host (`__Host-`, RFC 6265bis).
    pub fn of(public_url: &str) -> Cookies {
        let scheme = public_url.trim().get(..8);
        Cookies {
            secure: scheme.is_some_and(|s| s.eq_ignore_ascii_case("https://")),
        }
    }

    /// Whether the cookie travels over TLS only.
    pub fn is_secure(self) -> bool {
        self.secure
    }

    /// The cookie's name.
    pub fn name(self) -> &'static str {
        if self.secure {
            "__Host-counterplay"
        } else {
            "counterplay"
        }
    }

    /// The `Set-Cookie` header that begins a session. `value` is what [`super::LoggedIn`] holds.
    pub fn set(self, value: &str) -> String {
        self.header(value, ABSOLUTE_MS / 1_000)
    }

    /// The `Set-Cookie` header that takes the cookie away.
    pub fn clear(self) -> String {
        self.header("", 0)
    }

    fn header(self, value: &str, max_age_s: i64) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!(
            "{}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}",
            self.name()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Cookies;
    use axum_extra::extract::cookie::{Cookie, SameSite};

    #[test]
    fn over_tls_the_cookie_is_bound_to_tls_and_host() {
        let header = Cookies::of("HTTPS://play.msp.example").set("abc_-123");
        let cookie = Cookie::parse(header).expect("a cookie");
        assert_eq!(cookie.name_value(), ("__Host-counterplay", "abc_-123"));
        assert_eq!(cookie.secure(), Some(true));
        assert_eq!(cookie.http_only(), Some(true));
        assert_eq!(cookie.same_site(), Some(SameSite::Lax));
        assert_eq!((cookie.path(), cookie.domain()), (Some("/"), None));
        assert_eq!(cookie.max_age().map(|a| a.whole_hours()), Some(24));
    }

    #[test]
    fn on_loopback_it_works_without_tls() {
        let cookies = Cookies::of("http://127.0.0.1:8420");
        let cookie = Cookie::parse(cookies.clear()).expect("a cookie");
        assert_eq!(cookie.name_value(), ("counterplay", ""));
        assert_eq!(cookie.secure(), None);
        assert_eq!(cookie.max_age().map(|a| a.whole_seconds()), Some(0));
        assert_eq!(Cookies::of("https:/").name(), "counterplay");
    }
}
