//! The application of the guide to Active Directory, to the letter.

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tower_sessions::cookie::SameSite;
use tower_sessions::{MemoryStore, SessionManagerLayer};
use tower_spnego::ldap::LdapDirectory;
use tower_spnego::{ConfigError, SpnegoConnection, SpnegoLayer, User};

pub fn app() -> Result<Router, ConfigError> {
    let directory = LdapDirectory::active_directory("ad.example.test") // its controllers, by DNS
        .ca_file("/etc/ssl/ad-ca.pem")
        .bind_gssapi("INTRANET$@AD.EXAMPLE.TEST", "/etc/intranet.keytab")
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

pub async fn serve(app: Router, listener: TcpListener) -> std::io::Result<()> {
    let app = app.into_make_service_with_connect_info::<SpnegoConnection>();
    axum::serve(listener, app).await
}
