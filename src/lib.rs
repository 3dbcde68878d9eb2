//! Kerberos single sign-on for [axum](https://docs.rs/axum): one layer, a user in every handler,
//! and, when it does not work, the reason why.
//!
//! ```
//! use axum::{Router, routing::get};
//! use tower_sessions::cookie::SameSite;
//! use tower_sessions::{MemoryStore, SessionManagerLayer};
//! use tower_spnego::{PrincipalOnly, SpnegoLayer, User};
//!
//! async fn home(user: User) -> String {
//!     format!("Hello, {}", user.display_name())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # #[cfg(feature = "testing")] {
//! # use axum::body::Body;
//! # use axum::http::{Request, StatusCode};
//! # use tower::ServiceExt;
//! # let realm = tower_spnego::testing::TestRealm::start()?;
//! # let keytab = realm.keytab();
//! let spnego = SpnegoLayer::builder()
//!     .realm("EXAMPLE.TEST") // whose principals may sign in
//!     .hostname("localhost") // the SPN is HTTP/<hostname>
//!     .keytab(keytab)
//!     .directory(PrincipalOnly) // or an LdapDirectory
//!     .build()?;
//!
//! let app: Router = Router::new()
//!     .route("/", get(home))
//!     .layer(spnego) // inside the session layer
//!     .layer(SessionManagerLayer::new(MemoryStore::default()).with_same_site(SameSite::Lax));
//! #
//! # let ask = || Request::get("/");
//! # let answer = app.clone().oneshot(ask().body(Body::empty())?).await?;
//! # assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
//! # let alice = realm.ticket_cache("alice")?.handshake("HTTP/localhost").start()?;
//! # let request = ask().header("authorization", alice.authorization()).body(Body::empty())?;
//! # assert_eq!(app.oneshot(request).await?.status(), StatusCode::OK);
//! # }
//! # Ok(())
//! # }
//! ```
//!
//! - [`SpnegoLayer`] is the layer; its [builder](SpnegoLayerBuilder) has every setting.
//! - [`User`], `Option<User>` and [`Login`] are the extractors.
//! - [`DelegatedTicket`] is the ticket that a client forwarded, for handlers that act as the person.
//! - [`Challenge`] is the answer of a handler that wants somebody signed in.
//! - [`Directory`] finds the user behind a principal:
#![cfg_attr(feature = "ldap", doc = "  [`LdapDirectory`](ldap::LdapDirectory),")]
#![cfg_attr(not(feature = "ldap"), doc = "  `LdapDirectory` (feature `ldap`),")]
//!   [`TicketDirectory`], [`PrincipalOnly`], or one of your own; [`RealmDirectories`] has one for each
//!   realm, and [`Cached`] remembers what one says.
//! - [`RequireGroup`] is a layer for routes that are not for everybody.
//! - [`GroupRule`] says which groups people must be in, or must not, and what roles that gives them.
//! - [`attributes`] reads a user's attributes into a type of the application's own.
//! - [`on_sign_in`](SpnegoLayerBuilder::on_sign_in) calls the application at each sign-in, and has
//!   fellows for refusals, outages and logouts.
//! - [`Error`] says why a request was refused: it is in the response's extensions and in the log. Of a
//!   refused token it has an [`Explanation`](explain::Explanation): what was seen, what it means, and
//!   the commands that mend it.
//! - [`ConfigError`] says why a layer can't start, and how to mend it.
//! - Guides, step by step, to a domain or realm: [`guide::active_directory`], [`guide::samba`],
//!   [`guide::free_ipa`] and [`guide::mit_kerberos`].
//! - [`guide::settings`] has every setting, its default and what it does.
//! - Guides to where it runs: [`guide::containers`], [`guide::load_balancers`] (several servers), and
//!   [`guide::observability`] (spans, events and metrics).
//! - Guides to who signs in: [`guide::browsers`], and [`guide::clients`] of other kinds.
//! - Guides for whoever comes from [`guide::django_auth_spnego`], [`guide::django_auth_ldap`] or
//!   [`guide::mod_auth_gssapi`].
//! - [`guide::troubleshooting`] goes from what a person sees, or the log says, to what to do;
//!   [`guide::testing`] is about tests of your own; [`guide::limits`] says what is not done yet.
#![cfg_attr(
    feature = "doctor",
    doc = "- [`doctor`] checks a whole set-up, and says how to mend it; it is a command, too."
)]
#![cfg_attr(
    not(feature = "doctor"),
    doc = "- `doctor` (a feature) checks a whole set-up, and says how to mend it; it is a command, too."
)]
//! - `testing` (a feature) starts a real KDC and a real LDAP server for your own tests.
//!
//! # What it does with a request
//!
//! 1. A request that changes something and comes from another site's page is refused (403), with a
//!    token or without: Negotiate is ambient, so a browser signs in whatever any page makes it
//!    send. See [`allow_origin`](SpnegoLayerBuilder::allow_origin).
//! 2. A Negotiate token ([RFC 4559]) signs in, whatever the session holds. A bad one is refused
//!    (401), and nothing falls back to the session. A user name and a password sign in likewise,
//!    where [Basic](SpnegoLayerBuilder::basic) is asked for.
//! 3. Without a token, the login in the session counts until it expires; the directory is asked
//!    [again meanwhile](SpnegoLayerBuilder::recheck_every), where that is said.
//! 4. Without either, the answer is the challenge (401), or in [optional
//!    mode](SpnegoLayerBuilder::optional) the handler's.
//!
//! A refusal's page never says why. The log does, through [`tracing`], with the cause and the mend: a
//! client's refusal at `info`, one that the set-up brought about at `warn`, a failure (5xx) at `error`.
//! A request that brings nothing and is challenged is no more than a `debug`.
//!
//! Whoever the KDC vouches for is still nobody until the realm is one that is allowed, the name is
//! a person's, and the directory has exactly that person. A directory or a session store that is
//! down is an error (503, 500), never an anonymous 200.
//!
//! # The session
//!
//! The login lives in the [tower-sessions](tower_sessions) session, with times of its own. When it
//! ends, the rest of the session stays. The session's id changes when somebody signs in who was not
//! in it; another user's data is never inherited.
//!
//! The session cookie should be `SameSite::Lax`. With tower-sessions' default, `Strict`, a link
//! from a mail sends no cookie; the browser signs in unseen, into a new session that replaces the
//! old one, and the cart is gone.
//!
//! # An application with a `User` of its own
//!
//! ```
//! use tower_spnego as sso;
//!
//! struct User {
//!     name: String,
//! }
//!
//! impl From<sso::User> for User {
//!     fn from(user: sso::User) -> Self {
//!         Self { name: user.display_name().to_owned() }
//!     }
//! }
//!
//! async fn home(user: sso::User) -> String {
//!     User::from(user).name
//! }
//! ```
//!
//! # Features
//!
//! - `axum` (on): [`SpnegoConnection`] as axum's `ConnectInfo`, `Connections`; the rest needs
//!   `axum-core` alone.
//! - `ldap` (on): `ldap::LdapDirectory`.
//! - `srv` (on, with `ldap`): the servers of an `LdapDirectory` by DNS SRV records, by
//!   hickory-resolver and 17 crates more.
//! - `ldap-gssapi` (with `ldap`): `ldap::LdapDirectoryBuilder::bind_gssapi`, which binds with a keytab.
//! - `doctor` (with `srv` and `ldap-gssapi`): `doctor::Doctor`, and the command `spnego-doctor`.
//! - `metrics`: [metrics](guide::observability) through the facade of that name.
//! - `testing`: real parts for tests.
//!
//! It needs Linux and MIT Kerberos 1.19 or newer (`libkrb5-dev` and `libclang-dev` to build).
//!
//! [RFC 4559]: https://www.rfc-editor.org/rfc/rfc4559
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(target_os = "linux"))]
compile_error!("tower-spnego needs Linux with MIT Kerberos 1.19 or newer");

