//! What every request passes: guard, header, session, in that order.

use std::sync::Arc;

use axum_core::response::Response;
use http::Extensions;
use http::request::Parts;

use crate::authorization::{Credentials, credentials};
use crate::cross_site::CrossSite;
use crate::directory::{Directory, SharedDirectory};
use crate::error::{Error, ErrorKind};
use crate::extract::{self, Outer};
use crate::initiator::Initiator;
use crate::kerberos::{Accepted, Acceptor};
use crate::login::{Login, Logins, RequestSession, SignIn};
use crate::principal::{AllowedRealms, printable};
use crate::response::{self, Refusal};
use crate::user::User;

pub(crate) struct Gate {
    pub(crate) cross_site: CrossSite,
    pub(crate) acceptor: Acceptor,
    pub(crate) realms: AllowedRealms,
    pub(crate) directory: SharedDirectory,
    pub(crate) logins: Logins,
    pub(crate) optional: bool,
}

/// A request that may go on to the handler.
pub(crate) struct Visit {
    /// False only in optional mode.
    is_signed_in: bool,
    /// Taken by [`enter`](Self::enter).
    login: Option<Login>,
    /// The login is new, and is written once the handler has answered.
    sign_in: Option<Box<SignIn>>,
    session: RequestSession,
    final_token: Vec<u8>,
}

impl Gate {
    pub(crate) async fn admit(&self, parts: &Parts) -> Result<Visit, Refusal> {
        self.cross_site.check(parts).map_err(Error::new)?;
        let credentials = credentials(&parts.headers).map_err(Error::new)?;
        let session = RequestSession::of(&parts.extensions)?;
        let outer = Outer::of(&parts.extensions, self.logins.made_by());
        let login = match (outer, credentials) {
            (Outer::None, Credentials::Negotiate(token)) => {
                // Boxed, as what is rare is here: every request's future would have room for it.
                return Box::pin(self.sign_in(token, session)).await;
            }
            (Outer::Other, Credentials::Negotiate(_)) => {
                return Err(Error::new(ErrorKind::TokenUsed).into());
            }
            (Outer::Same(Some(login)), _) => Some(login),
            _ => self.logins.read(&session).await?,
        };
        if login.is_none() && !self.optional {
            return Err(Error::new(ErrorKind::NoCredentials).into());
        }
        Ok(Visit {
            is_signed_in: login.is_some(),
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
                is_signed_in: true,
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
                let login = sign_in.login();
                let id = printable(login.user().id());
                tracing::info!(principal = %login.principal(), id, "signed in");
                Ok((login, Some(sign_in)))
            }
            Err(error) if error.kind().is_outage() => match self.logins.read(session).await? {
                Some(login) if login.principal().to_string() == accepted.name => Ok((login, None)),
                _ => Err(error),
            },
            Err(error) => {
                // Who is refused with this ticket does not go on as whoever came before.
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
    /// Says in the request's extensions who is signed in.
    pub(crate) fn enter(&mut self, extensions: &mut Extensions, layer: &Arc<str>) {
        extract::enter(extensions, layer, self.login.take());
    }

    /// Writes a new login, unless the handler failed, and sends the final token.
    pub(crate) async fn leave(self, answer: &mut Response) -> Result<(), Error> {
        if let Some(sign_in) = self.sign_in
            && !answer.status().is_server_error()
        {
            Box::pin(sign_in.write(&self.session)).await?;
        }
        response::finish(
            answer,
            self.is_signed_in,
            self.session.is_modified(),
            &self.final_token,
        );
        Ok(())
    }
}
