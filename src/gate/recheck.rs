//! Asking the directory again in the middle of a login.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tracing::Instrument;

use super::{Gate, Visit};
use crate::directory::{Directory, DirectoryError};
use crate::error::{Error, ErrorKind};
use crate::initiator::Initiator;
use crate::login::{Freshness, Login, Recheck, Refreshed, RequestSession, Right};
use crate::observe;
use crate::questions::Questions;
use crate::user::User;

/// How long a directory that could not answer is left alone, while its last answer holds.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// About how many logins it is remembered what was said last.
const REMEMBERED: usize = 10_000;

/// How long the users may be together of which that is remembered, in bytes as they are stored.
const LONGEST: u64 = 32 * 1024 * 1024;

/// Which logins are asked about, and what was said of them. By the login's id: one person's others may
/// be of other tickets, and a new one begins anew.
pub(crate) struct Rechecks {
    policy: Recheck,
    under_way: Arc<Questions<Arc<str>, Result<Answer, Error>>>,
    /// For requests whose session is older than the answer.
    answers: Cache<Arc<str>, Answer, Length>,
    /// When the directory could not say.
    outages: Cache<Arc<str>, SystemTime>,
}

#[derive(Clone)]
struct Answer {
    user: User,
    /// When the directory was asked: what it says may be as old.
    at: SystemTime,
    /// Whether a request writes it into the session.
    taken: Arc<AtomicBool>,
    /// Of the user, as it is stored.
    length: u64,
}

#[derive(Clone)]
struct Length;

impl Weighter<Arc<str>, Answer> for Length {
    fn weight(&self, login: &Arc<str>, answer: &Answer) -> u64 {
        answer.length.saturating_add(login.len() as u64)
    }
}

impl Answer {
    fn new(user: User, at: SystemTime) -> Self {
        let stored = user.to_stored();
        Self {
            // What can't be stored is not remembered.
            length: stored.map_or(LONGEST, |stored| stored.len() as u64),
            user,
            at,
            taken: Arc::default(),
        }
    }
}

impl Rechecks {
    pub(crate) fn new(policy: Recheck) -> Arc<Self> {
        Arc::new(Self {
            policy,
            under_way: Arc::default(),
            answers: Cache::with_weighter(REMEMBERED, LONGEST, Length),
            outages: Cache::new(REMEMBERED),
        })
    }

    fn judge(&self, login: &Login, now: SystemTime) -> Freshness {
        self.policy.judge(login.checked(), now)
    }

    /// What this process knows of the login, beyond what its session says.
    fn known(&self, login: &Login) -> Option<Answer> {
        let answer = self.answers.get(login.id())?;
        (answer.at > login.checked()).then_some(answer)
    }

    fn has_just_failed(&self, login: &Login, now: SystemTime) -> bool {
        // By a clock that was set back since, it was some other time.
        self.outages.get(login.id()).is_some_and(|failed| {
            now.duration_since(failed)
                .is_ok_and(|since| since < TRY_AGAIN_AFTER)
        })
    }

    /// An outage says nothing about the person; a refusal ends what was known before.
    fn remember(&self, login: Arc<str>, answer: &Result<Answer, Error>, now: SystemTime) {
        match answer {
            Err(error) if error.kind().is_outage() => self.outages.insert(login, now),
            Ok(answer) => {
                self.outages.remove(&login);
                self.answers.insert(login, answer.clone());
            }
            Err(_) => {
                self.outages.remove(&login);
                self.answers.remove(&login);
            }
        }
    }
}

impl Gate {
    /// A request by this login alone, if its user may still in.
    pub(super) async fn ride(
        self: &Arc<Self>,
        login: Login,
        session: RequestSession,
    ) -> Result<Visit, Error> {
        match &self.rechecks {
            Some(rechecks) if rechecks.judge(&login, self.logins.now()) != Freshness::Fresh => {
                Box::pin(self.recheck(rechecks, login)).await
            }
            _ => Ok(Visit::of_login(login, session)),
        }
    }

    /// The same login where the directory could not answer, if its last answer still holds.
    pub(super) fn unchecked(&self, login: Login, outage: Error) -> Result<Login, Error> {
        let Some(rechecks) = &self.rechecks else {
            return Ok(login);
        };
        let login = match rechecks.known(&login) {
            Some(Answer { user, at, .. }) => login.refreshed(user, at),
            None => login,
        };
        match rechecks.judge(&login, self.logins.now()) {
            Freshness::Fresh | Freshness::Due => Ok(login),
            Freshness::Over => Err(outage),
        }
    }

