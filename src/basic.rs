//! Basic, the fallback for people without a ticket: when it is taken, and how a password is checked
//! without giving a guesser more than a few tries.

use std::sync::Arc;
use std::time::Duration;

use http::header::HeaderValue;
use http::request::Parts;
use secrecy::SecretString;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use self::failures::Failures;
use self::over::Over;
use crate::authorization::basic_challenge;
use crate::clock::Clock;
use crate::error::{ConfigError, Error, ErrorKind};
use crate::kerberos::{PasswordChecks, Question, RefusedPassword};
use crate::principal::Principal;

mod failures;
mod network;
mod over;

pub use self::over::BasicOver;

/// How many checks may wait for each that runs.
const WAITING: usize = 32;

/// How many wrong passwords an address has for each that an account has: many people may share it.
const PEER_SHARE: usize = 10;

/// Of the entrance, an account has one part in four: who knows its password may come without end.
const ACCOUNT_PART: usize = 4;

/// How long a refused password takes at least. A KDC that knows no such user says so in a tenth of
/// the time that a wrong password takes: what exists is no stranger's business.
const REFUSED_AFTER: Duration = Duration::from_millis(200);

/// What guesses are held to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GuessLimits {
    /// Wrong passwords for one account in the window.
    pub(crate) failures: usize,
    pub(crate) window: Duration,
    /// Checks at once.
    pub(crate) checks: usize,
    /// For one check, with all its waiting.
    pub(crate) timeout: Duration,
}

impl Default for GuessLimits {
    /// Active Directory often locks at the fifth wrong password in half an hour.
    fn default() -> Self {
        Self {
            failures: 4,
            window: Duration::from_secs(30 * 60),
            checks: 8,
            timeout: Duration::from_secs(10),
        }
    }
}

pub(crate) struct Basic {
    // Dropped first, like the accept threads.
    checks: PasswordChecks,
    over: Over,
    /// For everyone who waits or is checked.
    entrance: Arc<Semaphore>,
    failures: Failures,
    timeout: Duration,
    challenge: HeaderValue,
}

impl Basic {
    /// Starts the threads that ask the KDC. `site` is what people read when they are asked.
    pub(crate) fn start(
        over: BasicOver,
        limits: GuessLimits,
        site: &str,
        clock: Clock,
    ) -> Result<Self, ConfigError> {
        let GuessLimits {
            failures,
            window,
            checks,
            timeout,
        } = limits;
        if failures == 0 || window.is_zero() || checks == 0 || timeout.is_zero() {
            return Err(ConfigError::BasicLetsNobodyIn);
        }
        let over = over.check()?;
        let entrance = checks
            .saturating_mul(1 + WAITING)
            .min(Semaphore::MAX_PERMITS);
        Ok(Self {
            checks: PasswordChecks::start(checks, entrance)?,
            over,
            entrance: Arc::new(Semaphore::new(entrance)),
            failures: Failures::new(
                failures,
                PEER_SHARE,
                window,
                checks.div_ceil(2),
                entrance.div_ceil(ACCOUNT_PART),
                clock,
            ),
            timeout,
            challenge: basic_challenge(site),
        })
    }

    /// The challenge, where a password may be asked for in this request, and is read.
    pub(crate) fn challenge(&self, request: &Parts) -> Option<HeaderValue> {
        self.over.covers(request).then(|| self.challenge.clone())
    }

    /// A token for our own `service` that the KDC gives out for the password: see
    /// [`PasswordChecks::token`].
    ///
    /// It waits for its address's share, then for its account's turn, and takes a place when it may
    /// run at once. In this order, for who waits holds what came before: their own address's share,
    /// and never the turn of an account, which may be somebody else's. Whoever goes away while the
    /// KDC is asked has the check counted all the same.
    pub(crate) async fn token(
        &self,
        request: &Parts,
        client: &Principal,
        password: SecretString,
        service: String,
    ) -> Result<Vec<u8>, Error> {
        let begun = Instant::now();
        let peer = self.over.client(request);
        let check = async {
            let peer = peer
                .map(|address| self.failures.of_peer(address))
                .transpose()?;
            let entered = Arc::clone(&self.entrance)
                .try_acquire_owned()
                .map_err(|_| {
                    Error::new(ErrorKind::Busy).with_detail("too many passwords wait to be checked")
                })?;
            let peer = match peer {
                Some(peer) => Some(peer.enter().await),
                None => None,
            };
            let account = self.failures.of_account(client).await?;
            let question = Question {
                client: client.clone(),
                password,
                service,
            };
            let answered = move |token: &Result<Vec<u8>, RefusedPassword>| {
                let refused = token.as_ref().err();
                if refused.is_some_and(|refused| refused.account_exists) {
                    account.exists();
                }
                let kind = refused.map(|refused| refused.error.kind());
                account.settle(kind);
                if let Some(peer) = peer {
                    peer.settle(kind);
                }
                drop(entered);
            };
            self.checks.token(question, answered).await
        };
        let token = tokio::time::timeout(self.timeout, check)
            .await
            .unwrap_or_else(|_| {
                let detail = format!("no answer within {:?}", self.timeout);
                Err(Error::new(ErrorKind::KdcUnavailable).with_detail(detail))
            });
        if let Err(error) = &token
            && error.kind().asks_for_password()
        {
            tokio::time::sleep_until(begun + REFUSED_AFTER).await;
        }
        token
    }
}
