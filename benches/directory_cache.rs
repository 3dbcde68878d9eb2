//! What `Cached` saves: `cargo bench --features testing --bench directory_cache`, with slapd installed.
//!
//! The same person, looked up in slapd and out of the memory, in alternating rounds: machines differ by the
//! minute, and the ratios hold.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used)]

use std::time::{Duration, Instant};

use tower_spnego::ldap::LdapDirectory;
use tower_spnego::testing::TestLdap;
use tower_spnego::{Cached, Directory, Initiator};

const ROUNDS: usize = 21;
const SEARCHES: u32 = 200;
const REMEMBERED: u32 = 20_000;
const OTHERS: usize = 5_000;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let ldap = TestLdap::start().expect("a server");
    for number in 0..200 {
        let group = format!("group-{number}");
        ldap.add_group(&group, ["bob"]).expect("added");
    }
    let directory = LdapDirectory::builder(ldap.tls_url())
        .ca_file(ldap.ca_file())
        .bind_simple(ldap.service_dn(), ldap.service_password())
        .search(ldap.people(), "(uid={user})")
        .build()
        .expect("a directory");
    let cached = Cached::new(directory.clone(), Duration::from_secs(3_600));
    // A memory that holds more than the two.
    let everybody = Cached::new(tower_spnego::PrincipalOnly, Duration::from_secs(3_600));
    for number in 0..OTHERS {
        let who = who(&format!("person-{number}"));
        everybody.find(&who).await.expect("a user");
    }
    for (user, groups) in [("alice", 2), ("bob", 201)] {
        let who = who(user);
        cached.find(&who).await.expect("a user");
        everybody.find(&who).await.expect("a user");
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            rounds.push([
                lookup(&directory, &who, SEARCHES).await,
                lookup(&cached, &who, REMEMBERED).await,
                lookup(&everybody, &who, REMEMBERED).await,
            ]);
        }
        let [searched, remembered, among_others] =
            [0, 1, 2].map(|run| median(rounds.iter().map(|round| round[run])));
        let ratio = median(rounds.iter().map(|round| round[0] / round[1]));
        println!(
            "{groups} groups: {searched:.0} us a search, {remembered:.2} us remembered (target: under \
             5), {among_others:.2} us among {OTHERS} others; {ratio:.0}x"
        );
    }
}

fn who(user: &str) -> Initiator {
    Initiator::new(format!("{user}@EXAMPLE.TEST").parse().expect("a principal"))
}

/// Microseconds that a lookup takes.
async fn lookup(directory: &impl Directory, who: &Initiator, times: u32) -> f64 {
    let start = Instant::now();
    for _ in 0..times {
        let user = directory.find(who).await.expect("a user");
        std::hint::black_box(user);
    }
    start.elapsed().as_secs_f64() * 1e6 / f64::from(times)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
