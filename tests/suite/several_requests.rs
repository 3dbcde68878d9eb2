//! Handshakes of two and three requests: NTLM is offered first, and a token of it sent.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request};
use axum::routing::{get, post};
use axum::{Extension, Router};
use http::{StatusCode, Version};
use std::net::SocketAddr;
use tower::ServiceExt;
use tower_spnego::testing::{Handshake, TestRealm, TicketCache};
use tower_spnego::{ErrorKind, SpnegoConnection, User};

use crate::der::{later, mic_of_nobody};
use crate::site::{
    Answer, Browser, SPN, Site, TestClock, layer, realm, request, token, with_header, with_token,
};

/// A client on a connection of its own.
struct Client {
    browser: Browser,
    connection: SpnegoConnection,
}

impl Client {
    fn of(site: &Site) -> Self {
        Self::with(site.browser())
    }

    fn with(browser: Browser) -> Self {
        Self {
            browser,
            connection: SpnegoConnection::new(Some(([192, 0, 2, 7], 1234).into())),
        }
    }

    async fn send(&mut self, mut request: Request) -> Answer {
        request.extensions_mut().insert(self.connection.clone());
        self.browser.send(request).await
    }

    async fn get_with(&mut self, token: &[u8]) -> Answer {
        self.send(with_token(request("/"), token)).await
    }

    /// Answers each of the server's tokens, with requests that `request` makes; the last answer,
    /// and how many requests there were.
    async fn shake_hands(
        &mut self,
        handshake: &mut Handshake,
        request: impl Fn() -> Request,
    ) -> (Answer, usize) {
        let mut token = handshake.token().to_vec();
        for count in 1.. {
            let answer = self.send(with_token(request(), &token)).await;
            let reply = answer.token();
            let next = reply.and_then(|reply| handshake.reply(&reply).expect("a good reply"));
            match next {
                Some(next) => {
                    goes_on(&answer);
                    token = next;
                }
                None => return (answer, count),
            }
        }
        unreachable!()
    }
}

#[track_caller]
fn goes_on(answer: &Answer) {
    answer.is_rejected(ErrorKind::HandshakeGoesOn);
    assert_ne!(answer.challenges(), ["Negotiate oQcwBaADCgEC"]);
}

/// Alice's handshake of two requests, or of three with mutual authentication.
fn alice(realm: &TestRealm, requests: usize) -> Handshake {
    ntlm_first(&realm.ticket_cache("alice").expect("a ticket"), requests)
}

/// The handshake of whoever has these tickets.
pub fn ntlm_first(cache: &TicketCache, requests: usize) -> Handshake {
    let handshake = cache.handshake(SPN).ntlm_first();
    let handshake = match requests {
        2 => handshake.without_mutual_authentication(),
        _ => handshake,
    };
    handshake.start().expect("a token")
}

#[tokio::test]
async fn it_ends_in_a_sign_in_and_the_handler_is_called_once() {
    let realm = realm();
    for requests in [2, 3] {
        let site = Site::new(layer(&realm));
        let mut client = Client::of(&site);
        let mut handshake = alice(&realm, requests);
        let (answer, count) = client.shake_hands(&mut handshake, || request("/")).await;
        answer.is_hello("alice");
        assert_eq!((count, site.calls()), (requests, 1));
        client.send(request("/")).await.is_hello("alice");
    }
}

#[tokio::test]
async fn a_post_reaches_the_handler_whole_though_the_login_has_ended_meanwhile() {
    let upload = async |user: User, body: Bytes| {
        assert!(body.iter().all(|&byte| byte == 7));
        format!("{} sent {}", user.username(), body.len())
    };
    let realm = realm();
    for requests in [2, 3] {
        let clock = TestClock::default();
        let routes = Router::new()
            .route("/upload", post(upload))
            .route("/", get(async |user: User| user.username().to_owned()));
        let site = Site::of(routes, layer(&realm).clock(clock.reader()));
        let mut client = Client::with(site.signed_in(&realm, "alice").await);
        clock.advance(Duration::from_secs(700 * 60));
        let body = Bytes::from(vec![7; 100_000]);
        let upload = || {
            Request::post("/upload")
                .body(Body::from(body.clone()))
                .expect("a request")
        };
        client.send(upload()).await.is_challenge();
        let mut handshake = alice(&realm, requests);
        let (answer, _) = client.shake_hands(&mut handshake, upload).await;
        assert_eq!(answer.body, "alice sent 100000", "{answer:?}");
    }
}

