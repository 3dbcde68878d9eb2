//! A request's whole trip: through the [gate](crate::gate) to the handler, and back with the answer.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum_core::response::{IntoResponse, Response};
use http::Request;
use http_body::Body;
use tower_service::Service;

use crate::authorization;
use crate::future::ResponseFuture;
use crate::gate::Gate;
use crate::response;

/// The service that [`SpnegoLayer`](crate::SpnegoLayer) makes.
#[derive(Clone)]
pub struct Spnego<S> {
    inner: S,
    gate: Arc<Gate>,
}

impl<S> Spnego<S> {
    pub(crate) fn new(inner: S, gate: Arc<Gate>) -> Self {
        Self { inner, gate }
    }
}

impl<S, B> Service<Request<B>> for Spnego<S>
where
    S: Service<Request<B>> + Clone + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
{
    type Response = Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The clone may not be ready; the service that was polled is.
        // https://docs.rs/tower/latest/tower/trait.Service.html#be-careful-when-cloning-inner-services
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let gate = Arc::clone(&self.gate);
        let (mut parts, body) = request.into_parts();
        authorization::hide(&mut parts.headers);
        ResponseFuture::new(async move {
            let asked = gate.asked(&parts);
            let mut visit = match gate.admit(&parts, &asked).await {
                Ok(visit) => visit,
                Err(refusal) => {
                    // Whatever it had ready, a stranger's slow body is no reason to hold it.
                    drop(inner);
                    Box::pin(response::read_body(&parts, body)).await;
                    return Ok(gate.refusals.respond(refusal, &asked));
                }
            };
            let made_by = gate.logins.made_by();
            visit.enter(&mut parts.extensions, made_by, &gate.directory);
            let answer = inner.call(Request::from_parts(parts, body)).await?;
            let mut answer = answer.into_response();
            let left = visit.leave(&mut answer, &gate.logins, &gate.refusals, &asked);
            match left.await {
                Ok(()) => Ok(answer),
                Err(error) => Ok(gate.refusals.respond(error.into(), &asked)),
            }
        })
    }
}

impl<S: fmt::Debug> fmt::Debug for Spnego<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spnego")
            .field("inner", &self.inner)
            .field("services", &self.gate.acceptor.principals())
            .finish_non_exhaustive()
    }
}
