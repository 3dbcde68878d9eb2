use axum::{Router, routing::get};
use tower_sessions::{MemoryStore, SessionManagerLayer};
use tower_spnego::{PrincipalOnly, SpnegoLayer, User, testing::TestRealm};

#[tokio::test]
async fn alice_signs_in() -> Result<(), Box<dyn std::error::Error>> {
    let realm = TestRealm::start()?; // a KDC, with alice, bob and HTTP/localhost
    let spnego = SpnegoLayer::builder()
        .realm(realm.realm())
        .hostname("localhost")
        .keytab(realm.keytab())
        .directory(PrincipalOnly)
        .build()?;
    let app: Router = Router::new()
        .route("/", get(async |user: User| user.username().to_owned()))
        .layer(spnego)
        .layer(SessionManagerLayer::new(MemoryStore::default()));
    let alice = realm.ticket_cache("alice")?;
    assert_eq!(alice.open(&app, "http://localhost/").await?.status(), 200);
    Ok(())
}
