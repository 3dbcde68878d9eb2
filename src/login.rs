//! The login in the session: the only place that names tower-sessions.
//!
//! It is two keys, so that reading a login costs next to nothing whatever the user is like: a small
//! head, read at every request, and one string with the user. Both are parsed once, and what they
//! say is remembered by the head. A third key says whose data the session holds, by principal and
//! id, and outlives the login: an id alone may be another person's in another directory, and a
//! principal may be given to another person.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use serde_json::Value;
use sha2::{Digest, Sha256};

use self::ended::How;
use self::moved::MovedSessions;
use self::password_hash::PasswordHash;
use self::policy::Idleness;
use self::record::{Head, Password, Record, StoredPassword, from_millis, to_millis};
use self::remembered::Remembered;
use crate::clock::Clock;
use crate::error::{Error, ErrorKind};
use crate::hooks::OnLogout;
use crate::principal::{AllowedRealms, Principal};
use crate::user::User;

mod ended;
mod moved;
mod password_hash;
mod policy;
mod recheck;
mod record;
mod remembered;
mod session;
mod sign_in;

pub(crate) use self::ended::EndedLogins;
pub(crate) use self::moved::Moved;
pub(crate) use self::password_hash::Offered;
pub(crate) use self::policy::{Ends, Freshness, Policy, Recheck};
pub(crate) use self::recheck::{Refreshed, Right};
pub(crate) use self::session::RequestSession;
pub(crate) use self::sign_in::SignIn;
pub(crate) use tower_sessions::SessionStore;

const HEAD: &str = "tower-spnego.login";
const USER: &str = "tower-spnego.user";
const OWNER: &str = "tower-spnego.owner";
/// When the login was used last, in milliseconds since 1970; where there is an idle timeout.
const USED: &str = "tower-spnego.used";
/// That the person has signed out.
const SIGNED_OUT: &str = "tower-spnego.signed-out";

/// The id that the session had before its owner signed in: a browser's parallel requests, which may
/// sign in as well, still have it.
const CAME_FROM: &str = "tower-spnego.came-from";

/// A live login: an extractor.
///
/// ```
/// use tower_spnego::{Error, Login};
///
/// async fn sign_out(login: Login) -> Result<&'static str, Error> {
///     login.logout().await?;
///     Ok("Goodbye")
/// }
/// ```
#[derive(Clone)]
pub struct Login {
    record: Arc<Record>,
    session: RequestSession,
    /// Where it is not written yet: whether it was ended before it was.
    ended: Option<Arc<AtomicBool>>,
}

/// The login that a session held when the request came.
pub(crate) struct HeldLogin(Arc<Record>);

impl Login {
    /// Whether this very request signed in.
    pub(crate) fn is_new(&self) -> bool {
        self.ended.is_some()
    }

    pub(crate) fn session(&self) -> &RequestSession {
        &self.session
    }

    pub(crate) fn held(&self) -> HeldLogin {
        HeldLogin(Arc::clone(&self.record))
    }

    /// The user.
    pub fn user(&self) -> &User {
        &self.record.user
    }

    /// The Kerberos principal that signed in.
    pub fn principal(&self) -> &Principal {
        self.record.user.principal()
    }

    /// When the person signed in.
    pub fn signed_in(&self) -> SystemTime {
        self.record.signed_in
    }

    /// When the login ends at the latest; `None` where it lasts as long as the session. An
    /// [idle timeout](crate::SpnegoLayerBuilder::idle_timeout) may end it before. Behind a
    /// [stateless](crate::SpnegoLayerBuilder::stateless) layer it is the ticket's end.
    pub fn expires(&self) -> Option<SystemTime> {
        self.record.expires
    }

    /// Ends the login, empties the session and changes its id. It holds also in the very request
    /// that signed in, and no request that is under way meanwhile brings the login back: on several
    /// servers, where the layer knows the
    /// [`session_store`](crate::SpnegoLayerBuilder::session_store).
    ///
    /// The browser is not signed in again unseen, whatever ticket or password it has: the session
    /// remembers that the person has signed out. Until they ask to sign in, the answer is 403, with
    /// no challenge ([`ErrorKind::SignedOut`](crate::ErrorKind::SignedOut)); behind an optional layer handlers see nobody. They
    /// ask at the [`sign_in_path`](crate::SpnegoLayerBuilder::sign_in_path), or by a handler that
    /// has a [`SignedOut`](crate::SignedOut). A client that is no browser asks by sending a token:
    /// it does so because it was told to.
    ///
    /// It is remembered for as long as the session cookie and the session's record last (two weeks
    /// unless the session layer says otherwise). A browser that has lost the cookie is any browser.
    ///
    /// It ends this session alone, and not the person's on other devices: a store of tower-sessions
    /// finds a record by its id, and by nothing in it, so that nobody can list whose are whose. Who is
    /// to be out everywhere is disabled or denied in the directory, which
    /// [`recheck_every`](crate::SpnegoLayerBuilder::recheck_every) asks again for each of them.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::SessionStore`] when the store fails. In this process the login has ended all the
    /// same. [`ErrorKind::NoLogout`] behind a [stateless](crate::SpnegoLayerBuilder::stateless)
    /// layer.
    pub async fn logout(self) -> Result<(), Error> {
        if !self.session.is_kept() {
            return Err(Error::new(ErrorKind::NoLogout));
        }
        if let Some(ended) = &self.ended {
            ended.store(true, Ordering::Release);
        }
        let Record {
            ended,
            root,
            user,
            on_logout,
            ..
        } = &*self.record;
        let session_end = self.session.inner.expiry_date();
        ended.end(*root, How::SignedOut, session_end).await?;
        self.session.sign_out(ended).await?;
        for hook in &**on_logout {
            hook(user);
        }
        Ok(())
    }

