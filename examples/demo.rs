//! A person with a Kerberos ticket opens a page and is greeted by name.
//!
//! `examples/demo.sh` runs this after it has installed the programs it needs: a KDC and an LDAP
//! server in temporary folders, and the site of `demo/site.rs` behind a `SpnegoLayer`.
//!
//! ```text
//! cargo run --all-features --example demo               serves until Ctrl-C
//! cargo run --all-features --example demo -- --once     ends after the first sign-in
//! cargo run --all-features --example demo -- --pictures writes demo.png and demo-401.png anew
//! ```
//!
//! The pictures need Chromium, and for their look the font Inter (Debian's package fonts-inter).

use std::path::Path;
use std::process::ExitCode;

use axum::Router;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tower_spnego::testing::{Chromium, TestLdap, TestRealm, TicketCache};
use tracing_subscriber::EnvFilter;

#[path = "demo/page.rs"]
mod page;
#[path = "demo/sign_in.rs"]
mod sign_in;
#[path = "demo/site.rs"]
mod site;
#[path = "demo/ways_in.rs"]
mod ways_in;

/// What went wrong, for a person to read.
type Failure = Box<dyn std::error::Error>;

enum Then {
    Serve,
    End,
    TakePictures,
}

fn main() -> ExitCode {
    let then = match std::env::args().nth(1).as_deref() {
        None => Then::Serve,
        Some("--once") => Then::End,
        Some("--pictures") => Then::TakePictures,
        Some(other) => {
            eprintln!("Unknown option: {other}. There are --once and --pictures.");
            return ExitCode::from(2);
        }
    };
    match run(then) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("The demo failed. {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Whatever it starts ends with it. A watchdog sees to that where a signal ends this process.
fn run(then: Then) -> Result<(), Failure> {
    log_to_stderr();
    let realm = TestRealm::start().map_err(|error| format!("The KDC did not start: {error}"))?;
    let ldap =
        TestLdap::start().map_err(|error| format!("The LDAP server did not start: {error}"))?;
    let alice = get_ticket(&realm, "alice")?;
    let bob = get_ticket(&realm, "bob")?;

    let runtime = Runtime::new()?;
    let url = runtime.block_on(serve(site::router(&realm, &ldap)?))?;
    sign_in::check(&url, &alice)?;

    match then {
        Then::TakePictures => take_pictures(&url, &alice)?,
        Then::End => {
            ways_in::print(&url, &realm, &alice, &bob)?;
            println!("\nIt ends here; without --once it would serve on.");
        }
        Then::Serve => {
            ways_in::print(&url, &realm, &alice, &bob)?;
            println!("\nCtrl-C ends the demo and removes all of it.");
            runtime.block_on(tokio::signal::ctrl_c())?;
        }
    }
    Ok(())
}

fn log_to_stderr() {
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("tower_spnego=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}

fn get_ticket(realm: &TestRealm, person: &str) -> Result<TicketCache, Failure> {
    let ticket = realm.ticket_cache(person);
    Ok(ticket.map_err(|error| format!("The KDC gave {person} no ticket: {error}"))?)
}

/// Serves on a free port, and returns the address of the first page.
async fn serve(router: Router) -> Result<String, Failure> {
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .map_err(|error| format!("There is no port to listen on: {error}"))?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            eprintln!("The server ended: {error}");
        }
    });
    // By this name, and no number: the ticket is for HTTP/localhost.
    Ok(format!("http://localhost:{port}/"))
}

fn take_pictures(url: &str, alice: &TicketCache) -> Result<(), Failure> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    for (cache, name, height) in [(Some(alice), "demo.png", 700), (None, "demo-401.png", 800)] {
        let picture = folder.join(name);
        Chromium::new(cache)?.screenshot(url, &picture, (1200, height))?;
        println!("{}", picture.display());
    }
    Ok(())
}
