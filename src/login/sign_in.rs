//! A sign-in on its way from the credentials to the session.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tower_sessions::session;

use super::ended::{How, Whose};
use super::moved::MovedSessions;
use super::password_hash::{Offered, PasswordHash};
use super::policy::Ends;
use super::record::{Head, Password, Record, Root, to_millis};
use super::{CAME_FROM, HEAD, Login, Logins, OWNER, RequestSession, USED, USER};
use crate::error::{Error, ErrorKind};
use crate::initiator::Kept;
use crate::user::User;

/// A sign-in that the session does not know of yet.
pub(crate) struct SignIn {
    login: Login,
    /// By the handler, in this very request.
    ended: Arc<AtomicBool>,
    made_by: Arc<str>,
    before: Before,
    /// The session's id, unless the person had signed out of it already.
    came_with: Option<session::Id>,
    owner: Value,
    /// In the owner's place until the id is changed.
    mark: Value,
    ends: Ends,
    /// Whether the use of a login is written down.
    counts_use: bool,
    moved: Arc<MovedSessions>,
}

/// What the session held.
enum Before {
    /// Nothing of anybody's.
    Nobodys,
    /// The same user's data. The session's login may have been one that the new one goes on from.
    Theirs { renews: bool },
    /// Somebody else's data, and a login of theirs.
    Anothers(Option<Root>),
}

impl Logins {
    /// A new login for a user whom the directory vouches for. Where the session holds another
    /// user's data it is emptied at once, so that the handler sees none of it; in the store nothing
    /// changes before [`SignIn::write`]. `password` is what it was made by, where that was Basic.
    ///
    /// Where the same user has just signed in beside, it is into the session of that request.
    pub(crate) async fn sign_in(
        &self,
        user: User,
        kept: Kept,
        ends: Ends,
        password: Option<Offered<'_>>,
        session: &RequestSession,
    ) -> Result<SignIn, Error> {
        // One string, as the head is.
        let owner = Value::String(json!([user.principal(), user.id()]).to_string());
        let beside = match self.moved(session) {
            Some(moved) => moved.of(&owner).await,
            None => None,
        };
        let session = beside.as_ref().unwrap_or(session);
        let held = match self.standing(session).await? {
            Some(record) if self.ends_session(&record, session).await? => {
                session.empty().await?;
                None
            }
            held => held.map(|record| record.root),
        };
        let came_with = match session.id() {
            Some(id) if self.ended.was_signed_out(id) || session.is_signed_out().await? => None,
            id => id,
        };
        let mark = Value::String(session::Id::default().to_string());
        let before = match session.owner().await? {
            None => Before::Nobodys,
            Some(before) if before == owner => Before::Theirs {
                renews: held.is_some(),
            },
            Some(_) => {
                session.inner.clear().await;
                // Whatever the handler saves, it is nobody's: not the last owner's, and not this
                // one's either, for the id is still the one that somebody else may know.
                session.set(OWNER, mark.clone()).await?;
                Before::Anothers(held)
            }
        };
        let id: Arc<str> = session::Id::default().to_string().into();
        let password = match password {
            Some(offered) => Some(Password {
                hash: PasswordHash::new(&id, offered)?,
                typed: offered.principal.clone(),
            }),
            None => None,
        };
        let whose = Whose::of(user.principal());
        let now = self.clock.now();
        let expires = self.policy.expires(now, ends);
        let ended = Arc::<AtomicBool>::default();
        Ok(SignIn {
            made_by: Arc::clone(&self.made_by),
            came_with,
            owner,
            mark,
            ends,
            counts_use: self.policy.idle.is_some(),
            moved: Arc::clone(&self.moved),
            login: Login {
                record: Arc::new(Record {
                    id,
                    user,
                    kept,
                    signed_in: now,
                    checked: now,
                    expires,
                    password,
                    root: match (&before, held) {
                        (Before::Theirs { .. }, Some(held)) => held.renewed(expires),
                        _ => Root::new(whose, expires),
                    },
                    is_ours: true,
                    ended: Arc::clone(&self.ended),
                    on_logout: Arc::clone(&self.on_logout),
                }),
                session: session.clone(),
                ended: Some(Arc::clone(&ended)),
            },
            before,
            ended,
        })
    }
}

impl SignIn {
    pub(crate) fn login(&self) -> Login {
        self.login.clone()
    }

    /// Writes the login into the session, under a new id unless the session was this user's
    /// already: an id from before could be known to somebody else.
    pub(crate) async fn write(self) -> Result<(), Error> {
        let session = &self.login.session;
        if !session.is_kept() {
            return Ok(());
        }
        let record = &*self.login.record;
        if let Before::Anothers(Some(root)) = self.before {
            // In a request that is still under way it would come back.
            let end = session.inner.expiry_date();
            record.ended.end(root, How::Replaced, end).await?;
        }
        if self.ended.load(Ordering::Acquire) {
            return Ok(());
        }
        if let Some(id) = self.came_with
            && record.ended.has_signed_out(id).await?
        {
            // Meanwhile the person has signed out, and this request was before that.
            return session.sign_out(&record.ended, record.root.whose).await;
        }
        let (mut root, mut keeps_id) = (record.root, false);
        if let Before::Theirs { renews } = self.before {
            let how = match renews {
                true => record.ended.how(root).await?,
                false => None,
            };
            match how {
                None => keeps_id = true,
                // Meanwhile the person has signed out, and this request was before that.
                Some(How::SignedOut) => {
                    return session.sign_out(&record.ended, record.root.whose).await;
                }
                // Meanwhile the directory has turned the user away.
                Some(How::Removed) => return session.remove_login().await,
                Some(How::Replaced) => {
                    session.inner.clear().await;
                    root = Root::new(root.whose, record.expires);
                }
            }
        }
        let head = Head::write(&self.made_by, record, root, self.ends);
        let encoded = head.and_then(|head| Ok((head, record.user.to_stored()?)));
        let (head, text) =
            encoded.map_err(|error| Error::new(ErrorKind::Internal).with_source(error))?;
        let owner = session.owner().await?;
        if owner.is_some_and(|owner| owner != self.owner && owner != self.mark) {
            // The handler loaded the session anew, and with it what was somebody else's.
            session.inner.clear().await;
        }
        session.forget_signing_out().await?;
        let mut mover = None;
        if !keeps_id {
            if let Some(id) = session.id() {
                let now = record.signed_in;
                let owner = self.owner.clone();
                mover = Some(self.moved.begin(id, owner, session.clone(), now));
            }
            session.change_id().await?;
            session.remove(OWNER).await?;
            session.remove(CAME_FROM).await?;
            if let Some(end) = record.expires {
                session.end_with_login(end).await;
            }
            if let Some(id) = self.came_with {
                session.set(CAME_FROM, id.to_string().into()).await?;
            }
        }
        session.set(HEAD, Value::String(head)).await?;
        session.set(USER, Value::String(text)).await?;
        match self.counts_use {
            true => {
                session
                    .set(USED, to_millis(record.signed_in).into())
                    .await?
            }
            false => session.remove(USED).await?,
        }
        session.set(OWNER, self.owner.clone()).await?;
        if let Some(mover) = mover {
            mover.arrive();
        }
        Ok(())
    }
}
