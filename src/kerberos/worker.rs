//! Threads for what blocks, and the bounded queue before them.
//!
//! GSSAPI blocks (on the replay cache's lock, on the disk), so it never runs on a thread of
//! tokio's. The threads are joined when the pool is dropped: one that still ran while libkrb5
//! cleans up at exit would abort the process.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError, select};
use tokio::sync::oneshot;
use tracing::Instrument;

use crate::error::{ConfigError, Error, ErrorKind};
use crate::observe::{self, Waiting};

/// Work for a thread, with the tools that it has.
type Job<T> = Box<dyn FnOnce(&mut T) + Send>;

/// What a thread is to drop.
type Waste = Box<dyn Send>;

/// Threads that each have their own tools `T`: a credential that all shared would be slower with
/// two threads than with one.
pub(super) struct Pool<T> {
    /// `None` only while the pool is being dropped.
    queue: Option<Sender<Job<T>>>,
    waste: Sender<Waste>,
    threads: Vec<JoinHandle<()>>,
    size: Size,
}

/// How many threads work, how many jobs may wait for them, and how long each.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    /// The threads' name before their number.
    pub(super) name: &'static str,
    pub(super) threads: usize,
    pub(super) queue: usize,
    pub(super) patience: Duration,
}

impl<T: 'static> Pool<T> {
    /// Starts the threads. Each makes tools of its own, and makes them anew after a panic.
    pub(super) fn start<M>(size: Size, make_tools: M) -> Result<Self, ConfigError>
    where
        M: Fn() -> Result<T, ConfigError> + Clone + Send + 'static,
    {
        let (queue, jobs) = crossbeam_channel::bounded(size.queue);
        let (waste, rubbish) = crossbeam_channel::unbounded();
        let mut pool = Self {
            queue: Some(queue),
            waste,
            threads: Vec::new(),
            size,
        };
        let (started, starts) = crossbeam_channel::bounded(size.threads);
        for number in 0..size.threads {
            let (jobs, rubbish) = (jobs.clone(), rubbish.clone());
            let (started, make_tools) = (started.clone(), make_tools.clone());
            let thread = std::thread::Builder::new()
                .name(format!("{}-{number}", size.name))
                .spawn(move || {
                    let (tools, outcome) = match make_tools() {
                        Ok(tools) => (Some(tools), Ok(())),
                        Err(error) => (None, Err(error)),
                    };
                    // Nobody listens any more if another thread failed to start.
                    let _ = started.send(outcome);
                    // `start` waits until no thread has one.
                    drop(started);
                    if tools.is_some() {
                        run(&jobs, &rubbish, tools, make_tools);
                    }
                })
                .map_err(|error| ConfigError::Thread(error.to_string()))?;
            pool.threads.push(thread);
        }
        drop(started);
        starts.into_iter().collect::<Result<(), _>>()?;
        Ok(pool)
    }

    /// Has a thread do the work. Dropping the future takes it out of the queue.
    pub(super) async fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut T) -> R + Send + 'static,
    ) -> Result<R, Error> {
        let (reply, outcome) = oneshot::channel();
        let waiting = Waiting::of(self.size.name);
        let job: Job<T> = Box::new(move |tools| {
            let running = waiting.begin();
            if !reply.is_closed() {
                let outcome = work(tools);
                running.end();
                // The request may go meanwhile.
                let _ = reply.send(outcome);
            }
        });
        let Some(queue) = &self.queue else {
            return Err(Error::new(ErrorKind::Internal));
        };
        match queue.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                return Err(Error::new(ErrorKind::Busy)
                    .with_detail(format!("the queue of {} is full", self.size.name)));
            }
            Err(TrySendError::Disconnected(_)) => return Err(Error::new(ErrorKind::Internal)),
        }
        let Size { name, patience, .. } = self.size;
        let answered = tokio::time::timeout(patience, outcome);
        match answered.instrument(observe::kerberos(name)).await {
            Ok(Ok(outcome)) => Ok(outcome),
            Ok(Err(_)) => {
                Err(Error::new(ErrorKind::Internal).with_detail(format!("{name} panicked")))
            }
            Err(_) => Err(Error::new(ErrorKind::Busy)
                .with_detail(format!("{name} did not answer within {patience:?}"))),
        }
    }

    /// Who drops what belongs to GSSAPI.
    pub(super) fn disposal(&self) -> Disposal {
        Disposal(self.waste.clone())
    }
}

impl<T> Drop for Pool<T> {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            // A thread that panicked outside of `catch_unwind` has nothing left to say.
            let _ = thread.join();
        }
    }
}

fn run<T, M>(jobs: &Receiver<Job<T>>, rubbish: &Receiver<Waste>, tools: Option<T>, make_tools: M)
where
    M: Fn() -> Result<T, ConfigError>,
{
    let mut tools = tools;
    loop {
        select! {
            // The pool holds a sender until this thread has ended.
            recv(rubbish) -> waste => drop(waste),
            recv(jobs) -> job => match job {
                Ok(job) => work(job, &mut tools, &make_tools),
                Err(_) => break,
            },
        }
    }
    rubbish.try_iter().for_each(drop);
}

fn work<T>(job: Job<T>, tools: &mut Option<T>, make_tools: impl Fn() -> Result<T, ConfigError>) {
    let step = AssertUnwindSafe(|| {
        let tools = match tools {
            Some(tools) => tools,
            None => match make_tools() {
                Ok(made) => tools.insert(made),
                Err(error) => return tracing::error!("{error}"),
            },
        };
        job(tools);
    });
    if catch_unwind(step).is_err() {
        *tools = None;
    }
}

/// Has a pool's threads drop things.
#[derive(Clone)]
pub(super) struct Disposal(Sender<Waste>);

impl Disposal {
    pub(super) fn of<V: Send + 'static>(&self, value: V) -> Disposable<V> {
        Disposable {
            value: Some(value),
            disposal: self.clone(),
        }
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.0.same_channel(&other.0)
    }
}

/// A value that a thread of its pool drops, whoever lets go of it; where the pool has ended, it is
/// dropped on the spot.
pub(super) struct Disposable<V: Send + 'static> {
    /// `None` only once it was taken, or is being dropped.
    value: Option<V>,
    disposal: Disposal,
}

impl<V: Send + 'static> Disposable<V> {
    pub(super) fn take(mut self) -> Option<V> {
        self.value.take()
    }

    pub(super) fn is_of(&self, disposal: &Disposal) -> bool {
        self.disposal.is_same(disposal)
    }
}

impl<V: Send + 'static> Drop for Disposable<V> {
    fn drop(&mut self) {
        if let Some(value) = self.value.take() {
            let _ = self.disposal.0.send(Box::new(value));
        }
    }
}

#[cfg(test)]
mod tests;
