//! What the examples have in common, and an application has not: a throw-away realm, and curl, which
//! opens their pages.
//!
//! ```text
//! cargo run --features testing --example basic            serves until Ctrl-C
//! cargo run --features testing --example basic -- --once  ends when curl has opened the pages
//! ```
// Each example uses a part of it.
#![allow(dead_code)]

use std::ops::Deref;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use axum::Router;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tower_spnego::SpnegoConnection;
use tower_spnego::testing::{TestRealm, TicketCache};

/// What went wrong, for a person to read.
pub(crate) type Failure = Box<dyn std::error::Error>;

const PASSWORD: &str = "looking-glass";

/// Set for this program itself: the folder of its krb5.conf.
const FOLDER: &str = "TOWER_SPNEGO_EXAMPLE";

/// A realm with alice and bob, whose KDC this process's krb5.conf names.
pub(crate) struct Realm {
    realm: TestRealm,
    folder: PathBuf,
}

/// Starts a realm, and this program anew: which krb5.conf it reads is settled when it starts.
pub(crate) fn realm() -> Result<Realm, Failure> {
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else {
        let folder = tempfile::tempdir()?.keep();
        let mut program = Command::new(env::current_exe()?);
        program.args(env::args_os().skip(1)).env(FOLDER, &folder);
        program.env("KRB5_CONFIG", folder.join("krb5.conf"));
        // It only comes back where it fails.
        return Err(program.exec().into());
    };
    tracing_subscriber::fmt()
        .with_env_filter("tower_spnego=info")
        .with_writer(std::io::stderr)
        .init();
    let realm = TestRealm::start()?;
    fs::copy(realm.krb5_conf(), folder.join("krb5.conf"))?;
    for person in ["alice", "bob"] {
        realm.set_password(person, PASSWORD)?;
    }
    Ok(Realm { realm, folder })
}

impl Realm {
    fn ticket_of(&self, person: &str) -> std::io::Result<TicketCache> {
        self.realm.ticket(person).password(PASSWORD).get()
    }
}

impl Deref for Realm {
    type Target = TestRealm;

    fn deref(&self) -> &TestRealm {
        &self.realm
    }
}

impl Drop for Realm {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// What somebody who opens a page should get.
pub(crate) struct Try {
    who: Who,
    path: &'static str,
    status: &'static str,
    words: &'static str,
}

enum Who {
    Nobody,
    Ticket(&'static str),
    /// The one that the person's ticket has brought.
    Cookie(&'static str),
    Password(&'static str),
}

pub(crate) fn nobody(path: &'static str) -> Try {
    Try::by(Who::Nobody, path)
}

pub(crate) fn ticket(person: &'static str, path: &'static str) -> Try {
    Try::by(Who::Ticket(person), path)
}

pub(crate) fn cookie(person: &'static str, path: &'static str) -> Try {
    Try::by(Who::Cookie(person), path)
}

pub(crate) fn password(person: &'static str, path: &'static str) -> Try {
    Try::by(Who::Password(person), path)
}

impl Try {
    fn by(who: Who, path: &'static str) -> Self {
        Self {
            who,
            path,
            status: "200",
            words: "",
        }
    }

    pub(crate) fn gets(mut self, status: &'static str, words: &'static str) -> Self {
        (self.status, self.words) = (status, words);
        self
    }

    fn check(&self, url: &str, realm: &Realm) -> Result<(), Failure> {
        let (person, how) = match self.who {
            Who::Nobody => ("nobody", "has no ticket"),
            Who::Ticket(person) => (person, "has a ticket"),
            Who::Cookie(person) => (person, "has the cookie"),
            Who::Password(person) => (person, "has a password"),
        };
        let jar = realm.folder.join(format!("{person}.cookies"));
        let mut curl = match self.who {
            Who::Ticket(person) => realm.ticket_of(person)?.command("curl"),
            _ => realm.command("curl"),
        };
        // Neither a ~/.curlrc nor a proxy comes between.
        curl.args(["--disable", "--noproxy", "*", "--silent", "--show-error"])
            .args(["--max-time", "60", "--write-out", "\n%{http_code}"]);
        match self.who {
            Who::Nobody => &mut curl,
            Who::Ticket(_) => curl
                .args(["--negotiate", "--user", ":", "--cookie-jar"])
                .arg(jar),
            Who::Cookie(_) => curl.arg("--cookie").arg(jar),
            Who::Password(_) => curl.args(["--user", &format!("{person}:{PASSWORD}")]),
        };
        let output = curl.arg(format!("{url}{}", self.path)).output()?;
        let answer = String::from_utf8_lossy(&output.stdout);
        let (page, status) = answer.rsplit_once('\n').unwrap_or(("", &answer));
        let first_line = page.lines().next().unwrap_or_default();
        let first_line: String = first_line.chars().take(60).collect();
        println!(
            "  {person:<6} {how:<14} {:<10} {status}  {first_line}",
            self.path
        );
        if status == self.status && page.contains(self.words) {
            return Ok(());
        }
        let curl = String::from_utf8_lossy(&output.stderr);
        Err(format!(
            "{} with {:?} should have come. {curl}",
            self.status, self.words
        )
        .into())
    }
}

/// Serves the application, opens its pages by curl, and says how to open them in another terminal.
pub(crate) fn serve(app: Router, realm: &Realm, tries: &[Try]) -> Result<(), Failure> {
    let runtime = Runtime::new()?;
    let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0)))?;
    // By this name, and no number: the ticket is for HTTP/localhost.
    let url = format!("http://localhost:{}", listener.local_addr()?.port());
    runtime.spawn(async {
        let app = app.into_make_service_with_connect_info::<SpnegoConnection>();
        axum::serve(listener, app).await
    });
    println!("curl opens {url}");
    for attempt in tries {
        attempt.check(&url, realm)?;
    }
    if env::args().any(|argument| argument == "--once") {
        return Ok(());
    }
    let alice = realm.ticket_of("alice")?;
    println!(
        "\nIn another terminal, as alice (her password is {PASSWORD}, and so is bob's):
  export KRB5_CONFIG={} KRB5CCNAME={}
  curl --negotiate --user : {url}/\n\nCtrl-C ends it, and removes all of it.",
        realm.krb5_conf().display(),
        alice.path().display(),
    );
    Ok(runtime.block_on(tokio::signal::ctrl_c())?)
}
