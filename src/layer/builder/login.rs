//! How long a login lasts.

use std::time::Duration;

use super::SpnegoLayerBuilder;
#[cfg(feature = "testing")]
use crate::clock::Clock;
use crate::login::SessionStore;

/// # The login
impl SpnegoLayerBuilder {
    /// Ends a login this long after the sign-in, or at the ticket's end if that is earlier. 600
    /// minutes unless said otherwise. The rest of the session stays, and a browser with a ticket is
    /// signed in again unseen, under the same session id: who stole the cookie is shut out only
    /// until then.
    pub fn expire_login(mut self, after: Duration) -> Self {
        self.about_logins = Some("expire_login");
        self.policy.limit = Some(after);
        self
    }

    /// Lets a login last as long as its session, whatever the ticket's end. The time at which Active
    /// Directory ends an account's sessions by force ends it all the same
    /// ([`Pac::kick_off`](crate::Pac::kick_off)).
    pub fn never_expire_login(mut self) -> Self {
        self.about_logins = Some("never_expire_login");
        self.policy.limit = None;
        self
    }

    /// Lets a login last beyond the ticket's end, up to the limit of
    /// [`expire_login`](Self::expire_login), though not beyond the time at which Active Directory
    /// ends an account's sessions by force ([`Pac::kick_off`](crate::Pac::kick_off)).
    pub fn outlive_ticket(mut self) -> Self {
        self.about_logins = Some("outlive_ticket");
        self.policy.outlive_ticket = true;
        self
    }

    /// Ends a login, besides, when it has gone without a request for this long. There is no such
    /// limit unless said.
    ///
    /// A use is written down once in a tenth of that time, for each writing saves the whole session
    /// and can undo what a parallel request writes into it; so a login may end a tenth early. What
    /// passes through another layer on the same session counts as a use only if that layer has an
    /// idle timeout, too.
    pub fn idle_timeout(mut self, idle: Duration) -> Self {
        self.about_logins = Some("idle_timeout");
        self.policy.idle = Some(idle);
        self
    }

    /// Empties the whole session when its login ends by itself, in place of the login alone: at the
    /// next request, which gets a session with another id, if any.
    pub fn flush_on_expiry(mut self) -> Self {
        self.about_logins = Some("flush_on_expiry");
        self.policy.flush = true;
        self
    }

    /// Asks the directory again about a login that is live, when it was asked last this long ago. It is
    /// not asked again unless this is said: a login goes on to its end, whatever has become of its user.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_spnego::SpnegoLayer;
    ///
    /// let builder = SpnegoLayer::builder().recheck_every(Duration::from_secs(5 * 60));
    /// ```
    ///
    /// - **When.** At the first request after that time, which waits for the answer. Without a request
    ///   nobody is asked about, and what is under way, such as a WebSocket, goes on.
    /// - **How often.** Each server asks once for a login, however many of its requests are waiting; each
    ///   by itself, unless the session tells it that another one has asked meanwhile. A
    ///   [`Cached`](crate::Cached) directory is asked anew.
    /// - **What it changes.** Handlers see what the directory says now: groups, roles, names. The
    ///   [rules on groups](Self::require_group) are judged again. Session id and expiry stay.
    /// - **Who is gone**, disabled, denied by a rule or another person by their
    ///   [`id`](crate::User::id) gets 403 as at a sign-in, and the login has ended: no request that is
    ///   under way brings it back. The rest of the session stays theirs. A lock of wrong passwords
    ///   throws nobody out.
    /// - **While the directory is down**, the login goes on for the time of
    ///   [`recheck_grace`](Self::recheck_grace).
    ///
    /// There is no new ticket in this. What a directory has out of the ticket it keeps as it was at the
    /// sign-in: a [`TicketDirectory`](crate::TicketDirectory), or an `LdapDirectory` with
    /// `GroupSearch::Ticket`, learns of no group; [`PrincipalOnly`](crate::PrincipalOnly) learns nothing
    /// at all. A directory of your own is asked by [`Directory::recheck`](crate::Directory::recheck).
    ///
    /// The interval is each layer's own; a login that another layer of the same settings has made counts
    /// from when its directory was asked last.
    pub fn recheck_every(mut self, interval: Duration) -> Self {
        self.about_logins = Some("recheck_every");
        self.policy.recheck_every = Some(interval);
        self
    }

    /// Lets a login go on for this long when it is time to [ask the directory
    /// again](Self::recheck_every) and it can't answer: it is unavailable, or does not serve us as set
    /// up. Then the answer is 503, until it can. Unless said otherwise it is the interval once more, so
    /// that no answer is older than twice that; zero lets nobody go on.
    ///
    /// In that time the directory is tried again every 10 seconds, at a request.
    pub fn recheck_grace(mut self, grace: Duration) -> Self {
        self.about_logins = Some("recheck_grace");
        self.policy.recheck_grace = Some(grace);
        self
    }

