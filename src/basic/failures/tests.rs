use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

const WINDOW: Duration = Duration::from_secs(1800);
const WRONG: Option<ErrorKind> = Some(ErrorKind::WrongPassword);

fn failures(limit: usize) -> (Failures, Arc<AtomicU64>) {
    let seconds = Arc::<AtomicU64>::default();
    let clock = Clock::new({
        let seconds = Arc::clone(&seconds);
        move || SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.load(Ordering::SeqCst))
    });
    (Failures::new(limit, 2, WINDOW, 3, 5, clock), seconds)
}

fn account(name: &str) -> Principal {
    format!("{name}@CORP").parse().unwrap()
}

/// All accounts exist but nobody's.
async fn guess(failures: &Failures, name: &str, outcome: Option<ErrorKind>) -> bool {
    match failures.of_account(&account(name)).await {
        Ok(attempt) => {
            if outcome == WRONG && !name.starts_with("nobody") {
                attempt.exists();
            }
            attempt.settle(outcome);
            true
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::TooManyFailures);
            false
        }
    }
}

fn knock(failures: &Failures, address: &str, outcome: Option<ErrorKind>) -> bool {
    let attempt = failures.of_peer(address.parse().unwrap());
    attempt.map(|attempt| attempt.settle(outcome)).is_ok()
}

#[tokio::test]
async fn an_account_has_so_many_wrong_passwords_in_the_window() {
    let (failures, clock) = failures(2);
    assert!(guess(&failures, "alice", WRONG).await);
    clock.store(60, Ordering::SeqCst);
    assert!(guess(&failures, "alice", WRONG).await);
    assert!(!guess(&failures, "alice", WRONG).await);
    assert!(guess(&failures, "bob", WRONG).await, "another account");
    clock.store(1799, Ordering::SeqCst);
    assert!(!guess(&failures, "alice", WRONG).await);
    clock.store(1800, Ordering::SeqCst);
    assert!(guess(&failures, "alice", WRONG).await, "the first is old");
    assert!(!guess(&failures, "alice", WRONG).await, "the second is not");
}

#[tokio::test]
async fn a_right_password_clears_the_account_and_what_says_nothing_counts_nothing() {
    let (failures, _) = failures(2);
    assert!(guess(&failures, "alice", WRONG).await);
    for unsaid in [ErrorKind::KdcUnavailable, ErrorKind::AccountLocked] {
        assert!(guess(&failures, "alice", Some(unsaid)).await);
    }
    assert!(guess(&failures, "alice", None).await);
    assert!(guess(&failures, "alice", WRONG).await);
    assert!(guess(&failures, "alice", WRONG).await);
    assert!(!guess(&failures, "alice", None).await);
}

#[tokio::test]
async fn an_account_has_one_check_at_a_time() {
    let (failures, _) = failures(4);
    let [alice, bob] = ["alice", "bob"].map(account);
    let first = failures.of_account(&alice).await;
    let mut second = std::pin::pin!(failures.of_account(&alice));
    tokio::select! {
        biased;
        _ = &mut second => panic!("two at once"),
        _ = failures.of_account(&bob) => {}
    }
    drop(first);
    assert!(second.await.is_ok());
}

#[tokio::test]
async fn an_address_has_more_and_a_right_password_forgives_it_nothing() {
    let (failures, clock) = failures(2);
    for _ in 0..3 {
        assert!(knock(&failures, "192.0.2.1", WRONG));
        assert!(knock(&failures, "192.0.2.1", None));
    }
    assert!(knock(&failures, "192.0.2.1", WRONG));
    assert!(!knock(&failures, "192.0.2.1", None));
    assert!(!knock(&failures, "::ffff:192.0.2.1", None));
    assert!(knock(&failures, "192.0.2.2", None));
    clock.store(1800, Ordering::SeqCst);
    assert!(knock(&failures, "192.0.2.1", None));
}

