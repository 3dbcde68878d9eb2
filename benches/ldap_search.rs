//! What a lookup costs beside the bare search:
//! `cargo bench --features testing --bench ldap_search`, with slapd installed.
//!
//! Both go over one connection with TLS and without Nagle's delay, to the same server. They run in
//! alternating rounds: machines differ by the minute, and the ratios hold.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, Scope, SearchEntry, SearchOptions, StdStream};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};
use tower_spnego::ldap::LdapDirectory;
use tower_spnego::testing::TestLdap;
use tower_spnego::{Directory, Initiator};

const ROUNDS: usize = 21;
const LOOKUPS: usize = 2_000;
const IN_FLIGHT: usize = 64;

const FILTER: &str = "(&(objectClass=person)(uid={user}))";

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let server = TestLdap::start().expect("a server");
    let directory = LdapDirectory::builder(server.tls_url())
        .ca_file(server.ca_file())
        .bind_simple(server.service_dn(), server.service_password())
        .search(server.people(), FILTER)
        .build()
        .expect("a directory");
    let bare = bare(&server).await;
    let who = Arc::new(Initiator::new(
        "alice@EXAMPLE.TEST".parse().expect("a name"),
    ));
    let base = Arc::new(server.people());
    let find = || {
        let (directory, who) = (directory.clone(), Arc::clone(&who));
        async move {
            assert_eq!(
                directory.find(&who).await.expect("found").groups().count(),
                2
            )
        }
    };
    let search = || {
        let (bare, base) = (bare.clone(), Arc::clone(&base));
        async move { assert_eq!(bare_search(bare, &base).await.attrs["memberOf"].len(), 2) }
    };
    // The first one connects.
    find().await;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push([
            one_after_another(find).await,
            one_after_another(search).await,
            per_second(find).await,
            per_second(search).await,
        ]);
    }
    let run = |run: usize| median(rounds.iter().map(|round| round[run]));
    let ratio = |over: usize, under: usize| median(rounds.iter().map(|r| r[over] / r[under]));
    println!(
        "one after another: a lookup takes {:.0} us, the bare search {:.0} us: {:.2}x (target: 1.2)",
        run(0),
        run(1),
        ratio(0, 1)
    );
    println!(
        "{IN_FLIGHT} at once: {:.0} lookups a second, {:.0} bare searches: {:.2}x (target: 1.2)",
        run(2),
        run(3),
        ratio(3, 2)
    );
}

/// ldap3 on a connection as that of the directory.
async fn bare(server: &TestLdap) -> Ldap {
    let stream = std::net::TcpStream::connect(("127.0.0.1", server.tls_port())).expect("connects");
    stream.set_nodelay(true).expect("set");
    stream.set_nonblocking(true).expect("set");
    let settings = LdapConnSettings::new()
        .set_std_stream(StdStream::Tcp(stream))
        .set_config(tls(server.ca_file()));
    let url = server.tls_url();
    let (connection, mut ldap) = LdapConnAsync::with_settings(settings, &url)
        .await
        .expect("connects");
    ldap3::drive!(connection);
    let name = server.service_dn();
    let bound = ldap.simple_bind(&name, server.service_password());
    bound.await.expect("an answer").success().expect("bound");
    ldap
}

fn tls(authority: PathBuf) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(authority).expect("a certificate");
    roots.add(certificate).expect("a certificate");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

/// With what a user is made of.
async fn bare_search(mut ldap: Ldap, base: &str) -> SearchEntry {
    let options = SearchOptions::new().sizelimit(2).timelimit(5);
    let attributes = ["uid", "displayName", "cn", "mail", "entryUUID", "memberOf"];
    let filter = FILTER.replace("{user}", "alice");
    let found = ldap
        .with_search_options(options)
        .search(base, Scope::Subtree, &filter, attributes)
        .await
        .expect("an answer");
    let (mut entries, _) = found.success().expect("found");
    SearchEntry::construct(entries.pop().expect("an entry"))
}

/// Microseconds of the median.
async fn one_after_another<F: Future<Output = ()>>(ask: impl Fn() -> F) -> f64 {
    let mut times = Vec::new();
    for _ in 0..LOOKUPS / 4 {
        let start = Instant::now();
        ask().await;
        times.push(start.elapsed().as_secs_f64() * 1e6);
    }
    median(times.into_iter())
}

async fn per_second<F: Future<Output = ()> + Send + 'static>(ask: impl Fn() -> F) -> f64 {
    let start = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let asks: Vec<_> = (0..LOOKUPS / IN_FLIGHT).map(|_| ask()).collect();
        running.spawn(async move {
            for ask in asks {
                ask.await;
            }
        });
    }
    let asked = running.join_all().await.len() * (LOOKUPS / IN_FLIGHT);
    asked as f64 / start.elapsed().as_secs_f64()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
