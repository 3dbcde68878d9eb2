use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::advance;

use super::*;
use crate::error::ErrorKind;

/// Names every group by its SID but those that end in `-404`.
struct Server {
    questions: Mutex<Vec<Vec<Sid>>>,
    is_down: AtomicBool,
    panics: AtomicBool,
    /// A question takes one to be answered.
    answers: Semaphore,
    waiting: AtomicUsize,
}

impl Source for Arc<Server> {
    async fn groups(&self, sids: &[Sid]) -> Result<HashMap<Sid, Group>, DirectoryError> {
        self.questions.lock().unwrap().push(sids.to_vec());
        self.waiting.fetch_add(1, Ordering::SeqCst);
        self.answers.acquire().await.unwrap().forget();
        assert!(!self.panics.load(Ordering::SeqCst), "as it should");
        if self.is_down.load(Ordering::SeqCst) {
            return Err(DirectoryError::unavailable());
        }
        let named = sids.iter().filter(|sid| !sid.to_string().ends_with("-404"));
        Ok(named
            .map(|sid| (*sid, Group::new(format!("group {sid}"))))
            .collect())
    }
}

/// A server with this many answers in store.
fn server(answers: usize) -> (Names<Arc<Server>>, Arc<Server>) {
    let server = Arc::new(Server {
        questions: Mutex::default(),
        is_down: AtomicBool::new(false),
        panics: AtomicBool::new(false),
        answers: Semaphore::new(answers),
        waiting: AtomicUsize::new(0),
    });
    (Names::new(Arc::clone(&server)), server)
}

impl Server {
    fn questions(&self) -> Vec<Vec<Sid>> {
        self.questions.lock().unwrap().clone()
    }
}

fn sid(rid: u32) -> Sid {
    format!("S-1-5-21-1-2-3-{rid}").parse().unwrap()
}

/// Which have a name, sorted.
async fn named(
    names: &Names<Arc<Server>>,
    rids: impl IntoIterator<Item = u32>,
) -> Result<Vec<Sid>, ErrorKind> {
    let named = names.of(rids.into_iter().map(sid)).await;
    let mut sids: Vec<_> = named.map_err(|error| error.kind())?.into_keys().collect();
    sids.sort();
    Ok(sids)
}

#[tokio::test]
async fn what_is_known_is_not_asked_again() {
    let (names, server) = server(9);
    assert_eq!(named(&names, [1, 404]).await, Ok(vec![sid(1)]));
    assert_eq!(named(&names, [1, 404, 2]).await, Ok(vec![sid(1), sid(2)]));
    assert_eq!(named(&names.clone(), [404, 2]).await, Ok(vec![sid(2)]));
    assert_eq!(named(&names, []).await, Ok(vec![]));
    assert_eq!(server.questions(), [vec![sid(1), sid(404)], vec![sid(2)]]);
}

#[tokio::test]
async fn a_hundred_sign_ins_at_once_ask_once() {
    let (names, server) = server(0);
    let mut sign_ins = JoinSet::new();
    for _ in 0..100 {
        let names = names.clone();
        sign_ins.spawn(async move { named(&names, 1..=200).await });
    }
    while server.waiting.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    server.answers.add_permits(100);
    let expected: Vec<_> = (1..=200).map(sid).collect();
    while let Some(named) = sign_ins.join_next().await {
        assert_eq!(named.unwrap().as_ref(), Ok(&expected));
    }
    assert_eq!(server.questions(), [expected]);
}

#[tokio::test]
async fn who_brings_one_group_more_asks_about_that_one() {
    let (names, server) = server(0);
    let first = tokio::spawn({
        let names = names.clone();
        async move { named(&names, [1, 2]).await }
    });
    while server.waiting.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    let second = tokio::spawn(async move { named(&names, [2, 3]).await });
    while server.waiting.load(Ordering::SeqCst) == 1 {
        tokio::task::yield_now().await;
    }
    server.answers.add_permits(2);
    assert_eq!(first.await.unwrap(), Ok(vec![sid(1), sid(2)]));
    assert_eq!(second.await.unwrap(), Ok(vec![sid(2), sid(3)]));
    assert_eq!(server.questions(), [vec![sid(1), sid(2)], vec![sid(3)]]);
}

