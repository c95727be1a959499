//! A password in, its Argon2id hash or whether it fits one out; slow on purpose, and never too many at once.

use super::{IdentityError, secret};
use argon2::password_hash::phc::{Output, ParamsString, Salt};
use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The shortest password, in characters: guessing is slowed down as well, see `limits`.
pub const SHORTEST: usize = 12;
/// The longest password, in bytes.
pub const LONGEST: usize = 1_024;

/// Hashes that are worked out at the same time; each takes 19 MiB.
const AT_ONCE: usize = 2;
/// Hashes that may wait for their turn; more are refused.
const WAITING: usize = 64;

/// Passwords of the lists of leaked ones that are long enough to be chosen here.
const COMMONEST: &[&str] = &[
    "123456789012",
    "1234567890123",
    "12345678901234",
    "123456789123",
    "1234567890qwerty",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "abcdefghijkl",
    "administrator",
    "administrator1",
    "changemechangeme",
    "counterplay1",
    "counterplay123",
    "letmeinletmein",
    "password1234",
    "password12345",
    "password123456",
    "passwordpassword",
    "qwerty123456",
    "qwertyuiop12",
    "qwertyuiop123",
    "qwertyuiopasdfghjkl",
    "welcome12345",
    "welcomewelcome",
];

/// What a hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl PasswordCost {
    /// What OWASP's Password Storage Cheat Sheet recommends for Argon2id: 19 MiB, 2 passes, 1 lane.
    pub const OWASP: PasswordCost = PasswordCost {
        memory_kib: 19_456,
        passes: 2,
        lanes: 1,
    };

    /// As cheap as Argon2 can be. Only for tests: it protects nothing.
    pub const CHEAPEST: PasswordCost = PasswordCost {
        memory_kib: 8,
        passes: 1,
        lanes: 1,
    };
}

/// Hashes passwords and checks them.
#[derive(Clone)]
pub struct Passwords {
    params: Params,
    /// A hash that no password fits, for people who are not there.
    nobody: Arc<str>,
    queue: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

impl Passwords {
    /// With what a hash costs.
    ///
    /// # Errors
    /// When the cost is beyond what Argon2 can do.
    pub fn new(cost: PasswordCost) -> Result<Passwords, IdentityError> {
        let params =
            Params::new(cost.memory_kib, cost.passes, cost.lanes, None).map_err(hashing)?;
        Ok(Passwords {
            nobody: nobody(&params)?,
            params,
            queue: Arc::new(Semaphore::new(WAITING)),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        })
    }

    /// The hash of a password in PHC string format, with its parameters and a new salt.
    ///
    /// # Errors
    /// [`IdentityError::Busy`] when too many wait; when the password is too long or memory is missing.
    pub async fn hash(&self, password: &str) -> Result<String, IdentityError> {
        if password.len() > LONGEST {
            return Err(IdentityError::Weak(too_long()));
        }
        let (password, params) = (password.to_owned(), self.params.clone());
        self.in_turn(move || {
            let salt = secret::bytes::<{ Salt::RECOMMENDED_LENGTH }>()?;
            let made: PasswordHash = argon2(params)
                .hash_password_with_salt(password.as_bytes(), &salt)
                .map_err(hashing)?;
            Ok(made.to_string())
        })
        .await
    }

    /// Whether a password fits a hash. Without a hash the answer is no, after the same work.
    ///
    /// # Errors
    /// [`IdentityError::Busy`] when too many wait; when the hash cannot be read or memory is missing.
    pub async fn fits(&self, password: &str, hash: Option<&str>) -> Result<bool, IdentityError> {
        // Nobody's password is longer: the refusal says nothing about whom it was for.
        if password.len() > LONGEST {
            return Ok(false);
        }
        let known = hash.is_some();
        let hash = hash.unwrap_or(&self.nobody).to_owned();
        let (password, params) = (password.to_owned(), self.params.clone());
        self.in_turn(move || {
            use argon2::password_hash::Error;
            let hash = PasswordHash::new(&hash).map_err(hashing)?;
            match argon2(params).verify_password(password.as_bytes(), &hash) {
                Ok(()) => Ok(known),
                Err(Error::PasswordInvalid) => Ok(false),
                Err(other) => Err(hashing(other)),
            }
        })
        .await
    }

    /// Runs slow work on another thread when its turn comes. It keeps its turn until it is done, even
    /// when the caller goes away.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, IdentityError> + Send + 'static,
    ) -> Result<T, IdentityError> {
        let queue = self.queue.clone();
        let place = queue.try_acquire_owned().map_err(|_| IdentityError::Busy)?;
        let turn = self.turns.clone().acquire_owned().await;
        let turn = turn.map_err(|_| IdentityError::Busy)?;
        tokio::task::spawn_blocking(move || {
            let _until_done = (place, turn);
            work()
        })
        .await
        .map_err(|e| IdentityError::Hashing(e.to_string()))?
    }
}

