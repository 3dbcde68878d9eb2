//! Spans, events and metrics: what the guide says of them, and no secret in any.

mod guide;
mod rechecks;
mod secrets;
mod seen;
mod short;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt;
use http::StatusCode;
use http::header::AUTHORIZATION;
use metrics_util::MetricKind;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use tower_spnego::testing::{TestLdap, TestRealm};
use tower_spnego::{BasicOver, Cached, ErrorKind, SpnegoConnection, SpnegoLayerBuilder};

use self::guide::{labels, rows};
use self::secrets::Secrets;
use self::seen::{Seen, Told};
use crate::der::{KRB5, NTLM, offer};
use crate::ldap::people;
use crate::markdown::{Row, words};
use crate::process;
use crate::site::{
    Answer, Site, layer, lock_replay_cache, request, token, with_header, with_token,
};

const PASSWORD: &str = "Zwölf Boxkämpfer jagen Viktor";
const WRONG: &str = "quer über den großen Sylter Deich";

/// A realm where bob and carol have tickets, alice a password, and carol is in no directory, nor is dora in most.
fn realm() -> TestRealm {
    let realm = TestRealm::builder().principals(["alice", "bob", "carol", "dora"]);
    let realm = realm.start().expect("a KDC");
    realm.set_password("alice", PASSWORD).expect("a password");
    let conf = std::env::var_os("KRB5_CONFIG").expect("a variable");
    std::fs::copy(realm.krb5_conf(), conf).expect("copies");
    realm
}

fn basic(realm: &TestRealm) -> SpnegoLayerBuilder {
    layer(realm).basic(BasicOver::always_tls())
}

/// Signs people in, in every way and to every end. Returns the kinds of the refusals.
async fn sign_in_to_every_end(realm: &TestRealm, secrets: &mut Secrets) -> BTreeSet<String> {
    let mut kinds = BTreeSet::new();
    let ldap = TestLdap::start().expect("a server");
    secrets.file(realm.keytab());
    secrets.password(PASSWORD);
    secrets.password(WRONG);
    let directory = || people(&ldap).build().expect("a directory");
    let hour = Duration::from_secs(3600);
    let site = Site::new(basic(realm).directory(Cached::new(directory(), hour)));
    let stale = Cached::new(directory(), Duration::ZERO).stale_if_unavailable(hour);
    let stale = Site::new(layer(realm).directory(stale));
    let mut refused = |answer: &Answer, kind: ErrorKind| {
        assert_eq!(answer.kind(), Some(kind), "{answer:?}");
        kinds.insert(format!("{kind:?}"));
    };

    let mut bob = site.browser();
    let once = secrets.token(&token(realm, "bob"));
    let answer = bob.get_with("/", &once).await;
    answer.is_hello("bob");
    secrets.answer(&answer, &bob);
    bob.get("/").await.is_hello("bob");
    let answer = site.browser().get_with("/", &once).await;
    refused(&answer, ErrorKind::Replay);
    secrets.answer(&answer, &bob);
    for site in [&site, &stale] {
        let again = secrets.token(&token(realm, "bob"));
        site.browser().get_with("/", &again).await.is_hello("bob");
    }
    refused(&site.browser().get("/").await, ErrorKind::NoCredentials);
    let garbage = secrets.token(b"no token, and long enough to be looked for");
    let answer = site.browser().get_with("/", &garbage).await;
    refused(&answer, ErrorKind::NotKerberos);
    let ntlm = secrets.token(&offer(&[NTLM], Some(b"NTLMSSP")));
    for _ in 0..11 {
        let answer = site.browser().get_with("/", &ntlm).await;
        refused(&answer, ErrorKind::Ntlm);
    }
    let carol = secrets.token(&token(realm, "carol"));
    let answer = site.browser().get_with("/", &carol).await;
    refused(&answer, ErrorKind::UserNotFound);
    secrets.answer(&answer, &bob);
    let first = secrets.token(&offer(&[NTLM, KRB5], Some(b"NTLMSSP")));
    let mut request_of_several = with_token(request("/"), &first);
    let answer = site.browser().get_with("/", &first).await;
    refused(&answer, ErrorKind::UnfinishedHandshake);
    let connection = SpnegoConnection::new(None);
    request_of_several.extensions_mut().insert(connection);
    let answer = site.browser().send(request_of_several).await;
    refused(&answer, ErrorKind::HandshakeGoesOn);

    let mut typed = |password: &str| {
        let pair = STANDARD.encode(format!("alice:{password}"));
        secrets.token(pair.as_bytes());
        with_header(
            request("/"),
            AUTHORIZATION.as_str(),
            &format!("Basic {pair}"),
        )
    };
    let mut alice = site.browser();
    let answer = alice.send(typed(WRONG)).await;
    refused(&answer, ErrorKind::WrongPassword);
    for _ in 0..2 {
        alice.send(typed(PASSWORD)).await.is_hello("alice");
    }
    let (without_directory, unread) = (typed(PASSWORD), typed("\n"));
    secrets.answer(&answer, &alice);
    let answer = site.browser().send(unread).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    kinds.extend(answer.kind().map(|kind| format!("{kind:?}")));
    let mut refused = |answer: &Answer, kind: ErrorKind| {
        assert_eq!(answer.kind(), Some(kind), "{answer:?}");
        kinds.insert(format!("{kind:?}"));
    };

    drop(ldap);
    let answer = site.browser().send(without_directory).await;
    refused(&answer, ErrorKind::DirectoryUnavailable);
    let again = secrets.token(&token(realm, "bob"));
    stale.browser().get_with("/", &again).await.is_hello("bob");

    let folder = tempfile::tempdir().expect("a folder");
    let cache = folder.path().join("replays");
    let blocked = Site::new(layer(realm).replay_cache(&cache));
    let lock = lock_replay_cache(&cache);
    let left = secrets.token(&token(realm, "bob"));
    let gone = blocked.browser().get_with("/", &left).now_or_never();
    assert!(gone.is_none(), "{gone:?}");
    drop(lock);
    kinds
}

