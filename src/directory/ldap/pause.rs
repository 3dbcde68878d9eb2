//! How long to wait before something that failed is tried again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Pauses that grow, to a bound.
pub(super) struct Pauses {
    pub(super) first: Duration,
    /// By which each is longer than the one before.
    pub(super) factor: u32,
    pub(super) longest: Duration,
}

impl Pauses {
    /// The pause after so many failures in a row.
    pub(super) fn after(&self, failures: u32) -> Duration {
        let factor = self.factor.saturating_pow(failures.saturating_sub(1));
        jittered(self.first.saturating_mul(factor).min(self.longest))
    }
}

/// Between three quarters of `time` and all of it, so that the processes of a site don't all do a
/// thing at the same time.
pub(super) fn jittered(time: Duration) -> Duration {
    let quarter = time / 4;
    let share = random_below(1024);
    time - quarter.saturating_mul(share) / 1024
}

/// A number that spreads load, and that nobody must guess at: no secret may depend on it.
pub(super) fn random_below(bound: u32) -> u32 {
    let number = RandomState::new().hash_one(()) % u64::from(bound.max(1));
    u32::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_differ() {
        let pauses = Pauses {
            first: Duration::from_secs(1),
            factor: 2,
            longest: Duration::from_secs(60),
        };
        for (failures, seconds) in [
            (0, 1),
            (1, 1),
            (2, 2),
            (3, 4),
            (6, 32),
            (7, 60),
            (u32::MAX, 60),
        ] {
            let whole = Duration::from_secs(seconds);
            for _ in 0..100 {
                let pause = pauses.after(failures);
                assert!(pause <= whole && pause >= whole * 3 / 4, "{pause:?}");
            }
        }
        let some: std::collections::HashSet<_> = (0..100).map(|_| pauses.after(7)).collect();
        assert!(some.len() > 10, "{some:?}");
    }

    #[test]
    fn random_numbers_are_below_their_bound_and_reach_it() {
        let seen: std::collections::HashSet<_> = (0..1000).map(|_| random_below(3)).collect();
        assert_eq!(seen, [0, 1, 2].into());
        assert_eq!(random_below(0), 0);
    }
}
