//! Wrong passwords, counted for each account and for each address: a domain locks an account after
//! some, and so anybody could lock anybody out.

use std::convert::Infallible;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, Lifecycle, UnitWeighter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::network::neighbourhood;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind};
use crate::principal::Principal;

/// How many accounts are remembered, and how many addresses, beside those of which [`Window`] says
/// that they may not be forgotten.
const REMEMBERED: usize = 10_000;

pub(super) struct Failures {
    accounts: Arc<Ledger<Account>>,
    peers: Arc<Ledger<u128>>,
    account_line: usize,
}

impl Failures {
    /// An address has `peer_share` times as many failures as an account, and `peer_checks` at once.
    /// An account has one, and `account_line` with those that wait.
    pub(super) fn new(
        limit: usize,
        peer_share: usize,
        window: Duration,
        peer_checks: usize,
        account_line: usize,
        clock: Clock,
    ) -> Self {
        let window = Window {
            length: window,
            clock,
        };
        let peer_limit = limit.saturating_mul(peer_share);
        Self {
            account_line,
            peers: Arc::new(Ledger::new(
                "address",
                peer_limit,
                window.clone(),
                peer_checks,
            )),
            accounts: Arc::new(Ledger::new("account", limit, window, 1)),
        }
    }

    /// Waits for the account's turn: it has one check at a time, lest guesses that run together
    /// pass the limit. A browser's requests, which come together, wait for each other; but right
    /// passwords meet no limit, and so must not fill the entrance.
    pub(super) async fn of_account(&self, account: &Principal) -> Result<Attempt<Account>, Error> {
        let mut attempt = self.accounts.attempt(Account::of(account));
        {
            let mut counts = attempt.record.lock();
            if counts.under_way >= self.account_line {
                return Err(Error::new(ErrorKind::Busy)
                    .with_detail("the account has too many passwords under way"));
            }
            counts.under_way += 1;
        }
        attempt.is_under_way = true;
        let attempt = attempt.enter().await;
        let room = attempt.record.lock().has_room(&attempt.ledger);
        match room {
            Room::None => Err(attempt.ledger.refuses()),
            // The others under way wait for this one.
            Room::Some | Room::Taken => Ok(attempt),
        }
    }

    /// Takes part in the address's count, also while it waits: what an address has under way is as
    /// good as failed until it is not.
    pub(super) fn of_peer(&self, address: IpAddr) -> Result<Attempt<u128>, Error> {
        let mut attempt = self.peers.attempt(neighbourhood(address));
        let room = {
            let mut counts = attempt.record.lock();
            let room = counts.has_room(&attempt.ledger);
            counts.under_way += usize::from(room == Room::Some);
            room
        };
        match room {
            Room::None => Err(attempt.ledger.refuses()),
            Room::Taken => Err(Error::new(ErrorKind::Busy)
                .with_detail("the client's address has too many passwords under way")),
            Room::Some => {
                attempt.is_under_way = true;
                Ok(attempt)
            }
        }
    }
}

/// An account, by whichever case its name is typed in: Active Directory takes them all, and would
/// count the failures together.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Account(String);

impl Account {
    fn of(principal: &Principal) -> Self {
        let text = principal.to_string();
        // Both ways, for what differs in one of them alone, as the two small sigmas do.
        let upper = text.chars().flat_map(char::to_uppercase);
        Self(upper.flat_map(char::to_lowercase).collect())
    }
}

/// The failures of accounts, or of addresses.
struct Ledger<K> {
    who: &'static str,
    limit: usize,
    window: Window,
    at_once: usize,
    records: Cache<K, Arc<Record>, UnitWeighter, DefaultHashBuilder, Window>,
}

impl<K: Hash + Eq + Clone> Ledger<K> {
    fn new(who: &'static str, limit: usize, window: Window, at_once: usize) -> Self {
        let records = Cache::with(
            REMEMBERED,
            REMEMBERED as u64,
            UnitWeighter,
            DefaultHashBuilder::default(),
            window.clone(),
        );
        Self {
            who,
            limit,
            window,
            at_once,
            records,
        }
    }

