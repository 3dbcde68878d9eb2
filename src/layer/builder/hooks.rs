//! What the application does of its own, besides.

use std::future::Future;
use std::sync::Arc;

use http::request::Parts;

use super::SpnegoLayerBuilder;
use crate::directory::DirectoryError;
use crate::error::Error;
use crate::hooks::OnSignIn;
use crate::initiator::Initiator;
use crate::user::User;

/// # Hooks
///
/// Each may be said several times; they are called in that order. All are called in the request's own
/// task: they must not block. A panic in one is like one in a handler: it ends the request, and
/// nobody is let in by it.
impl SpnegoLayerBuilder {
    /// Calls this at each sign-in, when the directory has found the user and the rules on groups have
    /// let them in: to make a row for them in a database, to add to the user, or to refuse them.
    ///
    /// ```
    /// use tower_spnego::{DirectoryError, SpnegoLayer};
    ///
    /// # #[derive(Clone)] struct Database;
    /// # struct Member { number: u32, banned: bool }
    /// # impl Database {
    /// #     async fn member(&self, _: &str) -> std::io::Result<Member> { unreachable!() }
    /// # }
    /// # fn members(database: Database) {
    /// let builder = SpnegoLayer::builder().on_sign_in("members", move |_who, user| {
    ///     let database = database.clone();
    ///     async move {
    ///         let member = database.member(user.id()).await;
    ///         let member = member.map_err(|error| DirectoryError::unavailable().with_source(error))?;
    ///         if member.banned {
    ///             return Err(DirectoryError::denied());
    ///         }
    ///         let number = member.number.to_string();
    ///         Ok(user.into_builder().attribute("member", [number]).build())
    ///     }
    /// });
    /// # }
    /// ```
    ///
    /// - **What it may do.** It answers with the user, as they were or with more: handlers read that,
    ///   and the session keeps it. Principal and id must stay, for the session belongs to them
    ///   (otherwise 500, [`UserChanged`](crate::ErrorKind::UserChanged)). Groups that it adds are not
    ///   judged by [`require_group`](Self::require_group) any more. An error is as one of the
    ///   [directory](crate::Directory)'s: [`denied`](DirectoryError::denied) is 403, and
    ///   [`unavailable`](DirectoryError::unavailable) 503, while which the same person's live login
    ///   goes on. In both nothing is stored.
    /// - **When.** For each token and each password that is checked, those included which renew a
    ///   login; at each [recheck](Self::recheck_every), which it may refuse as well; behind a
    ///   [`stateless`](Self::stateless) layer at every request. Not for requests that
    ///   ride on the session, nor for a user whom [`respect_user`](Self::respect_user) respects.
    /// - **It may be called for nothing.** The handler comes after it, and no login is written where
    ///   that answers 5xx, or where the store fails. If the client goes away, it is dropped at
    ///   whatever it awaits, and a browser's parallel requests call it side by side: let it do what
    ///   can be done twice, in one transaction.
    /// - **Its time** is its own matter: the person waits for it.
    ///
    /// The `name` is part of what a layer's logins are known by, on all servers: a login that was
    /// made without this hook, or under another name, is none here. Give it another name when it
    /// comes to refuse more people than before, and they are signed in anew.
    pub fn on_sign_in<F>(
        mut self,
        name: impl Into<String>,
        hook: impl Fn(Initiator, User) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<User, DirectoryError>> + Send + 'static,
    {
        self.hooks.sign_in.push(OnSignIn::new(name.into(), hook));
        self
    }

    /// Calls this at each refusal, whatever its reason, failures (5xx) and those of a
    /// [`RequireGroup`](crate::RequireGroup) included: to count them, or to tell somebody. Not for
    /// the challenge that everybody gets who brings nothing, nor while a handshake goes on.
    ///
    /// The head of each request is copied for it, as for a [`refusal_page`](Self::refusal_page). It
    /// holds the client's token or password, in `Authorization`: don't log it whole.
    ///
    /// ```
    /// use tower_spnego::{Fault, SpnegoLayer};
    ///
    /// let builder = SpnegoLayer::builder().on_refusal(|error, request| {
    ///     if error.fault() != Fault::Client {
    ///         eprintln!("mend this: {} {error}", request.uri.path());
    ///     }
    /// });
    /// ```
    pub fn on_refusal(mut self, hook: impl Fn(&Error, &Parts) + Send + Sync + 'static) -> Self {
        self.refusals.observers.push(Arc::new(hook));
        self
    }

    /// Calls this when the directory could not answer, or does not serve us as set up; or when
    /// [`on_sign_in`](Self::on_sign_in) says the like. It is called also where the person goes on with
    /// a live login, and so nobody is refused.
    pub fn on_directory_error(
        mut self,
        hook: impl Fn(&Error, &Initiator) + Send + Sync + 'static,
    ) -> Self {
        self.hooks.directory_error.push(Box::new(hook));
        self
    }

    /// Calls this with whoever has [signed out](crate::Login::logout). It is not called for a login
    /// that ends by itself, by another user's sign-in, or because the directory refuses the person.
    pub fn on_logout(mut self, hook: impl Fn(&User) + Send + Sync + 'static) -> Self {
        self.on_logout.push(Arc::new(hook));
        self
    }
}
