//! Accept threads must be gone when libkrb5 cleans up at the process's end, or it aborts.

use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tower_spnego::{PrincipalOnly, SpnegoLayer};

use crate::server::Server;
use crate::site::{SPN, Site, realm};

const TOKEN: &str = "TOWER_SPNEGO_RUN_TOKEN";
const KEYTAB: &str = "TOWER_SPNEGO_RUN_KEYTAB";

/// The runs are this same test, which a variable tells that it is one.
#[test]
fn a_hundred_runs_of_start_sign_in_and_stop_end_with_status_0() {
    if let Ok(token) = std::env::var(TOKEN) {
        run(&STANDARD.decode(token).expect("base64"));
    }
    let realm = realm();
    let cache = realm.ticket_cache("alice").expect("a ticket");
    cache.service_ticket(SPN).expect("a ticket");
    let runs = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        // More than there are cores: a thread that outlives its layer then does so at its leisure.
        for _ in 0..16 {
            scope.spawn(|| {
                while runs.fetch_add(1, Ordering::Relaxed) < 100 {
                    let token = cache.token(SPN).expect("a token");
                    let output = Command::new(std::env::current_exe().expect("this program"))
                        .args(["--exact", "--nocapture"])
                        .arg("stopping::a_hundred_runs_of_start_sign_in_and_stop_end_with_status_0")
                        .env(TOKEN, STANDARD.encode(token))
                        .env(KEYTAB, realm.keytab())
                        .output()
                        .expect("runs");
                    assert!(output.status.success(), "{output:?}");
                    let printed = String::from_utf8_lossy(&output.stdout);
                    assert!(printed.contains("signed in as alice"), "{output:?}");
                }
            });
        }
    });
}

fn run(token: &[u8]) -> ! {
    let site = Site::new(
        SpnegoLayer::builder()
            .realm("EXAMPLE.TEST")
            .hostname("localhost")
            .keytab(std::env::var_os(KEYTAB).expect("a keytab"))
            .directory(PrincipalOnly),
    );
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let server = Server::start(site.router.clone()).await;
        server.sign_in(token).await.is_hello("alice");
    });
    println!("signed in as alice");
    drop((runtime, site));
    // As at the end of `main`: the test harness would give the threads time to end.
    std::process::exit(0);
}
