//! The servers of a directory, any of which answers for all.

use std::time::Duration;

use tokio::time::Instant;

use super::connection::{Endpoint, SharedConnection};
use super::lookup::Query;
use super::outcome::Answer;
use crate::directory::DirectoryError;

/// At least one.
pub(super) struct Servers {
    connection: SharedConnection,
    timeout: Duration,
}

impl Servers {
    pub(super) fn new(endpoint: Endpoint, timeout: Duration) -> Self {
        Self {
            connection: SharedConnection::new(endpoint),
            timeout,
        }
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        self.connection.endpoint()
    }

    /// For one question to the directory.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(super) async fn search(
        &self,
        query: &Query<'_>,
        deadline: Instant,
    ) -> Result<Answer, DirectoryError> {
        let answer = self.connection.search(query, deadline).await;
        answer.map_err(|failure| {
            failure.explain(self.endpoint().address.url().as_str(), self.timeout)
        })
    }
}
