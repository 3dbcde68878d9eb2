//! What heads of logins say, once it is parsed.

use std::hash::{Hash, Hasher};

use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};

/// How much text was parsed for what is remembered, in bytes: parsed, it takes three times as much.
const LONGEST: u64 = 32 * 1024 * 1024;

/// Of logins with a few groups each, that many have room.
const LOGINS: usize = 30_000;

/// Bounded by how long the logins are, for one of hundreds of groups takes as much as twenty others.
pub(super) struct Remembered<T>(Cache<Key<String>, Parsed<T>, Length>);

/// How much of a head is hashed, in bytes: the login's id is within, and when it was checked.
pub(super) const HASHED: usize = 160;

/// A head, which is compared whole.
struct Key<S>(S);

#[derive(Clone)]
struct Parsed<T> {
    from: u64,
    value: T,
}

#[derive(Clone)]
struct Length;

impl<T> Weighter<Key<String>, Parsed<T>> for Length {
    fn weight(&self, key: &Key<String>, parsed: &Parsed<T>) -> u64 {
        parsed.from.saturating_add(key.0.len() as u64)
    }
}

impl<S: AsRef<str>> Hash for Key<S> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let head = self.0.as_ref().as_bytes();
        state.write(head.get(..HASHED).unwrap_or(head));
    }
}

impl<S: AsRef<str>> PartialEq for Key<S> {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_ref() == other.0.as_ref()
    }
}

impl<S: AsRef<str>> Eq for Key<S> {}

impl Equivalent<Key<String>> for Key<&str> {
    fn equivalent(&self, key: &Key<String>) -> bool {
        self.0 == key.0
    }
}

impl<T: Clone> Remembered<T> {
    pub(super) fn new() -> Self {
        Self(Cache::with_weighter(LOGINS, LONGEST, Length))
    }

    pub(super) fn get(&self, head: &str) -> Option<T> {
        self.0.get(&Key(head)).map(|parsed| parsed.value)
    }

    /// What was parsed from this head and so many bytes more.
    pub(super) fn insert(&self, head: String, from: usize, value: T) {
        let from = from as u64;
        self.0.insert(Key(head), Parsed { from, value });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bounded_by_its_length() {
        let remembered = Remembered::new();
        for number in 0..10_000 {
            remembered.insert(number.to_string(), 17_000, number);
        }
        assert!(remembered.0.weight() <= LONGEST);
        let found = (0..10_000).filter(|number| remembered.get(&number.to_string()).is_some());
        let found = found.count();
        assert!((1_000..2_000).contains(&found), "{found}");
    }

    #[test]
    fn ten_thousand_ordinary_logins_have_room() {
        let remembered = Remembered::new();
        for number in 0..10_000 {
            remembered.insert(number.to_string(), 1_500, number);
        }
        assert!((0..10_000).all(|number| remembered.get(&number.to_string()) == Some(number)));
    }
}
