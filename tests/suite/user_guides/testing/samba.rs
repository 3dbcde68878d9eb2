use axum::{Router, body::to_bytes, routing::get};
use tower_sessions::{MemoryStore, SessionManagerLayer};
use tower_spnego::testing::{TestActiveDirectory, active_directory_or_skip};
use tower_spnego::{SpnegoLayer, User, ldap::LdapDirectory};

#[tokio::test]
async fn the_domain_tells_the_groups() -> Result<(), Box<dyn std::error::Error>> {
    if !active_directory_or_skip("the_domain_tells_the_groups") {
        return Ok(()); // no root, or no Samba: named on standard error, and a panic where CI is set
    }
    let ad = TestActiveDirectory::start()?;
    let directory = LdapDirectory::active_directory("ad.example.test")
        .server(ad.ldaps_url())
        .ca_file(ad.ca_file())
        .bind_simple("svc-web@ad.example.test", TestActiveDirectory::PASSWORD)
        .build()?;
    let spnego = SpnegoLayer::builder()
        .realm(ad.realm())
        .hostname("localhost")
        .keytab(ad.keytab())
        .directory(directory)
        .build()?;
    let app: Router = Router::new()
        .route(
            "/",
            get(async |user: User| user.is_in("Domain Users").to_string()),
        )
        .layer(spnego)
        .layer(SessionManagerLayer::new(MemoryStore::default()));
    let answer = ad
        .ticket_cache("alice")?
        .open(&app, "http://localhost/")
        .await?;
    assert_eq!(to_bytes(answer.into_body(), 1000).await?, "true");
    Ok(())
}
