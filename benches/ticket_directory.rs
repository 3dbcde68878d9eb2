//! What it costs to know a person by the ticket's PAC:
//! `cargo bench --features testing --bench ticket_directory`, as root, with Samba installed.
//!
//! Every token is made beforehand and used once, with the replay cache on. The set-ups run in
//! alternating rounds: machines differ by the minute, and the ratios hold.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used)]

use std::time::Instant;

use tower_spnego::testing::{
    BareAcceptor, GroupScope, TestActiveDirectory, TicketCache, active_directory_or_skip,
};

const ROUNDS: usize = 21;
const TOKENS: usize = 300;
const SPN: &str = "HTTP/localhost";

fn main() {
    if !active_directory_or_skip("the benchmark ticket_directory") {
        return;
    }
    let ad = TestActiveDirectory::start().expect("a domain");
    // Beside Domain Users.
    let people = [("alice", 4), ("bob", 1_199)].map(|(user, groups)| {
        let names = (0..groups).map(|number| format!("{user}-{number}"));
        ad.add_groups_of(user, GroupScope::Global, names)
            .expect("added");
        let cache = ad.ticket_cache(user).expect("a ticket");
        cache.service_ticket(SPN).expect("a ticket");
        (groups + 1, cache)
    });
    let replays = ad.folder().join("replays");
    let acceptor = || {
        let acceptor = BareAcceptor::new(&ad.keytab(), "localhost", &replays);
        acceptor.expect("starts")
    };
    let (plain, reading) = (acceptor(), acceptor().reading_pac());
    for (groups, cache) in &people {
        let rounds: Vec<_> = (0..ROUNDS)
            .map(|_| [&plain, &reading].map(|acceptor| accept(acceptor, cache)))
            .collect();
        let [without, with] = [0, 1].map(|run| median(rounds.iter().map(|round| round[run])));
        let share = median(rounds.iter().map(|[without, with]| 1.0 - without / with));
        println!(
            "{groups} groups: an accept takes {without:.1} us, with the PAC read {with:.1} us; \
             the PAC's share is {:.1} %",
            share * 100.0
        );
    }
}

/// Microseconds that the median accept takes.
fn accept(acceptor: &BareAcceptor, cache: &TicketCache) -> f64 {
    let tokens: Vec<_> = (0..TOKENS)
        .map(|_| cache.token(SPN).expect("a token"))
        .collect();
    median(tokens.iter().map(|token| {
        let start = Instant::now();
        assert!(acceptor.accept(token));
        start.elapsed().as_secs_f64() * 1e6
    }))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
