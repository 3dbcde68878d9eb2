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

use sha2::{Digest, Sha256};

use self::ended::How;
use self::record::Record;
use crate::error::{Error, ErrorKind};
use crate::principal::Principal;
use crate::user::User;

mod end;
mod ended;
mod logins;
mod moved;
mod password_hash;
mod policy;
mod recheck;
mod record;
mod remembered;
mod session;
mod sign_in;

pub(crate) use self::ended::EndedLogins;
pub(crate) use self::logins::Logins;
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
        self.session.sign_out(ended, root.whose).await?;
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
