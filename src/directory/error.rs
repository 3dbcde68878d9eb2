//! Why a directory has no user to give.

use crate::error::{Error, ErrorKind};
use crate::explain::{Cause, Explanation};

/// Why a [`Directory`](super::Directory) has no user to give.
#[derive(Debug, Clone, thiserror::Error)]
#[error(transparent)]
pub struct DirectoryError(Error);

impl DirectoryError {
    /// Nobody has this principal: 403.
    pub fn not_found() -> Self {
        Self(Error::new(ErrorKind::UserNotFound))
    }

    /// More than one entry answers to this principal: 403.
    pub fn ambiguous() -> Self {
        Self(Error::new(ErrorKind::UserAmbiguous))
    }

    /// What was found is similar to the person asked for, and is not that person: 403.
    pub fn differs() -> Self {
        Self(Error::new(ErrorKind::UserDiffers))
    }

    /// The person is known and may not sign in: 403.
    pub fn denied() -> Self {
        Self(Error::new(ErrorKind::UserDenied))
    }

    /// The ticket has no PAC, and nothing else says who the person is: 403.
    pub fn pac_missing() -> Self {
        Self(Error::new(ErrorKind::PacMissing).explained(Explanation::new(Cause::PacMissing)))
    }

    /// The directory can't answer now: 503.
    pub fn unavailable() -> Self {
        Self(Error::new(ErrorKind::DirectoryUnavailable))
    }

    /// The directory answers and will not serve us, by a mistake in our set-up (a refused bind, a
    /// search base that does not exist): 503 all the same, for it is no fault of the person's.
    pub fn misconfigured() -> Self {
        Self(Error::new(ErrorKind::DirectoryMisconfigured))
    }

    /// Adds what the log should say besides; never a secret.
    #[must_use]
    pub fn with_detail(self, detail: impl AsRef<str>) -> Self {
        Self(self.0.with_detail(detail))
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn with_source(self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self(self.0.with_source(source))
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind()
    }
}

impl From<DirectoryError> for Error {
    fn from(error: DirectoryError) -> Self {
        error.0
    }
}
