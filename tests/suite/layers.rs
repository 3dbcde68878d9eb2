//! What the layer goes around.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::routing::get;
use axum::{Extension, Router};
use http::{Request, StatusCode};
use tower::{Layer, ServiceExt, service_fn};
use tower_sessions::{MemoryStore, SessionManagerLayer};
use tower_spnego::{ErrorKind, User};

use crate::site::{Site, TestClock, layer, realm, request, routes, token, with_token};

fn sessions() -> SessionManagerLayer<MemoryStore> {
    SessionManagerLayer::new(MemoryStore::default())
}

#[tokio::test]
async fn it_goes_around_a_method_router() {
    let realm = realm();
    let spnego = layer(&realm).build().expect("starts");
    let app: Router = Router::new()
        .route(
            "/in",
            get(async |Extension(user): Extension<User>| user.username().to_owned()).layer(spnego),
        )
        .route("/out", get(async || "open"))
        .layer(sessions());
    let inside = with_token(request("/in"), &token(&realm, "alice"));
    let answer = app.clone().oneshot(inside).await.expect("infallible");
    assert_eq!(answer.status(), StatusCode::OK);
    let answer = app
        .clone()
        .oneshot(request("/in"))
        .await
        .expect("infallible");
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let answer = app.oneshot(request("/out")).await.expect("infallible");
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn it_goes_around_any_service_whose_answer_is_a_response() {
    let realm = realm();
    let spnego = layer(&realm).build().expect("starts");
    let inner = service_fn(async |request: Request<Body>| {
        let user = request
            .extensions()
            .get::<User>()
            .expect("the user")
            .clone();
        Ok::<_, Infallible>((StatusCode::ACCEPTED, user.username().to_owned()))
    });
    let app = sessions().layer(spnego.layer(inner));
    let request = with_token(request("/"), &token(&realm, "alice"));
    let answer = app.oneshot(request).await.expect("infallible");
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
}

#[tokio::test]
async fn the_inner_services_error_passes_through() {
    let realm = realm();
    let spnego = layer(&realm).optional().build().expect("starts");
    let inner = service_fn(async |_: Request<Body>| Err::<StatusCode, _>("broken"));
    let app = sessions().layer(spnego.layer(inner));
    let outcome = app.oneshot(request("/")).await;
    assert_eq!(outcome.map(drop), Err("broken"));
}

#[tokio::test]
async fn without_a_session_layer_every_request_gets_500_and_the_handler_is_not_called() {
    let realm = realm();
    let calls = Arc::default();
    let spnego = layer(&realm).optional().build().expect("starts");
    let app = routes(&calls).layer(spnego);
    for request in [
        request("/maybe"),
        with_token(request("/"), &token(&realm, "alice")),
    ] {
        let answer = app.clone().oneshot(request).await.expect("infallible");
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let error = answer
            .extensions()
            .get::<tower_spnego::Error>()
            .expect("an error");
        assert_eq!(error.kind(), ErrorKind::SessionLayerMissing);
        assert!(error.to_string().contains("SessionManagerLayer"), "{error}");
    }
    assert_eq!(calls.load(std::sync::atomic::Ordering::SeqCst), 0);
}

/// All of the application is optional, and a part of it is not; the token counts once.
#[tokio::test]
async fn a_stricter_layer_inside_asks_for_no_second_token() {
    let realm = realm();
    let strict = layer(&realm).build().expect("starts");
    let optional = layer(&realm).optional().build().expect("starts");
    let inner = routes(&Arc::default()).layer(strict);
    let app = Router::new()
        .nest("/admin", inner)
        .layer(optional)
        .layer(sessions());
    let path = "/admin/maybe";
    let with = with_token(request(path), &token(&realm, "alice"));
    let answer = app.clone().oneshot(with).await.expect("infallible");
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(
        answer.headers().get_all("www-authenticate").iter().count(),
        1
    );
    assert_eq!(answer.headers().get_all("vary").iter().count(), 1);
    let cookie = answer.headers()["set-cookie"].clone();
    let mut again = request(path);
    again.headers_mut().insert("cookie", cookie);
    let answer = app.clone().oneshot(again).await.expect("infallible");
    assert_eq!(answer.status(), StatusCode::OK);
    let answer = app.oneshot(request(path)).await.expect("infallible");
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}

/// The outer layer writes the login after the inner one has looked at the session.
#[tokio::test]
async fn what_a_handler_writes_behind_a_stricter_layer_inside_ends_no_new_login() {
    let realm = realm();
    let strict = layer(&realm).build().expect("starts");
    let optional = layer(&realm).optional().build().expect("starts");
    let mut site = Site::new(layer(&realm));
    site.router = Router::new()
        .nest("/admin", routes(&Arc::default()).layer(strict))
        .layer(optional)
        .layer(sessions().with_secure(false));
    let mut browser = site.browser();
    let ticket = token(&realm, "alice");
    let answer = browser.get_with("/admin/cart/add/pear", &ticket).await;
    assert_eq!(answer.body, "pear");
    browser.get("/admin/maybe").await.is_hello("alice");
    assert_eq!(browser.get("/admin/cart").await.body, "pear");
}

#[tokio::test]
async fn a_stricter_layer_inside_keeps_to_its_own_limit() {
    let realm = realm();
    let clock = TestClock::default();
    let minutes = std::time::Duration::from_secs(300);
    let strict = layer(&realm).expire_login(minutes).clock(clock.reader());
    let strict = strict.build().expect("starts");
    let inner = routes(&Arc::default()).layer(strict);
    let mut site = Site::new(layer(&realm));
    let lenient = layer(&realm).never_expire_login().clock(clock.reader());
    site.router = Router::new()
        .nest("/admin", inner)
        .layer(lenient.build().expect("starts"))
        .layer(sessions().with_secure(false));
    let mut browser = site.browser();
    let answer = browser
        .get_with("/admin/maybe", &token(&realm, "alice"))
        .await;
    answer.is_hello("alice");
    browser.get("/admin/maybe").await.is_hello("alice");
    clock.advance(2 * minutes);
    browser.get("/admin/maybe").await.is_challenge();
}

#[tokio::test]
async fn a_layer_inside_with_other_settings_says_that_the_token_is_used() {
    let realm = realm();
    let strict = layer(&realm).realm("OTHER.TEST").build().expect("starts");
    let calls = Arc::default();
    let app = Router::new()
        .nest("/admin", routes(&calls).layer(strict))
        .layer(layer(&realm).optional().build().expect("starts"))
        .layer(sessions());
    let request = with_token(request("/admin/maybe"), &token(&realm, "alice"));
    let answer = app.oneshot(request).await.expect("infallible");
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let error = answer
        .extensions()
        .get::<tower_spnego::Error>()
        .expect("an error");
    assert_eq!(error.kind(), ErrorKind::TokenUsed);
    assert_eq!(calls.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test]
async fn two_layers_with_two_keytabs_work_in_one_process() {
    let (one, other) = (realm(), tower_spnego::testing::TestRealm::builder());
    let other = other.realm("LAB.TEST").start().expect("a second KDC");
    let (here, there) = (Site::new(layer(&one)), Site::new(layer(&other)));
    here.browser()
        .get_with("/", &token(&one, "alice"))
        .await
        .is_hello("alice");
    there
        .browser()
        .get_with("/", &token(&other, "alice"))
        .await
        .is_hello("alice");
    let stray = here.browser().get_with("/", &token(&other, "alice")).await;
    assert_eq!(stray.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_handler_learns_the_peers_address_and_nothing_of_who_it_is() {
    use axum::extract::ConnectInfo;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tower_spnego::SpnegoConnection;

    let handler = async |ConnectInfo(connection): ConnectInfo<SpnegoConnection>| {
        format!("{:?}", connection.peer())
    };
    let app = Router::new().route("/", get(handler));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("binds");
    let server = listener.local_addr().expect("an address");
    let app = app.into_make_service_with_connect_info::<SpnegoConnection>();
    tokio::spawn(async { axum::serve(listener, app).await });
    let mut client = tokio::net::TcpStream::connect(server)
        .await
        .expect("connects");
    let own = client.local_addr().expect("an address");
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    client.write_all(request).await.expect("writes");
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.expect("reads");
    assert!(answer.ends_with(&format!("Some({own})")), "{answer}");
}