    /// Whether this is a name of its user's: the principal, or what was typed beside the password.
    pub(crate) fn is_of(&self, name: &Principal) -> bool {
        let typed = self
            .record
            .password
            .as_ref()
            .map(|password| &password.typed);
        name == self.principal() || Some(name) == typed
    }

    /// Whether it was made by this very password.
    pub(crate) fn was_made_by(&self, offered: Offered<'_>) -> Result<bool, Error> {
        match &self.record.password {
            Some(password) => password.hash.matches(&self.record.id, offered),
            None => Ok(false),
        }
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the session: it prints every record of its store.
        f.debug_struct("Login")
            .field("user", self.user())
            .field("signed_in", &self.signed_in())
            .field("expires", &self.expires())
            .finish_non_exhaustive()
    }
}

/// The logins that one layer makes and reads.
pub(crate) struct Logins {
    policy: Policy,
    realms: AllowedRealms,
    /// Whether a login made by Basic is one here.
    take_passwords: bool,
    made_by: Arc<str>,
    ended: Arc<EndedLogins>,
    on_logout: Arc<[OnLogout]>,
    moved: Arc<MovedSessions>,
    clock: Clock,
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
        self.moved.get(|| session.id(), self.clock.now())
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
            session.empty().await?;
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
        if self.policy.idle.is_none() {
            return Ok(true);
        }
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
    async fn ends_session(&self, record: &Record, session: &RequestSession) -> Result<bool, Error> {
        Ok(self.policy.flush && record.is_ours && !self.is_live(record, session).await?)
    }

    /// Lets nothing be saved of a login that has been ended while the request was under way.
    pub(crate) async fn settle(&self, session: &RequestSession) -> Result<(), Error> {
        self.standing(session).await.map(drop)
    }

    /// Lets nothing be saved of this login where the handler has taken it out of the session by
    /// itself, as the session's own `flush()` does.
    pub(crate) async fn settle_flush(
        &self,
        login: &HeldLogin,
        session: &RequestSession,
    ) -> Result<(), Error> {
        match session.get(HEAD).await? {
            Some(_) => Ok(()),
            // It was not the handler who took out one that has been ended.
            None if self.ended.how(login.0.root).await?.is_some() => Ok(()),
            None => {
                let session_end = session.inner.expiry_date();
                self.ended
                    .end(login.0.root, How::Replaced, session_end)
                    .await
            }
        }
    }

    /// Ends the login that the session holds, whichever layer made it; the data stays its owner's.
    pub(crate) async fn remove(&self, session: &RequestSession) -> Result<(), Error> {
        if let Some(record) = self.standing(session).await? {
            let session_end = session.inner.expiry_date();
            let end = self.ended.end(record.root, How::Removed, session_end);
            end.await?;
        }
        session.remove_login().await
    }

    /// The login that the session holds, live or expired, unless it has been ended. What a request
    /// in flight has brought back with an ended one is gone, too.
    async fn standing(&self, session: &RequestSession) -> Result<Option<Arc<Record>>, Error> {
        let id = session.id();
        let Some(Value::String(head)) = session.get(HEAD).await? else {
            if let (Some(id), None) = (id, session.id())
                && self.ended.was_signed_out(id)
            {
                session.mark_signed_out().await?;
            }
            return Ok(None);
        };
        let record = match self.remembered.get(&head) {
            Some(record) => record,
            None => {
                // Boxed, as what is rare is in `service.rs`.
                let Some(record) = Box::pin(self.parse(head, session)).await? else {
                    return Ok(None);
                };
                record
            }
        };
        match self.ended.how(record.root).await? {
            None => return Ok(Some(record)),
            // What says so is forgotten at some time, and the session may be in use then.
            Some(How::Removed) if record.root.end.is_none() => session.remove_login().await?,
            // It is left where it is, like one that has expired.
            Some(How::Removed) => {}
            Some(How::Replaced) => session.empty().await?,
            Some(How::SignedOut) => session.sign_out(&self.ended).await?,
        }
        Ok(None)
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
        let Some(root) = head.root() else {
            return Ok(None);
        };
        let Some(Value::String(user)) = session.get(USER).await? else {
            return Ok(None);
        };
        let length = user.len();
        let Ok(user) = User::from_stored(&user) else {
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

/// What tells one layer's logins from another's. SHA-256, because it must come out the same on
/// every server that shares the session store, whatever it was compiled with.
pub(crate) fn fingerprint<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    use std::fmt::Write;
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize()
        .iter()
        .take(16)
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests;
