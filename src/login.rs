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
use std::time::{Duration, SystemTime};

use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tower_sessions::cookie::time::OffsetDateTime;
use tower_sessions::{Expiry, Session, session};

use self::password_hash::PasswordHash;
use crate::clock::Clock;
use crate::error::{ConfigError, Error, ErrorKind};
use crate::principal::{AllowedRealms, Principal};
use crate::user::User;

mod password_hash;

pub(crate) use self::password_hash::Offered;

const HEAD: &str = "tower-spnego.login";
const USER: &str = "tower-spnego.user";
const OWNER: &str = "tower-spnego.owner";
/// That the person has signed out of a login made by a password.
const SIGNED_OUT: &str = "tower-spnego.signed-out";

/// Of the head's form; a head of another version is no login.
const VERSION: u8 = 1;

/// How many parsed logins each layer remembers.
const REMEMBERED: usize = 10_000;

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

struct Record {
    user: User,
    signed_in: SystemTime,
    expires: Option<SystemTime>,
    /// Of a login made by Basic.
    password: Option<Password>,
}

struct Password {
    login: String,
    /// Who was typed. On Active Directory that may be another name of the user's.
    typed: Principal,
    hash: PasswordHash,
}

impl Login {
    /// Whether this very request signed in.
    pub(crate) fn is_new(&self) -> bool {
        self.ended.is_some()
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

    /// When the login ends; `None` where it lasts as long as the session.
    pub fn expires(&self) -> Option<SystemTime> {
        self.record.expires
    }

    /// Ends the login, empties the session and changes its id. It holds also in the very request
    /// that signed in.
    ///
    /// A browser that still has a ticket is signed in again by the next page it opens. One that was
    /// signed in by a password sends that with every request, and forgets it only when it is
    /// closed: the session remembers that it was signed out, and takes no password again but at the
    /// [`sign_in_path`](crate::SpnegoLayerBuilder::sign_in_path).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::SessionStore`] when the old record can't be deleted.
    pub async fn logout(self) -> Result<(), Error> {
        if let Some(ended) = &self.ended {
            ended.store(true, Ordering::Release);
        }
        let session = &self.session.0;
        session.clear().await;
        if self.record.password.is_some() {
            self.session.set(SIGNED_OUT, Value::Bool(true)).await?;
        }
        // Not `flush()`: what is inserted after it goes to the old id.
        session.cycle_id().await.map_err(store_failed)
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
            Some(password) => password.hash.matches(&password.login, offered),
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

/// How long logins last.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    /// `None` for ever.
    pub(crate) limit: Option<Duration>,
    pub(crate) outlive_ticket: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            limit: Some(Duration::from_secs(600 * 60)),
            outlive_ticket: false,
        }
    }
}

impl Policy {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        match self.limit {
            Some(Duration::ZERO) => Err(ConfigError::ZeroExpiry),
            _ => Ok(()),
        }
    }

    fn expires(&self, now: SystemTime, ticket_end: Option<SystemTime>) -> Option<SystemTime> {
        // A limit beyond what the clock can say is none.
        let limit = now.checked_add(self.limit?);
        let ticket_end = ticket_end.filter(|_| !self.outlive_ticket);
        limit.into_iter().chain(ticket_end).min()
    }
}

/// The logins that one layer makes and reads.
pub(crate) struct Logins {
    policy: Policy,
    realms: AllowedRealms,
    /// Whether a login made by Basic is one here.
    take_passwords: bool,
    made_by: Arc<str>,
    clock: Clock,
    /// By the head, of which no two logins have the same.
    remembered: Cache<String, Arc<Record>>,
}

/// In the session it is JSON in one string: a tree would be built and copied at every request.
#[derive(Serialize, Deserialize)]
struct Head<'a> {
    version: u8,
    /// What makes each login's head its own.
    id: &'a str,
    /// Milliseconds since 1970, like the other times.
    signed_in: u64,
    ticket_end: Option<u64>,
    expires: Option<u64>,
    /// The fingerprint of the layer that made it.
    layer: &'a str,
    /// Of a login made by Basic.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    password: Option<StoredPassword<'a>>,
}

#[derive(Serialize, Deserialize)]
struct StoredPassword<'a> {
    typed: Principal,
    /// The [`PasswordHash`].
    hash: &'a str,
}

