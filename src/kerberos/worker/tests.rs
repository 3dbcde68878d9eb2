use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::ThreadId;

use super::*;

// The real GSSAPI neither panics nor blocks on demand, so this work stands in for it.

const ONE: Size = Size {
    name: "test",
    threads: 1,
    queue: 2,
    patience: Duration::from_secs(60),
};

fn start(size: Size) -> Pool<()> {
    Pool::start(size, || Ok(())).expect("starts")
}

#[tokio::test]
async fn a_panic_fails_one_job_and_the_next_has_new_tools() {
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    let pool = Pool::start(ONE, move || Ok(count.fetch_add(1, Ordering::Relaxed)));
    let pool = pool.expect("starts");
    let outcome = pool.run(|_| panic!("as asked")).await;
    assert_eq!(
        outcome.map(|(): ()| ()).map_err(|error| error.kind()),
        Err(ErrorKind::Internal)
    );
    assert_eq!(pool.run(|tools| *tools).await.unwrap(), 1);
    assert_eq!(made.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_full_queue_refuses_and_an_abandoned_job_is_skipped() {
    let (entered, enters) = crossbeam_channel::bounded(0);
    let (go, gate) = crossbeam_channel::bounded::<()>(0);
    let pool = Arc::new(start(ONE));
    let done = Arc::new(AtomicUsize::new(0));
    macro_rules! send {
        ($name:expr) => {{
            let (pool, done) = (Arc::clone(&pool), Arc::clone(&done));
            let (entered, gate) = (entered.clone(), gate.clone());
            let mut sent = Box::pin(async move {
                let work = move |(): &mut ()| {
                    done.fetch_add(1, Ordering::Relaxed);
                    entered.send(()).expect("the test listens");
                    gate.recv().expect("the test opens");
                    $name
                };
                pool.run(work).await
            });
            assert!(futures_util::poll!(&mut sent).is_pending());
            sent
        }};
    }
    let first = send!("first");
    enters.recv().expect("the thread is busy with the first");
    let second = send!("second");
    let third = send!("third");
    let fourth = pool.run(|()| ()).await;
    assert_eq!(fourth.expect_err("full").kind(), ErrorKind::Busy);
    drop(second);
    go.send(()).expect("first goes on");
    assert_eq!(first.await.unwrap(), "first");
    enters.recv().expect("the third is taken");
    go.send(()).expect("third goes on");
    assert_eq!(third.await.unwrap(), "third");
    assert_eq!(done.load(Ordering::Relaxed), 2, "the second never ran");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_waits_too_long_is_refused() {
    let (go, gate) = crossbeam_channel::bounded::<()>(0);
    let pool = start(Size {
        patience: Duration::from_secs(5),
        ..ONE
    });
    // Ends with an error once the test is over.
    let outcome = pool.run(move |()| gate.recv().is_ok()).await;
    assert_eq!(outcome.expect_err("late").kind(), ErrorKind::Busy);
    drop(go);
}

/// Tells which thread dropped it.
struct Canary(Sender<ThreadId>);

impl Drop for Canary {
    fn drop(&mut self) {
        let _ = self.0.send(std::thread::current().id());
    }
}

#[tokio::test]
async fn what_is_let_go_anywhere_is_dropped_on_a_thread_of_the_pool() {
    let (sender, dropped) = crossbeam_channel::unbounded();
    let pool = start(ONE);
    let own = pool.run(|()| std::thread::current().id()).await.unwrap();
    drop(pool.disposal().of(Canary(sender.clone())));
    assert_eq!(dropped.recv(), Ok(own));

    // Also what is let go with the pool, or was on its way to somebody who has left.
    let late = pool.disposal().of(Canary(sender.clone()));
    let busy = pool.run(|()| ()).await;
    drop((busy, late, pool));
    assert_eq!(dropped.recv(), Ok(own));
}

#[test]
fn what_outlives_the_pool_is_dropped_on_the_spot() {
    let (sender, dropped) = crossbeam_channel::unbounded();
    let pool = start(ONE);
    let late = pool.disposal().of(Canary(sender));
    drop(pool);
    drop(late);
    assert_eq!(dropped.try_recv(), Ok(std::thread::current().id()));
}

#[test]
fn dropping_the_pool_waits_for_its_threads() {
    let (sender, dropped) = crossbeam_channel::unbounded();
    let size = Size { threads: 3, ..ONE };
    drop(Pool::start(size, move || Ok(Canary(sender.clone()))));
    assert_eq!(dropped.try_iter().count(), 3);
}

#[test]
fn a_thread_without_tools_keeps_the_pool_from_starting() {
    let outcome = Pool::<()>::start(ONE, || Err(ConfigError::NoRealm));
    assert!(matches!(outcome.map(drop), Err(ConfigError::NoRealm)));
}
