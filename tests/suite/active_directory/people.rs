//! A domain that tests share which change nothing in it, and its people's tickets by every name that
//! the KDC knows them by.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use axum::Router;
use axum::routing::get;
use tower_sessions::Session;
use tower_spnego::testing::{
    TestActiveDirectory, TicketCache, TicketRequest, active_directory_or_skip,
};
use tower_spnego::{Login, User};

use crate::site::SPN;

pub const COMPUTERS_PASSWORD: &str = "Its own 1";
pub const MALLORYS_PASSWORD: &str = "His own 1";
pub const ROOTS_PASSWORD: &str = "Roots own 1";

/// Alice and the computer `carol$`. And mallory, whose UPN was `root@AD.EXAMPLE.TEST` when he got his
/// tickets, and root, whose account is younger than these.
pub struct Domain {
    pub ad: TestActiveDirectory,
    pub tickets: Vec<Ticket>,
    /// Of the same accounts, and of mallory as `root`.
    pub without_pac: Vec<Ticket>,
    sids: BTreeMap<&'static str, String>,
}

/// A cache with a ticket for the site.
pub struct Ticket {
    pub cache: TicketCache,
    /// The client's name in it, without the realm.
    pub name: &'static str,
    /// Whose password got it.
    pub holder: Holder,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    Person(Person),
    Computer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    pub account: &'static str,
}

const ALICE: Holder = Holder::Person(Person { account: "alice" });
const MALLORY: Holder = Holder::Person(Person { account: "mallory" });
const ROOT: Holder = Holder::Person(Person { account: "root" });

impl Ticket {
    fn get(request: &TicketRequest, name: &'static str, holder: Holder) -> Self {
        let cache = request.get().expect("a ticket for the KDC");
        cache.service_ticket(SPN).expect("a ticket for the site");
        let tickets = cache.command("klist").output().expect("klist");
        let tickets = String::from_utf8(tickets.stdout).expect("text");
        let client = format!("Default principal: {name}@AD.EXAMPLE.TEST\n");
        assert!(tickets.contains(&client), "{tickets}");
        Self {
            cache,
            name,
            holder,
        }
    }

    pub fn token(&self) -> Vec<u8> {
        self.cache.token(SPN).expect("a token")
    }

    /// The ticket and its holder, for a test that fails.
    pub fn describe(&self) -> String {
        format!("a ticket of {} by {:?}", self.name, self.holder)
    }
}

/// The domain, which ends with the last test that has it; none where none can start.
pub fn domain(test: &str) -> Option<Arc<Domain>> {
    static SHARED: Mutex<Weak<Domain>> = Mutex::new(Weak::new());
    if !active_directory_or_skip(test) {
        return None;
    }
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    Some(shared.upgrade().unwrap_or_else(|| {
        let domain = Arc::new(Domain::start());
        *shared = Arc::downgrade(&domain);
        domain
    }))
}

impl Domain {
    fn start() -> Self {
        let ad = TestActiveDirectory::start().expect("a domain");
        ad.add_computer("carol", COMPUTERS_PASSWORD).expect("added");
        ad.add_user("mallory", MALLORYS_PASSWORD).expect("added");
        let upn = "root@AD.EXAMPLE.TEST";
        ad.set_upn("mallory", upn).expect("set");
        let alice = |name| ad.ticket(name);
        let carol = |name| ad.ticket(name).password(COMPUTERS_PASSWORD);
        let mallory = |name| ad.ticket(name).password(MALLORYS_PASSWORD);
        let root = |name| ad.ticket(name).password(ROOTS_PASSWORD);
        let mut tickets: Vec<_> = [
            (alice("alice"), "alice", ALICE),
            (alice("ALICE"), "ALICE", ALICE),
            (alice("ALICE").canonicalize(), "alice", ALICE),
            (
                alice("alice@EXAMPLE").enterprise(),
                r"alice\@EXAMPLE",
                ALICE,
            ),
            (
                alice("Alice@ad.example.test").enterprise(),
                r"Alice\@ad.example.test",
                ALICE,
            ),
            (
                alice("alice@EXAMPLE").enterprise().canonicalize(),
                "alice",
                ALICE,
            ),
            (mallory("mallory"), "mallory", MALLORY),
            (mallory("root"), "root", MALLORY),
            (mallory("ROOT"), "ROOT", MALLORY),
            (mallory("root").canonicalize(), "mallory", MALLORY),
            (mallory(upn).enterprise(), r"root\@AD.EXAMPLE.TEST", MALLORY),
            (mallory(upn).enterprise().canonicalize(), "mallory", MALLORY),
            (carol("carol"), "carol", Holder::Computer),
            (carol("CAROL"), "CAROL", Holder::Computer),
            (carol("carol$"), "carol$", Holder::Computer),
            (carol("carol").canonicalize(), "carol$", Holder::Computer),
            (
                carol("carol@EXAMPLE").enterprise(),
                r"carol\@EXAMPLE",
                Holder::Computer,
            ),
        ]
        .into_iter()
        .map(|(request, name, holder)| Ticket::get(&request, name, holder))
        .collect();
        let without_pac = [
            (alice("alice"), "alice", ALICE),
            (alice("ALICE"), "ALICE", ALICE),
            (mallory("root"), "root", MALLORY),
            (mallory(upn).enterprise(), r"root\@AD.EXAMPLE.TEST", MALLORY),
            (carol("carol"), "carol", Holder::Computer),
        ]
        .into_iter()
        .map(|(request, name, holder)| Ticket::get(&request.without_pac(), name, holder))
        .collect();
        ad.set_upn("mallory", "mallory@ad.example.test")
            .expect("set");
        ad.add_user("root", ROOTS_PASSWORD).expect("added");
        tickets.push(Ticket::get(&root("root"), "root", ROOT));
        let sids = ["alice", "mallory", "root"].map(|account| {
            let sid = ad.sid(account).expect("a SID");
            (account, sid)
        });
        Self {
            ad,
            tickets,
            without_pac,
            sids: sids.into(),
        }
    }

    pub fn sid(&self, person: Person) -> &str {
        &self.sids[person.account]
    }

    /// The ticket with a PAC that this account got by this name.
    pub fn ticket(&self, account: &'static str, name: &str) -> &Ticket {
        let holder = Holder::Person(Person { account });
        let mut found = self.tickets.iter();
        let found = found.find(|ticket| ticket.holder == holder && ticket.name == name);
        found.expect("a ticket")
    }
}

/// Who the handler hears of, and how often it was called in one session before.
pub fn identity() -> Router {
    let identity = async |user: User, login: Login, session: Session| {
        let visits: u32 = session.get("visits").await.expect("reads").unwrap_or(0);
        session.insert("visits", visits + 1).await.expect("inserts");
        assert_eq!(user, *login.user());
        format!(
            "{} {} {} {} {visits}",
            user.username(),
            user.id(),
            user.principal(),
            login.principal(),
        )
    };
    Router::new().route("/", get(identity))
}
