//! Good tokens that are cut off, or of which a bit or a length is changed, at every place: nobody gets
//! in as anybody else, and no accept thread ends. Each token is made afresh, as in
//! [`forged`](crate::forged).

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use http::StatusCode;
use tower_spnego::ErrorKind;
use tower_spnego::testing::TestRealm;

use crate::der::{KRB5, application, frame, lengths, offer};
use crate::forge::{FORMS, Forgery};
use crate::forged::{are_rejected, is_alice, people_sign_in, send_all};
use crate::process;
use crate::site::{Site, layer, realm};

/// Variables for a process that needs none of its own.
const NOTHING: [(&str, &str); 0] = [];

/// A site whose accept threads are all that this process has.
struct Watched {
    site: Site,
    good: Forgery,
    threads: BTreeSet<PathBuf>,
    _realm: Arc<TestRealm>,
}

impl Watched {
    fn start() -> Self {
        let realm = realm();
        let site = Site::new(layer(&realm));
        let threads = accept_threads();
        assert!(!threads.is_empty());
        Self {
            site,
            good: Forgery::new(&realm),
            threads,
            _realm: realm,
        }
    }

    async fn goes_on_as_before(&self) {
        people_sign_in(&self.site, &self.good).await;
        assert_eq!(accept_threads(), self.threads);
    }
}

fn accept_threads() -> BTreeSet<PathBuf> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("threads");
    let paths = tasks.map(|task| task.expect("a thread").path());
    let accepts = |path: &PathBuf| {
        std::fs::read_to_string(path.join("comm")).is_ok_and(|name| name.starts_with("spnego-acc"))
    };
    paths.filter(accepts).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_cut_off_anywhere_is_refused() {
    if !process::is_own() {
        return process::run(
            "mangled::a_token_that_is_cut_off_anywhere_is_refused",
            NOTHING,
        );
    }
    let watched = Watched::start();
    let Watched { site, good, .. } = &watched;
    for form in FORMS {
        let whole = || good.token(form);
        let cut = (1..whole().len()).map(|end| whole()[..end].to_vec());
        are_rejected(site, cut, ErrorKind::MalformedToken).await;
    }
    // The same with true lengths around what is cut off.
    let kerberos =
        (1..good.kerberos().len()).map(|end| offer(&[KRB5], Some(&good.kerberos()[..end])));
    are_rejected(site, kerberos, ErrorKind::MalformedToken).await;
    let message = || {
        let message = good.unframed();
        // Its identifier, its tag and a length of three bytes.
        message[6..].to_vec()
    };
    let cut = (0..message().len()).flat_map(|end| {
        let message = application(14, &message()[..end]);
        let token = frame(KRB5, &[&[1, 0], &message[..]].concat());
        [offer(&[KRB5], Some(&token)), token]
    });
    are_rejected(site, cut, ErrorKind::TokenRefused).await;
    watched.goes_on_as_before().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_makes_nobody_of_a_token_but_its_own_client() {
    if !process::is_own() {
        let test = "mangled::a_flipped_bit_makes_nobody_of_a_token_but_its_own_client";
        return process::run(test, NOTHING);
    }
    let watched = Watched::start();
    let Watched { site, good, .. } = &watched;
    for form in FORMS {
        let token = || good.token(form);
        let sealed = sealed_places(token);
        assert!(sealed.len() > token().len() / 2, "{}", sealed.len());
        let bits = token().len() * 8;
        let flipped = (0..bits).map(|bit| {
            let mut token = token();
            token[bit / 8] ^= 1 << (bit % 8);
            token
        });
        let calls = site.calls();
        let mut accepted = 0;
        for (bit, answer) in send_all(site, flipped).await.iter().enumerate() {
            if sealed.contains(&(bit / 8)) {
                answer.is_rejected(ErrorKind::WrongKey);
            } else if answer.status != StatusCode::UNAUTHORIZED {
                is_alice(answer);
                accepted += 1;
            }
        }
        assert_eq!(site.calls() - calls, accepted);
    }
    watched.goes_on_as_before().await;
}

/// Where tokens of one shape differ: in what is encrypted, which has no two bytes alike for long.
fn sealed_places(token: impl Fn() -> Vec<u8>) -> BTreeSet<usize> {
    let one = token();
    let others: Vec<_> = (0..8).map(|_| token()).collect();
    let differs = |place: &usize| others.iter().any(|other| other[*place] != one[*place]);
    (0..one.len()).filter(differs).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn lengths_that_lie_at_any_level_are_refused() {
    if !process::is_own() {
        return process::run(
            "mangled::lengths_that_lie_at_any_level_are_refused",
            NOTHING,
        );
    }
    let watched = Watched::start();
    let Watched { site, good, .. } = &watched;
    for form in FORMS {
        let token = || good.token(form);
        let lies = lies(&token());
        assert!(lies.len() > 100, "{}", lies.len());
        let lying = lies.iter().map(|lie| lie.told_in(token()));
        for answer in send_all(site, lying).await {
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{answer:?}");
        }
        assert_eq!(site.calls(), 0);
    }
    let ticket = good.ticket.secret();
    for lie in lies(&ticket) {
        let lying = lie.told_in(ticket.clone());
        let token = good.sealing(&lying, &good.authenticator_secret());
        are_rejected(site, [frame(KRB5, &token)], ErrorKind::MalformedToken).await;
    }
    let authenticator = good.authenticator_secret();
    for lie in lies(&authenticator) {
        let lying = lie.told_in(authenticator.clone());
        let token = good.sealing(&ticket, &lying);
        are_rejected(site, [frame(KRB5, &token)], ErrorKind::MalformedToken).await;
    }
    watched.goes_on_as_before().await;
}

/// Another length in the place of a true one.
struct Lie {
    at: usize,
    bytes: Vec<u8>,
}

impl Lie {
    fn told_in(&self, mut token: Vec<u8>) -> Vec<u8> {
        token[self.at..][..self.bytes.len()].copy_from_slice(&self.bytes);
        token
    }
}

/// Of each length in the token: too short and too long, by one and by much, and indefinite.
fn lies(token: &[u8]) -> Vec<Lie> {
    let mut lies = Vec::new();
    for place in lengths(token) {
        let truth = &token[place.clone()];
        let value = truth
            .iter()
            .fold(0, |value: u32, &byte| value << 8 | u32::from(byte));
        for other in [
            0,
            value.wrapping_sub(1),
            value + 1,
            0x7f7f_7f7f,
            0x8080_8080,
        ] {
            let bytes = other.to_be_bytes()[4 - truth.len()..].to_vec();
            if bytes != truth {
                lies.push(Lie {
                    at: place.start,
                    bytes,
                });
            }
        }
    }
    lies
}
