//! Signing in by Basic.

use std::sync::Arc;

use http::request::Parts;

use super::{Gate, Visit};
use crate::authorization::UserPassword;
use crate::delegated::Delegation;
use crate::error::{Error, ErrorKind};
use crate::host;
use crate::kerberos::{Accepted, BINDING, Handshake, Offer};
use crate::login::{Login, Offered, RequestSession};
use crate::principal::Principal;

impl Gate {
    /// A browser sends the password with every request: one that the session's login was made by
    /// rides on it. Any other is checked, like a fresh token; where it can't be, the login goes on
    /// as with no password at all. Refused, a thief of the cookie could guess without end: what is
    /// not refused would be the password.
    pub(super) async fn sign_in_by_password(
        self: &Arc<Self>,
        parts: &Parts,
        typed: UserPassword,
        live: Option<Login>,
        session: RequestSession,
    ) -> Result<Visit, Error> {
        let UserPassword { user, password } = typed;
        let principal = self.realms.named(&user, self.acceptor.service_realm())?;
        let offered = Offered {
            principal: &principal,
            password: &password,
        };
        let live = live.filter(|login| login.is_of(&principal));
        let visit = match live {
            Some(login) if login.was_made_by(offered)? => self.ride(login, session).await?,
            live => match (self.check_password(parts, offered).await, live) {
                (Ok(accepted), _) => {
                    let identified = self.identify(&accepted, Some(offered), &session).await?;
                    let (login, sign_in) = identified;
                    let session = login.session().clone();
                    Visit::of_login(login, session).with_sign_in(sign_in)
                }
                (Err(error), Some(login)) if error.kind().leaves_password_open() => {
                    self.ride(login, session).await?
                }
                (Err(error), _) => return Err(error),
            },
        };
        Ok(visit
            .of_credentials()
            .with_delegation(self.no_ticket(Delegation::NotForwarded)))
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
}

/// Why our own acceptor refused what the KDC gave out for a password.
fn not_trusted(error: Error) -> Error {
    match error.kind() {
        // These say nothing about the KDC.
        ErrorKind::Busy | ErrorKind::Internal | ErrorKind::ReplayCacheUnusable => error,
        _ => Error::new(ErrorKind::KdcNotTrusted).with_source(error),
    }
}
