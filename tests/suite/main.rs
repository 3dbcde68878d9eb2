//! One program for all tests against real parts; a file a behaviour.
#![allow(unreachable_pub)]
// Helpers stand outside of `#[test]` functions, and are tests all the same.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used)]

mod accept_queue;
mod active_directory;
mod aes_key;
mod attributes;
mod basic;
mod browsers;
mod cached;
mod caching;
mod challenge;
mod channel_binding;
mod chromium;
mod clients;
mod clocks;
mod connections;
mod containers;
mod cookie_store;
mod cross_site;
mod curl;
mod daemon;
mod delegation;
mod demo;
mod der;
#[cfg(feature = "doctor")]
mod doctor;
mod ended_logins;
mod examples;
mod explanations;
mod extractors;
mod firefox;
mod forge;
mod forged;
mod group_rules;
mod groups;
#[cfg(feature = "doctor")]
mod guide_free_ipa;
mod guide_load_balancers;
#[cfg(feature = "doctor")]
mod guide_mit_kerberos;
mod guides;
mod haproxy;
mod hooks;
mod http2;
mod keep_alive;
mod keytab_rotation;
mod layers;
mod ldap;
mod ldap_binds;
mod ldap_servers;
mod leaving_clients;
mod limiting_proxy;
mod load;
mod log;
mod login;
mod long_headers;
mod mangled;
mod markdown;
mod names;
mod ntlm;
#[cfg(all(feature = "ldap-gssapi", feature = "metrics"))]
mod observability;
mod opened_ticket;
mod pac;
mod process;
mod proxy;
mod public_types;
mod realms;
mod recheck;
mod refusals;
mod refused_tokens;
mod request_body;
mod require_group;
mod served;
mod server;
mod several_requests;
mod side_by_side;
mod sign_in;
mod site;
mod start_up;
mod stateless;
mod stopping;
mod stores;
mod tls;
mod two_servers;
mod user_guides;
mod wait;
mod website;
mod which_spn;
mod who_may_in;
mod whose_session;

/// Names a test that can't run here; where CI is set that is a failure.
#[track_caller]
fn not_run(test: &str, why: &str) {
    use std::io::Write;
    // libtest keeps what `println!` says to itself.
    let _ = writeln!(std::io::stderr(), "not run: {test}: {why}");
    assert!(std::env::var_os("CI").is_none(), "not run: {test}: {why}");
}