    fn attempt(self: &Arc<Self>, key: K) -> Attempt<K> {
        let new = || Ok::<_, Infallible>(Arc::new(Record::new(self.at_once)));
        let Ok(record) = self.records.get_or_insert_with(&key, new);
        Attempt {
            ledger: Arc::clone(self),
            record,
            place: None,
            is_under_way: false,
        }
    }
}

impl<K> Ledger<K> {
    fn refuses(&self) -> Error {
        Error::new(ErrorKind::TooManyFailures).with_detail(format!(
            "{} within {:?} for one {}; they are forgotten one by one as they get older, and an \
             account's by a password that is right",
            self.limit, self.window.length, self.who
        ))
    }
}

/// How long a failure counts.
#[derive(Clone)]
struct Window {
    length: Duration,
    clock: Clock,
}

impl Window {
    fn is_over(&self, now: SystemTime, failed: SystemTime) -> bool {
        now.duration_since(failed)
            .is_ok_and(|age| age >= self.length)
    }
}

impl<K> Lifecycle<K, Arc<Record>> for Window {
    type RequestState = ();

    /// A record is not forgotten while somebody has it in hand (a second one for the same key would
    /// miss what is counted in the first), nor that of an account that exists: who invents names
    /// would buy new guesses with them. There are no more of those than accounts in the realms.
    fn is_pinned(&self, _: &K, record: &Arc<Record>) -> bool {
        Arc::strong_count(record) > 1 || record.lock().is_known_to_fail(self)
    }

    fn begin_request(&self) {}
}

struct Record {
    places: Arc<Semaphore>,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    failed: Vec<SystemTime>,
    under_way: usize,
    /// The KDC knows the account.
    exists: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Room {
    Some,
    /// By attempts of which nobody knows yet what comes of them.
    Taken,
    None,
}

impl Record {
    fn new(at_once: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(at_once)),
            counts: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn has_room<K>(&mut self, ledger: &Ledger<K>) -> Room {
        let now = ledger.window.clock.now();
        self.failed
            .retain(|failed| !ledger.window.is_over(now, *failed));
        if self.failed.len() >= ledger.limit {
            Room::None
        } else if self.failed.len() + self.under_way >= ledger.limit {
            Room::Taken
        } else {
            Room::Some
        }
    }

    fn is_known_to_fail(&self, window: &Window) -> bool {
        let now = window.clock.now();
        self.exists
            && self
                .failed
                .iter()
                .any(|failed| !window.is_over(now, *failed))
    }
}

/// A password of which nobody knows yet whether it is right. Dropped, it says nothing.
pub(super) struct Attempt<K> {
    ledger: Arc<Ledger<K>>,
    record: Arc<Record>,
    place: Option<OwnedSemaphorePermit>,
    is_under_way: bool,
}

impl<K> Attempt<K> {
    /// Waits for one of the places.
    pub(super) async fn enter(mut self) -> Self {
        // They are never closed.
        self.place = Arc::clone(&self.record.places).acquire_owned().await.ok();
        self
    }

    fn fail(&self) {
        let now = self.ledger.window.clock.now();
        self.record.lock().failed.push(now);
    }
}

impl Attempt<Account> {
    /// The KDC has said so. It is nobody else's business.
    pub(super) fn exists(&self) {
        self.record.lock().exists = true;
    }

    /// Of a locked account or an expired password the KDC says so whatever the password.
    pub(super) fn settle(&self, refused: Option<ErrorKind>) {
        match refused {
            None => self.record.lock().failed.clear(),
            Some(ErrorKind::WrongPassword) => self.fail(),
            Some(_) => {}
        }
    }
}

impl Attempt<u128> {
    /// A right password forgives an address nothing: it may be the guesser's own.
    pub(super) fn settle(&self, refused: Option<ErrorKind>) {
        if refused.is_some_and(ErrorKind::asks_for_password) {
            self.fail();
        }
    }
}

impl<K> Drop for Attempt<K> {
    fn drop(&mut self) {
        if self.is_under_way {
            self.record.lock().under_way -= 1;
        }
    }
}

#[cfg(test)]
mod tests;
