//! What is remembered, and who is being asked about.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use quick_cache::Equivalent;
use quick_cache::sync::Cache;
use tokio::time::Instant;

use super::Answer;
use crate::error::ErrorKind;
use crate::initiator::{Initiator, Occasion};
use crate::questions::Questions;

/// A question: equal are those that a directory which does not look at times answers alike.
#[derive(Clone)]
pub(super) struct Key(Arc<Initiator>);

impl Key {
    pub(super) fn of(who: &Initiator) -> Self {
        Self(Arc::new(who.clone()))
    }

    pub(super) fn who(&self) -> &Initiator {
        &self.0
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.0.is_the_same_question_as(&other.0)
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Who(&self.0).hash(state);
    }
}

/// A [`Key`] to look for, which costs no copy.
struct Who<'a>(&'a Initiator);

/// The principal alone: what else there is differs seldom, and a PAC of a thousand groups would take long.
impl Hash for Who<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.principal().hash(state);
    }
}

impl Equivalent<Key> for Who<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.0.is_the_same_question_as(&key.0)
    }
}

#[derive(Clone)]
pub(super) struct Remembered {
    pub(super) answer: Answer,
    /// When the directory was asked: what it says may be as old.
    pub(super) since: Instant,
}

pub(super) struct Memory {
    answers: Cache<Key, Remembered>,
    pub(super) questions: Arc<Questions<Key, Answer>>,
}

impl Memory {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            answers: Cache::new(capacity),
            questions: Arc::default(),
        }
    }

    pub(super) fn get(&self, who: &Initiator) -> Option<Remembered> {
        self.answers.get(&Who(who))
    }

    /// What an answer leaves behind: an outage says nothing about the person; a refusal ends what was
    /// known before.
    pub(super) fn take(&self, key: Key, answer: &Answer, since: Instant) {
        match answer {
            Err(error) if error.kind().is_outage() => {}
            Err(error) if error.kind() != ErrorKind::UserNotFound => {
                self.answers.remove(&key);
            }
            answer => {
                let answer = answer.clone();
                self.answers.insert(key, Remembered { answer, since });
            }
        }
    }

    /// What a recheck leaves behind. Whatever was known of the person is older, of all their tickets.
    /// Where they had one with a PAC, the next may have another, and the answer is to none of those.
    pub(super) fn renew(&self, who: &Initiator, answer: &Answer, since: Instant) {
        if answer.as_ref().is_err_and(|error| error.kind().is_outage()) {
            return;
        }
        self.forget(|known| known.principal() == who.principal());
        if who.sid().is_none() {
            let key = Key::of(&who.clone().on(Occasion::Ticket));
            self.take(key, answer, since);
        }
    }

    pub(super) fn forget(&self, is_meant: impl Fn(&Initiator) -> bool) {
        let is_meant = |key: &Key| is_meant(key.who());
        self.questions.disown(is_meant, || {
            self.answers.retain(|key, _| !is_meant(key));
        });
    }
}
