//! A live login about which the directory was asked again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use serde_json::Value;

use super::record::{Head, Record};
use super::{HEAD, Login, Logins, RequestSession, USER};
use crate::error::{Error, ErrorKind};
use crate::initiator::Kept;
use crate::user::User;

impl Login {
    /// What no other login has, and a recheck does not change.
    pub(crate) fn id(&self) -> &Arc<str> {
        &self.record.id
    }

    /// When the directory was asked last.
    pub(crate) fn checked(&self) -> SystemTime {
        self.record.checked
    }

    /// What the directory is asked by.
    pub(crate) fn kept(&self) -> &Kept {
        &self.record.kept
    }

    /// The same login with what the directory has said at this time.
    pub(crate) fn refreshed(&self, user: User, checked: SystemTime) -> Self {
        let record = Record {
            user,
            checked,
            ..(*self.record).clone()
        };
        Self {
            record: Arc::new(record),
            ..self.clone()
        }
    }
}

/// What the session does not know of yet. Dropped unwritten, another request writes it.
pub(crate) struct Refreshed {
    login: Login,
    session: RequestSession,
    right: Right,
}

/// The right to write an answer of the directory, which one request has: each writing saves a whole
/// session, and can undo what other requests write into it.
pub(crate) struct Right {
    taken: Arc<AtomicBool>,
    is_used: bool,
}

impl Right {
    pub(crate) fn take(taken: &Arc<AtomicBool>) -> Option<Self> {
        let is_mine = !taken.swap(true, Ordering::AcqRel);
        is_mine.then(|| Self {
            taken: Arc::clone(taken),
            is_used: false,
        })
    }
}

impl Drop for Right {
    fn drop(&mut self) {
        if !self.is_used {
            self.taken.store(false, Ordering::Release);
        }
    }
}

impl Refreshed {
    pub(crate) fn new(login: &Login, right: Right) -> Self {
        Self {
            session: login.session().clone(),
            login: login.clone(),
            right,
        }
    }
}

impl Logins {
    /// Writes what the directory has said anew, where the session still holds that login: the handler
    /// may have emptied it, and other requests have ended it. The id stays, and so do the times.
    pub(crate) async fn write_refreshed(&self, refreshed: Refreshed) -> Result<(), Error> {
        let Refreshed {
            login,
            session,
            mut right,
        } = refreshed;
        let held = self.standing(&session).await?;
        if !held.is_some_and(|held| held.id == login.record.id && held.is_ours) {
            return Ok(());
        }
        let Some(Value::String(before)) = session.get(HEAD).await? else {
            return Ok(());
        };
        let Some(head) = Head::read(&before) else {
            return Ok(());
        };
        let encoded = head.rechecked(login.checked());
        let encoded = encoded.and_then(|head| Ok((head, login.user().to_stored()?)));
        let (head, user) =
            encoded.map_err(|error| Error::new(ErrorKind::Internal).with_source(error))?;
        session.set(HEAD, Value::String(head)).await?;
        session.set(USER, Value::String(user)).await?;
        right.is_used = true;
        Ok(())
    }
}
