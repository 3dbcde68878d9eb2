use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

// The real GSSAPI neither panics nor blocks on demand, so these acceptors stand in for it.

const ONE: Size = Size {
    threads: 1,
    queue: 2,
    patience: Duration::from_secs(60),
};

fn accepted(name: &[u8]) -> Outcome {
    Ok(Accepted {
        name: String::from_utf8_lossy(name).into_owned(),
        ticket_end: None,
        authenticated_at: None,
        final_token: Vec::new(),
    })
}

fn kind(outcome: Outcome) -> ErrorKind {
    outcome.expect_err("refused").error.kind()
}

#[tokio::test]
async fn a_panic_refuses_one_token_and_the_next_one_is_accepted() {
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    let pool = Pool::start(ONE, move || {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(|token: &[u8]| {
            assert_ne!(token, b"bad", "as asked");
            accepted(token)
        })
    })
    .expect("starts");
    assert_eq!(
        kind(pool.accept(b"bad".to_vec()).await),
        ErrorKind::Internal
    );
    assert_eq!(pool.accept(b"alice".to_vec()).await.unwrap().name, "alice");
    assert_eq!(made.load(Ordering::Relaxed), 2, "made anew after the panic");
}

#[tokio::test]
async fn a_full_queue_refuses_and_an_abandoned_token_is_skipped() {
    let (entered, enters) = crossbeam_channel::bounded(0);
    let (go, gate) = crossbeam_channel::bounded::<()>(0);
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let pool = Arc::new(
        Pool::start(ONE, move || {
            let (entered, gate, count) = (entered.clone(), gate.clone(), Arc::clone(&count));
            Ok(move |token: &[u8]| {
                count.fetch_add(1, Ordering::Relaxed);
                entered.send(()).expect("the test listens");
                gate.recv().expect("the test opens");
                accepted(token)
            })
        })
        .expect("starts"),
    );
    macro_rules! send {
        ($token:expr) => {{
            let pool = Arc::clone(&pool);
            let mut sent = Box::pin(async move { pool.accept($token.to_vec()).await });
            assert!(futures_util::poll!(&mut sent).is_pending());
            sent
        }};
    }
    let first = send!(b"first");
    enters.recv().expect("the thread is busy with the first");
    let second = send!(b"second");
    let third = send!(b"third");
    assert_eq!(kind(pool.accept(b"fourth".to_vec()).await), ErrorKind::Busy);
    drop(second);
    go.send(()).expect("first goes on");
    assert_eq!(first.await.unwrap().name, "first");
    enters.recv().expect("the third is taken");
    go.send(()).expect("third goes on");
    assert_eq!(third.await.unwrap().name, "third");
    assert_eq!(seen.load(Ordering::Relaxed), 2, "the second never ran");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_waits_too_long_is_refused() {
    let (go, gate) = crossbeam_channel::bounded::<()>(0);
    let size = Size {
        patience: Duration::from_secs(5),
        ..ONE
    };
    let pool = Pool::start(size, move || {
        let gate = gate.clone();
        Ok(move |token: &[u8]| {
            // Ends with an error once the test is over.
            let _ = gate.recv();
            accepted(token)
        })
    })
    .expect("starts");
    assert_eq!(kind(pool.accept(b"late".to_vec()).await), ErrorKind::Busy);
    drop(go);
}

#[test]
fn dropping_the_pool_waits_for_its_threads() {
    struct Token(Arc<AtomicUsize>);
    impl Drop for Token {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let ended = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&ended);
    let size = Size { threads: 3, ..ONE };
    let pool = Pool::start(size, move || {
        let alive = Token(Arc::clone(&count));
        Ok(move |token: &[u8]| {
            let _ = &alive;
            accepted(token)
        })
    })
    .expect("starts");
    drop(pool);
    assert_eq!(ended.load(Ordering::Relaxed), 3);
}

#[test]
fn a_thread_without_a_credential_keeps_the_pool_from_starting() {
    let outcome = Pool::start(ONE, || -> Result<fn(&[u8]) -> Outcome, _> {
        Err(ConfigError::NoRealm)
    });
    assert!(matches!(outcome.map(drop), Err(ConfigError::NoRealm)));
}
