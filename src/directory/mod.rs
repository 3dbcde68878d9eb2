//! Who the initiator is: the [`Directory`] trait, those that ask nobody, [`PrincipalOnly`] and
//! [`TicketDirectory`], and one made of others, [`RealmDirectories`].

use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::sync::Arc;

use crate::group_rule::GroupKey;
use crate::initiator::Initiator;
use crate::user::User;

mod cached;
mod error;
#[cfg(feature = "ldap")]
pub mod ldap;
mod principal_only;
mod realms;
mod ticket;

pub use self::cached::Cached;
pub use self::error::DirectoryError;
pub use self::principal_only::PrincipalOnly;
pub use self::realms::RealmDirectories;
pub use self::ticket::TicketDirectory;

/// Finds the user behind a Kerberos principal.
///
/// `find` is asked once for each token that the KDC vouched for, and not for a request that rides on
/// the session, unless the layer [asks again](crate::SpnegoLayerBuilder::recheck_every) in the middle
/// of a login. It must answer for exactly the initiator's principal: a directory that finds
/// somebody *similar* lets a stranger in.
///
/// Here it is two tables of a database:
///
/// ```
/// use sqlx::SqlitePool;
/// use tower_spnego::{Directory, DirectoryError, Group, GroupKey, Initiator, User};
///
/// struct Staff(SqlitePool);
///
/// impl Directory for Staff {
///     async fn find(&self, who: &Initiator) -> Result<User, DirectoryError> {
///         // One person's name in this layer, which `name()` is not where it allows several realms.
///         let wanted = who.unique_name();
///         let query = "SELECT id, login, name, enabled FROM person WHERE login = ?1";
///         let person = sqlx::query_as::<_, (i64, String, String, bool)>(query).bind(wanted);
///         let person = person.fetch_optional(&self.0).await.map_err(is_down)?;
///         let (id, login, name, enabled) = person.ok_or_else(DirectoryError::not_found)?;
///         // Many databases find `alice` for `ALICE`, who is another person to the KDC.
///         if login != wanted {
///             return Err(DirectoryError::differs().with_detail(&login));
///         }
///         // A ticket outlives its account by hours.
///         if !enabled {
///             return Err(DirectoryError::denied().with_detail("the account is disabled"));
///         }
///         let teams = sqlx::query_scalar("SELECT team FROM member WHERE person = ?1").bind(id);
///         let teams: Vec<String> = teams.fetch_all(&self.0).await.map_err(is_down)?;
///         let mut user = User::builder(who.principal().clone())
///             .id(id.to_string()) // not the login, which the next person may get
///             .username(login)
///             .display_name(name);
///         for team in teams {
///             user = user.group(Group::new(team));
///         }
///         Ok(user.build())
///     }
///
///     fn fingerprint(&self) -> Option<String> {
///         Some("the staff of our database".to_owned())
///     }
///
///     fn knows_group(&self, group: GroupKey<'_>) -> bool {
///         matches!(group, GroupKey::Name(_)) // its teams have neither DN nor SID
///     }
/// }
///
/// // No fault of the person's, and never "no such user" nor "no groups".
/// fn is_down(error: sqlx::Error) -> DirectoryError {
///     DirectoryError::unavailable().with_source(error)
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use tower_spnego::{ErrorKind, Principal};
/// # use sqlx::sqlite::SqlitePoolOptions;
/// # let database = SqlitePoolOptions::new().max_connections(1).connect("sqlite::memory:").await?;
/// # let tables =
/// #     "CREATE TABLE person (id INTEGER PRIMARY KEY, login TEXT UNIQUE, name TEXT, enabled BOOLEAN);
/// #      CREATE TABLE member (person INTEGER, team TEXT);
/// #      INSERT INTO person VALUES (4711, 'alice', 'Alice Liddell', TRUE), (4712, 'bob', 'Bob', FALSE);
/// #      INSERT INTO member VALUES (4711, 'Engineers'), (4711, 'Staff'), (4712, 'Staff');";
/// # sqlx::raw_sql(tables).execute(&database).await?;
/// let staff = Staff(database);
/// let alice = Initiator::new("alice@CORP.EXAMPLE.COM".parse()?);
/// let user = staff.find(&alice).await?;
/// assert_eq!(user.display_name(), "Alice Liddell");
/// assert!(user.is_in("Engineers"));
/// # let ask = async |principal: &str| {
/// #     let principal: Principal = principal.parse().expect("a principal");
/// #     staff.find(&Initiator::new(principal)).await.map_err(|error| error.kind())
/// # };
/// # assert_eq!(ask("alice@CORP").await.expect("alice").groups().len(), 2);
/// # assert_eq!(ask("bob@CORP").await, Err(ErrorKind::UserDenied));
/// # for nobody in ["ALICE@CORP", "mallory@CORP", "alice' OR '1' = '1@CORP", "%@CORP"] {
/// #     assert_eq!(ask(nobody).await, Err(ErrorKind::UserNotFound), "{nobody}");
/// # }
/// # let loose = "DROP TABLE person; CREATE TABLE person (id INTEGER, login TEXT COLLATE NOCASE,
/// #     name TEXT, enabled BOOLEAN); INSERT INTO person VALUES (1, 'alice', 'Alice', TRUE);";
/// # sqlx::raw_sql(loose).execute(&staff.0).await?;
/// # assert_eq!(ask("ALICE@CORP").await, Err(ErrorKind::UserDiffers));
/// # sqlx::raw_sql("DROP TABLE member").execute(&staff.0).await?;
/// # assert_eq!(ask("alice@CORP").await, Err(ErrorKind::DirectoryUnavailable));
/// # Ok(())
/// # }
/// ```
///
/// In front of a slow one, [`Cached`] remembers the answers for a while.
pub trait Directory: Send + Sync + 'static {
    /// The user, or why there is none.
    ///
    /// # Errors
    ///
    /// [`DirectoryError::unavailable`] when the directory can't answer now (the client gets 503);
    /// the others refuse the person (403).
    fn find(&self, who: &Initiator) -> impl Future<Output = Result<User, DirectoryError>> + Send;

    /// The user who is signed in, asked about again in the middle of their login, where the layer says
    /// [`recheck_every`](crate::SpnegoLayerBuilder::recheck_every); or why they may stay no longer.
    /// `user` is who they were until now.
    ///
    /// It is [`find`](Self::find), unless said otherwise, with an initiator on
    /// [`Occasion::Recheck`](crate::Occasion::Recheck), which has no ticket: no
    /// [`pac`](Initiator::pac), no [`groups`](Initiator::groups) and no times. **A directory that gives
    /// people groups out of their ticket must write this method**, and take them from `user`: to answer
    /// with fewer is to take rights away, and to let in whom a rule denies. One that is made around
    /// another must pass it on.
    ///
    /// # Errors
    ///
    /// As those of `find`: an outage (503) leaves the login as it is, for a
    /// [while](crate::SpnegoLayerBuilder::recheck_grace); all others end it (403).
    fn recheck(
        &self,
        who: &Initiator,
        user: &User,
    ) -> impl Future<Output = Result<User, DirectoryError>> + Send {
        let _ = user;
        self.find(who)
    }

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
    fingerprint: Arc<str>,
}

impl SharedDirectory {
    /// Erases the type of `directory`.
    pub fn new(directory: impl Directory) -> Self {
        let fingerprint = directory.fingerprint();
        Self {
            fingerprint: fingerprint.unwrap_or_else(no_others).into(),
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

    async fn recheck(&self, who: &Initiator, user: &User) -> Result<User, DirectoryError> {
        self.erased.recheck_boxed(who, user).await
    }

    fn fingerprint(&self) -> Option<String> {
        Some(self.fingerprint.to_string())
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
    fn recheck_boxed<'a>(&'a self, who: &'a Initiator, user: &'a User) -> Found<'a>;
    fn tells_realms_apart_erased(&self) -> bool;
    fn serves_erased(&self, realm: &str) -> bool;
    fn knows_group_erased(&self, group: GroupKey<'_>) -> bool;
}

impl<D: Directory> ErasedDirectory for D {
    fn find_boxed<'a>(&'a self, who: &'a Initiator) -> Found<'a> {
        Box::pin(self.find(who))
    }

    fn recheck_boxed<'a>(&'a self, who: &'a Initiator, user: &'a User) -> Found<'a> {
        Box::pin(self.recheck(who, user))
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