/// The second request of a handshake whose first had this answer.
async fn second(client: &mut Client, handshake: &mut Handshake, first: &Answer) -> Answer {
    let reply = first.token().expect("a token");
    let token = handshake.reply(&reply).expect("a good reply");
    client.get_with(&token.expect("another token")).await
}

#[track_caller]
fn is_not_tied(answer: &Answer, why: &str) {
    answer.is_rejected(ErrorKind::UnfinishedHandshake);
    let error = answer.error.as_ref().expect("an error").to_string();
    assert!(error.contains(why), "{error}");
}

#[tokio::test]
async fn without_a_connection_it_is_refused_and_the_log_says_what_is_missing() {
    let realm = realm();
    let site = Site::new(layer(&realm).optional());
    let first = alice(&realm, 2);
    let missing = "into_make_service_with_connect_info::<SpnegoConnection>()";
    let answer = site.browser().get_with("/", first.token()).await;
    is_not_tied(&answer, missing);
    let answer = site.browser().get_with("/", &later(None, None)).await;
    is_not_tied(&answer, missing);
    assert_eq!(site.calls(), 0);
}

#[tokio::test]
async fn over_http2_it_is_refused() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let mut client = Client::of(&site);
    for version in [Version::HTTP_2, Version::HTTP_10] {
        let mut first = with_token(request("/"), alice(&realm, 2).token());
        *first.version_mut() = version;
        is_not_tied(&client.send(first).await, "HTTP/1.1 alone");
    }
}

#[tokio::test]
async fn a_request_with_no_token_between_ends_it() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let mut client = Client::of(&site);
    let mut handshake = alice(&realm, 2);
    let first = client.get_with(handshake.token()).await;
    client.send(request("/")).await.is_challenge();
    let answer = second(&mut client, &mut handshake, &first).await;
    is_not_tied(&answer, "another request came between");
    assert_eq!(site.calls(), 0);
}

#[tokio::test]
async fn a_request_of_another_site_between_ends_it() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let mut client = Client::of(&site);
    let mut handshake = alice(&realm, 2);
    let first = client.get_with(handshake.token()).await;
    let foreign = with_header(crate::site::post("/"), "origin", "https://evil.test");
    client
        .send(foreign)
        .await
        .is_forbidden(ErrorKind::CrossSite);
    let answer = second(&mut client, &mut handshake, &first).await;
    is_not_tied(&answer, "another request came between");
}

#[tokio::test]
async fn another_connection_does_not_go_on_with_it() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let mut handshake = alice(&realm, 2);
    let first = Client::of(&site).get_with(handshake.token()).await;
    let answer = second(&mut Client::of(&site), &mut handshake, &first).await;
    is_not_tied(&answer, "no handshake is under way on this connection");
}

#[tokio::test]
async fn another_layer_does_not_go_on_with_it() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let other = Site::new(layer(&realm));
    let mut client = Client::of(&site);
    let mut handshake = alice(&realm, 2);
    let first = client.get_with(handshake.token()).await;
    client.browser = other.browser();
    let answer = second(&mut client, &mut handshake, &first).await;
    is_not_tied(&answer, "begun with another layer");
}

#[tokio::test]
async fn it_is_for_one_host() {
    let realm = TestRealm::start().expect("a KDC");
    realm.add_service("HTTP/other").expect("adds");
    let site = Site::new(layer(&realm).hostnames(["other"]));
    let to = |host: &str, token: &[u8]| with_header(with_token(request("/"), token), "host", host);
    let mut client = Client::of(&site);
    let mut handshake = alice(&realm, 3);
    let first = client.send(to("localhost", handshake.token())).await;
    let token = handshake.reply(&first.token().expect("a token"));
    let token = token.expect("a good reply").expect("another token");
    let second = client.send(to("localhost", &token)).await;
    goes_on(&second);
    let token = handshake.reply(&second.token().expect("a token"));
    let token = token.expect("a good reply").expect("another token");
    is_not_tied(&client.send(to("other", &token)).await, "another host");
    assert_eq!(site.calls(), 0);
}

