//! curl against a real server.

use std::path::Path;
use std::process::Command;

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use tower_spnego::testing::TestRealm;
use tower_spnego::{PrincipalOnly, SpnegoLayer, SpnegoLayerBuilder, User};

use crate::served::{Served, outcomes};
use crate::site::{Site, layer, realm};

/// What curl printed: answers with their heads, and its account of the transfers.
pub struct Printed {
    pub text: String,
    /// Bytes of the body that were sent, a transfer an entry.
    uploaded: Vec<u64>,
}

/// Runs curl; it must end by itself, with no error of its own.
#[track_caller]
pub fn curl(mut curl: Command, arguments: &[&str]) -> Printed {
    let output = curl
        .args(["--disable", "--silent", "--show-error", "--include"])
        .args(["--max-time", "60", "--noproxy", "*"])
        .args(["--write-out", "%{stderr}uploaded %{size_upload}\n"])
        .args(arguments)
        .output()
        .expect("curl runs");
    let [text, account] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("text"));
    assert!(output.status.success(), "{} {account}", output.status);
    let uploaded = account
        .lines()
        .filter_map(|line| line.strip_prefix("uploaded "))
        .map(|number| number.parse().expect("a number"))
        .collect();
    Printed { text, uploaded }
}

/// With the tickets of its environment.
#[track_caller]
pub fn curl_negotiate(command: Command, arguments: &[&str]) -> Printed {
    let arguments = [&["--negotiate", "--user", ":"], arguments].concat();
    curl(command, &arguments)
}

fn serve(layer: SpnegoLayerBuilder) -> Served {
    let upload = async |user: User, body: Bytes| {
        let sum: u64 = body.iter().map(|&byte| u64::from(byte)).sum();
        format!("{} sent {} bytes, sum {sum}", user.username(), body.len())
    };
    let routes = Router::new()
        .route(
            "/",
            get(async |user: User| format!("Hello, {}", user.username())),
        )
        .route("/upload", post(upload))
        .layer(DefaultBodyLimit::max(4 << 20));
    Served::start(Site::of(routes, layer).router)
}

/// The answer's token has an AP-REP in it (RFC 4121 section 4.1), the proof that the server has the
/// service's key.
pub fn has_proof(text: &str) -> bool {
    use base64::Engine;
    let token = text
        .lines()
        .find_map(|line| line.strip_prefix("www-authenticate: Negotiate "))
        .expect("a token");
    let token = base64::engine::general_purpose::STANDARD
        .decode(token.trim_end())
        .expect("base64");
    token.windows(3).any(|bytes| bytes == [2, 0, 0x6f])
}

#[test]
fn it_signs_in_and_its_cookie_jar_keeps_the_login() {
    let realm = realm();
    let served = serve(layer(&realm));
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let folder = tempfile::tempdir().expect("a folder");
    let jar = folder.path().join("cookies");
    let jar = jar.to_str().expect("text");
    let url = served.url("/");

    let printed = curl_negotiate(alice.command("curl"), &["--cookie-jar", jar, &url]);
    assert!(printed.text.contains("Hello, alice"), "{}", printed.text);
    assert!(has_proof(&printed.text), "{}", printed.text);
    let printed = curl(alice.command("curl"), &["--cookie", jar, &url]);
    assert!(printed.text.contains("Hello, alice"), "{}", printed.text);
    let printed = curl(alice.command("curl"), &[&url]);
    assert!(printed.text.contains("not signed in"), "{}", printed.text);

    let trips = outcomes(&served.trips("/"));
    assert_eq!(trips, [(200, true), (200, false), (401, false)]);
}

#[test]
fn without_a_ticket_it_ends_with_the_challenge() {
    let realm = realm();
    let served = serve(layer(&realm));
    let printed = curl_negotiate(realm.command("curl"), &[&served.url("/")]);
    assert!(printed.text.contains("not signed in"), "{}", printed.text);
    let trips = outcomes(&served.trips("/"));
    assert_eq!(trips, [(401, false)]);
}