    /// Names the store of the session layer around this one, so that a login that has been ended
    /// before its time is known by all servers that share it. **An application that runs in several
    /// processes needs it.**
    ///
    /// tower-sessions saves a whole session after the handler: a request that is under way during a
    /// [logout](crate::Login::logout) brings the old session back, in most stores. What it brings
    /// back counts for nothing: the store holds a record that says which login has ended, until
    /// one made now would expire (where it never does, until a day after its session), and each request
    /// with a live login looks for it. That is one more question to the store for each. Without the
    /// store this process remembers what has been ended in it, for all its layers, and asks nobody.
    ///
    /// How much a store must hold is in
    /// [`guide::load_balancers`](crate::guide::load_balancers#the-session-store).
    ///
    /// ```
    /// # use tower_spnego::{SpnegoLayer, SpnegoLayerBuilder};
    /// # use tower_sessions::{MemoryStore, SessionManagerLayer};
    /// # fn sessions(builder: SpnegoLayerBuilder) {
    /// let store = MemoryStore::default(); // in earnest one that servers share
    /// let builder = builder.session_store(store.clone());
    /// let sessions = SessionManagerLayer::new(store);
    /// # }
    /// ```
    pub fn session_store(mut self, store: impl SessionStore) -> Self {
        self.about_logins = Some("session_store");
        self.ended_logins.in_store(store);
        self
    }

    /// Keeps no login: each request brings a token or, with [`basic`](Self::basic), a password, is
    /// judged by the directory anew, and leaves nothing behind. For an API whose clients are programs.
    /// It needs no session layer, does not touch one that is there, and sends no cookie.
    ///
    /// ```no_run
    /// use axum::{Router, routing::get};
    /// use tower_spnego::{Directory, SpnegoLayer, User};
    ///
    /// # fn app(directory: impl Directory) -> Result<Router, tower_spnego::ConfigError> {
    /// let spnego = SpnegoLayer::builder()
    ///     .realm("CORP.EXAMPLE.COM")
    ///     .hostname("api.corp.example.com")
    ///     .directory(directory)
    ///     .stateless()
    ///     .build()?;
    ///
    /// let app = Router::new()
    ///     .route("/whoami", get(async |user: User| user.username().to_owned()))
    ///     .layer(spnego);
    /// # Ok(app)
    /// # }
    /// ```
    ///
    /// - A token counts once, so that each request needs another; clients make them out of the one
    ///   ticket that they have. A [handshake of several requests](crate::SpnegoConnection) goes on as
    ///   ever, on its connection.
    /// - Each password is checked by the KDC, and an account has one check at a time.
    /// - The directory is asked at every request, and while it is down the answer is 503.
    /// - Other sites' pages are kept out as ever: a browser sends its ticket here as well.
    /// - [`Login`](crate::Login) is there for the request. It [expires](crate::Login::expires) with
    ///   the ticket, for what lasts longer, such as a WebSocket; its
    ///   [`logout`](crate::Login::logout) fails ([`NoLogout`](crate::ErrorKind::NoLogout)).
    ///
    /// Settings about logins that are kept are a mistake beside it
    /// ([`ConfigError::Stateless`](crate::ConfigError::Stateless)): [`expire_login`](Self::expire_login),
    /// [`never_expire_login`](Self::never_expire_login), [`outlive_ticket`](Self::outlive_ticket),
    /// [`idle_timeout`](Self::idle_timeout), [`flush_on_expiry`](Self::flush_on_expiry),
    /// [`recheck_every`](Self::recheck_every), [`recheck_grace`](Self::recheck_grace),
    /// [`session_store`](Self::session_store) and [`sign_in_path`](Self::sign_in_path).
    pub fn stateless(mut self) -> Self {
        self.stateless = true;
        self
    }

    /// Replaces the clock by which logins expire, for tests.
    #[cfg(feature = "testing")]
    #[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
    pub fn clock(
        mut self,
        now: impl Fn() -> std::time::SystemTime + Send + Sync + 'static,
    ) -> Self {
        self.clock = Clock::new(now);
        self
    }

    /// Lets the layer know nothing of what other layers of this process know, so that it stands for
    /// a server of its own, in tests.
    #[cfg(feature = "testing")]
    #[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
    pub fn as_another_process(mut self) -> Self {
        self.ended_logins.set_apart();
        self
    }
}
