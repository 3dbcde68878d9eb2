//! [`Logins`]: the logins that one layer makes and reads.
//!
//! What is rare is boxed here, as in `gate.rs`: every request's future would have room for it.

use std::sync::Arc;
use std::time::SystemTime;

use serde_json::Value;

use super::ended::Whose;
use super::moved::{Moved, MovedSessions};
use super::password_hash::PasswordHash;
use super::policy::{Idleness, Policy};
use super::record::{Head, Password, Record, StoredPassword, from_millis, to_millis};
use super::remembered::Remembered;
use super::{EndedLogins, HEAD, Login, RequestSession, USED, USER};
use crate::clock::Clock;
use crate::error::Error;
use crate::hooks::OnLogout;
use crate::principal::AllowedRealms;
use crate::user::User;

/// The logins that one layer makes and reads.
pub(crate) struct Logins {
    pub(super) policy: Policy,
    realms: AllowedRealms,
    /// Whether a login made by Basic is one here.
    take_passwords: bool,
    pub(super) made_by: Arc<str>,
    pub(super) ended: Arc<EndedLogins>,
    pub(super) on_logout: Arc<[OnLogout]>,
    pub(super) moved: Arc<MovedSessions>,
    pub(super) clock: Clock,
    /// By the head, of which no two logins have the same.
    remembered: Remembered<Arc<Record>>,
}

impl Logins {
    pub(crate) fn new(
        policy: Policy,
        realms: AllowedRealms,
        take_passwords: bool,
        made_by: Arc<str>,
        mut ended: EndedLogins,
        on_logout: Arc<[OnLogout]>,
        clock: Clock,
    ) -> Self {
        ended.of_logins_that_last(policy.limit, clock.clone());
        Self {
            policy,
            realms,
            take_passwords,
            made_by,
            ended: Arc::new(ended),
            on_logout,
            moved: Arc::default(),
            clock,
            remembered: Remembered::new(),
        }
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// What tells these logins from another layer's.
    pub(crate) fn made_by(&self) -> &Arc<str> {
        &self.made_by
    }

    /// Whether this layer could have made it: one that takes no passwords asks for more than they
    /// prove.
    pub(crate) fn could_have_made(&self, login: &Login) -> bool {
        self.takes(&login.record)
    }

    fn takes(&self, record: &Record) -> bool {
        self.take_passwords || record.password.is_none()
    }

    /// Where the session has gone, if a request beside this one has just signed in on it. Whoever
    /// looks into the session itself finds that it is gone, and the browser loses its cookie.
    pub(crate) fn moved(&self, session: &RequestSession) -> Option<Moved> {
        self.moved.get(|| session.id(), || self.clock.now())
    }

    /// The session's live login, if this layer made it.
    ///
    /// One that has expired is left where it is, unless the session is to end with it: to write the
    /// session here would overwrite what parallel requests of the same browser write into it.
    pub(crate) async fn read(&self, session: &RequestSession) -> Result<Option<Login>, Error> {
        let Some(record) = self.standing(session).await? else {
            return Ok(None);
        };
        if !record.is_ours || !self.takes(&record) || !self.realms.contains(record.user.principal())
        {
            return Ok(None);
        }
        if self.ends_session(&record, session).await? {
            Box::pin(session.empty()).await?;
            return Ok(None);
        }
        if !self.is_live(&record, session).await? {
            return Ok(None);
        }
        Ok(Some(Login {
            record,
            session: session.clone(),
            ended: None,
        }))
    }

    async fn is_live(&self, record: &Record, session: &RequestSession) -> Result<bool, Error> {
        let now = self.clock.now();
        if record.expires.is_some_and(|end| end <= now) {
            return Ok(false);
        }
        match self.policy.idle {
            None => Ok(true),
            Some(_) => Box::pin(self.is_in_use(record, session, now)).await,
        }
    }

    /// Whether it has not been left alone for too long; this use is written down where that is due.
    async fn is_in_use(
        &self,
        record: &Record,
        session: &RequestSession,
        now: SystemTime,
    ) -> Result<bool, Error> {
        let used = session.get(USED).await?.and_then(|used| used.as_u64());
        let used = used.map_or(record.signed_in, from_millis);
        match self.policy.idleness(used, now) {
            Idleness::Over => return Ok(false),
            Idleness::Due => session.set(USED, to_millis(now).into()).await?,
            Idleness::None => {}
        }
        Ok(true)
    }

    /// Whether the login has expired, and the session is to end with it.
    pub(super) async fn ends_session(
        &self,
        record: &Record,
        session: &RequestSession,
    ) -> Result<bool, Error> {
        Ok(self.policy.flush && record.is_ours && !self.is_live(record, session).await?)
    }

    /// The login that the session holds, live or expired, unless it has been ended. What a request
    /// in flight has brought back with an ended one is gone, too.
    pub(super) async fn standing(
        &self,
        session: &RequestSession,
    ) -> Result<Option<Arc<Record>>, Error> {
        let id = session.id();
        let Some(Value::String(head)) = session.get(HEAD).await? else {
            if let (Some(id), None) = (id, session.id())
                && self.ended.was_signed_out(id)
            {
                Box::pin(session.mark_signed_out()).await?;
            }
            return Ok(None);
        };
        let record = match self.remembered.get(&head) {
            Some(record) => record,
            None => {
                let Some(record) = Box::pin(self.parse(head, session)).await? else {
                    return Ok(None);
                };
                record
            }
        };
        match self.ended.how(record.root).await? {
            None => Ok(Some(record)),
            Some(how) => {
                Box::pin(self.wind_up(&record, how, session)).await?;
                Ok(None)
            }
        }
    }

    /// The record behind a head, which is remembered.
    async fn parse(
        &self,
        text: String,
        session: &RequestSession,
    ) -> Result<Option<Arc<Record>>, Error> {
        let Some(head) = Head::read(&text) else {
            return Ok(None);
        };
        let Some(Value::String(user)) = session.get(USER).await? else {
            return Ok(None);
        };
        let length = user.len();
        let Ok(user) = User::from_stored(&user) else {
            return Ok(None);
        };
        let Some(root) = head.root(Whose::of(user.principal())) else {
            return Ok(None);
        };
        let signed_in = head.signed_in();
        // A layer that made it with a longer life does not bind this one.
        let ours = self.policy.expires(signed_in, head.ends());
        let record = Arc::new(Record {
            user,
            signed_in,
            checked: head.checked(),
            id: head.id.into(),
            kept: head.kept.clone(),
            expires: head.expires().into_iter().chain(ours).min(),
            is_ours: *head.layer == *self.made_by,
            root,
            ended: Arc::clone(&self.ended),
            on_logout: Arc::clone(&self.on_logout),
            password: head
                .password
                .map(|StoredPassword { typed, hash }| Password {
                    typed,
                    hash: PasswordHash::from_stored(hash),
                }),
        });
        self.remembered.insert(text, length, Arc::clone(&record));
        Ok(Some(record))
    }
}
