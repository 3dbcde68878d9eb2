//! The end of logins: what becomes of the session, and of what a request in flight brings back.

use super::ended::How;
use super::record::Record;
use super::{HEAD, HeldLogin, Logins, RequestSession};
use crate::error::Error;

impl Logins {
    /// Lets nothing be saved of a login that has been ended while the request was under way.
    pub(crate) async fn settle(&self, session: &RequestSession) -> Result<(), Error> {
        self.standing(session).await.map(drop)
    }

    /// Lets nothing be saved of this login where the handler has taken it out of the session by
    /// itself, as the session's own `flush()` does.
    pub(crate) async fn settle_flush(
        &self,
        login: &HeldLogin,
        session: &RequestSession,
    ) -> Result<(), Error> {
        match session.get(HEAD).await? {
            Some(_) => Ok(()),
            // It was not the handler who took out one that has been ended.
            None if self.ended.how(login.0.root).await?.is_some() => Ok(()),
            None => {
                let session_end = session.inner.expiry_date();
                self.ended
                    .end(login.0.root, How::Replaced, session_end)
                    .await
            }
        }
    }

    /// Ends the login that the session holds, whichever layer made it; the data stays its owner's.
    pub(crate) async fn remove(&self, session: &RequestSession) -> Result<(), Error> {
        if let Some(record) = self.standing(session).await? {
            let session_end = session.inner.expiry_date();
            let end = self.ended.end(record.root, How::Removed, session_end);
            end.await?;
        }
        session.remove_login().await
    }

    /// What becomes of a session with a login that has been ended.
    pub(super) async fn wind_up(
        &self,
        record: &Record,
        how: How,
        session: &RequestSession,
    ) -> Result<(), Error> {
        match how {
            // What says so is forgotten at some time, and the session may be in use then.
            How::Removed if record.root.end.is_none() => session.remove_login().await,
            // It is left where it is, like one that has expired.
            How::Removed => Ok(()),
            How::Replaced => session.empty().await,
            How::SignedOut => session.sign_out(&self.ended, record.root.whose).await,
        }
    }
}
