//! The accept threads, and the bounded queue before them.
//!
//! GSSAPI blocks (on the replay cache's lock, on the disk), so it never runs on a thread of
//! tokio's. The threads are joined when the pool is dropped: one that still ran while libkrb5
//! cleans up at exit would abort the process.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError};
use tokio::sync::oneshot;

use super::context::{Accepted, Refused};
use crate::error::{ConfigError, Error, ErrorKind};

type Outcome = Result<Accepted, Refused>;

struct Job {
    token: Vec<u8>,
    reply: oneshot::Sender<Outcome>,
}

pub(super) struct Pool {
    /// `None` only while the pool is being dropped.
    queue: Option<Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
    patience: Duration,
}

/// How many threads accept, how many tokens may wait for them, and how long each.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub(super) threads: usize,
    pub(super) queue: usize,
    pub(super) patience: Duration,
}

impl Pool {
    /// Starts the threads. Each makes an acceptor of its own (a shared credential is slower with
    /// two threads than with one), and makes it anew after a panic.
    pub(super) fn start<M, A>(size: Size, make_acceptor: M) -> Result<Self, ConfigError>
    where
        M: Fn() -> Result<A, ConfigError> + Clone + Send + 'static,
        A: FnMut(&[u8]) -> Outcome,
    {
        let (queue, jobs) = crossbeam_channel::bounded(size.queue);
        let mut pool = Self {
            queue: Some(queue),
            threads: Vec::new(),
            patience: size.patience,
        };
        let (started, starts) = crossbeam_channel::bounded(size.threads);
        for number in 0..size.threads {
            let (jobs, started, make_acceptor) =
                (jobs.clone(), started.clone(), make_acceptor.clone());
            let thread = std::thread::Builder::new()
                .name(format!("spnego-accept-{number}"))
                .spawn(move || {
                    let (acceptor, outcome) = match make_acceptor() {
                        Ok(acceptor) => (Some(acceptor), Ok(())),
                        Err(error) => (None, Err(error)),
                    };
                    // Nobody listens any more if another thread failed to start.
                    let _ = started.send(outcome);
                    // `start` waits until no thread has one.
                    drop(started);
                    if acceptor.is_some() {
                        run(&jobs, acceptor, make_acceptor);
                    }
                })
                .map_err(|error| ConfigError::Thread(error.to_string()))?;
            pool.threads.push(thread);
        }
        drop(started);
        starts.into_iter().collect::<Result<(), _>>()?;
        Ok(pool)
    }

    /// Has a thread accept the token. Dropping the future takes the token out of the queue.
    pub(super) async fn accept(&self, token: Vec<u8>) -> Outcome {
        let (reply, outcome) = oneshot::channel();
        let Some(queue) = &self.queue else {
            return Err(Error::new(ErrorKind::Internal).into());
        };
        match queue.try_send(Job { token, reply }) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                return Err(Error::new(ErrorKind::Busy)
                    .with_detail("the accept queue is full")
                    .into());
            }
            Err(TrySendError::Disconnected(_)) => {
                return Err(Error::new(ErrorKind::Internal).into());
            }
        }
        match tokio::time::timeout(self.patience, outcome).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(Error::new(ErrorKind::Internal).into()),
            Err(_) => Err(Error::new(ErrorKind::Busy)
                .with_detail(format!(
                    "no accept thread answered within {:?}",
                    self.patience
                ))
                .into()),
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            // A thread that panicked outside of `catch_unwind` has nothing left to say.
            let _ = thread.join();
        }
    }
}

fn run<M, A>(jobs: &Receiver<Job>, mut acceptor: Option<A>, make_acceptor: M)
where
    M: Fn() -> Result<A, ConfigError>,
    A: FnMut(&[u8]) -> Outcome,
{
    for Job { token, reply } in jobs {
        if reply.is_closed() {
            continue;
        }
        let step = AssertUnwindSafe(|| {
            let accept = match &mut acceptor {
                Some(accept) => accept,
                None => acceptor.insert(
                    make_acceptor()
                        .map_err(|error| Error::new(ErrorKind::Internal).with_source(error))?,
                ),
            };
            accept(&token)
        });
        let outcome = catch_unwind(step).unwrap_or_else(|_| {
            acceptor = None;
            Err(Error::new(ErrorKind::Internal)
                .with_detail("an accept thread panicked")
                .into())
        });
        // The request may have gone meanwhile.
        let _ = reply.send(outcome);
    }
}

#[cfg(test)]
mod tests {
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
}
