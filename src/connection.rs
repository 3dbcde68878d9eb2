//! [`SpnegoConnection`], what a server knows of a request's connection.

use std::net::SocketAddr;

use axum::extract::connect_info::Connected;
use axum::serve::IncomingStream;
use tokio::net::{TcpListener, UnixListener};

/// The connection that a request came over, as axum's
/// [`ConnectInfo`](axum::extract::ConnectInfo).
///
/// ```no_run
/// # async fn serve(app: axum::Router, listener: tokio::net::TcpListener) -> std::io::Result<()> {
/// use tower_spnego::SpnegoConnection;
///
/// axum::serve(listener, app.into_make_service_with_connect_info::<SpnegoConnection>()).await
/// # }
/// ```
///
/// It never holds an identity: who is signed in is told by the request alone, because a proxy sends
/// the requests of many people over one connection.
#[derive(Debug, Clone)]
pub struct SpnegoConnection {
    peer: Option<SocketAddr>,
}

impl SpnegoConnection {
    /// A connection from this address; `None` where the listener has none, as a Unix socket.
    pub fn new(peer: Option<SocketAddr>) -> Self {
        Self { peer }
    }

    /// The address at the other end.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }
}

impl Connected<IncomingStream<'_, TcpListener>> for SpnegoConnection {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Self {
        Self::new(Some(*stream.remote_addr()))
    }
}

impl Connected<IncomingStream<'_, UnixListener>> for SpnegoConnection {
    fn connect_info(_: IncomingStream<'_, UnixListener>) -> Self {
        Self::new(None)
    }
}