#[test]
fn a_refused_token_ends_it_without_a_loop() {
    let realm = realm();
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let get = |layer| {
        let served = serve(layer);
        curl_negotiate(alice.command("curl"), &[&served.url("/")]);
        outcomes(&served.trips("/"))
    };
    let twin = TestRealm::start().expect("a KDC");
    let of_another_key = layer(&realm).keytab(twin.keytab());
    assert_eq!(get(of_another_key), [(401, true)]);
    let of_another_realm = SpnegoLayer::builder()
        .realm("OTHER.TEST")
        .hostname("localhost")
        .keytab(realm.keytab())
        .directory(PrincipalOnly);
    assert_eq!(get(of_another_realm), [(403, true)]);
}

/// A file of this many bytes, and their sum.
fn body(folder: &Path, length: u32) -> (String, u64) {
    let bytes: Vec<u8> = (0..length).map(|n| (n * 31 % 251) as u8).collect();
    let path = folder.join("body");
    std::fs::write(&path, &bytes).expect("written");
    let sum = bytes.iter().map(|&byte| u64::from(byte)).sum();
    (format!("@{}", path.display()), sum)
}

#[test]
fn a_post_signs_itself_in_and_arrives_whole() {
    let realm = realm();
    let served = serve(layer(&realm));
    let alice = realm.ticket_cache("alice").expect("a ticket");
    let folder = tempfile::tempdir().expect("a folder");
    let (body, sum) = body(folder.path(), 100_000);
    let url = served.url("/upload");
    let printed = curl_negotiate(alice.command("curl"), &["--data-binary", &body, &url]);
    let received = format!("alice sent 100000 bytes, sum {sum}");
    assert!(printed.text.contains(&received), "{}", printed.text);
    assert_eq!(outcomes(&served.trips("/upload")), [(200, true)]);
}

#[test]
fn a_refused_post_is_read_so_that_the_answer_arrives_and_the_connection_stays() {
    let realm = realm();
    let served = serve(layer(&realm));
    let folder = tempfile::tempdir().expect("a folder");
    let (body, _) = body(folder.path(), 900_000);
    let (upload, home) = (served.url("/upload"), served.url("/"));
    let printed = curl(
        realm.command("curl"),
        &[
            "--data-binary",
            &body,
            &upload,
            "--next",
            "--include",
            &home,
        ],
    );
    assert!(printed.text.contains("not signed in"), "{}", printed.text);
    assert_eq!(printed.uploaded.first(), Some(&900_000));
    let [refused, next] = ["/upload", "/"].map(|path| served.wait_for(path));
    assert_eq!(refused.status, 401);
    assert_eq!(next.client, refused.client, "the same connection");
}

#[test]
fn a_client_that_waits_for_leave_to_send_is_answered_before_it_sends() {
    let realm = realm();
    let served = serve(layer(&realm));
    let folder = tempfile::tempdir().expect("a folder");
    let (body, _) = body(folder.path(), 900_000);
    let url = served.url("/upload");
    let arguments = [
        "--header",
        "Expect: 100-continue",
        // Beyond it curl would send without leave.
        "--expect100-timeout",
        "50",
        "--data-binary",
        &body,
        &url,
    ];
    let printed = curl(realm.command("curl"), &arguments);
    assert!(printed.text.starts_with("HTTP/1.1 401"), "{}", printed.text);
    assert_eq!(printed.uploaded, [0]);
    assert_eq!(outcomes(&served.trips("/upload")), [(401, false)]);

    let alice = realm.ticket_cache("alice").expect("a ticket");
    let printed = curl_negotiate(alice.command("curl"), &arguments);
    assert!(printed.text.starts_with("HTTP/1.1 100"), "{}", printed.text);
    assert!(printed.text.contains("sent 900000"), "{}", printed.text);
}
