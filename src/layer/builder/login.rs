//! How long a login lasts.

use std::time::Duration;

use super::SpnegoLayerBuilder;
#[cfg(feature = "testing")]
use crate::clock::Clock;

/// # The login
impl SpnegoLayerBuilder {
    /// Ends a login this long after the sign-in, or at the ticket's end if that is earlier. 600
    /// minutes unless said otherwise. The rest of the session stays, and a browser with a ticket is
    /// signed in again unseen, under the same session id: who stole the cookie is shut out only
    /// until then.
    pub fn expire_login(mut self, after: Duration) -> Self {
        self.policy.limit = Some(after);
        self
    }

    /// Lets a login last as long as its session, whatever the ticket's end.
    pub fn never_expire_login(mut self) -> Self {
        self.policy.limit = None;
        self
    }

    /// Lets a login last beyond the ticket's end, up to the limit of
    /// [`expire_login`](Self::expire_login).
    pub fn outlive_ticket(mut self) -> Self {
        self.policy.outlive_ticket = true;
        self
    }

    /// Replaces the clock by which logins expire, for tests.
    #[cfg(feature = "testing")]
    pub fn clock(
        mut self,
        now: impl Fn() -> std::time::SystemTime + Send + Sync + 'static,
    ) -> Self {
        self.clock = Clock::new(now);
        self
    }
}
