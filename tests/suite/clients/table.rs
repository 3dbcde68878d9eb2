//! The guide's table of clients, made from what the server saw.

use std::fs;

use tower_spnego::testing::{Chromium, Firefox};

use super::{Binds, CLIENTS, Client, Http, Missing, Run};
use crate::browsers::RealBrowser;
use crate::not_run;
use crate::served::Trip;

const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/guide/clients.md");

const HEAD: [&str; 11] = [
    "client",
    "first token",
    "token is",
    "mutual authentication",
    "cookies",
    "channel binding",
    "bad token: 401",
    "not allowed: 403",
    "directory down: 503",
    "handler's 401",
    "no ticket: 401",
];

/// A line of the table.
fn line(cells: &[impl AsRef<str>]) -> String {
    let cells: Vec<_> = cells.iter().map(AsRef::as_ref).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// The row of a client whose runs these are: it asked twice for the same page, then for those that
/// are refused. The table has no more than five of them.
pub fn row(name: &str, http: Http, binds: Binds, sign_in: &Run, refusals: &[Run]) -> String {
    let accepted = sign_in.trips.iter().find(|trip| trip.has_token);
    let accepted = accepted.expect("a token");
    let first = match (http, sign_in.trips.first()) {
        (Http::OfTheProgram, _) => "up to you",
        (_, Some(trip)) if trip.has_token => "at once",
        _ => "after a 401",
    };
    let cookies = match http {
        Http::OfTheProgram => "up to you",
        Http::Own { .. } if sign_in.kept_the_login() => "kept",
        Http::Own { .. } if sign_in.trips.iter().any(|trip| trip.has_cookie) => {
            "kept, a token each time"
        }
        Http::Own { .. } => "not kept",
    };
    let mutual = if is_mutual(accepted) {
        "asked for"
    } else {
        "no"
    };
    let binding = match binds {
        Binds::Always => "sent",
        Binds::IfTold(_) => "sent if told",
        Binds::Never => "no",
        Binds::UpToYou => "up to you",
    };
    let mut cells = [name, first, kind(accepted), mutual, cookies, binding]
        .map(str::to_owned)
        .to_vec();
    cells.extend(refusals.iter().take(5).map(|run| {
        let outcome = run.outcomes.first().expect("an outcome");
        let outcome = outcome.split(' ').next().unwrap_or_default();
        // An error's name is code.
        let quote = if outcome.parse::<u16>().is_ok() {
            ""
        } else {
            "`"
        };
        format!("{} → {quote}{outcome}{quote}", run.tokens())
    }));
    line(&cells)
}

fn row_of(client: &Client) -> Result<String, Missing> {
    Ok(row(
        client.name,
        client.http,
        client.binds,
        client.sign_in()?,
        client.refusals()?,
    ))
}

/// `browsers` has the test.
const BROWSERS_BIND: Binds = Binds::Never;

fn row_of_browser<B: RealBrowser>() -> Result<String, Missing> {
    B::available().map_err(Missing)?;
    let tour = B::tour();
    let http = Http::Own {
        stays_signed_in: true,
    };
    Ok(row(
        B::NAME,
        http,
        BROWSERS_BIND,
        &tour.sign_in,
        &tour.refusals,
    ))
}

/// By the mechanism at the token's front (RFC 2743 section 3.1).
fn kind(trip: &Trip) -> &'static str {
    let token = trip.token.as_deref().expect("a token");
    let front = token.get(..20).expect("a token");
    let has = |oid: &[u8]| front.windows(oid.len()).any(|bytes| bytes == oid);
    if has(b"\x06\x06\x2b\x06\x01\x05\x05\x02") {
        "SPNEGO"
    } else if has(b"\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02") {
        "Kerberos"
    } else {
        panic!("neither SPNEGO nor Kerberos: {front:02x?}")
    }
}

/// The answer has an AP-REP in it (RFC 4121 section 4.1), the server's proof, which is only given
/// to who asks.
fn is_mutual(trip: &Trip) -> bool {
    let reply = trip.reply.as_deref().expect("a final token");
    reply.windows(3).any(|bytes| bytes == [2, 0, 0x6f])
}

fn is_row(line: &str) -> bool {
    line.starts_with('|')
}

#[test]
fn the_guide_has_the_table_of_what_clients_do() {
    let test = "the_guide_has_the_table_of_what_clients_do";
    let browsers = [row_of_browser::<Chromium>(), row_of_browser::<Firefox>()];
    let rows: Vec<_> = CLIENTS
        .iter()
        .map(|client| row_of(client))
        .chain(browsers)
        .collect();
    let guide = fs::read_to_string(GUIDE).expect("reads");
    let begin = guide.lines().take_while(|line| !is_row(line)).count();
    let mut lines: Vec<_> = guide.lines().map(|line| format!("{line}\n")).collect();
    let end = begin
        + lines
            .iter()
            .skip(begin)
            .take_while(|line| is_row(line))
            .count();

    let mut table = vec![line(&HEAD), line(&HEAD.map(|_| "---"))];
    for (number, row) in rows.into_iter().enumerate() {
        match row {
            Ok(row) => table.push(row),
            Err(Missing(what)) => {
                not_run(test, &format!("{what} is missing: tests/run.sh sets it up"));
                // The row that is there has to do.
                let there = lines.get(begin + 2 + number);
                table.push(there.cloned().unwrap_or_default());
            }
        }
    }
    if std::env::var_os("TOWER_SPNEGO_WRITE").is_some() {
        lines.splice(begin..end, table);
        fs::write(GUIDE, lines.concat()).expect("writes");
    } else {
        let found = lines.get(begin..end).expect("lines").concat();
        assert_eq!(
            found,
            table.concat(),
            "src/guide/clients.md is behind: run this test with TOWER_SPNEGO_WRITE=1"
        );
    }
}