#[tokio::test]
async fn who_asked_first_and_went_away_leaves_the_others_their_answer() {
    let (names, server) = server(0);
    let first = tokio::spawn({
        let names = names.clone();
        async move { named(&names, [1]).await }
    });
    while server.waiting.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    server.answers.add_permits(1);
    assert_eq!(named(&names, [1]).await, Ok(vec![sid(1)]));
    assert_eq!(server.questions().len(), 1);
}

#[tokio::test]
async fn nobody_signs_in_without_a_name_that_can_not_be_asked_for() {
    let (names, server) = server(9);
    assert_eq!(named(&names, [1]).await, Ok(vec![sid(1)]));
    server.is_down.store(true, Ordering::SeqCst);
    let unavailable = Err(ErrorKind::DirectoryUnavailable);
    assert_eq!(named(&names, [1, 2]).await, unavailable);
    assert_eq!(named(&names, [404]).await, unavailable);
    assert_eq!(named(&names, [1]).await, Ok(vec![sid(1)]));
    server.is_down.store(false, Ordering::SeqCst);
    assert_eq!(named(&names, [1, 2]).await, Ok(vec![sid(1), sid(2)]));
}

#[tokio::test]
async fn a_question_that_is_broken_off_is_an_outage_and_is_asked_anew() {
    let (names, server) = server(9);
    server.panics.store(true, Ordering::SeqCst);
    let unavailable = Err(ErrorKind::DirectoryUnavailable);
    assert_eq!(named(&names, [1]).await, unavailable);
    server.panics.store(false, Ordering::SeqCst);
    assert_eq!(named(&names, [1]).await, Ok(vec![sid(1)]));
}

#[test]
fn a_runtime_that_ends_takes_its_questions_along() {
    let (names, server) = server(9);
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
    };
    // Asked, and over before the question was put.
    runtime().block_on(async {
        let mut asking = std::pin::pin!(named(&names, [1]));
        assert!(futures_util::poll!(asking.as_mut()).is_pending());
    });
    assert_eq!(server.questions().len(), 0);
    let second = runtime().block_on(named(&names, [1]));
    assert_eq!(second, Ok(vec![sid(1)]));
}

#[tokio::test(start_paused = true)]
async fn names_are_asked_for_again_after_a_time_and_sooner_where_there_was_none() {
    let (names, server) = server(9);
    let ask = async || named(&names, [1, 404]).await.unwrap();
    ask().await;
    advance(UNNAMED_FOR - Duration::from_secs(1)).await;
    ask().await;
    assert_eq!(server.questions().len(), 1);
    advance(Duration::from_secs(1)).await;
    ask().await;
    assert_eq!(server.questions()[1..], [vec![sid(404)]]);
    advance(NAMED_FOR - UNNAMED_FOR).await;
    ask().await;
    assert_eq!(server.questions()[2..], [vec![sid(1), sid(404)]]);
}

#[tokio::test(start_paused = true)]
async fn in_an_outage_a_name_counts_for_a_day_and_its_lack_does_not() {
    let (names, server) = server(9);
    named(&names, [1, 404]).await.unwrap();
    server.is_down.store(true, Ordering::SeqCst);
    let unavailable = Err(ErrorKind::DirectoryUnavailable);
    advance(UNNAMED_FOR).await;
    assert_eq!(named(&names, [1, 404]).await, unavailable);
    advance(NAMED_AT_MOST - UNNAMED_FOR - Duration::from_secs(1)).await;
    assert_eq!(named(&names, [1]).await, Ok(vec![sid(1)]));
    advance(Duration::from_secs(1)).await;
    assert_eq!(named(&names, [1]).await, unavailable);
}
