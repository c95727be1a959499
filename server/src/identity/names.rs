//! What people typed as an address, a name or a list of tenants in; what is kept, or what is wrong with
//! it, out. Pure.

use super::{IdentityError, Scope};

/// The longest e-mail address, in bytes (RFC 5321, 4.5.3.1.3, without the brackets).
const ADDRESS: usize = 254;
/// The longest name of a person, in characters.
const NAME: usize = 100;
/// The longest name of a token, in bytes.
const TOKEN: usize = 64;

/// An e-mail address as it is kept: trimmed, in lower case. Only characters of ASCII: two addresses that
/// look the same are the same.
///
/// # Errors
/// When it is none.
pub fn email(given: &str) -> Result<String, IdentityError> {
    let address = given.trim().to_ascii_lowercase();
    if is_address(&address) {
        Ok(address)
    } else {
        Err(IdentityError::Invalid(
            "this is no e-mail address; write it like dana.kim@msp.example".to_owned(),
        ))
    }
}

fn is_address(address: &str) -> bool {
    let Some((local, domain)) = address.split_once('@') else {
        return false;
    };
    // The characters of an unquoted local part (RFC 5322, atext) and dots between them.
    let atom = |a: &str| {
        !a.is_empty()
            && a.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b))
    };
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    address.len() <= ADDRESS
        && local.len() <= 64
        && local.split('.').all(atom)
        && domain.split('.').all(label)
}

/// A person's name as it is kept: trimmed, on one line.
///
/// # Errors
/// When it is empty, too long, or has characters that cannot be shown.
pub fn person(given: &str) -> Result<String, IdentityError> {
    let name = given.trim();
    let invalid = |why: String| Err(IdentityError::Invalid(why));
    if name.is_empty() {
        return invalid("the name is empty; write what colleagues call the person".to_owned());
    }
    if name.chars().count() > NAME {
        return invalid(format!("the name is longer than {NAME} characters"));
    }
    if name.chars().any(char::is_control) {
        return invalid("the name has line breaks or other control characters".to_owned());
    }
    Ok(name.to_owned())
}

/// A token's name: it stands in the audit trail, so that it is plain.
///
/// # Errors
/// When it has other characters or is too long.
pub fn token(given: &str) -> Result<String, IdentityError> {
    let name = given.trim();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if (1..=TOKEN).contains(&name.len()) && name.bytes().all(plain) {
        Ok(name.to_owned())
    } else {
        Err(IdentityError::Invalid(format!(
            "a token's name is 1 to {TOKEN} letters, digits, dots, dashes and underscores, for instance siem-prod"
        )))
    }
}

/// A scope that reaches somewhere.
///
/// # Errors
/// When it names no tenant, or one with an empty name.
pub fn scope(given: &Scope) -> Result<(), IdentityError> {
    match given {
        Scope::Tenants(names) if names.is_empty() || names.iter().any(|n| n.trim().is_empty()) => {
            Err(IdentityError::Invalid(
                "no tenant is named; name at least one, or allow every tenant".to_owned(),
            ))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_kept_in_lower_case() {
        for (given, kept) in [
            (" Dana.Kim@MSP.example\n", "dana.kim@msp.example"),
            ("admin@localhost", "admin@localhost"),
            ("o'neil+ir@a-b.example", "o'neil+ir@a-b.example"),
        ] {
            assert_eq!(email(given).as_deref(), Ok(kept));
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@msp.example", "a".repeat(65));
        for given in [
            "",
            "@",
            "a@",
            "@b",
            "a b@c",
            "a@b@c",
            "a@b..c",
            ".a@b",
            "a@-b",
            "a\n@b",
            "аna@msp.example",
            "<a@b>",
            "a@b,c@d",
            &long,
        ] {
            assert!(email(given).is_err(), "{given:?}");
        }
    }

    #[test]
    fn names_are_one_line() {
        assert_eq!(person(" Dana <Kim> ").as_deref(), Ok("Dana <Kim>"));
        for given in ["", "  ", "a\nb", "a\u{1b}[2J", &"x".repeat(101)] {
            assert!(person(given).is_err(), "{given:?}");
        }
        assert_eq!(token("siem-prod_1.a").as_deref(), Ok("siem-prod_1.a"));
        for given in ["", "a b", "a:b", "é", &"x".repeat(65)] {
            assert!(token(given).is_err(), "{given:?}");
        }
        assert!(scope(&Scope::of(Some(vec![]))).is_err());
        assert!(scope(&Scope::of(Some(vec![" ".into()]))).is_err());
        assert!(scope(&Scope::All).is_ok());
    }
}
