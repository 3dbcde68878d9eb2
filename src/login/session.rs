//! The session of one request.

use std::time::SystemTime;

use serde_json::Value;
use tower_sessions::{Expiry, Session, session};

use super::record::to_date;
use super::{EndedLogins, HEAD, OWNER, SIGNED_OUT, USED, USER};
use crate::error::{Error, ErrorKind};

/// The session of one request.
#[derive(Clone)]
pub(crate) struct RequestSession(pub(super) Session);

impl RequestSession {
    pub(crate) fn of(extensions: &http::Extensions) -> Result<Self, Error> {
        match extensions.get::<Session>() {
            Some(session) => Ok(Self(session.clone())),
            None => Err(Error::new(ErrorKind::SessionLayerMissing)),
        }
    }

    /// Whether something was written into it, so that the answer carries a cookie.
    pub(crate) fn is_modified(&self) -> bool {
        self.0.is_modified()
    }

    /// Whether the person has signed out, and has not asked to sign in again.
    pub(crate) async fn is_signed_out(&self) -> Result<bool, Error> {
        Ok(self.get(SIGNED_OUT).await?.is_some())
    }

    /// Forgets that the person has signed out.
    pub(crate) async fn forget_signing_out(&self) -> Result<(), Error> {
        self.remove(SIGNED_OUT).await
    }

    /// Leaves nothing in it but the mark of a logout, under a new id.
    pub(super) async fn sign_out(&self, ended: &EndedLogins) -> Result<(), Error> {
        let before = self.id();
        self.0.clear().await;
        self.mark_signed_out().await?;
        self.change_id().await?;
        match before {
            Some(id) => ended.mark_signed_out(id, self.0.expiry_date()).await,
            None => Ok(()),
        }
    }

    pub(super) async fn mark_signed_out(&self) -> Result<(), Error> {
        self.set(SIGNED_OUT, Value::Bool(true)).await
    }

    /// Leaves nothing in it, under a new id.
    pub(super) async fn empty(&self) -> Result<(), Error> {
        // Not `flush()`: what is inserted after it goes to the old id.
        self.0.clear().await;
        self.change_id().await
    }

    pub(super) async fn change_id(&self) -> Result<(), Error> {
        self.0.cycle_id().await.map_err(store_failed)
    }

    /// Takes the login out of it; the data stays its owner's.
    pub(super) async fn remove_login(&self) -> Result<(), Error> {
        for key in [HEAD, USER, USED] {
            self.remove(key).await?;
        }
        Ok(())
    }

    /// Its id, unless it turned out that it has no record.
    pub(super) fn id(&self) -> Option<session::Id> {
        self.0.id()
    }

    pub(super) async fn owner(&self) -> Result<Option<Value>, Error> {
        self.get(OWNER).await
    }

    /// Lets a session with nothing in it end with the login that is put into it now.
    pub(super) async fn end_with_login(&self, end: SystemTime) {
        if let Some(end) = to_date(end)
            && self.0.is_empty().await
            && end < self.0.expiry_date()
        {
            self.0.set_expiry(Some(Expiry::AtDateTime(end)));
        }
    }

    pub(super) async fn remove(&self, key: &str) -> Result<(), Error> {
        // Removing what is not there would count as a change, and send a cookie.
        if self.get(key).await?.is_some() {
            self.0.remove_value(key).await.map_err(store_failed)?;
        }
        Ok(())
    }

    pub(super) async fn set(&self, key: &str, value: Value) -> Result<(), Error> {
        let inserted = self.0.insert_value(key, value).await;
        inserted.map(drop).map_err(store_failed)
    }

    pub(super) async fn get(&self, key: &str) -> Result<Option<Value>, Error> {
        self.0.get_value(key).await.map_err(store_failed)
    }
}

fn store_failed(error: session::Error) -> Error {
    Error::new(ErrorKind::SessionStore).with_source(error)
}
