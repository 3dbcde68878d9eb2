//! What every request passes: guard, header, session, in that order.

use std::sync::Arc;

use axum_core::response::Response;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{Extensions, Version};

use crate::authorization::{Credentials, credentials};
use crate::channel_binding::Bindings;
#[cfg(feature = "axum")]
use crate::connection;
use crate::connection::SpnegoConnection;
use crate::cross_site::CrossSite;
use crate::delegated::{DelegatedTicket, Delegation};
use crate::directory::{Directory, SharedDirectory};
use crate::error::{Error, ErrorKind};
use crate::extract::{self, Outer};
use crate::host;
use crate::initiator::{Initiator, NameMapping};
use crate::kerberos::{Accepted, Acceptor, Handshake, Offer, Refused, Unfinished};
use crate::login::{Login, Logins, RequestSession, SignIn};
use crate::principal::{AllowedRealms, printable};
use crate::response::{self, Asked, Refusal, Refusals};
use crate::user::User;

pub(crate) struct Gate {
    pub(crate) cross_site: CrossSite,
    pub(crate) acceptor: Acceptor,
    pub(crate) realms: AllowedRealms,
    pub(crate) mapping: Option<NameMapping>,
    pub(crate) bindings: Bindings,
    pub(crate) directory: SharedDirectory,
    pub(crate) logins: Logins,
    pub(crate) without_login: WithoutLogin,
    /// Whether a user counts whom another layer has put into the request.
    pub(crate) respects_user: bool,
    pub(crate) refusals: Refusals,
}

/// What becomes of a request with neither credentials nor a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoLogin {
    /// It is answered 401, with a challenge.
    Challenge,
    /// It goes to the handler, as nobody's.
    PassAsNobody,
    /// It is answered 403, with no challenge.
    Forbid,
}

/// Who decides that.
#[derive(Clone)]
pub(crate) enum WithoutLogin {
    Always(NoLogin),
    Ask(Arc<dyn Fn(&Parts) -> NoLogin + Send + Sync>),
}

impl WithoutLogin {
    fn judge(&self, request: &Parts) -> NoLogin {
        match self {
            Self::Always(verdict) => *verdict,
            Self::Ask(rule) => rule(request),
        }
    }
}

/// A request that may go on to the handler.
pub(crate) struct Visit {
    /// Nobody where the layer lets such pass. Taken by [`enter`](Self::enter), like the login.
    user: Option<User>,
    /// None also where another layer has said who the user is.
    login: Option<Login>,
    is_signed_in: bool,
    /// The request has brought a token already.
    brought_token: bool,
    /// The login is new, and is written once the handler has answered.
    sign_in: Option<Box<SignIn>>,
    delegation: Delegation,
    session: RequestSession,
    final_token: Vec<u8>,
}

impl Gate {
    pub(crate) async fn admit(&self, parts: &Parts) -> Result<Visit, Refusal> {
        // Every request goes on with the handshake that waits on its connection, or ends it.
        let begun = SpnegoConnection::of(&parts.extensions).and_then(SpnegoConnection::take);
        self.cross_site.check(parts).map_err(Error::new)?;
        let outer = Outer::of(&parts.extensions, self.logins.made_by());
        if let Outer::None = outer
            && self.respects_user
            && let Some(user) = parts.extensions.get::<User>()
        {
            let session = RequestSession::of(&parts.extensions)?;
            // A token is not read, so that none is asked for twice.
            return Ok(Visit {
                brought_token: parts.headers.contains_key(AUTHORIZATION),
                delegation: self.no_ticket(Delegation::NotForwarded),
                ..Visit::of(Some(user.clone()), session)
            });
        }
        let credentials = credentials(&parts.headers).map_err(Error::new)?;
        let session = RequestSession::of(&parts.extensions)?;
        let (login, delegation) = match (outer, credentials) {
            // Boxed, as what is rare is here: every request's future would have room for it.
            (Outer::None, Credentials::Negotiate(token)) => {
                return Box::pin(self.sign_in(parts, token, None, session)).await;
            }
            (Outer::None, Credentials::Continuation(token)) => {
                let begun = begun.ok_or_else(|| self.not_tied(parts))?;
                return Box::pin(self.sign_in(parts, token, Some(begun), session)).await;
            }
            (Outer::Other, Credentials::Negotiate(_) | Credentials::Continuation(_)) => {
                return Err(Error::new(ErrorKind::TokenUsed).into());
            }
            (Outer::Same(Some(login), delegation), _) => (Some(login), delegation),
            (Outer::Same(None, delegation), _) => (self.logins.read(&session).await?, delegation),
            _ => {
                let login = self.logins.read(&session).await?;
                (login, self.no_ticket(Delegation::NoToken))
            }
        };
        if let Some(login) = login {
            return Ok(Visit {
                delegation,
                ..Visit::of(Some(login.user().clone()), session).with_login(login)
            });
        }
        match self.without_login.judge(parts) {
            NoLogin::Challenge => Err(Error::new(ErrorKind::NoCredentials).into()),
            NoLogin::PassAsNobody => Ok(Visit {
                delegation,
                ..Visit::of(None, session)
            }),
            NoLogin::Forbid => Err(Error::new(ErrorKind::NotChallenged).into()),
        }
    }

