//! The session of one request.

use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use serde_json::Value;
use tower_sessions::session::Record;
use tower_sessions::{Expiry, Session, SessionStore, session, session_store};

use super::ended::Whose;
use super::record::to_date;
use super::{CAME_FROM, EndedLogins, HEAD, OWNER, SIGNED_OUT, USED, USER};
use crate::error::{Error, ErrorKind};

/// The session of one request.
#[derive(Clone)]
pub(crate) struct RequestSession {
    pub(super) inner: Session,
    kept: Kept,
}

/// Who keeps what is written into a session.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// The session layer around.
    Around,
    /// This layer: it is another request's, and so the session layer around this one doesn't.
    Here,
    /// Nobody, and handlers don't find it.
    Nowhere,
}

impl RequestSession {
    pub(crate) fn of(extensions: &http::Extensions) -> Result<Self, Error> {
        match extensions.get::<Session>() {
            Some(session) => Ok(Self::new(session.clone())),
            None => Err(Error::new(ErrorKind::SessionLayerMissing)),
        }
    }

    pub(super) fn new(session: Session) -> Self {
        Self {
            inner: session,
            kept: Kept::Around,
        }
    }

    /// One for a request of which nothing is to be kept. The request's own session, if any, is not
    /// looked at.
    pub(crate) fn of_this_request_alone() -> Self {
        Self {
            inner: Session::new(None, Arc::new(Nowhere), None),
            kept: Kept::Nowhere,
        }
    }

    /// Whether a login can be kept in it.
    pub(crate) fn is_kept(&self) -> bool {
        self.kept != Kept::Nowhere
    }

    /// One in which nothing stays, for a request whose own session is not to be looked at.
    pub(crate) async fn nobodys(is_signed_out: bool) -> Result<Self, Error> {
        let session = Self {
            inner: Session::new(None, Arc::new(Nowhere), None),
            kept: Kept::Here,
        };
        if is_signed_out {
            session.mark_signed_out().await?;
        }
        Ok(session)
    }

    /// The same session, for another request.
    pub(super) fn as_another_requests(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            kept: Kept::Here,
        }
    }

    /// Lets handlers find it.
    pub(crate) fn enter(&self, extensions: &mut http::Extensions) {
        if self.kept == Kept::Here {
            extensions.insert(self.inner.clone());
        }
    }

    /// Saves what the session layer doesn't.
    pub(crate) async fn leave(&self) -> Result<(), Error> {
        match self.kept {
            Kept::Here => Box::pin(self.inner.save()).await.map_err(store_failed),
            Kept::Around | Kept::Nowhere => Ok(()),
        }
    }

    /// Whether something was written into it, so that the answer carries a cookie.
    pub(crate) fn is_modified(&self) -> bool {
        self.is_kept() && self.inner.is_modified()
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
    pub(super) async fn sign_out(&self, ended: &EndedLogins, whose: Whose) -> Result<(), Error> {
        let came_from = self.came_from().await?;
        let before = self.id().into_iter().chain(came_from);
        self.inner.clear().await;
        self.mark_signed_out().await?;
        self.change_id().await?;
        for id in before {
            let session_end = self.inner.expiry_date();
            ended.mark_signed_out(id, whose, session_end).await?;
        }
        Ok(())
    }

    pub(super) async fn mark_signed_out(&self) -> Result<(), Error> {
        self.set(SIGNED_OUT, Value::Bool(true)).await
    }

    /// Leaves nothing in it, under a new id.
    pub(super) async fn empty(&self) -> Result<(), Error> {
        // Not `flush()`: what is inserted after it goes to the old id.
        self.inner.clear().await;
        self.change_id().await
    }

    pub(super) async fn change_id(&self) -> Result<(), Error> {
        self.inner.cycle_id().await.map_err(store_failed)
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
        self.inner.id()
    }

    /// Whose data it holds, or a mark in the owner's place.
    pub(super) async fn owner(&self) -> Result<Option<Value>, Error> {
        let owner = self.get(OWNER).await?;
        Ok(owner.map(|owner| match owner {
            // So it was written once.
            Value::Array(_) => Value::String(owner.to_string()),
            owner => owner,
        }))
    }

    /// The id that it had before its owner signed in.
    async fn came_from(&self) -> Result<Option<session::Id>, Error> {
        let id = self.get(CAME_FROM).await?;
        Ok(id.and_then(|id| id.as_str()?.parse().ok()))
    }

    /// Lets a session with nothing in it end with the login that is put into it now.
    pub(super) async fn end_with_login(&self, end: SystemTime) {
        let end = to_date(end);
        if self.inner.is_empty().await && end < self.inner.expiry_date() {
            self.inner.set_expiry(Some(Expiry::AtDateTime(end)));
        }
    }

    pub(super) async fn remove(&self, key: &str) -> Result<(), Error> {
        // Removing what is not there would count as a change, and send a cookie.
        if self.get(key).await?.is_some() {
            self.inner.remove_value(key).await.map_err(store_failed)?;
        }
        Ok(())
    }

    pub(super) async fn set(&self, key: &str, value: Value) -> Result<(), Error> {
        let inserted = self.inner.insert_value(key, value).await;
        inserted.map(drop).map_err(store_failed)
    }

    pub(super) async fn get(&self, key: &str) -> Result<Option<Value>, Error> {
        self.inner.get_value(key).await.map_err(store_failed)
    }
}

/// A store that holds nothing.
#[derive(Debug)]
struct Nowhere;

#[async_trait]
impl SessionStore for Nowhere {
    async fn create(&self, _: &mut Record) -> session_store::Result<()> {
        Ok(())
    }

    async fn save(&self, _: &Record) -> session_store::Result<()> {
        Ok(())
    }

    async fn load(&self, _: &session::Id) -> session_store::Result<Option<Record>> {
        Ok(None)
    }

    async fn delete(&self, _: &session::Id) -> session_store::Result<()> {
        Ok(())
    }
}

fn store_failed(error: session::Error) -> Error {
    Error::new(ErrorKind::SessionStore).with_source(error)
}
