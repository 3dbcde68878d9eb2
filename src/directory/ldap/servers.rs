//! The servers of a directory, any of which answers for all.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::Instant;

use self::server::Server;
use super::connection::{Endpoint, Reconnect};
use super::failure::none_answers;
use super::lookup::Query;
use super::outcome::Answer;
use super::pause::random_below;
use crate::directory::DirectoryError;

mod health;
mod server;
#[cfg(feature = "srv")]
pub(super) mod srv;

/// At least one.
pub(super) struct Servers {
    list: List,
    timeout: Duration,
    /// The name to bind as.
    bind: Option<String>,
}

pub(super) enum List {
    Named {
        /// As they were named.
        servers: Vec<Arc<Server>>,
        in_random_order: bool,
    },
    #[cfg(feature = "srv")]
    OfDomain(Arc<srv::Srv>),
}

impl List {
    pub(super) fn named(endpoints: Vec<Endpoint>, in_random_order: bool) -> Self {
        let servers = endpoints.into_iter().map(Server::new).map(Arc::new);
        Self::Named {
            servers: servers.collect(),
            in_random_order,
        }
    }
}

/// The servers in the order in which one question to the directory tries them, drawn once: it
/// stays with the server that answers it, so that no search of it meets another one's state.
pub(super) type Order = OnceCell<Vec<Arc<Server>>>;

/// A server that had less time than this to answer is not to blame.
const FAIR_TIME: Duration = Duration::from_millis(250);

impl Servers {
    pub(super) fn new(list: List, timeout: Duration, bind: Option<String>) -> Self {
        Self {
            list,
            timeout,
            bind,
        }
    }

    pub(super) fn bind(&self) -> Option<&str> {
        self.bind.as_deref()
    }

    #[cfg(feature = "doctor")]
    pub(super) fn asked_of_dns(&self) -> Option<(&str, Option<std::net::SocketAddr>)> {
        match &self.list {
            List::OfDomain(srv) => Some((srv.domain(), srv.dns_server())),
            List::Named { .. } => None,
        }
    }

    /// The realm of the account that binds with a ticket.
    #[cfg(feature = "doctor")]
    pub(super) fn kdc_realm(&self) -> Option<&str> {
        match &self.list {
            List::OfDomain(srv) => srv.kdc_realm(),
            List::Named { servers, .. } => servers.first()?.endpoint().kdc_realm(),
        }
    }

    /// For one question to the directory.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// What tells these servers from others, in whichever order they are named.
    pub(super) fn fingerprint(&self) -> String {
        match &self.list {
            List::Named { servers, .. } => {
                let mut urls: Vec<_> = servers.iter().map(|server| server.url()).collect();
                urls.sort_unstable();
                urls.dedup();
                urls.join(" ")
            }
            #[cfg(feature = "srv")]
            List::OfDomain(srv) => format!("dns:{}", srv.domain()),
        }
    }

    /// Asks the servers in turn until one answers.
    pub(super) async fn search(
        &self,
        order: &Order,
        query: &Query<'_>,
        deadline: Instant,
    ) -> Result<Answer, DirectoryError> {
        let order = order.get_or_try_init(|| self.draw(deadline)).await?;
        let candidates = by_health(order);
        let mut failures = Vec::new();
        for (index, server) in candidates.iter().enumerate() {
            let now = Instant::now();
            let left = deadline.saturating_duration_since(now);
            // A server that hangs leaves half of the time to the others.
            let (until, reconnect) = match index + 1 == candidates.len() {
                true => (deadline, Reconnect::Wait),
                false => (now + left / 2, Reconnect::Later),
            };
            match server.search(query, until, reconnect).await {
                Ok(answer) => return Ok(answer),
                Err(failure) if !failure.is_the_servers() => {
                    return Err(failure.explain(server.url()));
                }
                Err(failure) => failures.push((server.url().to_owned(), failure)),
            }
        }
        Err(none_answers(failures))
    }

    /// In the order of one question.
    #[cfg_attr(not(feature = "srv"), expect(unused_variables))]
    pub(super) async fn draw(&self, deadline: Instant) -> Result<Vec<Arc<Server>>, DirectoryError> {
        match &self.list {
            List::Named {
                servers,
                in_random_order: false,
            } => Ok(servers.clone()),
            List::Named { servers, .. } => Ok(shuffled(servers)),
            #[cfg(feature = "srv")]
            List::OfDomain(srv) => srv.draw(deadline).await,
        }
    }
}

/// Those that are passed over come last, for the case that nobody else answers. Where there is
/// somebody else, they are tried in the background when it is time.
fn by_health(order: &[Arc<Server>]) -> Vec<&Arc<Server>> {
    let (mut candidates, passed_over): (Vec<_>, Vec<_>) =
        order.iter().partition(|server| !server.is_passed_over());
    if !candidates.is_empty() {
        for server in &passed_over {
            server.try_in_background();
        }
    }
    candidates.extend(passed_over);
    candidates
}

fn shuffled<T: Clone>(items: &[T]) -> Vec<T> {
    let mut left = items.to_vec();
    let mut shuffled = Vec::with_capacity(left.len());
    while let Ok(count @ 1..) = u32::try_from(left.len()) {
        shuffled.push(left.swap_remove(random_below(count) as usize));
    }
    shuffled
}

#[cfg(test)]
mod tests;
