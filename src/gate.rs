//! What every request passes: guard, header, session, in that order.

use std::sync::Arc;

use axum_core::response::Response;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{Extensions, Version};

use crate::authorization::{Credentials, UserPassword, credentials};
use crate::basic::Basic;
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
use crate::kerberos::{Accepted, Acceptor, BINDING, Handshake, Offer, Refused, Unfinished};
use crate::login::{Login, Logins, Offered, RequestSession, SignIn};
use crate::principal::{AllowedRealms, Principal, printable};
use crate::response::{self, Asked, Refusal, Refusals};
use crate::user::User;

pub(crate) struct Gate {
    pub(crate) cross_site: CrossSite,
    pub(crate) basic: Option<Basic>,
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
#[non_exhaustive]
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
    /// What becomes of the answer where the handler asks for a challenge.
    if_challenged: ErrorKind,
    /// The login is new, and is written once the handler has answered.
    sign_in: Option<Box<SignIn>>,
    delegation: Delegation,
    session: RequestSession,
    final_token: Vec<u8>,
}

impl Gate {
    /// What is kept of a request for its answer.
    pub(crate) fn asked(&self, parts: &Parts) -> Asked {
        let basic = self.basic.as_ref().and_then(|basic| basic.challenge(parts));
        self.refusals.asked(parts, basic)
    }