pub mod attributes;
mod authorization;
mod basic;
mod channel_binding;
mod clock;
mod connection;
mod cross_site;
mod delegated;
mod der;
mod directory;
mod dn;
#[cfg(feature = "doctor")]
#[cfg_attr(docsrs, doc(cfg(feature = "doctor")))]
pub mod doctor;
mod error;
pub mod explain;
mod extract;
mod filetime;
mod future;
mod gate;
mod group_rule;
mod hooks;
mod host;
mod initiator;
mod kerberos;
mod layer;
mod login;
mod observe;
mod principal;
mod questions;
mod require;
mod response;
mod service;
mod sid;
mod spelling;
mod token;
mod truth;
mod user;

#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
pub mod guide;
#[cfg(feature = "testing")]
#[cfg_attr(docsrs, doc(cfg(feature = "testing")))]
pub mod testing;

pub use crate::basic::BasicOver;
pub use crate::channel_binding::{ChannelBinding, ServerEndPoint, SharedEndPoint};
#[cfg(feature = "axum")]
#[cfg_attr(docsrs, doc(cfg(feature = "axum")))]
pub use crate::connection::Connections;
pub use crate::connection::SpnegoConnection;
pub use crate::delegated::{DelegatedTicket, DelegatedTicketRejection};
#[cfg(feature = "ldap")]
#[cfg_attr(docsrs, doc(cfg(feature = "ldap")))]
pub use crate::directory::ldap;
pub use crate::directory::{
    Cached, Directory, DirectoryError, PrincipalOnly, RealmDirectories, SharedDirectory,
    TicketDirectory,
};
pub use crate::error::{ConfigError, Error, ErrorKind, Fault};
pub use crate::extract::{
    MissingLayer, NotSignedIn, SignInRejection, SignedOut, SignedOutRejection,
};
pub use crate::future::ResponseFuture;
pub use crate::gate::NoLogin;
pub use crate::group_rule::{GroupKey, GroupRule};
pub use crate::initiator::{Initiator, NameMapping, Occasion};
pub use crate::kerberos::Pac;
pub use crate::layer::{SpnegoLayer, SpnegoLayerBuilder};
pub use crate::login::Login;
pub use crate::principal::{Principal, PrincipalError};
pub use crate::require::{RequireGroup, RequireGroupService};
pub use crate::response::Challenge;
pub use crate::service::Spnego;
pub use crate::sid::{Sid, SidError};
pub use crate::user::{Group, User, UserBuilder};
/// The sessions that logins are kept in. A session layer of another version than this one's is none to
/// a [`SpnegoLayer`], so that a new major version of it is one of this crate, too.
pub use tower_sessions;

/// The README's code is compiled with the tests.
#[cfg(all(doctest, feature = "axum", feature = "ldap"))]
#[doc = include_str!("../README.md")]
struct Readme;
