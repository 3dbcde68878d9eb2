//! Who the ticket names.

use std::sync::Arc;
use std::time::SystemTime;

use self::kept::Account;
pub(crate) use self::kept::Kept;
pub use self::naming::NameMapping;
pub(crate) use self::naming::Naming;
use crate::error::{Error, ErrorKind};
use crate::kerberos::{Accepted, Pac};
use crate::principal::Principal;
use crate::sid::Sid;

mod kept;
mod naming;
#[cfg(test)]
mod of_tests;

/// Why a [`Directory`](crate::Directory) is asked about somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Occasion {
    /// They bring a ticket.
    Ticket,
    /// They bring a name and a password (Basic). Only here does a lockout count: tickets are not
    /// guessed, and whoever locks an account with wrong passwords must not throw its owner out.
    Password,
    /// They are signed in, and bring nothing new: the layer
    /// [asks again](crate::SpnegoLayerBuilder::recheck_every) in the middle of their login. There is no
    /// ticket then, and so no [`Pac`].
    Recheck,
}

/// The client of a completed Kerberos handshake (GSSAPI's *initiator*): what a
/// [`Directory`](crate::Directory) is asked about.
///
/// The realm of its principal has passed the layer's allow-list, and its name is a single
/// component.
#[derive(Debug, Clone)]
pub struct Initiator {
    principal: Principal,
    name: String,
    unique_name: String,
    has_plain_name: bool,
    ticket_end: Option<SystemTime>,
    authenticated_at: Option<SystemTime>,
    pac: Option<Arc<Pac>>,
    /// Of the ticket's PAC, which is gone at a recheck.
    account: Option<Account>,
    occasion: Occasion,
}

impl Initiator {
    /// An initiator with no ticket, as tests of a directory need one.
    pub fn new(principal: Principal) -> Self {
        let name = principal.short_name();
        Self {
            principal,
            unique_name: name.clone(),
            name,
            has_plain_name: true,
            ticket_end: None,
            authenticated_at: None,
            pac: None,
            account: None,
            occasion: Occasion::Ticket,
        }
    }

    /// The same initiator on another occasion.
    #[must_use]
    pub fn on(mut self, occasion: Occasion) -> Self {
        self.occasion = occasion;
        self
    }

    /// Whom the KDC vouches for, once the realm is allowed. Where the ticket has a PAC, the account
    /// in it is who the client is, whatever name it asked for.
    pub(crate) fn admit(accepted: &Accepted, naming: Naming<'_>) -> Result<Self, Error> {
        let mut principal = naming.realms.admit(&accepted.name)?;
        let pac = accepted.pac.as_ref().map_err(Error::clone)?;
        if let Some(pac) = pac {
            principal = principal_of(pac, &principal)?;
        }
        let (name, unique_name) = naming.names(&principal, accepted.local_name.as_deref())?;
        Ok(Self {
            principal,
            name,
            unique_name,
            has_plain_name: naming.is_plain(),
            ticket_end: accepted
                .ticket_end
                .into_iter()
                .chain(pac.as_ref().and_then(|pac| pac.kick_off()))
                .min(),
            authenticated_at: accepted.authenticated_at,
            pac: pac.clone(),
            account: None,
            occasion: Occasion::Ticket,
        })
    }

    /// What the login keeps of it.
    pub(crate) fn kept(&self, mapping: Option<NameMapping>) -> Kept {
        let is_local = mapping == Some(NameMapping::AuthToLocal);
        Kept {
            local_name: is_local.then(|| self.name.clone()),
            account: self.pac().map(|pac| Account {
                sid: pac.sid(),
                domain: pac.domain().to_owned(),
            }),
        }
    }

    /// The initiator of a login that is live, on the occasion of a recheck.
    pub(crate) fn recall(
        principal: &Principal,
        kept: &Kept,
        naming: Naming<'_>,
    ) -> Result<Self, Error> {
        let (name, unique_name) = naming.names(principal, kept.local_name.as_deref())?;
        Ok(Self {
            principal: principal.clone(),
            name,
            unique_name,
            has_plain_name: naming.is_plain(),
            ticket_end: None,
            authenticated_at: None,
            pac: None,
            account: kept.account.clone(),
            occasion: Occasion::Recheck,
        })
    }

