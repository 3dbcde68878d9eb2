//! Logins that were ended before their time.
//!
//! tower-sessions saves a whole session after the handler, so that a request in flight brings back
//! what a logout has just removed, and most stores let it. What says that a login has ended must
//! therefore stand apart from its session: a record of its own in the same store, whose id is the
//! login's [`Root`], which nobody outside knows. It is looked for at every request with a live
//! login.
//!
//! This process remembers besides what has been ended in it, for all its layers: a layer that was
//! not told of the store has nothing else.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tower_sessions::cookie::time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::{SessionStore, session_store};

pub(super) use self::here::Whose;
use self::here::{Ended, Here};
use super::SIGNED_OUT;
use super::record::{Root, to_date};
use crate::clock::Clock;
use crate::error::{Error, ErrorKind};

mod here;

const ENDED: &str = "tower-spnego.ended";

/// For how long a request that began before a login was ended may save it, where the login itself
/// has no end.
const LONGEST_REQUEST: Duration = Duration::from_secs(24 * 60 * 60);

/// How a login was ended; of two ways the later here counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum How {
    /// The directory has turned its user away. The rest of the session is theirs.
    Removed,
    /// Somebody else has signed in. Nothing of the session is theirs.
    Replaced,
    /// The person has signed out.
    SignedOut,
}

impl How {
    const ALL: [Self; 3] = [Self::Removed, Self::Replaced, Self::SignedOut];

    fn as_str(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Replaced => "replaced",
            Self::SignedOut => "signed out",
        }
    }

    /// What a later version of this crate may say there is the strictest of ours.
    fn of(record: &Record) -> Self {
        let said = record.data.get(ENDED).and_then(Value::as_str);
        let how = Self::ALL.into_iter().find(|how| said == Some(how.as_str()));
        how.unwrap_or(Self::SignedOut)
    }
}

/// Where a layer looks for ended logins, and writes them.
#[derive(Clone, Default)]
pub(crate) struct EndedLogins {
    here: Here,
    store: Option<Arc<dyn SessionStore>>,
    /// How long a login lasts that is made now; `None` for as long as its session.
    limit: Option<Duration>,
    clock: Clock,
}

impl EndedLogins {
    /// They are looked for in this store, too.
    pub(crate) fn in_store(&mut self, store: impl SessionStore) {
        self.store = Some(Arc::new(store));
    }

    pub(super) fn of_logins_that_last(&mut self, limit: Option<Duration>, clock: Clock) {
        self.limit = limit;
        self.clock = clock;
    }

    /// Knows nothing of what is ended in this process by others, as another process would not.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn set_apart(&mut self) {
        self.here = Here::apart();
    }

    /// How the login was ended; `None` where it was not.
    pub(super) async fn how(&self, root: Root) -> Result<Option<How>, Error> {
        if let Some(how) = self.here.how(root.id) {
            return Ok(Some(how));
        }
        let Some(store) = &self.store else {
            return Ok(None);
        };
        let Some(record) = store.load(&root.id).await.map_err(store_failed)? else {
            return Ok(None);
        };
        let how = How::of(&record);
        self.here
            .remember(root.id, ended(root, how, record.expiry_date.into()));
        Ok(Some(how))
    }

    /// Ends the login for as long as a request in flight could bring it back. `session_end` is when
    /// a session ends that is saved now.
    pub(super) async fn end(
        &self,
        root: Root,
        how: How,
        session_end: OffsetDateTime,
    ) -> Result<(), Error> {
        let end = self.until(root, session_end.into());
        // First here: if the store fails it has ended at least in this process.
        self.here.remember(root.id, ended(root, how, end));
        match &self.store {
            Some(store) => write(&**store, root.id, how, end)
                .await
                .map_err(store_failed),
            None => Ok(()),
        }
    }

    /// When no login of this root can be live any more. A request beside this one may have renewed it,
    /// until later than this one knows.
    fn until(&self, root: Root, session_end: SystemTime) -> SystemTime {
        let limit = self
            .limit
            .and_then(|limit| self.clock.now().checked_add(limit));
        let with_session = || {
            let end = session_end.checked_add(LONGEST_REQUEST);
            end.unwrap_or(session_end)
        };
        match root.end {
            Some(end) => end.max(limit.unwrap_or_else(with_session)),
            None => with_session(),
        }
    }

    /// Leaves the mark of a logout where a session was: a browser's parallel requests still come
    /// with its id, and else would sign in anew.
    pub(super) async fn mark_signed_out(
        &self,
        session: Id,
        whose: Whose,
        session_end: OffsetDateTime,
    ) -> Result<(), Error> {
        let signed_out = Ended {
            how: How::SignedOut,
            end: session_end.into(),
            whose,
            is_login: false,
        };
        self.here.remember(session, signed_out);
        let Some(store) = &self.store else {
            return Ok(());
        };
        let mark = Record {
            id: session,
            data: [(SIGNED_OUT.to_owned(), Value::Bool(true))].into(),
            expiry_date: session_end,
        };
        // What is there already has been saved meanwhile, with a login that has ended.
        create(&**store, &mark)
            .await
            .map(drop)
            .map_err(store_failed)
    }

    /// Whether a session was signed out of, on this server or another.
    pub(super) async fn has_signed_out(&self, session: Id) -> Result<bool, Error> {
        if self.was_signed_out(session) {
            return Ok(true);
        }
        let Some(store) = &self.store else {
            return Ok(false);
        };
        let record = store.load(&session).await.map_err(store_failed)?;
        Ok(record.is_some_and(|record| record.data.contains_key(SIGNED_OUT)))
    }

    /// Whether a session that is no more was signed out of.
    pub(super) fn was_signed_out(&self, session: Id) -> bool {
        self.here.how(session) == Some(How::SignedOut)
    }
}

fn ended(root: Root, how: How, end: SystemTime) -> Ended {
    Ended {
        how,
        end,
        whose: root.whose,
        is_login: true,
    }
}

async fn write(
    store: &dyn SessionStore,
    id: Id,
    how: How,
    end: SystemTime,
) -> session_store::Result<()> {
    let record = Record {
        id,
        data: [(ENDED.to_owned(), how.as_str().into())].into(),
        expiry_date: to_date(end),
    };
    // Stores save what they have, and create what they don't.
    if store.load(&id).await?.is_none() && create(store, &record).await? {
        return Ok(());
    }
    match store.load(&id).await? {
        Some(before) if How::of(&before) >= how => Ok(()),
        _ => store.save(&record).await,
    }
}

/// Whether it could be created: where there is a record of its id, it could not.
async fn create(store: &dyn SessionStore, record: &Record) -> session_store::Result<bool> {
    let mut created = record.clone();
    store.create(&mut created).await?;
    if created.id == record.id {
        return Ok(true);
    }
    // Under another id it is of no use.
    store.delete(&created.id).await?;
    Ok(false)
}

fn store_failed(error: session_store::Error) -> Error {
    Error::new(ErrorKind::SessionStore).with_source(error)
}

#[cfg(test)]
mod tests;
