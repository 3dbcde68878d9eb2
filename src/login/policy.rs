//! How long logins last.

use std::time::{Duration, SystemTime};

use crate::error::ConfigError;

/// Of the idle time, how much may pass before a use is written down: each writing saves the whole
/// session.
const USE_WRITTEN: u32 = 10;

/// How much later than now a directory's answer may be, as Kerberos lets clocks differ.
const CLOCKS_DIFFER: Duration = Duration::from_secs(5 * 60);

/// How long logins last.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    /// `None` for ever.
    pub(crate) limit: Option<Duration>,
    pub(crate) outlive_ticket: bool,
    /// How long a login lasts without a request.
    pub(crate) idle: Option<Duration>,
    /// Whether the rest of the session ends with the login.
    pub(crate) flush: bool,
    /// How long an answer of the directory counts; `None` for the whole login.
    pub(crate) recheck_every: Option<Duration>,
    /// For how long after that it counts while the directory is down; unless said, once more as long.
    pub(crate) recheck_grace: Option<Duration>,
}

/// When the directory is asked again about a live login.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recheck {
    pub(crate) every: Duration,
    /// For how long a login goes on from then, if the directory can't say.
    pub(crate) grace: Duration,
}

/// What an answer of some time ago is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// The directory need not be asked.
    Fresh,
    /// It is to be asked; if it can't say, the answer holds.
    Due,
    /// It is to be asked, and nothing else counts.
    Over,
}

impl Recheck {
    pub(crate) fn judge(self, checked: SystemTime, now: SystemTime) -> Freshness {
        match now.duration_since(checked) {
            Ok(age) if age < self.every => Freshness::Fresh,
            Ok(age) if age < self.every.saturating_add(self.grace) => Freshness::Due,
            Ok(_) => Freshness::Over,
            // By the clock of another server, or by one that was set back a little.
            Err(ahead) if ahead.duration() <= CLOCKS_DIFFER => Freshness::Fresh,
            Err(_) => Freshness::Due,
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            limit: Some(Duration::from_secs(600 * 60)),
            outlive_ticket: false,
            idle: None,
            flush: false,
            recheck_every: None,
            recheck_grace: None,
        }
    }
}

/// What a ticket says of how long a login by it may last.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Ends {
    /// The ticket's own end.
    pub(crate) ticket: Option<SystemTime>,
    /// When the domain ends the account's sessions, by force.
    pub(crate) kick_off: Option<SystemTime>,
}

impl Policy {
    /// Of logins that nobody keeps: how long a handler may go by one.
    pub(crate) fn of_tickets() -> Self {
        Self {
            // Later than the clock can say.
            limit: Some(Duration::MAX),
            ..Self::default()
        }
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        match (self.limit, self.idle) {
            (Some(Duration::ZERO), _) => return Err(ConfigError::ZeroExpiry),
            (_, Some(Duration::ZERO)) => return Err(ConfigError::ZeroIdleTimeout),
            _ => {}
        }
        match (self.recheck_every, self.recheck_grace) {
            (Some(Duration::ZERO), _) => Err(ConfigError::ZeroRecheckInterval),
            (None, Some(_)) => Err(ConfigError::GraceWithoutRecheck),
            _ => Ok(()),
        }
    }

    pub(crate) fn recheck(&self) -> Option<Recheck> {
        let every = self.recheck_every?;
        let grace = self.recheck_grace.unwrap_or(every);
        Some(Recheck { every, grace })
    }

    pub(super) fn expires(&self, signed_in: SystemTime, ends: Ends) -> Option<SystemTime> {
        // A limit beyond what the clock can say is none.
        let limit = self.limit.and_then(|limit| signed_in.checked_add(limit));
        let keeps_to_ticket = self.limit.is_some() && !self.outlive_ticket;
        let ticket = ends.ticket.filter(|_| keeps_to_ticket);
        [limit, ticket, ends.kick_off].into_iter().flatten().min()
    }