/// Whether a password may be chosen for an e-mail address. Length and obviousness count; which kinds
/// of characters it has does not (NIST SP 800-63B).
///
/// # Errors
/// [`IdentityError::Weak`] with what to do.
pub fn strong_enough(password: &str, email: &str) -> Result<(), IdentityError> {
    let weak = |reason: &str| Err(IdentityError::Weak(reason.to_owned()));
    let length = password.chars().count();
    if length < SHORTEST {
        return Err(IdentityError::Weak(format!(
            "it has {length} characters; take at least {SHORTEST}, for instance a few words"
        )));
    }
    if password.len() > LONGEST {
        return Err(IdentityError::Weak(too_long()));
    }
    let lower = password.trim().to_lowercase();
    let local = email.split('@').next().unwrap_or(email);
    if lower.eq_ignore_ascii_case(email.trim()) || lower.eq_ignore_ascii_case(local) {
        return weak("it is the e-mail address; take something that nobody can know");
    }
    if COMMONEST.contains(&lower.as_str()) {
        return weak(
            "it is one of the commonest passwords; take something that only you would think of",
        );
    }
    let mut characters = lower.chars();
    let first = characters.next();
    if characters.all(|c| Some(c) == first) {
        return weak("it is one character over and over; take a few words instead");
    }
    Ok(())
}

fn too_long() -> String {
    format!("it is longer than {LONGEST} bytes; take a shorter one")
}

fn argon2(params: Params) -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// A hash with a random result: which password would give it nobody knows.
fn nobody(params: &Params) -> Result<Arc<str>, IdentityError> {
    let salt = Salt::new(&secret::bytes::<{ Salt::RECOMMENDED_LENGTH }>()?).map_err(hashing)?;
    let output =
        Output::new(&secret::bytes::<{ Params::DEFAULT_OUTPUT_LEN }>()?).map_err(hashing)?;
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).map_err(hashing)?,
        salt: Some(salt),
        hash: Some(output),
    };
    Ok(hash.to_string().into())
}

fn hashing(error: impl std::fmt::Display) -> IdentityError {
    IdentityError::Hashing(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_and_obviousness_decide_and_nothing_else() {
        let weak = |password: &str| {
            strong_enough(password, "long.address@msp.example")
                .expect_err(password)
                .to_string()
        };
        assert!(weak("elevenchars").contains("it has 11 characters"));
        assert!(weak("Long.Address@MSP.example").contains("e-mail address"));
        assert!(weak("LONG.ADDRESS").contains("e-mail address"));
        assert!(weak("PasswordPassword").contains("commonest"));
        assert!(weak("aaaaaaaaaaaaaaa").contains("over and over"));
        assert!(weak(&"ab".repeat(513)).contains("1024 bytes"));
        for fine in ["only small letters", "ünïcödé-länge", &"ab".repeat(512)] {
            strong_enough(fine, "long.address@msp.example").expect(fine);
        }
    }

    #[test]
    fn every_common_password_is_long_enough_to_matter() {
        for common in COMMONEST {
            assert!(common.len() >= SHORTEST, "{common}");
            assert_eq!(*common, common.to_lowercase());
        }
    }

    #[tokio::test]
    async fn hashes_name_the_recommended_cost_and_fit_their_password_only() {
        let passwords = Passwords::new(PasswordCost::OWASP).expect("made");
        let hash = passwords.hash("correct horse battery").await.expect("hash");
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        let fits = async |p: &str, h: Option<&str>| passwords.fits(p, h).await.expect("checked");
        assert!(fits("correct horse battery", Some(&hash)).await);
        assert!(!fits("correct horse batterx", Some(&hash)).await);
        assert!(!fits("correct horse battery", None).await);
        let again = passwords.hash("correct horse battery").await.expect("hash");
        assert_ne!(hash, again, "salts differ");
    }

    #[tokio::test]
    async fn nobodys_hash_costs_the_same_and_is_a_whole_one() {
        let passwords = Passwords::new(PasswordCost::OWASP).expect("made");
        let real = passwords.hash("correct horse battery").await.expect("hash");
        let head = |hash: &str| hash.rsplitn(3, '$').last().map(str::to_owned);
        assert_eq!(head(&passwords.nobody), head(&real));
        assert_eq!(passwords.nobody.len(), real.len());
    }

    #[tokio::test]
    async fn a_flood_is_refused_instead_of_eating_the_memory() {
        let passwords = Passwords::new(PasswordCost::CHEAPEST).expect("made");
        let _all = passwords.turns.acquire_many(AT_ONCE as u32).await;
        let waiting: Vec<_> = (0..WAITING)
            .map(|_| {
                let passwords = passwords.clone();
                tokio::spawn(async move { passwords.hash("correct horse battery").await })
            })
            .collect();
        while passwords.queue.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let refused = passwords.hash("correct horse battery").await;
        assert!(matches!(refused, Err(IdentityError::Busy)), "{refused:?}");
        drop(_all);
        for one in waiting {
            one.await.expect("joined").expect("hashed");
        }
    }
}
