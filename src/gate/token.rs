//! Signing in by a Negotiate token, with one request or with several.

use http::Version;
use http::request::Parts;

use super::{Gate, Visit};
use crate::connection::SpnegoConnection;
use crate::error::{Error, ErrorKind};
use crate::explain::{Cause, Explanation};
use crate::host;
use crate::initiator::Initiator;
use crate::kerberos::{Accepted, Handshake, Offer, Refused, Unfinished};
use crate::login::RequestSession;
use crate::response::Refusal;

impl Gate {
    pub(super) async fn sign_in_by_token(
        &self,
        parts: &Parts,
        token: Vec<u8>,
        begun: Option<Unfinished>,
        session: RequestSession,
    ) -> Result<Visit, Refusal> {
        let mut accepted = self.shake_hands(parts, token, begun).await?;
        match self.identify(&accepted, None, &session).await {
            Ok((login, sign_in)) => {
                let delegation = self.delegation(&mut accepted, sign_in.is_some()).await;
                // A browser's parallel request may have been led into another session.
                let session = login.session().clone();
                Ok(Visit::of_login(login, session)
                    .of_credentials()
                    .with_sign_in(sign_in)
                    .with_delegation(delegation)
                    .with_final_token(accepted.final_token))
            }
            Err(error) => Err(Refusal::from(error).with_token(accepted.final_token)),
        }
    }

    /// One leg of a handshake: its last, or the client is to send another request.
    async fn shake_hands(
        &self,
        parts: &Parts,
        token: Vec<u8>,
        begun: Option<Unfinished>,
    ) -> Result<Accepted, Refusal> {
        let offer = Offer {
            token,
            host: host::name(parts),
            channel_binding: self.bindings.of(&parts.extensions),
        };
        let handshake = match begun {
            Some(begun) => self.acceptor.go_on(begun, offer).await,
            None => self.acceptor.accept(offer).await,
        };
        match handshake.map_err(|refused| self.explain(parts, refused))? {
            Handshake::Accepted(accepted) => Ok(accepted),
            Handshake::Unfinished(unfinished, token) => {
                match SpnegoConnection::of(&parts.extensions) {
                    Some(connection) if parts.version == Version::HTTP_11 => {
                        connection.park(unfinished);
                        Err(Refusal::from(Error::new(ErrorKind::HandshakeGoesOn)).with_token(token))
                    }
                    _ => Err(self.not_tied(parts).into()),
                }
            }
        }
    }

    fn explain(&self, parts: &Parts, mut refused: Refused) -> Refused {
        let knows_end_point = self.bindings.knows_end_point(&parts.extensions);
        refused.error = refused.error.map_explanation(|explanation| {
            let explanation = explanation.at(host::name(parts), None);
            match explanation.kind() {
                Cause::ChannelBindingDiffers if !knows_end_point => explanation.with_detail(
                    "no certificate is known for this connection: give the layer one with \
                     server_end_point(..), or put a ServerEndPoint into each request's extensions",
                ),
                _ => explanation,
            }
        });
        refused
    }

    /// Of a ticket that its client gets in by nowhere here.
    pub(super) fn about(&self, explanation: Explanation, initiator: &Initiator) -> Explanation {
        let service = self.acceptor.principals().first().cloned();
        explanation
            .at(None, service)
            .of_client(initiator.principal())
    }

    /// Of a header that no token was read in.
    pub(super) fn unreadable(&self, error: Error, parts: &Parts) -> Refusal {
        let kind = error.kind();
        let refusal = Refusal::from(error.map_explanation(|explanation| {
            let host = host::name(parts);
            let service = self.acceptor.service_at(host.as_deref());
            explanation.at(host, service)
        }));
        match kind {
            ErrorKind::BasicUnreadable => refusal.of_password(),
            _ => refusal,
        }
    }

    /// Why a handshake of several requests can't be had, or has lost its beginning.
    pub(super) fn not_tied(&self, parts: &Parts) -> Error {
        let lost = |why| Explanation::new(Cause::HandshakeLost).with_detail(why);
        let why = match SpnegoConnection::of(&parts.extensions) {
            None => Explanation::new(Cause::NoConnection),
            Some(_) if parts.version != Version::HTTP_11 => {
                lost("it can be had over HTTP/1.1 alone, where one request follows the other")
            }
            Some(_) => lost(
                "no handshake is under way on this connection: it took too long, another request \
                 came between, or a proxy sent this one over another connection",
            ),
        };
        Error::new(ErrorKind::UnfinishedHandshake).explained(why)
    }
}