    /// What becomes of a login that was used last at this time.
    pub(super) fn idleness(&self, used: SystemTime, now: SystemTime) -> Idleness {
        let Some(idle) = self.idle else {
            return Idleness::None;
        };
        // By a clock that was set back, it was used just now.
        match now.duration_since(used).unwrap_or_default() {
            unused if unused >= idle => Idleness::Over,
            unused if unused >= idle / USE_WRITTEN => Idleness::Due,
            _ => Idleness::None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Idleness {
    None,
    /// This use is to be written down.
    Due,
    /// The login has ended.
    Over,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_ends_at_the_limit_or_the_tickets_end_and_never_after_the_kick_off() {
        let now = SystemTime::now();
        let after = |minutes: u64| now.checked_add(Duration::from_secs(minutes * 60));
        let policy = |limit: Option<u64>, outlive_ticket| Policy {
            limit: limit.map(|minutes| Duration::from_secs(minutes * 60)),
            outlive_ticket,
            ..Policy::default()
        };
        for (policy, ticket, kick_off, expires) in [
            (Policy::default(), None, None, after(600)),
            (Policy::default(), after(5), None, after(5)),
            (Policy::default(), after(700), None, after(600)),
            (Policy::default(), after(5), after(3), after(3)),
            (policy(Some(600), true), after(5), None, after(600)),
            (policy(Some(600), true), after(5), after(7), after(7)),
            (policy(Some(600), true), after(5), after(700), after(600)),
            (policy(None, false), after(5), None, None),
            (policy(None, false), after(5), after(7), after(7)),
            (policy(None, true), None, after(7), after(7)),
            (policy(Some(u64::MAX / 60), false), after(5), None, after(5)),
            (policy(Some(u64::MAX / 60), false), None, None, None),
        ] {
            let computed = policy.expires(now, Ends { ticket, kick_off });
            assert_eq!(computed, expires, "{policy:?}, {ticket:?}, {kick_off:?}");
        }
    }

    #[test]
    fn an_answer_is_fresh_for_the_interval_and_holds_for_the_grace_time_from_then() {
        let checked = SystemTime::now();
        let after = |seconds| checked + Duration::from_secs(seconds);
        let every = Duration::from_secs(100);
        let recheck = |grace| Recheck { every, grace };
        for (recheck, now, expected) in [
            (recheck(every), after(0) - CLOCKS_DIFFER, Freshness::Fresh),
            (recheck(every), checked - every * 10, Freshness::Due),
            (recheck(every), after(0), Freshness::Fresh),
            (recheck(every), after(99), Freshness::Fresh),
            (recheck(every), after(100), Freshness::Due),
            (recheck(every), after(199), Freshness::Due),
            (recheck(every), after(200), Freshness::Over),
            (recheck(Duration::ZERO), after(99), Freshness::Fresh),
            (recheck(Duration::ZERO), after(100), Freshness::Over),
            (recheck(Duration::MAX), after(1_000_000), Freshness::Due),
        ] {
            assert_eq!(
                recheck.judge(checked, now),
                expected,
                "{recheck:?}, {now:?}"
            );
        }
    }

    #[test]
    fn a_use_is_written_once_in_a_tenth_of_the_idle_time() {
        let used = SystemTime::now();
        let after = |seconds| used + Duration::from_secs(seconds);
        let policy = Policy {
            idle: Some(Duration::from_secs(100)),
            ..Policy::default()
        };
        for (now, expected) in [
            (used - Duration::from_secs(1000), Idleness::None),
            (after(0), Idleness::None),
            (after(9), Idleness::None),
            (after(10), Idleness::Due),
            (after(99), Idleness::Due),
            (after(100), Idleness::Over),
        ] {
            assert_eq!(policy.idleness(used, now), expected, "{now:?}");
        }
        let never = Policy::default();
        assert_eq!(never.idleness(used, after(1_000_000)), Idleness::None);
    }
}
