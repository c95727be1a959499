//! Sixteen random bytes out each time: the salts that keep audit records from being guessed from
//! their digests.

use super::Fault;
use std::fmt;
use std::sync::Arc;

/// A salt.
pub(super) type Salt = [u8; 16];

type Draw = dyn Fn() -> Result<Salt, String> + Send + Sync;

/// A source of salts.
#[derive(Clone)]
pub struct Salts(Arc<Draw>);

impl Salts {
    /// Another source, for tests; says why where it has none to give.
    pub fn of(draw: impl Fn() -> Result<[u8; 16], String> + Send + Sync + 'static) -> Salts {
        Salts(Arc::new(draw))
    }

    pub(super) fn draw(&self) -> Result<Salt, Fault> {
        (self.0)().map_err(Fault::NoRandomness)
    }
}

impl Default for Salts {
    /// The operating system's.
    fn default() -> Salts {
        Salts::of(|| {
            let mut salt = [0; 16];
            getrandom::fill(&mut salt).map_err(|e| e.to_string())?;
            Ok(salt)
        })
    }
}

impl fmt::Debug for Salts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salts")
    }
}
