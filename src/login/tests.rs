use tower_sessions::{MemoryStore, Session};

use super::*;
use crate::clock::Clock;
use crate::initiator::Kept;
use crate::principal::AllowedRealms;

fn logins(realms: &[&str]) -> Logins {
    let realms = realms.iter().copied().map(str::to_owned).collect();
    Logins::new(
        Policy::default(),
        AllowedRealms::new(realms).unwrap(),
        false,
        "the same".into(),
        EndedLogins::default(),
        Arc::default(),
        Clock::default(),
    )
}

#[tokio::test]
async fn a_login_counts_only_while_its_realm_is_allowed() {
    let session = RequestSession::new(Session::new(None, Arc::new(MemoryStore::default()), None));
    let alice = User::builder("alice@LAB".parse().unwrap()).build();
    let made = logins(&["CORP", "LAB"]);
    let sign_in = made
        .sign_in(alice, Kept::default(), Ends::default(), None, &session)
        .await
        .unwrap();
    sign_in.write().await.unwrap();
    // The fingerprint would tell them apart; this is the check behind it.
    let read = logins(&["CORP"]).read(&session).await.unwrap();
    assert!(read.is_none());
    let read = logins(&["LAB"]).read(&session).await.unwrap();
    assert_eq!(read.unwrap().user().username(), "alice");
}

#[tokio::test]
async fn what_is_hashed_of_a_head_tells_logins_apart() {
    let session = RequestSession::new(Session::new(None, Arc::new(MemoryStore::default()), None));
    let alice = User::builder("alice@LAB".parse().unwrap()).build();
    let sign_in = logins(&["LAB"])
        .sign_in(alice, Kept::default(), Ends::default(), None, &session)
        .await
        .unwrap();
    sign_in.write().await.unwrap();
    let head: String = session.inner.get(HEAD).await.unwrap().unwrap();
    let id = record::Head::read(&head).unwrap().id;
    let hashed = &head[..remembered::HASHED];
    assert!(hashed.contains(id), "{head}");
    let read = record::Head::read(&head).unwrap();
    let checked = read.rechecked(SystemTime::UNIX_EPOCH).unwrap();
    assert_ne!(checked[..remembered::HASHED], *hashed, "{head}");
}

#[test]
fn a_fingerprint_tells_where_a_part_ends() {
    let of = |parts: &[&str]| fingerprint(parts.iter().copied());
    assert_eq!(of(&["a", "b"]), of(&["a", "b"]));
    assert_ne!(of(&["a", "b"]), of(&["ab"]));
    assert_ne!(of(&["a", "b"]), of(&["ab", ""]));
}
