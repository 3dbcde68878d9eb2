//! Users and groups from an LDAP server.
//!
//! [`LdapDirectory`] searches the entry of the principal that signed in and makes a
//! [`User`] of it.
//!
//! ```no_run
//! use tower_spnego::ldap::LdapDirectory;
//!
//! # fn password() -> String { String::new() }
//! let directory = LdapDirectory::builder("ldaps://ldap.example.com")
//!     .ca_file("/etc/intranet/ca.pem")
//!     .bind_simple("uid=web,ou=services,dc=example,dc=com", password())
//!     .search("ou=people,dc=example,dc=com", "(&(objectClass=person)(uid={user}))")
//!     .attributes(["employeeType"])
//!     .build()?;
//! # Ok::<_, tower_spnego::ConfigError>(())
//! ```
//!
//! # Rules
//!
//! 1. Exactly one entry must match. None, or more than one, refuses the person.
//! 2. The entry must have the very name that was searched, byte for byte. LDAP compares loosely
//!    (RFC 4518): ` Alice`, `ａlice` and `ⓐlice` all find the entry of `alice`, and a realm can
//!    hold each of them as another person.
//! 3. What a name holds can't change the filter: it is escaped by RFC 4515.
//! 4. A server that can't be reached, does not answer in time, or refuses us is an error, never
//!    "no such user" and never a user without groups.
//! 5. Referrals are not followed: the password goes to the server of the URL alone.
//! 6. A password goes over TLS, or to this machine, unless
//!    [`allow_clear_text`](LdapDirectoryBuilder::allow_clear_text) says otherwise. Whoever is on
//!    the way can forge the answers of `ldap://`, groups included, also of an anonymous search.
//!
//! # What becomes of an entry
//!
//! | [`User`] | attribute |
//! |---|---|
//! | [`id`](User::id) | `entryUUID`, else the principal |
//! | [`username`](User::username) | none: the name that was searched, or the whole principal where the layer allows several realms |
//! | [`display_name`](User::display_name) | `displayName`, else `cn`, else the username |
//! | [`email`](User::email) | `mail` |
//! | [`groups`](User::groups) | `memberOf`; the group's name is the first value of its DN, or the whole text where that is no DN |
//! | [`dn`](User::dn) | the entry's DN |
//! | [`attributes`](User::attributes) | those named by [`attributes`](LdapDirectoryBuilder::attributes), and no others |
//!
//! # Connection
//!
//! All requests share one connection, which is made by the first, bound once, and made anew when
//! it was lost. A search that loses it is tried once more.

mod builder;
mod connection;
mod dn;
mod entry;
mod fields;
mod filter;
mod outcome;
mod server;

use std::fmt;
use std::sync::Arc;

pub use self::builder::LdapDirectoryBuilder;
use self::connection::{Query, SharedConnection};
use self::entry::Entry;
use self::fields::Fields;
use self::filter::Filter;
use super::{Directory, DirectoryError};
use crate::initiator::Initiator;
use crate::user::User;

/// Finds users in an LDAP directory; see [the module](self).
///
/// Clones share the connection.
#[derive(Clone)]
pub struct LdapDirectory {
    connection: Arc<SharedConnection>,
    base: String,
    filter: Filter,
    fields: Fields,
    /// What the server is asked for, by name.
    requested: Vec<String>,
}

impl LdapDirectory {
    /// A directory on the server of an `ldaps://` or `ldap://` URL; the ports are 636 and 389
    /// unless it names one.
    pub fn builder(url: impl Into<String>) -> LdapDirectoryBuilder {
        LdapDirectoryBuilder::new(url.into())
    }
}

impl Directory for LdapDirectory {
    async fn find(&self, who: &Initiator) -> Result<User, DirectoryError> {
        let filter = self.filter.render(who);
        let query = Query {
            base: &self.base,
            filter: &filter,
            attributes: &self.requested,
        };
        let answer = self.connection.search(query).await?;
        let entry = Entry::parse(answer.sole_entry(&self.base, &filter)?).map_err(|malformed| {
            DirectoryError::unavailable()
                .with_detail(format!("look into the server's log; {malformed}"))
                .with_source(malformed)
        })?;
        self.filter.check_name(&entry, who)?;
        self.fields.user(who, &entry)
    }

    fn fingerprint(&self) -> Option<String> {
        let url = self.connection.endpoint().address.url();
        let fields: Vec<_> = self.fields.names().collect();
        Some(format!(
            "ldap\n{url}\n{}\n{}\n{}",
            self.base,
            self.filter.template(),
            fields.join("\n")
        ))
    }

    fn tells_realms_apart(&self) -> bool {
        self.filter.tells_realms_apart()
    }
}

impl fmt::Debug for LdapDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoint = self.connection.endpoint();
        f.debug_struct("LdapDirectory")
            .field("url", &endpoint.address.url().as_str())
            .field("bind", &endpoint.bind.as_ref().map(|bind| &bind.name))
            .field("base", &self.base)
            .field("filter", &self.filter.template())
            .finish_non_exhaustive()
    }
}
