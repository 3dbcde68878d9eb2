//! The site: what an application of yours would hold.

use std::time::SystemTime;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{Html, Redirect};
use axum::routing::{get, post};
use tower_sessions::cookie::SameSite;
use tower_sessions::{MemoryStore, Session, SessionManagerLayer};
use tower_spnego::ldap::LdapDirectory;
use tower_spnego::testing::{TestLdap, TestRealm};
use tower_spnego::{ConfigError, Error, Login, SpnegoLayer, User};

use crate::page;

const PAGE_VIEWS: &str = "page views";

pub(crate) fn router(realm: &TestRealm, ldap: &TestLdap) -> Result<Router, ConfigError> {
    let directory = LdapDirectory::builder(ldap.tls_url())
        .ca_file(ldap.ca_file())
        .bind_simple(ldap.service_dn(), ldap.service_password())
        .search(ldap.people(), "(&(objectClass=inetOrgPerson)(uid={user}))")
        .attributes([
            "title",
            "telephoneNumber",
            "departmentNumber",
            "employeeNumber",
        ])
        .build()?;

    let spnego = SpnegoLayer::builder()
        .realm(realm.realm())
        .hostname("localhost")
        .keytab(realm.keytab())
        .directory(directory)
        // Where people who have signed out sign in again.
        .sign_in_path("/sign-in")
        .build()?;

    let sessions = SessionManagerLayer::new(MemoryStore::default())
        // With Strict, the default, a link from a mail sends no cookie. The browser would sign in
        // unseen, the new session would replace the old one, and the cart in it would be gone.
        .with_same_site(SameSite::Lax)
        // The demo is plain http, over which curl and some browsers keep no Secure cookie. Your
        // site is https: leave it out there.
        .with_secure(false);

    Ok(Router::new()
        .route("/", get(home))
        // A form on another site can't get here: the layer refuses what other sites send.
        .route("/sign-out", post(sign_out))
        .route("/sign-in", get(async || Redirect::to("/")))
        .layer(spnego)
        .layer(sessions)
        // Added after the layer, so not behind it, which shows who has signed out its own page.
        .route("/signed-out", get(async || Html(page::signed_out()))))
}

async fn home(user: User, login: Login, session: Session) -> Result<Html<String>, StatusCode> {
    let page_views = count_page_view(&session).await.map_err(|error| {
        tracing::error!("the page view was not counted: {error}");
        StatusCode::INTERNAL_SERVER_ERROR
    })?;
    Ok(Html(page::home(&page::Visit {
        user: &user,
        signed_in: login.signed_in(),
        expires: login.expires(),
        now: SystemTime::now(),
        page_views,
    })))
}

async fn count_page_view(session: &Session) -> Result<u32, tower_sessions::session::Error> {
    let before: Option<u32> = session.get(PAGE_VIEWS).await?;
    let count = before.unwrap_or(0).saturating_add(1);
    session.insert(PAGE_VIEWS, count).await?;
    Ok(count)
}

async fn sign_out(login: Login) -> Result<Redirect, Error> {
    login.logout().await?;
    Ok(Redirect::to("/signed-out"))
}