/// After the second of three requests the server knows that the client is alice, and waits for her
/// proof that nobody has tampered with the list of mechanisms.
#[tokio::test]
async fn a_stranger_on_the_same_connection_can_not_end_it() {
    let realm = realm();
    let site = Site::new(layer(&realm).optional());
    let reject = Some(2);
    let completed = Some(0);
    for forged in [
        later(None, None),
        later(completed, None),
        later(reject, None),
        later(None, Some(&[])),
        later(None, Some(&mic_of_nobody())),
        later(completed, Some(&mic_of_nobody())),
    ] {
        let mut client = Client::of(&site);
        let mut handshake = alice(&realm, 3);
        let first = client.get_with(handshake.token()).await;
        goes_on(&second(&mut client, &mut handshake, &first).await);
        let answer = client.get_with(&forged).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{answer:?}");
        assert_ne!(answer.kind(), Some(ErrorKind::HandshakeGoesOn));
        assert_eq!(answer.challenges().len(), 1);
    }
    assert_eq!(site.calls(), 0);
    let mut client = Client::of(&site);
    let mut handshake = alice(&realm, 3);
    let first = client.get_with(handshake.token()).await;
    goes_on(&second(&mut client, &mut handshake, &first).await);
    let bobs = client.get_with(&token(&realm, "bob")).await;
    bobs.is_hello("bob");
}

/// Half a minute, or nearly, for what waits.
async fn pass(seconds: u64) {
    // Lets the timer's task begin, and end.
    tokio::task::yield_now().await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::task::yield_now().await;
    tokio::time::resume();
}

#[tokio::test]
async fn it_has_half_a_minute() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    for (seconds, status) in [(29, StatusCode::OK), (31, StatusCode::UNAUTHORIZED)] {
        let mut client = Client::of(&site);
        let mut handshake = alice(&realm, 2);
        let first = client.get_with(handshake.token()).await;
        pass(seconds).await;
        let answer = second(&mut client, &mut handshake, &first).await;
        assert_eq!(answer.status, status, "after {seconds} s");
    }
}

#[tokio::test]
async fn it_has_half_a_minute_for_all_its_requests() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let mut client = Client::of(&site);
    let mut handshake = alice(&realm, 3);
    let first = client.get_with(handshake.token()).await;
    pass(20).await;
    let answer = second(&mut client, &mut handshake, &first).await;
    goes_on(&answer);
    pass(11).await;
    let answer = second(&mut client, &mut handshake, &answer).await;
    is_not_tied(&answer, "it took too long");
}

#[tokio::test]
async fn a_thousand_may_wait_and_one_more_is_told_to_come_again() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    let first = alice(&realm, 2);
    let mut waiting = Vec::new();
    for _ in 0..1024 {
        let mut client = Client::of(&site);
        goes_on(&client.get_with(first.token()).await);
        waiting.push(client);
    }
    let mut client = Client::of(&site);
    let answer = client.get_with(first.token()).await;
    assert_eq!(answer.kind(), Some(ErrorKind::Busy));
    waiting.pop();
    goes_on(&client.get_with(first.token()).await);
    // Who needs one request is not in the way.
    let answer = site.browser().get_with("/", &token(&realm, "bob")).await;
    answer.is_hello("bob");
}

#[tokio::test]
async fn the_handler_sees_the_peer_as_axum_knows_it() {
    let whence = async |peer: Option<Extension<ConnectInfo<SocketAddr>>>| match peer {
        Some(Extension(ConnectInfo(peer))) => peer.to_string(),
        None => "nowhere".to_owned(),
    };
    let realm = realm();
    let routes = Router::new().route("/", get(whence));
    let site = Site::of(routes, layer(&realm).optional());
    assert_eq!(site.browser().get("/").await.body, "nowhere");
    let mut client = Client::of(&site);
    assert_eq!(client.send(request("/")).await.body, "192.0.2.7:1234");
    let known: SocketAddr = ([192, 0, 2, 8], 80).into();
    let mut request = request("/");
    request.extensions_mut().insert(client.connection.clone());
    request.extensions_mut().insert(ConnectInfo(known));
    let response = site
        .router
        .clone()
        .oneshot(request)
        .await
        .expect("infallible");
    let body = axum::body::to_bytes(response.into_body(), 100).await;
    assert_eq!(
        body.expect("a body"),
        "192.0.2.8:80",
        "somebody else's word counts"
    );
}
