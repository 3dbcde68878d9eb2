use super::*;

fn known(entries: impl Iterator<Item = (i128, u64)>, now: SystemTime) -> Known {
    entries
        .map(|(id, seconds)| (Id(id), (How::SignedOut, now + Duration::from_secs(seconds))))
        .collect()
}

#[test]
fn what_is_over_is_forgotten_first_and_then_what_ends_first() {
    let now = SystemTime::now();
    let many = i128::try_from(REMEMBERED).unwrap();
    let of = |id: i128| u64::try_from(id).unwrap();
    // Half of them are over.
    let over = (0..many).map(|id| (id, if id % 2 == 0 { 0 } else { 1 + of(id) }));
    let mut left = known(over, now);
    make_room(&mut left, now);
    assert!(left.keys().all(|id| id.0 % 2 == 1));
    assert!(left.len() <= REMEMBERED / 2, "{}", left.len());

    let mut left = known((0..many).map(|id| (id, 1 + of(id))), now);
    make_room(&mut left, now);
    assert!((1..=REMEMBERED / 2).contains(&left.len()), "{}", left.len());
    assert!(left.contains_key(&Id(many - 1)), "the last to end");
    assert!(!left.contains_key(&Id(0)), "the first to end");
}

#[test]
fn the_stricter_of_two_ways_counts_and_what_a_later_version_says_is_the_strictest() {
    let here = Here(Arc::default());
    let end = SystemTime::now();
    for (how, counts) in [
        (How::Removed, How::Removed),
        (How::SignedOut, How::SignedOut),
        (How::Replaced, How::SignedOut),
    ] {
        here.remember(Id(1), how, end);
        assert_eq!(here.how(Id(1)), Some(counts));
    }
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
        let root = Root::new(root_end.map(after));
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
    let root = Root::new(None);
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
