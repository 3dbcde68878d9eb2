use axum::Router;
use axum::body::to_bytes;
use http::StatusCode;
use tower::ServiceExt;
use tower_spnego::User;

use crate::site::{Site, layer, realm, request, routes, token};

#[tokio::test]
async fn without_the_layer_an_extractor_gives_500_with_a_hint() {
    for path in ["/", "/login", "/maybe"] {
        let app: Router = routes(&std::sync::Arc::default());
        let answer = app.oneshot(request(path)).await.expect("infallible");
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        let body = to_bytes(answer.into_body(), 1024).await.expect("a body");
        let body = String::from_utf8_lossy(&body);
        assert!(
            body.contains("Perhaps you forgot to add `.layer(spnego)`"),
            "{path}: {body}"
        );
    }
}

#[tokio::test]
async fn a_user_that_an_outer_layer_put_there_is_not_believed() {
    let realm = realm();
    let mut site = Site::new(layer(&realm).optional());
    let mallory = User::builder("root@EXAMPLE.TEST".parse().expect("a principal")).build();
    site.router = site.router.layer(axum::Extension(mallory));
    site.browser().get("/maybe").await.is_hello("stranger");
    site.browser().get("/").await.is_challenge();
}

#[tokio::test]
async fn the_login_says_who_and_until_when() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let mut browser = site.browser();
    let first = browser.get_with("/login", &token(&realm, "alice")).await;
    assert_eq!(first.body, "alice@EXAMPLE.TEST Some(36000)");
    let second = browser.get("/login").await;
    assert_eq!(second.body, first.body);
}
