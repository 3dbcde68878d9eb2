//! Wrong passwords, counted for each account and for each address: a domain locks an account after
//! some, and so anybody could lock anybody out.

use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use quick_cache::sync::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::network::neighbourhood;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind};
use crate::principal::Principal;

/// How many accounts are remembered, and how many addresses. What is asked about once is forgotten
/// before what is asked about often.
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
        Self {
            account_line,
            peers: Arc::new(Ledger {
                who: "address",
                limit: limit.saturating_mul(peer_share),
                window,
                at_once: peer_checks,
                clock: clock.clone(),
                records: Cache::new(REMEMBERED),
            }),
            accounts: Arc::new(Ledger {
                who: "account",
                limit,
                window,
                at_once: 1,
                clock,
                records: Cache::new(REMEMBERED),
            }),
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
    window: Duration,
    at_once: usize,
    clock: Clock,
    records: Cache<K, Arc<Record>>,
}

impl<K: Hash + Eq + Clone> Ledger<K> {
    fn attempt(self: &Arc<Self>, key: K) -> Attempt<K> {
        let new = || Ok::<_, Error>(Arc::new(Record::new(self.at_once)));
        let record = match self.records.get_or_insert_with(&key, new) {
            Ok(record) => record,
            Err(_) => Arc::new(Record::new(self.at_once)),
        };
        Attempt {
            ledger: Arc::clone(self),
            key,
            record,
            place: None,
            is_under_way: false,
        }
    }

    fn refuses(&self) -> Error {
        Error::new(ErrorKind::TooManyFailures).with_detail(format!(
            "{} within {:?} for one {}; they are forgotten one by one as they get older, and an \
             account's by a password that is right",
            self.limit, self.window, self.who
        ))
    }
}

struct Record {
    places: Arc<Semaphore>,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    failed: Vec<SystemTime>,
    under_way: usize,
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
        let now = ledger.clock.now();
        let is_old = |failed: &SystemTime| {
            now.duration_since(*failed)
                .is_ok_and(|age| age >= ledger.window)
        };
        self.failed.retain(|failed| !is_old(failed));
        if self.failed.len() >= ledger.limit {
            Room::None
        } else if self.failed.len() + self.under_way >= ledger.limit {
            Room::Taken
        } else {
            Room::Some
        }
    }
}

/// A password of which nobody knows yet whether it is right. Dropped, it says nothing.
pub(super) struct Attempt<K> {
    ledger: Arc<Ledger<K>>,
    key: K,
    record: Arc<Record>,
    place: Option<OwnedSemaphorePermit>,
    is_under_way: bool,
}

impl<K: Hash + Eq + Clone> Attempt<K> {
    /// Waits for one of the places.
    pub(super) async fn enter(mut self) -> Self {
        // They are never closed.
        self.place = Arc::clone(&self.record.places).acquire_owned().await.ok();
        self
    }

    fn fail(&self) {
        self.record.lock().failed.push(self.ledger.clock.now());
        if self.ledger.records.get(&self.key).is_none() {
            // Forgotten meanwhile.
            let record = Arc::clone(&self.record);
            self.ledger.records.insert(self.key.clone(), record);
        }
    }
}

impl Attempt<Account> {
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
