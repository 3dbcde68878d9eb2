//! What clients bind their tokens to over real TLS, and what that makes of a machine in the middle.

use std::sync::Arc;

use axum::Router;
use tower_spnego::ErrorKind::{ChannelBindingDiffers, ChannelBindingMissing};
use tower_spnego::testing::TestRealm;
use tower_spnego::{ChannelBinding, ErrorKind, SharedEndPoint};

use super::{
    Ask, Binds, Client, Missing, Person, Run, alice, found, gokrb5, greeting, httpx_gssapi, java,
    program, requests_gssapi, requests_kerberos,
};
use crate::served::{Served, outcomes};
use crate::site::{layer, realm};
use crate::tls::{Relay, Renewable, Tls};

const POLICIES: [(&str, ChannelBinding); 3] = [
    ("/off", ChannelBinding::Off),
    ("/when-sent", ChannelBinding::WhenSent),
    ("/required", ChannelBinding::Required),
];

/// A page for each way there, under each policy.
pub fn pages(realm: &TestRealm) -> Router {
    POLICIES
        .iter()
        .fold(Router::new(), |pages, (path, policy)| {
            let layer = layer(realm).channel_binding(*policy);
            pages.merge(greeting(&format!("{path}/{{way}}"), layer))
        })
}

/// What becomes of a client under a policy: `None` is a sign-in.
pub type Expected = (&'static str, Option<ErrorKind>);

const BOUND: [Expected; 5] = [
    ("/when-sent/direct", None),
    ("/required/direct", None),
    // The machine in the middle works.
    ("/off/relayed", None),
    ("/when-sent/relayed", Some(ChannelBindingDiffers)),
    ("/required/relayed", Some(ChannelBindingDiffers)),
];

pub const UNBOUND: [Expected; 4] = [
    ("/when-sent/direct", None),
    ("/required/direct", Some(ChannelBindingMissing)),
    // It can't be told from who comes directly.
    ("/when-sent/relayed", None),
    ("/required/relayed", Some(ChannelBindingMissing)),
];

fn check(name: &str, ask: Ask, expected: &[Expected]) -> Result<(), Missing> {
    let realm = realm();
    let tls = Arc::new(Tls::new());
    let served = Served::start_tls(pages(&realm), &tls);
    let other = Tls::new();
    let relay = Relay::start(&other, Arc::clone(&tls), served.port());
    let direct = Person {
        trusts: Some(tls.ca_file()),
        ..alice(&realm)
    };
    let relayed = Person {
        trusts: Some(other.ca_file()),
        ..alice(&realm)
    };
    for &(path, refusal) in expected {
        let program = if path.ends_with("/relayed") {
            ask(&relayed, &relay.url(path), 1)?
        } else {
            ask(&direct, &served.url(path), 1)?
        };
        let run = Run::of(name, program, 1, &served, path);
        ended(&run, refusal, path);
    }
    Ok(())
}

/// As was expected, after no more than two tokens.
#[track_caller]
pub fn ended(run: &Run, refusal: Option<ErrorKind>, context: &str) {
    let trips = outcomes(&run.trips);
    let context = format!("{context}: {trips:?} {:?}", run.outcomes);
    assert!(run.tokens() <= 2, "{context}");
    let with_token = run.trips.iter().find(|trip| trip.has_token);
    let answer = with_token.expect("a token");
    assert_eq!(answer.refused, refusal, "{context}");
    let hello = run
        .outcomes
        .iter()
        .all(|outcome| outcome == "200 Hello, alice");
    assert_eq!(hello, refusal.is_none(), "{context}");
}

impl Client {
    fn check_binding(&self) -> Result<(), Missing> {
        match self.binds {
            Binds::Always => check(self.name, self.ask, &BOUND),
            Binds::IfTold(told) => {
                check(self.name, self.ask, &UNBOUND)?;
                check(self.name, told, &BOUND)
            }
            Binds::Never => check(self.name, self.ask, &UNBOUND),
            Binds::UpToYou => Ok(()),
        }
    }
}

#[test]
fn requests_kerberos_binds_and_no_machine_gets_into_the_middle() {
    let test = "requests_kerberos_binds";
    found(requests_kerberos::CLIENT.check_binding(), test);
}

#[test]
fn requests_gssapi_binds_if_told_and_then_no_machine_gets_into_the_middle() {
    let test = "requests_gssapi_binds_if_told";
    found(requests_gssapi::CLIENT.check_binding(), test);
}

#[test]
fn java_binds_if_told_and_then_no_machine_gets_into_the_middle() {
    found(java::CLIENT.check_binding(), "java_binds_if_told");
}

#[test]
fn curl_does_not_bind_and_is_only_refused_where_it_must() {
    found(super::curl::CLIENT.check_binding(), "curl_does_not_bind");
}

#[test]
fn httpx_gssapi_does_not_bind_and_is_only_refused_where_it_must() {
    let test = "httpx_gssapi_does_not_bind";
    found(httpx_gssapi::CLIENT.check_binding(), test);
}

#[test]
fn gokrb5_does_not_bind_and_is_only_refused_where_it_must() {
    found(gokrb5::CLIENT.check_binding(), "gokrb5_does_not_bind");
}

#[test]
fn a_certificate_is_renewed_while_the_server_runs() {
    let realm = realm();
    let old = Tls::new();
    let new = Arc::new(old.renewed());
    let certificate = Renewable::new(&old);
    let end_point = SharedEndPoint::new(old.end_point());
    let layer = layer(&realm)
        .channel_binding(ChannelBinding::Required)
        .server_end_point(end_point.clone());
    let served = Served::start_renewable(greeting("/{when}", layer), &certificate);
    let alice = Person {
        trusts: Some(old.ca_file()),
        ..alice(&realm)
    };
    let visit = |path: &str, url: String| {
        let program = program::requests_kerberos(&alice, &url, 1)?;
        Ok(Run::of("requests-kerberos", program, 1, &served, path))
    };
    let visits = || {
        let before = visit("/before", served.url("/before"))?;
        // As an application does that watches the file.
        certificate.renew(&new);
        end_point.replace(new.end_point());
        let after = visit("/after", served.url("/after"))?;
        // Whoever has stolen the old key gets nobody's login.
        let relay = Relay::start(&old, Arc::clone(&new), served.port());
        let stolen = visit("/stolen", relay.url("/stolen"))?;
        Ok([before, after, stolen])
    };
    let test = "a_certificate_is_renewed_while_the_server_runs";
    if let Some([before, after, stolen]) = found(visits(), test) {
        ended(&before, None, "before");
        ended(&after, None, "after");
        ended(&stolen, Some(ChannelBindingDiffers), "stolen");
    }
}

/// Options of openssl for a certificate, and the clients that take another hash of it than RFC 5929
/// says: requests-gssapi keeps to SHA-1, and Java sees no hash function in RSASSA-PSS.
const SIGNATURES: [(&str, &[&str]); 5] = [
    ("-newkey ec -pkeyopt ec_paramgen_curve:P-384 -sha384", &[]),
    ("-newkey rsa:2048 -sha1", &["requests-gssapi"]),
    (
        "-newkey rsa:2048 -sigopt rsa_padding_mode:pss -sha1",
        &["requests-gssapi"],
    ),
    ("-newkey rsa:2048 -sigopt rsa_padding_mode:pss -sha256", &[]),
    (
        "-newkey rsa:2048 -sigopt rsa_padding_mode:pss -sha384",
        &["Java"],
    ),
];

#[test]
fn the_hash_of_the_certificate_is_the_one_that_clients_take() {
    let test = "the_hash_of_the_certificate_is_the_one_that_clients_take";
    let clients: [(&str, Ask); 3] = [
        ("requests-kerberos", program::requests_kerberos),
        ("requests-gssapi", program::requests_gssapi_bound),
        ("Java", program::java_bound),
    ];
    let realm = realm();
    for (signature, others) in SIGNATURES {
        let tls = Tls::self_signed(signature);
        let layer = layer(&realm).channel_binding(ChannelBinding::Required);
        let served = Served::start_tls(greeting("/{client}", layer), &tls);
        let alice = Person {
            trusts: Some(tls.ca_file()),
            ..alice(&realm)
        };
        for (name, ask) in clients {
            let path = format!("/{name}");
            if let Some(program) = found(ask(&alice, &served.url(&path), 1), test) {
                let run = Run::of(name, program, 1, &served, &path);
                let refusal = others.contains(&name).then_some(ChannelBindingDiffers);
                ended(&run, refusal, &format!("{name} {signature}"));
            }
        }
    }
}
