//! An attempt to log in in; whether it may be made now, or how many seconds to wait, out.
//!
//! Three limits, all in memory and of bounded size:
//! - an account from one client address: a few failures are free, then pauses grow. It is counted here
//!   and not by `governor`, which can neither look without counting, nor forget failures upon a
//!   success, nor let pauses grow;
//! - a client address, whatever it tries (`governor`);
//! - an account from all client addresses that it was never logged in from (`governor`), against
//!   guessing from many addresses. Its pause is seconds: nobody locks somebody else out for long.

use super::secret;
use counterplay_runtime::clock::Clock;
use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often people may try to log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginLimits {
    /// Failures on an account from a client address before the first pause.
    pub failures: u32,
    /// The first pause; each further failure doubles it.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// After how long without an attempt failures are forgotten.
    pub forget: Duration,
    /// Attempts of a client address at once.
    pub address_burst: NonZeroU32,
    /// The time in which a client address gets one more.
    pub address_period: Duration,
    /// Attempts on an account from new client addresses at once.
    pub account_burst: NonZeroU32,
    /// The time in which an account gets one more.
    pub account_period: Duration,
}

impl Default for LoginLimits {
    fn default() -> Self {
        LoginLimits {
            failures: 5,
            first_pause: Duration::from_secs(5),
            longest_pause: Duration::from_secs(15 * 60),
            forget: Duration::from_secs(24 * 60 * 60),
            address_burst: NonZeroU32::MIN.saturating_add(29),
            address_period: Duration::from_secs(2),
            account_burst: NonZeroU32::MIN.saturating_add(49),
            account_period: Duration::from_secs(5),
        }
    }
}

/// Entries of each table before old ones are dropped.
const ROOM: usize = 10_000;
/// Client addresses that are remembered as an account's own.
const OWN: usize = 16;

/// An account: the digest of an e-mail address as it was typed, so that its length does not matter.
type Account = String;
/// An account from a client's network.
type Pair = (Account, String);
type Governed =
    RateLimiter<String, DefaultKeyedStateStore<String>, OurClock, NoOpMiddleware<Nanos>>;

/// The one clock, as `governor` reads it.
struct OurClock(Arc<dyn Clock>);

impl GovernorClock for OurClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let ms = u64::try_from(self.0.now_ms()).unwrap_or(0);
        Nanos::from(ms.saturating_mul(1_000_000))
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Failures {
    count: u32,
    latest_ms: i64,
    until_ms: i64,
}

/// Counts attempts to log in.
pub struct Limiter {
    limits: LoginLimits,
    clock: Arc<dyn Clock>,
    pairs: Mutex<HashMap<Pair, Failures>>,
    own: Mutex<HashMap<Account, Vec<String>>>,
    addresses: Governed,
    accounts: Governed,
}

/// An attempt that may be made. It counts as a failure until it is said otherwise, so that attempts
/// at the same time do not get around the limit.
#[derive(Debug)]
#[must_use = "an attempt counts as a failure until it is said otherwise"]
pub struct Attempt {
    pair: Pair,
}

impl Limiter {
    /// With limits, on a clock.
    pub fn new(limits: LoginLimits, clock: Arc<dyn Clock>) -> Limiter {
        let governed = |burst, period: Duration| {
            let period = period.max(Duration::from_millis(1));
            let quota = Quota::with_period(period).unwrap_or(Quota::per_second(NonZeroU32::MIN));
            RateLimiter::new(
                quota.allow_burst(burst),
                DefaultKeyedStateStore::default(),
                OurClock(clock.clone()),
            )
        };
        Limiter {
            addresses: governed(limits.address_burst, limits.address_period),
            accounts: governed(limits.account_burst, limits.account_period),
            limits,
            pairs: Mutex::new(HashMap::new()),
            own: Mutex::new(HashMap::new()),
            clock,
        }
    }

    /// Whether an attempt may be made now.
    ///
    /// # Errors
    /// The seconds to wait.
    pub fn attempt(&self, email: &str, client: IpAddr) -> Result<Attempt, u64> {
        let network = network(client);
        let account = secret::digest(&email.trim().to_ascii_lowercase());
        govern(&self.addresses, &network)?;
        let pair = (account, network);
        self.reserve(&pair)?;
        let attempt = Attempt { pair };
        if !self.is_own(&attempt.pair)
            && let Err(wait) = govern(&self.accounts, &attempt.pair.0)
        {
            self.undo(attempt);
            return Err(wait);
        }
        Ok(attempt)
    }

