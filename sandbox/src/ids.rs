//! In: a seed. Out: made-up identifiers and times in the shapes that Microsoft 365 uses.

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use std::cell::Cell;

/// A GUID that is always the same for the same seed.
pub(crate) fn guid(seed: &str) -> String {
    let hex = hex(&Sha256::digest(seed.as_bytes()));
    format!(
        "{}-{}-4{}-8{}-{}",
        &hex[0..8],
        &hex[8..12],
        &hex[13..16],
        &hex[17..20],
        &hex[20..32]
    )
}

/// Bytes as lower-case hexadecimal text.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The time now, to the second, as Graph writes it.
pub(crate) fn now() -> Timestamp {
    whole(instant())
}

thread_local! {
    /// What the time is while this thread answers at a time that it was given.
    static GIVEN: Cell<Option<Timestamp>> = const { Cell::new(None) };
}

/// The time now.
pub(crate) fn instant() -> Timestamp {
    GIVEN.get().unwrap_or_else(Timestamp::now)
}

/// Does something as if it were this time.
pub(crate) fn at<T>(time: Timestamp, work: impl FnOnce() -> T) -> T {
    let before = GIVEN.replace(Some(time));
    let result = work();
    GIVEN.set(before);
    result
}

/// A time cut to the second.
pub(crate) fn whole(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}
