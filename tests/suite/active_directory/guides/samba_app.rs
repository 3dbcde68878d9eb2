//! The application of the guide to Samba, to the letter.

use axum::Router;
use axum::routing::get;
use tower_sessions::cookie::SameSite;
use tower_sessions::{MemoryStore, SessionManagerLayer};
use tower_spnego::ldap::LdapDirectory;
use tower_spnego::{ConfigError, SpnegoLayer, User};

pub fn app() -> Result<Router, ConfigError> {
    let directory = LdapDirectory::active_directory("ad.example.test") // its controllers, by DNS
        .ca_file("/etc/ssl/ad-ca.pem")
        .bind_gssapi("svc-intranet@AD.EXAMPLE.TEST", "/etc/intranet.keytab")
        .build()?;
    let spnego = SpnegoLayer::builder()
        .realm("AD.EXAMPLE.TEST")
        .hostname("intranet.ad.example.test")
        .keytab("/etc/intranet.keytab")
        .directory(directory)
        .build()?;
    let sessions = SessionManagerLayer::new(MemoryStore::default());
    Ok(Router::new()
        .route("/", get(hello))
        .layer(spnego)
        .layer(sessions.with_same_site(SameSite::Lax)))
}

async fn hello(user: User) -> String {
    let groups: Vec<_> = user.groups().map(|group| group.name()).collect();
    let groups = groups.join(", ");
    format!("Hello, {}. Groups: {groups}", user.display_name())
}
