use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet, yield_now};
use tokio::time::advance;

use super::*;
use crate::kerberos::Pac;
use crate::sid::Sid;
use crate::user::Group;

const LIFE: Duration = Duration::from_secs(300);

/// A directory that answers when and what a test wants, which no real one does.
struct Server {
    asked: AtomicUsize,
    /// What is said of everybody. `None` panics.
    says: Mutex<Option<Result<&'static str, ErrorKind>>>,
    /// A question takes one to be answered.
    answers: Semaphore,
}

#[derive(Clone)]
struct Directories(Arc<Server>);

impl Directory for Directories {
    /// A user in one group.
    async fn find(&self, who: &Initiator) -> Result<User, DirectoryError> {
        // Answered by what it was like when it was asked.
        let says = *self.0.says.lock().unwrap();
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        self.0.answers.acquire().await.unwrap().forget();
        match says.expect("as the test wants it") {
            Ok(group) => Ok(User::builder(who.principal().clone())
                .username(who.unique_name())
                .group(Group::new(group))
                .build()),
            Err(ErrorKind::UserNotFound) => Err(DirectoryError::not_found()),
            Err(ErrorKind::DirectoryUnavailable) => Err(DirectoryError::unavailable()),
            Err(ErrorKind::DirectoryMisconfigured) => Err(DirectoryError::misconfigured()),
            Err(_) => Err(DirectoryError::denied()),
        }
    }

    fn fingerprint(&self) -> Option<String> {
        Some("a server".to_owned())
    }

    fn tells_realms_apart(&self) -> bool {
        false
    }

    fn serves(&self, realm: &str) -> bool {
        realm == "CORP"
    }

    fn knows_group(&self, group: GroupKey<'_>) -> bool {
        matches!(group, GroupKey::Name(_))
    }
}

impl Server {
    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn says(&self, answer: Result<&'static str, ErrorKind>) {
        *self.says.lock().unwrap() = Some(answer);
    }
}

/// A server with this many answers in store, who says that all are in Staff.
fn server(answers: usize) -> (Cached<Directories>, Arc<Server>) {
    let server = Arc::new(Server {
        asked: AtomicUsize::new(0),
        says: Mutex::new(Some(Ok("Staff"))),
        answers: Semaphore::new(answers),
    });
    let directory = Directories(Arc::clone(&server));
    (Cached::new(directory, LIFE), server)
}

fn who(principal: &str) -> Initiator {
    Initiator::new(principal.parse().unwrap())
}

fn alice() -> Initiator {
    who("alice@CORP")
}

fn sid(rid: u32) -> Sid {
    format!("S-1-5-21-1-2-3-{rid}").parse().unwrap()
}

/// The group that they are in.
async fn group(directory: &Cached<Directories>, who: &Initiator) -> Result<String, ErrorKind> {
    let user = directory.find(who).await.map_err(|error| error.kind())?;
    assert_eq!(user.principal(), who.principal());
    assert_eq!(user.username(), who.unique_name());
    let group = user.groups().next().expect("a group");
    Ok(group.name().to_owned())
}

fn ok(group: &str) -> Result<String, ErrorKind> {
    Ok(group.to_owned())
}

/// Asks in a task of its own, until the server has the question.
async fn begin(
    directory: &Cached<Directories>,
    server: &Server,
) -> JoinHandle<Result<String, ErrorKind>> {
    let before = server.asked();
    let directory = directory.clone();
    let task = tokio::spawn(async move { group(&directory, &alice()).await });
    while server.asked() == before {
        yield_now().await;
    }
    task
}

