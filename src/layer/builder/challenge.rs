//! Who is asked to sign in, and how a refusal looks.

use std::sync::Arc;

use axum_core::response::IntoResponse;
use http::request::Parts;

use super::SpnegoLayerBuilder;
use crate::error::Error;
use crate::gate::{NoLogin, WithoutLogin};

/// # Challenges and refusals
impl SpnegoLayerBuilder {
    /// Calls the handler also for requests without a login, and leaves the challenge to it: where
    /// an extractor asks for a [`User`](crate::User) that is not there, the answer is the layer's
    /// own 401 (which, unlike the layer's other refusals, does not read the request's body first);
    /// `Option<User>` is `None`.
    ///
    /// A part of the application may have a second, stricter layer inside: with the same realms,
    /// host names, channel binding and directory, because a token counts once. An own directory
    /// without a [fingerprint](crate::Directory::fingerprint) is the same only as one
    /// [`SharedDirectory`](crate::SharedDirectory).
    ///
    /// Where handlers serve people and nobody alike, and a sign-in fails with a 5xx, what the
    /// handler saved itself of the session stays under the id from before.
    pub fn optional(mut self) -> Self {
        self.without_login = WithoutLogin::Always(NoLogin::PassAsNobody);
        self
    }

    /// Decides for each request that has neither credentials nor a login: a challenge, on to the
    /// handler as nobody's, or 403. In place of [`optional`](Self::optional).
    ///
    /// ```
    /// use http::Method;
    /// use tower_spnego::{NoLogin, SpnegoConnection, SpnegoLayer};
    ///
    /// let builder = SpnegoLayer::builder().without_login(|request| {
    ///     let peer = SpnegoConnection::of(&request.extensions).and_then(SpnegoConnection::peer);
    ///     if request.method == Method::OPTIONS
    ///         && request.headers.contains_key("access-control-request-method")
    ///     {
    ///         NoLogin::PassAsNobody // a CORS preflight, for a CORS layer inside
    ///     } else if request.uri.path().starts_with("/api/") {
    ///         NoLogin::PassAsNobody // it has a second way in
    ///     } else if peer.is_some_and(|peer| peer.ip().is_loopback()) {
    ///         NoLogin::Forbid // the health check needs no challenge
    ///     } else {
    ///         NoLogin::Challenge
    ///     }
    /// });
    /// ```
    pub fn without_login(
        mut self,
        rule: impl Fn(&Parts) -> NoLogin + Send + Sync + 'static,
    ) -> Self {
        self.without_login = WithoutLogin::Ask(Arc::new(rule));
        self
    }

    /// Respects a [`User`](crate::User) whom a layer further out has put into the request's
    /// extensions, as one that checks API keys: the request goes to the handler as that user's,
    /// whatever else it brings. It has no [`Login`](crate::Login), and writes none.
    ///
    /// ```
    /// use axum::extract::Request;
    /// use axum::middleware::Next;
    /// use axum::response::Response;
    /// use tower_spnego::{Principal, User};
    ///
    /// // .layer(spnego).layer(axum::middleware::from_fn(api_key)): what is added later is outside.
    /// async fn api_key(mut request: Request, next: Next) -> Response {
    ///     if request.headers().get("x-api-key").is_some_and(is_known)
    ///         && let Ok(principal) = "robot@CORP.EXAMPLE.COM".parse::<Principal>()
    ///     {
    ///         request.extensions_mut().insert(User::builder(principal).build());
    ///     }
    ///     next.run(request).await
    /// }
    /// # fn is_known(_: &http::HeaderValue) -> bool { false }
    /// ```
    pub fn respect_user(mut self) -> Self {
        self.respects_user = true;
        self
    }

    /// Sends no word of Negotiate beside the refusal of a token: 403 in place of 401 and the reject
    /// token. For an application with a second way in that its refusal page leads to. Where
    /// [`basic`](Self::basic) is offered, that is the second way: 401, with its challenge alone.
    pub fn negotiate_once(mut self) -> Self {
        self.refusals.negotiate_once = true;
        self
    }

    /// A path such as `/sign-in` where people sign in, whatever came before: a request to it is
    /// challenged whatever [`optional`](Self::optional) or [`without_login`](Self::without_login)
    /// says, and after a logout. The application has a route there, whose handler typically redirects.
    ///
    /// After a [logout](crate::Login::logout) the session takes nothing that the browser sends by
    /// itself, and has no challenge: the answer is 403, with a page that links to this path. Without
    /// one there is no way back but a handler that has a [`SignedOut`](crate::SignedOut), or a new
    /// session.
    ///
    /// It is compared with the path that the layer sees, which inside of axum's `nest` lacks the
    /// beginning.
    pub fn sign_in_path(mut self, path: impl Into<String>) -> Self {
        self.about_logins = Some("sign_in_path");
        self.refusals.sign_in_path = Some(path.into().into());
        self
    }

    /// Makes the page of every refusal out of the request and the error. Of what it answers the
    /// body and the headers count; the status, `WWW-Authenticate` and `Cache-Control` stay the
    /// layer's, and so does a `Retry-After` that it leaves out.
    ///
    /// The head of each request is copied for it, extensions and all, for a handler can ask for a
    /// challenge, too.
    ///
    /// The error says more than a stranger should read: show its
    /// [`kind`](crate::Error::kind)'s status, and an advice of your own.
    ///
    /// ```
    /// use axum::response::Html;
    /// use tower_spnego::SpnegoLayer;
    ///
    /// let builder = SpnegoLayer::builder().refusal_page(|request, error| {
    ///     let path = if request.uri.path().starts_with("/de/") { "de" } else { "en" };
    ///     Html(format!("<p lang={path}>{}</p>", error.kind().status()))
    /// });
    /// ```
    pub fn refusal_page<R: IntoResponse>(
        mut self,
        page: impl Fn(&Parts, &Error) -> R + Send + Sync + 'static,
    ) -> Self {
        self.refusals.page = Some(Arc::new(move |request, error| {
            page(request, error).into_response()
        }));
        self
    }
}
