//! One connection that all requests share, made anew when it is lost.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use super::super::bind::Bind;
use super::super::failure::Failure;
use super::super::lookup::Query;
use super::super::outcome::Answer;
use super::super::pause::{Pauses, jittered};
use super::{Connection, Endpoint};

/// Firewalls forget a connection that nobody uses, and tell neither end: the next search would wait
/// for nothing.
const IDLE: Duration = Duration::from_secs(120);

/// Between attempts to connect to a server that is down.
const RECONNECT: Pauses = Pauses {
    first: Duration::from_millis(50),
    factor: 2,
    longest: Duration::from_secs(1),
};

/// The connection of an [`Endpoint`].
pub(in super::super) struct SharedConnection {
    endpoint: Endpoint,
    slot: Mutex<Option<Kept>>,
    /// Held while connecting, so that a burst of requests makes one connection. What comes about is
    /// put into the slot when it is whole; a request that gives up leaves nothing behind.
    connecting: tokio::sync::Mutex<Option<Failed>>,
}

struct Kept {
    connection: Arc<Connection>,
    used: Instant,
    /// When it has served long enough.
    ends: Instant,
}

/// The last attempt to connect.
struct Failed {
    failure: Failure,
    /// How often in a row.
    times: u32,
    at: Instant,
    /// When to try again.
    again: Instant,
}

/// How a server that was down a moment ago is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Reconnect {
    /// Not yet: another server may answer sooner.
    Later,
    /// After a pause, since there is no other.
    Wait,
}

impl SharedConnection {
    pub(in super::super) fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            slot: Mutex::new(None),
            connecting: tokio::sync::Mutex::new(None),
        }
    }

    pub(in super::super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// A connection that turns out to be lost is made anew, once.
    pub(in super::super) async fn search(
        &self,
        query: &Query<'_>,
        deadline: Instant,
        reconnect: Reconnect,
    ) -> Result<Answer, Failure> {
        let time = rounded(deadline.saturating_duration_since(Instant::now()));
        match self.attempt(query, deadline, reconnect).await {
            // The loss of a connection shows when it is used: a server may have restarted since.
            Err(Failure::Lost(_)) => self.attempt(query, deadline, reconnect).await,
            first => first,
        }
        .map_err(|failure| match failure {
            Failure::TimedOut(_) => Failure::TimedOut(time),
            other => other,
        })
    }

    async fn attempt(
        &self,
        query: &Query<'_>,
        deadline: Instant,
        reconnect: Reconnect,
    ) -> Result<Answer, Failure> {
        let timed_out = |_| Failure::TimedOut(Duration::ZERO);
        let connection = timeout_at(deadline, self.connection(reconnect))
            .await
            .map_err(timed_out)??;
        let answer = timeout_at(deadline, connection.search(query, deadline))
            .await
            .unwrap_or_else(|elapsed| Err(timed_out(elapsed)));
        if answer.is_err() {
            self.forget(&connection);
        }
        answer
    }

    /// Connects, if there is no connection.
    pub(in super::super) async fn connection(
        &self,
        reconnect: Reconnect,
    ) -> Result<Arc<Connection>, Failure> {
        if let Some(connection) = self.kept() {
            return Ok(connection);
        }
        let arrived = Instant::now();
        let mut failed = self.connecting.lock().await;
        if let Some(connection) = self.kept() {
            return Ok(connection);
        }
        if let Some(failed) = &*failed {
            // Whoever waited for an attempt has its outcome too.
            if failed.at >= arrived
                || (reconnect == Reconnect::Later && Instant::now() < failed.again)
            {
                return Err(failed.failure.clone());
            }
            sleep_until(failed.again).await;
        }
        match self.open().await {
            Ok(connection) => {
                *failed = None;
                Ok(connection)
            }
            Err(failure) => {
                let times = failed.as_ref().map_or(0, |failed| failed.times) + 1;
                let at = Instant::now();
                *failed = failure.is_the_servers().then(|| Failed {
                    failure: failure.clone(),
                    times,
                    at,
                    again: at + RECONNECT.after(times),
                });
                Err(failure)
            }
        }
    }

    async fn open(&self) -> Result<Arc<Connection>, Failure> {
        let secret = self.endpoint.bind.as_ref().map(Bind::secret);
        let attempt = self.endpoint.refused_secret.attempt(secret)?;
        let opened = Connection::open(&self.endpoint).await;
        attempt.ended(&opened);
        let connection = Arc::new(opened?);
        let now = Instant::now();
        *self.lock() = Some(Kept {
            connection: connection.clone(),
            used: now,
            ends: now + jittered(self.endpoint.connection_age),
        });
        Ok(connection)
    }

    fn kept(&self) -> Option<Arc<Connection>> {
        let mut slot = self.lock();
        let kept = slot.as_mut()?;
        let now = Instant::now();
        if kept.connection.is_over() || kept.used + IDLE < now || kept.ends < now {
            *slot = None;
            return None;
        }
        kept.used = now;
        Some(kept.connection.clone())
    }

    fn forget(&self, lost: &Arc<Connection>) {
        let mut slot = self.lock();
        if slot
            .as_ref()
            .is_some_and(|kept| Arc::ptr_eq(&kept.connection, lost))
        {
            *slot = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Kept>> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As a person would say it.
fn rounded(time: Duration) -> Duration {
    let hundredths = (time.as_millis() + 5) / 10;
    Duration::from_millis(
        u64::try_from(hundredths)
            .unwrap_or(u64::MAX)
            .saturating_mul(10),
    )
}

#[cfg(test)]
mod tests;