#[tokio::test(start_paused = true)]
async fn a_user_is_looked_up_again_when_the_time_has_ended() {
    let (directory, server) = server(9);
    assert_eq!(group(&directory, &alice()).await, ok("Staff"));
    server.says(Ok("Guests"));
    advance(LIFE - Duration::from_secs(1)).await;
    assert_eq!(group(&directory.clone(), &alice()).await, ok("Staff"));
    assert_eq!(server.asked(), 1);
    advance(Duration::from_secs(1)).await;
    assert_eq!(group(&directory, &alice()).await, ok("Guests"));
    assert_eq!(server.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_as_old_as_its_question() {
    let (directory, server) = server(0);
    let task = begin(&directory, &server).await;
    advance(LIFE).await;
    server.answers.add_permits(2);
    assert_eq!(task.await.unwrap(), ok("Staff"));
    assert_eq!(group(&directory, &alice()).await, ok("Staff"));
    assert_eq!(server.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn nobody_by_a_name_is_remembered_for_a_short_time() {
    let (directory, server) = server(9);
    server.says(Err(ErrorKind::UserNotFound));
    assert_eq!(
        group(&directory, &alice()).await,
        Err(ErrorKind::UserNotFound)
    );
    server.says(Ok("Staff"));
    advance(NOT_FOUND_FOR - Duration::from_secs(1)).await;
    assert_eq!(
        group(&directory, &alice()).await,
        Err(ErrorKind::UserNotFound)
    );
    assert_eq!(server.asked(), 1);
    advance(Duration::from_secs(1)).await;
    assert_eq!(group(&directory, &alice()).await, ok("Staff"));

    // By another time, which is none beyond a user's.
    let directory = directory.not_found_for(LIFE * 2);
    directory.clear();
    server.says(Err(ErrorKind::UserNotFound));
    group(&directory, &alice()).await.unwrap_err();
    advance(LIFE - Duration::from_secs(1)).await;
    group(&directory, &alice()).await.unwrap_err();
    assert_eq!(server.asked(), 3);
    advance(Duration::from_secs(1)).await;
    group(&directory, &alice()).await.unwrap_err();
    assert_eq!(server.asked(), 4);
}

#[tokio::test]
async fn other_refusals_and_outages_are_not_remembered() {
    let (directory, server) = server(9);
    for kind in [
        ErrorKind::UserDenied,
        ErrorKind::DirectoryUnavailable,
        ErrorKind::DirectoryMisconfigured,
    ] {
        let asked = server.asked();
        server.says(Err(kind));
        assert_eq!(group(&directory, &alice()).await, Err(kind));
        server.says(Ok("Staff"));
        assert_eq!(group(&directory, &alice()).await, ok("Staff"));
        assert_eq!(server.asked(), asked + 2);
        directory.clear();
    }
}

#[tokio::test]
async fn nobody_is_answered_by_what_was_said_of_another() {
    let (directory, server) = server(99);
    let group_of = |groups: &[u32]| Pac::of("alice", sid(1103), groups.iter().map(|rid| sid(*rid)));
    let questions = [
        alice(),
        who("alice@LAB"),
        who("ALICE@CORP"),
        who("alice/admin@CORP"),
        // Another layer's mapping.
        alice().mapped_to("alice", "alice@CORP"),
        alice().mapped_to("alice@CORP", "alice"),
        alice().mapped_to("root", "root"),
        // Other PACs.
        Initiator::with_pac(group_of(&[513])),
        Initiator::with_pac(group_of(&[513, 512])),
        Initiator::with_pac(group_of(&[])),
        Initiator::with_pac(Pac::of("alice", sid(1104), [sid(513)])),
        Initiator::with_pac(Pac::of("Alice", sid(1103), [sid(513)])),
    ];
    for round in 1..=2 {
        for (place, question) in questions.iter().enumerate() {
            assert_eq!(group(&directory, question).await, ok("Staff"));
            let asked = match round {
                1 => place + 1,
                _ => questions.len(),
            };
            assert_eq!(server.asked(), asked, "{question:?}");
        }
    }
}

#[tokio::test]
async fn another_ticket_of_the_same_person_asks_the_same() {
    let (directory, server) = server(9);
    let pac = || Pac::of("alice", sid(1103), [sid(513)]);
    let later = SystemTime::now();
    for question in [
        Initiator::with_pac(pac()),
        Initiator::with_pac(pac()).with_ticket_of(later),
        Initiator::with_pac(pac().after_logon_at(later)),
    ] {
        assert_eq!(group(&directory, &question).await, ok("Staff"));
    }
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn a_password_is_asked_about_each_time_and_leaves_nothing_behind() {
    let (directory, server) = server(9);
    let directory = directory.stale_if_unavailable(LIFE);
    let password = || alice().on(Occasion::Password);
    assert_eq!(group(&directory, &password()).await, ok("Staff"));
    assert_eq!(group(&directory, &alice()).await, ok("Staff"));
    assert_eq!(server.asked(), 2);
    // The account was locked since.
    server.says(Err(ErrorKind::UserDenied));
    let denied = Err(ErrorKind::UserDenied);
    assert_eq!(group(&directory, &password()).await, denied);
    assert_eq!(group(&directory, &alice()).await, ok("Staff"));
    server.says(Err(ErrorKind::DirectoryUnavailable));
    let unavailable = Err(ErrorKind::DirectoryUnavailable);
    assert_eq!(group(&directory, &password()).await, unavailable);
}

/// What a recheck says, by the trait's method and by `find` alone.
async fn rechecks(
    directory: &Cached<Directories>,
    who: &Initiator,
) -> [Result<String, ErrorKind>; 2] {
    let who = who.clone().on(Occasion::Recheck);
    let before = User::builder(who.principal().clone()).build();
    let rechecked = directory.recheck(&who, &before).await;
    let name = |user: User| user.groups().next().expect("a group").name().to_owned();
    let rechecked = rechecked.map(name).map_err(|error| error.kind());
    [rechecked, group(directory, &who).await]
}

#[tokio::test]
async fn a_recheck_goes_past_what_is_remembered_and_takes_its_place() {
    let (directory, server) = server(99);
    assert_eq!(group(&directory, &alice()).await, ok("Staff"));
    server.says(Ok("Engineers"));
    let engineers = [ok("Engineers"), ok("Engineers")];
    assert_eq!(rechecks(&directory, &alice()).await, engineers);
    assert_eq!(server.asked(), 3);
    assert_eq!(group(&directory, &alice()).await, ok("Engineers"));
    assert_eq!(server.asked(), 3, "what the recheck has learnt");

    let unavailable = || Err(ErrorKind::DirectoryUnavailable);
    server.says(unavailable());
    let directory = directory.stale_if_unavailable(LIFE);
    let outage = || unavailable().map(str::to_owned);
    assert_eq!(rechecks(&directory, &alice()).await, [outage(), outage()]);
    assert_eq!(group(&directory, &alice()).await, ok("Engineers"));
    assert_eq!(server.asked(), 5, "an outage says nothing of her");
}

#[tokio::test]
async fn whom_a_recheck_refuses_is_not_let_in_by_an_older_answer_to_any_ticket() {
    let denied = || Err(ErrorKind::UserDenied);
    let with_pac = Initiator::with_pac(Pac::of("alice", sid(1103), [sid(513)]));
    for by_find in [false, true] {
        let (directory, server) = server(99);
        for ticket in [alice(), with_pac.clone()] {
            assert_eq!(group(&directory, &ticket).await, ok("Staff"));
        }
        assert_eq!(group(&directory, &who("bob@CORP")).await, ok("Staff"));
        server.says(denied());
        let recheck = alice().on(Occasion::Recheck);
        let before = User::builder(recheck.principal().clone()).build();
        let refused = match by_find {
            true => directory.find(&recheck).await,
            false => directory.recheck(&recheck, &before).await,
        };
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::UserDenied);
        for ticket in [alice(), with_pac.clone()] {
            assert_eq!(
                group(&directory, &ticket).await,
                denied().map(str::to_owned)
            );
        }
        assert_eq!(group(&directory, &who("bob@CORP")).await, ok("Staff"));
    }
}

#[tokio::test]
async fn what_a_recheck_says_answers_no_ticket_with_a_pac() {
    let (directory, server) = server(99);
    let ticket = Initiator::with_pac(Pac::of("alice", sid(1103), [sid(513)]));
    assert_eq!(group(&directory, &ticket).await, ok("Staff"));
    let recheck = ticket.recalled();
    assert_eq!(
        (recheck.sid(), recheck.account()),
        (ticket.sid(), ticket.account())
    );
    assert_eq!(
        rechecks(&directory, &recheck).await,
        [ok("Staff"), ok("Staff")]
    );
    server.says(Ok("Engineers"));
    assert_eq!(group(&directory, &ticket).await, ok("Engineers"));
}

#[tokio::test]
async fn a_hundred_sign_ins_at_once_ask_once() {
    let (directory, server) = server(0);
    let mut sign_ins = JoinSet::new();
    for _ in 0..100 {
        let directory = directory.clone();
        sign_ins.spawn(async move { group(&directory, &alice()).await });
    }
    while server.asked() == 0 {
        yield_now().await;
    }
    server.answers.add_permits(100);
    while let Some(answer) = sign_ins.join_next().await {
        assert_eq!(answer.unwrap(), ok("Staff"));
    }
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn who_asked_first_and_went_away_leaves_the_others_their_answer() {
    let (directory, server) = server(0);
    let first = begin(&directory, &server).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    server.answers.add_permits(1);
    assert_eq!(group(&directory, &alice()).await, ok("Staff"));
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn a_directory_that_panics_is_an_outage_and_is_asked_anew() {
    let (directory, server) = server(9);
    *server.says.lock().unwrap() = None;
    let unavailable = Err(ErrorKind::DirectoryUnavailable);
    assert_eq!(group(&directory, &alice()).await, unavailable);
    server.says(Ok("Staff"));
    assert_eq!(group(&directory, &alice()).await, ok("Staff"));
}

#[test]
fn a_runtime_that_ends_takes_its_questions_along() {
    let (directory, server) = server(9);
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap()
    };
    runtime().block_on(async {
        let alice = alice();
        let mut asking = std::pin::pin!(group(&directory, &alice));
        assert!(futures_util::poll!(asking.as_mut()).is_pending());
    });
    assert_eq!(server.asked(), 0);
    let second = runtime().block_on(group(&directory, &alice()));
    assert_eq!(second, ok("Staff"));
}

#[tokio::test]
async fn one_user_is_forgotten_or_all_are() {
    let (directory, server) = server(99);
    let mapped = alice().mapped_to("alice", "alice@CORP");
    let bob = who("bob@CORP");
    let ask = async || {
        let before = server.asked();
        for who in [&alice(), &mapped, &bob] {
            group(&directory, who).await.unwrap();
        }
        server.asked() - before
    };
    assert_eq!(ask().await, 3);
    assert_eq!(ask().await, 0);
    directory.clone().invalidate(bob.principal());
    assert_eq!(ask().await, 1);
    directory.invalidate(alice().principal());
    assert_eq!(ask().await, 2, "by every name");
    directory.clear();
    assert_eq!(ask().await, 3);
}

#[tokio::test]
async fn an_answer_from_before_the_invalidation_is_not_remembered() {
    let forget: [fn(&Cached<Directories>); 2] = [
        |directory| directory.invalidate(alice().principal()),
        Cached::clear,
    ];
    for forget in forget {
        let (directory, server) = server(0);
        let old = begin(&directory, &server).await;
        server.says(Ok("Guests"));
        forget(&directory);
        // Who comes now is not answered by the question from before.
        let new = begin(&directory, &server).await;
        server.answers.add_permits(1);
        assert_eq!(old.await.unwrap(), ok("Staff"));
        server.answers.add_permits(2);
        assert_eq!(new.await.unwrap(), ok("Guests"));
        assert_eq!(group(&directory, &alice()).await, ok("Guests"));
        assert_eq!(server.asked(), 2);
    }
}

#[tokio::test]
async fn an_older_answer_that_comes_last_does_not_count() {
    let (directory, server) = server(0);
    let old = begin(&directory, &server).await;
    directory.invalidate(alice().principal());
    server.answers.add_permits(1);
    assert_eq!(old.await.unwrap(), ok("Staff"));
    server.says(Ok("Guests"));
    server.answers.add_permits(1);
    assert_eq!(group(&directory, &alice()).await, ok("Guests"));
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_an_outage_unless_stale_answers_are_asked_for() {
    let (directory, server) = server(99);
    let unavailable = Err(ErrorKind::DirectoryUnavailable);
    group(&directory, &alice()).await.unwrap();
    advance(LIFE).await;
    server.says(Err(ErrorKind::DirectoryUnavailable));
    assert_eq!(group(&directory, &alice()).await, unavailable);

    let directory = directory.stale_if_unavailable(LIFE);
    let asked = server.asked();
    assert_eq!(group(&directory, &alice()).await, ok("Staff"));
    assert_eq!(server.asked(), asked + 1, "it might be back");
    assert_eq!(group(&directory, &who("bob@CORP")).await, unavailable);
    server.says(Err(ErrorKind::DirectoryMisconfigured));
    let misconfigured = Err(ErrorKind::DirectoryMisconfigured);
    assert_eq!(group(&directory, &alice()).await, misconfigured);

    server.says(Err(ErrorKind::DirectoryUnavailable));
    advance(LIFE - Duration::from_secs(1)).await;
    assert_eq!(group(&directory, &alice()).await, ok("Staff"));
    advance(Duration::from_secs(1)).await;
    assert_eq!(group(&directory, &alice()).await, unavailable);
}

#[tokio::test(start_paused = true)]
async fn who_was_refused_or_forgotten_since_is_not_let_in_by_an_outage() {
    let (directory, server) = server(99);
    let directory = directory.stale_if_unavailable(LIFE * 10);
    for kind in [
        Some(ErrorKind::UserDenied),
        Some(ErrorKind::UserNotFound),
        None,
    ] {
        server.says(Ok("Staff"));
        assert_eq!(group(&directory, &alice()).await, ok("Staff"));
        advance(LIFE).await;
        match kind {
            Some(kind) => {
                server.says(Err(kind));
                assert_eq!(group(&directory, &alice()).await, Err(kind));
            }
            None => directory.invalidate(alice().principal()),
        }
        advance(LIFE).await;
        server.says(Err(ErrorKind::DirectoryUnavailable));
        let unavailable = Err(ErrorKind::DirectoryUnavailable);
        assert_eq!(group(&directory, &alice()).await, unavailable, "{kind:?}");
    }
}

#[tokio::test]
async fn no_more_people_are_remembered_than_said() {
    let people = async |capacity, people| {
        let (directory, server) = server(10_000);
        let directory = directory.capacity(capacity);
        for _ in 0..2 {
            for number in 0..people {
                let who = who(&format!("person-{number}@CORP"));
                group(&directory, &who).await.unwrap();
            }
        }
        2 * people - server.asked()
    };
    assert_eq!(people(1_000, 100).await, 100);
    assert!(people(100, 1_000).await <= 100);
    assert!(people(0, 10).await <= 1);
}

#[tokio::test]
async fn no_time_at_all_remembers_nobody() {
    let (_, server) = server(9);
    let directory = Cached::new(Directories(Arc::clone(&server)), Duration::ZERO);
    server.says(Err(ErrorKind::UserNotFound));
    group(&directory, &alice()).await.unwrap_err();
    server.says(Ok("Staff"));
    assert_eq!(group(&directory, &alice()).await, ok("Staff"));
    assert_eq!(group(&directory, &alice()).await, ok("Staff"));
    assert_eq!(server.asked(), 3);
}

#[test]
fn to_a_layer_it_is_the_directory_within() {
    let (directory, _) = server(0);
    assert_eq!(directory.fingerprint().as_deref(), Some("a server"));
    assert!(!directory.tells_realms_apart());
    assert!(directory.serves("CORP") && !directory.serves("LAB"));
    assert!(directory.knows_group(GroupKey::Name("Staff")));
    assert!(!directory.knows_group(GroupKey::Dn("cn=Staff,dc=example")));
}
