//! A connection, its settings and a built call in; the address to call out, or what has to be set up.

use counterplay_machine::declare::{Auth, Base, Connection};
use counterplay_machine::deployment::{ConnectionSettings, Credentials};
use counterplay_machine::request::HttpCall;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;

/// RFC 3986's unreserved characters, and `$`, which OData options begin with, stay.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'$');

/// Says what is missing when a connection cannot be used as it is set up.
pub(super) fn check_set_up(
    connection: &Connection,
    settings: Option<&ConnectionSettings>,
    credentials: &Credentials,
) -> Result<(), String> {
    let has_base = connection
        .base
        .as_ref()
        .is_some_and(|base| *base != Base::Smtp);
    let has_base = has_base || settings.is_some_and(|s| s.base.is_some());
    let has_secret = credentials.secret.is_some();
    let has_certificate = credentials.certificate.is_some();
    let has_id = credentials.client_id.is_some();
    let is_mail = connection.base == Some(Base::Smtp);
    let has_auth = match &connection.auth {
        Auth::None => true,
        // A mail server's user name and password are optional.
        _ if is_mail => true,
        Auth::OAuth2 { .. } => (has_secret || has_certificate) && has_id,
        Auth::Basic => has_secret && has_id,
        Auth::Bearer | Auth::Header(_) | Auth::Signed => has_secret,
    };
    let has_sender = !is_mail || settings.is_some_and(|s| s.from.is_some());
    if has_base && has_auth && has_sender {
        Ok(())
    } else {
        Err(not_set_up(connection))
    }
}

/// What to add for a connection that is not set up.
pub(super) fn not_set_up(connection: &Connection) -> String {
    let mut wanted = Vec::new();
    match &connection.base {
        None => wanted.push("base"),
        Some(Base::Smtp) => wanted.extend(["base = \"smtp://HOST:PORT\"", "from"]),
        Some(_) => {}
    }
    match &connection.auth {
        Auth::OAuth2 { .. } | Auth::Basic if connection.base != Some(Base::Smtp) => {
            wanted.extend(["client_id", "secret"]);
        }
        Auth::Bearer | Auth::Header(_) | Auth::Signed => wanted.push("secret"),
        _ => {}
    }
    let wanted = match wanted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((last, _)) => (*last).to_owned(),
        None => "what it needs".to_owned(),
    };
    let name = &connection.name;
    format!(
        "the connection `{name}` is not set up: add [connections.{name}] with {wanted} to counterplay.toml"
    )
}

/// The base address in use, without a `/` at its end.
pub(super) fn base(
    connection: &Connection,
    settings: Option<&ConnectionSettings>,
) -> Option<String> {
    let text = match (settings.and_then(|s| s.base.as_deref()), &connection.base) {
        (Some(given), _) => given,
        (None, Some(Base::Address(declared))) => declared,
        (None, _) => return None,
    };
    Some(text.trim_end_matches('/').to_owned())
}

/// The whole address of a call. `address` is the value of the secret that holds it, where one does.
pub(super) fn url(
    connection: &Connection,
    settings: Option<&ConnectionSettings>,
    address: Option<&str>,
    call: &HttpCall,
) -> Result<Url, String> {
    let name = &connection.name;
    let (text, secret) = match address {
        Some(address) => (address.trim().to_owned(), true),
        None => (
            base(connection, settings).ok_or_else(|| not_set_up(connection))?,
            false,
        ),
    };
    let what = if secret {
        "the secret that holds the address"
    } else {
        "the base address"
    };
    let root = Url::parse(&text)
        .map_err(|_| format!("{what} of the connection `{name}` is not a web address"))?;
    check_scheme(&root, settings.is_some_and(|s| s.allow_private))
        .map_err(|reason| format!("{what} of the connection `{name}` {reason}"))?;
    let mut whole = root.clone();
    if !call.path.is_empty() {
        let slash = if call.path.starts_with('/') { "" } else { "/" };
        let path = format!("{}{slash}{}", root.path().trim_end_matches('/'), call.path);
        whole.set_path(&path);
        if whole.path() != path {
            return Err(format!(
                "the path of the call on `{name}` would be read as another one; it was not sent"
            ));
        }
        // Dots in a path can climb; nothing declared for a connection leads out of its base.
        if !whole.path().starts_with(root.path().trim_end_matches('/')) {
            return Err(format!("the path leads out of the connection `{name}`"));
        }
    }
    if !call.query.is_empty() {
        let encode = |text: &str| utf8_percent_encode(text, QUERY).to_string();
        let mut query: Vec<String> = whole.query().map(str::to_owned).into_iter().collect();
        query.extend(
            call.query
                .iter()
                .map(|(name, value)| format!("{}={}", encode(name), encode(value))),
        );
        whole.set_query(Some(&query.join("&")));
    }
    Ok(whole)
}