#[tokio::test]
async fn what_is_told_is_what_the_guide_says_and_has_no_secret() {
    const TEST: &str = "observability::what_is_told_is_what_the_guide_says_and_has_no_secret";
    if !process::is_own() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str| -> PathBuf { folder.path().join(name) };
        let variables = [
            ("KRB5_CONFIG", file("krb5.conf")),
            ("KRB5CCNAME", file("cache")),
        ];
        return process::run(TEST, variables);
    }
    let seen = Seen::start();
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    recorder.install().expect("the only one");
    let mut secrets = Secrets::default();
    let realm = realm();
    let mut kinds = sign_in_to_every_end(&realm, &mut secrets).await;
    sign_ins_are_whole(&seen.all());
    kinds.extend(rechecks::to_every_end(&realm, &mut secrets).await);

    let told = seen.all();
    let metrics = metrics(&snapshotter);
    let text: String = told.iter().map(Told::as_line).collect();
    let text = format!("{text}{metrics:#?}");
    assert!(text.contains("bob@EXAMPLE.TEST"), "it is looked through");
    secrets.are_not_in(&text);
    spans_are_documented(&told);
    events_are_documented(&told);
    metrics_are_documented(&metrics, &kinds);
}

#[track_caller]
fn spans_are_documented(told: &[Told]) {
    let spans = told.iter().filter(|told| told.is_ours() && !told.is_event);
    let spans: BTreeSet<_> = spans
        .map(|span| {
            (
                span.text.as_str(),
                span.level.as_str(),
                span.declared.clone(),
            )
        })
        .collect();
    let rows = rows("Spans");
    let documented: BTreeSet<_> = rows
        .iter()
        .map(|row| (words(&row[0])[0], words(&row[1])[0], words(&row[2])))
        .collect();
    assert_eq!(spans, documented);
}

