//! One server: its connection, and what is known of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::super::connection::{Endpoint, Reconnect, SharedConnection};
use super::super::failure::{Failure, Reason};
use super::super::lookup::Query;
use super::super::outcome::Answer;
use super::FAIR_TIME;
use super::health::Health;

/// How long a server that failed may take to connect, where nobody waits for it.
const TRIAL: Duration = Duration::from_secs(5);

pub(in super::super) struct Server {
    connection: SharedConnection,
    health: Mutex<Health>,
}

impl Server {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self {
            connection: SharedConnection::new(endpoint),
            health: Mutex::default(),
        }
    }

    #[cfg(feature = "doctor")]
    pub(in super::super) fn endpoint(&self) -> &Endpoint {
        self.connection.endpoint()
    }

    pub(super) fn url(&self) -> &str {
        self.connection.endpoint().address.url().as_str()
    }

    pub(super) async fn search(
        &self,
        query: &Query<'_>,
        until: Instant,
        reconnect: Reconnect,
    ) -> Result<Answer, Failure> {
        let outcome = self.connection.search(query, until, reconnect).await;
        let outcome = outcome.and_then(|answer| match answer.unavailable() {
            Some(refused) => Err(Failure::Unavailable(refused)),
            None => Ok(answer),
        });
        match &outcome {
            Err(Failure::TimedOut(waited)) if *waited < FAIR_TIME => {}
            Err(failure) if failure.is_the_servers() => self.failed(failure),
            // Also a refusal is an answer.
            _ => self.works(),
        }
        outcome
    }

    pub(super) fn is_passed_over(&self) -> bool {
        self.health().is_passed_over()
    }

    /// Tries to connect if it is time to, so that nobody waits for a server that may still hang.
    pub(super) fn try_in_background(self: &Arc<Self>) {
        if !self.health().begin_trial(Instant::now()) {
            return;
        }
        let trial = Trial {
            server: Arc::clone(self),
            is_connected: false,
        };
        tokio::spawn(async move {
            let mut trial = trial;
            let connection = trial.server.connection.connection(Reconnect::Wait);
            trial.is_connected = matches!(timeout(TRIAL, connection).await, Ok(Ok(_)));
        });
    }

    fn works(&self) {
        if self.health().works() {
            tracing::info!(server = self.url(), "the LDAP server answers again");
        }
    }

    fn failed(&self, failure: &Failure) {
        let Some(pause) = self.health().failed(Instant::now()) else {
            return;
        };
        let reason = Reason(self.url(), failure);
        tracing::warn!(%reason, ?pause, "an LDAP server does not answer, and is passed over");
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends also when the runtime does in which it was begun.
struct Trial {
    server: Arc<Server>,
    is_connected: bool,
}

impl Drop for Trial {
    fn drop(&mut self) {
        self.server
            .health()
            .end_trial(self.is_connected, Instant::now());
    }
}
