//! What keeps a wrong password of ours, or a keytab's old key, from locking our account.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::super::bind::Secret;
use super::super::failure::Failure;
use super::super::pause::Pauses;

/// Directories lock an account after some wrong passwords within half an hour or so, five or ten as a
/// rule. These are four tries in half an hour at most.
const PAUSES: Pauses = Pauses {
    first: Duration::from_secs(30),
    factor: 4,
    longest: Duration::from_secs(30 * 60),
};

/// What became of the last bind, for all servers of a directory: they share the account.
#[derive(Debug, Default)]
pub(in super::super) struct RefusedSecret(Mutex<Option<Last>>);

#[derive(Debug)]
struct Last {
    failure: Failure,
    /// The secret that was refused.
    secret: Option<Secret>,
    /// How often in a row.
    times: u32,
    /// When the password may be tried again, by one at a time.
    again: Instant,
}

/// A bind that has begun.
pub(super) struct Attempt<'a> {
    owner: &'a RefusedSecret,
    secret: Option<Secret>,
    /// Whether it is the one that tries a password which was refused before.
    is_retry: bool,
}

impl RefusedSecret {
    /// Begins a bind, unless this secret was refused a short while ago.
    pub(super) fn attempt(&self, secret: Option<Secret>) -> Result<Attempt<'_>, Failure> {
        self.attempt_at(Instant::now(), secret)
    }

    fn attempt_at(&self, now: Instant, secret: Option<Secret>) -> Result<Attempt<'_>, Failure> {
        let mut last = self.lock();
        if last.as_ref().is_some_and(|last| last.secret != secret) {
            *last = None;
        }
        let is_retry = match &mut *last {
            None => false,
            Some(last) if now < last.again => {
                let failure = Box::new(last.failure.clone());
                return Err(Failure::Paused(failure, last.again - now));
            }
            Some(last) => {
                // For the others, until it is known what becomes of this one.
                last.again = now + PAUSES.after(last.times);
                true
            }
        };
        Ok(Attempt {
            owner: self,
            secret,
            is_retry,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Option<Last>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt<'_> {
    pub(super) fn ended<T>(self, outcome: &Result<T, Failure>) {
        self.ended_at(Instant::now(), outcome);
    }

    fn ended_at<T>(mut self, now: Instant, outcome: &Result<T, Failure>) {
        let mut last = self.owner.lock();
        match outcome {
            Ok(_) => *last = None,
            Err(failure) if failure.counts_against_the_account() => {
                let before = last.as_ref().map_or(0, |last| last.times);
                // Several can begin at once before the first was refused: they are one failure.
                let times = if self.is_retry {
                    before + 1
                } else {
                    before.max(1)
                };
                *last = Some(Last {
                    failure: failure.clone(),
                    secret: self.secret.take(),
                    times,
                    again: now + PAUSES.after(times),
                });
            }
            // Nothing was learnt of the password: Drop lets the next one try.
            Err(_) => return,
        }
        self.is_retry = false;
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if self.is_retry
            && let Some(last) = &mut *self.owner.lock()
        {
            last.again = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::bind::Method;
    use super::super::super::outcome::Refused;
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn refused() -> Result<(), Failure> {
        Err(Failure::Bind {
            name: "cn=web".to_owned(),
            method: Method::Simple,
            refused: Refused {
                code: 49,
                text: String::new(),
            },
        })
    }

    #[test]
    fn a_refused_secret_is_tried_again_ever_more_seldom_and_by_one_alone() {
        let passwords = RefusedSecret::default();
        let start = Instant::now();
        let mut tries = Vec::new();
        for second in 0..3 * 3600 {
            let now = start + SECOND * second;
            if let Ok(attempt) = passwords.attempt_at(now, None) {
                assert!(
                    second == 0 || passwords.attempt_at(now, None).is_err(),
                    "a second one at the same time"
                );
                attempt.ended_at(now, &refused());
                tries.push(second);
            }
        }
        assert!(tries[1] >= 22 && tries[1] <= 31, "{tries:?}");
        let half_an_hour = tries.iter().map(|&from| {
            let until = from + 30 * 60;
            tries
                .iter()
                .filter(|&&at| (from..until).contains(&at))
                .count()
        });
        assert!(half_an_hour.max() <= Some(4), "{tries:?}");
        let longest = tries.windows(2).map(|pair| pair[1] - pair[0]).max();
        assert!(longest <= Some(30 * 60 + 1), "{tries:?}");
        assert!(tries.len() > 5, "{tries:?}");
    }

    #[test]
    fn a_password_that_is_right_again_has_no_pause() {
        let passwords = RefusedSecret::default();
        let start = Instant::now();
        let attempt = passwords.attempt_at(start, None).unwrap();
        attempt.ended_at(start, &refused());
        let later = start + 31 * SECOND;
        let attempt = passwords.attempt_at(later, None).unwrap();
        attempt.ended_at(later, &Ok(()));
        passwords.attempt_at(later, None).unwrap();
    }

    #[test]
    fn a_retry_that_learns_nothing_leaves_it_to_the_next() {
        let passwords = RefusedSecret::default();
        let long_ago = Instant::now() - 60 * SECOND;
        let attempt = passwords.attempt_at(long_ago, None).unwrap();
        attempt.ended_at(long_ago, &refused());
        for outcome in [None, Some(Failure::Garbled)] {
            let attempt = passwords.attempt(None).unwrap();
            assert!(passwords.attempt(None).is_err());
            match outcome {
                None => drop(attempt),
                Some(failure) => attempt.ended::<()>(&Err(failure)),
            }
        }
        passwords.attempt(None).unwrap();
    }

    #[test]
    fn another_secret_is_tried_at_once() {
        let secrets = RefusedSecret::default();
        let now = Instant::now();
        let attempt = secrets.attempt_at(now, Some(Secret::OfSettings)).unwrap();
        attempt.ended_at(now, &refused());
        assert!(secrets.attempt_at(now, Some(Secret::OfSettings)).is_err());
        secrets.attempt_at(now, None).unwrap();
    }
}