impl Logins {
    pub(crate) fn new(
        policy: Policy,
        realms: AllowedRealms,
        take_passwords: bool,
        made_by: Arc<str>,
        clock: Clock,
    ) -> Self {
        Self {
            policy,
            realms,
            take_passwords,
            made_by,
            clock,
            remembered: Cache::new(REMEMBERED),
        }
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

    /// The session's live login, if this layer made it.
    ///
    /// One that has expired is left where it is: to write the session here would overwrite what
    /// parallel requests of the same browser write into it.
    pub(crate) async fn read(&self, session: &RequestSession) -> Result<Option<Login>, Error> {
        let Some(Value::String(head)) = session.get(HEAD).await? else {
            return Ok(None);
        };
        let record = match self.remembered.get(&head) {
            Some(record) => record,
            None => {
                // Boxed, as what is rare is in `service.rs`.
                let Some(record) = Box::pin(self.parse(&head, session)).await? else {
                    return Ok(None);
                };
                self.remembered.insert(head, Arc::clone(&record));
                record
            }
        };
        if record.expires.is_some_and(|end| end <= self.clock.now()) {
            return Ok(None);
        }
        if !self.takes(&record) || !self.realms.contains(record.user.principal()) {
            return Ok(None);
        }
        Ok(Some(Login {
            record,
            session: session.clone(),
            ended: None,
        }))
    }

    /// The record behind a head, if this layer made it.
    async fn parse(
        &self,
        head: &str,
        session: &RequestSession,
    ) -> Result<Option<Arc<Record>>, Error> {
        let Ok(head) = serde_json::from_str::<Head>(head) else {
            return Ok(None);
        };
        if head.version != VERSION || *head.layer != *self.made_by {
            return Ok(None);
        }
        let Some(Value::String(user)) = session.get(USER).await? else {
            return Ok(None);
        };
        let Ok(user) = User::from_stored(&user) else {
            return Ok(None);
        };
        let signed_in = from_millis(head.signed_in);
        // A layer that made it with a longer life does not bind this one.
        let ours = self
            .policy
            .expires(signed_in, head.ticket_end.map(from_millis));
        Ok(Some(Arc::new(Record {
            user,
            signed_in,
            expires: head.expires.map(from_millis).into_iter().chain(ours).min(),
            password: head
                .password
                .map(|StoredPassword { typed, hash }| Password {
                    login: head.id.to_owned(),
                    typed,
                    hash: PasswordHash::from_stored(hash),
                }),
        })))
    }

    /// A new login for a user whom the directory vouches for. Where the session holds another
    /// user's data it is emptied at once, so that the handler sees none of it; in the store nothing
    /// changes before [`SignIn::write`]. `password` is what it was made by, where that was Basic.
    pub(crate) async fn sign_in(
        &self,
        user: User,
        ticket_end: Option<SystemTime>,
        password: Option<Offered<'_>>,
        session: &RequestSession,
    ) -> Result<SignIn, Error> {
        let owner = json!([user.principal(), user.id()]);
        let mark = Value::String(session::Id::default().to_string());
        let keep_id = match session.get(OWNER).await? {
            Some(before) if before == owner => true,
            None => false,
            Some(_) => {
                session.0.clear().await;
                // Whatever the handler saves, it is nobody's: not the last owner's, and not this
                // one's either, for the id is still the one that somebody else may know.
                session.set(OWNER, mark.clone()).await?;
                false
            }
        };
        let id = session::Id::default().to_string();
        let password = match password {
            Some(offered) => Some(Password {
                hash: PasswordHash::new(&id, offered)?,
                typed: offered.principal.clone(),
                login: id.clone(),
            }),
            None => None,
        };
        let now = self.clock.now();
        let ended = Arc::<AtomicBool>::default();
        Ok(SignIn {
            id,
            made_by: Arc::clone(&self.made_by),
            keep_id,
            owner,
            mark,
            ticket_end,
            login: Login {
                record: Arc::new(Record {
                    user,
                    signed_in: now,
                    expires: self.policy.expires(now, ticket_end),
                    password,
                }),
                session: session.clone(),
                ended: Some(Arc::clone(&ended)),
            },
            ended,
        })
    }
}

/// A sign-in that the session does not know of yet.
pub(crate) struct SignIn {
    login: Login,
    /// By the handler, in this very request.
    ended: Arc<AtomicBool>,
    id: String,
    made_by: Arc<str>,
    /// The session was this user's already.
    keep_id: bool,
    owner: Value,
    /// In the owner's place until the id is changed.
    mark: Value,
    ticket_end: Option<SystemTime>,
}

impl SignIn {
    pub(crate) fn login(&self) -> Login {
        self.login.clone()
    }