/// Only `https`, and `http` where private networks are allowed; no credentials in the address.
pub(super) fn check_scheme(url: &Url, allow_private: bool) -> Result<(), String> {
    match url.scheme() {
        "https" => {}
        "http" if allow_private => {}
        "http" => {
            return Err(
                "is not encrypted: use https (http is for allow_private = true only)".into(),
            );
        }
        other => return Err(format!("begins with {other}: and not with https:")),
    }
    if !url.has_host() {
        return Err("names no host".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user name or password; use client_id and secret".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterplay_machine::declare::Retry;
    use std::sync::Arc;

    fn connection(base: Option<Base>, auth: Auth) -> Connection {
        Connection {
            name: Arc::from("graph"),
            base,
            auth,
            rates: vec![],
            retry: Retry {
                within_ms: 0,
                from_ms: 0,
                up_to_ms: 0,
            },
            timeout_ms: 1_000,
            batch: None,
            floors: vec![],
        }
    }

    fn call(path: &str, query: &[(&str, &str)]) -> HttpCall {
        HttpCall {
            connection: Arc::from("graph"),
            method: Arc::from("GET"),
            path: path.into(),
            address: None,
            query: query
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect(),
            headers: vec![],
            json: None,
            paged: false,
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let auth = Auth::OAuth2 {
            token_url: Arc::from("https://login/{tenant.id}"),
            scope: Arc::from("s"),
        };
        let declared = connection(
            Some(Base::Address(Arc::from("https://graph.example"))),
            auth,
        );
        let nobody = Credentials::default();
        assert_eq!(
            check_set_up(&declared, None, &nobody),
            Err("the connection `graph` is not set up: add [connections.graph] with client_id and secret to counterplay.toml".into())
        );
        let open = connection(None, Auth::None);
        assert_eq!(
            check_set_up(&open, None, &nobody),
            Err("the connection `graph` is not set up: add [connections.graph] with base to counterplay.toml".into())
        );
        let settings = ConnectionSettings {
            base: Some("https://x.example".into()),
            ..Default::default()
        };
        assert_eq!(
            check_set_up(&open, Some(&settings), &settings.credentials(None)),
            Ok(())
        );
    }

    #[test]
    fn addresses_are_joined_and_encoded() {
        let graph = connection(
            Some(Base::Address(Arc::from("https://graph.example/v1.0/"))),
            Auth::None,
        );
        let made = url(
            &graph,
            None,
            None,
            &call(
                "/users/a%2Fb",
                &[("$select", "id,name"), ("$filter", "a eq 'b&c'")],
            ),
        );
        assert_eq!(
            made.map(String::from),
            Ok("https://graph.example/v1.0/users/a%2Fb?$select=id%2Cname&$filter=a%20eq%20%27b%26c%27".into())
        );
        assert!(url(&graph, None, None, &call("/../admin", &[])).is_err());
        let bare = connection(
            Some(Base::Address(Arc::from("https://graph.example"))),
            Auth::None,
        );
        let made = url(&bare, None, None, &call(".evil.example/x", &[])).map(String::from);
        assert_eq!(made, Ok("https://graph.example/.evil.example/x".into()));
    }

    #[test]
    fn only_https_without_credentials() {
        for (address, allowed) in [
            ("http://graph.example", false),
            ("file:///etc/passwd", false),
            ("https://user:pass@graph.example", false),
            ("https://graph.example", true),
        ] {
            let made = url(
                &connection(None, Auth::None),
                None,
                Some(address),
                &call("", &[]),
            );
            assert_eq!(made.is_ok(), allowed, "{address}: {made:?}");
        }
    }
}
