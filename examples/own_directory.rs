//! A directory of the application's own: here a table in memory, in yours perhaps one of a database.
//! Who is not in it does not get in.
//!
//! `cargo run --features testing --example own_directory` tries it in a throw-away realm.

use std::collections::HashMap;

use axum::Router;
use axum::routing::get;
use tower_sessions::cookie::SameSite;
use tower_sessions::{MemoryStore, SessionManagerLayer};
use tower_spnego::testing::TestRealm;
use tower_spnego::{ConfigError, Directory, DirectoryError, Group, Initiator, SpnegoLayer, User};

#[path = "support/mod.rs"]
mod support;

use support::{Failure, cookie, nobody, ticket};

/// Members by the name in their principal.
struct Members(HashMap<&'static str, Member>);

struct Member {
    /// It stays with the person when they marry and their principal changes: the session is its.
    number: u32,
    name: &'static str,
    board: bool,
}

impl Directory for Members {
    async fn find(&self, who: &Initiator) -> Result<User, DirectoryError> {
        // To the letter: who is merely similar is somebody else. Where the table can't be asked now,
        // say DirectoryError::unavailable(), and never "not found".
        let member = self
            .0
            .get(who.name())
            .ok_or_else(DirectoryError::not_found)?;
        let mut user = User::builder(who.principal().clone())
            .id(member.number.to_string())
            .display_name(member.name);
        if member.board {
            user = user.group(Group::new("Board"));
        }
        Ok(user.build())
    }

    /// Logins that another directory has made are none here.
    fn fingerprint(&self) -> Option<String> {
        Some("the club's members".to_owned())
    }
}

fn app(realm: &TestRealm) -> Result<Router, ConfigError> {
    let alice = Member {
        number: 4711,
        name: "Alice Liddell",
        board: true,
    };
    let spnego = SpnegoLayer::builder()
        .realm("EXAMPLE.TEST")
        .hostname("localhost")
        .keytab(realm.keytab())
        .directory(Members([("alice", alice)].into()))
        .build()?;

    let sessions = SessionManagerLayer::new(MemoryStore::default())
        .with_same_site(SameSite::Lax)
        .with_secure(false); // for a try over plain http: leave it out

    Ok(Router::new()
        .route("/", get(home))
        .layer(spnego)
        .layer(sessions))
}

async fn home(user: User) -> String {
    let board = match user.is_in("Board") {
        true => ", of the board",
        false => "",
    };
    format!(
        "Hello, {}, member {}{board}.\n",
        user.display_name(),
        user.id()
    )
}

fn main() -> Result<(), Failure> {
    let realm = support::realm()?;
    let tries = [
        nobody("/").gets("401", "You are not signed in."),
        ticket("alice", "/").gets("200", "Hello, Alice Liddell, member 4711, of the board."),
        cookie("alice", "/").gets("200", "Hello, Alice Liddell"),
        ticket("bob", "/").gets("403", "You may not open this page."),
    ];
    support::serve(app(&realm)?, &realm, &tries)
}
