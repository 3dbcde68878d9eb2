//! What every request passes: guard, header, session, in that order.

use std::future::ready;
use std::sync::Arc;

use http::header::{AUTHORIZATION, HeaderValue, USER_AGENT};
use http::request::Parts;

pub(crate) use self::recheck::Rechecks;
pub(crate) use self::rules::Rules;
pub(crate) use self::visit::Visit;
use crate::authorization::{Credentials, UserPassword, credentials};
use crate::basic::Basic;
use crate::channel_binding::Bindings;
use crate::connection::SpnegoConnection;
use crate::cross_site::CrossSite;
use crate::delegated::Delegation;
use crate::directory::SharedDirectory;
use crate::error::{Error, ErrorKind};
use crate::extract::Outer;
use crate::hooks::Hooks;
use crate::initiator::NameMapping;
use crate::kerberos::{Acceptor, Unfinished};
use crate::login::{Logins, Moved, RequestSession};
use crate::observe::{self, Method};
use crate::principal::AllowedRealms;
use crate::response::{Asked, Refusal, Refusals};
use crate::user::User;

mod identity;
mod password;
mod recheck;
mod rules;
mod token;
mod visit;
mod watched;

pub(crate) struct Gate {
    pub(crate) cross_site: CrossSite,
    pub(crate) basic: Option<Basic>,
    pub(crate) acceptor: Acceptor,
    pub(crate) realms: AllowedRealms,
    pub(crate) mapping: Option<NameMapping>,
    pub(crate) requires_pac: bool,
    pub(crate) bindings: Bindings,
    pub(crate) directory: SharedDirectory,
    pub(crate) rules: Rules,
    pub(crate) hooks: Hooks,
    pub(crate) logins: Logins,
    /// Whether logins are kept in the session.
    pub(crate) keeps_logins: bool,
    pub(crate) rechecks: Option<Arc<Rechecks>>,
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

impl Gate {
    /// What is kept of a request for its answer.
    pub(crate) fn asked(&self, parts: &Parts) -> Asked {
        let basic = self.basic.as_ref().and_then(|basic| basic.challenge(parts));
        self.refusals.asked(parts, basic)
    }

    /// Boxed within, for allocators are slow with more than a kilobyte, which a request's future would
    /// be in one piece.
    pub(crate) async fn admit(
        self: &Arc<Self>,
        parts: &Parts,
        asked: &Asked,
    ) -> Result<Visit, Refusal> {
        // Every request goes on with the handshake that waits on its connection, or ends it.
        let begun = SpnegoConnection::of(&parts.extensions).and_then(SpnegoConnection::take);
        self.cross_site.check(parts).map_err(Error::new)?;
        if let Some(session) = self.session_alone(parts)? {
            drop(begun);
            let delegation = self.no_ticket(Delegation::NoToken);
            return Box::pin(self.go_on(parts, session, delegation)).await;
        }
        Box::pin(self.admit_with_more(parts, asked, begun)).await
    }

    /// The session, where there is nothing else to go by, as in nearly all requests: no header, no other
    /// layer's word, nothing that this process remembers of the session.
    fn session_alone(&self, parts: &Parts) -> Result<Option<RequestSession>, Error> {
        let has_more = parts.headers.contains_key(AUTHORIZATION)
            || Outer::is_around(&parts.extensions)
            || (self.respects_user && parts.extensions.get::<User>().is_some());
        if has_more {
            return Ok(None);
        }
        let session = self.session(parts)?;
        Ok(match self.logins.moved(&session) {
            None => Some(session),
            Some(_) => None,
        })
    }

    async fn admit_with_more(
        self: &Arc<Self>,
        parts: &Parts,
        asked: &Asked,
        begun: Option<Unfinished>,
    ) -> Result<Visit, Refusal> {
        let outer = Outer::of(&parts.extensions, &self.logins);
        if let Outer::None = outer
            && self.respects_user
            && let Some(user) = parts.extensions.get::<User>()
        {
            return self.respect(user, parts);
        }
        let mut credentials = match credentials(&parts.headers, asked.offers_basic()) {
            Ok(credentials) => credentials,
            Err(error) => {
                let method = Method::of_unreadable(error.kind());
                let refusal = self.unreadable(error, parts);
                return self.watched(method, parts, ready(Err(refusal))).await;
            }
        };
        let session = self.session(parts)?;
        let moved = self.logins.moved(&session);
        if is_ticket_unasked(&credentials, parts) {
            let session = moved.as_ref().map_or(&session, Moved::session);
            if self.is_signed_out(parts, session).await? {
                credentials = Credentials::None;
            }
        }
        if let (Outer::None, Credentials::None, Some(moved)) = (&outer, &credentials, moved) {
            return self.come_again(parts, &moved).await;
        }
        match (outer, credentials) {
            (Outer::None, Credentials::Negotiate(token)) => {
                let sign_in = self.sign_in_by_token(parts, token, None, session);
                Box::pin(self.watched(Method::Negotiate, parts, sign_in)).await
            }
            (Outer::None, Credentials::Continuation(token)) => {
                let sign_in = async {
                    let begun = begun.ok_or_else(|| self.not_tied(parts))?;
                    self.sign_in_by_token(parts, token, Some(begun), session)
                        .await
                };
                Box::pin(self.watched(Method::Negotiate, parts, sign_in)).await
            }
            (Outer::Other, Credentials::Negotiate(_) | Credentials::Continuation(_)) => {
                Err(Error::new(ErrorKind::TokenUsed).into())
            }
            (Outer::Same(Some(login), delegation), _) => {
                let session = login.session().clone();
                Ok(Visit::of_login(login, session).with_delegation(delegation))
            }
            (_, Credentials::Basic(typed)) => {
                let sign_in = self.by_password_unless_signed_out(parts, typed, session);
                Box::pin(self.watched(Method::Basic, parts, sign_in)).await
            }
            (Outer::Same(None, delegation), _) => self.go_on(parts, session, delegation).await,
            _ => {
                let delegation = self.no_ticket(Delegation::NoToken);
                self.go_on(parts, session, delegation).await
            }
        }
    }