    pub(crate) async fn admit(&self, parts: &Parts, asked: &Asked) -> Result<Visit, Refusal> {
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
            let if_challenged = match parts.headers.contains_key(AUTHORIZATION) {
                true => ErrorKind::NotChallenged,
                false => ErrorKind::NoCredentials,
            };
            return Ok(Visit {
                if_challenged,
                delegation: self.no_ticket(Delegation::NotForwarded),
                ..Visit::of(Some(user.clone()), session)
            });
        }
        let credentials = credentials(&parts.headers, asked.offers_basic()).map_err(|kind| {
            let refusal = Refusal::from(Error::new(kind));
            match kind {
                ErrorKind::BasicUnreadable => refusal.of_password(),
                _ => refusal,
            }
        })?;
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
            (_, Credentials::Basic(typed)) if !self.is_signed_out(parts, &session).await? => {
                let visit = Box::pin(self.sign_in_by_password(parts, typed, session)).await;
                return visit.map_err(|error| Refusal::from(error).of_password());
            }
            (Outer::Same(None, delegation), _) => (self.logins.read(&session).await?, delegation),
            _ => {
                let login = self.logins.read(&session).await?;
                (login, self.no_ticket(Delegation::NoToken))
            }
        };
        let visit = match login {
            Some(login) => Visit::of(Some(login.user().clone()), session).with_login(login),
            None => self.without_login(parts, session).await?,
        };
        Ok(Visit {
            delegation,
            ..visit
        })
    }

    async fn without_login(
        &self,
        parts: &Parts,
        session: RequestSession,
    ) -> Result<Visit, Refusal> {
        let if_challenged = match self.is_signed_out(parts, &session).await? {
            true => ErrorKind::SignedOut,
            false => ErrorKind::NoCredentials,
        };
        let verdict = match self.refusals.is_sign_in_path(parts) {
            true => NoLogin::Challenge,
            false => self.without_login.judge(parts),
        };
        match verdict {
            NoLogin::Challenge => Err(Error::new(if_challenged).into()),
            NoLogin::PassAsNobody => Ok(Visit {
                if_challenged,
                ..Visit::of(None, session)
            }),
            NoLogin::Forbid => Err(Error::new(ErrorKind::NotChallenged).into()),
        }
    }

    /// Whether the person has signed out, and does not ask to sign in again. Only what a browser
    /// sends unasked makes that a question.
    async fn is_signed_out(&self, parts: &Parts, session: &RequestSession) -> Result<bool, Error> {
        Ok(self.basic.is_some()
            && !self.refusals.is_sign_in_path(parts)
            && session.is_signed_out().await?)
    }

    async fn sign_in(
        &self,
        parts: &Parts,
        token: Vec<u8>,
        begun: Option<Unfinished>,
        session: RequestSession,
    ) -> Result<Visit, Refusal> {
        let mut accepted = self.shake_hands(parts, token, begun).await?;
        match self.identify(&accepted, None, &session).await {
            Ok((login, sign_in)) => Ok(Visit {
                delegation: self.delegation(&mut accepted, sign_in.is_some()).await,
                sign_in: sign_in.map(Box::new),
                final_token: accepted.final_token,
                ..Visit::with_credentials(login, session)
            }),
            Err(error) => Err(Refusal::from(error).with_token(accepted.final_token)),
        }
    }

    /// A browser sends the password with every request: one that the session's login was made by
    /// rides on it. Any other is checked, like a fresh token; where it can't be, the login goes on
    /// as with no password at all. Refused, a thief of the cookie could guess without end: what is
    /// not refused would be the password.
    async fn sign_in_by_password(
        &self,
        parts: &Parts,
        typed: UserPassword,
        session: RequestSession,
    ) -> Result<Visit, Error> {
        let UserPassword { user, password } = typed;
        let principal = self.realms.named(&user, self.acceptor.service_realm())?;
        let offered = Offered {
            principal: &principal,
            password: &password,
        };
        let live = self.logins.read(&session).await?;
        let live = live.filter(|login| *login.principal() == principal);
        let (login, sign_in) = match live {
            Some(login) if login.was_made_by(offered)? => (login, None),
            live => match (self.check_password(parts, offered).await, live) {
                (Ok(accepted), _) => self.identify(&accepted, Some(offered), &session).await?,
                (Err(error), Some(login)) if error.kind().leaves_password_open() => (login, None),
                (Err(error), _) => return Err(error),
            },
        };
        Ok(Visit {
            delegation: self.no_ticket(Delegation::NotForwarded),
            sign_in: sign_in.map(Box::new),
            ..Visit::with_credentials(login, session)
        })
    }

    /// The KDC checks the password, and our own keytab the KDC: without that, whoever answers in
    /// the KDC's place could let anybody in.
    async fn check_password(&self, parts: &Parts, offered: Offered<'_>) -> Result<Accepted, Error> {
        let Some(basic) = &self.basic else {
            return Err(Error::new(ErrorKind::Internal));
        };
        let host = host::name(parts);
        let service = self.acceptor.own_principal(host.as_deref())?;
        let Offered {
            principal,
            password,
        } = offered;
        let token = basic
            .token(parts, principal, password.clone(), service)
            .await?;
        let offer = Offer {
            token,
            host,
            channel_binding: Some(BINDING.to_vec()),
        };
        let accepted = match self.acceptor.accept(offer).await {
            Ok(Handshake::Accepted(accepted)) => accepted,
            Ok(Handshake::Unfinished(..)) => return Err(Error::new(ErrorKind::Internal)),
            Err(refused) => return Err(not_trusted(refused.error)),
        };
        // A KDC may know people by several names; only the one that was typed was looked at.
        match accepted.name.parse::<Principal>() {
            Ok(answered) if answered == *principal => Ok(accepted),
            _ => Err(Error::new(ErrorKind::KdcNotTrusted).with_detail(format!(
                "asked about {principal}, it answered with {}",
                accepted.name
            ))),
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
        password: Option<Offered<'_>>,
        session: &RequestSession,
    ) -> Result<(Login, Option<SignIn>), Error> {
        match self.find(accepted).await {
            Ok(user) => {
                let ticket_end = accepted.ticket_end;
                let sign_in = self
                    .logins
                    .sign_in(user, ticket_end, password, session)
                    .await?;
                let login = sign_in.login();
                let id = printable(login.user().id());
                let by = match password {
                    Some(_) => "Basic",
                    None => "Negotiate",
                };
                tracing::info!(principal = %login.principal(), id, by, "signed in");
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
                response::log(&error);
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

/// Why our own acceptor refused what the KDC gave out for a password.
fn not_trusted(error: Error) -> Error {
    match error.kind() {
        // These say nothing about the KDC.
        ErrorKind::Busy | ErrorKind::Internal | ErrorKind::ReplayCacheUnusable => error,
        _ => Error::new(ErrorKind::KdcNotTrusted).with_source(error),
    }
}

impl Visit {
    fn of(user: Option<User>, session: RequestSession) -> Self {
        Self {
            is_signed_in: user.is_some(),
            user,
            login: None,
            if_challenged: ErrorKind::NoCredentials,
            sign_in: None,
            delegation: Delegation::Declined,
            session,
            final_token: Vec::new(),
        }
    }

    /// Of a request that has brought credentials, and they count: asked again, some clients would
    /// never end.
    fn with_credentials(login: Login, session: RequestSession) -> Self {
        Self {
            if_challenged: ErrorKind::NotChallenged,
            ..Self::of(Some(login.user().clone()), session).with_login(login)
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
        refusals.complete(answer, self.if_challenged, asked);
        response::finish(
            answer,
            self.is_signed_in,
            self.session.is_modified(),
            &self.final_token,
        );
        Ok(())
    }
}
