//! The client's side of a Negotiate handshake, in this process.

use std::fmt;
use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use libgssapi::context::{ClientCtx, CtxFlags, SecurityContext};
use libgssapi::name::Name;
use libgssapi::oid::{GSS_MECH_KRB5, GSS_MECH_SPNEGO, GSS_NT_KRB5_PRINCIPAL, Oid};

use super::negotiation::Negotiation;
use super::ticket::TicketCache;
use crate::kerberos::ffi::initiator_credential;

/// The value of an `Authorization` header that carries `token`: `Negotiate <base64>` (RFC 4559
/// section 4.2).
pub fn authorization(token: &[u8]) -> String {
    format!("Negotiate {}", STANDARD.encode(token))
}

/// A handshake to be: see [`TicketCache::handshake`].
#[derive(Debug, Clone)]
#[must_use = "there is no token before `start`"]
pub struct HandshakeRequest<'a> {
    cache: &'a TicketCache,
    spn: String,
    spnego: bool,
    ntlm_first: bool,
    flags: CtxFlags,
    channel_binding: Option<Vec<u8>>,
}

impl<'a> HandshakeRequest<'a> {
    pub(super) fn new(cache: &'a TicketCache, spn: &str) -> Self {
        Self {
            cache,
            spn: spn.to_owned(),
            spnego: true,
            ntlm_first: false,
            flags: CtxFlags::GSS_C_MUTUAL_FLAG,
            channel_binding: None,
        }
    }

    /// A bare Kerberos token instead of SPNEGO, as requests-kerberos sends it.
    pub fn raw_kerberos(mut self) -> Self {
        self.spnego = false;
        self
    }

    /// Offers NTLM before Kerberos, with a token of NTLM's, as some clients outside of a domain do:
    /// the handshake takes two requests, or three with mutual authentication.
    pub fn ntlm_first(mut self) -> Self {
        self.ntlm_first = true;
        self
    }

    /// Does not ask the server to prove itself, like browsers.
    pub fn without_mutual_authentication(mut self) -> Self {
        self.flags.remove(CtxFlags::GSS_C_MUTUAL_FLAG);
        self
    }

    /// Hands over the user's own ticket, too. For one to forward, GSSAPI asks the KDC that
    /// `KRB5_CONFIG` of this process names; without one, it silently forwards none.
    pub fn delegating(mut self) -> Self {
        self.flags.insert(CtxFlags::GSS_C_DELEG_FLAG);
        self
    }

    /// Binds the token to the TLS channel with these application data, such as
    /// `tls-server-end-point:` and a certificate's hash (RFC 5929).
    pub fn channel_binding(mut self, application_data: impl Into<Vec<u8>>) -> Self {
        self.channel_binding = Some(application_data.into());
        self
    }

    /// Makes the first token.
    ///
    /// # Errors
    ///
    /// The KDC refuses or is stopped, or the ticket has expired.
    pub fn start(&self) -> io::Result<Handshake> {
        self.cache.service_ticket(&self.spn)?;
        let ccache = format!("FILE:{}", self.cache.path().display());
        // By its Kerberos name: a host-based one would go through DNS under the machine's
        // krb5.conf, and get the realm from there.
        let target = match self.spn.contains('@') {
            true => self.spn.clone(),
            false => format!("{}@{}", self.spn, self.cache.realm()),
        };
        let mechanism = if self.spnego && !self.ntlm_first {
            GSS_MECH_SPNEGO
        } else {
            GSS_MECH_KRB5
        };
        let mut handshake = Handshake {
            context: client(&ccache, &target, self.flags, mechanism)?,
            negotiation: None,
            token: Vec::new(),
            mutual: self.flags.contains(CtxFlags::GSS_C_MUTUAL_FLAG),
            channel_binding: self.channel_binding.clone(),
        };
        if self.ntlm_first {
            let (negotiation, token) = Negotiation::begin();
            handshake.negotiation = Some(negotiation);
            handshake.token = token;
            return Ok(handshake);
        }
        handshake.token = handshake
            .step(None)?
            .ok_or_else(|| io::Error::other("GSSAPI made no token at the start of a handshake"))?;
        Ok(handshake)
    }
}

