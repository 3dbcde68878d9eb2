//! One question to the directory: all searches that it takes, within one time.

use ldap3::Scope;
use tokio::time::Instant;

use super::entry::{Entry, parse};
use super::outcome::Answer;
use super::servers::{Order, Servers};
use crate::directory::DirectoryError;

/// The filter that every entry passes.
pub(super) const ANY: &str = "(objectClass=*)";

/// A search (RFC 4511 section 4.5.1).
pub(super) struct Query<'a> {
    pub(super) base: &'a str,
    pub(super) scope: Scope,
    pub(super) filter: &'a str,
    pub(super) attributes: &'a [String],
    /// How many entries are wanted at most.
    pub(super) limit: u16,
}

/// Made once for each sign-in, so that nobody waits longer than the directory's timeout however many
/// searches it takes.
pub(super) struct Lookup<'a> {
    servers: &'a Servers,
    order: Order,
    deadline: Instant,
}

impl<'a> Lookup<'a> {
    pub(super) fn new(servers: &'a Servers) -> Self {
        Self {
            servers,
            order: Order::new(),
            deadline: Instant::now() + servers.timeout(),
        }
    }

    pub(super) async fn search(&self, query: Query<'_>) -> Result<Answer, DirectoryError> {
        let (order, deadline) = (&self.order, self.deadline);
        self.servers.search(order, &query, deadline).await
    }

    /// The entry of this DN; none where the server has it not, or not for us.
    pub(super) async fn read(
        &self,
        dn: &str,
        attributes: &[String],
    ) -> Result<Option<Entry>, DirectoryError> {
        let query = Query {
            base: dn,
            scope: Scope::Base,
            filter: ANY,
            attributes,
            limit: 1,
        };
        let answer = self.search(query).await?;
        if answer.has_no_base() {
            return Ok(None);
        }
        let mut entries = answer.all_entries(&format!("for {dn:?}"))?;
        entries.pop().map(parse).transpose()
    }
}
