//! Sessions whose id a sign-in has just changed.
//!
//! A browser sends requests side by side. When the first of them has signed in, the others still
//! come with the old id, whose record is gone: they would sign in into empty sessions, of which the
//! browser keeps the last, and at each refusal it would lose its cookie over the session that is
//! not there. So for a short time the process remembers where such a session has gone, and for
//! whom.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tokio::sync::watch;
use tower_sessions::session::Id;

use super::RequestSession;

/// How long a browser may take to learn its new id.
const REMEMBERED_FOR: Duration = Duration::from_secs(10);

/// How many of them a layer remembers.
const REMEMBERED: usize = 1_000;

#[derive(Default)]
pub(super) struct MovedSessions {
    by_old_id: RwLock<HashMap<Id, (SystemTime, Moved)>>,
    /// Nearly always there are none.
    any: AtomicBool,
}

/// Where a session has gone.
#[derive(Clone)]
pub(crate) struct Moved {
    /// Whose it is now.
    owner: Value,
    session: RequestSession,
    /// Whether it is there.
    arrived: watch::Receiver<bool>,
}

/// Whoever moves a session; dropped before [`arrive`](Self::arrive), it has gone nowhere.
pub(super) struct Mover(watch::Sender<bool>);

impl MovedSessions {
    pub(super) fn get(
        &self,
        id: impl FnOnce() -> Option<Id>,
        now: impl FnOnce() -> SystemTime,
    ) -> Option<Moved> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let id = id()?;
        let moved = self
            .by_old_id
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let (until, moved) = moved.get(&id)?;
        (*until > now() && moved.is_on_its_way()).then(|| moved.clone())
    }

    /// Says that what this session holds is this owner's, and about to get another id.
    pub(super) fn begin(
        &self,
        from: Id,
        owner: Value,
        session: RequestSession,
        now: SystemTime,
    ) -> Mover {
        let (mover, arrived) = watch::channel(false);
        let moved = Moved {
            owner,
            session: session.as_another_requests(),
            arrived,
        };
        let mut by_old_id = self
            .by_old_id
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        by_old_id.retain(|_, (until, _)| *until > now);
        // The first one counts. Whoever moves it, too, was under way then, and has a copy.
        let is_moved = by_old_id
            .get(&from)
            .is_some_and(|(_, moved)| moved.is_on_its_way());
        if !is_moved
            && by_old_id.len() < REMEMBERED
            && let Some(until) = now.checked_add(REMEMBERED_FOR)
        {
            by_old_id.insert(from, (until, moved));
        }
        self.any.store(!by_old_id.is_empty(), Ordering::Release);
        Mover(mover)
    }
}

impl Moved {
    fn is_on_its_way(&self) -> bool {
        *self.arrived.borrow() || self.arrived.has_changed().is_ok()
    }

    /// To ask it about a logout; its data is its owner's.
    pub(crate) fn session(&self) -> &RequestSession {
        &self.session
    }

    /// The session, for its owner alone.
    pub(super) async fn of(mut self, owner: &Value) -> Option<RequestSession> {
        if self.owner != *owner {
            return None;
        }
        let arrived = self.arrived.wait_for(|arrived| *arrived).await.is_ok();
        arrived.then_some(self.session)
    }
}

impl Mover {
    pub(super) fn arrive(self) {
        // Nobody needs to wait for it.
        let _ = self.0.send(true);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::FutureExt;
    use tower_sessions::{MemoryStore, Session};

    use super::*;

    fn session() -> RequestSession {
        RequestSession::new(Session::new(None, Arc::new(MemoryStore::default()), None))
    }

    #[test]
    fn its_owner_waits_until_it_is_there_and_nobody_else_gets_it() {
        let (moved, id, now) = (MovedSessions::default(), Id::default(), SystemTime::now());
        let alice = Value::from("alice");
        let mover = moved.begin(id, alice.clone(), session(), now);
        let of = |owner: &Value| {
            let moved = moved.get(|| Some(id), || now).unwrap();
            moved.of(owner).now_or_never()
        };
        assert!(of(&alice).is_none(), "it is under way");
        mover.arrive();
        assert!(of(&alice).flatten().is_some());
        assert!(of(&Value::from("bob")).unwrap().is_none());
        assert!(moved.get(|| Some(id), || now + REMEMBERED_FOR).is_none());
        assert!(moved.get(|| Some(Id::default()), || now).is_none());
    }

    #[test]
    fn who_moves_it_first_counts_unless_they_have_given_up() {
        let (moved, id, now) = (MovedSessions::default(), Id::default(), SystemTime::now());
        let owner = || moved.get(|| Some(id), || now).map(|moved| moved.owner);
        let given_up = moved.begin(id, "alice".into(), session(), now);
        let late = moved.begin(id, "bob".into(), session(), now);
        assert_eq!(owner(), Some("alice".into()));
        drop((given_up, late));
        assert_eq!(owner(), None);
        let mover = moved.begin(id, "carol".into(), session(), now);
        mover.arrive();
        moved.begin(id, "bob".into(), session(), now).arrive();
        assert_eq!(owner(), Some("carol".into()));
    }
}