#[tokio::test]
async fn what_an_address_has_under_way_counts_and_has_few_places() {
    let (failures, _) = failures(2);
    let address: IpAddr = "192.0.2.1".parse().unwrap();
    let mut under_way: Vec<_> = (0..4).map(|_| failures.of_peer(address).unwrap()).collect();
    let busy = failures.of_peer(address).err().map(|error| error.kind());
    assert_eq!(busy, Some(ErrorKind::Busy));
    let entered = |attempt: Attempt<u128>| tokio::time::timeout(Duration::ZERO, attempt.enter());
    let mut inside = Vec::new();
    for _ in 0..3 {
        inside.push(entered(under_way.pop().unwrap()).await.expect("a place"));
    }
    assert!(
        entered(under_way.pop().unwrap()).await.is_err(),
        "no fourth"
    );
    drop(inside);
    assert!(failures.of_peer(address).is_ok());
}

#[tokio::test]
async fn a_name_in_another_case_is_no_other_account() {
    let (failures, _) = failures(2);
    for [one, other, third] in [
        ["alice", "Alice", "aLICE"],
        ["JÖRG", "Jörg", "jörg"],
        ["νίκος", "ΝΊΚΟΣ", "νίκοσ"],
    ] {
        assert!(guess(&failures, one, WRONG).await);
        assert!(guess(&failures, other, WRONG).await);
        assert!(!guess(&failures, third, None).await, "{third}");
    }
}

#[tokio::test]
async fn an_account_has_few_in_line_and_gives_up_what_it_had() {
    let (failures, _) = failures(4);
    let alice = account("alice");
    for _ in 0..2 {
        let mut line: Vec<_> = (0..5)
            .map(|_| Box::pin(failures.of_account(&alice)))
            .collect();
        let first = line.pop().unwrap().await;
        for waiting in &mut line {
            assert!(futures_util::poll!(waiting).is_pending());
        }
        let busy = failures.of_account(&alice).await.err();
        assert_eq!(busy.map(|error| error.kind()), Some(ErrorKind::Busy));
        assert!(guess(&failures, "bob", None).await);
        drop((first, line));
    }
}

#[tokio::test]
async fn names_that_nobody_has_push_no_account_out_of_the_memory() {
    for often in 1..4 {
        let (failures, _) = failures(4);
        for _ in 0..4 {
            assert!(guess(&failures, "alice", WRONG).await);
        }
        for number in 0..2 * REMEMBERED {
            for _ in 0..often {
                guess(&failures, &format!("nobody{number}"), WRONG).await;
            }
        }
        assert!(!guess(&failures, "alice", None).await, "{often}");
        assert!(failures.accounts.records.len() <= REMEMBERED + 100);
    }
}

#[tokio::test]
async fn accounts_that_exist_are_remembered_as_long_as_their_failures_count() {
    let (failures, clock) = failures(1);
    let everybody = REMEMBERED + 2000;
    for number in 0..everybody {
        assert!(guess(&failures, &format!("user{number}"), WRONG).await);
    }
    for number in 0..everybody {
        assert!(!guess(&failures, &format!("user{number}"), WRONG).await);
    }
    clock.store(1800, Ordering::SeqCst);
    for number in 0..1000 {
        guess(&failures, &format!("nobody{number}"), WRONG).await;
    }
    assert!(failures.accounts.records.len() <= REMEMBERED + 100);
}

#[tokio::test]
async fn nobody_is_forgotten_while_their_password_is_checked() {
    let (failures, _) = failures(1);
    let alice = account("alice");
    let first = failures.of_account(&alice).await.unwrap();
    for number in 0..3 * REMEMBERED {
        for _ in 0..2 {
            guess(&failures, &format!("nobody{number}"), WRONG).await;
        }
    }
    let mut second = Box::pin(failures.of_account(&alice));
    assert!(futures_util::poll!(&mut second).is_pending());
    first.settle(WRONG);
    drop(first);
    let refused = second.await.err().map(|error| error.kind());
    assert_eq!(refused, Some(ErrorKind::TooManyFailures));
}
