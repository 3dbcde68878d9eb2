//! Metrics, through the [`metrics`] facade. Each label is one of a few words of ours.

use std::time::{Duration, Instant};

use metrics::{
    Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram,
};

use crate::error::ErrorKind;

const SIGN_INS: &str = "spnego_sign_ins_total";
const SIGN_IN_SECONDS: &str = "spnego_sign_in_seconds";
const REFUSALS: &str = "spnego_refusals_total";
const QUEUE_DEPTH: &str = "spnego_queue_depth";
const QUEUE_SECONDS: &str = "spnego_queue_seconds";
const KERBEROS_SECONDS: &str = "spnego_kerberos_seconds";
const DIRECTORY_SECONDS: &str = "spnego_directory_seconds";
const DIRECTORY_CACHE: &str = "spnego_directory_cache_total";
const RECHECKS: &str = "spnego_rechecks_total";

/// Tells the recorder what the metrics are; said again by another layer, it is the same.
pub(crate) fn describe() {
    describe_counter!(
        SIGN_INS,
        Unit::Count,
        "Requests with a token or a password."
    );
    describe_histogram!(
        SIGN_IN_SECONDS,
        Unit::Seconds,
        "From a header with a token or a password to the user or the refusal."
    );
    describe_counter!(
        REFUSALS,
        Unit::Count,
        "Answers in place of the handler's, challenges included."
    );
    describe_gauge!(
        QUEUE_DEPTH,
        Unit::Count,
        "Tokens or passwords that wait for a thread."
    );
    describe_histogram!(QUEUE_SECONDS, Unit::Seconds, "How long they waited.");
    describe_histogram!(
        KERBEROS_SECONDS,
        Unit::Seconds,
        "How long a thread worked on one: GSSAPI with the replay cache, or the KDC."
    );
    describe_histogram!(
        DIRECTORY_SECONDS,
        Unit::Seconds,
        "How long the directory took to answer, its cache included."
    );
    describe_counter!(
        DIRECTORY_CACHE,
        Unit::Count,
        "Questions to a cached directory."
    );
    describe_counter!(
        RECHECKS,
        Unit::Count,
        "Questions to the directory in the middle of a login."
    );
}

pub(super) fn sign_in(method: &'static str, outcome: &'static str, took: Duration) {
    counter!(SIGN_INS, "method" => method, "outcome" => outcome).increment(1);
    histogram!(SIGN_IN_SECONDS, "method" => method, "outcome" => outcome).record(took);
}

pub(crate) fn refused(kind: ErrorKind) {
    counter!(REFUSALS, "kind" => kind.name()).increment(1);
}

pub(super) fn directory(outcome: &'static str, took: Duration) {
    histogram!(DIRECTORY_SECONDS, "outcome" => outcome).record(took);
}

pub(super) fn cache(result: &'static str) {
    counter!(DIRECTORY_CACHE, "result" => result).increment(1);
}

pub(super) fn recheck(outcome: &'static str) {
    counter!(RECHECKS, "outcome" => outcome).increment(1);
}

/// A job in the queue of a pool of threads. It takes its meters along: the thread that does the job
/// is another than that of the request, whose recorder counts.
pub(crate) struct Waiting {
    depth: Gauge,
    wait: Histogram,
    work: Histogram,
    since: Instant,
}

impl Waiting {
    pub(crate) fn of(threads: &'static str) -> Self {
        let depth = gauge!(QUEUE_DEPTH, "threads" => threads);
        depth.increment(1);
        Self {
            depth,
            wait: histogram!(QUEUE_SECONDS, "threads" => threads),
            work: histogram!(KERBEROS_SECONDS, "threads" => threads),
            since: Instant::now(),
        }
    }

    pub(crate) fn begin(self) -> Running {
        self.wait.record(self.since.elapsed());
        Running {
            work: self.work.clone(),
            since: Instant::now(),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.depth.decrement(1);
    }
}

/// A job that a thread does; one that nobody waits for any more, or that panics, does not end.
pub(crate) struct Running {
    work: Histogram,
    since: Instant,
}

impl Running {
    pub(crate) fn end(self) {
        self.work.record(self.since.elapsed());
    }
}
