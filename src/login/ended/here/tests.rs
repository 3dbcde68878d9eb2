use std::time::Duration;

use super::*;

fn whose(name: &str) -> Whose {
    Whose::of(&format!("{name}@LAB").parse().unwrap())
}

fn login(whose: Whose, end: SystemTime) -> Ended {
    Ended {
        how: How::SignedOut,
        end,
        whose,
        is_login: true,
    }
}

fn session(whose: Whose, end: SystemTime) -> Ended {
    Ended {
        is_login: false,
        ..login(whose, end)
    }
}

/// How many ids there are in a full house.
fn many() -> i128 {
    i128::try_from(REMEMBERED).unwrap()
}

fn seconds(id: i128) -> Duration {
    Duration::from_secs(u64::try_from(id).unwrap())
}

#[test]
fn what_is_over_is_forgotten_first_and_then_what_ends_first() {
    let (now, alice) = (SystemTime::now(), whose("alice"));
    // Half of them are over.
    let mut left: Known = (0..many())
        .map(|id| {
            (
                Id(id),
                if id % 2 == 0 {
                    now
                } else {
                    now + seconds(1 + id)
                },
            )
        })
        .map(|(id, end)| (id, login(alice, end)))
        .collect();
    make_room(&mut left, now);
    assert!(left.keys().all(|id| id.0 % 2 == 1));
    assert_eq!(left.len(), KEPT);

    let mut left: Known = (0..many())
        .map(|id| (Id(id), login(alice, now + seconds(1 + id))))
        .collect();
    make_room(&mut left, now);
    assert_eq!(left.len(), KEPT);
    assert!(left.keys().all(|id| id.0 >= many() / 2), "the last to end");
}

#[test]
fn however_often_one_person_signs_out_what_others_have_ended_is_remembered() {
    let (now, here) = (SystemTime::now(), Here::apart());
    let (alice, bob, mallory) = (whose("alice"), whose("bob"), whose("mallory"));
    // Theirs end before all that comes after.
    here.remember(Id(-1), login(alice, now + seconds(60)));
    here.remember(Id(-2), session(bob, now + seconds(60)));
    for id in 0..2 * many() {
        let signed_out = match id % 3 {
            0 => login(mallory, now + seconds(36_000)),
            _ => session(mallory, now + seconds(1_000_000)),
        };
        here.remember(Id(id), signed_out);
    }
    assert_eq!(here.how(Id(-1)), Some(How::SignedOut));
    assert_eq!(here.how(Id(-2)), Some(How::SignedOut));
    let known = here.0.read().unwrap();
    assert!(
        (KEPT..=REMEMBERED).contains(&known.len()),
        "{}",
        known.len()
    );
}

#[test]
fn sessions_do_not_crowd_out_logins_of_the_same_person() {
    let (now, alice) = (SystemTime::now(), whose("alice"));
    let mut left: Known = (0..many())
        .map(|id| match id < many() / 4 {
            true => (Id(id), login(alice, now + seconds(36_000))),
            false => (Id(id), session(alice, now + seconds(1_000_000))),
        })
        .collect();
    make_room(&mut left, now);
    assert!((0..many() / 4).all(|id| left.contains_key(&Id(id))));
    assert_eq!(left.len(), KEPT);
}

#[test]
fn with_more_people_than_there_is_room_for_each_loses_the_same() {
    let now = SystemTime::now();
    let mut left: Known = (0..many())
        .map(|id| (Id(id), login(Whose(id as u64), now + seconds(1 + id))))
        .collect();
    make_room(&mut left, now);
    assert_eq!(left.len(), KEPT);
    assert!(left.keys().all(|id| id.0 >= many() / 2), "the last to end");
}

#[test]
fn the_stricter_of_two_ways_counts_and_the_later_end() {
    let (here, now) = (Here::apart(), SystemTime::now());
    for (how, counts) in [
        (How::Removed, How::Removed),
        (How::SignedOut, How::SignedOut),
        (How::Replaced, How::SignedOut),
    ] {
        let ended = Ended {
            how,
            ..login(whose("alice"), now)
        };
        here.remember(Id(1), ended);
        assert_eq!(here.how(Id(1)), Some(counts));
    }
    here.remember(Id(1), login(whose("alice"), now + seconds(9)));
    here.remember(Id(1), login(whose("alice"), now));
    assert_eq!(here.0.read().unwrap()[&Id(1)].end, now + seconds(9));
}
