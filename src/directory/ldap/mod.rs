//! Users and groups from an LDAP server.
//!
//! [`LdapDirectory`] searches the entry of the principal that signed in and makes a
//! [`User`](crate::User) of it.
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
//! 1. Exactly one entry must match, of all [searches](LdapDirectoryBuilder::search) together. None,
//!    or more than one, refuses the person. Two searches that find the same entry, by its DN as the
//!    server writes it, have found one.
//! 2. The entry must have the very name that was searched, byte for byte, by one of the searches that
//!    found it. LDAP compares loosely (RFC 4518): ` Alice`, `ａlice` and `ⓐlice` all find the entry of
//!    `alice`, and a realm can hold each of them as another person.
//! 3. What a name holds can't change the filter or the DN: it is escaped by RFC 4515, or RFC 4514.
//! 4. A server that can't be reached, does not answer in time, or refuses us is an error, never
//!    "no such user" and never a user without groups.
//! 5. Referrals are not followed: the password goes to the servers of the settings alone.
//! 6. A password goes over TLS (`ldaps://`, or `ldap://` with
//!    [`start_tls`](LdapDirectoryBuilder::start_tls)), or to this machine, unless
//!    [`allow_clear_text`](LdapDirectoryBuilder::allow_clear_text) says otherwise. Without TLS, whoever
//!    is on the way can forge the answers of `ldap://`, groups included, also of an anonymous search.
//! 7. An account that is disabled, or out of its time, is refused
//!    ([`UserDenied`](crate::ErrorKind::UserDenied)), though its ticket is still valid; see [below](#accounts).
//!
//! # What becomes of an entry
//!
//! | [`User`](crate::User) | attribute |
//! |---|---|
//! | [`id`](crate::User::id) | `entryUUID`, else the principal; on Active Directory `objectSid`, on FreeIPA `ipaUniqueID` |
//! | [`username`](crate::User::username) | none: the name that was searched; on Active Directory `sAMAccountName`, on FreeIPA `uid`, or what [`username_attribute`](LdapDirectoryBuilder::username_attribute) names. Where the layer allows several realms, the whole principal |
//! | [`display_name`](crate::User::display_name) | `displayName`, else `cn`, else the username |
//! | [`email`](crate::User::email) | `mail` |
//! | [`groups`](crate::User::groups) | `memberOf`; with a [preset](self#presets), what it says; see [groups](self#groups) |
//! | [`dn`](crate::User::dn) | the entry's DN |
//! | [`attributes`](crate::User::attributes) | those named by [`attributes`](LdapDirectoryBuilder::attributes), and no others |
//!
//! # Presets
//!
//! | | people | filter | groups, and groups of groups |
//! |---|---|---|---|
//! | [`active_directory`](LdapDirectory::active_directory)`("corp.example.com")` | below `DC=corp,DC=example,DC=com` | `(&(objectCategory=person)(objectClass=user)(objectSid={sid}))` | `tokenGroups` |
//! | [`openldap`](LdapDirectory::openldap)`("dc=example,dc=com")` | below it | `(&(objectClass=person)(uid={user}))` | `groupOfNames` below it |
//! | [`free_ipa`](LdapDirectory::free_ipa)`("ipa.example.com")` | below `cn=users,cn=accounts,dc=ipa,dc=example,dc=com` | `(&(objectClass=posixAccount)(krbPrincipalName={principal}))` | `groupOfNames` below `cn=groups,cn=accounts,dc=ipa,dc=example,dc=com` |
//!
//! Each sets the attributes of the table above as well, and each setting can still be changed. Of
//! FreeIPA, whoever is found by an alias (`ipa user-add-principal`) has their `uid` as username, and
//! people of a trusted domain of Active Directory are not found: they stand in that domain.
//!
//! # Accounts
//!
//! The entry is asked for these attributes. Those that it does not have, or that the bind account may
//! not read, say nothing, but for the preset of Active Directory, which needs its own; a value that
//! nobody can read is an error (503).
//!
//! | attribute | refused |
//! |---|---|
//! | `nsAccountLock` (389 Directory Server, FreeIPA) | `TRUE` |
//! | `krbPrincipalExpiration` (MIT Kerberos, FreeIPA) | from that time on |
//! | `shadowExpire` (RFC 2307) | from that day on, in UTC, where it is more than 0 |
//! | `pwdStartTime`, `pwdEndTime` (slapo-ppolicy) | before, and from that time on |
//! | `pwdAccountLockedTime` (slapo-ppolicy) | `000001010000Z`, an administrator's lock; another time with a password alone |
//! | `pwdAccountTmpLockoutEnd` (slapo-ppolicy) | until that time, with a password alone |
//! | `userAccountControl` (Active Directory) | `ACCOUNTDISABLE` |
//! | `accountExpires` (Active Directory) | from that time on |
//! | `msDS-User-Account-Control-Computed` (Active Directory) | `LOCKOUT`, with a password alone |
//!
//! A lock of wrong passwords counts for passwords alone
//! ([`Occasion::Password`](crate::Occasion::Password)): whoever guesses at somebody's must not throw
//! its owner out, who has a ticket. The password's age (`shadowMax`, `pwdChangedTime`) is the KDC's
//! affair.
//!
//! # Active Directory
//!
//! The name in a ticket of Active Directory or Samba is the client's choice: whoever may create a
//! computer's account `carol$`, which by default is every user, can sign in as `carol`. The ticket's
//! [`Pac`](crate::Pac) tells the truth. [`LdapDirectory::active_directory`] goes by it:
//!
//! 1. A ticket without a PAC is refused ([`PacMissing`](crate::ErrorKind::PacMissing)): clients can
//!    leave it out. [`trust_ticket_names`](LdapDirectoryBuilder::trust_ticket_names) says otherwise.
//! 2. The person is the entry with the PAC's SID, below the domain's root. Another filter is fine; the
//!    entry's `objectSid` must be the PAC's all the same.
//! 3. The entry's `sAMAccountName` must be the PAC's account, ASCII case aside. It is the username,
//!    in the entry's spelling, unless the layer makes another name of the person: with several
//!    realms, the whole principal.
//! 4. An account that is disabled or has expired is refused, and with a password one that is locked.
//! 5. An attribute that these rules need and the bind account can't read is an error (503), never a
//!    condition that holds.
//! 6. [`User::id`](crate::User::id) is the SID, `S-1-5-21-…`, which no renaming changes and no other account ever
//!    gets.
//! 7. Groups are those that Active Directory computes at each sign-in, nested, the primary group
//!    (`Domain Users`) included; see [groups](self#groups).
//!
//! With `{sid}` in a filter of one's own, the first rule and the third (the account, not the
//! username) hold as well.
//!
//! Where a KDC gives tickets without a PAC, people can be found by the ticket's name, with what
//! [`trust_ticket_names`](LdapDirectoryBuilder::trust_ticket_names) tells of its risk. The preset
//! then searches for `sAMAccountName`; a builder of one's own can do it by the UPN, whose realm is
//! seldom spelled as the KDC's:
//!
//! ```no_run
//! use tower_spnego::ldap::LdapDirectory;
//!
//! # fn password() -> String { String::new() }
//! const PEOPLE: &str = "(&(objectCategory=person)(objectClass=user)";
//! let directory = LdapDirectory::builder("ldaps://dc1.corp.example.com")
//!     .bind_simple("svc-web@corp.example.com", password())
//!     .search(
//!         "DC=corp,DC=example,DC=com",
//!         format!("{PEOPLE}(userPrincipalName={{user}}@corp.example.com))"),
//!     )
//!     .username_attribute("sAMAccountName")
//!     .id_attribute("objectSid")
//!     .build()?;
//! # Ok::<_, tower_spnego::ConfigError>(())
//! ```
//!
//! The account's state is looked at there as well. A ticket that has a PAC bears the account's name,
//! and so finds by UPN only where the two are the same.
//!
//! # Groups
//!
//! | [`groups`](LdapDirectoryBuilder::groups) | groups of groups | the primary group of Windows | searches, beside the one for the person |
//! |---|---|---|---|
//! | [`MemberOf`](GroupSearch::MemberOf) | with [`nested_groups`](LdapDirectoryBuilder::nested_groups) | by the preset | none where the DNs say the names; else one for each group, 32 at once |
//! | [`GroupOfNames`](GroupSearch::GroupOfNames), [`GroupOfUniqueNames`](GroupSearch::GroupOfUniqueNames), [`OrganizationalRole`](GroupSearch::OrganizationalRole) | with `nested_groups` | – | one in each base; nested, on each level one more for each 100 groups |
//! | [`Member`](GroupSearch::Member) | with `nested_groups` | by the preset | the same, and one for the primary group |
//! | [`PosixGroup`](GroupSearch::PosixGroup) | there are none | – | one in each base; reads the groups' members |
//! | [`InChain`](GroupSearch::InChain) | yes | yes | three |
//! | [`TokenGroups`](GroupSearch::TokenGroups) | yes | yes | one, and one for each 100 groups |
//! | [`Ticket`](GroupSearch::Ticket) | yes | yes | one for each 100 groups |
//!
//! The last three are for Active Directory and Samba. There `MemberOf` is by far the most work,
//! nested or not, for each group's entry must be read; and Samba, which has no index for `member`,
//! takes seconds for `Member` with hundreds of nested groups.
//!
//! **On Active Directory**, `TokenGroups` is the default: the ticket's groups are as old as the ticket,
//! and there are none without a PAC. It has security groups alone, as the ticket has, while the
//! others find distribution groups, too. The bind account must be allowed to read `tokenGroups`, as
//! by default every account is, and the groups themselves; where it is not, that is an error. A
//! group's name is `sAMAccountName`, which is unique in the domain. Groups of other domains are named
//! by their SID, and so are the domain controller's own (`S-1-5-32-544`), which are the same in every
//! domain.
//!
//! **Nobody gets in with some of their groups**, for one of the others may be denied. More values than
//! a server gives at once (1,500 on Active Directory) are asked for in ranges, more entries (1,000)
//! in pages (RFC 2696); what is over
//! [`group_size_limit`](LdapDirectoryBuilder::group_size_limit) or
//! [`group_depth_limit`](LdapDirectoryBuilder::group_depth_limit), a group that is named and can't be
//! read, and whatever else leaves a doubt, is an error (503). Two things no client can know: searches
//! by members, and `InChain`, find those groups alone that the bind account may see; and with
//! `Ticket` a group may have been deleted since, or hidden from us, and is named by its SID.
//!
//! **A name is its group's owner's choice.** Where not everybody who may create a group is trusted,
//! give rules DNs or SIDs, or say with [`group_base`](LdapDirectoryBuilder::group_base) where the
//! groups are whose names [count](crate::Group::name_counts).
//!
//! # Connection
//!
//! All requests share one connection to a server, which is made by the first, bound once, and made
//! anew when it was lost, when nobody used it for two minutes, or when it is an hour old
//! ([`connection_age`](LdapDirectoryBuilder::connection_age)). A search that loses it is tried once
//! more. LDAP carries many searches at once over one connection, and that measures better than a pool:
//! with 64 searches in flight over TLS, four connections do about a tenth more a second, at twice the
//! latency (p99 21 ms instead of 11 ms).
//!
//! Where a host has several addresses, the next one is tried beside the one that says nothing for a
//! quarter of a second.
//!
//! ## Several servers
//!
//! They are named by [`server`](LdapDirectoryBuilder::server), or by DNS
//! ([`servers_from_dns`](LdapDirectoryBuilder::servers_from_dns), and the presets for a domain
//! when no server is named). Each holds the whole directory.
//!
//! 1. A person waits no longer than the [`timeout`](LdapDirectoryBuilder::timeout), for everything
//!    together. Of what is left of it a server has half, and the last one all: with 5 seconds and
//!    two servers, 2.5 seconds each. A search that takes longer on every server needs a longer timeout.
//! 2. The next server is asked where one refuses or ends the connection, has a certificate that is
//!    not trusted, answers what is no LDAP, says that it is busy (51), unavailable (52) or has an error
//!    of its own (80), or does not answer in time.
//! 3. Whatever else a server says is the answer, though another might say otherwise for a while: no
//!    such entry, a base that does not exist, a right that is missing.
//! 4. So is **a bind that is refused**. A wrong password, or a keytab's old key, tried on each server
//!    and by each sign-in, would lock the account. It is tried on none for 30 seconds, then for ever
//!    longer times, up to half an hour: at most four times in half an hour (in random order, the
//!    first time once on each server). A keytab that has changed is tried at once. Meanwhile people
//!    get 503, but for what goes over a connection that was bound before.
//! 5. A server that failed is passed over, for a second at first and a minute at most, and then
//!    tried while nobody waits for it. When no other is left, it is asked all the same. A server that is
//!    back is used with no restart; the log says when one is lost (`WARN`) and back (`INFO`).
//! 6. When none answers, people get 503, and the error names each server with its reason.
//!
//! Neither the servers' order nor their state makes a login another one; the set of their URLs does,
//! or the domain of those that DNS names.
//!
//! # Bind
//!
//! | [`LdapDirectoryBuilder`] | who we are | over |
//! |---|---|---|
//! | nothing | nobody: the search is anonymous | anything |
//! | [`bind_simple`](LdapDirectoryBuilder::bind_simple) | the owner of a name and a password | TLS, or to this machine |
//! | [`bind_external`](LdapDirectoryBuilder::bind_external) | the owner of a [`client_certificate`](LdapDirectoryBuilder::client_certificate) | TLS |
//! | [`bind_external`](LdapDirectoryBuilder::bind_external) | the user of this process | `ldapi://` |
//! | `bind_gssapi` (feature `ldap-gssapi`) | a principal whose keytab we have | TLS, or to this machine |
//!
//! No password is in the program with the last three, nor in its configuration.
//!
//! ```no_run
//! use tower_spnego::ldap::LdapDirectory;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // As the user that the process runs as, on a server of the same machine.
//! let local = LdapDirectory::builder("ldapi://%2Frun%2Fslapd%2Fldapi")
//!     .bind_external()
//!     .search("ou=people,dc=example,dc=com", "(uid={user})")
//!     .build()?;
//! // As the owner of a certificate, with TLS on the port of LDAP.
//! let remote = LdapDirectory::builder("ldap://ldap.example.com")
//!     .start_tls()
//!     .ca_file("/etc/intranet/ca.pem")
//!     .client_certificate("/etc/intranet/web.pem", "/etc/intranet/web.key")
//!     .bind_external()
//!     .search("ou=people,dc=example,dc=com", "(uid={user})")
//!     .build()?;
//! # Ok(())
//! # }
//! ```

mod account;
mod active_directory;
mod bind;
mod builder;
mod connection;
#[cfg(feature = "doctor")]
mod diagnosis;
mod directory;
mod dn;
#[cfg(feature = "srv")]
mod dns;
mod entry;
mod exchange;
mod failure;
mod fields;
mod filter;
mod free_ipa;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod groups;
#[cfg(feature = "ldap-gssapi")]
mod gssapi;
mod lookup;
mod message;
mod openldap;
mod outcome;
mod pages;
mod pause;
mod people;
mod ranges;
mod scope;
mod server;
mod servers;
mod tls;

pub use self::builder::LdapDirectoryBuilder;
#[cfg(feature = "doctor")]
pub(crate) use self::diagnosis::{Blamed, BoundBy, Diagnosis, Step, StepKind, alias_of};
pub use self::directory::LdapDirectory;
pub use self::groups::GroupSearch;
pub use self::scope::Scope;