    async fn recheck(
        self: &Arc<Self>,
        rechecks: &Arc<Rechecks>,
        login: Login,
    ) -> Result<Visit, Error> {
        let mut visit = Riding::of(login);
        if let Some(known) = rechecks.known(&visit.login) {
            visit = visit.refreshed(known);
        }
        let now = self.logins.now();
        let freshness = rechecks.judge(&visit.login, now);
        match freshness {
            Freshness::Fresh => return Ok(visit.into()),
            Freshness::Due if rechecks.has_just_failed(&visit.login, now) => {
                return Ok(visit.into());
            }
            Freshness::Due | Freshness::Over => {}
        }
        match self.ask_again(rechecks, &visit.login).await {
            Ok(answer) => Ok(visit.refreshed(answer).into()),
            Err(error) if error.kind().is_outage() => match freshness {
                Freshness::Over => Err(error),
                _ => Ok(visit.into()),
            },
            Err(error) => self.turn_away(error, visit.login.session()).await,
        }
    }

    /// One question for all requests of a login. It goes on when whoever asked first has gone away.
    async fn ask_again(
        self: &Arc<Self>,
        rechecks: &Arc<Rechecks>,
        login: &Login,
    ) -> Result<Answer, Error> {
        let who = Initiator::recall(login.principal(), login.kept(), self.naming())?;
        let (this, those, login) = (Arc::clone(self), Arc::clone(rechecks), login.clone());
        let key = Arc::clone(login.id());
        let question = rechecks.under_way.ask_one(key, |asking| async move {
            let now = this.logins.now();
            // Another question may have been answered just before this one.
            if let Some(known) = those.known(&login)
                && those.policy.judge(known.at, now) == Freshness::Fresh
            {
                return asking.end(Ok(known), |_| ());
            }
            let answer = this.find_again(&who, login.user()).await;
            let answer = answer.map(|user| Answer::new(user, now));
            let id = Arc::clone(login.id());
            asking.end(answer, |answer| {
                those.remember(id, answer, this.logins.now());
            });
        });
        question.await.unwrap_or_else(|| {
            Err(Error::new(ErrorKind::DirectoryUnavailable).with_detail(
                "the lookup was broken off: a hook panicked, or the runtime that asked ended",
            ))
        })
    }

    async fn find_again(self: &Arc<Self>, who: &Initiator, before: &User) -> Result<User, Error> {
        let asked = self.asked_again(who.clone(), before.clone());
        let found = self.found(who, asked).await;
        let found = found.and_then(|user| is_the_same(user, before));
        let principal = who.principal();
        observe::rechecked(&found);
        match &found {
            Ok(_) => tracing::debug!(%principal, "the directory was asked again"),
            Err(error) if error.kind().is_outage() => tracing::warn!(
                %principal,
                %error,
                "the directory could not be asked again: for the grace time its last answer holds"
            ),
            Err(error) => {
                tracing::info!(%principal, %error, "a login ends: its user is refused now")
            }
        }
        found
    }

    /// In a task of its own, so that a directory that panics is one that could not answer: in the log,
    /// for the hooks and for the next ten seconds.
    async fn asked_again(
        self: &Arc<Self>,
        who: Initiator,
        before: User,
    ) -> Result<User, DirectoryError> {
        let this = Arc::clone(self);
        let asked = async move { this.directory.recheck(&who, &before).await };
        tokio::spawn(asked.in_current_span())
            .await
            .unwrap_or_else(|error| Err(DirectoryError::unavailable().with_source(error)))
    }
}

/// Somebody else may have got the name since. The session is not theirs.
fn is_the_same(user: User, before: &User) -> Result<User, Error> {
    if user.id() == before.id() {
        return Ok(user);
    }
    Err(Error::new(ErrorKind::UserDiffers).with_detail(format!(
        "{} had the id {:?} at the sign-in, and has {:?} now",
        before.principal(),
        before.id(),
        user.id()
    )))
}

/// A request by a login alone.
struct Riding {
    login: Login,
    refreshed: Option<Refreshed>,
}

impl Riding {
    fn of(login: Login) -> Self {
        Self {
            login,
            refreshed: None,
        }
    }

    fn refreshed(
        self,
        Answer {
            user, at, taken, ..
        }: Answer,
    ) -> Self {
        let login = self.login.refreshed(user, at);
        let right = Right::take(&taken);
        Self {
            refreshed: right.map(|right| Refreshed::new(&login, right)),
            login,
        }
    }
}

impl From<Riding> for Visit {
    fn from(Riding { login, refreshed }: Riding) -> Self {
        let session = login.session().clone();
        Self::of_login(login, session).with_refreshed(refreshed)
    }
}