    /// The principal. Where the ticket has a PAC, its name is the PAC's account, and not what the
    /// client asked the KDC for: on Active Directory that may be another's name.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The name that the layer's [`NameMapping`] makes of the principal. Unless one is chosen, that
    /// is the principal's name without its realm (the whole principal where it is no person's,
    /// which a layer lets nobody sign in with), and names one person only beside
    /// [`realm`](Self::realm): where the layer allows several realms, use
    /// [`unique_name`](Self::unique_name).
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The principal's realm.
    pub fn realm(&self) -> &str {
        self.principal.realm()
    }

    /// A name that no other initiator of this layer has: the mapped name; unless a mapping is
    /// chosen, the name without the realm where only one is allowed, else the whole principal.
    pub fn unique_name(&self) -> &str {
        &self.unique_name
    }

    /// Whether [`unique_name`](Self::unique_name) is the principal's name without its realm, by which
    /// no directory need call the person; else it is a name that the layer makes.
    #[cfg(feature = "ldap")]
    pub(crate) fn has_plain_name(&self) -> bool {
        self.has_plain_name
    }

    /// What the ticket's PAC says, where it has one: a ticket of Active Directory or Samba, unless
    /// the client had it left out. At a [recheck](Occasion::Recheck) there is no ticket; what the
    /// login has kept of its PAC is [`sid`](Self::sid), [`account`](Self::account) and
    /// [`domain`](Self::domain).
    pub fn pac(&self) -> Option<&Pac> {
        self.pac.as_deref()
    }

    /// The user's SID by the PAC.
    pub fn sid(&self) -> Option<Sid> {
        let kept = self.account.as_ref().map(|account| account.sid);
        self.pac().map(Pac::sid).or(kept)
    }

    /// The account's name (`sAMAccountName`) by the PAC.
    pub fn account(&self) -> Option<&str> {
        match (&self.pac, &self.account) {
            (Some(pac), _) => Some(pac.account()),
            (None, Some(_)) => self.principal.person(),
            (None, None) => None,
        }
    }

    /// The domain's NetBIOS name by the PAC.
    pub fn domain(&self) -> Option<&str> {
        let kept = self.account.as_ref().map(|account| account.domain.as_str());
        self.pac().map(Pac::domain).or(kept)
    }

    /// The groups that the client is in by the PAC; `None` where there is none, which does not mean
    /// that the client is in no group. There is none at a [recheck](Occasion::Recheck).
    pub fn groups(&self) -> Option<&[Sid]> {
        self.pac().map(Pac::groups)
    }

    /// Why the directory is asked.
    pub fn occasion(&self) -> Occasion {
        self.occasion
    }

    /// Whether a directory is asked the same about both, the times of their tickets aside.
    pub(crate) fn is_the_same_question_as(&self, other: &Self) -> bool {
        // Taken apart, so that nothing that is added here is forgotten.
        let Self {
            principal,
            name,
            unique_name,
            has_plain_name,
            ticket_end: _,
            authenticated_at: _,
            pac,
            account,
            occasion,
        } = self;
        let is_same_pac = match (pac, &other.pac) {
            (Some(own), Some(other)) => own.differs_in_times_alone(other),
            (own, other) => own.is_none() && other.is_none(),
        };
        *principal == other.principal
            && *name == other.name
            && *unique_name == other.unique_name
            && *has_plain_name == other.has_plain_name
            && *account == other.account
            && *occasion == other.occasion
            && is_same_pac
    }

    /// When the ticket ends, where GSSAPI said so; or earlier, when the PAC says that sessions are to
    /// be ended by force.
    pub fn ticket_end(&self) -> Option<SystemTime> {
        self.ticket_end
    }

    /// When the person proved who they are to the KDC (the ticket's authtime, RFC 4120 section
    /// 5.3), where GSSAPI said so.
    pub fn authenticated_at(&self) -> Option<SystemTime> {
        self.authenticated_at
    }
}

/// The account's own principal, if it is a person's whom the domain lets sign in now.
fn principal_of(pac: &Pac, ticket: &Principal) -> Result<Principal, Error> {
    let refused = |kind| {
        Error::new(kind).with_detail(format!(
            "{}, who asked for a ticket as {ticket}",
            pac.account()
        ))
    };
    if pac.is_machine() {
        return Err(refused(ErrorKind::NameNotAllowed));
    }
    let is_kicked_off = pac.kick_off().is_some_and(|end| end <= SystemTime::now());
    if pac.is_disabled() || is_kicked_off {
        return Err(refused(ErrorKind::UserDenied));
    }
    Principal::from_parts(vec![pac.account().to_owned()], ticket.realm().to_owned())
        .map_err(|error| refused(ErrorKind::NameNotAllowed).with_source(error))
}

#[cfg(test)]
mod tests;