    /// Whether a client address may guess once more.
    ///
    /// # Errors
    /// The seconds to wait.
    pub fn guess(&self, client: IpAddr) -> Result<(), u64> {
        govern(&self.addresses, &network(client))
    }

    /// The attempt succeeded: earlier failures are forgotten, and the address is the account's own.
    pub fn succeeded(&self, attempt: Attempt) {
        lock(&self.pairs).remove(&attempt.pair);
        let (account, network) = attempt.pair;
        let mut own = lock(&self.own);
        let networks = own.entry(account).or_default();
        networks.retain(|n| *n != network);
        networks.push(network);
        if networks.len() > OWN {
            networks.remove(0);
        }
    }

    /// The attempt could not be judged: it does not count.
    pub fn undo(&self, attempt: Attempt) {
        if let Some(failures) = lock(&self.pairs).get_mut(&attempt.pair) {
            failures.count = failures.count.saturating_sub(1);
            failures.until_ms = 0;
        }
    }

    fn reserve(&self, pair: &Pair) -> Result<(), u64> {
        let now = self.clock.now_ms();
        let mut pairs = lock(&self.pairs);
        let mut failures = pairs.get(pair).copied().unwrap_or_default();
        if failures.until_ms > now {
            return Err(seconds(failures.until_ms - now));
        }
        if now.saturating_sub(failures.latest_ms) > millis(self.limits.forget) {
            failures = Failures::default();
        }
        failures.count = failures.count.saturating_add(1);
        failures.latest_ms = now;
        failures.until_ms = now.saturating_add(self.pause_ms(failures.count));
        if pairs.len() >= ROOM && !pairs.contains_key(pair) {
            self.make_room(&mut pairs, now);
        }
        pairs.insert(pair.clone(), failures);
        Ok(())
    }

    /// The pause after this many failures.
    fn pause_ms(&self, failures: u32) -> i64 {
        match failures.checked_sub(self.limits.failures) {
            None => 0,
            Some(more) => millis(self.limits.first_pause)
                .saturating_mul(1 << more.min(30))
                .min(millis(self.limits.longest_pause)),
        }
    }

    /// Drops what is forgotten, else the older half.
    fn make_room(&self, pairs: &mut HashMap<Pair, Failures>, now: i64) {
        let forget = millis(self.limits.forget);
        pairs.retain(|_, f| now.saturating_sub(f.latest_ms) <= forget);
        if pairs.len() >= ROOM {
            let mut times: Vec<i64> = pairs.values().map(|f| f.latest_ms).collect();
            let middle = times.len() / 2;
            let (_, median, _) = times.select_nth_unstable(middle);
            let median = *median;
            pairs.retain(|_, f| f.latest_ms > median);
        }
    }

    fn is_own(&self, (account, network): &Pair) -> bool {
        lock(&self.own)
            .get(account)
            .is_some_and(|networks| networks.contains(network))
    }
}

fn govern(limiter: &Governed, key: &String) -> Result<(), u64> {
    if limiter.len() > ROOM {
        limiter.retain_recent();
    }
    limiter.check_key(key).map_err(|until| {
        let wait = until.wait_time_from(limiter.clock().now());
        seconds(millis(wait))
    })
}

