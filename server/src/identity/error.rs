//! Why someone was not let in, or an account not changed, in; a problem document out.

use crate::problem::Problem;
use counterplay_runtime::store::StoreError;

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// The credential is not good, or no longer. The text does not tell which part of it is wrong.
    #[error("{0}")]
    Unauthorized(&'static str),
    /// Too many attempts.
    #[error("too many attempts; wait {retry_after_s} s and try again")]
    TooMany {
        /// Seconds to wait.
        retry_after_s: u64,
    },
    /// Known, and not allowed.
    #[error("{0}")]
    Forbidden(String),
    /// The password is too easy to guess.
    #[error("this password cannot be taken: {0}")]
    Weak(String),
    /// What was given does not fit.
    #[error("{0}")]
    Invalid(String),
    /// The e-mail address or the token's name is in use.
    #[error("{0}")]
    Taken(String),
    /// There is no such person or token, for this caller.
    #[error("{0}")]
    NotFound(String),
    /// Nobody could administer the service any more.
    #[error(
        "this is the last administrator of every tenant; make another one first, so that somebody can still let people in"
    )]
    LastAdministrator,
    /// More passwords wait to be checked than there is room for.
    #[error("too many people log in at this moment; try again")]
    Busy,
    /// The hash of a password cannot be worked out or read.
    #[error("a password cannot be checked: {0}")]
    Hashing(String),
    /// The operating system gives no randomness.
    #[error("the system gives no randomness: {0}")]
    NoRandomness(String),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<IdentityError> for Problem {
    fn from(error: IdentityError) -> Problem {
        let detail = error.to_string();
        match error {
            IdentityError::Unauthorized(_) => Problem::unauthorized(detail),
            IdentityError::TooMany { retry_after_s } => Problem::too_many(detail, retry_after_s),
            IdentityError::Forbidden(_) => Problem::forbidden(detail),
            IdentityError::Weak(_) | IdentityError::Invalid(_) => Problem::unprocessable(detail),
            IdentityError::Taken(_) | IdentityError::LastAdministrator => Problem::conflict(detail),
            IdentityError::NotFound(_) => Problem::not_found(detail),
            IdentityError::Busy => {
                let mut problem = Problem::unavailable(detail);
                problem.retry_after_s = Some(1);
                problem
            }
            IdentityError::Hashing(_) | IdentityError::NoRandomness(_) => {
                tracing::error!("{detail}");
                Problem::internal()
            }
            IdentityError::Store(error) => error.into(),
        }
    }
}
