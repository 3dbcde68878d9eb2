//! A request's whole trip.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum_core::response::{IntoResponse, Response};
use http::Request;
use http::request::Parts;
use http_body::Body;
use tower_service::Service;

use crate::authorization::{Credentials, credentials};
use crate::cross_site::CrossSite;
use crate::directory::{Directory, SharedDirectory};
use crate::error::{Error, ErrorKind};
use crate::extract;
use crate::future::ResponseFuture;
use crate::initiator::Initiator;
use crate::kerberos::{Accepted, Acceptor};
use crate::login::{Login, Logins, RequestSession, SignIn};
use crate::principal::AllowedRealms;
use crate::response::{self, Refusal};
use crate::user::User;

/// The service that [`SpnegoLayer`](crate::SpnegoLayer) makes.
#[derive(Clone)]
pub struct Spnego<S> {
    inner: S,
    gate: Arc<Gate>,
}

/// What every request passes.
pub(crate) struct Gate {
    pub(crate) cross_site: CrossSite,
    pub(crate) acceptor: Acceptor,
    pub(crate) realms: AllowedRealms,
    pub(crate) directory: SharedDirectory,
    pub(crate) logins: Logins,
    pub(crate) optional: bool,
}

/// A request that may go on to the handler.
struct Visit {
    /// `None` only in optional mode.
    login: Option<Login>,
    /// The login is new, and is written once the handler has answered.
    sign_in: Option<Box<SignIn>>,
    session: RequestSession,
    final_token: Vec<u8>,
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
        ResponseFuture::new(async move {
            let as_html = response::wants_html(&parts.headers);
            let mut visit = match gate.admit(&parts).await {
                Ok(visit) => visit,
                Err(refusal) => {
                    // Whatever it had ready, a stranger's slow body is no reason to hold it.
                    drop(inner);
                    Box::pin(response::read_body(&parts, body)).await;
                    return Ok(refusal.into_response(as_html));
                }
            };
            extract::enter(
                &mut parts.extensions,
                gate.logins.made_by(),
                visit.login.as_ref(),
            );
            let answer = inner.call(Request::from_parts(parts, body)).await?;
            let mut answer = answer.into_response();
            match visit.leave(&mut answer).await {
                Ok(()) => Ok(answer),
                Err(error) => Ok(Refusal::from(error).into_response(as_html)),
            }
        })
    }
}

impl Gate {
    async fn admit(&self, parts: &Parts) -> Result<Visit, Refusal> {
        self.cross_site.check(parts).map_err(Error::new)?;
        let credentials = credentials(&parts.headers).map_err(Error::new)?;
        let session = RequestSession::of(&parts.extensions)?;
        let login = match (
            extract::passed(&parts.extensions, self.logins.made_by()),
            credentials,
        ) {
            (Some(login), _) => login,
            (None, Credentials::Negotiate(token)) => {
                // Boxed, as what is rare is here: every request's future would have room for it.
                return Box::pin(self.sign_in(token, session)).await;
            }
            (None, Credentials::None) => self.logins.read(&session).await?,
        };
        if login.is_none() && !self.optional {
            return Err(Error::new(ErrorKind::NoCredentials).into());
        }
        Ok(Visit {
            login,
            sign_in: None,
            session,
            final_token: Vec::new(),
        })
    }

    async fn sign_in(&self, token: Vec<u8>, session: RequestSession) -> Result<Visit, Refusal> {
        let accepted = self.acceptor.accept(token).await?;
        match self.identify(&accepted, &session).await {
            Ok((login, sign_in)) => Ok(Visit {
                login: Some(login),
                sign_in: sign_in.map(Box::new),
                session,
                final_token: accepted.final_token,
            }),
            Err(error) => Err(Refusal::from(error).with_token(accepted.final_token)),
        }
    }

    /// Whose ticket it is: realm and name first, then the directory, then the session.
    async fn identify(
        &self,
        accepted: &Accepted,
        session: &RequestSession,
    ) -> Result<(Login, Option<SignIn>), Error> {
        match self.find(accepted).await {
            Ok(user) => {
                let ticket_end = accepted.ticket_end;
                let sign_in = self.logins.sign_in(user, ticket_end, session).await?;
                Ok((sign_in.login(), Some(sign_in)))
            }
            Err(error) if error.kind().is_outage() => match self.logins.read(session).await? {
                Some(login) if login.principal().to_string() == accepted.name => Ok((login, None)),
                _ => Err(error),
            },
            Err(error) => {
                // Whoever came with this ticket may not go on as whoever came before.
                session.end_login().await?;
                Err(error)
            }
        }
    }

    async fn find(&self, accepted: &Accepted) -> Result<User, Error> {
        let principal = self.realms.admit(&accepted.name)?;
        let initiator = Initiator::with_ticket(
            principal,
            self.realms.is_single(),
            accepted.ticket_end,
            accepted.authenticated_at,
        );
        let user = self.directory.find(&initiator).await?;
        if user.principal() != initiator.principal() {
            return Err(Error::new(ErrorKind::UserDiffers).with_detail(format!(
                "asked about {}, the directory answered with {}",
                initiator.principal(),
                user.principal()
            )));
        }
        Ok(user)
    }
}

impl Visit {
    /// Writes a new login, unless the handler failed, and sends the final token.
    async fn leave(&mut self, answer: &mut Response) -> Result<(), Error> {
        if let Some(sign_in) = self.sign_in.take()
            && !answer.status().is_server_error()
        {
            Box::pin(sign_in.write(&self.session)).await?;
        }
        response::finish(
            answer,
            self.login.is_some(),
            self.session.is_modified(),
            &self.final_token,
        );
        Ok(())
    }
}

impl<S: fmt::Debug> fmt::Debug for Spnego<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spnego")
            .field("inner", &self.inner)
            .field("principal", &self.gate.acceptor.principal())
            .finish_non_exhaustive()
    }
}
