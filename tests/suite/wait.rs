//! Waiting for what comes about of itself, and of which nobody tells when.

use std::time::{Duration, Instant};

use crate::served::DEADLINE;

/// Asks until it is so. A test that has to be sure that something never happens needs another way.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so().await {
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
