//! Who it is that a ticket names, and what they bring.

use std::future::Future;

use super::Gate;
use crate::delegated::{DelegatedTicket, Delegation};
use crate::directory::{Directory, DirectoryError};
use crate::error::{Error, ErrorKind};
use crate::explain::{Cause, Explanation};
use crate::initiator::{Initiator, Naming, Occasion};
use crate::kerberos::{Accepted, Pac};
use crate::login::{Ends, Login, Offered, RequestSession, SignIn};
use crate::observe;
use crate::principal::printable;
use crate::response;
use crate::user::User;

impl Gate {
    /// Whose ticket it is: realm and name first, then the directory, then the session.
    pub(super) async fn identify(
        &self,
        accepted: &Accepted,
        password: Option<Offered<'_>>,
        session: &RequestSession,
    ) -> Result<(Login, Option<SignIn>), Error> {
        let occasion = match password {
            Some(_) => Occasion::Password,
            None => Occasion::Ticket,
        };
        let initiator = match self.initiator(accepted) {
            Ok(initiator) => initiator.on(occasion),
            Err(error) => return self.turn_away(error, session).await,
        };
        observe::vouched_for(initiator.principal());
        match self.find(&initiator).await {
            Ok(user) => {
                let kept = initiator.kept(self.mapping);
                let sign_in = self
                    .logins
                    .sign_in(user, kept, ends(&initiator), password, session)
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
                Some(login) if login.principal() == initiator.principal() => {
                    Ok((self.unchecked(login, error)?, None))
                }
                _ => Err(error),
            },
            Err(error) => self.turn_away(error, session).await,
        }
    }

    fn initiator(&self, accepted: &Accepted) -> Result<Initiator, Error> {
        let initiator = Initiator::admit(accepted, self.naming())?;
        match initiator.pac() {
            None if self.requires_pac => Err(Error::new(ErrorKind::PacMissing)
                .explained(Explanation::new(Cause::PacMissing))
                .map_explanation(|why| self.about(why, &initiator))),
            _ => Ok(initiator),
        }
    }

    pub(super) fn naming(&self) -> Naming<'_> {
        Naming {
            realms: &self.realms,
            mapping: self.mapping,
        }
    }

    async fn find(&self, initiator: &Initiator) -> Result<User, Error> {
        self.found(initiator, self.directory.find(initiator)).await
    }

    /// Whom the directory finds, if they may in.
    pub(super) async fn found(
        &self,
        initiator: &Initiator,
        found: impl Future<Output = Result<User, DirectoryError>>,
    ) -> Result<User, Error> {
        let found = self
            .judged(initiator, observe::directory(found).await)
            .await;
        if let Err(error) = &found
            && error.kind().is_outage()
        {
            self.hooks.at_directory_error(error, initiator);
        }
        found
    }

    async fn judged(
        &self,
        initiator: &Initiator,
        found: Result<User, DirectoryError>,
    ) -> Result<User, Error> {
        let found = found.map_err(Error::from);
        let user =
            found.map_err(|error| error.map_explanation(|why| self.about(why, initiator)))?;
        if user.principal() != initiator.principal() {
            return Err(Error::new(ErrorKind::UserDiffers).with_detail(format!(
                "asked about {}, the directory answered with {}",
                initiator.principal(),
                user.principal()
            )));
        }
        let user = self.rules.admit(user)?;
        self.hooks.at_sign_in(initiator, user).await
    }

    /// What becomes of a forwarded ticket, now that its owner is let in.
    pub(super) async fn delegation(
        &self,
        accepted: &mut Accepted,
        is_admitted: bool,
    ) -> Delegation {
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

    /// Who is refused with this ticket does not go on as whoever came before.
    pub(super) async fn turn_away<T>(
        &self,
        error: Error,
        session: &RequestSession,
    ) -> Result<T, Error> {
        self.logins.remove(session).await?;
        Err(error)
    }

    /// Why a request has no forwarded ticket.
    pub(super) fn no_ticket(&self, why: Delegation) -> Delegation {
        match self.acceptor.takes_delegation() {
            true => why,
            false => Delegation::Declined,
        }
    }
}

/// What the ticket says of how long a login may last.
fn ends(initiator: &Initiator) -> Ends {
    Ends {
        ticket: initiator.ticket_end(),
        kick_off: initiator.pac().and_then(Pac::kick_off),
    }
}