/// The network that a client address stands for: an IPv6 client has 2^64 addresses to choose from.
fn network(client: IpAddr) -> String {
    match client.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// Whole seconds, so that the wait is over when they have passed.
fn seconds(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or(0).div_ceil(1_000).max(1)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterplay_runtime::clock::VirtualClock;
    use std::net::{Ipv4Addr, Ipv6Addr};

    const START: i64 = 1_795_305_600_000;

    fn limiter() -> (Limiter, Arc<VirtualClock>) {
        let clock = Arc::new(VirtualClock::at(START));
        (Limiter::new(LoginLimits::default(), clock.clone()), clock)
    }

    fn client(n: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + n))
    }

    fn fail(limiter: &Limiter, email: &str, client: IpAddr) -> Option<u64> {
        limiter.attempt(email, client).err()
    }

    #[test]
    fn pauses_grow_from_the_fifth_failure_on() {
        let (limiter, clock) = limiter();
        for _ in 0..5 {
            assert_eq!(fail(&limiter, "ana@msp.example", client(1)), None);
        }
        let mut waits = Vec::new();
        for _ in 0..10 {
            let wait = fail(&limiter, " ANA@msp.example", client(1)).expect("a pause");
            waits.push(wait);
            clock.skip_to(clock.now_ms() + wait as i64 * 1_000 - 1);
            assert_eq!(fail(&limiter, "ana@msp.example", client(1)), Some(1));
            clock.skip_to(clock.now_ms() + 1);
            assert_eq!(fail(&limiter, "ana@msp.example", client(1)), None);
        }
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]);
        clock.skip_to(clock.now_ms() + 24 * 3_600_000 + 1);
        for _ in 0..5 {
            assert_eq!(fail(&limiter, "ana@msp.example", client(1)), None);
        }
    }

    #[test]
    fn a_success_forgets_failures_and_what_was_not_judged_does_not_count() {
        let (limiter, _) = limiter();
        for _ in 0..4 {
            assert_eq!(fail(&limiter, "ana@msp.example", client(1)), None);
        }
        let fifth = limiter.attempt("ana@msp.example", client(1));
        limiter.undo(fifth.expect("allowed"));
        let again = limiter.attempt("ana@msp.example", client(1));
        limiter.succeeded(again.expect("allowed"));
        for _ in 0..5 {
            assert_eq!(fail(&limiter, "ana@msp.example", client(1)), None);
        }
        assert_eq!(fail(&limiter, "ana@msp.example", client(1)), Some(5));
    }

    #[test]
    fn nobody_is_locked_out_by_another_address() {
        let (limiter, _) = limiter();
        while fail(&limiter, "ana@msp.example", client(1)).is_none() {}
        assert_eq!(fail(&limiter, "ana@msp.example", client(2)), None);
    }

    #[test]
    fn an_address_that_tries_many_accounts_is_slowed_down() {
        let (limiter, clock) = limiter();
        for n in 0..30 {
            assert_eq!(
                fail(&limiter, &format!("p{n}@msp.example"), client(1)),
                None
            );
        }
        assert_eq!(fail(&limiter, "next@msp.example", client(1)), Some(2));
        assert_eq!(fail(&limiter, "next@msp.example", client(2)), None);
        clock.skip_to(START + 2_000);
        assert_eq!(fail(&limiter, "next@msp.example", client(1)), None);
    }

    #[test]
    fn guessing_from_many_addresses_is_slowed_down_and_leaves_the_accounts_own_alone() {
        let (limiter, clock) = limiter();
        let own = limiter.attempt("ana@msp.example", client(0));
        limiter.succeeded(own.expect("allowed"));
        for n in 1..50 {
            assert_eq!(fail(&limiter, "ana@msp.example", client(n)), None, "{n}");
        }
        assert_eq!(fail(&limiter, "ana@msp.example", client(50)), Some(5));
        assert_eq!(fail(&limiter, "ana@msp.example", client(0)), None);
        clock.skip_to(START + 5_000);
        assert_eq!(fail(&limiter, "ana@msp.example", client(50)), None);
    }

    #[test]
    fn an_ipv6_network_is_one_client_and_a_mapped_address_is_an_ipv4_one() {
        let v6 = |n: u128| IpAddr::V6(Ipv6Addr::from((0x2001_0db8_u128 << 96) + n));
        assert_eq!(network(v6(1)), network(v6(u128::from(u64::MAX))));
        assert_ne!(network(v6(1)), network(v6(1 << 64)));
        let mapped = IpAddr::V6(Ipv4Addr::new(10, 0, 0, 1).to_ipv6_mapped());
        assert_eq!(network(mapped), "10.0.0.1");
    }

    #[test]
    fn the_tables_stay_small() {
        let (limiter, clock) = limiter();
        for n in 0..(ROOM as u32 * 2) {
            clock.skip_to(START + i64::from(n));
            assert_eq!(
                fail(&limiter, &format!("p{n}@msp.example"), client(n)),
                None
            );
        }
        assert!(lock(&limiter.pairs).len() <= ROOM);
    }
}
