//! A store in a folder of its own, a clock that stands still, and the service's identity over them.

use counterplay_runtime::clock::{Clock, VirtualClock};
use counterplay_runtime::store::Store;
use counterplay_server::identity::{
    Identity, IdentityError, IdentityOptions, LoggedIn, NewAccount, PasswordCost, Person,
    Principal, Role, Scope,
};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use tempfile::TempDir;

pub const START: i64 = 1_795_305_600_000;
pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;
pub const PASSWORD: &str = "paper lantern seven";

pub struct World {
    pub folder: TempDir,
    pub store: Store,
    pub clock: Arc<VirtualClock>,
    pub identity: Identity,
}

pub fn client(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, last))
}

pub fn scope(tenants: &[&str]) -> Scope {
    Scope::of(Some(tenants.iter().map(|t| (*t).to_owned()).collect()))
}

pub fn account(email: &str, roles: &[Role], scope: Scope) -> NewAccount {
    NewAccount {
        email: email.to_owned(),
        name: "Dana Kim".to_owned(),
        roles: roles.iter().copied().collect(),
        scope,
    }
}

impl World {
    pub fn new() -> World {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path().join("store.db")).expect("a store");
        let clock = Arc::new(VirtualClock::at(START));
        let options = IdentityOptions {
            cost: PasswordCost::CHEAPEST,
            ..IdentityOptions::default()
        };
        let identity = Identity::with(store.clone(), clock.clone(), options).expect("an identity");
        World {
            folder,
            store,
            clock,
            identity,
        }
    }

    pub fn pass(&self, ms: i64) {
        self.clock.skip_to(self.clock.now_ms() + ms);
    }

    /// A person with [`PASSWORD`].
    pub async fn person(&self, email: &str, roles: &[Role], scope: Scope) -> Person {
        self.identity
            .create_person(
                &Principal::console(),
                account(email, roles, scope),
                Some(PASSWORD.to_owned()),
            )
            .await
            .expect("created")
            .person
    }

    pub async fn log_in(&self, email: &str) -> LoggedIn {
        self.try_log_in(email, PASSWORD).await.expect("logged in")
    }

    pub async fn try_log_in(&self, email: &str, password: &str) -> Result<LoggedIn, IdentityError> {
        self.identity.log_in(email, password, client(1)).await
    }

    pub async fn over(&self, cookie: &str) -> bool {
        match self.identity.check_session(cookie).await {
            Ok(_) => false,
            Err(IdentityError::Unauthorized(_)) => true,
            Err(other) => panic!("{other}"),
        }
    }

    /// Every byte that lies in the store's folder.
    pub fn bytes(&self) -> Vec<u8> {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(self.folder.path()).expect("a folder") {
            all.extend(std::fs::read(entry.expect("an entry").path()).expect("readable"));
        }
        all
    }

    pub fn holds(&self, text: &str) -> bool {
        self.bytes()
            .windows(text.len())
            .any(|w| w == text.as_bytes())
    }
}
