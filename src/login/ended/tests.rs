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