/// An initial token for a service such as `HTTP/localhost@EXAMPLE.TEST`, out of any ticket cache,
/// such as a [`DelegatedTicket`](crate::DelegatedTicket)'s. Where the cache has no ticket for the
/// service, GSSAPI asks the KDC that `KRB5_CONFIG` of this process names.
///
/// # Errors
///
/// There is no such cache, or the KDC refuses or can't be found.
pub fn token_from(ccache: &str, service: &str) -> io::Result<Vec<u8>> {
    let mut client = client(ccache, service, CtxFlags::empty(), GSS_MECH_SPNEGO)?;
    let token = client.step(None, None).map_err(gss)?;
    let token = token.ok_or_else(|| io::Error::other("GSSAPI made no token"))?;
    Ok(token.to_vec())
}

fn client(
    ccache: &str,
    service: &str,
    flags: CtxFlags,
    mechanism: Oid<'static>,
) -> io::Result<ClientCtx> {
    let credential = initiator_credential(ccache).map_err(io::Error::other)?;
    let target = Name::new(service.as_bytes(), Some(GSS_NT_KRB5_PRINCIPAL)).map_err(gss)?;
    Ok(ClientCtx::new(
        Some(credential),
        target,
        flags,
        Some(mechanism),
    ))
}

/// A client's handshake with a server, under way.
pub struct Handshake {
    context: ClientCtx,
    negotiation: Option<Negotiation>,
    token: Vec<u8>,
    mutual: bool,
    channel_binding: Option<Vec<u8>>,
}

impl Handshake {
    /// The first token, for the server.
    pub fn token(&self) -> &[u8] {
        &self.token
    }

    /// The first token as the value of an `Authorization` header.
    pub fn authorization(&self) -> String {
        authorization(&self.token)
    }

    /// Takes a reply of the server and returns the next token for it, if it needs one.
    ///
    /// # Errors
    ///
    /// The reply refuses, is none, or was made by a server without the service's key.
    pub fn reply(&mut self, reply: &[u8]) -> io::Result<Option<Vec<u8>>> {
        self.step(Some(reply))
    }

    /// Takes the server's last reply, and checks that it ends the handshake: with mutual
    /// authentication the server has then proved that it holds the service's key.
    ///
    /// # Errors
    ///
    /// As for [`reply`](Self::reply), or the handshake is not at its end.
    pub fn finish(mut self, reply: &[u8]) -> io::Result<()> {
        if let Some(token) = self.step(Some(reply))? {
            return Err(io::Error::other(format!(
                "the handshake is not at its end: the client has a token of {} bytes to send",
                token.len()
            )));
        }
        self.check_end()
    }

    fn check_end(&self) -> io::Result<()> {
        if !self.context.is_complete() {
            return Err(io::Error::other("the handshake is not at its end"));
        }
        let flags = self.context.flags().map_err(gss)?;
        if self.mutual && !flags.contains(CtxFlags::GSS_C_MUTUAL_FLAG) {
            return Err(io::Error::other("the server has not proved itself"));
        }
        Ok(())
    }

    fn step(&mut self, reply: Option<&[u8]>) -> io::Result<Option<Vec<u8>>> {
        let binding = self.channel_binding.as_deref();
        if let (Some(negotiation), Some(reply)) = (&mut self.negotiation, reply) {
            return negotiation.reply(&mut self.context, binding, reply);
        }
        let token = self.context.step(reply, binding).map_err(gss)?;
        Ok(token
            .map(|token| token.to_vec())
            .filter(|token| !token.is_empty()))
    }
}

impl fmt::Debug for Handshake {
    // Not derived: GSSAPI's own handles may ask plug-ins, and crash in one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake")
            .field("complete", &self.context.is_complete())
            .finish_non_exhaustive()
    }
}

/// Rendered at once: GSSAPI keeps its texts per thread.
pub(super) fn gss(error: libgssapi::error::Error) -> io::Error {
    io::Error::other(error.to_string())
}

#[cfg(test)]
mod tests;
