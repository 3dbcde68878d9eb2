//! An API for programs: no session and no cookie, each request brings a ticket, or a user name and a
//! password where a program has no ticket.
//!
//! `cargo run --features testing --example api` tries it in a throw-away realm.

use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tower_spnego::testing::TestRealm;
use tower_spnego::{BasicOver, ConfigError, PrincipalOnly, SpnegoLayer, User};

#[path = "support/mod.rs"]
mod support;

use support::{Failure, nobody, password, ticket};

fn app(realm: &TestRealm) -> Result<Router, ConfigError> {
    let spnego = SpnegoLayer::builder()
        .realm("EXAMPLE.TEST")
        .hostname("localhost")
        .keytab(realm.keytab())
        .directory(PrincipalOnly)
        .stateless()
        // It says that every request came over TLS. In this try it is not so; in earnest it must
        // be, or be told by .forwarded_from(..) or .when(..).
        .basic(BasicOver::always_tls())
        .refusal_page(|_, error| Json(json!({ "error": error.kind().status().as_u16() })))
        .build()?;

    Ok(Router::new().route("/whoami", get(whoami)).layer(spnego))
}

async fn whoami(user: User) -> Json<Value> {
    Json(json!({ "user": user.username(), "principal": user.principal().to_string() }))
}

fn main() -> Result<(), Failure> {
    let realm = support::realm()?;
    let alice = r#""user":"alice""#;
    let tries = [
        nobody("/whoami").gets("401", r#"{"error":401}"#),
        ticket("alice", "/whoami").gets("200", alice),
        ticket("alice", "/whoami").gets("200", alice),
        password("bob", "/whoami").gets("200", r#""principal":"bob@EXAMPLE.TEST""#),
        nobody("/whoami").gets("401", r#"{"error":401}"#),
    ];
    support::serve(app(&realm)?, &realm, &tries)
}
