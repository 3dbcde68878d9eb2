//! A site that strangers may read, and on which people can sign in: nobody is challenged unless they
//! ask for it.
//!
//! `cargo run --features testing --example optional` tries it in a throw-away realm.

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use tower_sessions::cookie::SameSite;
use tower_sessions::{MemoryStore, SessionManagerLayer};
use tower_spnego::testing::TestRealm;
use tower_spnego::{ConfigError, PrincipalOnly, SpnegoLayer, User};

#[path = "support/mod.rs"]
mod support;

use support::{Failure, cookie, nobody, ticket};

fn app(realm: &TestRealm) -> Result<Router, ConfigError> {
    let spnego = SpnegoLayer::builder()
        .realm("EXAMPLE.TEST")
        .hostname("localhost")
        .keytab(realm.keytab())
        .directory(PrincipalOnly)
        .optional() // handlers are called without a login, too
        .sign_in_path("/sign-in") // except here
        .build()?;

    let sessions = SessionManagerLayer::new(MemoryStore::default())
        .with_same_site(SameSite::Lax)
        .with_secure(false); // for a try over plain http: leave it out

    Ok(Router::new()
        .route("/", get(home))
        .route("/account", get(account))
        // Whoever gets here has signed in.
        .route("/sign-in", get(async || Redirect::to("/")))
        .layer(spnego)
        .layer(sessions))
}

async fn home(user: Option<User>) -> String {
    match user {
        Some(user) => format!("Hello, {}.\n", user.display_name()),
        None => "Hello, stranger. You can sign in at /sign-in.\n".to_owned(),
    }
}

/// It asks for a user, and so whoever has not signed in is challenged.
async fn account(user: User) -> String {
    format!("This is {}'s.\n", user.principal())
}

fn main() -> Result<(), Failure> {
    let realm = support::realm()?;
    let tries = [
        nobody("/").gets("200", "Hello, stranger."),
        nobody("/account").gets("401", "You are not signed in."),
        nobody("/sign-in").gets("401", "You are not signed in."),
        ticket("alice", "/sign-in").gets("303", ""),
        cookie("alice", "/").gets("200", "Hello, alice."),
        cookie("alice", "/account").gets("200", "This is alice@EXAMPLE.TEST's."),
    ];
    support::serve(app(&realm)?, &realm, &tries)
}