    async fn sign_in(
        &self,
        parts: &Parts,
        token: Vec<u8>,
        begun: Option<Unfinished>,
        session: RequestSession,
    ) -> Result<Visit, Refusal> {
        let mut accepted = self.shake_hands(parts, token, begun).await?;
        match self.identify(&accepted, &session).await {
            Ok((login, sign_in)) => Ok(Visit {
                brought_token: true,
                delegation: self.delegation(&mut accepted, sign_in.is_some()).await,
                sign_in: sign_in.map(Box::new),
                final_token: accepted.final_token,
                ..Visit::of(Some(login.user().clone()), session).with_login(login)
            }),
            Err(error) => Err(Refusal::from(error).with_token(accepted.final_token)),
        }
    }

    /// One leg of a handshake: its last, or the client is to send another request.
    async fn shake_hands(
        &self,
        parts: &Parts,
        token: Vec<u8>,
        begun: Option<Unfinished>,
    ) -> Result<Accepted, Refusal> {
        let offer = Offer {
            token,
            host: host::name(parts),
            channel_binding: self.bindings.of(&parts.extensions),
        };
        let handshake = match begun {
            Some(begun) => self.acceptor.go_on(begun, offer).await,
            None => self.acceptor.accept(offer).await,
        };
        match handshake.map_err(|refused| self.explain(parts, refused))? {
            Handshake::Accepted(accepted) => Ok(accepted),
            Handshake::Unfinished(unfinished, token) => {
                match SpnegoConnection::of(&parts.extensions) {
                    Some(connection) if parts.version == Version::HTTP_11 => {
                        connection.park(unfinished);
                        Err(Refusal::from(Error::new(ErrorKind::HandshakeGoesOn)).with_token(token))
                    }
                    _ => Err(self.not_tied(parts).into()),
                }
            }
        }
    }

    fn explain(&self, parts: &Parts, mut refused: Refused) -> Refused {
        if refused.error.kind() == ErrorKind::ChannelBindingDiffers
            && !self.bindings.knows_end_point(&parts.extensions)
        {
            refused.error = refused.error.with_detail(
                "no certificate is known for this connection: give the layer one with \
                 server_end_point(..), or put a ServerEndPoint into each request's extensions",
            );
        }
        refused
    }

    /// Why a handshake of several requests can't be had, or has lost its beginning.
    fn not_tied(&self, parts: &Parts) -> Error {
        let why = match SpnegoConnection::of(&parts.extensions) {
            None => {
                "there is no SpnegoConnection in the request: serve the application with \
                 into_make_service_with_connect_info::<SpnegoConnection>(), or with Connections(..)"
            }
            Some(_) if parts.version != Version::HTTP_11 => {
                "it can be had over HTTP/1.1 alone, where one request follows the other"
            }
            Some(_) => {
                "no handshake is under way on this connection: it took too long, another request \
                 came between, or a proxy sent this one over another connection"
            }
        };
        Error::new(ErrorKind::UnfinishedHandshake).with_detail(why)
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

    /// Why a request has no forwarded ticket.
    fn no_ticket(&self, why: Delegation) -> Delegation {
        match self.acceptor.takes_delegation() {
            true => why,
            false => Delegation::Declined,
        }
    }

    /// What becomes of a forwarded ticket, now that its owner is let in.
    async fn delegation(&self, accepted: &mut Accepted, is_admitted: bool) -> Delegation {
        if !self.acceptor.takes_delegation() {
            return Delegation::Declined;
        }
        if !is_admitted {
            // The session alone vouches for the person, and they may have been barred since.
            let error = Error::new(ErrorKind::DirectoryUnavailable).with_detail(
                "until it answers, a live login goes on, and no forwarded ticket is taken",
            );
            return Delegation::Failed(error);
        }
        match self.acceptor.store_delegated(accepted).await {
            Ok(Some(stored)) => Delegation::Ticket(DelegatedTicket::new(stored)),
            Ok(None) => Delegation::NotForwarded,
            Err(error) => {
                tracing::error!("{error}");
                Delegation::Failed(error)
            }
        }
    }

    async fn find(&self, accepted: &Accepted) -> Result<User, Error> {
        let initiator = Initiator::admit(accepted, &self.realms, self.mapping)?;
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
    fn of(user: Option<User>, session: RequestSession) -> Self {
        Self {
            is_signed_in: user.is_some(),
            user,
            login: None,
            brought_token: false,
            sign_in: None,
            delegation: Delegation::Declined,
            session,
            final_token: Vec::new(),
        }
    }

    fn with_login(mut self, login: Login) -> Self {
        self.login = Some(login);
        self
    }

    /// Says in the request's extensions who is signed in.
    pub(crate) fn enter(&mut self, extensions: &mut Extensions, layer: &Arc<str>) {
        let delegation = std::mem::replace(&mut self.delegation, Delegation::Declined);
        let (user, login) = (self.user.take(), self.login.take());
        extract::enter(extensions, layer, user, login, delegation);
        #[cfg(feature = "axum")]
        connection::name_peer(extensions);
    }

    /// Writes a new login, unless the handler failed, and sends the final token.
    pub(crate) async fn leave(
        self,
        answer: &mut Response,
        refusals: &Refusals,
        asked: &Asked,
    ) -> Result<(), Error> {
        if let Some(sign_in) = self.sign_in
            && !answer.status().is_server_error()
        {
            Box::pin(sign_in.write(&self.session)).await?;
        }
        refusals.complete(answer, self.brought_token, asked);
        response::finish(
            answer,
            self.is_signed_in,
            self.session.is_modified(),
            &self.final_token,
        );
        Ok(())
    }
}
