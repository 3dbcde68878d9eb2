use http::StatusCode;
use http::header::WWW_AUTHENTICATE;
use tower::ServiceExt;
use tower_spnego::ErrorKind;

use crate::site::{Site, layer, post, realm, request, routes, token, with_header, with_token};

#[tokio::test]
async fn a_post_from_another_site_is_forbidden_whatever_it_carries() {
    let realm = realm();
    let site = Site::new(layer(&realm).optional());
    let mut signed_in = site.signed_in(&realm, "alice").await;
    let calls = site.calls();
    let cross = || with_header(post("/"), "sec-fetch-site", "cross-site");
    let requests = [cross(), with_token(cross(), &token(&realm, "alice"))];
    for request in requests {
        let answer = signed_in.send(request).await;
        answer.is_forbidden(ErrorKind::CrossSite);
        assert_eq!(answer.header(WWW_AUTHENTICATE), None, "no challenge");
    }
    assert_eq!(site.calls(), calls);
    signed_in.get("/").await.is_hello("alice");
}

#[tokio::test]
async fn the_guard_comes_before_everything_also_without_sessions() {
    let realm = realm();
    let spnego = layer(&realm).build().expect("starts");
    let app = routes(&std::sync::Arc::default()).layer(spnego);
    let request = with_header(post("/"), "sec-fetch-site", "cross-site");
    let request = with_header(request, "authorization", "Negotiate !");
    let answer = app.oneshot(request).await.expect("infallible");
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_websocket_from_another_site_is_forbidden() {
    let site = Site::new(layer(&realm()).optional());
    let upgrade = with_header(request("/"), "upgrade", "websocket");
    let upgrade = with_header(upgrade, "connection", "Upgrade");
    let upgrade = with_header(upgrade, "host", "app.example.test");
    let upgrade = with_header(upgrade, "origin", "https://evil.test");
    site.browser()
        .send(upgrade)
        .await
        .is_forbidden(ErrorKind::CrossSite);
    assert_eq!(site.calls(), 0);
}

#[tokio::test]
async fn our_own_pages_and_clients_that_are_no_browser_may_post() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    for (header, value) in [
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-site", "none"),
        ("user-agent", "curl"),
    ] {
        let request = with_token(post("/"), &token(&realm, "alice"));
        let answer = site
            .browser()
            .send(with_header(request, header, value))
            .await;
        answer.is_hello("alice");
    }
}

#[tokio::test]
async fn a_link_from_another_site_signs_in() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let link = with_header(request("/"), "sec-fetch-site", "cross-site");
    site.browser()
        .send(with_token(link, &token(&realm, "alice")))
        .await
        .is_hello("alice");
}

#[tokio::test]
async fn an_origin_is_allowed_by_name_and_the_guard_turned_off_only_aloud() {
    let realm = realm();
    let from_portal = || {
        let request = with_header(post("/"), "sec-fetch-site", "cross-site");
        let request = with_header(request, "origin", "https://portal.example.test");
        with_token(request, &token(&realm, "alice"))
    };
    let strict = Site::new(layer(&realm).allow_origin("https://other.example.test"));
    let answer = strict.browser().send(from_portal()).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    for layer in [
        layer(&realm).allow_origin("https://portal.example.test"),
        layer(&realm).dangerously_allow_cross_site(),
    ] {
        Site::new(layer)
            .browser()
            .send(from_portal())
            .await
            .is_hello("alice");
    }
}
