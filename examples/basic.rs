//! The least that an application needs: whoever has a ticket of the realm is greeted by name.
//!
//! `cargo run --features testing --example basic` tries it in a throw-away realm.

use axum::Router;
use axum::routing::{get, post};
use tower_sessions::cookie::SameSite;
use tower_sessions::{MemoryStore, SessionManagerLayer};
use tower_spnego::testing::TestRealm;
use tower_spnego::{ConfigError, Error, Login, PrincipalOnly, SpnegoLayer, User};

#[path = "support/mod.rs"]
mod support;

use support::{Failure, cookie, nobody, ticket};

fn app(realm: &TestRealm) -> Result<Router, ConfigError> {
    let spnego = SpnegoLayer::builder()
        .realm("EXAMPLE.TEST") // yours, in upper case
        .hostname("localhost") // the name by which browsers open the site
        .keytab(realm.keytab()) // "/etc/intranet.keytab", or leave it out for /etc/krb5.keytab
        .directory(PrincipalOnly) // or where your users are
        .build()?;

    let sessions = SessionManagerLayer::new(MemoryStore::default())
        .with_same_site(SameSite::Lax)
        .with_secure(false); // for a try over plain http: leave it out

    Ok(Router::new()
        .route("/", get(home))
        .route("/sign-out", post(sign_out)) // not GET: any site can make a browser GET
        .layer(spnego) // inside the session layer
        .layer(sessions))
}

async fn home(user: User, login: Login) -> String {
    let minutes = login
        .expires()
        .and_then(|end| end.duration_since(login.signed_in()).ok());
    let minutes = minutes.map_or(0, |time| time.as_secs() / 60);
    format!(
        "Hello, {}. You are signed in for {minutes} minutes.\n",
        user.display_name()
    )
}

async fn sign_out(login: Login) -> Result<&'static str, Error> {
    login.logout().await?;
    Ok("Goodbye.\n")
}

fn main() -> Result<(), Failure> {
    let realm = support::realm()?;
    let tries = [
        nobody("/").gets("401", "You are not signed in."),
        ticket("alice", "/").gets("200", "Hello, alice. You are signed in for 600 minutes."),
        cookie("alice", "/").gets("200", "Hello, alice."),
    ];
    support::serve(app(&realm)?, &realm, &tries)
}
