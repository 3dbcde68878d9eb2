//! A sign-in before the eyes of whoever watches.

use std::future::Future;

use http::request::Parts;
use tracing::Instrument;

use super::{Gate, Visit};
use crate::connection::SpnegoConnection;
use crate::observe::{Method, Outcome, SignIn};
use crate::response::Refusal;

impl Gate {
    /// Has a sign-in's whole way in one span, with its refusal's line in the log.
    pub(super) async fn watched(
        &self,
        method: Method,
        parts: &Parts,
        way: impl Future<Output = Result<Visit, Refusal>>,
    ) -> Result<Visit, Refusal> {
        let sign_in = SignIn::begin(method);
        let came = way.instrument(sign_in.span().clone()).await;
        let (outcome, came) = match came {
            Ok(visit) if visit.signs_in() => (Outcome::SignedIn, Ok(visit)),
            Ok(visit) => (Outcome::Unchanged, Ok(visit)),
            Err(refusal) => {
                let connection = SpnegoConnection::of(&parts.extensions);
                let peer = connection.and_then(SpnegoConnection::peer);
                let log = || refusal.logged(&self.refusals.log, peer);
                let refusal = sign_in.span().in_scope(log);
                (Outcome::Refused(refusal.kind()), Err(refusal))
            }
        };
        sign_in.end(outcome);
        came
    }
}
