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
mod tests;
