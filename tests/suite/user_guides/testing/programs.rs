use axum::{Router, routing::get};
use tokio::net::TcpListener;
use tower_sessions::{MemoryStore, SessionManagerLayer};
use tower_spnego::testing::{Chromium, TestRealm, chromium_or_skip};
use tower_spnego::{PrincipalOnly, SpnegoConnection, SpnegoLayer, User};

#[tokio::test(flavor = "multi_thread")]
async fn curl_and_chromium_sign_in() -> Result<(), Box<dyn std::error::Error>> {
    let realm = TestRealm::start()?;
    let spnego = SpnegoLayer::builder()
        .realm(realm.realm())
        .hostname("localhost")
        .keytab(realm.keytab())
        .directory(PrincipalOnly)
        .build()?;
    let app = Router::new()
        .route(
            "/",
            get(async |user: User| format!("Hello, {}", user.username())),
        )
        .layer(spnego)
        .layer(SessionManagerLayer::new(MemoryStore::default()).with_secure(false)); // plain http
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://localhost:{}/", listener.local_addr()?.port());
    let app = app.into_make_service_with_connect_info::<SpnegoConnection>();
    tokio::spawn(async { axum::serve(listener, app).await });

    let alice = realm.ticket_cache("alice")?;
    let mut curl = alice.command("curl"); // with alice's KRB5_CONFIG and KRB5CCNAME
    curl.args([
        "--silent",
        "--negotiate",
        "--user",
        ":",
        "--noproxy",
        "*",
        &url,
    ]);
    assert_eq!(curl.output()?.stdout, b"Hello, alice");

    if chromium_or_skip("curl_and_chromium_sign_in") {
        let page = Chromium::new(Some(&alice))?.dump_dom(&url)?;
        assert!(page.contains("Hello, alice"), "{page}");
    }
    Ok(())
}
