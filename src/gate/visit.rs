//! [`Visit`]: a request on its way to the handler, and its answer on the way back.

use std::sync::Arc;

use axum_core::response::Response;
use http::Extensions;

#[cfg(feature = "axum")]
use crate::connection;
use crate::delegated::Delegation;
use crate::directory::SharedDirectory;
use crate::error::{Error, ErrorKind};
use crate::extract::Passed;
use crate::login::{HeldLogin, Login, Logins, Refreshed, RequestSession, SignIn};
use crate::response::{self, Asked, Refusals};
use crate::user::User;

/// A request that may go on to the handler.
pub(crate) struct Visit {
    /// Nobody where the layer lets such pass. [`enter`](Self::enter) takes user, login and
    /// delegation.
    user: Option<User>,
    /// None also where another layer has said who the user is.
    login: Option<Login>,
    held: Option<HeldLogin>,
    is_signed_in: bool,
    /// What becomes of the answer where the handler asks for a challenge.
    if_challenged: ErrorKind,
    /// The login is new, and is written once the handler has answered.
    sign_in: Option<Box<SignIn>>,
    /// The directory was asked again, and so is this.
    refreshed: Option<Box<Refreshed>>,
    delegation: Delegation,
    session: RequestSession,
    final_token: Vec<u8>,
}

impl Visit {
    pub(super) fn of(user: Option<User>, session: RequestSession) -> Self {
        Self {
            is_signed_in: user.is_some(),
            user,
            login: None,
            held: None,
            if_challenged: ErrorKind::NoCredentials,
            sign_in: None,
            refreshed: None,
            delegation: Delegation::default(),
            session,
            final_token: Vec::new(),
        }
    }

    /// `session` is the login's.
    pub(super) fn of_login(login: Login, session: RequestSession) -> Self {
        let user = login.user().clone();
        Self {
            // A new one is not in the session before the outer layer has written it.
            held: (!login.is_new()).then(|| login.held()),
            login: Some(login),
            ..Self::of(Some(user), session)
        }
    }

    /// Of a request that has brought credentials, and they count: asked again, some clients would
    /// never end.
    pub(super) fn of_credentials(self) -> Self {
        self.if_challenged(ErrorKind::NotChallenged)
    }

    pub(super) fn if_challenged(mut self, kind: ErrorKind) -> Self {
        self.if_challenged = kind;
        self
    }

    pub(super) fn with_delegation(mut self, delegation: Delegation) -> Self {
        self.delegation = delegation;
        self
    }

    pub(super) fn with_sign_in(mut self, sign_in: Option<SignIn>) -> Self {
        self.sign_in = sign_in.map(Box::new);
        self
    }

    pub(super) fn with_refreshed(mut self, refreshed: Option<Refreshed>) -> Self {
        self.refreshed = refreshed.map(Box::new);
        self
    }

    pub(super) fn with_final_token(mut self, token: Vec<u8>) -> Self {
        self.final_token = token;
        self
    }

    /// Whether its login is new.
    pub(super) fn signs_in(&self) -> bool {
        self.sign_in.is_some()
    }

    /// Says in the request's extensions who is signed in.
    pub(crate) fn enter(
        &mut self,
        extensions: &mut Extensions,
        layer: &Arc<str>,
        directory: &SharedDirectory,
    ) {
        let passed = Passed {
            layer: Arc::clone(layer),
            user: self.user.take(),
            login: self.login.take(),
            delegation: std::mem::take(&mut self.delegation),
            directory: directory.clone(),
            keeps_logins: self.session.is_kept(),
        };
        passed.enter(extensions);
        self.session.enter(extensions);
        #[cfg(feature = "axum")]
        connection::name_peer(extensions);
    }

    /// Writes what is new of the login, unless the handler failed, and sends the final token.
    pub(crate) async fn leave(
        &mut self,
        answer: &mut Response,
        logins: &Logins,
        refusals: &Refusals,
        asked: &Asked,
    ) -> Result<(), Error> {
        let has_failed = answer.status().is_server_error();
        if let Some(refreshed) = self.refreshed.take()
            && !has_failed
        {
            Box::pin(logins.write_refreshed(*refreshed)).await?;
        }
        match self.sign_in.take() {
            Some(sign_in) if !has_failed => Box::pin(sign_in.write()).await?,
            Some(_) => {}
            None if self.session.is_modified() => {
                Box::pin(logins.settle(&self.session)).await?;
                if let Some(held) = &self.held {
                    Box::pin(logins.settle_flush(held, &self.session)).await?;
                }
            }
            None => {}
        }
        if !has_failed {
            self.session.leave().await?;
        }
        let if_challenged = match self.if_challenged {
            // The handler may have let them sign in again.
            ErrorKind::SignedOut if !Box::pin(self.session.is_signed_out()).await? => {
                ErrorKind::NoCredentials
            }
            kind => kind,
        };
        refusals.complete(answer, if_challenged, asked);
        response::finish(
            answer,
            self.is_signed_in,
            self.session.is_modified(),
            &self.final_token,
        );
        Ok(())
    }
}