    fn session(&self, parts: &Parts) -> Result<RequestSession, Error> {
        match self.keeps_logins {
            true => RequestSession::of(&parts.extensions),
            false => Ok(RequestSession::of_this_request_alone()),
        }
    }

    /// Of a browser that has just signed in by another request, whose answer has its new id. The
    /// session itself is not looked at.
    async fn come_again(&self, parts: &Parts, moved: &Moved) -> Result<Visit, Refusal> {
        let is_signed_out = self.is_signed_out(parts, moved.session()).await?;
        let session = RequestSession::nobodys(is_signed_out).await?;
        let visit = self.without_login(parts, is_signed_out, session)?;
        Ok(visit.with_delegation(self.no_ticket(Delegation::NoToken)))
    }

    async fn by_password_unless_signed_out(
        self: &Arc<Self>,
        parts: &Parts,
        typed: UserPassword,
        session: RequestSession,
    ) -> Result<Visit, Refusal> {
        let live = self.logins.read(&session).await?;
        if live.is_none() && session.is_signed_out().await? && !self.refusals.is_sign_in_path(parts)
        {
            let visit = self.without_login(parts, true, session)?;
            return Ok(visit.with_delegation(self.no_ticket(Delegation::NoToken)));
        }
        self.sign_in_by_password(parts, typed, live, session)
            .await
            .map_err(|error| Refusal::from(error).of_password())
    }

    /// As the user whom another layer has put into the request.
    fn respect(&self, user: &User, parts: &Parts) -> Result<Visit, Refusal> {
        let session = self.session(parts)?;
        let user = self.rules.admit(user.clone())?;
        // A token is not read, so that none is asked for twice.
        let if_challenged = match parts.headers.contains_key(AUTHORIZATION) {
            true => ErrorKind::NotChallenged,
            false => ErrorKind::NoCredentials,
        };
        Ok(Visit::of(Some(user), session)
            .if_challenged(if_challenged)
            .with_delegation(self.no_ticket(Delegation::NotForwarded)))
    }

    /// By the session's login, or without one.
    async fn go_on(
        self: &Arc<Self>,
        parts: &Parts,
        session: RequestSession,
        delegation: Delegation,
    ) -> Result<Visit, Refusal> {
        let visit = match self.logins.read(&session).await? {
            Some(login) => {
                observe::rides(login.principal());
                self.ride(login, session).await?
            }
            None => {
                let is_signed_out = session.is_signed_out().await?;
                self.without_login(parts, is_signed_out, session)?
            }
        };
        Ok(visit.with_delegation(delegation))
    }

    fn without_login(
        &self,
        parts: &Parts,
        is_signed_out: bool,
        session: RequestSession,
    ) -> Result<Visit, Refusal> {
        let (verdict, if_challenged) = match self.refusals.is_sign_in_path(parts) {
            true => (NoLogin::Challenge, ErrorKind::NoCredentials),
            false if is_signed_out => (self.without_login.judge(parts), ErrorKind::SignedOut),
            false => (self.without_login.judge(parts), ErrorKind::NoCredentials),
        };
        match verdict {
            NoLogin::Challenge => Err(Error::new(if_challenged).into()),
            NoLogin::PassAsNobody => Ok(Visit::of(None, session).if_challenged(if_challenged)),
            NoLogin::Forbid => Err(Error::new(ErrorKind::NotChallenged).into()),
        }
    }

    /// Whether the person has signed out, and does not ask to sign in again.
    async fn is_signed_out(&self, parts: &Parts, session: &RequestSession) -> Result<bool, Error> {
        if self.refusals.is_sign_in_path(parts) {
            return Ok(false);
        }
        // A request in flight may have brought back what was before the logout.
        self.logins.settle(session).await?;
        session.is_signed_out().await
    }
}

/// Whether it is a ticket that its person may not know of: a browser sends one by itself, any other
/// program because it was told to. Every browser's name begins so, and of old.
fn is_ticket_unasked(credentials: &Credentials, parts: &Parts) -> bool {
    let is_browser = |name: &HeaderValue| name.as_bytes().starts_with(b"Mozilla/");
    match credentials {
        Credentials::Negotiate(_) | Credentials::Continuation(_) => {
            parts.headers.get(USER_AGENT).is_some_and(is_browser)
        }
        Credentials::None | Credentials::Basic(_) => false,
    }
}
