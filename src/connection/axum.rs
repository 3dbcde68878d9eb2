//! What `axum::serve` knows of a connection.

use std::any::Any;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Extension;
use axum::extract::ConnectInfo;
use axum::extract::connect_info::Connected;
use axum::middleware::AddExtension;
use axum::serve::{IncomingStream, Listener};
use http::Extensions;
use tokio::net::{TcpListener, UnixListener};
use tower_layer::Layer;
use tower_service::Service;

use super::SpnegoConnection;

pub(super) fn from_connect_info(request: &Extensions) -> Option<&SpnegoConnection> {
    let info = request.get::<ConnectInfo<SpnegoConnection>>()?;
    Some(&info.0)
}

/// Says where handlers look for it whom a request came from, unless somebody has said so.
pub(crate) fn name_peer(request: &mut Extensions) {
    let peer = SpnegoConnection::of(request).and_then(SpnegoConnection::peer);
    if let Some(peer) = peer
        && request.get::<ConnectInfo<SocketAddr>>().is_none()
    {
        request.insert(ConnectInfo(peer));
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

/// Gives each connection of any listener (`tap_io`, TLS, one of your own) its
/// [`SpnegoConnection`], beside any `ConnectInfo`.
///
/// ```no_run
/// # async fn serve(app: axum::Router, listener: tokio::net::TcpListener) -> std::io::Result<()> {
/// use std::net::SocketAddr;
/// use axum::serve::ListenerExt;
/// use tower_spnego::Connections;
///
/// let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
/// axum::serve(listener, Connections(app.into_make_service())).await
/// # }
/// ```
///
/// The peer's address is known where the listener's is a [`SocketAddr`].
#[derive(Debug, Clone, Copy)]
pub struct Connections<M>(pub M);

impl<'a, M, S, F, L> Service<IncomingStream<'a, L>> for Connections<M>
where
    M: Service<IncomingStream<'a, L>, Response = S, Error = Infallible, Future = F>,
    F: Future<Output = Result<S, Infallible>> + Send + 'static,
    L: Listener,
{
    type Response = AddExtension<S, SpnegoConnection>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, stream: IncomingStream<'a, L>) -> Self::Future {
        let address: &dyn Any = stream.remote_addr();
        let connection = SpnegoConnection::new(address.downcast_ref().copied());
        let service = self.0.call(stream);
        Box::pin(async move { Ok(Extension(connection).layer(service.await?)) })
    }
}
