//! Questions that many may ask at once, and that are put once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

/// Who waits for what. Nothing waits while it is locked.
pub(crate) struct Questions<K, A> {
    under_way: Mutex<HashMap<K, Question<A>>>,
}

impl<K, A> Default for Questions<K, A> {
    fn default() -> Self {
        Self {
            under_way: Mutex::default(),
        }
    }
}

/// A question that is under way. It goes on when whoever asked first has gone away.
pub(crate) struct Question<A>(watch::Receiver<Option<A>>);

impl<A> Clone for Question<A> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<A: Clone> Question<A> {
    /// `None` where it was broken off: whoever was asked panicked, or the runtime ended.
    pub(crate) async fn answer(mut self) -> Option<A> {
        let answer = self.0.wait_for(Option::is_some).await.ok()?;
        Option::clone(&answer)
    }
}

impl<K, A> Questions<K, A>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    A: Clone + Send + Sync + 'static,
{
    /// The question that each key is in: one that is under way, or else a new one, which `put` puts for
    /// all of them together, in a task of its own.
    pub(crate) fn ask<F>(
        self: &Arc<Self>,
        keys: impl IntoIterator<Item = K>,
        put: impl FnOnce(Asking<K, A>) -> F,
    ) -> Vec<(K, Question<A>)>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (sender, receiver) = watch::channel(None);
        let new = Question(receiver);
        let mut under_way = self.lock();
        let mut unasked = Vec::new();
        let questions = keys
            .into_iter()
            .map(|key| {
                let question = under_way.entry(key.clone()).or_insert_with(|| {
                    unasked.push(key.clone());
                    new.clone()
                });
                let question = question.clone();
                (key, question)
            })
            .collect();
        drop(under_way);
        if !unasked.is_empty() {
            // Made here, so that it ends also in a runtime that ends before the task has begun.
            tokio::spawn(put(Asking {
                questions: Arc::clone(self),
                keys: unasked,
                question: new,
                sender,
            }));
        }
        questions
    }

    /// The answer to one key's question, as [`ask`](Self::ask) puts it.
    pub(crate) async fn ask_one<F>(
        self: &Arc<Self>,
        key: K,
        put: impl FnOnce(Asking<K, A>) -> F,
    ) -> Option<A>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (_, question) = self.ask([key], put).pop()?;
        question.answer().await
    }

    /// Lets go of questions: whoever asks from now on asks anew. Those who wait still get the answer,
    /// which is not remembered. `forget` forgets what is remembered, in the same moment.
    pub(crate) fn disown(&self, is_meant: impl Fn(&K) -> bool, forget: impl FnOnce()) {
        let mut under_way = self.lock();
        under_way.retain(|key, _| !is_meant(key));
        forget();
    }
}

impl<K, A> Questions<K, A> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Question<A>>> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A question that is under way until this is dropped, by a panic too.
pub(crate) struct Asking<K: Eq + Hash, A> {
    questions: Arc<Questions<K, A>>,
    keys: Vec<K>,
    question: Question<A>,
    sender: watch::Sender<Option<A>>,
}

impl<K: Eq + Hash, A> Asking<K, A> {
    #[cfg(feature = "ldap")]
    pub(crate) fn keys(&self) -> &[K] {
        &self.keys
    }

    /// Gives all who wait their answer. `remember` is called first, unless the question was
    /// [disowned](Questions::disown).
    pub(crate) fn end(self, answer: A, remember: impl FnOnce(&A)) {
        let mut under_way = self.questions.lock();
        if self.keys.iter().all(|key| self.is_for(key, &under_way)) {
            remember(&answer);
        }
        self.leave(&mut under_way);
        drop(under_way);
        self.sender.send_replace(Some(answer));
    }

    fn is_for(&self, key: &K, under_way: &HashMap<K, Question<A>>) -> bool {
        under_way
            .get(key)
            .is_some_and(|question| question.0.same_channel(&self.question.0))
    }

    fn leave(&self, under_way: &mut HashMap<K, Question<A>>) {
        for key in &self.keys {
            if self.is_for(key, under_way) {
                under_way.remove(key);
            }
        }
    }
}

impl<K: Eq + Hash, A> Drop for Asking<K, A> {
    fn drop(&mut self) {
        let mut under_way = self.questions.lock();
        self.leave(&mut under_way);
    }
}
