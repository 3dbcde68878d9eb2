//! Who the initiator is: the [`Directory`] trait, those that ask nobody, [`PrincipalOnly`] and
//! [`TicketDirectory`], and one made of others, [`RealmDirectories`].

use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::group_rule::GroupKey;
use crate::initiator::Initiator;
use crate::user::User;

mod cached;
#[cfg(feature = "ldap")]
pub mod ldap;
mod questions;
mod realms;
mod ticket;

pub use self::cached::Cached;
pub use self::realms::RealmDirectories;
pub use self::ticket::TicketDirectory;

/// Finds the user behind a Kerberos principal.
///
/// `find` is asked once for each token that the KDC vouched for, never for a request that rides on
/// the session. It must answer for exactly the initiator's principal: a directory that finds
/// somebody *similar* lets a stranger in.
///
/// ```
/// use tower_spnego::{Directory, DirectoryError, Initiator, User};
///
/// struct Staff(Vec<&'static str>);
///
/// impl Directory for Staff {
///     async fn find(&self, who: &Initiator) -> Result<User, DirectoryError> {
///         if !self.0.contains(&who.name()) {
///             return Err(DirectoryError::not_found());
///         }
///         Ok(User::builder(who.principal().clone()).build())
///     }
/// }
/// ```
pub trait Directory: Send + Sync + 'static {
    /// The user, or why there is none.
    ///
    /// # Errors
    ///
    /// [`DirectoryError::unavailable`] when the directory can't answer now (the client gets 503);
    /// the others refuse the person (403).
    fn find(&self, who: &Initiator) -> impl Future<Output = Result<User, DirectoryError>> + Send;

    /// What tells this directory from others in the fingerprint of a login: a login made with one
    /// directory is none for a layer with another. It must be the same in every process that
    /// shares a session store, and hold no secret.
    ///
    /// Without one (the default), a login counts only for layers that got this very directory, in
    /// this process: after a restart, or on another server, people are signed in anew.
    fn fingerprint(&self) -> Option<String> {
        None
    }

    /// Whether `alice@A` and `alice@B` are told apart. A layer that allows several realms refuses
    /// to start with a directory that answers `false`.
    fn tells_realms_apart(&self) -> bool {
        true
    }

    /// Whether people of this realm can be found. A layer that allows a realm of which that is not so
    /// refuses to start.
    fn serves(&self, realm: &str) -> bool {
        let _ = realm;
        true
    }

    /// Whether it can tell who is in this group, and who is not: whether its users'
    /// [groups](User::groups) have what names the group here. A layer one of whose
    /// [rules](crate::GroupRule) has a group of which that is not so refuses to start: a rule to deny
    /// it would let everybody in.
    fn knows_group(&self, group: GroupKey<'_>) -> bool {
        let _ = group;
        true
    }
}

/// No directory at all: the user is what the ticket says.
///
/// The username is the principal's name without its realm where the layer allows a single realm,
/// else the whole principal. There are no groups, so that a layer with [rules](crate::GroupRule) on
/// them refuses to start, and nobody is ever refused: whoever the KDC knows gets in.
///
/// Where the ticket has a [`Pac`](crate::Pac), as on Active Directory, the name is the PAC's account
/// and the id its SID. Where it has none, the name is what the ticket says; on Active Directory that
/// is the client's choice, and so is whether there is a PAC: there the layer must
/// [require one](crate::SpnegoLayerBuilder::require_pac). [`TicketDirectory`] does so itself, and has
/// the groups, too.
#[derive(Debug, Clone, Copy, Default)]
pub struct PrincipalOnly;

impl Directory for PrincipalOnly {
    async fn find(&self, who: &Initiator) -> Result<User, DirectoryError> {
        let mut user = User::builder(who.principal().clone()).username(who.unique_name());
        if let Some(sid) = who.sid() {
            user = user.id(sid.to_string());
        }
        Ok(user.build())
    }

    fn fingerprint(&self) -> Option<String> {
        Some("principal only".to_owned())
    }

    fn knows_group(&self, _: GroupKey<'_>) -> bool {
        false
    }
}

