//! What this process remembers of ended logins, for all its layers.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};
use std::time::SystemTime;

use tower_sessions::session::Id;

use super::How;
use crate::principal::Principal;

/// How much of that a process remembers.
const REMEMBERED: usize = 200_000;

/// How much of it stays when that is too much.
const KEPT: usize = REMEMBERED / 2;

/// Whose login it is, to tell people apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::login) struct Whose(u64);

impl Whose {
    pub(in crate::login) fn of(principal: &Principal) -> Self {
        let mut hasher = DefaultHasher::new();
        principal.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// A login that has ended, or a session that was signed out of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    pub(super) how: How,
    /// Until when that is of interest.
    pub(super) end: SystemTime,
    pub(super) whose: Whose,
    pub(super) is_login: bool,
}

type Known = HashMap<Id, Ended>;

/// What has been ended in this process, or was found in a store.
#[derive(Clone)]
pub(super) struct Here(Arc<RwLock<Known>>);

impl Default for Here {
    /// The process's own: a logout holds in all of its layers. Ids are random, so that no two of
    /// them mean different logins by one.
    fn default() -> Self {
        static HERE: LazyLock<Arc<RwLock<Known>>> = LazyLock::new(Arc::default);
        Self(Arc::clone(&HERE))
    }
}

impl Here {
    /// Another process's.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn apart() -> Self {
        Self(Arc::default())
    }

    pub(super) fn how(&self, id: Id) -> Option<How> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&id).map(|ended| ended.how)
    }

    pub(super) fn remember(&self, id: Id, ended: Ended) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            make_room(&mut known, SystemTime::now());
        }
        match known.entry(id) {
            Entry::Occupied(mut entry) => {
                let before = entry.get_mut();
                before.how = before.how.max(ended.how);
                before.end = before.end.max(ended.end);
            }
            Entry::Vacant(entry) => {
                entry.insert(ended);
            }
        }
    }
}

/// Forgets what is over. If that is too little, the people go short of whom most is remembered, lest
/// somebody's thousand logouts undo another's one: of each the sessions go first, then the logins
/// that end first.
fn make_room(known: &mut Known, now: SystemTime) {
    known.retain(|_, ended| ended.end > now);
    if known.len() <= KEPT {
        return;
    }
    let mut all: Vec<_> = known.iter().map(|(id, ended)| (*ended, *id)).collect();
    all.sort_unstable_by_key(|(ended, _)| (ended.whose, !ended.is_login, Reverse(ended.end)));
    let of_each = all.chunk_by(|(one, _), (next, _)| one.whose == next.whose);
    let mut by_place: Vec<_> = of_each
        .flat_map(|of_one| of_one.iter().enumerate())
        .collect();
    by_place.select_nth_unstable_by_key(KEPT, |(place, (ended, _))| (*place, Reverse(ended.end)));
    for (_, (_, id)) in by_place.iter().skip(KEPT) {
        known.remove(id);
    }
}

#[cfg(test)]
mod tests;