    /// Writes the login into the session, under a new id unless the session was this user's
    /// already: an id from before could be known to somebody else.
    pub(crate) async fn write(self, session: &RequestSession) -> Result<(), Error> {
        if self.ended.load(Ordering::Acquire) {
            return Ok(());
        }
        let Record {
            user,
            signed_in,
            expires,
            password,
        } = &*self.login.record;
        let head = serde_json::to_string(&Head {
            version: VERSION,
            id: &self.id,
            signed_in: to_millis(*signed_in),
            ticket_end: self.ticket_end.map(to_millis),
            expires: expires.map(to_millis),
            layer: &self.made_by,
            password: password.as_ref().map(|password| StoredPassword {
                typed: password.typed.clone(),
                hash: password.hash.as_str(),
            }),
        });
        let encoded = head.and_then(|head| Ok((head, user.to_stored()?)));
        let (head, text) =
            encoded.map_err(|error| Error::new(ErrorKind::Internal).with_source(error))?;
        if session
            .get(OWNER)
            .await?
            .is_some_and(|owner| owner != self.owner && owner != self.mark)
        {
            // The handler loaded the session anew, and with it what was somebody else's.
            session.0.clear().await;
        }
        if !self.keep_id {
            session.0.cycle_id().await.map_err(store_failed)?;
            session.remove(OWNER).await?;
            if let Some(end) = *expires {
                session.end_with_login(end).await;
            }
        }
        session.set(HEAD, Value::String(head)).await?;
        session.set(USER, Value::String(text)).await?;
        session.remove(SIGNED_OUT).await?;
        session.set(OWNER, self.owner).await
    }
}

/// The session of one request.
#[derive(Clone)]
pub(crate) struct RequestSession(Session);

impl RequestSession {
    pub(crate) fn of(extensions: &http::Extensions) -> Result<Self, Error> {
        match extensions.get::<Session>() {
            Some(session) => Ok(Self(session.clone())),
            None => Err(Error::new(ErrorKind::SessionLayerMissing)),
        }
    }

    /// Whether something was written into it, so that the answer carries a cookie.
    pub(crate) fn is_modified(&self) -> bool {
        self.0.is_modified()
    }

    /// Whether the person has signed out of a login made by a password, and not in again.
    pub(crate) async fn is_signed_out(&self) -> Result<bool, Error> {
        Ok(self.get(SIGNED_OUT).await?.is_some())
    }

    /// Ends the login that the session holds; the data stays its owner's.
    pub(crate) async fn end_login(&self) -> Result<(), Error> {
        self.remove(HEAD).await?;
        self.remove(USER).await
    }

    /// Lets a session with nothing in it end with the login that is put into it now.
    async fn end_with_login(&self, end: SystemTime) {
        if let Some(end) = to_date(end)
            && self.0.is_empty().await
            && end < self.0.expiry_date()
        {
            self.0.set_expiry(Some(Expiry::AtDateTime(end)));
        }
    }

    async fn remove(&self, key: &str) -> Result<(), Error> {
        // Removing what is not there would count as a change, and send a cookie.
        if self.get(key).await?.is_some() {
            self.0.remove_value(key).await.map_err(store_failed)?;
        }
        Ok(())
    }

    async fn set(&self, key: &str, value: Value) -> Result<(), Error> {
        let inserted = self.0.insert_value(key, value).await;
        inserted.map(drop).map_err(store_failed)
    }

    async fn get(&self, key: &str) -> Result<Option<Value>, Error> {
        self.0.get_value(key).await.map_err(store_failed)
    }
}

/// What tells one layer's logins from another's. SHA-256, because it must come out the same on
/// every server that shares the session store, whatever it was compiled with.
pub(crate) fn fingerprint<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    use std::fmt::Write;
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
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

fn store_failed(error: session::Error) -> Error {
    Error::new(ErrorKind::SessionStore).with_source(error)
}

fn to_millis(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis().try_into().unwrap_or(u64::MAX))
}

fn to_date(time: SystemTime) -> Option<OffsetDateTime> {
    let seconds = to_millis(time) / 1000;
    OffsetDateTime::from_unix_timestamp(seconds.try_into().ok()?).ok()
}

fn from_millis(millis: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH
        .checked_add(Duration::from_millis(millis))
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests;
