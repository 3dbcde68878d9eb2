use http::header::{ACCEPT, AUTHORIZATION};
use http::{Method, StatusCode};
use tower_spnego::ErrorKind;

use crate::site::{Site, layer, realm, request, token, with_header};

#[tokio::test]
async fn a_request_without_credentials_is_challenged_and_the_handler_not_called() {
    let site = Site::new(layer(&realm()));
    for method in [Method::GET, Method::POST, Method::HEAD, Method::DELETE] {
        let mut request = request("/");
        *request.method_mut() = method;
        let answer = site.browser().send(request).await;
        answer.is_challenge();
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("vary"), Some("Cookie, Authorization"));
        assert_eq!(answer.header("set-cookie"), None);
    }
    assert_eq!(site.calls(), 0);
}

#[tokio::test]
async fn an_empty_negotiate_and_another_scheme_are_no_credentials() {
    let site = Site::new(layer(&realm()));
    for value in [
        "Negotiate",
        "Negotiate ",
        "Bearer abc",
        "Basic YTpi",
        "NTLM TlRMTVNTUAAB",
    ] {
        let request = with_header(request("/"), "authorization", value);
        site.browser().send(request).await.is_challenge();
    }
    assert_eq!(site.calls(), 0);
}

#[tokio::test]
async fn the_challenge_has_a_page_that_a_person_can_read() {
    let site = Site::new(layer(&realm()));
    let asked = with_header(request("/"), ACCEPT.as_str(), "text/html,*/*;q=0.8");
    let html = site.browser().send(asked).await;
    assert_eq!(
        html.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(html.body.contains("<h1>You are not signed in</h1>"));
    assert!(html.body.contains("<li>Reload the page.</li>"));
    let text = site.browser().get("/").await;
    assert_eq!(
        text.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert!(text.body.starts_with("You are not signed in."));
    assert!(text.body.contains("4. Reload the page.\n"));
}

#[tokio::test]
async fn two_authorization_headers_are_a_bad_request() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let good = tower_spnego::testing::authorization(&token(&realm, "alice"));
    for (one, other) in [
        (good.as_str(), "Basic YTpi"),
        ("Basic YTpi", &good),
        (&good, &good),
    ] {
        let request = with_header(request("/"), "authorization", one);
        let request = with_header(request, AUTHORIZATION.as_str(), other);
        let answer = site.browser().send(request).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(answer.kind(), Some(ErrorKind::SeveralAuthorizationHeaders));
        assert!(answer.challenges().is_empty());
    }
    assert_eq!(site.calls(), 0);
}

#[tokio::test]
async fn in_optional_mode_nobody_reaches_the_handler() {
    let realm = realm();
    let site = Site::new(layer(&realm).optional());
    site.browser().get("/maybe").await.is_hello("stranger");
    let mut browser = site.browser();
    browser
        .get_with("/maybe", &token(&realm, "alice"))
        .await
        .is_hello("alice");
    browser.get("/maybe").await.is_hello("alice");
}

#[tokio::test]
async fn in_optional_mode_a_handler_that_needs_a_user_gives_the_layers_own_challenge() {
    let site = Site::new(layer(&realm()).optional());
    for path in ["/", "/login"] {
        let answer = site.browser().get(path).await;
        answer.is_challenge();
        assert!(answer.body.starts_with("You are not signed in."));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn in_optional_mode_a_bad_token_is_refused_all_the_same() {
    let site = Site::new(layer(&realm()).optional());
    let request = with_header(request("/maybe"), "authorization", "Negotiate !");
    site.browser()
        .send(request)
        .await
        .is_rejected(ErrorKind::NotBase64);
    assert_eq!(site.calls(), 0);
}
