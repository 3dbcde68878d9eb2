//! Real parts for tests: a KDC, an LDAP server, and clients.
//!
//! Kerberos that is faked in a test proves little. A KDC in a temporary folder starts in a fraction
//! of a second, needs no root, and gives tickets that are accepted or refused for real reasons.
//!
//! - [`TestRealm`]: a realm with users and services, its keytab and `krb5.conf`.
//! - [`TicketCache`]: a user's tickets, for requests to an application in the test's own process
//!   ([`open`](TicketCache::open), [`send`](TicketCache::send)), for tokens
//!   ([`token`](TicketCache::token), [`Handshake`]) and for programs.
//! - [`token_from`]: a token out of any other ticket cache, such as a forwarded ticket's.
//! - [`TestLdap`]: a directory with people and groups, over LDAP, LDAPS, StartTLS and a local socket.
//! - [`TestDns`]: a DNS server that names the servers of a domain.
//! - [`TestActiveDirectory`]: a Samba domain with users, computers and groups; it needs root.
//! - [`Chromium`] and [`Firefox`]: headless browsers that sign in with a ticket cache.
//!
#![cfg_attr(
    all(feature = "axum", feature = "ldap"),
    doc = "[`guide::testing`](crate::guide::testing) has an application's own test, in 20 lines."
)]
//!
//! ```
//! use tower_spnego::testing::TestRealm;
//!
//! let realm = TestRealm::start()?;        // EXAMPLE.TEST: alice, bob, HTTP/localhost
//! // The layer under test gets `realm.realm()` and `realm.keytab()`.
//!
//! let alice = realm.ticket_cache("alice")?;
//! let client = alice.handshake("HTTP/localhost").start()?;
//! assert!(client.authorization().starts_with("Negotiate YI"));
//! // … send it as `Authorization`, and check the server's last token:
//! // client.finish(&reply)?;
//!
//! // Programs get the same tickets through their environment.
//! let curl = alice.command("curl");
//! # Ok::<_, std::io::Error>(())
//! ```

mod active_directory;
mod browser;
mod certificate;
mod chromium;
mod delegation;
mod dns;
mod firefox;
mod handshake;
mod ldap;
mod ldif;
mod negotiation;
mod port;
mod process;
mod realm;
mod signed_in;
mod skip;
mod ticket;

#[doc(hidden)]
pub use crate::kerberos::BareAcceptor;
pub use active_directory::{GroupScope, TestActiveDirectory, active_directory_or_skip};
pub use chromium::{Chromium, chromium_or_skip};
pub use dns::TestDns;
pub use firefox::{Firefox, firefox_or_skip};
pub use handshake::{Handshake, HandshakeRequest, authorization, token_from};
pub use ldap::{TestLdap, TestLdapBuilder};
pub use realm::{TestRealm, TestRealmBuilder};
pub use ticket::{TicketCache, TicketRequest};
