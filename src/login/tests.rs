use tower_sessions::MemoryStore;

use super::*;

fn logins(realms: &[&str]) -> Logins {
    let realms = realms.iter().copied().map(str::to_owned).collect();
    Logins::new(
        Policy::default(),
        AllowedRealms::new(realms).unwrap(),
        false,
        "the same".into(),
        Clock::default(),
    )
}

#[tokio::test]
async fn a_login_counts_only_while_its_realm_is_allowed() {
    let session = RequestSession(Session::new(None, Arc::new(MemoryStore::default()), None));
    let alice = User::builder("alice@LAB".parse().unwrap()).build();
    let made = logins(&["CORP", "LAB"]);
    let sign_in = made.sign_in(alice, None, None, &session).await.unwrap();
    sign_in.write(&session).await.unwrap();
    // The fingerprint would tell them apart; this is the check behind it.
    let read = logins(&["CORP"]).read(&session).await.unwrap();
    assert!(read.is_none());
    let read = logins(&["LAB"]).read(&session).await.unwrap();
    assert_eq!(read.unwrap().user().username(), "alice");
}

#[test]
fn a_login_ends_at_the_limit_or_the_tickets_end() {
    let now = SystemTime::now();
    let after = |minutes: u64| now.checked_add(Duration::from_secs(minutes * 60));
    let policy = |limit: Option<u64>, outlive_ticket| Policy {
        limit: limit.map(|minutes| Duration::from_secs(minutes * 60)),
        outlive_ticket,
    };
    for (policy, ticket_end, expires) in [
        (Policy::default(), None, after(600)),
        (Policy::default(), after(5), after(5)),
        (Policy::default(), after(700), after(600)),
        (policy(Some(600), true), after(5), after(600)),
        (policy(None, false), after(5), None),
        (policy(Some(u64::MAX / 60), false), after(5), after(5)),
        (policy(Some(u64::MAX / 60), false), None, None),
    ] {
        let computed = policy.expires(now, ticket_end);
        assert_eq!(computed, expires, "{policy:?}, {ticket_end:?}");
    }
}

#[test]
fn a_fingerprint_tells_where_a_part_ends() {
    let of = |parts: &[&str]| fingerprint(parts.iter().copied());
    assert_eq!(of(&["a", "b"]), of(&["a", "b"]));
    assert_ne!(of(&["a", "b"]), of(&["ab"]));
    assert_ne!(of(&["a", "b"]), of(&["ab", ""]));
}
