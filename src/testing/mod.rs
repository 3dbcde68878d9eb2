//! Real parts for tests: a KDC and its clients.
//!
//! Kerberos that is faked in a test proves little. A KDC in a temporary folder starts in a fraction
//! of a second, needs no root, and gives tickets that are accepted or refused for real reasons.
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

mod chromium;
mod handshake;
mod ldap;
mod port;
mod process;
mod realm;
mod ticket;

pub use chromium::{Chromium, chromium_or_skip};
pub use handshake::{Handshake, HandshakeRequest, authorization};
pub use ldap::TestLdap;
pub use realm::{TestRealm, TestRealmBuilder};
pub use ticket::{TicketCache, TicketRequest};
