//! Without the feature `metrics`, nothing is counted.

use std::time::Duration;

use crate::error::ErrorKind;

pub(crate) fn describe() {}

pub(super) fn sign_in(_: &'static str, _: &'static str, _: Duration) {}

pub(crate) fn refused(_: ErrorKind) {}

pub(super) fn directory(_: &'static str, _: Duration) {}

pub(super) fn cache(_: &'static str) {}

pub(super) fn recheck(_: &'static str) {}

/// A job in the queue of a pool of threads.
pub(crate) struct Waiting;

impl Waiting {
    pub(crate) fn of(_: &'static str) -> Self {
        Self
    }

    pub(crate) fn begin(self) -> Running {
        Running
    }
}

/// A job that a thread does.
pub(crate) struct Running;

impl Running {
    pub(crate) fn end(self) {}
}
