//! Whether a server is worth asking.

use std::time::Duration;

use tokio::time::Instant;

use super::super::pause::Pauses;

const PAUSES: Pauses = Pauses {
    first: Duration::from_secs(1),
    factor: 2,
    longest: Duration::from_secs(60),
};

/// What is known of a server by its answers. One that failed is passed over, as long as another one
/// is there, until somebody who waits for nothing has tried it.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// How often in a row.
    failures: u32,
    /// When a server that failed may be tried.
    passed_over_until: Option<Instant>,
    is_being_tried: bool,
}

impl Health {
    pub(super) fn is_passed_over(&self) -> bool {
        self.passed_over_until.is_some()
    }

    /// Whether the caller shall try it: it was passed over for long enough, and nobody else does.
    pub(super) fn begin_trial(&mut self, now: Instant) -> bool {
        let is_due = self.passed_over_until.is_some_and(|until| until <= now);
        let is_ours = is_due && !self.is_being_tried;
        self.is_being_tried |= is_ours;
        is_ours
    }

    /// A trial of its connection is over. Only a search tells that it works for good.
    pub(super) fn end_trial(&mut self, is_connected: bool, now: Instant) {
        self.is_being_tried = false;
        if is_connected {
            self.passed_over_until = None;
        } else {
            self.failed(now);
        }
    }

    /// Whether this is news.
    pub(super) fn works(&mut self) -> bool {
        let is_news = self.failures > 0;
        self.failures = 0;
        self.passed_over_until = None;
        is_news
    }

    /// For how long it is passed over from now on, if this is news: what many meet at the same time
    /// is one failure.
    pub(super) fn failed(&mut self, now: Instant) -> Option<Duration> {
        if self.passed_over_until.is_some_and(|until| now < until) {
            return None;
        }
        self.failures = self.failures.saturating_add(1);
        let pause = PAUSES.after(self.failures);
        self.passed_over_until = Some(now + pause);
        Some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_many_meet_at_once_is_one_failure() {
        let mut health = Health::default();
        let now = Instant::now();
        let pause = health.failed(now).expect("news");
        assert!(pause <= SECOND);
        assert_eq!(health.failed(now), None);
        assert!(health.is_passed_over());
        let pause = health.failed(now + SECOND).expect("news");
        assert!(pause > SECOND);
    }

    #[test]
    fn one_at_a_time_tries_a_server_and_others_pass_it_over_meanwhile() {
        let mut health = Health::default();
        let now = Instant::now();
        assert!(!health.begin_trial(now), "it works");
        health.failed(now);
        assert!(!health.begin_trial(now), "too soon");
        let later = now + SECOND;
        assert!(health.begin_trial(later));
        assert!(!health.begin_trial(later), "somebody does already");
        assert!(health.is_passed_over());
        health.end_trial(false, later);
        assert!(health.is_passed_over());
        assert!(!health.begin_trial(later + SECOND), "the pause grows");
        assert!(health.begin_trial(later + 2 * SECOND));
        health.end_trial(true, later + 2 * SECOND);
        assert!(!health.is_passed_over());
    }

    #[test]
    fn a_server_that_connects_and_fails_each_time_has_ever_longer_pauses() {
        let mut health = Health::default();
        let mut now = Instant::now();
        let mut pauses = Vec::new();
        for _ in 0..10 {
            let pause = health.failed(now).expect("news");
            pauses.push(pause);
            now += pause;
            assert!(health.begin_trial(now));
            health.end_trial(true, now);
        }
        assert!(
            pauses[9] >= 45 * SECOND && pauses[9] <= 60 * SECOND,
            "{pauses:?}"
        );
        assert!(health.works());
        assert!(!health.works());
        assert!(health.failed(now).expect("news") <= SECOND);
    }
}