/// All that the guide has were emitted, and what it does not have is no sign-in's.
#[track_caller]
fn events_are_documented(told: &[Told]) {
    let mut missing = rows("Events");
    for event in told.iter().filter(|told| told.is_ours() && told.is_event) {
        let fits = |row: &Row| {
            let text = words(&row[1])[0];
            let text_fits = match text.strip_suffix('…') {
                Some(start) => event.text.starts_with(start),
                None => event.text == text,
            };
            text_fits && words(&row[0])[0] == event.level && words(&row[2]) == event.declared
        };
        let is_documented = rows("Events").iter().any(fits);
        let is_of_the_parts_around = event.target.starts_with("tower_spnego::directory");
        assert!(is_documented || is_of_the_parts_around, "{event:?}");
        missing.retain(|row| !fits(row));
    }
    assert!(missing.is_empty(), "{missing:?}");
}

/// Each sign-in has one span, with its outcome, and what is said of it is said within.
#[track_caller]
fn sign_ins_are_whole(told: &[Told]) {
    let spans = |name: &'static str| told.iter().filter(move |told| told.text == name);
    for span in spans("spnego.sign_in") {
        let has_kind = matches!(span.value("outcome"), "refused" | "failed" | "continued");
        assert_eq!(has_kind, !span.value("kind").is_empty(), "{span:?}");
    }
    let ended = spans("sign-in ended").count();
    assert_eq!(spans("spnego.sign_in").count(), ended);
    for inner in [
        "spnego.kerberos",
        "spnego.directory",
        "signed in",
        "sign-in ended",
    ] {
        for told in spans(inner) {
            assert_eq!(told.within, Some("spnego.sign_in"), "{told:?}");
        }
    }
    let refused = told
        .iter()
        .filter(|told| told.text.starts_with("refused: "));
    for told in refused {
        assert_eq!(told.within, Some("spnego.sign_in"), "{told:?}");
    }
    // Who the KDC did not vouch for is not named.
    for span in spans("spnego.sign_in") {
        let is_vouched_for = !span.value("principal").is_empty();
        let is_in_doubt = ["NotKerberos", "Replay", "WrongPassword", "BasicUnreadable"];
        if is_vouched_for {
            assert!(!is_in_doubt.contains(&span.value("kind")), "{span:?}");
        }
        if span.value("outcome") == "signed_in" || span.value("kind") == "UserNotFound" {
            assert!(is_vouched_for, "{span:?}");
        }
    }
}

#[derive(Debug)]
struct Metric {
    kind: MetricKind,
    name: String,
    labels: Vec<(String, String)>,
    value: DebugValue,
}

fn metrics(snapshotter: &Snapshotter) -> Vec<Metric> {
    let metrics = snapshotter.snapshot().into_vec().into_iter();
    let metrics = metrics.map(|(key, unit, help, value)| {
        let (kind, key) = key.into_parts();
        let metric = Metric {
            kind,
            name: key.name().to_owned(),
            labels: key
                .labels()
                .map(|label| (label.key().to_owned(), label.value().to_owned()))
                .collect(),
            value,
        };
        assert!(unit.is_some() && help.is_some(), "{metric:?}");
        metric
    });
    metrics.collect()
}

#[track_caller]
fn metrics_are_documented(metrics: &[Metric], kinds: &BTreeSet<String>) {
    let mut emitted = BTreeSet::new();
    for Metric {
        kind,
        name,
        labels,
        value,
    } in metrics
    {
        for (label, value) in labels {
            let kind = format!("{kind:?}").to_lowercase();
            emitted.insert((name.clone(), kind, label.clone(), value.clone()));
        }
        if let DebugValue::Gauge(depth) = value {
            assert_eq!(depth.0, 0.0, "all threads have ended: {name}");
        }
    }
    let mut documented = BTreeSet::new();
    for row in rows("Metrics") {
        for (label, values) in labels(&row[2]) {
            let values: Vec<_> = match values[..] {
                ["ErrorKind"] => kinds.iter().map(String::as_str).collect(),
                _ => values,
            };
            for value in values {
                let name = words(&row[0])[0];
                let entry = [name, &row[1], label, value].map(str::to_owned);
                documented.insert(<(String, String, String, String)>::from(entry));
            }
        }
    }
    assert_eq!(emitted, documented);
}
