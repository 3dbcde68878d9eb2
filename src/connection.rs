//! [`SpnegoConnection`], what a server knows of a request's connection, and the handshake that is
//! under way on it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::Extensions;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::kerberos::Unfinished;

#[cfg(feature = "axum")]
mod axum;

#[cfg(feature = "axum")]
pub use self::axum::Connections;
#[cfg(feature = "axum")]
pub(crate) use self::axum::name_peer;

/// How long after its first request a handshake may end.
const PATIENCE: Duration = Duration::from_secs(30);

/// The connection that a request came over. With it the layer ties the requests of one handshake
/// together, where a client needs several; without it such a client is refused.
///
/// With `axum::serve` and a TCP or Unix listener it is the `ConnectInfo`, with any other listener
/// `Connections` brings it:
///
#[cfg_attr(feature = "axum", doc = "```no_run")]
#[cfg_attr(not(feature = "axum"), doc = "```ignore")]
/// # async fn serve(app: axum::Router, listener: tokio::net::TcpListener) -> std::io::Result<()> {
/// use tower_spnego::SpnegoConnection;
///
/// axum::serve(listener, app.into_make_service_with_connect_info::<SpnegoConnection>()).await
/// # }
/// ```
///
/// The layer puts the peer's address also where handlers look for it, in a
/// `ConnectInfo<SocketAddr>`: axum has room for one `ConnectInfo`.
///
/// Any other server makes one for each connection, and puts a clone of it into the extensions of
/// each of its requests. It must never be shared by two connections.
///
/// A handshake of several requests lasts no longer than its connection. A refusal reads 1 MiB of the
/// request's body, and none that waits for `100 Continue`; where more is to come, the server closes
/// the connection, and the client's next request is refused. So is one after half a minute, and
/// after another request on the same connection. 1,024 handshakes may be under way at once; one more
/// is answered 503.
///
/// Over HTTP/2 requests share their connection, and such a client is refused. A proxy must keep the
/// requests of one handshake on one connection to the application, with nobody else's between them.
/// nginx doesn't: with `keepalive` such a client signs in as long as nobody comes between, without
/// it never. A client that needs one request is not concerned.
///
/// It never holds an identity: who is signed in is told by the request alone, because a proxy sends
/// the requests of many people over one connection.
#[derive(Clone)]
pub struct SpnegoConnection {
    peer: Option<SocketAddr>,
    pending: Arc<Mutex<Option<Pending>>>,
}

/// A handshake that waits for its next request.
struct Pending {
    handshake: Unfinished,
    until: Instant,
    _timer: Timer,
}

/// Ends the task with the handshake that it watches.
struct Timer(AbortHandle);

impl Drop for Timer {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl SpnegoConnection {
    /// A connection from this address; `None` where the listener has none, as a Unix socket.
    pub fn new(peer: Option<SocketAddr>) -> Self {
        Self {
            peer,
            pending: Arc::default(),
        }
    }

    /// The address at the other end.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// A request's connection, where the server says which it is.
    pub fn of(request: &Extensions) -> Option<&Self> {
        #[cfg(feature = "axum")]
        let from_axum = self::axum::from_connect_info(request);
        #[cfg(not(feature = "axum"))]
        let from_axum = None;
        from_axum.or_else(|| request.get())
    }

    /// Keeps a handshake for the next request, in place of any other.
    pub(crate) fn park(&self, handshake: Unfinished) {
        let slot = Arc::downgrade(&self.pending);
        let until = handshake.begun() + PATIENCE;
        let timer = tokio::spawn(async move {
            tokio::time::sleep_until(until).await;
            if let Some(slot) = slot.upgrade() {
                // Another one may have come meanwhile.
                lock(&slot).take_if(|pending| pending.until <= until);
            }
        });
        *lock(&self.pending) = Some(Pending {
            handshake,
            until,
            _timer: Timer(timer.abort_handle()),
        });
    }

    /// Takes the handshake that is under way: every request goes on with it or ends it.
    pub(crate) fn take(&self) -> Option<Unfinished> {
        let pending = lock(&self.pending).take()?;
        Some(pending.handshake)
    }
}

fn lock(pending: &Mutex<Option<Pending>>) -> MutexGuard<'_, Option<Pending>> {
    pending.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for SpnegoConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpnegoConnection")
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}