/// Any [`Directory`] behind one type, for a choice made at run time.
///
/// ```
/// # fn ldap_directory() -> tower_spnego::PrincipalOnly { tower_spnego::PrincipalOnly }
/// use tower_spnego::{PrincipalOnly, SharedDirectory};
///
/// let directory = if std::env::var_os("NO_LDAP").is_some() {
///     SharedDirectory::new(PrincipalOnly)
/// } else {
///     SharedDirectory::new(ldap_directory())
/// };
/// ```
#[derive(Clone)]
pub struct SharedDirectory {
    erased: Arc<dyn ErasedDirectory>,
    fingerprint: String,
}

impl SharedDirectory {
    /// Erases the type of `directory`.
    pub fn new(directory: impl Directory) -> Self {
        let fingerprint = directory.fingerprint();
        Self {
            fingerprint: fingerprint.unwrap_or_else(no_others),
            erased: Arc::new(directory),
        }
    }
}

/// A fingerprint that no other directory has, here or elsewhere.
fn no_others() -> String {
    format!("{:016x}", RandomState::new().hash_one(()))
}

impl Directory for SharedDirectory {
    async fn find(&self, who: &Initiator) -> Result<User, DirectoryError> {
        self.erased.find_boxed(who).await
    }

    fn fingerprint(&self) -> Option<String> {
        Some(self.fingerprint.clone())
    }

    fn tells_realms_apart(&self) -> bool {
        self.erased.tells_realms_apart_erased()
    }

    fn serves(&self, realm: &str) -> bool {
        self.erased.serves_erased(realm)
    }

    fn knows_group(&self, group: GroupKey<'_>) -> bool {
        self.erased.knows_group_erased(group)
    }
}

impl fmt::Debug for SharedDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedDirectory")
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

type Found<'a> = Pin<Box<dyn Future<Output = Result<User, DirectoryError>> + Send + 'a>>;

trait ErasedDirectory: Send + Sync {
    fn find_boxed<'a>(&'a self, who: &'a Initiator) -> Found<'a>;
    fn tells_realms_apart_erased(&self) -> bool;
    fn serves_erased(&self, realm: &str) -> bool;
    fn knows_group_erased(&self, group: GroupKey<'_>) -> bool;
}

impl<D: Directory> ErasedDirectory for D {
    fn find_boxed<'a>(&'a self, who: &'a Initiator) -> Found<'a> {
        Box::pin(self.find(who))
    }

    fn tells_realms_apart_erased(&self) -> bool {
        self.tells_realms_apart()
    }

    fn serves_erased(&self, realm: &str) -> bool {
        self.serves(realm)
    }

    fn knows_group_erased(&self, group: GroupKey<'_>) -> bool {
        self.knows_group(group)
    }
}

/// Why a [`Directory`] has no user to give.
#[derive(Debug, Clone, thiserror::Error)]
#[error(transparent)]
pub struct DirectoryError(Error);

impl DirectoryError {
    /// Nobody has this principal: 403.
    pub fn not_found() -> Self {
        Self(Error::new(ErrorKind::UserNotFound))
    }

    /// More than one entry answers to this principal: 403.
    pub fn ambiguous() -> Self {
        Self(Error::new(ErrorKind::UserAmbiguous))
    }

    /// What was found is similar to the person asked for, and is not that person: 403.
    pub fn differs() -> Self {
        Self(Error::new(ErrorKind::UserDiffers))
    }

    /// The person is known and may not sign in: 403.
    pub fn denied() -> Self {
        Self(Error::new(ErrorKind::UserDenied))
    }

    /// The ticket has no PAC, and nothing else says who the person is: 403.
    pub fn pac_missing() -> Self {
        Self(Error::new(ErrorKind::PacMissing))
    }

    /// The directory can't answer now: 503.
    pub fn unavailable() -> Self {
        Self(Error::new(ErrorKind::DirectoryUnavailable))
    }

    /// The directory answers and will not serve us, by a mistake in our set-up (a refused bind, a
    /// search base that does not exist): 503 all the same, for it is no fault of the person's.
    pub fn misconfigured() -> Self {
        Self(Error::new(ErrorKind::DirectoryMisconfigured))
    }

    /// Adds what the log should say besides; never a secret.
    #[must_use]
    pub fn with_detail(self, detail: impl AsRef<str>) -> Self {
        Self(self.0.with_detail(detail))
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn with_source(self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self(self.0.with_source(source))
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind()
    }
}

impl From<DirectoryError> for Error {
    fn from(error: DirectoryError) -> Self {
        error.0
    }
}
