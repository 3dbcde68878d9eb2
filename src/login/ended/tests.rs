use super::*;

#[test]
fn what_a_later_version_says_is_the_strictest() {
    let record = |said: Value| Record {
        id: Id(1),
        data: [(ENDED.to_owned(), said)].into(),
        expiry_date: OffsetDateTime::now_utc(),
    };
    for how in How::ALL {
        assert_eq!(How::of(&record(how.as_str().into())), how);
    }
    for said in ["banned".into(), Value::Null, 1.into()] {
        assert_eq!(How::of(&record(said)), How::SignedOut);
    }
}

#[test]
fn the_mark_outlives_each_login_that_a_request_beside_it_could_have_renewed() {
    let now = SystemTime::now();
    let after = |hours: u64| now + Duration::from_secs(hours * 60 * 60);
    let mut ended = EndedLogins::default();
    for (limit, root_end, until) in [
        (Some(10), Some(3), after(10)),
        (Some(10), Some(12), after(12)),
        (Some(10), None, after(2 + 24)),
        (None, Some(3), after(2 + 24)),
        (None, None, after(2 + 24)),
    ] {
        let limit = limit.map(|hours: u64| Duration::from_secs(hours * 60 * 60));
        ended.of_logins_that_last(limit, Clock::new(move || now));
        let whose = Whose::of(&"alice@LAB".parse().unwrap());
        let root = Root::new(whose, root_end.map(after));
        assert_eq!(ended.until(root, after(2)), until, "{limit:?} {root_end:?}");
    }
}

#[tokio::test]
async fn what_has_no_end_that_can_be_said_is_kept_to_the_last_date() {
    let store = tower_sessions::MemoryStore::default();
    let year_20_000 = SystemTime::UNIX_EPOCH + Duration::from_secs(569_000_000_000);
    write(&store, Id(1), How::SignedOut, year_20_000)
        .await
        .unwrap();
    let mark = store.load(&Id(1)).await.unwrap().unwrap();
    assert_eq!(mark.expiry_date.year(), 9999);
}

/// As two servers write them, whose memories are apart.
#[tokio::test]
async fn in_the_store_the_stricter_of_two_ways_counts() {
    let store = tower_sessions::MemoryStore::default();
    let root = Root::new(Whose::of(&"alice@LAB".parse().unwrap()), None);
    let session_end = OffsetDateTime::now_utc();
    let apart = || {
        let mut ended = EndedLogins::default();
        ended.in_store(store.clone());
        ended.set_apart();
        ended
    };
    for (now, known) in [
        (How::Replaced, How::Replaced),
        (How::Removed, How::Replaced),
        (How::SignedOut, How::SignedOut),
        (How::Removed, How::SignedOut),
    ] {
        apart().end(root, now, session_end).await.unwrap();
        assert_eq!(apart().how(root).await.unwrap(), Some(known), "{now:?}");
    }
}
