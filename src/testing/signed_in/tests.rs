use axum::Router;
use axum::routing::{get, post};
use http::header::HeaderValue;

use super::*;
use crate::testing::TestRealm;
use crate::{PrincipalOnly, SpnegoLayer, User};

fn app(realm: &TestRealm) -> Router {
    let spnego = SpnegoLayer::builder()
        .realm(realm.realm())
        .hostnames(["localhost"])
        .keytab(realm.keytab())
        .directory(PrincipalOnly)
        .stateless()
        .build()
        .expect("starts");
    let who = async |user: User, headers: HeaderMap| {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        format!("{} at {}", user.username(), host.unwrap_or("nowhere"))
    };
    Router::new()
        .route("/", get(who))
        .route("/upload", post(async |_: User, body: String| body))
        .layer(spnego)
}

async fn text(answer: Response<Body>) -> String {
    let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await;
    String::from_utf8(body.expect("a body").to_vec()).expect("text")
}

#[tokio::test]
async fn a_person_opens_pages_and_sends_requests_each_with_a_token_of_its_own() {
    let realm = TestRealm::start().expect("a realm");
    let app = app(&realm);
    let alice = realm.ticket_cache("alice").expect("a ticket");
    for host in ["localhost", "localhost:8443"] {
        let answer = alice.open(&app, &format!("http://{host}/")).await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status(), 200, "{host}");
        assert_eq!(text(answer).await, format!("alice at {host}"));
    }
    let request = Request::post("http://localhost/upload").body("a story".into());
    let answer = alice.send(&app, request.expect("a request")).await;
    assert_eq!(text(answer.expect("an answer")).await, "a story");
}

#[tokio::test]
async fn a_refusal_is_an_answer_and_a_url_without_a_host_an_error() {
    let realm = TestRealm::start().expect("a realm");
    let another = TestRealm::start().expect("another realm of this name");
    let alice = another.ticket_cache("alice").expect("a ticket");
    let answer = alice.open(&app(&realm), "http://localhost/").await;
    assert_eq!(answer.expect("an answer").status(), 401);
    let nowhere = alice.open(&app(&realm), "/").await;
    let error = nowhere.expect_err("no host").to_string();
    assert!(error.contains("names no host"), "{error}");
}

#[tokio::test]
async fn an_application_that_does_not_prove_itself_is_an_error() {
    let realm = TestRealm::start().expect("a realm");
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let false_proof = async || {
        let mut answer = Response::new(Body::empty());
        let token = HeaderValue::from_static("Negotiate oQcwBaADCgEC");
        answer.headers_mut().insert(WWW_AUTHENTICATE, token);
        answer
    };
    let app: Router = Router::new()
        .route("/false", get(false_proof))
        .route("/public", get(async || "for everybody"));
    let answer = alice.open(&app, "http://localhost/false").await;
    answer.expect_err("it proves nothing");
    let answer = alice.open(&app, "http://localhost/public").await;
    assert_eq!(answer.expect("an answer").status(), 200);
}
