//! A client whose clock is off: libfaketime moves it, and never the server's.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;
use tower_spnego::ErrorKind;
use tower_spnego::explain::Cause;

use super::explains;
use crate::curl::curl_negotiate;
use crate::refused_tokens::all_forms;
use crate::served::Served;
use crate::site::{Answer, SPN, Site, layer, realm};

fn has_faketime() -> bool {
    let version = Command::new("faketime").arg("--version").output();
    version.is_ok_and(|output| output.status.success())
}

#[test]
fn a_client_whose_clock_is_off_is_told_by_how_much() {
    const TEST: &str = "explanations::clock::a_client_whose_clock_is_off_is_told_by_how_much";
    if !has_faketime() {
        return crate::not_run(TEST, "there is no faketime (Debian: faketime)");
    }
    let realm = realm();
    let answers: Arc<Mutex<Vec<Answer>>> = Arc::default();
    let kept = Arc::clone(&answers);
    let keep = from_fn(move |request: Request, next: Next| {
        let kept = Arc::clone(&kept);
        async move {
            let answer = Answer::of(next.run(request).await).await;
            let response = (answer.status, answer.headers.clone(), answer.body.clone());
            kept.lock().expect("no panic").push(answer);
            response.into_response()
        }
    });
    let served = Served::start(Site::new(layer(&realm)).router.layer(keep));
    let alice = realm.ticket_cache("alice").expect("a ticket");
    // The KDC would not have given one at the wrong time.
    alice.service_ticket(SPN).expect("a ticket");
    // A client that minds the difference itself would not even try.
    let folder = tempfile::tempdir().expect("a folder");
    let careless = folder.path().join("krb5.conf");
    let conf = std::fs::read_to_string(realm.krb5_conf()).expect("krb5.conf");
    let conf = conf.replace("[libdefaults]", "[libdefaults]\n    clockskew = 3600");
    std::fs::write(&careless, conf).expect("written");
    for (offset, expected, name) in [
        ("+600s", 600, "clock_ahead"),
        ("-600s", -600, "clock_behind"),
    ] {
        let mut curl = alice.command("faketime");
        curl.args(["-f", offset, "curl"])
            .env("KRB5_CONFIG", &careless);
        curl_negotiate(curl, &[&served.url("/")]);
        let answers = std::mem::take(&mut *answers.lock().expect("no panic"));
        let answer = answers
            .into_iter()
            .find(|answer| answer.kind() == Some(ErrorKind::ClockSkew));
        let answer = answer.expect("a clock that is off");
        let error = answer.error.as_ref().expect("an error");
        let ahead = error.explanation().and_then(|why| why.clock_offset());
        let ahead: i64 = ahead.expect("by how much");
        assert!((ahead - expected).abs() < 60, "{ahead}");
        let (minutes, seconds) = (ahead.abs() / 60, ahead.abs() % 60);
        let seen = match seconds {
            0 => format!("{minutes} min "),
            _ => format!("{minutes} min {seconds} s "),
        };
        explains(
            &answer,
            Cause::ClockSkew,
            &[(Path::new(&seen), "10 min ")],
            name,
        );
    }
}

#[tokio::test]
async fn a_replay_is_explained() {
    let realm = realm();
    let site = Site::new(layer(&realm));
    for token in all_forms(&realm.ticket_cache("alice").expect("a ticket"), SPN) {
        site.browser().get_with("/", &token).await.is_hello("alice");
        let answer = site.browser().get_with("/", &token).await;
        answer.is_rejected(ErrorKind::Replay);
        explains(&answer, Cause::Replay, &[], "replay");
    }
}
